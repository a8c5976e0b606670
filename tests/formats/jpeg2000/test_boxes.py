"""The boxes of a small file, made those of a large one: what GDAL writes for the large one is the oracle."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine

from geosal.core.grid import Grid
from geosal.core.jpeg2000 import CODESTREAM
from geosal.formats.jpeg2000.boxes import Wrapping, codestream_head, read_boxes, resize_gml

TRANSFORMS = {
    "north up": Affine(10, 0, 5e5, 0, -10, 4e6),
    "turned": Affine(10, 0, 5e5, 0, -10, 4e6) @ Affine.rotation(20),
    "odd digits": Affine(1 / 3, 0, 123456.789012345, 0, -1 / 7, 7654321.0987654321),
    "degrees": Affine(0.00013888888888888889, 0, -180.00001, 0, -0.00013888888888888889, 71.99999),
    "degrees turned": Affine(0.001, 0, 10, 0, -0.001, 50) @ Affine.rotation(-33),
}


def gdal_jp2(path: Path, grid: Grid, **options: str) -> bytes:
    staged = path.with_suffix(".tif")
    with rasterio.open(
        staged, "w", driver="GTiff", width=grid.width, height=grid.height, count=1, dtype="uint8",
        crs=grid.rasterio_crs, transform=grid.transform,
    ) as dataset:  # fmt: skip
        dataset.write(np.zeros((1, *grid.shape), np.uint8))
    rasterio.shutil.copy(staged, path, driver="JP2OpenJPEG", GeoJP2="YES", GMLJP2="YES", **options)
    return path.read_bytes()


@pytest.mark.parametrize("crs", ["EPSG:32617", "EPSG:4326", "EPSG:3035", "EPSG:3857"])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_boxes_are_those_that_gdal_writes(tmp_path: Path, crs: str, transform: str) -> None:
    small, large = (
        Grid.from_crs(rasterio.CRS.from_string(crs), TRANSFORMS[transform], *shape) for shape in ((64, 64), (129, 211))
    )
    sample, expected = gdal_jp2(tmp_path / "small.jp2", small), gdal_jp2(tmp_path / "large.jp2", large)
    found = Wrapping.of(sample, small, large, part_15=False)
    assert found.before == expected[: len(found.before)]
    assert expected[len(found.before) + 4 :].startswith(CODESTREAM)
    assert found.after == b""


def test_boxes_after_the_codestream(tmp_path: Path) -> None:
    small, large = (Grid.from_crs(rasterio.CRS.from_epsg(32617), TRANSFORMS["turned"], side, 70) for side in (64, 90))
    sample = gdal_jp2(tmp_path / "small.jp2", small, GEOBOXES_AFTER_JP2C="YES")
    expected = gdal_jp2(tmp_path / "large.jp2", large, GEOBOXES_AFTER_JP2C="YES")
    found = Wrapping.of(sample, small, large, part_15=False)
    assert found.after
    assert expected.startswith(found.before)
    assert expected.endswith(found.after)


def test_a_file_with_htj2k_is_a_jph(tmp_path: Path) -> None:
    grid = Grid.from_crs(rasterio.CRS.from_epsg(32617), TRANSFORMS["turned"], 64, 64)
    sample = gdal_jp2(tmp_path / "small.jp2", grid)
    found = list(read_boxes(Wrapping.of(sample, grid, grid, part_15=True).before))
    kinds = [box.kind for box in read_boxes(sample) if box.kind not in {b"rreq", CODESTREAM}]
    assert [box.kind for box in found] == kinds
    assert found[1].content == b"jph \0\0\0\0jph "


def test_text_without_gml_stays() -> None:
    grid = Grid(None, Affine.identity(), 5, 5)
    assert resize_gml(b"<PAMDataset/>", grid, grid) == b"<PAMDataset/>"


def test_heads_of_the_codestream() -> None:
    assert codestream_head(100, long=False) == b"\0\0\0\x6cjp2c"
    assert codestream_head(5 * 2**30, long=True) == b"\0\0\0\1jp2c" + (5 * 2**30 + 16).to_bytes(8, "big")
