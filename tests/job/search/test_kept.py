"""What is kept is read once, and is what would be read."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import geosal
from geosal.core.grid import Block
from geosal.job.search.kept import KeptSaliency
from geosal.job.search.plain import plain_of
from geosal.job.task import task_of
from geosal.sources import Saliency


@pytest.mark.parametrize("source", ["half", "perlin:seed=3"])
def test_saliency_is_read_once_a_block(rgb_scene: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = geosal.make_plan(geosal.Recipe(input=str(rgb_scene), output="out.tif", saliency=(source,)))
    kept, blocks = KeptSaliency(plan.saliency), [Block(0, 0, 70, 80), Block(64, 32, 100, 16)]
    expected = [plan.saliency.read_known(block) for block in blocks]
    coded = [plan.saliency.read_coded(block) for block in blocks]
    count, read = [], Saliency.read_known

    def watched(self: Saliency, block: Block) -> Any:
        count.append(block)
        return read(self, block)

    monkeypatch.setattr(Saliency, "read_known", watched)
    for _ in range(3):
        for block, one, codes in zip(blocks, expected, coded, strict=True):
            for ours, theirs in zip(kept.read_known(block), one, strict=True):
                np.testing.assert_array_equal(ours, theirs)
            np.testing.assert_array_equal(kept.read(block), one[0])
            assert (kept.read_coded(block) is None) == (codes is None)
    assert count == blocks
    assert kept.label == plan.saliency.label


def test_where_nothing_depends_on_it_no_saliency_is_read(rgb_scene: Path, tmp_path: Path) -> None:

    recipe = geosal.Recipe.from_mapping(
        {"input": str(rgb_scene), "output": str(tmp_path / "out.jpg"), "saliency": "half", "treatment": "smooth"}
    )
    plan = geosal.make_plan(recipe)
    task = task_of(plain_of(plan, 75))
    assert task.saliency is None
    assert (task.smooth, task.by_level) == (False, False)
    block = Block(8, 16, 100, 120)
    work = task(block)
    np.testing.assert_array_equal(work.pixels, plan.scene.read(block).pixels)
    assert work.facts.levels.tolist() == [block.height * block.width, *[0] * 8]
