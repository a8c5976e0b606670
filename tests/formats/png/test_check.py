"""Chunks of a PNG: each damage is told, and a whole file has none."""

import re
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio

from geosal.formats.png.check import FinishedPng


@pytest.fixture
def png(tmp_path: Path) -> Path:
    """An image of noise by GDAL: 30 rows of 50 pixels."""
    path = tmp_path / "a.png"
    with rasterio.open(path, "w", "PNG", 50, 30, 1, dtype="uint8") as sink:
        sink.write(np.random.default_rng(0).integers(0, 255, (1, 30, 50), "uint8"))
    return path


def _told(path: Path, against: Path) -> list[str]:
    with rasterio.open(against) as dataset:
        return FinishedPng().layout_faults(str(path), dataset)


def _with_height(data: bytes) -> bytes:
    head = b"IHDR" + data[16:20] + (29).to_bytes(4, "big") + data[24:29]
    return data[:12] + head + zlib.crc32(head).to_bytes(4, "big") + data[33:]


def test_a_whole_file_has_no_faults(png: Path) -> None:
    assert _told(png, png) == []


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: b"\0" + data[1:], "does not begin as a PNG"),
        (lambda data: data[:-12], "without IEND: the file is cut off"),
        (lambda data: data[:200], "chunk IDAT at byte .* is cut off"),
        (lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:], "chunk IDAT at byte .* is damaged"),
        (lambda data: data + b"more", "goes on behind IEND"),
        (_with_height, "its header has 50 x 29 px, not 50 x 30"),
    ],
)
def test_damage_is_told(png: Path, tmp_path: Path, damage: Callable[[bytes], bytes], words: str) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(damage(png.read_bytes()))
    (fault,) = _told(damaged, png)
    assert re.search(words, fault), fault
