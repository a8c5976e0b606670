"""Comparisons as drawings, and the look at a pair that they draw."""

import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasters import PLACE, save

import geosal
from geosal.comparison.look import look_at

figures = pytest.importorskip("matplotlib.figure")


def test_bars_are_the_figures_of_the_parts(rgb_scene: Path, smoothed: Path) -> None:
    found = geosal.compare(rgb_scene, smoothed)
    axes = found.plot(figures.Figure())
    assert set(axes) == {"scene", "psnr", "max_error", "original", "candidate", "error"}
    rows = [row for row in found.rows if row.band == 0]
    for name in ("psnr", "max_error"):
        wanted = [getattr(row.scores, name) for row in rows]
        drawn = [bar.get_width() for bar in axes[name].patches]
        assert drawn == [value if math.isfinite(value) else 0 for value in wanted]
        assert [text.get_text() for text in axes[name].texts].count(" exact") == 2  # the salient part, and level 0


def test_the_part_shows_pixels_as_they_are(rgb_scene: Path, smoothed: Path) -> None:
    axes = geosal.compare(rgb_scene, smoothed).plot(figures.Figure())
    left, right, bottom, top = (round(side + 0.5) for side in axes["error"].images[0].get_extent())
    with rasterio.open(rgb_scene) as before, rasterio.open(smoothed) as after:
        one, other = (data.read()[:, top:bottom, left:right].astype(float) for data in (before, after))
    error = np.sqrt(((one - other) ** 2).mean(axis=0))
    drawn = np.ma.filled(axes["error"].images[0].get_array(), 0)
    assert 0.1 < (error == 0).mean() < 0.9  # what is kept ends there
    np.testing.assert_allclose(drawn, np.where((one == 0).all(axis=0), 0, error))


def test_a_large_scene_without_overviews_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (1, 300, 400), np.uint8)
    paths = [save(tmp_path / name, pixels, **PLACE) for name in ("a.tif", "b.tif")]
    found = geosal.compare(*paths)
    monkeypatch.setattr("geosal.scenes.glance._LITTLE", 1000)
    look = look_at(found.pair, side=64, part=32)
    assert look.whole is None
    assert (look.block.row_off, look.block.col_off, *look.block.shape) == (134, 184, 32, 32)
    assert found.plot(figures.Figure())["scene"].texts[0].get_text() == "no overviews"
    assert "<img" in found._repr_html_()


def test_without_files_only_figures_are_drawn(rgb_scene: Path, smoothed: Path) -> None:
    lazy = geosal.open_scene(rgb_scene) + np.uint8(0)
    found = lazy.geosal.compare(smoothed)
    assert set(found.plot(figures.Figure())) == {"psnr", "max_error"}
    assert "<img" not in found._repr_html_()


def test_a_file_that_is_gone_leaves_the_figures(small_scene: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tif"
    geosal.compress(small_scene, out, saliency="half")
    found = geosal.compare(small_scene, out)
    out.unlink()
    assert "psnr" in found._repr_html_()
    assert "<img" not in found._repr_html_()
    with pytest.raises(geosal.SceneError, match="out.tif"):
        found.plot(figures.Figure())
