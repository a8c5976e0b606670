"""The stage takes blocks in any order and gives back what it was given; rasterio reads it."""

import random
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp, MaskFlags

import geosal
from geosal.core.gdal_env import GDAL_CACHE_BYTES
from geosal.core.grid import Grid
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.errors import OutputError
from geosal.formats.gdal.completeness import missing_tiles
from geosal.formats.gdal.convert import convert
from geosal.formats.gdal.stage import Stage

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
UTM = rasterio.CRS.from_epsg(32617)


def layout_of(pixels: np.ndarray[Any, Any], **changes: Any) -> RasterLayout:
    grid = Grid.from_crs(UTM, Affine(10, 0, 5e5, 0, -10, 4e6), *pixels.shape[1:])
    metadata = RasterMetadata(bands=(BandMetadata(),) * len(pixels))
    fields: dict[str, Any] = {"grid": grid, "nodata": None, "has_mask": False, "metadata": metadata, **changes}
    return RasterLayout(dtype=str(pixels.dtype), **fields)


def some(count: int, dtype: str = "uint16", shape: tuple[int, int] = (700, 1100)) -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).integers(0, 200, (count, *shape)).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "uint32", "int32", "float32", "float64"])
@pytest.mark.parametrize("count", [1, 5])
def test_blocks_in_any_order(tmp_path: Path, dtype: str, count: int) -> None:
    pixels = some(count, dtype)
    layout = layout_of(pixels, nodata=7)
    blocks = list(layout.grid.blocks(200))
    random.Random(3).shuffle(blocks)
    with Stage(tmp_path / "stage.tif", layout) as stage:
        for block in blocks:
            rows, cols = block.slices_in(layout.grid.whole())
            stage.write(block, pixels[:, rows, cols], None)
        stage.finish({"GEOSAL_VERSION": "1"}, [{"STATISTICS_MEAN": str(band)} for band in range(count)])
    with rasterio.open(tmp_path / "stage.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(), pixels)
        assert (dataset.crs, dataset.transform, dataset.nodata) == (UTM, layout.grid.transform, 7)
        assert dataset.tags()["GEOSAL_VERSION"] == "1"
        assert dataset.tags(count)["STATISTICS_MEAN"] == str(count - 1)
        assert dataset.block_shapes[0] == (512, 512)


@pytest.mark.parametrize(
    ("width", "count", "dtype", "rows"),
    [
        (2000, 3, "uint16", 512),
        (21_845, 3, "uint16", 512),
        (21_846, 3, "uint16", 256),
        (50_000, 3, "uint16", 128),
        (100_000, 3, "uint8", 128),
        (1_000_000, 4, "uint16", 16),
    ],
)
def test_a_row_of_tiles_that_is_read_by_line_fits_into_the_cache(
    tmp_path: Path, width: int, count: int, dtype: str, rows: int
) -> None:
    grid = Grid.from_crs(UTM, Affine(10, 0, 5e5, 0, -10, 4e6), 1, width)
    layout = layout_of(np.zeros((count, 1, 1), dtype), grid=grid)
    with Stage(tmp_path / "stage.tif", layout, by_line=True):
        pass
    with rasterio.open(tmp_path / "stage.tif") as dataset:
        assert dataset.block_shapes[0] == (rows, 512)
    assert rows * (width + 512) * layout.raw_bytes // width < GDAL_CACHE_BYTES


@pytest.mark.parametrize(("name", "rows"), [("a.png", 64), ("a.tif", 512)])
def test_what_gdal_reads_by_line_is_staged_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, rows: int
) -> None:
    monkeypatch.setattr("geosal.formats.gdal.stage.GDAL_CACHE_BYTES", 2 * 64 * 3000)
    source, found = tmp_path / "in.tif", []
    pixels = some(3, "uint8", (600, 1000))
    with rasterio.open(source, "w", "GTiff", 1000, 600, 3, UTM, Affine(10, 0, 5e5, 0, -10, 4e6), "uint8") as sink:
        sink.write(pixels)

    def see(stage: Path, *rest: Any) -> None:
        with rasterio.open(stage) as dataset:
            found.append(dataset.block_shapes[0])
        convert(stage, *rest)

    monkeypatch.setattr("geosal.formats.gdal.convert.convert", see)
    options = () if name == "a.png" else (("OVERVIEW_RESAMPLING", "NEAREST"),)
    geosal.compress(source, tmp_path / name, saliency="uniform:saliency=1", creation_options=options)
    assert found[0] == (rows, 512)  # others are of samples: noise makes the output larger, and that is explained
    with rasterio.open(tmp_path / name) as dataset:
        np.testing.assert_array_equal(dataset.read(), pixels)


def test_an_output_may_have_the_name_of_a_stage(rgb_scene: Path, tmp_path: Path) -> None:
    options = (("OVERVIEW_RESAMPLING", "NEAREST"),)
    geosal.compress(rgb_scene, tmp_path / "stage.tif", saliency="half", creation_options=options)
    assert [path.name for path in tmp_path.iterdir() if path.name != rgb_scene.name] == ["stage.tif"]
    assert all(check.ok for check in geosal.verify(tmp_path / "stage.tif", against=rgb_scene))


