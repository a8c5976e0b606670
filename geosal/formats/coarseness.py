"""Tolerances of codecs: how far the means of two pictures may differ if they are the same picture."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from rasterio.io import DatasetReader

from geosal.core.treatment import Quality, Treatment, TwoPass

UNKNOWN = 16.0
"""Error of integers where the quality of the codec is unknown."""
WITHOUT_LOSS = 4.0
"""Error of integers without loss: some ways to make overviews leave out three pixels of four."""
_LEAST = 8.0
"""Least error of integers in a JPEG: beside invalid pixels it mixes in their fill values."""
_FAINT = 0.25
"""Share of a codec's largest error below which a contrast may not survive it."""
_FAINT_IN_NOISE = 1.25
"""The same where the known error is the usual one and not the largest."""
_DC_STEP, _DC_EXPONENT = 23.4, 0.78
"""Step of DC in our table of JPEG at quality 50, in eighths of a grey value, and how it follows libjpeg's scale."""
_BLUE = 1.772
"""Change of blue per unit of its colour difference, in YCbCr."""
_TABLES, _SCAN = 0xDB, 0xDA


class Coarseness(NamedTuple):
    """Tolerances in the units of the samples: the error of a mean that is no fault, and the contrast it may swallow."""

    error: float
    faint: float

    @classmethod
    def of_largest(cls, error: float) -> "Coarseness":
        """Make the tolerances of a codec whose largest error is known."""
        return cls(error, _FAINT * error)

    @classmethod
    def of_usual(cls, error: float) -> "Coarseness":
        """Make the tolerances of a codec whose usual error is known."""
        return cls(error, _FAINT_IN_NOISE * error)


def has_integers(dataset: DatasetReader) -> bool:
    """Return whether samples are integers."""
    return np.dtype(dataset.dtypes[0]).kind in "iu"


def number_in(structure: Mapping[str, str], name: str) -> float | None:
    """Read a number of GDAL's domain ``IMAGE_STRUCTURE``; None where there is none."""
    try:
        number = float(structure[name])
    except (KeyError, ValueError):
        return None
    return number if math.isfinite(number) else None


def error_of_jpeg(head: bytes, treatment: Treatment) -> float:
    """Return the largest error of a JPEG.

    Parameters
    ----------
    head
        First bytes of the file, with the tables of quantisation; empty where they are unknown.
    treatment
        Treatment in the file's provenance.
    """
    steps = _dc_steps(head)
    error = _of_steps(steps[0], max(steps)) if steps else UNKNOWN
    passes = treatment.then
    if isinstance(passes, Quality | TwoPass):
        error += UNKNOWN if passes.low is None else _of_quality(passes.low)
    return max(error, _LEAST)


def _of_quality(quality: float) -> float:
    """Return half a step at a quality."""
    step = _DC_STEP * (50 / quality if quality < 50 else 2 - quality / 50) ** _DC_EXPONENT
    return _of_steps(step, step)


def _of_steps(brightness: float, colour: float) -> float:
    """Half a step of each."""
    return (brightness + _BLUE * colour) / 16


def _dc_steps(head: bytes) -> list[int]:
    """Return the step of the mean in each quantisation table (ITU-T T.81, B.2.4.1), in eighths of a grey value."""
    steps, at = [], 2
    while at + 4 <= len(head) and head[at] == 0xFF and head[at + 1] != _SCAN:
        end = min(at + 2 + int.from_bytes(head[at + 2 : at + 4], "big"), len(head))
        table = at + 4
        while head[at + 1] == _TABLES and table + 2 < end:
            width = 1 + (head[table] >> 4)
            steps.append(int.from_bytes(head[table + 1 : table + 1 + width], "big"))
            table += 1 + 64 * width
        at = end
    return steps
