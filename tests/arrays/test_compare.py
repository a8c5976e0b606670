"""Arrays are compared by their samples, block by block, with the figures of files."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr

import geosal
from geosal import SceneError


def test_figures_are_those_of_files(rgb_scene: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tif"
    geosal.compress(rgb_scene, out, saliency="grid", profile="webp")
    expected = repr(geosal.compare(rgb_scene, out, "grid").rows)
    opened, candidate = geosal.open_scene(rgb_scene), geosal.open_scene(out)
    loaded = opened.load().copy()
    for original in (geosal.open_scene(rgb_scene), loaded, loaded.chunk(y=130, x=99)):
        for other in (out, candidate, candidate.load().copy()):
            found = original.geosal.compare(other, "grid")
            assert repr(found.rows) == expected
    assert geosal.open_scene(rgb_scene).geosal.compare(out).original_bytes == rgb_scene.stat().st_size
    assert loaded.geosal.compare(candidate.load()).candidate_bytes is None


def test_what_was_smoothed_is_compared_and_not_its_file(rgb_scene: Path, tmp_path: Path) -> None:
    scene = geosal.open_scene(rgb_scene)
    smooth = scene.geosal.smooth("half")
    found = scene.geosal.compare(smooth, "half", error_map=tmp_path / "errors.tif")
    assert found.scores("salient").max_error == 0
    difference = np.abs(smooth.values.astype(int) - scene.values).max(axis=0)
    assert found.scores("whole").max_error == difference.max()
    with rasterio.open(tmp_path / "errors.tif") as errors:
        np.testing.assert_array_equal(errors.read(1), difference)


def test_arrays_that_are_not_alike_are_refused(rgb_scene: Path) -> None:
    scene = geosal.open_scene(rgb_scene)
    with pytest.raises(SceneError, match="the array against .*: 780 x 510 px, not 780 x 520 px"):
        scene.geosal.compare(scene[:, 10:])
    series = xr.concat([scene, scene], "time")
    with pytest.raises(SceneError, match="choose one time"):
        scene.geosal.compare(series)
