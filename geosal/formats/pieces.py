"""Pixels that fill no whole tile yet, kept in a file: a job that goes on where another has ended needs them again."""

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from geosal.core.grid import Block
from geosal.files.journal import Growing
from geosal.formats.pyramid import Piece


class Pieces:
    """The pieces of blocks, in the order in which they came; use it as a context manager.

    Parameters
    ----------
    path
        Its file.
    dtype
        Of their pixels.
    """

    def __init__(self, path: Path, dtype: DTypeLike) -> None:
        self.name = path.name
        self._path, self._dtype = path, np.dtype(dtype)
        self._fresh: list[list[int]] = []
        """Level, place and bands of the pieces that came since the last claim; whether they have a mask, and levels."""

    def __enter__(self) -> Self:
        """Open the file."""
        self._file = Growing(self._path, kept=True)
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):  # a full disk may refuse; what it takes no more was not claimed
            self._file.leave()

    def append(self, piece: Piece) -> None:
        """Keep a piece.

        Raises
        ------
        OSError
            The disk is full.
        """
        block, mask, levels = piece.block, piece.mask, piece.levels
        self._file.write(np.ascontiguousarray(piece.pixels).tobytes())
        for other in (mask, levels):
            if other is not None:
                self._file.write(other.astype(np.uint8).tobytes())
        place = [block.row_off, block.col_off, block.height, block.width]
        self._fresh.append([piece.level, *place, len(piece.pixels), int(mask is not None), int(levels is not None)])

    def claim(self) -> dict[str, Any]:
        """Tell where the pieces lie that came since the last claim; all of their bytes are with the system then."""
        pieces, self._fresh = self._fresh, []
        return {"at": self._file.claim(), "pieces": pieces}

    def hold(self, claim: Mapping[str, Any]) -> bool:
        """Return whether the pieces of a claim are there."""
        return self._file.holds(claim["at"])

    def restore(self, claims: Sequence[Mapping[str, Any]]) -> None:
        """Cut off what lies behind the last of claims that hold."""
        self._file.cut(max((sum(claim["at"][:2]) for claim in claims), default=0))

    def of(self, claim: Mapping[str, Any]) -> Iterator[Piece]:
        """Read the pieces of a claim.

        Raises
        ------
        ValueError
            They take more bytes than it claims.
        """
        place, end = claim["at"][0], sum(claim["at"][:2])

        def take(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
            nonlocal place
            length = math.prod(shape) * np.dtype(dtype).itemsize
            if place + length > end:
                raise ValueError(f"pieces of {place + length} bytes in a claim that ends at {end}")
            data = self._file.read(place, length)
            place += length
            return np.frombuffer(data, dtype).reshape(shape)

        for level, row, col, height, width, bands, has_mask, has_levels in claim["pieces"]:
            shape = height, width
            pixels = take((bands, *shape), self._dtype)
            mask = take(shape, np.uint8).astype(np.bool_) if has_mask else None
            levels = take(shape, np.uint8) if has_levels else None
            yield Piece(level, Block(row, col, height, width), pixels, mask, levels)

    def sync(self) -> None:
        """Flush to the disk what was claimed."""
        self._file.sync()
