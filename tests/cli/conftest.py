"""How the commands are run in these tests: in this process where that suffices, else in one of their own."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import geosal
from geosal.cli.main import geosal as group


@pytest.fixture
def call() -> Callable[..., Result]:
    """Run a command in this process."""

    def run(*words: object) -> Result:
        return CliRunner().invoke(group, [str(word) for word in words], prog_name="geosal")

    return run


@pytest.fixture(scope="session")
def once_made(rgb_scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a JPEG 2000 of the scene and its sidecar; nobody changes it."""
    folder = tmp_path_factory.mktemp("made")
    geosal.compress(str(rgb_scene), str(folder / "out.jp2"), saliency="half")
    return folder


@pytest.fixture
def made(once_made: Path, tmp_path: Path) -> Path:
    """A copy of that JPEG 2000 that may be changed."""
    for file in once_made.iterdir():
        shutil.copy(file, tmp_path)
    return tmp_path / "out.jp2"


@pytest.fixture
def command() -> list[str]:
    """Words that start geosal in a process of its own, installed or not."""
    return [sys.executable, "-P", "-c", "from geosal.__main__ import main; main()"]


@pytest.fixture
def shell(command: list[str], repository: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in a process of its own."""

    def run(*words: object, check: bool = False) -> subprocess.CompletedProcess[str]:
        arguments = [*command, *(str(word) for word in words)]
        return subprocess.run(arguments, capture_output=True, text=True, check=check, timeout=120, cwd=repository)

    return run
