"""Pictures of scenes."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import geosal
from geosal import UsageError


def test_a_picture_is_small_and_placed(small_scene: Path) -> None:
    scene = geosal.open_scene(small_scene)
    whole = scene.geosal.rgb()
    assert (whole.shape, whole.dtype) == ((160, 240, 3), np.uint8)
    expected = geosal.open_scene(small_scene, to_byte="percentile:2-98").transpose("y", "x", "band")
    np.testing.assert_array_equal(whole, expected)
    small = scene.load().geosal.rgb(size=60)
    assert small.shape == (40, 60, 3)
    np.testing.assert_array_equal(small.x, scene.x[2::4])
    np.testing.assert_array_equal(small, whole[2::4, 2::4])


def test_bands_are_chosen_by_role_name_or_number() -> None:
    pixels = np.random.default_rng(0).integers(0, 3000, (4, 30, 40)).astype(np.uint16)
    scene = xr.DataArray(pixels, dims=("band", "y", "x"), coords={"band": ["blue", "green", "red", "nir"]})
    usual = scene.geosal.rgb()
    np.testing.assert_array_equal(usual, scene.geosal.rgb(["red", "green", "blue"]))
    np.testing.assert_array_equal(usual, scene.geosal.rgb("rgb"))
    one = scene.geosal.rgb("nir")
    assert (one[..., 0] == one[..., 2]).all()
    np.testing.assert_array_equal(one, scene[3].geosal.rgb())
    with pytest.raises(UsageError, match="no band swir16"):
        scene.geosal.rgb("swir16")


def test_a_picture_is_drawn_with_its_first_row_up(small_scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = pytest.importorskip("matplotlib.figure").Figure
    scene = geosal.open_scene(small_scene)
    nowhere = xr.DataArray(scene.values, dims=("band", "y", "x"))
    for array, first_row in ((scene, scene.y[0]), (nowhere, 0), (scene[:, ::-1], scene.y[0])):
        drawn = array.geosal.plot(size=60, ax=figure().subplots())
        bottom, top = drawn.axes.get_ylim()
        assert abs(float(first_row) - top) < abs(float(first_row) - bottom)
        assert drawn.axes.get_aspect() == 1
        assert np.asarray(drawn.get_array()).shape[:2] == (40, 60)
    monkeypatch.setattr("geosal.core.tables.find_spec", lambda _: None)
    for draw in (scene.geosal.plot, lambda: scene.geosal.plot(saliency="half")):
        with pytest.raises(UsageError, match=r"needs matplotlib.*geosal\[figures\]"):
            draw()
