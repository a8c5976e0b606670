"""A plan's file in a work directory."""

from pathlib import Path

import rasterio

import geosal
from geosal.core.progress import Progress
from geosal.job.carry_out import carry_out
from geosal.job.plan import make_plan


def test_the_file_is_made_and_counted_and_takes_no_name(rgb_scene: Path, tmp_path: Path) -> None:
    output, made = tmp_path / "out.tif", tmp_path / "made.tif"
    plan = make_plan(geosal.Recipe(input=str(rgb_scene), output=str(output), saliency=("half",), block=512))
    told: list[Progress] = []
    tally = carry_out(plan, made, told.append)
    assert not output.exists()
    assert tally.blocks == plan.blocks > 1
    assert tally.levels.sum() == plan.layout.grid.height * plan.layout.grid.width
    with rasterio.open(made) as dataset:
        assert dataset.tags()["GEOSAL_TREATMENT"] == "smooth"
        assert dataset.tags()["GEOSAL_SALIENCY"] == "half"
    smoothed = [(each.done, each.total) for each in told if each.stage == "smooth"]
    assert smoothed == [(done, plan.blocks) for done in range(plan.blocks + 1)]
