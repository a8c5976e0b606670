import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rasterio.rio.main import main_group

from geosal.cli.main import geosal as group
from geosal.cli.main import main, rio_geosal
from geosal.version import __version__

Shell = Callable[..., subprocess.CompletedProcess[str]]
Enter = Callable[..., tuple[int, str, str]]


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Enter:
    """Enter by the console script's door: exit code, stdout, stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["geosal", *words])
        with pytest.raises(SystemExit) as left:
            main()
        code = left.value.code
        assert isinstance(code, int)
        return code, *capsys.readouterr()

    return run


def test_help_names_every_command(call: Callable[..., Result]) -> None:
    result = call("--help")
    assert result.exit_code == 0
    for name in ("compress", "plan", "saliency", "info", "verify", "train", "demo"):
        assert re.search(rf"^  {name} +\w", result.stdout, re.MULTILINE)
        assert call(name, "--help").exit_code == 0


def test_no_help_is_wider_than_a_terminal(call: Callable[..., Result]) -> None:
    wide = {name: [each for each in call(*name, "--help").stdout.splitlines() if len(each) > 80] for name in
            ((), *((name,) for name in group.commands))}  # fmt: skip
    assert {name: lines for name, lines in wide.items() if lines} == {}


def test_version_names_the_libraries_that_do_the_work(call: Callable[..., Result]) -> None:
    told = call("--version").stdout
    assert told.startswith(f"geosal {__version__} (python 3.")
    assert f"imagecodecs {version('imagecodecs')}" in told
    assert len(told.splitlines()) == 1


def test_every_option_of_the_contract_is_there(call: Callable[..., Result]) -> None:
    text = call("compress", "--help").stdout
    for option in (
        "--saliency SOURCE", "--combine [max|min|mean|product|weighted]", "--outside [keep|blur]", "--background S",
        "--steps N", "--sigma RULE", "--profile NAME", "--co KEY=VALUE", "--bidx", "--bands NAMES", "--to-byte RULE",
        "--config FILE", "--scheduler ADDRESS|threads|processes", "--workers N", "--block N", "--max-memory SIZE",
        "--max-pixels N", "--allow-driver NAME", "--overwrite", "--quiet", "--json FILE|-", "--verbose",
    ):  # fmt: skip
        assert re.search(re.escape(option).replace(r"\ ", r"\s+"), text), option


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (["compress", "missing.tif", "out.tif", "-s", "half"], 3, r"missing\.tif: no such file; .+"),
        (
            ["compress", "--salincy", "x"],
            2,
            r"no such option --salincy; did you mean --saliency\?; see geosal compress -.+",
        ),
        (["compres"], 2, r"no such command compres; did you mean compress\?; see geosal --help"),
        (["compress", "--nope"], 2, r"no such option.+; see geosal compress --help"),
        (["--nope"], 2, r"no such option.+; see geosal --help"),
        ([""], 2, r"no such command ''; see geosal --help"),
        (["completion"], 2, r".+_GEOSAL_COMPLETE=bash_source.+"),
        (["view", ""], 3, r"'': no such file; .+"),
        (["comprss"], 2, r"no such command.+"),
    ],
)
def test_main_says_one_line_and_the_code(words: list[str], code: int, line: str, enter: Enter) -> None:
    left, stdout, stderr = enter(*words)
    assert (left, stdout) == (code, "")
    assert re.fullmatch(rf"geosal: error: {line}\n", stderr), stderr


def test_a_process_of_its_own_too(shell: Shell) -> None:
    run = shell("compress", "missing.tif", "out.tif", "-s", "half")
    assert (run.returncode, run.stdout) == (3, "")
    assert re.fullmatch(r"geosal: error: missing\.tif: no such file; .+\n", run.stderr)


def test_vv_shows_the_traceback(enter: Enter) -> None:
    code, _, stderr = enter("info", "missing.tif", "-vv")
    assert code == 3
    assert "Traceback" in stderr
    assert stderr.splitlines()[-1].startswith("geosal: error: missing.tif")


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("info a.tif", 0),
        ("info a.tif -v", 1),
        ("-v info a.tif -v", 2),
        ("info a.tif -v --verbose", 2),
        ("--verbose --verbose info a.tif", 2),
        ("info a.tif -qvv", 2),
        ("info -- -vv", 0),
        ("compress -svv a.tif b.tif", 0),
    ],
)
def test_libraries_may_speak_from_the_second_v_on(words: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    silenced = []
    monkeypatch.setattr("geosal.cli.main.silence_libraries", lambda: silenced.append(True))
    monkeypatch.setattr(sys, "argv", ["geosal", *words.split()])
    with pytest.raises(SystemExit):
        main()
    assert bool(silenced) == (count < 2)


def test_verbose_before_or_after_the_command(call: Callable[..., Result]) -> None:
    for words in (["-vv", "info", "missing.tif"], ["-v", "info", "missing.tif", "-v"]):
        assert "Traceback" in call(*words).stderr


def test_without_words_it_helps(enter: Enter) -> None:
    code, stdout, stderr = enter()
    assert code == 2
    assert "Usage: geosal" in stdout + stderr


def test_success_is_zero(enter: Enter, rgb_scene: Path) -> None:
    code, stdout, stderr = enter("info", str(rgb_scene))
    assert (code, stderr) == (0, "")
    assert str(rgb_scene) in stdout


def test_as_a_plug_in_of_rio(tmp_path: Path) -> None:
    assert rio_geosal is group
    rio = Path(sys.executable).parent / "rio"
    run = subprocess.run([rio, "geosal", "info", tmp_path / "missing.tif"], capture_output=True, text=True, check=False)
    if "no such command" in run.stderr.lower():
        pytest.skip("geosal is not installed here, so rio does not know it")
    assert run.returncode == 3
    assert re.fullmatch(r"geosal: error: .+no such file.+\n", run.stderr)


def test_under_rio_its_own_options_count(rgb_scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(main_group.commands, "geosal", rio_geosal)
    assert "Usage: rio geosal" in CliRunner().invoke(main_group, ["geosal", "--help"], prog_name="rio").stdout
    result = CliRunner().invoke(main_group, ["-vv", "geosal", "info", "missing.tif"])
    assert result.exit_code == 3
    assert "Traceback" in result.stderr
    result = CliRunner().invoke(main_group, ["--aws-no-sign-requests", "geosal", "info", str(rgb_scene)])
    assert result.exit_code == 0, result.stderr


def test_options_come_from_the_environment(
    rgb_scene: Path, tmp_path: Path, call: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEOSAL_COMPRESS_PROFILE", "zstd")
    monkeypatch.setenv("GEOSAL_COMPRESS_SALIENCY", "half grid")
    monkeypatch.setenv("GEOSAL_VERSION", "that of a container image")
    assert "zstd (COG)" in call("compress", rgb_scene, tmp_path / "a.tif").stdout
    assert "lzw (COG)" in call("compress", rgb_scene, tmp_path / "b.tif", "--profile", "lzw").stdout
