"""Qualities that the levels ask of tiles, as JPEG and WebP count them and as JPEG 2000 does."""

import pytest
from affine import Affine

from geosal.core.grid import Grid
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.core.treatment import BEST, Quality
from geosal.formats.jpeg2000.decibels import Decibels
from geosal.formats.quality import Percent, Scale


def layout(dtype: str = "uint8", nbits: int | None = None) -> RasterLayout:
    metadata = RasterMetadata(bands=(BandMetadata(),), nbits=nbits)
    return RasterLayout(
        grid=Grid(None, Affine.identity(), 9, 9), dtype=dtype, nodata=None, has_mask=False, metadata=metadata
    )


@pytest.mark.parametrize(
    ("scale", "wish", "image", "settled"),
    [
        (Percent(), Quality(), layout(), Quality(63.0, 75.0)),
        (Percent(), Quality(None, 10.0), layout(), Quality(1.0, 10.0)),
        (Percent(), Quality(90.0, 80.0), layout(), Quality(80.0, 80.0)),
        (Decibels(), Quality(), layout(), Quality(38.0, 45.0)),
        (Decibels(), Quality(), layout("uint16", 12), Quality(50.0, 57.0)),
        (Decibels(), Quality(None, 100.0), layout(), Quality(38.0, 100.0)),
        (Decibels(), Quality(60.0, 50.0), layout(), Quality(60.0, 60.0)),
    ],
)
def test_what_is_left_open(scale: Scale, wish: Quality, image: RasterLayout, settled: Quality) -> None:
    assert scale.settled(wish, {"QUALITY": "75"}, image) == settled


def test_levels_lie_evenly_between_the_two() -> None:
    assert Percent().by_level(Quality(20.0, 80.0), 3, layout()) == (80, 60, 40, 20)
    assert Percent().by_level(Quality(50.0, 100.0), 2, layout()) == (BEST, 75, 50)


def test_above_the_end_of_the_wavelet_tiles_are_lossless() -> None:
    end = Decibels().best(layout())
    assert 50 < end < 51
    assert Decibels().by_level(Quality(40.0, BEST), 1, layout()) == (BEST, 40.0)
    assert Decibels().by_level(Quality(40.0, 50.0), 1, layout()) == (50.0, 40.0)


def test_a_quality_that_is_not_settled() -> None:
    with pytest.raises(ValueError, match="not settled"):
        Percent().by_level(Quality(None, 80.0), 3, layout())
