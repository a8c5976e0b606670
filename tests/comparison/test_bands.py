"""Bands compared group after group: the same figures, and memory that does not grow with them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

import geosal
from geosal.comparison import Pair, bands
from geosal.comparison import run as comparison_run
from geosal.comparison.bands import groups_of, of_bands
from geosal.scenes import Reading, Scene, open_input

MIB = 2**20
PLACE: dict[str, Any] = {"crs": "EPSG:32631", "transform": from_origin(399960, 4900020, 10, 10)}


def write(path: Path, pixels: np.ndarray, *, alpha: bool = False, **profile: Any) -> Path:
    layout = {"count": len(pixels), "height": pixels.shape[1], "width": pixels.shape[2], "dtype": pixels.dtype}
    with rasterio.open(path, "w", driver="GTiff", **layout, **PLACE, **profile) as dataset:
        dataset.write(pixels)
        if alpha:
            dataset.colorinterp = [ColorInterp.gray, *[ColorInterp.undefined] * (len(pixels) - 2), ColorInterp.alpha]
        dataset.set_band_description(2, "second")
    return path


@pytest.fixture(params=["uint16", "nodata", "alpha", "float32"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """Original and candidate of five bands; gaps lie in some of them."""
    rng = np.random.default_rng(5)
    pixels = rng.integers(1, 4000, (5, 330, 410)).astype("float32" if request.param == "float32" else "uint16")
    noisy = pixels + rng.integers(0, 3, pixels.shape).astype(pixels.dtype)
    if request.param == "nodata":
        pixels[1, 30:60, 200:300] = noisy[1, 40:60, 200:300] = 0
        noisy[3, :5, :5] = 0
    if request.param == "float32":
        pixels[4, 100:110, 100:110] = noisy[4, 100:110, 100:120] = np.nan
    if request.param == "alpha":
        pixels[4] = noisy[4] = 65535
        pixels[4, 10:60, 200:300] = 0
    more = {"alpha": request.param == "alpha", "nodata": 0 if request.param == "nodata" else None}
    return write(tmp_path / "a.tif", pixels, **more), write(tmp_path / "b.tif", noisy, **more)


def compared(files: tuple[Path, Path], **more: Any) -> geosal.Comparison:
    return geosal.compare(str(files[0]), str(files[1]), "perlin:seed=3", **more)


@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
def test_groups_give_the_same_bits(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(comparison_run, "_BLOCK", 160)
    expected = compared(files, error_map=str(tmp_path / "all.tif"))
    for size in (1, 2, 3):

        def groups(pair: Pair, block: int, workers: int, size: int = size) -> list[list[int]]:
            count = len(pair.bands)
            return [list(range(start, min(start + size, count))) for start in range(0, count, size)]

        monkeypatch.setattr(comparison_run, "groups_of", groups)
        found = compared(files, error_map=str(tmp_path / f"{size}.tif"))
        assert repr(found.rows) == repr(expected.rows)  # NaN is not itself
        assert (found.lost, found.gained) == (expected.lost, expected.gained)
        assert found.rows[2].name == "second"
        with rasterio.open(tmp_path / "all.tif") as one, rasterio.open(tmp_path / f"{size}.tif") as other:
            np.testing.assert_array_equal(one.read(), other.read())
            np.testing.assert_array_equal(one.dataset_mask(), other.dataset_mask())


@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
def test_any_scene_can_be_read_by_its_bands(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Also those that read all bands and leave some: here in 8 bits, and a store."""
    store = tmp_path / "out.zarr"
    geosal.compress(str(files[0]), str(store), saliency="half")
    original, candidate = Scene.open(files[0]), open_input(str(store), Reading())
    byte = open_input(str(files[0]), Reading(to_byte="range:0-4000"))
    for first, second in ((original, candidate), (byte, byte)):
        pair = Pair.of(first, second)
        whole, block = pair.read(pair.grid.whole()), pair.grid.whole()
        some = of_bands(pair, [1, 3])
        assert some.bands == (pair.bands[1], pair.bands[3])
        found = some.read(block)
        for ours, theirs in zip(found, whole, strict=True):
            if ours is None or theirs is None:  # all of these count, or all of all
                assert ours is None
                assert theirs is None or theirs[[1, 3]].all()
            else:
                np.testing.assert_array_equal(ours, theirs[[1, 3]])


def sparse(path: Path, count: int, height: int, width: int, dtype: str) -> Pair:
    """A pair of which only the header exists."""
    profile = {"driver": "GTiff", "width": width, "height": height, "count": count, "dtype": dtype, "SPARSE_OK": True}
    with rasterio.open(path, "w", **profile, **PLACE, tiled=True, blockxsize=512, blockysize=512):
        pass
    return Pair.of(Scene.open(path), Scene.open(path))


def test_few_bands_are_compared_at_once_and_many_are_not(tmp_path: Path) -> None:
    assert groups_of(sparse(tmp_path / "a.tif", 3, 10980, 10980, "uint16"), 1024, 2) == [[0, 1, 2]]
    pair = sparse(tmp_path / "b.tif", 13, 2000, 65500, "uint16")
    wide = groups_of(pair, 1024, 2)
    assert [band for group in wide for band in group] == list(range(13))
    kept = 160 * 65500 * 2 * 2
    assert max(map(len, wide)) * kept < 200 * MIB
    assert len(groups_of(sparse(tmp_path / "c.tif", 5, 65500, 65500, "float64"), 1024, 2)) == 5


@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
def test_progress_counts_all_groups(files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bands, "_BYTES", 1)
    told: list[geosal.Progress] = []
    compared(files, progress=told.append)
    of_stage = [each for each in told if each.stage == "compare"]
    assert [each.done for each in of_stage] == list(range(of_stage[0].total + 1))
    assert of_stage[0].total >= 4
