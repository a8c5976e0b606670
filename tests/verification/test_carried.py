"""Tags and models that say nothing may get lost; others may not."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.rpc import RPC
from rasterio.transform import from_origin

import geosal
from geosal.core.raster import BandMetadata, RasterMetadata
from geosal.errors import GeosalWarning
from geosal.formats.table import format_of
from geosal.verification.carried import _same_crs, _same_rpcs, check_tags


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
    assert check_tags(ours, theirs, format_of("a.tif").finished).ok == ok


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


@pytest.mark.parametrize(
    ("found", "source", "same"),
    [
        ('LOCAL_CS["unnamed",UNIT["metre",1]]', 'LOCAL_CS["mine grid",UNIT["metre",1]]', True),
        ('LOCAL_CS["unnamed",UNIT["metre",1]]', 'LOCAL_CS["mine grid",UNIT["US survey foot",0.3048006]]', False),
        ('LOCAL_CS["unnamed",UNIT["foot",0.3048]]', 'LOCAL_CS["mine grid",UNIT["foot",0.3048]]', True),
        ('LOCAL_CS["unnamed",UNIT["metre",1]]', "EPSG:32631", False),
    ],
)
def test_local_crs_are_the_same_by_their_unit(found: str, source: str, same: bool) -> None:
    assert _same_crs(*(CRS.from_user_input(text) for text in (found, source))) == same


def test_colours_in_another_order(tmp_path: Path) -> None:
    """A JPEG cannot say which band is which colour: the job tells so, and the file is right for what it is."""
    source, colours = tmp_path / "bgr.tif", [ColorInterp.blue, ColorInterp.green, ColorInterp.red]
    profile = {"driver": "GTiff", "count": 3, "height": 64, "width": 64, "dtype": "uint8", "crs": "EPSG:32631"}
    with rasterio.open(source, "w", **profile, transform=from_origin(5e5, 45e5, 10, 10)) as dataset:
        dataset.write(np.random.default_rng(0).integers(0, 255, (3, 64, 64), np.uint8))
        dataset.colorinterp = colours
    scene = geosal.open_scene(str(source))
    with pytest.warns(GeosalWarning, match=r"o.jpg: its bands are blue, green, red, .* \(--bidx\)"):
        geosal.compress(str(source), str(tmp_path / "o.jpg"), saliency="half")
    with pytest.warns(GeosalWarning, match=r"array.jpg: its bands are blue, green, red, .* \(--bidx\)"):
        geosal.write(scene, str(tmp_path / "array.jpg"))
    for name in ("o.jpg", "array.jpg"):
        assert all(check.ok for check in geosal.verify(str(tmp_path / name), against=str(source)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", GeosalWarning)
        geosal.compress(str(source), str(tmp_path / "rgb.jpg"), saliency="half", bidx=(3, 2, 1))
        geosal.compress(str(source), str(tmp_path / "o.tif"), saliency="half")
    assert all(check.ok for check in geosal.verify(str(tmp_path / "o.tif"), against=str(source)))
