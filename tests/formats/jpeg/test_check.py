"""What a JPEG's markers, and the mask behind its image, may say and cannot be."""

import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from geosal.formats.jpeg.check import FinishedJpeg

SIDE = 64


def faults(path: Path) -> str:
    return "; ".join(
        FinishedJpeg().layout_faults(str(path), SimpleNamespace(shape=(SIDE, SIDE), height=SIDE, width=SIDE))
    )


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    Image.fromarray(np.full((SIDE, SIDE, 3), 9, np.uint8)).save(path)
    return path


def test_a_mask_of_the_right_size_is_no_fault(image: Path) -> None:
    whole = image.read_bytes()
    assert faults(image) == ""
    image.write_bytes(whole + zlib.compress(bytes(SIDE * SIDE // 8)) + len(whole).to_bytes(4, "little"))
    assert faults(image) == ""


@pytest.mark.parametrize("length", [SIDE * SIDE // 8 - 1, SIDE * SIDE // 8 + 1, 10**6])
def test_a_mask_of_another_size_is_told_and_no_bomb_is_unpacked(image: Path, length: int) -> None:
    whole = image.read_bytes()
    image.write_bytes(whole + zlib.compress(bytes(length)) + len(whole).to_bytes(4, "little"))
    assert "the mask behind the image is cut off" in faults(image)


@pytest.mark.parametrize("behind", [1, 2, 3])
def test_an_end_that_lies_in_its_own_offset_ends_the_check(image: Path, behind: int) -> None:
    whole = image.read_bytes()
    end = len(whole)
    tail = end.to_bytes(4, "little")
    # The last four bytes name a place within them, behind an EOI.
    image.write_bytes(whole[:-2] + b"\xff\xd9" + tail[-behind:] if behind > 2 else whole + tail[4 - behind :])
    assert isinstance(faults(image), str)


def test_a_component_without_samples(image: Path) -> None:
    whole = bytearray(image.read_bytes())
    frame = whole.index(b"\xff\xc0")
    whole[frame + 11] = 0x01
    image.write_bytes(whole)
    assert "a component without samples" in faults(image)
