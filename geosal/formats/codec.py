"""A codec of a format: how pixels may be coded, by the name that ``--profile`` takes."""

from dataclasses import dataclass

from geosal.formats.quality import Scale

INTEGERS_16 = ("uint8", "uint16", "int16")
"""Sample types of at most 16 bits."""
ALL_TYPES = (*INTEGERS_16, "uint32", "int32", "float32", "float64")
"""All sample types that geosal writes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Codec:
    """One way to code the pixels of a format, by the name that ``--profile`` takes.

    Attributes
    ----------
    name
        Its name, in small letters.
    options
        Creation options that make it, with GDAL's names.
    opens_in
        Programs that open such a file, and from which version on, as what people look at before they choose; short
        enough for the last column of a table.
    lossless
        Whether every sample comes back as it was written, unless creation options change that.
    dtypes
        Sample types that it holds.
    counts
        Numbers of bands that it holds; any when empty.
    fourth_is_alpha
        Where samples are lost, only the fourth of four bands can be alpha.
    one_float_band
        Floats are limited to a single band.
    instead_of_alpha
        Advice where it loses samples and would blur alpha with the other bands; empty where alpha is kept.
    scale
        Scale of the qualities that its tiles can have, each its own; None where tiles cannot differ.
    best_is_lossless
        Whether the best of these qualities keeps every sample.
    quality_is_rate
        Whether the creation option QUALITY is a rate: percent of the raw bytes.
    error_by_tile
        Whether each of its tiles can have a largest error of its own, the creation option MAX_Z_ERROR.
    two_passes
        Whether it can be the second of two passes.
    side
        Rows and columns of a tile where the treatment depends on tiles.
    raw
        Whether tiles are as large as their raw pixels.
    """

    name: str
    options: tuple[tuple[str, str], ...]
    opens_in: str
    lossless: bool = True
    dtypes: tuple[str, ...] = ALL_TYPES
    counts: tuple[int, ...] = ()
    fourth_is_alpha: bool = False
    one_float_band: bool = False
    instead_of_alpha: str = ""
    scale: Scale | None = None
    best_is_lossless: bool = False
    quality_is_rate: bool = False
    error_by_tile: bool = False
    two_passes: bool = False
    # Small tiles follow saliency more closely. `tests/benchmarks/quality.py` makes the figures.
    side: int = 128
    raw: bool = False
