"""What is read of a block, what becomes of it and what is counted."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import geosal
from geosal.core.grid import Block
from geosal.job.plan import make_plan
from geosal.job.sealing import Sealing
from geosal.job.task import BlockFacts, BlockTask, task_of


def test_only_what_a_block_needs_is_read(rgb_scene: Path) -> None:
    """The halo is that of the widest kernel in the block, and none where every pixel is kept."""
    plan = make_plan(geosal.Recipe(input=str(rgb_scene), output="/tmp/never.tif", saliency=("half",)))
    asked: list[Block] = []

    class Spy:
        grid, layout = plan.scene.grid, plan.scene.layout

        def read(self, block: Block) -> Any:
            asked.append(block)
            return plan.scene.read(block)

    task = BlockTask(scene=Spy(), saliency=plan.saliency, ladder=plan.ladder, statistics=False)  # type: ignore[arg-type]
    task(Block(0, 0, 100, 100))
    task(Block(100, 600, 100, 100))
    assert asked == [Block(0, 0, 100, 100), Block(92, 592, 116, 116)]


@pytest.mark.parametrize(
    ("treatment", "profile", "by_level", "rounds"),
    [
        ("smooth", "zstd", False, False),
        ("quality", "jpeg", True, False),
        ("bound:error=4", "zstd", True, True),
        ("bound:error=4", "lerc", True, False),
    ],
)
def test_levels_travel_where_tiles_or_overviews_go_by_them(
    rgb_scene: Path, treatment: str, profile: str, by_level: bool, rounds: bool
) -> None:
    wish = {"input": str(rgb_scene), "output": "/tmp/never.tif", "saliency": "half"}
    plan = make_plan(geosal.Recipe.from_mapping({**wish, "treatment": treatment, "profile": profile}))
    task = task_of(plan)
    assert (task.smooth, task.by_level, task.rounding is not None) == (treatment == "smooth", by_level, rounds)
    block = Block(0, 300, 64, 300)
    work = task(block)
    assert (work.levels is not None) == by_level
    assert work.facts.levels.sum() == block.height * block.width
    if treatment.startswith("quality"):  # of the codec: pixels are left alone
        np.testing.assert_array_equal(work.pixels, plan.scene.read(block).pixels)


def test_the_facts_of_a_block_are_the_same_after_a_journal(rgb_scene: Path) -> None:
    wish = {"input": str(rgb_scene), "output": "/tmp/never.tif", "saliency": "half", "seal": True}
    task = replace(Sealing(make_plan(geosal.Recipe.from_mapping(wish))).task, statistics=True)
    facts = task(Block(0, 0, 512, 512)).facts
    again = BlockFacts.of_plain(json.loads(json.dumps(facts.to_plain())))
    assert again.to_plain() == facts.to_plain()
    assert (again.sealed, again.statistics) == (facts.sealed, facts.statistics)
    assert len(facts.sealed) == 1
