import errno
import io
import json
import logging
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from geosal import errors
from geosal.cli import options
from geosal.cli.guard import GRACE_SECONDS, GuardedGroup, Terminated, say, verbose
from geosal.cli.output import Report

LEAVES = [
    (errors.UsageError("x; y"), 2),
    (errors.SceneError("x; y"), 3),
    (errors.SaliencyError("x; y"), 4),
    (errors.OutputError("x; y"), 5),
    (errors.VerificationError("x; y"), 6),
    (errors.ResourceError("x; y"), 7),
    (errors.ClusterError("x; y"), 8),
    (errors.GeosalError("x; y"), 1),
    (click.UsageError("x; y"), 2),
    (click.BadParameter("x; y"), 2),
    (MemoryError(), 7),
    (KeyboardInterrupt(), 130),
    (Terminated(), 143),
    (ZeroDivisionError("division by zero"), 1),
    (RuntimeError("two\nlines"), 1),
    (RuntimeError(), 1),
]


def _run(body: Callable[[], None], *words: str) -> Result:
    """Run `body` as a command of a guarded group."""

    @click.group(cls=GuardedGroup)
    def group() -> None: ...

    @group.command(name="go")
    @verbose
    def go() -> None:
        body()

    return CliRunner().invoke(group, ["go", *words])


def _raise(error: BaseException) -> Callable[[], None]:
    def body() -> None:
        raise error

    return body


@pytest.mark.parametrize(("error", "code"), LEAVES, ids=lambda value: type(value).__name__)
def test_every_error_is_one_line_and_its_code(error: BaseException, code: int) -> None:
    result = _run(_raise(error))
    assert result.exit_code == code
    assert result.stdout == ""
    assert re.fullmatch(r"geosal: error: .+\n", result.stderr)
    if str(error) and not isinstance(error, KeyboardInterrupt | Terminated):
        assert " ".join(str(error).split()) in result.stderr


def test_a_failure_is_a_document_for_programs(tmp_path: Path) -> None:
    @click.group(cls=GuardedGroup)
    def group() -> None: ...

    @group.command(name="go")
    @options.report_options
    def go(report: Report, quiet: bool) -> None:
        assert not quiet
        report.keep_apart("scene.tif")
        raise errors.SceneError("x.tif: no such file; y")

    def told(*words: object) -> Result:
        return CliRunner().invoke(group, ["go", *map(str, words)])

    result, path = told("--json", "-"), tmp_path / "a.json"
    error = {"code": 3, "kind": "SceneError", "message": "x.tif: no such file; y"}
    document = json.loads(result.stdout)
    assert (result.exit_code, document["error"], document["schema"]) == (3, error, 1)
    assert result.stderr == "geosal: error: x.tif: no such file; y\n"
    assert told("--json", path).stdout == ""
    assert json.loads(path.read_text())["error"] == error
    assert told().stdout == ""
    # What click refuses: no word may name the file as well, and what stands there must be a document of ours.
    for words in (("--json", "-", "--nope"), ("--nope", "--json=-")):
        result = told(*words)
        assert (result.exit_code, json.loads(result.stdout)["error"]["kind"]) == (2, "UsageError")
    other = tmp_path / "ships.json"
    other.write_text('{"annotations": []}')
    for words, target in ((("--json", path, "--nope"), path), ((f"--json={path}", "--nope"), path)):
        path.write_text('{\n  "schema": 1\n}\n')
        assert told(*words).exit_code == 2
        assert json.loads(target.read_text())["error"]["code"] == 2
    path.unlink()
    assert told("--json", path, "--nope").exit_code == 2
    assert "nope" in json.loads(path.read_text())["error"]["message"]
    for words in (
        ("--json", other, "--nope"),
        ("--json", path, "--nope", path),
        ("--json", path, f"--nope={path}:x=1"),
    ):
        before = path.read_bytes()
        assert told(*words).exit_code == 2
        assert (path.read_bytes(), other.read_text()) == (before, '{"annotations": []}')


def test_no_document_takes_the_place_of_a_file_of_the_job(tmp_path: Path, call: Callable[..., Result]) -> None:
    mask, scene = tmp_path / "ships.json", tmp_path / "scene.tif"
    mask.write_text("{}")
    result = call("compress", scene, tmp_path / "out.tif", "-s", mask, "--json", mask)
    assert result.exit_code == 2
    assert mask.read_text() == "{}"
    result = call("compress", scene, tmp_path / "out.tif", "-s", "half", "--json", f"{scene}.aux.xml")
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == [mask]


