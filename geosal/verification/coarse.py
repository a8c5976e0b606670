"""By how much a codec may leave the mean of some pixels off: what two pictures may differ by and still be the same."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from rasterio.io import DatasetReader

from geosal.core.provenance import read_treatment
from geosal.core.treatment import SMOOTH, Quality, Treatment, TwoPass

_UNKNOWN = 16.0
"""Error of integers where the quality of the codec is unknown."""
_LEAST = 8.0
"""Least error of integers in a lossy codec: beside invalid pixels it mixes in their fill values."""
_WHOLE = 4.0
"""Error of integers without loss: some ways to make overviews leave out three pixels of four."""
_FAINT = 0.25
"""Share of a codec's largest error below which a contrast may not survive it."""
_FAINT_IN_NOISE = 1.25
"""The same where the known error is the usual one and not the largest."""
_DC_STEP = 16
"""Step of DC in the usual table of JPEG at quality 50, in eighths of a grey value."""
_BLUE = 1.772
"""Change of blue per unit of its colour difference, in YCbCr."""
_TABLES, _SCAN = 0xDB, 0xDA
_HEAD_BYTES = 2**16


class Coarseness(NamedTuple):
    """Tolerances in the units of the samples: the error of a mean that is no fault, and the contrast it may swallow."""

    error: float
    faint: float


def coarseness(dataset: DatasetReader, shown: DatasetReader) -> Coarseness:
    """Return how coarse the codec of a file may be.

    Parameters
    ----------
    dataset
        A GeoTIFF, JPEG2000 or JPEG.
    shown
        The same, or one of its overviews.
    """
    structure = dataset.tags(ns="IMAGE_STRUCTURE") | shown.tags(ns="IMAGE_STRUCTURE")
    treatment = read_treatment(dataset.tags()) or SMOOTH
    quality = treatment.then
    if dataset.driver == "JP2OpenJPEG" and isinstance(quality, Quality) and quality.low is not None:
        return _of_psnr(dataset, quality.low)
    error = _error(shown, structure, treatment)
    return Coarseness(error, _FAINT * error)


def _of_psnr(dataset: DatasetReader, decibels: float) -> Coarseness:
    """JPEG2000 whose tiles have a PSNR of their own: one over all bands, so one band may have all the error."""
    bits = _number(dataset.tags(1, ns="IMAGE_STRUCTURE"), "NBITS") or 8 * np.dtype(dataset.dtypes[0]).itemsize
    error = max((2.0 ** min(bits, 32) - 1) / math.pow(10, decibels / 20) * math.sqrt(dataset.count), _UNKNOWN)
    return Coarseness(error, _FAINT_IN_NOISE * error)


def _error(shown: DatasetReader, structure: Mapping[str, str], treatment: Treatment) -> float:
    compression, whole = structure.get("COMPRESSION", "").lower(), np.dtype(shown.dtypes[0]).kind in "iu"
    if compression.startswith("lerc"):
        errors = (_number(structure, name) or 0.0 for name in ("MAX_Z_ERROR", "MAX_Z_ERROR_OVERVIEW"))
        return max(sum(errors), _WHOLE if whole else 0.0)
    if not whole:
        return 0.0
    if "jpeg" in compression or shown.driver == "JPEG":
        return max(_of_jpeg(shown, treatment), _LEAST)
    return _UNKNOWN if compression == "webp" or shown.driver == "JP2OpenJPEG" else _WHOLE


def _of_jpeg(shown: DatasetReader, treatment: Treatment) -> float:
    steps = _dc_steps(_jpeg_head(shown))
    error = _of_steps(steps[0], max(steps)) if steps else _UNKNOWN
    passes = treatment.then
    if not isinstance(passes, Quality | TwoPass):
        return error
    if passes.low is None:
        return error + _UNKNOWN
    step = _DC_STEP * (50 / passes.low if passes.low < 50 else 2 - passes.low / 50)  # as libjpeg scales its tables
    return error + _of_steps(step, step)


def _of_steps(brightness: float, colour: float) -> float:
    """Half a step of each."""
    return (brightness + _BLUE * colour) / 16


def _jpeg_head(shown: DatasetReader) -> bytes:
    """The tables of a JPEG, in a TIFF those that its tiles share; nothing where it cannot be read."""
    if shown.driver == "GTiff":
        return bytes.fromhex(shown.get_tag_item("JPEGTABLES", "TIFF", bidx=1) or "")
    try:
        with open(shown.name, "rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        return b""


def _dc_steps(head: bytes) -> list[int]:
    """Step of the mean in each table of quantisation (ITU-T T.81, B.2.4.1), in eighths of a grey value."""
    steps, at = [], 2
    while at + 4 <= len(head) and head[at] == 0xFF and head[at + 1] != _SCAN:
        end = at + 2 + int.from_bytes(head[at + 2 : at + 4], "big")
        table = at + 4
        while head[at + 1] == _TABLES and table + 2 < end:
            width = 1 + (head[table] >> 4)
            steps.append(int.from_bytes(head[table + 1 : table + 1 + width], "big"))
            table += 1 + 64 * width
        at = end
    return steps


def _number(structure: Mapping[str, str], name: str) -> float | None:
    try:
        number = float(structure[name])
    except (KeyError, ValueError):
        return None
    return number if math.isfinite(number) else None
