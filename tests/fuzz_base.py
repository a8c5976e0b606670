"""What the targets of `fuzz.py` are made of: sound files, and functions that put damaged ones in their place."""

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mutations import Mutation
from rasters import PLACE, save

import geosal
from geosal.errors import GeosalError

_clock = itertools.count(10**9)


@dataclass(frozen=True, slots=True)
class Seed:
    """A sound input: where it lies in the folder of its target, its content, and how it is damaged."""

    place: str
    data: bytes
    mutate: Mutation


@dataclass(frozen=True, slots=True)
class Target:
    """A reader.

    Attributes
    ----------
    seeds
        Makes sound files in a folder.
    read
        Reads one input of the folder.
    allowed
        Errors that the reader promises.
    cost
        How many times fewer inputs it gets than others.
    """

    seeds: Callable[[Path], list[Seed]]
    read: Callable[[Path, str, bytes], object]
    allowed: tuple[type[Exception], ...] = (GeosalError,)
    cost: int = 1


def put(folder: Path, place: str, data: bytes) -> str:
    """Write a file, each time with another time, so that no cache takes it for the one before."""
    path = folder / place
    path.write_bytes(data)
    os.utime(path, (next(_clock),) * 2)
    return str(path)


@contextmanager
def replaced(folder: Path, place: str, data: bytes) -> Iterator[str]:
    """Put an input in the place of a sound file for a while."""
    before = (folder / place).read_bytes()
    try:
        yield put(folder, place, data)
    finally:
        put(folder, place, before)


def scene_in(folder: Path, side: int = 96, name: str = "scene.tif") -> Path:
    """A small scene of three bands, which is no noise."""
    rows, cols = np.mgrid[:side, :side]
    pixels = np.stack([(rows * 2 + cols * band) % 200 + 20 for band in (1, 2, 3)]).astype(np.uint8)
    return save(folder / name, pixels, photometric="RGB", **PLACE)


def made_in(folder: Path, name: str, **options: Any) -> bytes:
    """Bytes of an output of ours; nothing of it stays in the folder."""
    work = folder.parent / f"made-{name}"
    work.mkdir()
    options = {"saliency": "half", "treatment": "smooth"} | options
    geosal.compress(scene_in(work), work / name, overwrite=True, **options)
    data = (work / name).read_bytes()
    shutil.rmtree(work)
    return data


def seeds_of(folder: Path, names: dict[str, Mutation]) -> list[Seed]:
    """The files of a folder that patterns name, and how each is damaged."""
    return [
        Seed(str(path.relative_to(folder)), path.read_bytes(), mutate)
        for pattern, mutate in names.items()
        for path in sorted(folder.rglob(pattern))
    ]


def tick() -> int:
    """A number that was never given before."""
    return next(_clock)
