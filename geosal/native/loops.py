"""Call the C functions on arrays, after a check of their arguments."""

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.errors import UsageError
from geosal.native.jobs import HalveJob, QuantiseJob, SmoothJob
from geosal.native.library import MAX_RADIUS, address, check_dtype, function, matching, rows, with_whole_rows

_EXACT = frozenset({"uint8", "uint8_fine", "uint16", "int16"})
DTYPES = frozenset({"uint8", "uint16", "int16", "uint32", "int32", "float32", "float64"})
QUANTISED = DTYPES - {"float64"}
"""Sample types that `quantise` takes."""
_LEVELS = 256
_FURTHEST = 200
"""Largest exponent of a step: one of 2**200 rounds every float32 to 0, one of 2**-200 changes none."""


def smooth(
    pixels: NDArray[Any],
    levels: NDArray[np.uint8],
    valid: NDArray[np.bool_] | None,
    out: NDArray[Any],
    taps: dict[int, NDArray[np.float64]],
    bits: int | None,
) -> None:
    """Smooth one band: each pixel by the kernel of its level, mirrored at the edge of the array.

    Parameters
    ----------
    pixels
        (y, x), of one of `DTYPES`.
    levels
        (y, x).
    valid
        (y, x), or None when all samples count. Other samples have no weight and are left as they are.
    out
        (y, x), a copy of `pixels`; pixels of the levels in `taps` are written over it.
    taps
        Level -> its (2 * level + 1,) taps. Pixels of other levels are left alone. The levels are consecutive.
    bits
        The taps are multiples of ``2**-bits`` with sum 1, and every sum is exact; None for any taps. 8 bits on uint8
        take the fastest road.

    Raises
    ------
    UsageError
        The shapes of the arrays do not match, a dtype is not supported, `out` has gaps in its rows, or a level is above
        `MAX_RADIUS`.
    """
    if not taps:
        return
    check_dtype(pixels, DTYPES)
    arrays = _arrays(pixels, levels, valid, out)
    highest = int(levels.max(initial=0))
    if sorted(taps) != list(range(min(taps), max(taps) + 1)) or max(*taps, highest) > MAX_RADIUS:
        raise UsageError(f"levels up to {highest}, taps for {sorted(taps)}; give one after the other, to {MAX_RADIUS}")
    name = out.dtype.name + ("_fine" if out.dtype == np.uint8 and bits != 8 else "")
    exact = name in _EXACT
    unit = 2.0 ** (bits or 0) if exact else 1.0
    table = np.zeros((MAX_RADIUS + 1, MAX_RADIUS + 1))
    for level, values in taps.items():
        table[level, : level + 1] = values[level:] * unit
    job = SmoothJob(
        **rows(**arrays),
        height=pixels.shape[0],
        width=pixels.shape[1],
        lowest=min(taps),
        highest=max(taps),
        taps=address(table),
        unit=unit,
    )
    if function("_exact" if exact else "_wide", f"geosal_smooth_{name}")(ctypes.byref(job)):
        raise MemoryError("no memory to smooth a tile in")