def test_blocks_in_any_order_with_a_mask(tmp_path: Path) -> None:
    pixels = some(3, "uint8")
    mask = pixels[0] > 100
    layout = layout_of(pixels, has_mask=True)

    def write(block: Any) -> None:
        rows, cols = block.slices_in(layout.grid.whole())
        stage.write(block, pixels[:, rows, cols], mask[rows, cols])

    with Stage(tmp_path / "stage.tif", layout) as stage:
        for block in reversed(list(layout.grid.blocks(256))):
            write(block)
        stage.finish({}, None)
    assert [path.name for path in tmp_path.iterdir()] == ["stage.tif"]  # the mask is inside
    with rasterio.open(tmp_path / "stage.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(), pixels)
        np.testing.assert_array_equal(dataset.read_masks(1) > 0, mask)
        assert MaskFlags.per_dataset in dataset.mask_flag_enums[0]


@pytest.mark.parametrize(
    "colours",
    [
        (ColorInterp.gray,),
        (ColorInterp.red, ColorInterp.green, ColorInterp.blue),
        (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha),
        (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.undefined),
        (ColorInterp.blue, ColorInterp.green, ColorInterp.red),
        (ColorInterp.gray, ColorInterp.alpha),
        (ColorInterp.undefined, ColorInterp.red, ColorInterp.undefined, ColorInterp.undefined),
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_bands_keep_their_colours(tmp_path: Path, colours: tuple[ColorInterp, ...], dtype: str) -> None:
    pixels = some(len(colours), dtype, (20, 20))
    metadata = RasterMetadata(bands=tuple(BandMetadata(colorinterp=colour) for colour in colours))
    layout = layout_of(pixels, metadata=metadata)
    with Stage(tmp_path / "stage.tif", layout) as stage:
        stage.write(layout.grid.whole(), pixels, None)
        stage.finish({}, None)
    with rasterio.open(tmp_path / "stage.tif") as dataset:
        assert dataset.colorinterp == colours


def test_grids_without_crs_and_rotated(tmp_path: Path) -> None:
    pixels = some(1, shape=(20, 30))
    none, turned, plain = Affine.identity(), Affine(9, 3, 1, 3, -9, 2), Affine(2, 0, 1, 0, -2, 1)
    for crs, transform in ((None, none), (UTM, turned), (None, plain)):
        layout = layout_of(pixels, grid=Grid.from_crs(crs, transform, 20, 30))
        with Stage(tmp_path / "stage.tif", layout) as stage:
            stage.write(layout.grid.whole(), pixels, None)
            stage.finish({}, None)
        with rasterio.open(tmp_path / "stage.tif") as dataset:
            assert (dataset.crs or None, dataset.transform) == (crs, transform)


def test_use_out_of_turn(tmp_path: Path) -> None:
    pixels = some(1, shape=(20, 30))
    layout = layout_of(pixels)
    stage = Stage(tmp_path / "stage.tif", layout)
    with pytest.raises(OutputError, match="not open"):
        stage.write(layout.grid.whole(), pixels, None)
    with stage:
        stage.finish({}, None)
        with pytest.raises(OutputError, match="finish it once"):
            stage.finish({}, None)


def test_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="working copy cannot be written"):
        Stage(tmp_path / "no" / "stage.tif", layout_of(some(1))).__enter__()


def test_full_disk_is_an_output_error(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk."""
    program = f"""
        import resource, sys
        sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[2])!r}]
        import numpy as np
        import test_stage
        from geosal.errors import OutputError
        pixels = np.random.default_rng(0).integers(0, 256, (3, 1600, 1600)).astype("uint8")
        layout = test_stage.layout_of(pixels)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        try:
            with test_stage.Stage("stage.tif", layout) as stage:
                for block in layout.grid.blocks(512):
                    stage.write(block, pixels[:, *block.slices_in(layout.grid.whole())], None)
                stage.finish({{}}, None)
        except OutputError as error:
            print("OutputError", error)
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stdout.startswith("OutputError"), done.stdout + done.stderr
    assert "see that the disk is not full" in done.stdout


def test_a_nearly_full_disk_stops_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    pixels = some(1)
    layout = layout_of(pixels)
    with Stage(tmp_path / "stage.tif", layout) as stage:  # noqa: SIM117
        with pytest.raises(OutputError, match=r"\(no space left on device, 1.0 kB are free\)"):
            stage.write(layout.grid.whole(), pixels, None)


def test_a_block_that_was_never_written_shows(tmp_path: Path) -> None:
    """GDAL would fill it with zeros in silence, were the file sparse; it is not."""
    pixels = some(1)
    layout = layout_of(pixels)
    with Stage(tmp_path / "stage.tif", layout) as stage:
        stage.finish({}, None)
    with rasterio.open(tmp_path / "stage.tif") as dataset:
        assert list(missing_tiles(dataset)) == []
    with rasterio.open(tmp_path / "sparse.tif", "w", **dataset.profile, sparse_ok=True) as dataset:
        dataset.write(pixels[:, :512, :512], window=((0, 512), (0, 512)))
    with rasterio.open(tmp_path / "sparse.tif") as dataset:
        assert next(missing_tiles(dataset)) == "tile 1, 0 of band 1 is missing"
