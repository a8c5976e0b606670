"""A few points of ``kill_points.py``, where strace may trace."""

import shutil
import subprocess
import sys

import kill_points
import pytest


def _traces() -> bool:
    return (
        bool(shutil.which("strace"))
        and subprocess.run(["strace", "-o", "/dev/null", "true"], check=False).returncode == 0
    )


@pytest.mark.skipif(not _traces(), reason="needs strace")
def test_a_kill_as_a_job_takes_its_name_leaves_one_whole_output() -> None:
    words = ("--jobs", "out.jp2", "--calls", "rename")
    done = subprocess.run([sys.executable, kill_points.__file__, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    points = int(done.stdout.split(" points")[0].split()[-1])
    assert points > 0
    assert f"{points} killed" in done.stdout
    assert "after info: neither" not in done.stdout


def test_what_lies_there_is_told_apart() -> None:
    old, new = {"a": "1"}, {"a": "2"}
    told = [kill_points.kind_of(found, old, new) for found in (old, new, {}, {"a": "3"})]
    assert told == ["old", "new", "nothing", "neither"]
