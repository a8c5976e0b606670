"""Tags and models that say nothing may get lost; others may not."""

import pytest
from rasterio.rpc import RPC

from geosal.raster import BandMetadata, RasterMetadata
from geosal.verification.carried import _same_rpcs, check_tags


@pytest.mark.parametrize(
    ("source", "found", "ok"),
    [
        ({"NITF_ICOM": ""}, {}, True),
        ({"NITF_ICOM": "   "}, {}, True),
        ({"TIFFTAG_SOFTWARE": "\x01"}, {}, True),
        ({"TIFFTAG_XRESOLUTION": "inf"}, {"TIFFTAG_XRESOLUTION": "0"}, True),
        ({"TIFFTAG_XRESOLUTION": "72"}, {"TIFFTAG_XRESOLUTION": "0"}, False),
        ({"SCENE": "S2A"}, {}, False),
        ({"SCENE": "S2A"}, {"SCENE": " "}, False),
        ({"SCENE": ""}, {"SCENE": "S2A"}, False),
    ],
)
def test_what_says_nothing_may_get_lost(source: dict[str, str], found: dict[str, str], ok: bool) -> None:
    ours, theirs = (RasterMetadata(bands=(BandMetadata(),), tags={"": tags}) for tags in (found, source))
    assert check_tags(ours, theirs, "GTiff").ok == ok


def rpcs(**more: float) -> RPC:
    scales = dict.fromkeys(("height_off", "height_scale", "lat_off", "lat_scale", "line_off", "line_scale"), 1.5)
    scales |= dict.fromkeys(("long_off", "long_scale", "samp_off", "samp_scale"), 2.5)
    coefficients = dict.fromkeys(("line_num_coeff", "line_den_coeff", "samp_num_coeff", "samp_den_coeff"), [0.1] * 20)
    return RPC(**(scales | coefficients | more))


def test_errors_that_rpcs_do_not_tell() -> None:
    assert _same_rpcs(rpcs(err_bias=-1.0, err_rand=-1.0), rpcs())
    assert _same_rpcs(rpcs(err_bias=1.0, err_rand=2.0), rpcs(err_bias=1.0, err_rand=2.0))
    assert not _same_rpcs(rpcs(err_bias=1.0, err_rand=2.0), rpcs())
    assert not _same_rpcs(rpcs(lat_off=1.0), rpcs())
