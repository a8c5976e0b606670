import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result


def test_info_of_a_source_and_of_what_was_made_of_it(
    rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    out = tmp_path / "out.tif"
    assert call("compress", rgb_scene, out, "-s", "half").exit_code == 0
    source, made = call("info", rgb_scene), call("info", out)
    assert (source.exit_code, made.exit_code) == (0, 0)
    assert "GEOSAL_" not in source.stdout
    for text in ("900 x 700 px, 3 bands of uint8", "EPSG:32631", "B04 (red), B03 (green), B02 (blue)", "PROVENANCE"):
        assert text in source.stdout
        assert text in made.stdout
    assert "GEOSAL_LADDER" in made.stdout
    assert "steps=8 sigma=opencv" in made.stdout


def test_info_as_json(rgb_scene: Path, float32_scene: Path, call: Callable[..., Result]) -> None:
    document = json.loads(call("info", rgb_scene, "--json", "-").stdout)
    assert (document["width"], document["height"], document["crs"]) == (900, 700, "EPSG:32631")
    document = json.loads(call("info", float32_scene, "--json", "-").stdout, parse_constant=pytest.fail)
    assert document["nodata"] == "nan"


def test_info_refuses(tmp_path: Path, call: Callable[..., Result]) -> None:
    result = call("info", tmp_path / "missing.tif")
    assert result.exit_code == 3
    assert "no such file" in result.stderr
    (tmp_path / "a.tif").write_text('<VRTDataset rasterXSize="1" rasterYSize="1"/>')
    result = call("info", tmp_path / "a.tif")
    assert result.exit_code == 3
    assert "--allow-driver VRT" in result.stderr
