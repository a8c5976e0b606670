import json
from collections.abc import Callable
from pathlib import Path

import pytest
import rasterio
from click.testing import Result

from geosal.scenes import Reading


def test_a_good_file_passes_every_check(made: Path, rgb_scene: Path, call: Callable[..., Result]) -> None:
    result = call("verify", made, "--against", rgb_scene, "--saliency", "half")
    assert (result.exit_code, result.stderr) == (0, ""), result.stdout
    lines = result.stdout.splitlines()
    assert len(lines) > 4
    assert all(line.startswith("ok      ") for line in lines)


def test_a_lost_sidecar_is_noticed(made: Path, rgb_scene: Path, call: Callable[..., Result]) -> None:
    Path(f"{made}.aux.xml").unlink()
    result = call("verify", made, "--against", rgb_scene)
    assert result.exit_code == 6
    assert "FAILED" in result.stdout
    assert result.stderr.startswith("geosal: error: ")
    assert result.stderr.count("\n") == 1
    document = json.loads(call("verify", made, "--against", rgb_scene, "--json", "-").stdout)
    assert document["ok"] is False
    assert {check["ok"] for check in document["checks"]} == {True, False}
    assert document["checks"][0].keys() == {"name", "ok", "detail", "checked", "promised"}


def test_touched_salient_pixels_are_noticed(rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    out = tmp_path / "out.tif"
    assert call("compress", rgb_scene, out, "-s", "half").exit_code == 0
    words = (out, "--against", rgb_scene, "--saliency", "half")
    assert call("verify", *words, "--steps", "8").exit_code == 0
    assert call("verify", *words, "--saliency", "uniform:saliency=0", "--combine", "min").exit_code == 0
    assert call("verify", *words, "--saliency", "uniform:saliency=1").exit_code == 6
    # The other half was smoothed, so a saliency that calls all of it salient does not hold.
    assert call("verify", out, "--against", rgb_scene, "--saliency", "uniform:saliency=1").exit_code == 6


def test_what_could_not_be_checked_is_told_last_and_fails_only_if_strict(
    rgb_scene: Path, made: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    whole = ("verify", made, "--against", rgb_scene, "-s", "half", "--strict")
    assert call(*whole).exit_code == 0
    assert "NOT PROVED" not in call(*whole).stdout
    alone = call("verify", made)
    assert alone.exit_code == 0
    assert "NOT PROVED: scene (name the scene" in alone.stdout.splitlines()[-1]
    strict = call("verify", made, "--strict")
    assert strict.exit_code == 6
    assert "--against" in strict.stderr
    document = json.loads(call("verify", made, "--json", "-").stdout)
    assert (document["ok"], document["proved"], document["unproved"]) == (True, False, ["scene"])


def test_a_cut_file_fails(made: Path, call: Callable[..., Result]) -> None:
    content = made.read_bytes()
    made.write_bytes(content[: len(content) * 9 // 10])
    assert call("verify", made).exit_code == 6


def test_usage(made: Path, tmp_path: Path, rgb_scene: Path, call: Callable[..., Result]) -> None:
    assert call("verify", made, "--saliency", "half").exit_code == 2
    assert call("verify", tmp_path / "missing.tif").exit_code == 3
    assert call("verify", made, "--against", tmp_path / "missing.tif").exit_code == 3
    with rasterio.open(rgb_scene):  # a file that geosal did not write has no provenance and no COG layout
        assert call("verify", rgb_scene).exit_code == 6


def test_a_scene_beyond_the_usual_limit_of_pixels(
    made: Path, rgb_scene: Path, call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job says --max-pixels where it knows better; what it made is verified without."""
    usual = Reading.__init__.__kwdefaults__
    assert usual is not None
    monkeypatch.setitem(usual, "max_pixels", 1000)
    assert call("verify", made, "--against", rgb_scene, "--saliency", "half").exit_code == 0


def test_bands_are_named_as_in_a_job(rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    out = tmp_path / "out.tif"
    assert call("compress", rgb_scene, out, "-s", "half", "--bands", "rgb,").exit_code == 0
    assert call("verify", out, "--against", rgb_scene, "-s", "half", "--bands", "rgb,").exit_code == 0


def test_the_files_own_ladder_counts_and_another_number_of_steps_is_told(
    rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    out, ladder = tmp_path / "out.tif", ("--steps", "6", "--sigma", "0.4*K")
    made = call(
        "compress", rgb_scene, out, "-s", "perlin:seed=3", *ladder, "--treatment", "smooth", "--treatment", "bound"
    )
    assert made.exit_code == 0, made.stderr
    words = ("verify", out, "--against", rgb_scene, "-s", "perlin:seed=3")
    fine = call(*words, "--steps", "6")  # sigma matters too: the bound is to smoothed pixels
    assert fine.exit_code == 0, fine.stdout
    assert "ladder: steps=6, as the file says" in fine.stdout
    assert call(*words).exit_code == 0
    other = call(*words, "--steps", "8")
    assert other.exit_code == 6
    assert "ladder (it was made with steps=6, not 8)" in other.stderr
    assert "FAILED  bound" not in other.stdout


def test_a_seal_proves_without_the_scene(rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    out, again = tmp_path / "out.jp2", tmp_path / "again.tif"
    root = json.loads(call("compress", rgb_scene, out, "-s", "half", "--seal", "--json", "-").stdout)["seal"]
    assert root in call("info", out).stdout
    assert "SEAL_TILES" not in call("info", out).stdout
    good = call("verify", out, "--strict", "--root", root)
    assert good.exit_code == 0, good.output
    assert "ok      sealed: what matters is unchanged: 4 of 4 tiles" in good.stdout
    with rasterio.open(out) as dataset:
        pixels, profile = dataset.read(), {"width": 780, "height": 520, "count": 3, "dtype": "uint8"}
    pixels[0, 100, 700] ^= 1
    with rasterio.open(again, "w", driver="GTiff", **profile, nodata=0) as dataset:
        dataset.write(pixels)
    bad = call("verify", again, "--seal", out, "--json", "-")
    assert bad.exit_code == 6
    assert "background (the background changed, what matters did not, in 1 of 4 tiles: (1, 0), rows 0-511" in bad.stderr
    checks = {check["name"]: check for check in json.loads(bad.stdout)["checks"]}
    assert checks["sealed"]["ok"]
    assert checks["background"]["facts"]["changed"] == [[512, 0, 268, 512]]
    assert call("verify", out, "--root", "0" * 64).exit_code == 6
    assert call("verify", out, "--root", "7").exit_code == 2
    assert call("verify", out, "--seal", rgb_scene).exit_code == 3
