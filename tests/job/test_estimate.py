import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import geosal
from geosal.core.grid import Block
from geosal.job.estimate import _spread, estimate
from geosal.job.outlook import look_out
from geosal.produce import CutTask


@pytest.mark.parametrize(("suffix", "profile"), [("tif", "zstd"), ("tif", "jpeg"), ("jp2", None)])
def test_a_scene_smaller_than_the_sample_is_estimated_almost_exactly(
    rgb_scene: Path, tmp_path: Path, suffix: str, profile: str | None
) -> None:
    recipe = geosal.Recipe(
        input=str(rgb_scene), output=str(tmp_path / f"out.{suffix}"), saliency=("grid",), profile=profile
    )
    plan = geosal.make_plan(recipe)
    quick, careful = look_out(plan).bytes, estimate(plan)
    assert list(tmp_path.iterdir()) == []
    summary = geosal.run(plan)
    assert quick == pytest.approx(summary.bytes, rel=0.01)
    assert careful.bytes == pytest.approx(summary.bytes, rel=0.01)
    assert 0 < careful.seconds < 60
    assert careful.disk_bytes >= careful.bytes
    assert careful.found is None


def test_what_gdal_writes_is_estimated_by_its_own_writer(rgb_scene: Path, tmp_path: Path) -> None:
    recipe = geosal.Recipe(
        input=str(rgb_scene),
        output=str(tmp_path / "out.tif"),
        saliency=("grid",),
        creation_options=(("OVERVIEW_RESAMPLING", "CUBIC"),),
    )
    plan = geosal.make_plan(recipe)
    expected = estimate(plan)
    assert expected.disk_bytes > plan.raw_bytes
    assert expected.bytes == pytest.approx(geosal.run(plan).bytes, rel=0.03)


def test_with_a_target_the_setting_is_told(rgb_scene: Path, tmp_path: Path) -> None:
    recipe = geosal.Recipe(
        input=str(rgb_scene),
        output=str(tmp_path / "out.tif"),
        saliency=("grid",),
        profile="jpeg",
        target_size=158_000,
    )
    plan = geosal.make_plan(recipe)
    expected = estimate(plan)
    assert expected.found is not None
    assert "quality:low=" in expected.found
    assert expected.bytes == pytest.approx(158_000, rel=0.01)
    assert look_out(plan).bytes == 158_000


@pytest.mark.parametrize("count", [1, 5, 36])
def test_any_beginning_of_the_blocks_lies_spread_over_the_scene(count: int) -> None:
    blocks = [Block(0, place, 1, 1) for place in range(count)]
    order = [block.col_off for block in _spread(blocks)]
    assert sorted(order) == list(range(count))
    for begun in range(3, count):
        gaps = np.diff([0, *sorted(order[:begun]), count])
        assert gaps.max() <= 3 * count / begun


def test_time_is_told_by_blocks_of_the_job_that_are_read_before(
    rgb_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Block, str]] = []
    call = CutTask.__call__

    def watching(self: CutTask[Any], block: Block) -> Any:
        seen.append((block, type(getattr(self.task, "scene")).__name__))  # noqa: B009  a BlockTask
        return call(self, block)

    monkeypatch.setattr(CutTask, "__call__", watching)
    plan = geosal.make_plan(
        geosal.Recipe(input=str(rgb_scene), output=str(tmp_path / "out.tif"), saliency=("grid",), block=512, workers=1)
    )
    estimate(plan)
    assert len(seen) >= 2
    assert {kind for _, kind in seen} == {"Kept"}
    assert {block for block, _ in seen} <= set(plan.layout.grid.blocks(512))


@pytest.mark.parametrize(("suffix", "decoded"), [("jpg", True), ("tif", False)])
def test_the_check_that_decodes_a_jpeg_takes_its_time(
    rgb_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, decoded: bool
) -> None:
    monkeypatch.setattr("geosal.job.estimate.verify_structure", lambda *_: time.sleep(2))
    plan = geosal.make_plan(
        geosal.Recipe(
            input=str(rgb_scene), output=str(tmp_path / f"out.{suffix}"), saliency=("grid",), treatment=("smooth",)
        )
    )
    assert (estimate(plan).seconds > 2) is decoded
