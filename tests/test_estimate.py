from pathlib import Path

import pytest

import geosal
from geosal.estimate import _spread, estimate_bytes
from geosal.grid import Block


@pytest.mark.parametrize(("suffix", "profile"), [("tif", "zstd"), ("tif", "jpeg"), ("jp2", None)])
def test_a_scene_smaller_than_the_sample_is_estimated_almost_exactly(
    rgb_scene: Path, tmp_path: Path, suffix: str, profile: str | None
) -> None:
    recipe = geosal.Recipe(
        input=str(rgb_scene), output=str(tmp_path / f"out.{suffix}"), saliency=("grid",), profile=profile
    )
    plan = geosal.make_plan(recipe)
    estimated = estimate_bytes(plan)
    assert list(tmp_path.iterdir()) == []
    assert estimated == pytest.approx(geosal.run(plan).bytes, rel=0.05)


def test_sampled_tiles_are_spread_over_the_scene_and_stay_inside() -> None:
    scene, sample = (10980, 5000), (2048, 2048)
    tiles = [Block(row, col, 512, 512) for row in range(0, 2048, 512) for col in range(0, 2048, 512)]
    spread = [_spread(tile, sample, scene) for tile in tiles]
    assert all(b.row_off >= 0 and b.row_stop <= scene[0] and b.col_off >= 0 and b.col_stop <= scene[1] for b in spread)
    assert len(set(spread)) == 16
    assert _spread(tiles[5], sample, sample) == tiles[5]
