"""A format more is one class and one line of the table: a job writes it, and `verify` judges it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray

import geosal
from geosal.core.raster import RasterLayout
from geosal.core.treatment import Treatment
from geosal.errors import UsageError
from geosal.formats import places, profiles, table
from geosal.formats.codec import Codec
from geosal.formats.container import Container, TileIndex
from geosal.formats.format import Format, Profile
from geosal.formats.gdal.sample import gdal_sample
from geosal.formats.options import CreationOption
from geosal.formats.pyramid import Tile


@dataclass(frozen=True)
class PlainEncoder:
    """Tiles as they are."""

    tile: int = 256
    overviews: bool = False

    def __call__(
        self, pixels: NDArray[Any], mask: NDArray[np.bool_] | None, levels: NDArray[np.uint8] | None = None
    ) -> tuple[bytes, ...]:
        return (pixels.tobytes(),)


class PngContainer(Container):
    """Tiles in memory, and a PNG at the end."""

    def __init__(self, path: Path, profile: Profile, layout: RasterLayout, encoder: PlainEncoder) -> None:
        super().__init__(path, layout, TileIndex([layout.grid.shape], encoder.tile))
        self._profile, self._tile = profile, encoder.tile

    def _begin(self) -> None:
        self._pixels = np.zeros((self._layout.count, *self._layout.grid.shape), self._layout.dtype)

    def _take(self, tile: Tile, number: int) -> None:
        row, col = tile.row * self._tile, tile.col * self._tile
        place = self._pixels[:, row : row + self._tile, col : col + self._tile]
        place[:] = np.frombuffer(tile.parts[0], self._pixels.dtype).reshape(place.shape)

    def _complete(self, tags: Any, band_statistics: Any) -> None:
        from imagecodecs import png_encode

        self.path.write_bytes(png_encode(np.ascontiguousarray(np.moveaxis(self._pixels, 0, -1)), 1))
        with gdal_sample(self.path, ".png", self._profile, self._layout, tags, band_statistics) as sample:
            if sample.sidecar.exists():
                sample.sidecar.rename(self.path.with_name(f"{self.path.name}.aux.xml"))


class Png(Format[PlainEncoder]):
    name, driver, reader = "PNG", "PNG", "PNG"
    suffixes = (".png",)
    codecs = (
        Codec(name="png", options=(("ZLEVEL", "1"),), opens_in="every browser", dtypes=("uint8",), counts=(1, 3)),
    )
    options = (CreationOption(name="ZLEVEL", text="How hard it tries.", default="1", limits=(1, 9)),)
    valid = "valid PNG"

    def encoder(self, profile: Profile, layout: RasterLayout, treatment: Treatment, steps: int) -> PlainEncoder:
        return PlainEncoder()

    def container(
        self, path: Path, profile: Profile, layout: RasterLayout, encoder: PlainEncoder, threads: int | None
    ) -> Container:
        return PngContainer(path, profile, layout, encoder)


@pytest.fixture
def with_png(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the line in the table does; ours, which GDAL writes, makes room for one with tiles."""
    found = (*(form for form in table.FORMATS if form.name != "PNG"), Png())
    monkeypatch.setattr(table, "FORMATS", found)
    for module in (table, profiles):
        monkeypatch.setattr(module, "PROFILES", {codec.name: codec for form in found for codec in form.codecs})
    monkeypatch.setattr(places, "_DRIVERS", {**places._DRIVERS, ".png": "PNG"})


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 400, 500), dtype=np.uint8)
    path = tmp_path / "scene.tif"
    place = {"crs": "EPSG:32632", "transform": Affine(10, 0, 600000, 0, -10, 5200000)}
    with rasterio.open(path, "w", driver="GTiff", width=500, height=400, count=3, dtype="uint8", **place) as dataset:
        dataset.write(pixels)
    return path


@pytest.mark.usefixtures("with_png")
@pytest.mark.parametrize("blocks", [256, 304])
def test_a_job_writes_a_new_format_and_verify_judges_it(scene: Path, tmp_path: Path, blocks: int) -> None:
    output = tmp_path / "out.png"
    summary = geosal.compress(scene, output, saliency="half", block=blocks)
    assert (summary.driver, summary.profile) == ("PNG", "png")
    twin = tmp_path / "out.tif"
    geosal.compress(scene, twin, saliency="half")
    with rasterio.open(output) as found, rasterio.open(twin) as expected:
        np.testing.assert_array_equal(found.read(), expected.read())
        assert found.crs == expected.crs
        assert found.transform.almost_equals(expected.transform)
    checks = geosal.verify(output, against=scene, saliency="half")
    assert {check.name for check in checks} >= {"opens", "complete", "layout", "georeferenced", "tags", "salient"}
    assert [check for check in checks if not check.ok] == []
    output.write_bytes(output.read_bytes()[:-90000])
    assert not next(check for check in geosal.verify(output) if check.name == "complete").ok


@pytest.mark.usefixtures("with_png")
def test_it_is_refused_and_estimated_like_any_other(scene: Path, tmp_path: Path) -> None:
    for message, wish in (
        ("did you mean png", {"profile": "pmg"}),
        ("does not go into .*; use png, or an output that ends in .tif", {"profile": "zstd"}),
        ("it takes ZLEVEL", {"creation_options": {"LEVEL": "3"}}),
        ("needs a number from 1 to 9", {"creation_options": {"ZLEVEL": "12"}}),
        ("it has no quality to choose", {"treatment": "quality"}),
        ("both passes are those of one JPEG file", {"treatment": "twopass"}),
    ):
        with pytest.raises(UsageError, match=message):
            geosal.compress(scene, tmp_path / "out.png", saliency="half", **wish)
    with pytest.raises(UsageError, match=r"use \.tif, \.jp2, \.zarr, \.jpg, \.bpg or \.png$"):
        geosal.compress(scene, tmp_path / "out.gif", saliency="half")
    assert list(tmp_path.iterdir()) == [scene]
