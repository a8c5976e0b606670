"""Which blocks a job takes, from the headers of large scenes."""

from pathlib import Path

import pytest
import rasterio

from geosal.errors import ResourceError
from geosal.fit import Fit, fit
from geosal.recipe import Recipe
from geosal.scenes import Scene

MIB = 2**20


def fit_scene(folder: Path, dtype: str, count: int = 3, cores: int = 2, **wish: object) -> Fit:
    """Fit a job on a full scene, of which only the header exists."""
    path = folder / f"{dtype}-{count}.tif"
    profile = {"driver": "GTiff", "width": 10980, "height": 10980, "count": count, "dtype": dtype, "SPARSE_OK": True}
    with rasterio.open(path, "w", **profile, tiled=True, blockxsize=512, blockysize=512):
        pass
    recipe = Recipe.from_mapping({"input": str(path), "output": "out.tif", "saliency": "half", **wish})
    return fit(recipe, Scene.open(path), cores=cores, tile=512)


def test_nobody_set_a_limit_and_a_full_scene_stays_below_512_mib(tmp_path: Path) -> None:
    for dtype, block in (("uint8", 2048), ("uint16", 1536), ("float32", 1024)):
        fitted = fit_scene(tmp_path, dtype)
        assert (fitted.block, fitted.workers) == (block, 2)
        assert fitted.memory <= 540 * MIB  # expected, with some room: measured, it is 512 or less


def test_blocks_do_not_become_so_small_that_halos_cost_time(tmp_path: Path) -> None:
    assert fit_scene(tmp_path, "uint16", count=13).block == 1024
    assert fit_scene(tmp_path, "uint8", cores=16) == fit_scene(tmp_path, "uint8", cores=16, block=1024)


def test_a_limit_goes_further(tmp_path: Path) -> None:
    free = fit_scene(tmp_path, "uint16", count=13)
    limited = fit_scene(tmp_path, "uint16", count=13, max_memory="512MiB")
    assert limited.memory <= 512 * MIB < free.memory
    assert limited.block < free.block or limited.workers < free.workers
    with pytest.raises(ResourceError, match="at least"):
        fit_scene(tmp_path, "uint16", max_memory="100MB")


def test_the_users_word_goes_first(tmp_path: Path) -> None:
    assert fit_scene(tmp_path, "uint16", block=2048).block == 2048
    assert fit_scene(tmp_path, "uint8", max_memory="4GiB").block == 2048
