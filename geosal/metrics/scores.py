"""The figures computed from sums."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from geosal.metrics.pixelwise import ErrorSums
from geosal.metrics.structural import StructureSums, mean_of_known


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """Distance of a candidate from its original, over some samples. Unknown figures are NaN.

    Attributes
    ----------
    samples
        Number of samples compared.
    mse, rmse, mae, max_error
        Errors in units of the samples (squared for `mse`).
    psnr
        PSNR in dB; infinite where nothing differs.
    ssim, ms_ssim
        1 where nothing differs. Over several bands the mean of each band's.
    """

    samples: int
    mse: float
    rmse: float
    mae: float
    psnr: float
    max_error: float
    ssim: float
    ms_ssim: float

    @classmethod
    def of(cls, errors: Sequence[ErrorSums], structure: Sequence[StructureSums], data_range: float) -> "Scores":
        """Judge by the sums of one or several bands, one of each for every band.

        Parameters
        ----------
        errors, structure
            Sums over the same samples.
        data_range
            Width of the range of values that a sample may take.
        """
        total = reduce(add, errors, ErrorSums())
        return cls(
            samples=total.count,
            mse=total.mse,
            rmse=total.rmse,
            mae=total.mae,
            psnr=total.psnr(data_range),
            max_error=total.largest if total.count else math.nan,
            ssim=mean_of_known([band.ssim for band in structure]),
            ms_ssim=mean_of_known([band.ms_ssim for band in structure]),
        )
