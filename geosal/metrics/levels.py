"""Both kinds of sums for one band of a block, for each level of saliency."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.metrics.pixelwise import ErrorSums
from geosal.metrics.structural import StructureSums, sum_structure
from geosal.native import sum_errors


def sum_by_level(
    reference: NDArray[Any],
    candidate: NDArray[Any],
    data_range: float,
    inside: tuple[slice, slice],
    *,
    valid: NDArray[np.bool_] | None = None,
    levels: NDArray[np.uint8] | None = None,
    count: int = 1,
) -> tuple[tuple[ErrorSums, ...], tuple[StructureSums, ...]]:
    """Compare one band of a block.

    Parameters
    ----------
    reference, candidate, data_range, inside, valid, levels, count
        See `geosal.metrics.structural.sum_structure`.

    Returns
    -------
    tuple of ErrorSums, tuple of StructureSums
        One of each for every level. Errors are those of the samples `inside`; windows reach into the halo.

    Raises
    ------
    UsageError
        The shapes of the arrays do not match, or the block is not aligned.
    """
    structure = sum_structure(reference, candidate, data_range, inside, valid=valid, levels=levels, count=count)
    valid_inside = None if valid is None else valid[inside]
    errors = sum_errors(reference[inside], candidate[inside], valid_inside, levels, count)
    return tuple(ErrorSums(*sums) for sums in errors), structure
