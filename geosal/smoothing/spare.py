"""How far smoothed samples may be rounded so that nobody misses it: what they carry below that is only for the codec.

A mean of hundreds of samples has digits that none of them had. Those below the noise that smoothing has just taken say
nothing about the ground, and a lossless codec pays for each: Sentinel-2 reflectances of 7 004 values became 48 111, and
their file larger than its source. So an error is spared which is, in each band,

- an eighth of what the widest kernel takes from the middle (median) sample, or
- half the distance of the values that the source has at all, where that is more: scenes that were 8 bits once, or come
  of a table.

The least of the bands is that of all. At a level it is the share that `geosal.core.treatment.Bound` gives it. No sample
is rounded by more than e; evenly spread, that adds e^2 / 3 to the squared error: for an eighth, a two-hundredth of the
square of what smoothing took from the middle sample.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.core.ladder import Ladder
from geosal.smoothing.block import smooth_block

_SHARE = 1 / 8
"""Of what smoothing takes. `tests/benchmarks/defaults.py` has the bytes."""
_LEAST_VALUES = 64
"""Fewer distinct values in a sample do not tell which ones a scene has."""
_DIGITS = 2
"""Significant digits of an error of floats."""


@dataclass(eq=False)
class Spare:
    """Learns from pieces of a scene which error can be spared.

    Attributes
    ----------
    ladder
        Of the job: its widest kernel tells.
    alpha
        Position of a band that is never smoothed.
    """

    ladder: Ladder
    alpha: int | None = None
    _taken: dict[int, list[NDArray[np.float64]]] = field(default_factory=dict)
    _values: dict[int, list[NDArray[Any]]] = field(default_factory=dict)

    def add(self, pixels: NDArray[Any], valid: NDArray[np.bool_], inner: tuple[slice, slice]) -> None:
        """Look at what lies `inner` of a piece with the halo of the widest kernel.

        Parameters
        ----------
        pixels, valid
            (band, y, x), and which samples count.
        inner
            Rows and columns without the halo.
        """
        levels = np.zeros(pixels.shape[1:], np.uint8)
        levels[inner] = self.ladder.steps
        smoothed = smooth_block(pixels, levels, None if valid.all() else valid, self.ladder)
        for number in range(len(pixels)):
            if number == self.alpha:
                continue
            counts = valid[number][inner]
            before, after = (image[number][inner][counts] for image in (pixels, smoothed))
            self._taken.setdefault(number, []).append(np.abs(after.astype(np.float64) - before))
            self._values.setdefault(number, []).append(np.unique(before))

    def error(self) -> float:
        """Return the largest error that all bands can spare, in units of the samples; 0 for none."""
        errors = [
            error
            for number, taken in self._taken.items()
            if (error := _error_of(taken, self._values[number])) is not None
        ]
        return min(errors, default=0.0)


def _error_of(taken: list[NDArray[np.float64]], values: list[NDArray[Any]]) -> float | None:
    """Return the error that a band can spare; None for one that is even, and takes no bytes."""
    off = np.concatenate(taken)
    off = off[np.isfinite(off)]
    present = np.unique(np.concatenate(values))
    if not off.size or present.size == 1:
        return None
    error = _SHARE * float(np.median(off))
    whole = present.dtype.kind != "f"
    if present.size >= _LEAST_VALUES:
        apart = np.diff(present.astype(np.int64 if whole else np.float64))
        error = max(error, float(apart.min()) / 2)
    return float(np.floor(error)) if whole else float(f"{error:.{_DIGITS}g}")
