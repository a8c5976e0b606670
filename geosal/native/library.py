"""Find and load the compiled libraries, and declare the types of their functions."""

import ctypes
from collections.abc import Callable, Collection
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.errors import UsageError

MAX_RADIUS = 32
"""Largest radius of a kernel, as in ``levels.h``."""

_SUFFIXES = EXTENSION_SUFFIXES[::-1]
"""The build writes plain ``.so``; a build for one Python puts its version before that, as extension modules have it."""


@cache
def function(library: str, name: str) -> Callable[..., int]:
    """Find the variant of a function that is made for this processor."""
    loaded = load(library)
    variant: Callable[..., int] = getattr(loaded, f"{name}_v{loaded.geosal_processor()}")
    return variant


@cache
def load(name: str) -> ctypes.CDLL:
    """Load one of the libraries that the build has put beside this file. ctypes releases the GIL while one works.

    Parameters
    ----------
    name
        ``"_exact"``, ``"_wide"``, ``"_tiles"``, ``"_metrics"``, ``"_patterns"`` or ``"_jpeg"``.

    Raises
    ------
    ImportError
        It was not built.
    """
    paths = [Path(__file__).with_name(name + suffix) for suffix in _SUFFIXES]
    path = next((path for path in paths if path.exists()), paths[0])
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise ImportError(
            f"geosal's compiled part {path.name} cannot be loaded ({error}); install geosal with pip, which builds it "
            "with a C compiler, and run it from outside of its checkout or by the command geosal"
        ) from error


def address(array: NDArray[Any] | None) -> int | None:
    """Return the address of the first sample; None stays None."""
    return None if array is None else array.ctypes.data


def with_whole_rows(array: NDArray[Any]) -> NDArray[Any]:
    """The array itself when the samples of each row lie side by side, forwards, and in the machine's byte order."""
    itemsize = array.dtype.itemsize
    if array.dtype.isnative and (array.strides[-1] == itemsize or array.shape[-1] <= 1) and array.flags.aligned:
        return array
    return np.ascontiguousarray(array, array.dtype.newbyteorder("="))


def rows(**arrays: NDArray[Any] | None) -> dict[str, int | None]:
    """Fields of a job for arrays with whole rows: the address of each, and the bytes from one row to the next.

    The field of an array ``levels`` is named so, and that of its rows ``level_stride``. The caller keeps the arrays.
    """
    fields: dict[str, int | None] = {}
    for name, array in arrays.items():
        fields[name] = address(array)
        fields[f"{name.removesuffix('s')}_stride"] = 0 if array is None else array.strides[0]
    return fields


def matching(pixels: NDArray[Any], what: str, array: NDArray[Any] | None, dtype: np.dtype[Any]) -> NDArray[Any] | None:
    """Return an array that goes with `pixels`, with whole rows; None stays None.

    Raises
    ------
    UsageError
        The C would read past it, or read it as something else.
    """
    if array is None:
        return None
    if array.shape != pixels.shape or array.dtype != dtype:
        raise UsageError(
            f"{what} of {array.dtype} {array.shape} beside pixels {pixels.shape}; it must be {dtype} of the same shape"
        )
    return with_whole_rows(array)


def check_dtype(pixels: NDArray[Any], dtypes: Collection[str]) -> None:
    """Refuse samples that no C function was made for."""
    if pixels.dtype.name not in dtypes:
        raise UsageError(f"samples of {pixels.dtype} have no loops; convert them to one of {', '.join(sorted(dtypes))}")
