import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import geosal
from geosal import ClusterError
from geosal.core.cluster.code import SameCode, fingerprint


def test_a_worker_with_other_code_does_no_block() -> None:
    code = fingerprint()
    assert SameCode(str, code)(3) == "3"
    with pytest.raises(ClusterError, match=r"geosal .* with other code than the 0\.0\.9"):
        SameCode(str, ("0.0.9", code[1]))(3)


def test_other_code_in_any_room_is_other_code(tmp_path: Path) -> None:
    package = tmp_path / "geosal"
    shutil.copytree(Path(geosal.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    ask = "from geosal.core.cluster.code import fingerprint; print(fingerprint()[1])"

    def told() -> str:
        command = [sys.executable, "-P", "-c", ask]
        return subprocess.run(
            command, env=os.environ | {"PYTHONPATH": str(tmp_path)}, text=True, capture_output=True, check=True
        ).stdout.strip()

    assert told() == fingerprint()[1]
    changed = package / "smoothing" / "block.py"
    changed.write_text(changed.read_text() + "\nOTHER = 1\n")
    assert told() != fingerprint()[1]
