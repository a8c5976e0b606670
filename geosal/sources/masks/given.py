"""A mask that a caller has in memory, or lazily: read like a mask file."""

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.core.raster import valid_samples
from geosal.sources.base import OpenContext
from geosal.sources.masks.raster_file import RasterFile
from geosal.sources.masks.raster_source import RasterSource
from geosal.sources.text import SourceText


class Samples(Protocol):
    """Where the samples of a mask come from."""

    def read(self, block: Block) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        """Pixels of a block, (1, y, x), and which of them count, (y, x); None where all do."""


@dataclass(frozen=True, eq=False)
class ArrayMask(RasterFile):
    """An array that is read like a file's band.

    Attributes
    ----------
    samples
        Where its pixels come from.
    nodata
        Code of pixels that say nothing; NaN says nothing in any case.
    digest
        Hash of its pixels, where they are in memory.
    """

    samples: Samples | None = None
    nodata: float | None = None
    digest: str | None = None

    def read(self, window: Block) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        """Read pixels (y, x), and which of them say something; errors are those of the array."""
        assert self.samples is not None  # noqa: S101  given to each
        pixels, mask = self.samples.read(window)
        valid = None if self.all_valid else valid_samples(pixels[0], self.nodata)
        if mask is not None:
            valid = mask if valid is None else valid & mask
        return np.asarray(pixels[0], self.dtype), valid

    def fingerprint(self) -> str | None:
        """SHA-256 of the pixels; None where they are computed when they are read."""
        return self.digest

    def __dask_tokenize__(self) -> Hashable:
        """The hash of its pixels, or the object that reads them."""
        return type(self).__qualname__, self.digest or id(self.samples)


@dataclass(frozen=True)
class MaskOpener:
    """Opens a mask in memory as a source.

    Attributes
    ----------
    mask
        The mask.
    limits
        Values that mean 0 and 1, where its type does not tell.
    """

    mask: ArrayMask
    limits: tuple[float, float] | None = None

    def open(self, source: SourceText, context: OpenContext) -> RasterSource:
        """Lay the mask on the scene; errors are those of a file's, but pixels on the scene's own need no place."""
        same = self.mask.grid == context.grid
        return RasterSource.of(source.text, self.mask, context.grid, self.limits, by_pixels=same)


def digest_of(pixels: NDArray[Any]) -> str:
    """SHA-256 of an array in memory."""
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()
