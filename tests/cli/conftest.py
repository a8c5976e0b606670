"""How the commands are run in these tests: in this process where that suffices, else in one of their own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from geosal.cli.main import geosal as group


@pytest.fixture
def call() -> Callable[..., Result]:
    """Run a command in this process."""

    def run(*words: object) -> Result:
        return CliRunner().invoke(group, [str(word) for word in words], prog_name="geosal")

    return run


@pytest.fixture
def command() -> list[str]:
    """Words that start geosal in a process of its own, installed or not."""
    return [sys.executable, "-P", "-c", "from geosal.cli.main import main; main()"]


@pytest.fixture
def shell(command: list[str], repository: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in a process of its own."""

    def run(*words: object, check: bool = False) -> subprocess.CompletedProcess[str]:
        arguments = [*command, *(str(word) for word in words)]
        return subprocess.run(arguments, capture_output=True, text=True, check=check, timeout=120, cwd=repository)

    return run
