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
