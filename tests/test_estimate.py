from pathlib import Path

import pytest

import geosal
from geosal.estimate import estimate, estimate_bytes


@pytest.mark.parametrize(("suffix", "profile"), [("tif", "zstd"), ("tif", "jpeg"), ("jp2", None)])
def test_a_scene_smaller_than_the_sample_is_estimated_almost_exactly(
    rgb_scene: Path, tmp_path: Path, suffix: str, profile: str | None
) -> None:
    recipe = geosal.Recipe(
        input=str(rgb_scene), output=str(tmp_path / f"out.{suffix}"), saliency=("grid",), profile=profile
    )
    plan = geosal.make_plan(recipe)
    quick, careful = estimate_bytes(plan), estimate(plan)
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
        target_size=250_000,
    )
    plan = geosal.make_plan(recipe)
    expected = estimate(plan)
    assert expected.found is not None
    assert "QUALITY=" in expected.found
    assert expected.bytes == pytest.approx(250_000, rel=0.01)
    assert estimate_bytes(plan) == 250_000
