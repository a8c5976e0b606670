"""The sample stands for the scene: in place, in levels and in bytes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio

import geosal
from geosal.core.grid import Block
from geosal.job.plan import Plan
from geosal.job.search.places import choose_places
from geosal.job.search.sample import Sample
from geosal.job.search.trials import Trials
from geosal.job.task import task_of

Make = Callable[..., Plan]


@pytest.fixture
def plan_of(tmp_path: Path) -> Make:
    def make(scene: Path, profile: str | None = None, suffix: str = "tif", **more: object) -> Plan:
        wish = {"input": str(scene), "output": str(tmp_path / f"out.{suffix}"), "saliency": "half", "profile": profile}
        return geosal.make_plan(geosal.Recipe.from_mapping(wish | more))

    return make


@pytest.fixture(scope="module")
def large_scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3000 x 1500, salient on the left: smooth there, rough to the right."""
    path = tmp_path_factory.mktemp("large") / "large.tif"
    rng = np.random.default_rng(8)
    rough = rng.normal(0, 1, (3000, 1500)) * np.linspace(1, 30, 1500)
    profile = {"driver": "GTiff", "height": 3000, "width": 1500, "count": 1, "dtype": "uint8", "tiled": True}
    with rasterio.open(path, "w", **profile, crs="EPSG:32631", transform=(10, 0, 5e5, 0, -10, 5e6)) as dataset:
        dataset.write(np.clip(rough + 128, 0, 255).astype(np.uint8), 1)
    return path


def test_pieces_are_spread_stay_inside_and_have_the_levels_of_the_scene(large_scene: Path, plan_of: Make) -> None:
    plan = plan_of(large_scene)
    places = choose_places(plan, (3, 2))
    assert len(places) == 6
    for target, source in places:
        assert target.shape == source.shape
        assert source.row_off % 16 == 0
        assert (source.row_off, source.col_off) >= (0, 0)
        assert source.row_stop <= 3000
        assert source.col_stop <= 1500
    assert len({source.row_off for _, source in places}) == 3
    salient = [np.mean(plan.ladder.levels(plan.saliency.read(source)) == 0) for _, source in places]
    assert np.mean(salient) == pytest.approx(0.5, abs=0.1)


def test_a_piece_lies_in_one_tile_that_holds_it(plan_of: Make, tmp_path: Path) -> None:
    path = tmp_path / "tiled.tif"
    profile = {"driver": "GTiff", "height": 3000, "width": 3500, "count": 1, "dtype": "uint8", "tiled": True}
    options = {"blockxsize": 1024, "blockysize": 640, "sparse_ok": True, "crs": "EPSG:32631"}
    with rasterio.open(path, "w", **profile, **options, transform=(10, 0, 5e5, 0, -10, 5e6)):
        pass
    places = choose_places(plan_of(path), (4, 4))
    assert len({source for _, source in places}) == 16
    for _, source in places:
        outer = source.expand(32, (3000, 3500))
        assert source.row_off % 16 == source.col_off % 16 == 0
        if source.row_stop < 2560:  # the last tiles are too narrow
            assert outer.row_off // 640 == (outer.row_stop - 1) // 640
        if source.col_stop < 3072:
            assert outer.col_off // 1024 == (outer.col_stop - 1) // 1024


def test_a_scene_smaller_than_the_sample_is_the_sample(rgb_scene: Path, plan_of: Make) -> None:
    plan = plan_of(rgb_scene)
    sample = Sample.draw(plan, (4, 4))
    assert sample.is_whole(plan)
    assert all(target == source for target, source in sample.places)
    task = task_of(plan)
    treated = sample.treat(task)
    np.testing.assert_array_equal(treated.pixels, task(Block(0, 0, 520, 780)).pixels)


@pytest.mark.parametrize(
    ("suffix", "profile"),
    [
        ("tif", "deflate"), ("tif", "jpeg"), ("tif", "webp"), ("tif", "lerc"), ("jp2", "jp2"), ("jp2", None),
        ("zarr", None),
    ],
)  # fmt: skip
def test_of_a_whole_scene_the_bytes_are_exact(
    rgb_scene: Path, plan_of: Make, tmp_path: Path, suffix: str, profile: str | None
) -> None:
    plan = plan_of(rgb_scene, profile, suffix)
    folder = tmp_path / "trials"
    folder.mkdir()
    expected = Trials(plan, Sample.draw(plan, (4, 4)), folder).bytes_of(plan)
    assert geosal.run(plan).bytes == pytest.approx(expected, abs=600, rel=2e-3)  # provenance, band statistics


def test_of_a_part_of_the_scene_the_bytes_are_near(large_scene: Path, plan_of: Make, tmp_path: Path) -> None:
    plan = plan_of(large_scene, "zstd")
    folder = tmp_path / "trials"
    folder.mkdir()
    expected = Trials(plan, Sample.draw(plan, (3, 2)), folder).bytes_of(plan)
    assert geosal.run(plan).bytes == pytest.approx(expected, rel=0.05)
