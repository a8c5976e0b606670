"""An array as a scene: what is read of it is what is read of a file of the same samples."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import geosal
from geosal import SceneError, UsageError
from geosal.arrays.array_scene import ArrayScene, FileSamples, untouched
from geosal.core.grid import Block
from geosal.scenes import AnyScene, Scene

PART = Block(100, 30, 90, 200)


def same(one: AnyScene, other: AnyScene) -> None:
    ours, theirs = one.read(PART), other.read(PART)
    np.testing.assert_array_equal(ours.pixels, theirs.pixels)
    np.testing.assert_array_equal(ours.valid, theirs.valid)
    assert (ours.mask is None) == (theirs.mask is None)
    np.testing.assert_array_equal(one.read_mask(PART), other.read_mask(PART))
    assert (one.layout.dtype, one.layout.nodata, one.layout.count) == (
        other.layout.dtype,
        other.layout.nodata,
        other.layout.count,
    )
    assert one.has_mask == other.has_mask


@pytest.mark.parametrize("bands", [None, [3, 1]])
def test_an_array_is_read_like_its_file(rgb_scene: Path, bands: list[int] | None) -> None:
    array = geosal.open_scene(rgb_scene, bands=bands, chunks=128)
    file = Scene.open(rgb_scene, tuple(bands or ()))
    for alike in (array, array.load(), array.copy().chunk(x=77)):
        same(ArrayScene.of(alike), file)


def test_samples_of_an_opened_file_are_read_from_there(rgb_scene: Path) -> None:
    array = geosal.open_scene(rgb_scene)
    found = untouched(array)
    assert isinstance(found, FileSamples)
    assert untouched(array.isel(band=[1, 0])) is None
    assert untouched(array[:, 10:]) is None
    assert untouched(array.geosal.smooth("half")) is None
    assert untouched(array.assign_coords(valid=(("y", "x"), np.ones(array.shape[1:], np.bool_)))) is not None
    assert ArrayScene.of(array.rio.write_nodata(7)).layout.nodata == 7


def test_bands_are_known_by_name_role_and_number(rgb_scene: Path) -> None:
    named = xr.DataArray(
        np.arange(24, dtype=np.uint8).reshape(3, 2, 4), dims=("band", "y", "x"), coords={"band": ["red", "B08", "x"]}
    )
    scene, whole = ArrayScene.of(named), Block(0, 0, 2, 4)
    for name, position in (("Red", 0), ("b08", 1), ("2", 1)):
        np.testing.assert_array_equal(scene.having(name).read(whole).pixels[0], named[position])
    with pytest.raises(UsageError, match=r"no band nir; it has 1 \(red\), 2 \(b08\), 3 \(x\)"):
        scene.having("nir")
    numbered = geosal.open_scene(rgb_scene)[1:].compute()
    assert ArrayScene.of(numbered).having("3").layout.metadata.bands[0].description == "B02"
    np.testing.assert_array_equal(  # the file has what the array lacks
        ArrayScene.of(numbered).having("B04").read(PART).pixels, Scene.open(rgb_scene, (1,)).read(PART).pixels
    )


def test_all_bands_in_another_order_are_in_that_order(rgb_scene: Path) -> None:
    opened = geosal.open_scene(rgb_scene)
    for array in (opened, opened.load().copy(), opened.copy().chunk(x=77)):
        same(ArrayScene.of(array).having("3", "1", "2"), Scene.open(rgb_scene, (3, 1, 2)))
        same(ArrayScene.of(array).select([2, 0, 1]), Scene.open(rgb_scene, (3, 1, 2)))


def test_types_that_no_file_has_are_refused() -> None:
    with pytest.raises(SceneError, match=r"samples of type int64, .*astype\('float64'\)"):
        ArrayScene.of(xr.DataArray(np.zeros((4, 4), np.int64), dims=("y", "x")))
