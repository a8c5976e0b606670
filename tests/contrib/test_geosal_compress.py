"""The Processing script for QGIS: its words for the command line without QGIS, and the whole where there is one."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner
from rasters import PLACE, save

from geosal.cli.main import geosal
from geosal.formats.table import FORMATS

SCRIPT = Path(__file__).resolve().parents[2] / "contrib" / "qgis" / "geosal_compress.py"


class _Anything(type):
    """Class of a stub that has whatever is asked for."""

    def __getattr__(cls, _: str) -> Any:
        return cls

    def __call__(cls, *args: Any, **options: Any) -> Any:
        return super().__call__()


class _Stub(metaclass=_Anything):
    pass


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The script, with a stub in the place of QGIS."""
    core = types.ModuleType("qgis.core")
    for name in _imported():
        setattr(core, name, type(name, (_Stub,), {}))
    core.QgsProcessingException = type("QgsProcessingException", (Exception,), {})
    monkeypatch.setitem(sys.modules, "qgis", types.ModuleType("qgis"))
    monkeypatch.setitem(sys.modules, "qgis.core", core)
    spec = importlib.util.spec_from_file_location("geosal_compress", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _imported() -> list[str]:
    told = SCRIPT.read_text(encoding="utf-8").partition("from qgis.core import (")[2].partition(")")[0]
    return [name.strip() for name in told.split(",") if name.strip()]


class _Feedback:
    """Notes what QGIS would show; cancelled when a line says so."""

    def __init__(self, stop_at: str = "\0") -> None:
        self.said: list[tuple[str, Any]] = []
        self._stop_at = stop_at

    def isCanceled(self) -> bool:  # noqa: N802  Qt's name
        return any(self._stop_at in str(text) for _, text in self.said)

    def __getattr__(self, name: str) -> Any:
        return lambda value: self.said.append((name, value))


def test_every_codec_of_a_file_can_be_chosen(script: types.ModuleType) -> None:
    known = {codec.name for each in FORMATS if not each.is_store for codec in each.codecs}
    assert set(script.PROFILES) - {script.USUAL} == known


def test_parameters_become_words(script: types.ModuleType) -> None:
    wish = {
        "input": "a b.tif",
        "output": "out.jp2",
        "saliency": ["aoi.gpkg:buffer=120m", "detail"],
        "outside": "blur",
        "profile": "jp2",
        "treatment": "smooth quality:low=40",
        "target_size": "5MB",
        "steps": 4,
        "more": "--co 'A=b c' --quiet",
    }
    assert script.arguments(wish, "s.json") == [
        "compress", "--overwrite", "-vv", "--json=s.json", "--saliency=aoi.gpkg:buffer=120m", "--saliency=detail",
        "--treatment=smooth", "--treatment=quality:low=40", "--profile=jp2", "--outside=blur", "--steps=4",
        "--target-size=5MB", "--co", "A=b c", "--quiet", "--", "a b.tif", "out.jp2",
    ]  # fmt: skip
    bare = script.arguments({"input": "a.tif", "output": "b.tif", "profile": script.USUAL, "treatment": ""}, "s.json")
    assert bare == ["compress", "--overwrite", "-vv", "--json=s.json", "--", "a.tif", "b.tif"]
    assert script.source_text("a.tif", " :range=0-100 ") == "a.tif:range=0-100"
    assert script.source_text("a.tif", "") == "a.tif"


@pytest.mark.parametrize(
    ("more", "told"), [("--co 'A=b", "More options: .* close each quote"), ("-- x", "More options: '--' ends")]
)
def test_more_words_that_cannot_be_are_told(script: types.ModuleType, more: str, told: str) -> None:
    with pytest.raises(script.QgsProcessingException, match=told):
        script.arguments({"input": "a.tif", "output": "b.tif", "more": more}, "s.json")


def test_words_are_those_that_geosal_takes(
    script: types.ModuleType, small_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(small_scene, "-x.tif")
    wish = {
        "input": "-x.tif", "output": "-out.tif", "saliency": ["half"], "outside": "keep",
        "profile": "zstd", "treatment": "bound:error=64", "steps": 8,
    }  # fmt: skip
    told = tmp_path / "told.json"
    CliRunner().invoke(geosal, script.arguments(wish, str(told)), catch_exceptions=False)
    summary = json.loads(told.read_text(encoding="utf-8"))
    assert summary["profile"] == "zstd"
    assert {"output", "bytes", "smaller_percent", "sentence"} <= summary.keys()


@pytest.mark.parametrize(
    ("line", "percent"),
    [
        ("geosal: debug: 09:10:57.564 smoothing: 1 of 4 blocks", 25),
        ("geosal: debug: 09:10:57.564 2/3 looking for the setting: 1 of 2 trials", 50),
        ("geosal: info: 09:10:57.591 smoothing: 0.79 s, 1 blocks", None),
        ("output    q.tif", None),
    ],
)
def test_the_log_tells_how_far_it_is(script: types.ModuleType, line: str, percent: float | None) -> None:
    assert script.percent_of(line) == percent


def test_a_command_that_is_not_there_is_told(script: types.ModuleType, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere/geosal: no such command; install geosal"):
        script.find_command(str(tmp_path / "nowhere" / "geosal"))
    there = _command(tmp_path, "print('x')")
    assert script.find_command(f" {there} ") == str(there)
    assert "PYTHONHOME" not in script.own_environment({"PYTHONHOME": "/usr", "HOME": "/root"})


def _command(folder: Path, code: str) -> Path:
    path = folder / "geosal"
    path.write_text(f"#!{sys.executable} -I\n{code}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_what_it_says_is_shown_and_its_error_raised(script: types.ModuleType, tmp_path: Path) -> None:
    feedback = _Feedback()
    lines = [
        "geosal: info: 09:10:56.623 input: a.tif",
        "geosal: debug: 09:10:57.564 smoothing: 1 of 2 blocks",
        "geosal: warning: no place",
        "output  q.tif",
    ]
    script._carry_out([str(_command(tmp_path, f"print({chr(10).join(lines)!r})"))], feedback)
    assert feedback.said == [
        ("pushInfo", "input: a.tif"), ("setProgress", 50.0), ("pushWarning", "no place"),
        ("pushConsoleInfo", "output  q.tif"),
    ]  # fmt: skip
    failing = (
        "import sys; print('Traceback (most recent call last):'); "
        "print('geosal: error: m.tif: no such file; give one'); sys.exit(3)"
    )
    with pytest.raises(script.QgsProcessingException, match="^m.tif: no such file; give one$"):
        script._carry_out([str(_command(tmp_path, failing))], feedback)
    assert feedback.said[-1] == ("pushDebugInfo", "Traceback (most recent call last):")


def test_it_can_be_cancelled(script: types.ModuleType, tmp_path: Path) -> None:
    code = "import time; print('geosal: info: begun', flush=True); time.sleep(60)"
    script._carry_out([str(_command(tmp_path, code))], _Feedback(stop_at="begun"))  # returns at once


# Debian 12's wrapper gives qgis_process the options of qgis, which it refuses; .bin is the program itself.
QGIS = shutil.which("qgis_process.bin") or shutil.which("qgis_process")


@pytest.mark.skipif(QGIS is None, reason="needs qgis_process")
def test_qgis_runs_it(small_scene: Path, tmp_path: Path) -> None:
    command = _command(tmp_path, f"import sys; sys.path[:0] = {sys.path!r}; from geosal.__main__ import main; main()")
    aoi = tmp_path / "aoi.geojson"
    ring = [[401800 + x, 4899000 + y] for x, y in ((0, 0), (500, 0), (500, 500), (0, 500), (0, 0))]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}
    features = [{"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}]
    aoi.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}), encoding="utf-8")
    home = tmp_path / "home"
    folder = home / "profiles" / "default" / "processing" / "scripts"
    folder.mkdir(parents=True)
    shutil.copy(SCRIPT, folder)
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QGIS_CUSTOM_CONFIG_PATH": str(home), "HOME": str(tmp_path)}
    env = {name: value for name, value in env.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [QGIS, "run", "script:geosalcompress", "--", f"COMMAND={command}", *words],
            env=env, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip

    out = tmp_path / "out.tif"
    done = run(f"INPUT={small_scene}", f"SALIENCY={aoi}", "PROFILE=2", f"OUTPUT={out}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stayed exactly as they were" in done.stdout
    with rasterio.open(out) as found:
        assert found.compression.name == "zstd"
        assert found.tags()["GEOSAL_SALIENCY"].startswith("aoi.geojson")
    failed = run(
        f"INPUT={save(tmp_path / 'c.tif', np.ones((1, 9, 9), np.complex64), **PLACE)}",
        "SOURCES=detail",
        f"OUTPUT={out}",
    )
    assert failed.returncode != 0
    assert "complex" in failed.stdout + failed.stderr
