"""Errors sample by sample, as sums that add up over blocks, bands and levels."""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geosal.errors import UsageError
from geosal.native import sum_errors


@dataclass(frozen=True, slots=True)
class ErrorSums:
    """Sums of the differences ``reference - candidate`` over some samples; ``a + b`` is of both together.

    For integers all sums are whole numbers and exact, whatever the blocks; for floats they are float64.

    Attributes
    ----------
    count
        Samples.
    squared, absolute
        Sum of the differences squared, and of their sizes.
    largest
        The greatest size.
    """

    count: int = 0
    squared: int | float = 0
    absolute: int | float = 0
    largest: int | float = 0

    @classmethod
    def of(
        cls, reference: NDArray[Any], candidate: NDArray[Any], where: NDArray[np.bool_] | None = None
    ) -> "ErrorSums":
        """Sum up the differences of two arrays.

        Parameters
        ----------
        reference, candidate
            (y, x) or (band, y, x) of one dtype: uint8, uint16, int16, uint32, int32, float32 or float64.
        where
            Samples that count, of the same shape or (y, x); all when None. Those that count are finite.

        Raises
        ------
        UsageError
            The arrays differ in shape or dtype, or no loop knows their dtype.
        """
        if reference.shape != candidate.shape or reference.ndim not in {2, 3}:
            raise UsageError(
                f"images of {reference.shape} and {candidate.shape}; they must be (y, x) or (band, y, x) of one shape"
            )
        shape = (-1, *reference.shape[-2:])
        counts = None if where is None else np.broadcast_to(where, reference.shape).reshape(shape)
        total = cls()
        for band, (first, second) in enumerate(zip(reference.reshape(shape), candidate.reshape(shape), strict=True)):
            (sums,) = sum_errors(first, second, None if counts is None else counts[band])
            total += cls(*sums)
        return total

    def __add__(self, other: Self) -> "ErrorSums":
        return ErrorSums(
            self.count + other.count,
            self.squared + other.squared,
            self.absolute + other.absolute,
            max(self.largest, other.largest),
        )

    @property
    def mse(self) -> float:
        """Mean squared error; NaN without a sample."""
        return self.squared / self.count if self.count else math.nan

    @property
    def rmse(self) -> float:
        """Root of the mean squared error; NaN without a sample."""
        return math.sqrt(self.mse)

    @property
    def mae(self) -> float:
        """Mean absolute error; NaN without a sample."""
        return self.absolute / self.count if self.count else math.nan

    def psnr(self, data_range: float) -> float:
        """Peak signal-to-noise ratio in dB, ``10 log10(data_range ** 2 / mse)``.

        Parameters
        ----------
        data_range
            Width of the range of values that a sample may take, above 0.

        Returns
        -------
        float
            Infinite where nothing differs, NaN without a sample.
        """
        if self.count == 0:
            return math.nan
        return 20 * math.log10(data_range) - 10 * math.log10(self.mse) if self.squared else math.inf