def test_a_terminal_gets_colours_and_whole_words(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    say("scene.tif: 92.0% of the pixels stay as they are, so little can be gained", "warning")
    lines = terminal.getvalue().splitlines()
    assert lines[0].startswith("geosal: \x1b[33mwarning:\x1b[0m scene.tif: ")
    plain = [re.sub(r"\x1b\[\d*m", "", line) for line in lines]
    assert max(map(len, plain)) <= 40
    assert " ".join(line.strip() for line in plain).endswith("stay as they are, so little can be gained")


def test_traceback_only_with_vv() -> None:
    for words, traceback in ((["-v"], False), (["-vv"], True), (["-v", "-v"], True)):
        stderr = _run(_raise(ZeroDivisionError("no")), *words).stderr
        assert ("Traceback" in stderr) is traceback
        assert stderr.splitlines()[-1].startswith("geosal: error: unexpected ZeroDivisionError: no")


def test_trial_22_secrets_never_show() -> None:
    url = "https://user:CANARY@127.0.0.1/x.tif?X-Amz-Signature=CANARY"

    def body() -> None:
        logging.getLogger("geosal.test").debug("opening %s", url)
        warnings.warn(f"slow: {url}", errors.GeosalWarning, stacklevel=1)
        raise RuntimeError(url)

    stderr = _run(body, "-vv").stderr
    assert "CANARY" not in stderr
    assert stderr.count("127.0.0.1/x.tif?***") >= 3


def test_warnings_are_single_lines_once() -> None:
    def body() -> None:
        for _ in range(3):
            warnings.warn("the mask covers\nhalf", errors.GeosalWarning, stacklevel=1)
        warnings.warn("nobody's business", RuntimeWarning, stacklevel=1)

    assert _run(body).stderr == "geosal: warning: the mask covers half\n"
    assert "nobody's business (RuntimeWarning, " in _run(body, "-v").stderr


@pytest.mark.parametrize(
    ("words", "levels"), [((), "warning"), (("-v",), "info warning"), (("-vv",), "debug info warning")]
)
def test_logs_by_verbosity(words: tuple[str, ...], levels: str) -> None:
    def body() -> None:
        logger = logging.getLogger("geosal.somewhere")
        logger.debug("a")
        logger.info("b")
        logger.warning("c")
        logging.getLogger("rasterio._err").error("GDAL's own words")

    lines = _run(body, *words).stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == levels.split()
    timed = [bool(re.match(r"geosal: \w+: \d\d:\d\d:\d\d\.\d{3} [abc]$", line)) for line in lines]
    assert timed == [words == ("-vv",)] * len(lines)


def test_handlers_and_levels_are_put_back() -> None:
    loggers = [logging.getLogger(name) for name in ("geosal", "rasterio")]
    state = [(logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    _run(_raise(RuntimeError()), "-vv")
    assert state == [(logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    assert handlers == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


def test_signal_raises_in_the_command_and_clean_up_runs() -> None:
    cleaned = []

    def body() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        finally:
            cleaned.append(True)
            os.kill(os.getpid(), signal.SIGINT)  # an impatient second signal does not break the clean-up
            cleaned.append(True)

    result = _run(body)
    assert result.exit_code == 143
    assert cleaned == [True, True]
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "number", "code", "hang"),
    [("busy thread", signal.SIGINT, 130, "pass"), ("hanging clean-up", signal.SIGTERM, 143, "time.sleep(60)")],
)
def test_trial_6_process_ends_within_five_seconds(name: str, number: int, code: int, hang: str, tmp_path: Path) -> None:
    """Of which the test waits no more than two."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        import threading, time
        import click
        from geosal.cli import guard, main as cli

        guard.GRACE_SECONDS = 1.0

        @cli.geosal.command()
        def stuck():
            threading.Thread(target=time.sleep, args=(60,)).start()
            try:
                print("ready", flush=True)
                time.sleep(60)
            finally:
                {hang}

        cli.main()
        """)
    )
    with subprocess.Popen(
        [sys.executable, script, "stuck"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        begin = time.monotonic()
        process.send_signal(number)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == code
    assert time.monotonic() - begin < 1.0 + (5 - GRACE_SECONDS)
    assert re.fullmatch(r"\n?geosal: error: \w+; nothing incomplete stands under the name of an output\n", stderr), name


def test_reader_that_leaves_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    monkeypatch.setattr(os, "dup2", lambda *_: closed.append(True))
    monkeypatch.setattr("sys.stdout.fileno", lambda: 1, raising=False)
    result = _run(_raise(BrokenPipeError(errno.EPIPE, "Broken pipe")))
    assert (result.exit_code, result.stderr) == (1, "")


def test_a_job_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        import os, signal
        from geosal.cli import main as cli

        @cli.geosal.command()
        def hung_up():
            os.kill(os.getpid(), signal.SIGHUP)
            print("still here")

        cli.main()
        """)
    )
    command = ["nohup", sys.executable, str(script), "hung-up"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (0, "still here\n")


def test_control_characters_of_names_are_written_as_text() -> None:
    result = _run(_raise(errors.SceneError("a\x1b]0;x\x07\x9b31m\x7f.tif: no such file")))
    assert result.stderr == "geosal: error: a\\x1b]0;x\\x07\\x9b31m\\x7f.tif: no such file\n"
