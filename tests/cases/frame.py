"""What a case is: something that people do, the right outcome, and a function that does it and asserts the outcome.

Cases use geosal as its users do, by `geosal`'s public names and by the command line, and nothing that a later version
brought. So the same script tells what an older version did: see ``report.py``.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from io import StringIO
from pathlib import Path

CASES: dict[str, "Case"] = {}
"""Every case by its name; filled by the modules beside this one as they are imported."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case."""

    name: str
    """Short and unique, such as ``webp-fourth-band``."""
    says: str
    """The right outcome, in a sentence."""
    run: Callable[[Path], None]
    """Do it in an empty folder; AssertionError where the outcome is another."""


def case(name: str, says: str) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """Enter a function into `CASES`."""

    def enter(run: Callable[[Path], None]) -> Callable[[Path], None]:
        assert name not in CASES, f"two cases are called {name}"
        CASES[name] = Case(name=name, says=says, run=run)
        return run

    return enter


def every_case() -> list[Case]:
    """All cases, in the order of their files and of their places there."""
    for path in sorted(Path(__file__).parent.glob("of_*.py")):
        import_module(f"cases.{path.stem}")
    return list(CASES.values())


def geosal(*words: object, timeout: float | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line; its output is text.

    A process of its own takes a second to start, so there is one only for a time limit or more environment.
    """
    arguments = [str(word) for word in words]
    if timeout is None and not environment:
        return _here(arguments)
    return subprocess.run(
        [sys.executable, "-P", "-m", "geosal", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout or 120,
        env=os.environ | environment,
    )


def _here(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run the console script's function in this process."""
    from geosal.cli.main import main

    output, errors, before, code = StringIO(), StringIO(), sys.argv, 0
    sys.argv = ["geosal", *arguments]
    try:
        with redirect_stdout(output), redirect_stderr(errors):
            main()
    except SystemExit as left:
        code = int(left.code or 0)
    finally:
        sys.argv = before
    return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Assert that a command ended with an exit code and said each of some words, in whatever case."""
    assert done.returncode == code, f"exit {done.returncode}, not {code}: {done.stderr.strip()[-300:]}"
    missing = [word for word in words if word.lower() not in done.stderr.lower()]
    assert not missing, f"says nothing of {missing}: {done.stderr.strip()[-300:]}"
