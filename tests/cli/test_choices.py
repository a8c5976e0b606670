"""The table of profiles, as people see it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from geosal.cli import choices, output, paper


def test_one_line_for_each_profile_and_the_default_is_marked(
    rgb_corner: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    done = call("plan", rgb_corner, tmp_path / "out.tif", "-s", "grid", "--profiles", "zstd,deflate,jpeg")
    assert done.exit_code == 0, done.output
    assert list(tmp_path.iterdir()) == []
    lines = done.stdout.splitlines()
    (deflate,) = (line for line in lines if line.startswith("* deflate"))
    assert deflate.split()[1] == "deflate"
    assert "exact" in deflate
    assert deflate.endswith("every GIS; GDAL of any age")
    (jpeg,) = (line for line in lines if line.startswith("  jpeg "))
    assert jpeg.count(" dB") == 2
    assert "estimates from the whole scene" in done.stdout
    assert "<= is kept for certain" in done.stdout


def test_a_setting_that_meets_a_target_is_told(rgb_corner: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    words = ("-s", "grid", "--target-size", "75kB", "--profiles", "lerc,jpeg")
    done = call("plan", rgb_corner, tmp_path / "out.tif", *words)
    assert "  lerc: smooth, --co MAX_Z_ERROR=" in done.stdout
    assert "  jpeg: --treatment quality:low=" in done.stdout
    assert "exact  " not in done.stdout


def test_what_is_left_out_has_its_reason(uint16_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    done = call("plan", uint16_scene, tmp_path, "-s", "grid", "--profiles", "zstd,jpeg")
    assert "  jpeg: cannot hold uint16" in done.stdout
    assert "saliency grid" in done.stdout


@pytest.mark.parametrize("columns", [80, 200])
def test_who_can_open_it_is_told_on_any_terminal(
    small_scene: Path, tmp_path: Path, call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    for module in (choices, output, paper):
        monkeypatch.setattr(module, "width_of", lambda _: columns)
    done = call("plan", small_scene, tmp_path / "out.tif", "-s", "grid", "--profiles", "zstd,jp2-lossless,jp2")
    assert max(map(len, done.stdout.splitlines()[1:])) <= columns
    told = " ".join(done.stdout.split())
    assert "GDAL 2.4 or later, libtiff 4.0.10, where built with ZSTD" in told
    assert ("jp2-lossless, jp2: GDAL with a driver" in told) is (columns == 80)
    assert "…" not in done.stdout.replace("compress …", "")


def test_the_document_has_what_the_table_has(rgb_corner: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    done = call("plan", rgb_corner, tmp_path / "out.tif", "-s", "grid", "--profiles", "zstd,jpeg", "--json", "-")
    document = json.loads(done.stdout)
    assert document["schema"] == output.SCHEMA
    assert {profile["profile"] for profile in document["profiles"]} == {"zstd", "jpeg"}
    assert document["profiles"][0]["psnr_salient"] == "inf"
    assert document["profiles"][0]["command"].startswith("geosal compress ")


def test_an_unknown_name_is_a_usage_error(rgb_corner: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    done = call("plan", rgb_corner, tmp_path / "out.tif", "-s", "grid", "--profiles", "zsdt")
    assert done.exit_code == 2
    assert "no profile zsdt; say all, or some of deflate, zstd" in done.stderr


def test_one_input_has_its_profiles_compared(rgb_corner: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    done = call("plan", rgb_corner, "--out-dir", tmp_path, "-s", "grid", "--profiles", "all")
    assert done.exit_code == 2
    assert "give a folder as its OUTPUT" in done.stderr
    assert call("plan", rgb_corner, tmp_path, "-s", "grid").stdout.endswith("1 file would be written\n")
