"""Small pictures of three kinds that even a small network learns in seconds."""

import importlib.util
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

KINDS = ("blue", "green", "stripes")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Torch's threads wait by turning round, which on a busy machine takes longer than the work."""
    if importlib.util.find_spec("torch") is not None:
        importlib.import_module("torch").set_num_threads(1)


def _picture(kind: str, seed: int, size: int = 16) -> Image.Image:
    chance = np.random.default_rng(seed)
    pixels = chance.integers(60, 120, (size, size, 3))
    if kind == "stripes":
        pixels[::4] += 120
    else:
        pixels[..., {"blue": 2, "green": 1}[kind]] += 100
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.fixture(scope="session")
def class_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 pictures of each kind, numbered from 1 without leading zeros, and things that are none beside them."""
    root = tmp_path_factory.mktemp("pictures") / "all"
    for number, kind in enumerate(KINDS):
        (root / kind).mkdir(parents=True)
        for index in range(1, 13):
            _picture(kind, 100 * number + index).save(root / kind / f"{kind}_{index}.png")
    (root / "read me.txt").write_text("not a picture")
    (root / "blue" / ".hidden.png").write_bytes(b"not a picture")
    _picture("blue", 0).save(root / "sheet.png")
    return root


@pytest.fixture(scope="session")
def class_tar(class_folders: Path) -> Path:
    """The same in a .tar.gz, in another order."""
    path = class_folders.parent / "all.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for file in sorted(class_folders.rglob("*"), reverse=True):
            if file.is_file():
                tar.add(file, f"top/{file.relative_to(class_folders)}")
        link = tarfile.TarInfo("top/blue/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        outside = tarfile.TarInfo("../../outside.txt")
        outside.size = 3
        tar.addfile(outside, io.BytesIO(b"no\n"))
    return path