def quantise(
    pixels: NDArray[Any],
    levels: NDArray[np.uint8],
    valid: NDArray[np.bool_] | None,
    out: NDArray[Any],
    exponents: NDArray[np.int_],
    errors: NDArray[np.float64],
    nodata: float | None,
) -> None:
    """Round each sample of a band to a multiple of its level's step.

    It is a multiple of twice the step if one lies within the level's error; else the nearest, of two the even one.

    Parameters
    ----------
    pixels
        (y, x), of one of `QUANTISED`.
    levels
        (y, x), each below ``len(exponents)``.
    valid
        (y, x), or None when all samples count. Others keep their bits.
    out
        (y, x), of the dtype of `pixels`; written whole.
    exponents
        The step of each level is two to the power of it; of integers not below 0, where 0 changes nothing.
    errors
        Largest error of each level, below its step, or 0; of integers below ``2**31``.
    nodata
        The nodata code, which no rounded sample may equal; None without.

    Raises
    ------
    UsageError
        The shapes of the arrays do not match, a dtype is not supported, or a level has no step.
    """
    check_dtype(pixels, QUANTISED)
    arrays = _arrays(pixels, levels, valid, out)
    highest = int(levels.max(initial=0))
    if highest >= len(exponents) or len(exponents) > _LEVELS or len(errors) != len(exponents):
        raise UsageError(
            f"level {highest} with steps for {len(exponents)} levels; give one for each, {_LEVELS} at most"
        )
    table = np.zeros(_LEVELS, np.int32)
    table[: len(exponents)] = np.clip(exponents, -_FURTHEST, _FURTHEST)
    steps, inverses = np.ldexp(1.0, table), np.ldexp(1.0, -table)
    largest = np.zeros(_LEVELS)
    largest[: len(errors)] = errors
    limits = largest.astype(np.int32) if out.dtype.kind != "f" else np.zeros(_LEVELS, np.int32)
    coded = nodata is not None and not np.isnan(nodata)
    job = QuantiseJob(
        **rows(**arrays),
        height=pixels.shape[0],
        width=pixels.shape[1],
        exponents=address(table),
        steps=address(steps),
        inverses=address(inverses),
        limits=address(limits),
        errors=address(largest),
        coded=coded,
        nodata=float(out.dtype.type(nodata)) if coded else 0.0,
    )
    function("_tiles", f"geosal_quantise_{out.dtype.name}")(ctypes.byref(job))


