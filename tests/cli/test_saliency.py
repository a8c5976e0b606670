import json
from collections.abc import Callable
from pathlib import Path

import rasterio
from click.testing import Result


def test_map_and_its_table(rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    out = tmp_path / "map.tif"
    result = call("saliency", "half", "uniform:saliency=0.2", out, "--like", rgb_scene, "--combine", "mean")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "mean saliency  0.349" in result.stdout  # (1 + .2) / 2 and .2 / 2, rounded down to a 255th
    with rasterio.open(out) as dataset:
        assert sorted({*dataset.read(1).ravel().tolist()}) == [25, 153]


def test_json(rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    out = tmp_path / "map.tif"
    result = call("saliency", "half", out, "--like", rgb_scene, "--json", "-")
    document = json.loads(result.stdout)
    assert document["mean"] == 0.5
    assert (document["output"], document["bytes"], document["coverage"]) == (str(out), out.stat().st_size, 1)


def test_refusals(rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    out = tmp_path / "map.tif"
    assert call("saliency", "half", out).exit_code == 2  # no --like
    assert call("saliency", out, "--like", rgb_scene).exit_code == 2  # no source
    assert call("saliency", "hlaf", out, "--like", rgb_scene).exit_code == 2
    assert call("saliency", "half", out, "--like", tmp_path / "missing.tif").exit_code == 3
    assert call("saliency", "half", rgb_scene, "--like", rgb_scene, "--overwrite").exit_code == 5
    assert call("saliency", "half", out, "--like", rgb_scene, "--max-pixels", "10").exit_code == 7
    assert list(tmp_path.iterdir()) == []
