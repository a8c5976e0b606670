"""The road of a file: what goes into it, who encodes it, where it is made and when it takes its name."""

from dataclasses import replace
from pathlib import Path

import pytest
from affine import Affine

from geosal.core.grid import Grid
from geosal.core.progress import Progress
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.core.treatment import SMOOTH, Treatment
from geosal.errors import OutputError
from geosal.formats.format import ByGdal
from geosal.formats.profiles import resolve_profile, resolve_treated
from geosal.produce import Target, making, target_for

LAYOUT = RasterLayout(
    grid=Grid(None, Affine.identity(), 300, 400),
    dtype="uint8",
    nodata=0.0,
    has_mask=False,
    metadata=RasterMetadata(bands=(BandMetadata(), BandMetadata(), BandMetadata())),
)


def target(output: Path, profile: str | None = None, *, overwrite: bool = False, **options: str) -> Target:
    chosen = resolve_profile(str(output), profile, options, LAYOUT)
    return target_for(str(output), chosen, LAYOUT, overwrite=overwrite)


def test_a_file_takes_its_name_when_it_is_made(tmp_path: Path) -> None:
    told: list[Progress] = []
    with making(target(tmp_path / "out.tif"), told.append) as made:
        assert made.path.name == made.output.name == "out.tif"
        made.path.write_bytes(b"made")
        assert not made.output.exists()
    assert made.output == tmp_path / "out.tif"
    assert made.output.read_bytes() == b"made"
    assert told == [Progress("verify", 1, 1, "steps")]
    assert list(tmp_path.iterdir()) == [made.output]


def test_where_making_ends_by_an_error_the_old_file_stays(tmp_path: Path) -> None:
    output = tmp_path / "out.tif"
    output.write_bytes(b"old")

    def fail() -> None:
        with making(target(output, overwrite=True)) as made:
            made.path.write_bytes(b"half of it")
            raise OutputError("no room")

    with pytest.raises(OutputError, match="no room"):
        fail()
    assert output.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [output]


def test_a_lossy_codec_gets_a_mask_in_the_place_of_a_nodata_code(tmp_path: Path) -> None:
    lossless, lossy = target(tmp_path / "a.tif"), target(tmp_path / "a.tif", "jpeg")
    assert (lossless.layout.nodata, lossless.layout.has_mask) == (0.0, False)
    assert (lossy.layout.nodata, lossy.layout.has_mask) == (None, True)


def test_what_only_gdal_can_write_is_told_with_the_reason(tmp_path: Path) -> None:
    ours, gdals = target(tmp_path / "a.tif"), target(tmp_path / "a.tif", OVERVIEW_RESAMPLING="NEAREST")
    assert ours.own_encoder is ours.encoder
    assert isinstance(gdals.encoder, ByGdal)
    assert "OVERVIEW_RESAMPLING=NEAREST" in gdals.encoder.because
    with pytest.raises(TypeError, match="whole files only: OVERVIEW_RESAMPLING=NEAREST"):
        _ = gdals.own_encoder


@pytest.mark.parametrize(("profile", "rounds"), [("zstd", True), ("lerc", False)])
def test_a_bound_rounds_pixels_unless_the_codec_keeps_it(tmp_path: Path, profile: str, rounds: bool) -> None:
    layout = replace(LAYOUT, nodata=None)
    wish = Treatment.parse(["bound:error=8"])
    chosen, treatment = resolve_treated("a.tif", profile, {}, layout, wish)
    made = target_for(str(tmp_path / "a.tif"), chosen, layout, overwrite=False, treatment=treatment, steps=4)
    assert made.treatment == wish
    assert (made.rounding is not None) == rounds
    if made.rounding is not None:
        assert made.rounding.errors == (0, 2, 4, 6, 8)
    assert target(tmp_path / "a.tif", profile).treatment == SMOOTH