def halve(pixels: NDArray[Any], valid: NDArray[np.bool_] | None) -> NDArray[Any]:
    """Reduce bands by the mean of the valid samples of each 2 x 2 pixels; squares at odd edges are cut.

    Parameters
    ----------
    pixels
        (band, y, x), of one of `DTYPES`.
    valid
        (band, y, x), or None when all samples count.

    Returns
    -------
    ndarray
        (band, ceil(y / 2), ceil(x / 2)). Integers are rounded half up; where no sample counts it is the first one.

    Raises
    ------
    UsageError
        The shapes of the arrays do not match, or a dtype is not supported.
    """
    check_dtype(pixels, DTYPES)
    valid = matching(pixels, "validity", valid, np.dtype(np.bool_))
    count, height, width = pixels.shape
    pixels = with_whole_rows(pixels)
    out = np.empty((count, -(-height // 2), -(-width // 2)), pixels.dtype)
    run = function("_tiles", f"geosal_halve_{pixels.dtype.name}")
    for band in range(count):
        says = None if valid is None else valid[band]
        job = HalveJob(
            **rows(pixels=pixels[band], valid=says, out=out[band]),
            height=height,
            width=width,
        )
        run(ctypes.byref(job))
    return out


def interleave(pixels: NDArray[Any], tile: int, *, delta: bool = False) -> NDArray[Any]:
    """Interleave bands by pixel, padded to a square tile by repeating the last column and row.

    Parameters
    ----------
    pixels
        (band, y, x), neither y nor x above `tile` nor 0.
    tile
        Rows and columns of the result.
    delta
        Store each sample as its difference to the pixel on its left, modulo the range of its type: predictor 2 of
        TIFF 6.0, section 14. Floats are treated by their bits. Rows below the pixels are then 0, which compresses best.

    Returns
    -------
    ndarray
        (tile, tile, band).

    Raises
    ------
    UsageError
        The pixels do not fit into the tile.
    """
    count, height, width = pixels.shape
    if not (0 < height <= tile and 0 < width <= tile):
        raise UsageError(f"{height} x {width} pixels for a tile of {tile}; cut them to 1 to {tile} rows and columns")
    pixels = with_whole_rows(pixels)
    out = np.empty((tile, tile, count), pixels.dtype)
    sizes = (pixels.strides[0], pixels.strides[1], height, width, tile)
    run = function("_tiles", f"geosal_interleave{8 * pixels.dtype.itemsize}")
    run(
        ctypes.c_void_p(address(pixels)),
        *map(ctypes.c_ssize_t, sizes),
        ctypes.c_int(count),
        ctypes.c_int(delta),
        ctypes.c_void_p(address(out)),
    )
    return out


def look_up(codes: NDArray[np.uint8], table: NDArray[np.uint8] | None) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Replace each code by its value in a table, and count the codes.

    Parameters
    ----------
    codes
        (y, x).
    table
        (256,), or None to count only.

    Returns
    -------
    ndarray, ndarray
        (y, x), a new array, or `codes` without a table; and how often each of the codes 0 to 255 occurs, (256,).

    Raises
    ------
    UsageError
        An array is of another dtype or shape.
    """
    if codes.dtype != np.uint8 or codes.ndim != 2:
        raise UsageError(f"codes of {codes.dtype} {codes.shape}; they must be uint8 (y, x)")
    if table is not None and (table.dtype != np.uint8 or table.shape != (256,)):
        raise UsageError(f"a table of {table.dtype} {table.shape}; it must be uint8 (256,)")
    counts = np.empty(256, np.int64)
    whole = with_whole_rows(codes)
    out = codes if table is None else np.empty(codes.shape, np.uint8)
    says = None if table is None else np.ascontiguousarray(table)
    function("_tiles", "geosal_look_up")(
        ctypes.c_void_p(address(whole)),
        ctypes.c_ssize_t(whole.strides[0]),
        *map(ctypes.c_ssize_t, whole.shape),
        ctypes.c_void_p(address(says)),
        ctypes.c_void_p(None if says is None else address(out)),
        ctypes.c_void_p(address(counts)),
    )
    return out, counts


def polynomials(
    coefficients: NDArray[np.float32],
    places: NDArray[np.float32],
    out: NDArray[Any],
    thresholds: NDArray[np.float32] | None = None,
) -> None:
    """Compute one polynomial for each column, at one place for each row, in float32 by Horner's rule.

    Parameters
    ----------
    coefficients
        (7, x), lowest power first.
    places
        (y,).
    out
        (y, x), written whole: the values in float32, or with `thresholds`, in uint8, how many of them a value reaches.
    thresholds
        (3,), or None.

    Raises
    ------
    UsageError
        An array is of another dtype or shape, or has gaps in its rows.
    """
    dtype = "float32" if thresholds is None else "uint8"
    narrow = [coefficients, places, *([] if thresholds is None else [thresholds])]
    counts = [array.shape[0] for array in narrow]
    shape = (places.size, coefficients.shape[1])
    writes = out.dtype.name == dtype and out.shape == shape and with_whole_rows(out) is out and out.flags.writeable
    reads = all(array.dtype == np.float32 for array in narrow) and counts in ([7, places.size], [7, places.size, 3])
    if not (writes and reads):
        raise UsageError(
            f"{counts} values for a result of {out.dtype} {out.shape}; it must be {dtype} {shape}, all others float32"
        )
    whole = [np.ascontiguousarray(array) for array in narrow]
    function("_patterns", "geosal_polynomials")(
        ctypes.c_void_p(address(whole[0])),
        ctypes.c_ssize_t(coefficients.shape[1]),
        ctypes.c_void_p(address(whole[1])),
        *map(ctypes.c_ssize_t, out.shape),
        ctypes.c_void_p(None if thresholds is None else address(whole[2])),
        ctypes.c_void_p(address(out) if thresholds is None else None),
        ctypes.c_void_p(None if thresholds is None else address(out)),
        ctypes.c_ssize_t(out.strides[0] // out.itemsize),
    )


def _arrays(
    pixels: NDArray[Any], levels: NDArray[np.uint8], valid: NDArray[np.bool_] | None, out: NDArray[Any]
) -> dict[str, NDArray[Any] | None]:
    """Prepare a band and its arrays for the C function; a result that it cannot write is refused."""
    if with_whole_rows(out) is not out or not out.flags.writeable:
        raise UsageError(f"a result with strides {out.strides}; it must be writeable and have whole rows")
    return {
        "pixels": with_whole_rows(pixels),
        "levels": matching(pixels, "levels", levels, np.dtype(np.uint8)),
        "valid": matching(pixels, "validity", valid, np.dtype(np.bool_)),
        "out": matching(pixels, "result", out, pixels.dtype.newbyteorder("=")),
    }
