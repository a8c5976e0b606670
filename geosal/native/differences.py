"""Call the C functions that compare two images, after a check of their arguments."""

import ctypes
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geosal.errors import UsageError
from geosal.native.jobs import CompareJob, DifferJob, PoolJob
from geosal.native.library import address, check_dtype, function, matching, rows, with_whole_rows

KINDS = ("uint8", "uint16", "int16", "uint32", "int32", "float32", "float64")
"""Types of samples, in the order of ``compare.c``."""
REACH = 5
"""Pixels that a window of 11 reaches to each side of its centre."""
MOST_LEVELS = 255
_MOST_SCALE = 16


class Errors(NamedTuple):
    """Sums over some samples; for integers they are exact, and Python's own."""

    samples: int
    squared: int | float
    absolute: int | float
    largest: int | float


class Windows(NamedTuple):
    """Sums over windows, (level,) each."""

    pixels: NDArray[np.int64]
    """Number of full-resolution pixels that the windows stand for."""
    similarity: NDArray[np.float64]
    """Sums of similarity in luminance, contrast and structure."""
    contrast: NDArray[np.float64]
    """Sums of similarity in contrast and structure alone."""


class Window(NamedTuple):
    """What a window is like."""

    taps: NDArray[np.float64]
    """Weights from the centre outwards, (6,), the same in each direction."""
    constants: tuple[float, float]
    """C1 and C2 of Wang et al. (2004)."""
    scale: int
    """Rows and columns of the full resolution in a pixel, at most 16; a window counts once for each of those pixels."""
    pivot: float = 0.0
    """A value near the samples, subtracted from them: variances of large samples then keep their digits."""


def sum_errors(
    first: NDArray[Any],
    second: NDArray[Any],
    valid: NDArray[np.bool_] | None = None,
    levels: NDArray[np.uint8] | None = None,
    count: int = 1,
) -> tuple[Errors, ...]:
    """Sum up the differences between the samples of two bands, for each level.

    Parameters
    ----------
    first, second
        (y, x), of one type out of `KINDS`.
    valid
        (y, x), or None when all samples count. Those that count are finite.
    levels
        (y, x), or None when all samples are of level 0. Levels from `count` on are left out.
    count
        Number of levels, `MOST_LEVELS` at most.

    Raises
    ------
    UsageError
        The shapes of the arrays do not match, or a type is not supported.
    """
    first, second, kind = _pair(first, second)
    valid = matching(first, "validity", valid, np.dtype(np.bool_))
    levels = matching(first, "levels", levels, np.dtype(np.uint8))
    _check_count(count)
    whole = first.dtype.kind != "f"
    sums = np.zeros((count, 5), np.uint64)
    job = DifferJob(
        **rows(first=first, second=second, valid=valid, levels=levels),
        height=first.shape[0],
        width=first.shape[1],
        count=count,
        sums=address(sums),
    )
    function("_metrics", f"geosal_errors_{KINDS[kind]}")(ctypes.byref(job))
    if whole:
        return tuple(
            Errors(number, low + (high << 64), absolute, largest)
            for number, low, high, absolute, largest in sums.tolist()
        )
    reals = sums.view(np.float64)[:, 1:4].tolist()
    return tuple(Errors(number, *real) for number, real in zip(sums[:, 0].tolist(), reals, strict=True))


