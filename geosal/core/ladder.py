"""From saliency to kernel width: the seed paper's equations 2 and 3 (Downes, Saltwick and Chen, SIGSPATIAL 2023)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geosal.errors import SaliencyError, UsageError

MAX_STEPS = 32
"""Most steps of a ladder: kernels of 65 px. With more, the rounding of float32 saliency exceeds the guard below."""
USUAL_SIGMA = "opencv"
"""Default rule for sigma."""
_STRIP = 2**16
_GUARD = 1e-6
"""Added before rounding down, so that (1 - 0.9) * 10 is 1: saliencies are written in decimals, stored in float32."""
_LEAST_FACTOR, _LARGEST_FACTOR = 1e-6, 1e6
"""Limits of sigma over width: at the first a kernel changes nothing, at the second all its taps are alike."""
_SIGMA_RULES = "opencv, or FACTOR*K such as 0.25*K"


@dataclass(frozen=True, slots=True)
class Ladder:
    """The kernels that saliency is mapped to.

    Attributes
    ----------
    steps
        Number of kernels above width 1: ``|k|`` of equation 2. 8 gives the widths 1, 3 … 17.
    sigma
        Rule for the Gaussian's sigma in pixels: ``"opencv"`` is 0.3 ((K-1)/2 - 1) + 0.8, as `cv2.getGaussianKernel`
        documents it; ``"0.25*K"`` (any factor) is proportional to the width.

    Examples
    --------
    >>> geosal.Ladder(steps=4).widths
    (1, 3, 5, 7, 9)
    """

    steps: int = 8
    sigma: str = USUAL_SIGMA

    def __post_init__(self) -> None:
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or not 1 <= self.steps <= MAX_STEPS:
            raise UsageError(f"steps={self.steps!r}: the ladder needs a whole number from 1 to {MAX_STEPS}")
        self.sigma_of(3)

    @property
    def halo(self) -> int:
        """Pixels that the widest kernel reaches beyond its centre."""
        return self.steps

    @property
    def widths(self) -> tuple[int, ...]:
        """Kernel width of each level, level 0 (untouched) first."""
        return tuple(2 * level + 1 for level in range(self.steps + 1))

    def sigma_of(self, width: int) -> float:
        """Sigma in pixels of the kernel of `width` pixels."""
        if self.sigma == USUAL_SIGMA:
            return 0.3 * ((width - 1) / 2 - 1) + 0.8
        match = re.fullmatch(r"(\d*\.?\d+(?:[eE][-+]?\d+)?)\*K", self.sigma)
        if match is None:
            raise UsageError(f"sigma={self.sigma!r}: not a rule; use {_SIGMA_RULES}")
        if not _LEAST_FACTOR <= float(match[1]) <= _LARGEST_FACTOR:
            limits = f"{_LEAST_FACTOR:g} to {_LARGEST_FACTOR:g}"
            raise UsageError(f"sigma={self.sigma!r}: the factor must lie from {limits}; use {_SIGMA_RULES}")
        return float(match[1]) * width

    def levels(self, saliency: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return the level of each pixel, ``floor((1 - s) * steps + 1e-6)``; the width is ``2 * level + 1`` (eq. 2).

        Parameters
        ----------
        saliency
            Saliency of any shape, each value in [0, 1].

        Raises
        ------
        SaliencyError
            A value is NaN or outside [0, 1]; values are never clipped.
        """
        flat = saliency.ravel()
        levels = np.empty(flat.size, np.uint8)
        for begin in range(0, flat.size, _STRIP):  # strips stay in the cache
            part = flat[begin : begin + _STRIP]
            if not (part.min() >= 0 and part.max() <= 1):
                raise SaliencyError(_why_no_saliency(saliency))
            wide = np.subtract(1.0, part, dtype=np.float64)
            wide *= self.steps
            wide += _GUARD
            np.copyto(levels[begin : begin + _STRIP], wide, casting="unsafe")
        return levels.reshape(saliency.shape)

    def __str__(self) -> str:
        return f"steps={self.steps} sigma={self.sigma}"


def _why_no_saliency(found: NDArray[np.float32]) -> str:
    numbers = found[~np.isnan(found)]
    if not numbers.size:
        return "saliency is NaN everywhere; it must lie in [0, 1]: say 1 where it is unknown"
    return (
        f"saliency from {numbers.min():g} to {numbers.max():g}, NaN: {'yes' if numbers.size < found.size else 'no'}; "
        "it must lie in [0, 1]: scale it, and say 1 where it is unknown"
    )


def effective_kernel(shares: Mapping[int, float]) -> float:
    """Return the mean kernel width, equation 3: the sum of share * width over `shares`, which maps width to share.

    Examples
    --------
    >>> geosal.effective_kernel({1: 0.5, 17: 0.5})
    9.0
    """
    return sum(share * width for width, share in shares.items())
