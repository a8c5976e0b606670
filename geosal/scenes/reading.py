"""How an input is read: bands, resolution, samples of 8 bits, drivers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self, TypedDict

import numpy as np

from geosal.core.option_values import read_items, read_number, read_text, read_texts, refuse_unknown, require
from geosal.errors import UsageError
from geosal.scenes.raster import MAX_PIXELS

NO_LIMIT = 2**62
"""Pixels that no scene exceeds: what a job has read is not refused afterwards."""
RESAMPLING = ("nearest", "bilinear", "average")
"""Ways to bring bands of other resolutions to a product's grid, see `geosal.scenes.products.resample`."""


def band_names(texts: str | Iterable[str]) -> tuple[str, ...]:
    """Read names of bands from one text or several, with commas between; empty ones are left out.

    Raises
    ------
    UsageError
        There are texts without a name.
    """
    several = (texts,) if isinstance(texts, str) else tuple(texts)
    names = tuple(part.strip() for text in several for part in text.split(",") if part.strip())
    if several and not names:
        raise UsageError(f"bands={','.join(several)!r}: names no band; name some, such as rgb, or leave it out for all")
    return names


class OpenOptions(TypedDict, total=False):
    """Fields of `Reading` but for bands, as callers of Python give them."""

    resolution: float | None
    resampling: str
    to_byte: str | None
    select: Sequence[str]
    drivers: tuple[str, ...]
    max_pixels: int


class ReadingOptions(OpenOptions, total=False):
    """All fields of `Reading`."""

    bidx: Sequence[int]
    bands: str | Sequence[str]
    stack: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How an input is read.

    Attributes
    ----------
    bidx
        Bands by number, from 1; all when empty.
    bands
        Bands by role, name or group instead: ``("rgb",)``, ``("B08", "red")``.
    resolution
        Resolution of a product, in units of its CRS; the finest of its bands by default.
    resampling
        Method that brings a product's bands of other resolutions to it.
    to_byte
        Rule by which samples become 8 bits, see `geosal.scenes.rules`.
    select
        Steps of a Zarr store's further dimensions, ``time=2024-05-01``, see `geosal.scenes.zarr_choice`.
    stack
        Files whose bands follow those of the input, on the same grid, see `geosal.scenes.products.stack`.
    drivers
        GDAL drivers trusted beyond the usual ones.
    max_pixels
        Width times height beyond which an input is refused.
    """

    bidx: tuple[int, ...] = ()
    bands: tuple[str, ...] = ()
    resolution: float | None = None
    resampling: str = "nearest"
    to_byte: str | None = None
    select: tuple[str, ...] = ()
    stack: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    max_pixels: int = MAX_PIXELS

    @classmethod
    def of(cls, options: Mapping[str, Any], beside: Sequence[str] = ()) -> Self:
        """Make a reading from keyword arguments; None stands for the default.

        Parameters
        ----------
        options
            Fields of a reading.
        beside
            Other keywords of the function that was given them, which a message names as well.

        Raises
        ------
        UsageError
            A field is unknown, or its value is of another type.
        """
        refuse_unknown(options, [*beside, *(field.name for field in fields(cls))], "no such option")
        return cls(**{name: _READERS[name](name, value) for name, value in options.items() if value is not None})


def _numbers(name: str, value: Any) -> tuple[int, ...]:
    return tuple(
        _number(name, each) for each in ((value,) if isinstance(value, int | np.integer) else read_items(name, value))
    )


def _number(name: str, value: Any) -> int:
    ok = isinstance(value, int | np.integer) and not isinstance(value, bool) and value > 0
    require(ok, name, value, "a whole number above 0")
    return int(value)


def _names(name: str, value: Any) -> tuple[str, ...]:
    return band_names(read_texts(name, value))


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "bidx": _numbers,
    "bands": _names,
    "resolution": read_number,
    "resampling": read_text,
    "to_byte": read_text,
    "select": read_texts,
    "stack": read_texts,
    "drivers": read_texts,
    "max_pixels": _number,
}


AS_IT_IS = Reading()
"""The reading of all bands of an input, with its own samples."""
