"""Files by bpgenc: a script stands in for the program, and lays down what our own encoder has made of the pixels."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from rasters import read, save

import geosal
from geosal.cli.main import geosal as group
from geosal.core.treatment import SMOOTH
from geosal.errors import OutputError, UsageError
from geosal.formats.bpg import external
from geosal.job.plan import make_plan
from geosal.job.recipe import Recipe

pytest.importorskip("av")

_BY_BPGENC = {"ENCODER": "bpgenc"}
_WORKS = """printf '%s\\n' "$@" > {folder}/args
for last; do :; done
cp "$last" {folder}/seen.png
while [ "$1" != -o ]; do shift; done
cp {folder}/{made} "$2"
"""

_Put = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Put:
    """Put a program of that name and text on PATH."""
    place = tmp_path / "bin"
    place.mkdir()
    monkeypatch.setenv("PATH", str(place), prepend=os.pathsep)

    def put(text: str, **more: str) -> Path:
        program = place / "bpgenc"
        program.write_text("#!/bin/sh\n" + text.format(folder=tmp_path, **more))
        program.chmod(0o755)
        return program

    return put


def _scene(path: Path, bands: int = 3, shape: tuple[int, int] = (90, 130), **more: Any) -> NDArray[np.uint8]:
    y, x = np.mgrid[: shape[0], : shape[1]]
    waves = [127 + 80 * np.sin(x / (7 + band)) + 30 * np.cos(y / (5 + band)) for band in range(bands)]
    pixels = np.clip(waves, 1, 255).astype(np.uint8)
    if bands in {2, 4}:
        pixels[-1] = np.where(pixels[-1] > 100, 255, 0)
        more["alpha"] = "YES"
    photometric = "RGB" if bands > 2 else "MINISBLACK"
    save(path, pixels, crs="EPSG:32633", transform=(10, 0, 600000, 0, -10, 4600000), photometric=photometric, **more)
    return pixels


def _failed(output: Path, source: Path) -> list[str]:
    return [str(check) for check in geosal.verify(output, against=source) if not check.ok]


@pytest.mark.parametrize(
    ("bands", "profile", "options", "words"),
    [
        (3, "bpg", {}, ["-q", "28", "-f", "420", "-m", "5"]),
        (1, "bpg", {"QUALITY": "7", "SUBSAMPLING": "444", "PRESET": "ultrafast"}, ["-q", "7", "-f", "444", "-m", "1"]),
        (4, "bpg-lossless", {"PRESET": "slow"}, ["-lossless", "-m", "6"]),
    ],
)
def test_bpgenc_gets_the_finished_pixels(
    tmp_path: Path, put: _Put, bands: int, profile: str, options: dict[str, str], words: list[str]
) -> None:
    source, output, ours = tmp_path / "a.tif", tmp_path / "a.bpg", tmp_path / "ours.bpg"
    _scene(source, bands)
    wish: dict[str, Any] = {"saliency": "half", "treatment": "smooth", "profile": profile}
    geosal.compress(source, ours, creation_options=options, **wish)
    put(_WORKS, made="ours.bpg")
    geosal.compress(source, output, creation_options={**options, **_BY_BPGENC}, **wish)
    assert output.read_bytes() == ours.read_bytes()
    args = (tmp_path / "args").read_text().split()
    assert args[:-3] == words
    geosal.compress(source, tmp_path / "b.tif", saliency="half", treatment="smooth")
    np.testing.assert_array_equal(read(tmp_path / "seen.png"), read(tmp_path / "b.tif"))
    assert _failed(output, source) == []
    assert (tmp_path / "a.bgw").read_text() == (tmp_path / "ours.bgw").read_text()
    assert not list(tmp_path.glob(".*"))


def test_pixels_are_smoothed_where_no_treatment_is_named(tmp_path: Path, put: _Put) -> None:
    source, output = tmp_path / "a.tif", tmp_path / "a.bpg"
    _scene(source)
    geosal.compress(source, tmp_path / "ours.bpg", saliency="half", treatment="smooth")
    put(_WORKS, made="ours.bpg")
    with pytest.warns(UserWarning, match="one QP.*smoothed instead"):
        plan = make_plan(
            Recipe.from_mapping(
                {"input": source, "output": output, "saliency": "half", "creation_options": {"encoder": "BPGENC"}}
            )
        )
    assert plan.treatment == SMOOTH
    assert plan.describe()["writer"] == "bpgenc"
    words = ("plan", str(source), str(output), "-s", "half", "--treatment", "smooth")
    told = CliRunner().invoke(group, [*words, "--co", "ENCODER=bpgenc"])
    assert "bpgenc: it codes a whole picture" in told.stdout


@pytest.mark.parametrize(
    ("bands", "wish", "words"),
    [
        (3, {"treatment": "quality:low=12,high=24"}, "whole picture at one QP; use smooth"),
        (3, {"nodata": 7}, "mask, and it takes none.*bpg-lossless"),
        (4, {}, "codes alpha with loss.*bpg-lossless.*--bidx"),
        (3, {"most": 90 * 130 - 1}, "130 x 90 px.*gdal_translate"),
        (3, {"PATH": ""}, "no program bpgenc is on PATH; install"),
    ],
)
def test_what_bpgenc_cannot_do_is_refused_before_any_work(
    tmp_path: Path, put: _Put, monkeypatch: pytest.MonkeyPatch, bands: int, wish: dict[str, Any], words: str
) -> None:
    put("echo ran > {folder}/ran")
    if "most" in wish:
        monkeypatch.setattr(external, "MOST_PIXELS", wish["most"])
    if "PATH" in wish:
        monkeypatch.setenv("PATH", str(tmp_path))
    more = {key: value for key, value in wish.items() if key == "nodata"}
    _scene(tmp_path / "a.tif", bands, **more)
    treatment = wish.get("treatment", "smooth")
    with pytest.raises(UsageError, match=words):
        geosal.compress(
            tmp_path / "a.tif", tmp_path / "a.bpg", saliency="half", treatment=treatment, creation_options=_BY_BPGENC
        )
    assert not list(tmp_path.glob("a.b*"))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo Could not; echo open >&2; exit 3", r"fails with exit status 3 \(open\)"),
        ("kill -9 $$", "was ended by signal 9"),
        ("exit 0", r"no BPG that geosal reads"),
        ('while [ "$1" != -o ]; do shift; done; echo nothing > "$2"', r"no BPG that geosal reads \(it is no BPG\)"),
        (_WORKS, "has made 60 x 40 px of 3 bands, with loss, not 130 x 90 px of 3"),
    ],
)
def test_what_bpgenc_does_not_do_is_told_in_one_line(tmp_path: Path, put: _Put, text: str, words: str) -> None:
    source, output = tmp_path / "a.tif", tmp_path / "a.bpg"
    _scene(source)
    if text == _WORKS:
        _scene(tmp_path / "other.tif", 3, (40, 60))
        geosal.compress(tmp_path / "other.tif", tmp_path / "other.bpg", saliency="half", treatment="smooth")
    put(text, made="other.bpg")
    with pytest.raises(OutputError, match=words) as error:
        geosal.compress(source, output, saliency="half", treatment="smooth", creation_options=_BY_BPGENC)
    assert "\n" not in str(error.value)
    assert "leave ENCODER out" in str(error.value)
    assert not list(tmp_path.glob("a.b*"))
    assert not list(tmp_path.glob(".*"))


def test_bpgenc_ends_with_an_interrupted_job(tmp_path: Path, put: _Put, monkeypatch: pytest.MonkeyPatch) -> None:
    _scene(tmp_path / "a.tif")
    put("exec sleep 60")
    started: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen):  # type: ignore[type-arg]
        def wait(self, timeout: float | None = None) -> int:
            if timeout is not None:
                started.append(self)
                raise KeyboardInterrupt
            return super().wait()

    monkeypatch.setattr(external.subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        geosal.compress(
            tmp_path / "a.tif", tmp_path / "a.bpg", saliency="half", treatment="smooth", creation_options=_BY_BPGENC
        )
    assert [process.returncode for process in started] == [-9]


def test_its_version_is_told(put: _Put) -> None:
    assert "bpgenc" in CliRunner().invoke(group, ["versions"]).stdout
    put("echo 'BPG Image Encoder version 0.9.8'; exit 1")
    assert external.version_found() == "0.9.8"
    put("exit 1")
    assert external.version_found() == "unknown"
