"""Sums over the blocks: shares of the kernels, coverage, band statistics."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from geosal.errors import EVEN, warn
from geosal.native import look_up
from geosal.sizes import as_percent

_EXACT_BYTES = 2
_LITTLE = 0.9
"""Mean saliency, or share of unchanged pixels, from which the user is warned that little is gained."""
_STRIP = 2**16


@dataclass(frozen=True, slots=True)
class BandSums:
    """Sums over the valid samples of one band, as whole numbers: statistics do not depend on the blocks."""

    count: int
    minimum: int
    maximum: int
    total: int
    squares: int

    @staticmethod
    def exact(dtype: DTypeLike) -> bool:
        """Return whether samples of `dtype` can be summed up exactly: integers of up to 16 bits."""
        return np.dtype(dtype).kind in "ui" and np.dtype(dtype).itemsize <= _EXACT_BYTES

    @classmethod
    def of(cls, samples: NDArray[Any]) -> "BandSums":
        """Sum up the valid samples, given as one dimension."""
        if samples.size == 0:
            return cls(0, 2**63, -(2**63), 0, 0)
        total, squares = 0, 0
        for begin in range(0, samples.size, _STRIP):  # what is in work stays in the cache
            wide = samples[begin : begin + _STRIP].astype(np.int64)
            total += int(wide.sum())
            squares += int(np.dot(wide, wide))
        return cls(samples.size, int(samples.min()), int(samples.max()), total, squares)

    def __add__(self, other: "BandSums") -> "BandSums":
        return BandSums(
            self.count + other.count,
            min(self.minimum, other.minimum),
            max(self.maximum, other.maximum),
            self.total + other.total,
            self.squares + other.squares,
        )

    def tags(self, pixels: int) -> dict[str, str]:
        """GDAL's ``STATISTICS_*`` band tags; `pixels` is the number of valid and invalid ones."""
        if self.count == 0:
            return {}
        mean = self.total / self.count
        deviation = math.sqrt(self.squares * self.count - self.total**2) / self.count
        return {
            "STATISTICS_MINIMUM": str(self.minimum),
            "STATISTICS_MAXIMUM": str(self.maximum),
            "STATISTICS_MEAN": f"{mean:.12g}",
            "STATISTICS_STDDEV": f"{deviation:.12g}",
            "STATISTICS_VALID_PERCENT": f"{100 * self.count / pixels:.4g}",
        }


def count_levels(levels: NDArray[np.uint8], steps: int) -> NDArray[np.int64]:
    """Count the pixels of each level from 0 to `steps`; `levels` is (y, x)."""
    return look_up(levels, None)[1][: steps + 1]


def warn_of_little_gain(
    label: str,
    shares: Mapping[int, float],
    mean: float | None = None,
    untried: Sequence[str] = (),
    *,
    exact: bool = True,
) -> None:
    """Warn when saliency is so high that hardly anything is smoothed.

    Parameters
    ----------
    label
        Name of the product, for the message.
    shares
        Kernel width -> share of the pixels.
    mean
        Mean saliency, where it is known.
    untried
        Advice: options that the user could add so that less matters.
    exact
        Pixels of saliency 1 stay as they are; a lossy codec may change them, but treats them all alike.

    Warns
    -----
    GeosalWarning
        The mean, or the share of the pixels that stay as they are, is 0.9 or more.
    """
    kept = shares.get(1, 0.0)
    if max(kept, mean or 0.0) >= _LITTLE:
        told = "" if mean is None else f"mean saliency {mean:.2f}, "
        mend = f"ask for less, or say what does not matter: {', '.join([*untried, 'an exclusion such as clouds'])}"
        if kept >= 1:  # an exclusion was perhaps asked for already
            wishes = " or ".join([*untried, "another source: a mask of what matters, or detail"])
            mend = f"the sources find nothing here that matters less, as clouds in a clear sky; give {wishes}"
        whole = f"{as_percent(kept)}% of the pixels"
        what = f"{whole} stay as they are, so little can be gained"
        if not exact:
            few = "so the saliency steers little" if kept < 1 else "so the saliency steers nothing"
            what = f"{whole} matter alike, {few}"
        warn(f"{label}: {told}{what}; {mend}", about=EVEN)


def warn_of_no_pixels(label: str) -> None:
    """Warn when a scene has no pixel that could be smoothed.

    Warns
    -----
    GeosalWarning
        Always.
    """
    warn(
        f"{label}: no pixel of the scene is valid (all are nodata or masked), so there is nothing to smooth; see "
        "that it is the scene and the nodata value you mean"
    )


@dataclass(slots=True)
class Tally:
    """Counts over the blocks taken so far."""

    steps: int
    levels: NDArray[np.int64] = field(init=False)
    """Pixels per level."""
    levels_valid: NDArray[np.int64] = field(init=False)
    """Pixels per level that are valid in a band at least."""
    known: int = 0
    """Pixels about which a source of saliency said something."""
    blocks: int = 0
    resumed: int = 0
    """Blocks that were taken over from a job that was killed."""
    bands: list[BandSums] | None = None
    plain_bytes: int | None = None
    """Bytes of the plain JPEG that was counted beside the output, if it was."""
    seal: str | None = None
    """Root of the output's seal, if it has one."""

    def __post_init__(self) -> None:
        self.levels = np.zeros(self.steps + 1, np.int64)
        self.levels_valid = np.zeros(self.steps + 1, np.int64)

    def add(self, levels: NDArray[np.int64], levels_valid: NDArray[np.int64], known: int) -> None:
        """Add one block: pixels per level, the valid ones of them, and how many of its pixels a source covers."""
        self.levels += levels
        self.levels_valid += levels_valid
        self.known += known
        self.blocks += 1

    def add_statistics(self, bands: Sequence[BandSums]) -> None:
        """Add one block's sums per band."""
        self.bands = list(bands) if self.bands is None else [a + b for a, b in zip(self.bands, bands, strict=True)]

    @property
    def pixels(self) -> int:
        """Pixels counted."""
        return int(self.levels.sum())

    @property
    def coverage(self) -> float:
        """Share of the pixels about which a source said something."""
        return self.known / self.pixels if self.pixels else 0.0

    def shares(self, *, valid_only: bool) -> dict[int, float]:
        """Return the share of each kernel width that occurs, over all pixels as in the paper, or over the valid ones.

        Without a pixel to count, all of the scene counts as unchanged, of width 1.
        """
        counts = self.levels_valid if valid_only else self.levels
        total = int(counts.sum())
        if total == 0:
            return {1: 1.0}
        return {2 * level + 1: int(count) / total for level, count in enumerate(counts) if count}