def sum_windows(
    first: NDArray[Any],
    second: NDArray[Any],
    valid: NDArray[np.bool_] | None,
    inside: tuple[slice, slice],
    window: Window,
    levels: NDArray[np.uint8] | None = None,
    count: int = 1,
) -> Windows:
    """Compare two bands window by window of 11 x 11 pixels, and sum up by the level of each window's centre.

    Windows that reach over the edge of the arrays, or hold a sample that does not count, are left out.

    Parameters
    ----------
    first, second
        (y, x), of one type out of `KINDS`.
    valid
        (y, x), or None when all samples count. What does not count is not looked at.
    inside
        Rows and columns of the centres.
    window
        Weights of the samples, and what a pixel stands for.
    levels
        Levels of the full resolution, the first that of the first centre in `inside`: (scale * rows, scale * columns),
        less at the edge of the scene. None when all are of level 0.
    count
        Number of levels, `MOST_LEVELS` at most; others are left out.

    Raises
    ------
    UsageError
        The shapes of the arrays do not match, or a type is not supported.
    """
    first, second, kind = _pair(first, second)
    valid = matching(first, "validity", valid, np.dtype(np.bool_))
    _check_count(count)
    taps, scale = np.ascontiguousarray(window.taps, np.float64), window.scale
    if taps.shape != (REACH + 1,) or not 1 <= scale <= _MOST_SCALE:
        raise UsageError(f"{taps.size} taps at scale {scale}; there must be {REACH + 1}, and 1 to {_MOST_SCALE}")
    (top, bottom), (left, right) = (_centres(wanted, size) for wanted, size in zip(inside, first.shape, strict=True))
    found = Windows(np.zeros(count, np.int64), np.zeros(count), np.zeros(count))
    if top >= bottom or left >= right:
        return found
    skipped = top - (inside[0].start or 0), left - (inside[1].start or 0)
    levels = _full_levels(levels, skipped, (bottom - top, right - left), scale)
    job = CompareJob(
        **rows(first=first, second=second, valid=valid, levels=levels),
        top=top,
        left=left,
        bottom=bottom,
        right=right,
        scale=scale,
        kind=kind,
        count=count,
        taps=address(taps),
        luminance=2 * window.constants[0],
        contrast=2 * window.constants[1],
        pivot=window.pivot,
        windows=address(found.pixels),
        similarities=address(found.similarity),
        contrasts=address(found.contrast),
    )
    if function("_metrics", "geosal_compare")(ctypes.byref(job)):
        raise MemoryError("no memory to compare windows in")
    return found


def pool(pixels: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Take the mean of each 2 x 2 pixels of a band; at an odd edge of what is there.

    Parameters
    ----------
    pixels
        (y, x), of one type out of `KINDS`.
    valid
        (y, x), or None when all samples count; others are taken for 0.

    Returns
    -------
    ndarray
        (ceil(y / 2), ceil(x / 2)).

    Raises
    ------
    UsageError
        The shapes of the arrays do not match, or the type is not supported.
    """
    pixels, _, kind = _pair(pixels, pixels)
    valid = matching(pixels, "validity", valid, np.dtype(np.bool_))
    height, width = pixels.shape
    out = np.empty((-(-height // 2), -(-width // 2)))
    job = PoolJob(
        **rows(pixels=pixels, valid=valid, out=out),
        height=height,
        width=width,
        kind=kind,
    )
    function("_metrics", "geosal_pool")(ctypes.byref(job))
    return out


def _full_levels(
    levels: NDArray[np.uint8] | None, skipped: tuple[int, int], shape: tuple[int, int], scale: int
) -> NDArray[np.uint8] | None:
    """Return the levels under `shape` windows that begin after some skipped ones, as the C takes them."""
    if levels is None:
        return None
    levels = with_whole_rows(levels[skipped[0] * scale :, skipped[1] * scale :])
    if levels.shape[0] < shape[0] * scale or levels.shape[1] < shape[1] * scale:
        raise UsageError(f"levels of {levels.shape} for {shape[0]} x {shape[1]} windows at scale {scale}")
    if levels.dtype != np.uint8:
        raise UsageError(f"levels of {levels.dtype}; they must be uint8")
    return levels


def _centres(wanted: slice, size: int) -> tuple[int, int]:
    """Return the first and last but one centre whose window lies in an array of `size`."""
    start, stop, _ = wanted.indices(size)
    return max(start, REACH), min(stop, size - REACH)


def _pair(first: NDArray[Any], second: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], int]:
    """Two images as the C takes them, and their kind."""
    if first.ndim != 2 or first.shape != second.shape or first.dtype != second.dtype:
        raise UsageError(
            f"images of {first.dtype} {first.shape} and {second.dtype} {second.shape}; they must be two (y, x) of the "
            "same type and shape"
        )
    check_dtype(first, KINDS)
    return with_whole_rows(first), with_whole_rows(second), KINDS.index(first.dtype.name)


def _check_count(count: int) -> None:
    if not 1 <= count <= MOST_LEVELS:
        raise UsageError(f"{count} levels; there are 1 to {MOST_LEVELS}")
