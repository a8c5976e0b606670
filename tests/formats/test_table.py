"""The table of formats: what others ask of it holds for every line."""

import pickle
from typing import Any

import numpy as np
import pytest
from affine import Affine
from rasterio.enums import ColorInterp

from geosal.core.grid import Grid
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.errors import UsageError
from geosal.formats.encoders import tile_encoder
from geosal.formats.format import ByGdal, Format
from geosal.formats.profiles import resolve_profile
from geosal.formats.table import FORMATS, OWN_TAGS, PROFILES, format_of, format_read_by, format_with, has_world_file

RGB = tuple(BandMetadata(colorinterp=colour) for colour in (ColorInterp.red, ColorInterp.green, ColorInterp.blue))
LAYOUT = RasterLayout(
    grid=Grid(None, Affine.identity(), 700, 900),
    dtype="uint8",
    nodata=None,
    has_mask=False,
    metadata=RasterMetadata(bands=RGB),
)
every = pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)


def test_each_suffix_driver_and_codec_is_that_of_one_format() -> None:
    for words in (
        [suffix for form in FORMATS for suffix in form.suffixes],
        [form.driver for form in FORMATS],
        [form.reader for form in FORMATS],
        [codec.name for form in FORMATS for codec in form.codecs],
    ):
        assert len(words) == len(set(words))


@every
def test_a_format_is_found_by_what_is_its_own(form: Format[Any]) -> None:
    assert all(format_of(f"a.b{suffix}") is form for suffix in form.suffixes)
    assert all(format_of(f"A{suffix.upper()}") is form for suffix in form.suffixes)
    assert all(format_with(PROFILES[codec.name]) is form for codec in form.codecs)
    assert format_read_by(form.reader) is form
    assert format_read_by("VRT") is None


def test_other_suffixes_name_one_of_each_format() -> None:
    with pytest.raises(
        UsageError, match=r"'\.gif' is not written by this version; use \.tif, \.jp2, \.zarr, \.jpg, \.png or \.bpg$"
    ):
        format_of("a.gif")
    with pytest.raises(UsageError, match="a name without suffix"):
        format_of(".tif")


def test_tags_of_one_file_are_those_of_all_formats() -> None:
    assert {"GEOSAL_ALPHA", "GEOSAL_SHA256", "GEOSAL_WORLDFILE"} == OWN_TAGS


@pytest.mark.parametrize("name", PROFILES)
def test_an_encoder_travels_to_workers_without_its_format(name: str) -> None:
    """It is small, and makes the same bytes there."""
    profile = resolve_profile(f"a{format_with(PROFILES[name]).suffixes[0]}", name, {}, LAYOUT)
    encoder = tile_encoder(profile, LAYOUT)
    if isinstance(encoder, ByGdal):
        assert name == "png"  # GDAL writes the file, and no worker has an encoder
        return
    text = pickle.dumps(encoder)
    assert len(text) < 2000
    pixels = np.random.default_rng(0).integers(0, 256, (3, 64, 64), dtype=np.uint8)
    assert pickle.loads(text)(pixels, None) == encoder(pixels, None)


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_formats_with_world_files_are_those_with_the_option(form: Format[Any]) -> None:
    assert form.has_world_file == ("WORLDFILE" in {option.name for option in form.options})
    assert {has_world_file(f"A{suffix.upper()}") for suffix in form.suffixes} == {form.has_world_file}


@every
def test_each_codec_says_who_can_open_it(form: Format[Any]) -> None:
    for codec in form.codecs:
        assert any(word in codec.opens_in for word in ("GDAL", "GIS")), codec.name
        assert len(codec.opens_in) <= 80, codec.name
        assert not codec.opens_in.endswith("."), codec.name
