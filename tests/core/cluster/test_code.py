import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import geosal
from geosal import ClusterError, SceneError
from geosal.core.cluster.code import Code, OnWorker, code_here, digest_of_code

HERE = code_here()


def refuse(_: object) -> None:
    raise SceneError("scene.tif: is damaged")


def test_a_worker_with_other_code_does_no_block() -> None:
    assert OnWorker(str, HERE)(3) == "3"
    with pytest.raises(ClusterError, match=r"worker of host \S+ has geosal .*, and here is 0\.0\.9"):
        OnWorker(str, HERE._replace(version="0.0.9"))(3)


@pytest.mark.parametrize("name", ["GDAL", "PROJ", "imagecodecs", "numpy", "rasterio", "openjpeg", "libdeflate", "zstd"])
def test_a_worker_with_another_library_is_named_with_both_versions(name: str) -> None:
    mine = HERE.libraries[name]
    theirs = Code(HERE.version, HERE.digest, HERE.libraries | {name: "0.1"})
    assert HERE.difference(theirs) == f"has {name} 0.1, and here is {mine}"
    assert HERE.difference(HERE) is None
    assert "with other code" in str(HERE.difference(HERE._replace(digest="0")))


def test_an_error_on_a_worker_names_the_worker() -> None:
    with pytest.raises(SceneError, match=r"scene\.tif: is damaged \(on worker of host \S+\)$"):
        OnWorker(refuse, HERE)(0)


def test_other_code_in_any_room_is_other_code(tmp_path: Path) -> None:
    package = tmp_path / "geosal"
    shutil.copytree(Path(geosal.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    ask = "from geosal.core.cluster.code import digest_of_code; print(digest_of_code())"

    def told() -> str:
        command = [sys.executable, "-P", "-c", ask]
        return subprocess.run(
            command, env=os.environ | {"PYTHONPATH": str(tmp_path)}, text=True, capture_output=True, check=True
        ).stdout.strip()

    assert told() == digest_of_code()
    changed = package / "smoothing" / "block.py"
    changed.write_text(changed.read_text() + "\nOTHER = 1\n")
    assert told() != digest_of_code()
