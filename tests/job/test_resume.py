"""What a job takes over from one that was begun before."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rasters import PLACE, save

import geosal
from geosal.job.recipe import Recipe
from geosal.job.resume import is_done


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small scene, and a mask beside it."""
    folder = tmp_path_factory.mktemp("resume")
    mask = np.zeros((1, 64, 80), np.uint8)
    mask[:, :30] = 255
    save(folder / "mask.tif", mask, **PLACE)
    pixels = np.random.default_rng(4).integers(1, 200, (1, 64, 80)).astype(np.uint8)
    return save(folder / "scene.tif", pixels, **PLACE)


@pytest.mark.parametrize("suffix", ["tif", "jp2", "zarr", "jpg"])
def test_a_finished_output_counts_as_done_until_something_changes(scene: Path, tmp_path: Path, suffix: str) -> None:
    mask = tmp_path / "mask.tif"
    mask.write_bytes((scene.parent / "mask.tif").read_bytes())
    copy = tmp_path / "scene.tif"
    copy.write_bytes(scene.read_bytes())
    wish: dict[str, Any] = {"input": copy, "output": tmp_path / f"out.{suffix}", "saliency": mask}

    def done(**more: Any) -> bool:
        return is_done(Recipe.from_mapping(wish | more))

    assert not done()
    geosal.compress(**wish)
    assert done()
    assert done(overwrite=True, workers=1, max_memory="2GB")  # which change no byte
    assert not done(steps=4)
    os.utime(copy, (2**31, 2**31))
    assert not done()
    os.utime(copy, (1, 1))
    assert done()
    save(mask, np.eye(64, 80, dtype=np.uint8)[None] * np.uint8(255), **PLACE)
    assert not done()


def test_what_a_search_has_found_is_no_part_of_the_question(scene: Path, tmp_path: Path) -> None:
    wish: dict[str, Any] = {"input": scene, "output": tmp_path / "out.jpg", "saliency": "half", "target_jpeg": 50}
    geosal.compress(**wish)
    assert is_done(Recipe.from_mapping(wish))
    assert not is_done(Recipe.from_mapping(wish | {"target_jpeg": 60}))


def test_another_file_of_that_name_is_not_done(scene: Path, tmp_path: Path) -> None:
    wish = {"input": scene, "output": tmp_path / "out.tif", "saliency": "half", "overwrite": True}
    (tmp_path / "out.tif").write_bytes(scene.read_bytes())
    assert not is_done(Recipe.from_mapping(wish))
    (tmp_path / "out.tif").write_bytes(b"no raster")
    assert not is_done(Recipe.from_mapping(wish))
