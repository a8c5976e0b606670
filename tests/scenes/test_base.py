"""Scenes that are made of others: what they have of their own, and what they ask the scene within for."""

import pickle
from pathlib import Path

import numpy as np
import pytest

import geosal
from geosal.scenes import AnyScene, Reading, Scene, open_input
from geosal.scenes.base import Selected, Wrapped
from geosal.scenes.zarr_store import ZarrScene

ASKED = (
    "path", "driver", "block_shape", "tile_bytes", "work_bytes", "drivers", "rewinds", "has_mask", "quality", "files",
)  # fmt: skip
"""What a scene that is made of another one has of it."""


@pytest.fixture(params=["raster", "bytes", "store"])
def scene(request: pytest.FixtureRequest, rgb_scene: Path, tmp_path: Path) -> AnyScene:
    if request.param == "store":
        store = tmp_path / "out.zarr"
        geosal.compress(str(rgb_scene), str(store), saliency="half")
        return ZarrScene.open_store(store)
    return open_input(str(rgb_scene), Reading(to_byte="range:10-200" if request.param == "bytes" else None))


def test_selected_bands_are_those_of_the_scene(scene: AnyScene) -> None:
    block = scene.grid.whole()
    whole, some = scene.read(block), scene.select([2, 0])
    assert some.layout.count == 2
    assert [band.colorinterp.name for band in some.layout.metadata.bands] == ["blue", "red"]
    read = pickle.loads(pickle.dumps(some)).read(block)
    np.testing.assert_array_equal(read.pixels, whole.pixels[[2, 0]])
    np.testing.assert_array_equal(read.valid, whole.valid[[2, 0]])
    assert {name: getattr(some, name) for name in ASKED} == {name: getattr(scene, name) for name in ASKED}
    assert not some.is_whole_file()
    np.testing.assert_array_equal(some.read_mask(block), scene.read_mask(block))


def test_a_scene_in_bytes_holds_the_scene_within_and_nothing_of_it_twice(rgb_scene: Path) -> None:
    scene = Scene.open(rgb_scene)
    stretched = open_input(str(rgb_scene), Reading(to_byte="range:10-200"))
    assert isinstance(stretched, Wrapped)
    assert not isinstance(stretched, Scene)
    assert stretched.original.layout.dtype == scene.layout.dtype
    assert {name: getattr(stretched, name) for name in ASKED} == {name: getattr(scene, name) for name in ASKED}
    assert not stretched.has_statistics
    assert (scene.is_whole_file(), stretched.is_whole_file()) == (True, False)


def test_what_is_selected_of_a_selection_lies_in_the_scene(rgb_scene: Path) -> None:
    scene = Scene.open(rgb_scene)
    twice = Selected.of(Selected.of(scene, [2, 1]), [1])
    block = scene.grid.whole()
    np.testing.assert_array_equal(twice.read(block).pixels, scene.read(block).pixels[[1]])
    small, expected = twice.decimate(4), scene.decimate(4, [1])
    assert (small is None) == (expected is None)
    if small is not None and expected is not None:
        np.testing.assert_array_equal(small.pixels, expected.pixels)
