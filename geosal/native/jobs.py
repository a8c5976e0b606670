"""The structures of arguments for the C functions; ``jobs.h`` has the same, field by field."""

import ctypes

_POINTER, _SIZE, _INT, _REAL = ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int, ctypes.c_double


def _fields(*runs: tuple[type, str]) -> tuple[tuple[str, type], ...]:
    """Fields of a C structure, in its order: runs of one type, and their names with spaces between them."""
    return tuple((name, kind) for kind, names in runs for name in names.split())


class SmoothJob(ctypes.Structure):
    """``smoothing`` of ``jobs.h``."""

    _fields_ = _fields(
        (_POINTER, "pixels valid levels out"),
        (_SIZE, "pixel_stride valid_stride level_stride out_stride height width"),
        (_INT, "lowest highest"),
        (_POINTER, "taps"),
        (_REAL, "unit"),
    )


class HalveJob(ctypes.Structure):
    """``halving`` of ``jobs.h``."""

    _fields_ = _fields(
        (_POINTER, "pixels valid out"),
        (_SIZE, "pixel_stride valid_stride out_stride height width"),
    )


class QuantiseJob(ctypes.Structure):
    """``quantising`` of ``jobs.h``."""

    _fields_ = _fields(
        (_POINTER, "pixels valid levels out"),
        (_SIZE, "pixel_stride valid_stride level_stride out_stride height width"),
        (_POINTER, "exponents steps inverses limits errors"),
        (_INT, "coded"),
        (_REAL, "nodata"),
    )


class DifferJob(ctypes.Structure):
    """``differing`` of ``jobs.h``."""

    _fields_ = _fields(
        (_POINTER, "first second valid levels"),
        (_SIZE, "first_stride second_stride valid_stride level_stride height width"),
        (_INT, "count"),
        (_POINTER, "sums"),
    )


class CompareJob(ctypes.Structure):
    """``comparing`` of ``jobs.h``."""

    _fields_ = _fields(
        (_POINTER, "first second valid levels"),
        (_SIZE, "first_stride second_stride valid_stride level_stride top left bottom right scale"),
        (_INT, "kind count"),
        (_POINTER, "taps"),
        (_REAL, "luminance contrast pivot"),
        (_POINTER, "windows similarities contrasts"),
    )


class PoolJob(ctypes.Structure):
    """``pooling`` of ``jobs.h``."""

    _fields_ = _fields(
        (_POINTER, "pixels valid out"),
        (_SIZE, "pixel_stride valid_stride out_stride height width"),
        (_INT, "kind"),
    )


class QuantiseBlocksJob(ctypes.Structure):
    """``quantising_blocks`` of ``jobs.h``."""

    _fields_ = _fields(
        (_POINTER, "pixels"),
        (_SIZE, "band_stride row_stride height width"),
        (_INT, "bands side"),
        (_SIZE, "mcu_rows mcu_cols"),
        (_POINTER, "tables weights"),
        (_REAL, "price"),
        (_POINTER, "lengths out"),
    )


class CountJob(ctypes.Structure):
    """``counting_symbols`` of ``jobs.h``."""

    _fields_ = _fields(
        (_POINTER, "coefficients"),
        (_SIZE, "mcu_rows mcu_cols"),
        (_INT, "blocks"),
        (_POINTER, "counts"),
    )


class CodeJob(ctypes.Structure):
    """``coding_segment`` of ``jobs.h``."""

    _fields_ = _fields(
        (_POINTER, "coefficients"),
        (_SIZE, "mcus"),
        (_INT, "blocks"),
        (_POINTER, "codes out"),
    )
