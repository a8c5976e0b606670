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
