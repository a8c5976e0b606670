"""How noisy a scene's samples are: the variance of the noise as a + b x DN, in each band.

A sensor's noise has a part of its own and a part that grows with the light (Foi et al. 2008, "Practical
Poissonian-Gaussian noise modeling and fitting"). Squares of 2 x 2 samples are taken apart by Haar's wavelet. Of white
noise, the diagonal detail has the variance of the noise, and does not depend on the means. So blocks are chosen where
neighbouring means differ least: they hold little texture, and the choice prefers no noise. What they say is sorted by
their mean, and a straight line is laid through it.

Noise that was smoothed with the scene, as by resampling, is not white: less of it is seen than there was. Texture as
fine as pixels, where a scene has it everywhere, is taken for noise.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_SQUARES = 8
"""Squares along each side of a block."""
_BINS, _EVENNESS = 12, 0.05
"""Number of ranges of the means, and the share of the blocks of each that are taken: the most even ones."""
_LEAST_BLOCKS = 8
_ROUNDS = 5
"""Times that the line is laid, with weights by the line before."""


class NoiseLine(NamedTuple):
    """The variance of a band's noise, ``a + b * DN``, in squares of the samples' units."""

    band: int
    """Position of the band, from 0."""
    a: float
    b: float
    middle: float
    """Median of the samples."""

    @property
    def sigma(self) -> float:
        """Standard deviation at the middle sample, in units of the samples."""
        return self.sigma_at(self.middle)

    def sigma_at(self, sample: float) -> float:
        """Return the standard deviation at a sample."""
        return float(np.sqrt(max(0.0, self.a + self.b * sample)))

    def added(self, error: float) -> float:
        """Return by what share rounding adds to sigma, where each sample is off by up to `error`, evenly spread."""
        return float(np.sqrt(1 + error**2 / 3 / self.sigma**2) - 1) if self.sigma else 0.0


@dataclass(eq=False)
class Noise:
    """Learns the noise of each band from pieces of a scene.

    Attributes
    ----------
    alpha
        Position of a band that has none.
    """

    alpha: int | None = None
    _found: dict[int, list[NDArray[np.float64]]] = field(default_factory=dict)

    def add(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> None:
        """Look at a piece: pixels and which of them count, (band, y, x)."""
        for number, (band, counts) in enumerate(zip(pixels, valid, strict=True)):
            if number != self.alpha:
                self._found.setdefault(number, []).append(_of_blocks(band.astype(np.float64), counts))

    def lines(self) -> tuple[NoiseLine, ...]:
        """Return the line of each band that has enough blocks to tell, in their order."""
        found = {number: np.concatenate(parts, axis=1) for number, parts in self._found.items()}
        return tuple(_line(number, blocks) for number, blocks in found.items() if blocks.shape[1] >= _LEAST_BLOCKS)


def _of_blocks(band: NDArray[np.float64], counts: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return mean, variance of the diagonal detail and unevenness of each block that is wholly valid, (3, block)."""
    side = 2 * _SQUARES
    rows, cols = (length // side for length in band.shape)
    tiles = band[: rows * side, : cols * side].reshape(rows, _SQUARES, 2, cols, _SQUARES, 2)
    whole = counts[: rows * side, : cols * side].reshape(rows, side, cols, side).all(axis=(1, 3))
    a, b, c, d = (tiles[:, :, down, :, :, across] for down in (0, 1) for across in (0, 1))
    diagonal, means = (a - b - c + d) / 2, (a + b + c + d) / 4
    # (row, square down, col, square across)
    unevenness = sum(np.square(np.diff(means, axis=axis)).mean(axis=(1, 3)) for axis in (1, 3))
    variance = np.square(diagonal).mean(axis=(1, 3))
    good = whole & np.isfinite(variance) & (variance > 0)
    return np.stack([means.mean(axis=(1, 3))[good], variance[good], np.asarray(unevenness)[good]])


def _line(band: int, blocks: NDArray[np.float64]) -> NoiseLine:
    means, variances, unevenness = blocks
    order = np.argsort(means, kind="stable")
    at, said, weights = [], [], []
    for part in np.array_split(order, min(_BINS, max(1, len(order) // _LEAST_BLOCKS))):
        even = part[np.argsort(unevenness[part], kind="stable")[: max(_LEAST_BLOCKS // 2, int(_EVENNESS * len(part)))]]
        at.append(means[even].mean())
        said.append(variances[even].mean())
        weights.append(len(even))
    a, b = _fit(np.array(at), np.array(said), np.array(weights, np.float64))
    return NoiseLine(band, a, b, float(np.median(means)))


def _fit(at: NDArray[np.float64], said: NDArray[np.float64], counts: NDArray[np.float64]) -> tuple[float, float]:
    """Lay a line by least squares; what a range says is as sure as its variance is small. It never falls."""
    line = np.full_like(said, np.average(said, weights=counts))
    a, b = float(line[0]), 0.0
    for _ in range(_ROUNDS):
        weights = counts / np.square(line)
        mean_at, mean_said = np.average(at, weights=weights), np.average(said, weights=weights)
        spread = np.average(np.square(at - mean_at), weights=weights)
        slope = np.average((at - mean_at) * (said - mean_said), weights=weights) / spread if spread else 0.0
        b = max(0.0, float(slope))
        a = float(mean_said - b * mean_at)
        line = np.maximum(a + b * at, said.min() / 2)
    return a, b
