from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasters import save

from geosal.comparison import pair_with
from geosal.core.progress import ignore
from geosal.maps.cells import Cells
from geosal.scenes import open_input
from geosal.scenes.reading import AS_IT_IS


@pytest.mark.parametrize("factor", [1, 7, 1000])
def test_cells_are_means_over_all_pixels_that_count(
    factor: int, rgb_scene: Path, smoothed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geosal.maps.cells._BLOCK", 256)  # cells lie across blocks
    pair = pair_with(open_input(str(rgb_scene), AS_IT_IS), str(smoothed), AS_IT_IS, "half")
    cells = Cells.of(pair, [2, 0], factor, ignore)
    with rasterio.open(rgb_scene) as first, rasterio.open(smoothed) as second:
        original, candidate = (
            np.where(data == 0, np.nan, data) for data in (dataset.read().astype(float) for dataset in (first, second))
        )
    squares = np.square(original - candidate)
    height, width = pair.grid.shape
    assert cells.error.shape == (-(-height // factor), -(-width // factor))
    for row, col in {(0, 0), (cells.error.shape[0] - 1, cells.error.shape[1] - 1), (cells.error.shape[0] // 2, 0)}:
        cell = np.s_[:, row * factor : (row + 1) * factor, col * factor : (col + 1) * factor]
        if np.isnan(original[cell]).all():
            assert np.isnan([cells.error[row, col], *cells.original[:, row, col]]).all()
            continue
        assert cells.error[row, col] == pytest.approx(np.sqrt(np.nanmean(squares[cell])))
        assert cells.original[0, row, col] == pytest.approx(np.nanmean(original[cell][2]))
        assert cells.candidate[1, row, col] == pytest.approx(np.nanmean(candidate[cell][0]))
    assert cells.saliency is not None
    assert cells.kept is not None
    assert cells.kept.min() == (0 if factor < 1000 else 0.5)
    assert cells.saliency.mean() == pytest.approx(0.5, abs=0.01)


def test_bands_in_groups_come_to_the_same(rgb_scene: Path, smoothed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = pair_with(open_input(str(rgb_scene), AS_IT_IS), str(smoothed), AS_IT_IS, "half")
    whole = Cells.of(pair, [0, 1, 2], 9, ignore)
    monkeypatch.setattr("geosal.maps.cells.groups_of", lambda *_: [[0], [1, 2]])
    parts = Cells.of(pair, [0, 1, 2], 9, ignore)
    for name in ("original", "candidate", "error", "saliency", "kept"):
        np.testing.assert_allclose(getattr(whole, name), getattr(parts, name), rtol=1e-12)


def test_squares_of_large_errors_do_not_overflow(tmp_path: Path) -> None:
    first = save(tmp_path / "first.tif", np.full((1, 8, 8), 3e19, np.float32))
    second = save(tmp_path / "second.tif", np.full((1, 8, 8), -3e19, np.float32))
    cells = Cells.of(pair_with(open_input(str(first), AS_IT_IS), str(second), AS_IT_IS), [0], 4, ignore)
    np.testing.assert_allclose(cells.error, 6e19, rtol=1e-6)


def test_without_a_saliency(rgb_scene: Path, smoothed: Path) -> None:
    cells = Cells.of(pair_with(open_input(str(rgb_scene), AS_IT_IS), str(smoothed), AS_IT_IS), [0], 9, ignore)
    assert cells.saliency is None
    assert cells.kept is None
