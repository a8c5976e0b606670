"""The compiled library: found, loaded, and its functions with their types."""

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from sysconfig import get_config_var
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_RADIUS = 32
"""Of the kernels, as in ``common.h``."""

_SUFFIX = get_config_var("EXT_SUFFIX") or ".so"


class SmoothJob(ctypes.Structure):
    """``job`` of ``common.h``."""

    _fields_ = (
        ("pixels", ctypes.c_void_p),
        ("valid", ctypes.c_void_p),
        ("levels", ctypes.c_void_p),
        ("out", ctypes.c_void_p),
        ("pixel_stride", ctypes.c_ssize_t),
        ("valid_stride", ctypes.c_ssize_t),
        ("level_stride", ctypes.c_ssize_t),
        ("out_stride", ctypes.c_ssize_t),
        ("height", ctypes.c_ssize_t),
        ("width", ctypes.c_ssize_t),
        ("lowest", ctypes.c_int),
        ("highest", ctypes.c_int),
        ("taps", ctypes.c_void_p),
        ("unit", ctypes.c_double),
    )


class HalveJob(ctypes.Structure):
    """``halving`` of ``tiles.c``."""

    _fields_ = (
        ("pixels", ctypes.c_void_p),
        ("valid", ctypes.c_void_p),
        ("out", ctypes.c_void_p),
        ("pixel_stride", ctypes.c_ssize_t),
        ("valid_stride", ctypes.c_ssize_t),
        ("out_stride", ctypes.c_ssize_t),
        ("height", ctypes.c_ssize_t),
        ("width", ctypes.c_ssize_t),
    )


class QuantiseJob(ctypes.Structure):
    """``quantising`` of ``tiles.c``."""

    _fields_ = (
        ("pixels", ctypes.c_void_p),
        ("valid", ctypes.c_void_p),
        ("levels", ctypes.c_void_p),
        ("out", ctypes.c_void_p),
        ("pixel_stride", ctypes.c_ssize_t),
        ("valid_stride", ctypes.c_ssize_t),
        ("level_stride", ctypes.c_ssize_t),
        ("out_stride", ctypes.c_ssize_t),
        ("height", ctypes.c_ssize_t),
        ("width", ctypes.c_ssize_t),
        ("exponents", ctypes.c_void_p),
        ("steps", ctypes.c_void_p),
        ("inverses", ctypes.c_void_p),
        ("coded", ctypes.c_int),
        ("nodata", ctypes.c_double),
    )


class DifferingJob(ctypes.Structure):
    """``differing`` of ``metrics.c``."""

    _fields_ = (
        ("first", ctypes.c_void_p),
        ("second", ctypes.c_void_p),
        ("valid", ctypes.c_void_p),
        ("levels", ctypes.c_void_p),
        ("first_stride", ctypes.c_ssize_t),
        ("second_stride", ctypes.c_ssize_t),
        ("valid_stride", ctypes.c_ssize_t),
        ("level_stride", ctypes.c_ssize_t),
        ("height", ctypes.c_ssize_t),
        ("width", ctypes.c_ssize_t),
        ("count", ctypes.c_int),
        ("sums", ctypes.c_void_p),
    )


class ComparingJob(ctypes.Structure):
    """``comparing`` of ``metrics.c``."""

    _fields_ = (
        ("first", ctypes.c_void_p),
        ("second", ctypes.c_void_p),
        ("valid", ctypes.c_void_p),
        ("levels", ctypes.c_void_p),
        ("first_stride", ctypes.c_ssize_t),
        ("second_stride", ctypes.c_ssize_t),
        ("valid_stride", ctypes.c_ssize_t),
        ("level_stride", ctypes.c_ssize_t),
        ("top", ctypes.c_ssize_t),
        ("left", ctypes.c_ssize_t),
        ("bottom", ctypes.c_ssize_t),
        ("right", ctypes.c_ssize_t),
        ("scale", ctypes.c_ssize_t),
        ("kind", ctypes.c_int),
        ("count", ctypes.c_int),
        ("taps", ctypes.c_void_p),
        ("luminance", ctypes.c_double),
        ("contrast", ctypes.c_double),
        ("pivot", ctypes.c_double),
        ("windows", ctypes.c_void_p),
        ("similarities", ctypes.c_void_p),
        ("contrasts", ctypes.c_void_p),
    )


class PoolingJob(ctypes.Structure):
    """``pooling`` of ``metrics.c``."""

    _fields_ = (
        ("pixels", ctypes.c_void_p),
        ("valid", ctypes.c_void_p),
        ("out", ctypes.c_void_p),
        ("pixel_stride", ctypes.c_ssize_t),
        ("valid_stride", ctypes.c_ssize_t),
        ("out_stride", ctypes.c_ssize_t),
        ("height", ctypes.c_ssize_t),
        ("width", ctypes.c_ssize_t),
        ("kind", ctypes.c_int),
    )


@cache
def function(library: str, name: str) -> Callable[..., int]:
    """Find the variant of a function that is made for this processor."""
    loaded = load(library)
    variant: Callable[..., int] = getattr(loaded, f"{name}_v{loaded.geosal_processor()}")
    return variant


@cache
def load(name: str) -> ctypes.CDLL:
    """Load one of the libraries that the build has put beside this file. ctypes lets go of the GIL while one works.

    Parameters
    ----------
    name
        ``"_exact"``, ``"_wide"``, ``"_tiles"``, ``"_metrics"`` or ``"_jpeg"``.

    Raises
    ------
    ImportError
        It was not built.
    """
    path = Path(__file__).with_name(name + _SUFFIX)
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise ImportError(
            f"geosal's compiled part {path.name} cannot be loaded ({error}); install geosal with pip, which builds it "
            "with a C compiler, and run it from outside of its checkout or by the command geosal"
        ) from error


def address(array: NDArray[Any] | None) -> int | None:
    """Address of the first sample; None stays None."""
    return None if array is None else array.ctypes.data


def with_whole_rows(array: NDArray[Any]) -> NDArray[Any]:
    """The array itself when the samples of each row lie side by side, forwards, and in the machine's byte order."""
    itemsize = array.dtype.itemsize
    if array.dtype.isnative and (array.strides[-1] == itemsize or array.shape[-1] <= 1) and array.flags.aligned:
        return array
    return np.ascontiguousarray(array, array.dtype.newbyteorder("="))
