"""Rows that come of sums, against the samples of each part put together by NumPy."""

from pathlib import Path

import numpy as np
import pytest
from rasters import PLACE, read, save

from geosal.comparison import Pair
from geosal.comparison.judge import JudgeTask
from geosal.comparison.result import ALL
from geosal.comparison.seams import Seams
from geosal.comparison.sums import Sums
from geosal.core.ladder import Ladder
from geosal.metrics import ErrorSums
from geosal.scenes import Scene
from geosal.sources import open_saliency

RANGE = 4000.0


@pytest.fixture
def pair(scene: Path, tmp_path: Path) -> Pair:
    """The scene and itself with noise, in four columns of saliency 1 to 0."""
    pixels = read(scene)
    noisy = pixels + np.random.default_rng(2).integers(0, 50, pixels.shape, np.uint16)
    columns = np.arange(pixels.shape[2]) * 4 // pixels.shape[2]
    saliency = np.broadcast_to(np.array([255, 160, 64, 0], np.uint8)[columns], (1, *pixels.shape[1:]))
    mask = save(tmp_path / "mask.tif", saliency, **PLACE)
    opened = [Scene.open(path) for path in (scene, save(tmp_path / "noisy.tif", noisy, **PLACE))]
    return Pair.of(*opened, open_saliency([f"{mask}:range=0-255"], opened[0].grid), Ladder())


def sums_of(pair: Pair) -> Sums:
    sums, seams = Sums(pair), Seams(pair.grid.shape)
    for block in pair.grid.blocks(160):
        sums.take(JudgeTask(pair=pair, data_range=RANGE)(seams.join(block, pair.read(block))))
    return sums


def test_rows_are_those_of_their_samples(pair: Pair) -> None:
    whole = pair.read(pair.grid.whole())
    levels = pair.levels_of(pair.grid.whole())
    assert levels is not None
    rows = list(sums_of(pair).rows(RANGE))
    present = sorted(set(levels.ravel().tolist()))
    assert len(present) == 4
    assert [row.part for row in rows[:: len(pair.bands) + 1]] == [
        "whole", "salient", "background", *(f"level {level}" for level in present)
    ]  # fmt: skip
    members = {"whole": levels >= 0, "salient": levels == 0, "background": levels > 0}
    for row in rows:
        where = members.get(row.part, levels == row.level)
        bands = slice(None) if row.band == ALL else slice(row.band - 1, row.band)
        expected = ErrorSums.of(whole.original[bands][:, where], whole.candidate[bands][:, where])
        assert (row.scores.samples, row.scores.mse, row.scores.max_error) == (
            expected.count, expected.mse, expected.largest
        )  # fmt: skip
        assert row.share == where.mean()


def test_bands_that_were_summed_apart_come_together(pair: Pair) -> None:
    expected, found = sums_of(pair), Sums(pair)
    for band in (1, 0):
        some = Sums(pair)
        some.errors, some.structure = [expected.errors[band]], [expected.structure[band]]
        some.lost, some.gained = 3, 5
        found.have([band], some)
    assert repr(list(found.rows(RANGE))) == repr(list(expected.rows(RANGE)))  # NaN is not itself
    assert (found.lost, found.gained) == (6, 10)
