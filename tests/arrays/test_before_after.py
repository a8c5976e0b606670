"""A scene, its saliency, and a part before and after."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import geosal
from geosal import UsageError

figures = pytest.importorskip("matplotlib.figure")


@pytest.fixture
def scene(small_scene: Path) -> xr.DataArray:
    return geosal.open_scene(small_scene, to_byte="range:0-6000")


def _pixels(axes: object) -> np.ndarray:
    return np.asarray(axes.images[0].get_array())


def test_the_part_is_smoothed_as_a_job_does(scene: xr.DataArray) -> None:
    axes = scene.geosal.plot(saliency="half", at=(80, 120), figure=figures.Figure())
    assert list(axes) == ["scene", "saliency", "before", "after"]
    rows, cols = slice(0, 160), slice(40, 200)
    valid = (scene != 0).transpose("y", "x", "band")[rows, cols].values
    for name, whole in (("before", scene), ("after", geosal.smooth(scene, "half"))):
        wanted = whole.transpose("y", "x", "band")[rows, cols].values
        np.testing.assert_array_equal(_pixels(axes[name])[valid], wanted[valid])
    assert (_pixels(axes["before"]) != _pixels(axes["after"])).any()
    np.testing.assert_array_equal(_pixels(axes["saliency"]), geosal.saliency("half", like=scene))


def test_the_part_has_what_matters_and_what_does_not(scene: xr.DataArray) -> None:
    left, right, bottom, top = (
        scene.geosal.plot(saliency="half", figure=figures.Figure())["after"].images[0].get_extent()
    )
    assert left < 120 < right
    assert bottom - top == 160


def test_lazy_arrays_and_parts_of_a_figure_will_do(scene: xr.DataArray) -> None:
    whole = figures.Figure()
    upper, _ = whole.subfigures(2)
    saliency = geosal.saliency("grid", like=scene)
    axes = (scene + 0).geosal.plot(["B02"], saliency=saliency, ladder=geosal.Ladder(steps=2), figure=upper)
    assert axes["scene"].get_figure() is upper
    grey = _pixels(axes["after"])
    assert np.ptp(grey[grey[..., 2] != 248], axis=-1).max() == 0  # all but the paper
    with pytest.raises(UsageError, match=r"at=\(160, 0\): the scene has rows 0 to 159"):
        scene.geosal.plot(saliency="half", at=(160, 0))
