"""The script of people with arrays: it runs in fresh processes, and its types are right."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("array_users.py")


@pytest.mark.parametrize("user", ["rioxarray", "odc", "stackstac", "series"])
def test_it_runs_in_a_fresh_process(user: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error:Detected", str(SCRIPT), user, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_its_types_are_right(tmp_path: Path, repository: Path) -> None:
    pytest.importorskip("mypy")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(SCRIPT)],
        capture_output=True,
        text=True,
        check=False,
        cwd=repository,
    )
    assert done.returncode == 0, done.stdout
