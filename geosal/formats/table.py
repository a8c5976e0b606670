"""The table of formats: a new one is a folder beside this file, and a line here."""

from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Any

from geosal.errors import UsageError
from geosal.formats.bpg.format import Bpg
from geosal.formats.codec import Codec
from geosal.formats.cog.format import Cog
from geosal.formats.format import Format
from geosal.formats.jpeg.format import Jpeg
from geosal.formats.jpeg2000.format import Jpeg2000
from geosal.formats.png.format import Png
from geosal.formats.zarr.format import Zarr

FORMATS: tuple[Format[Any], ...] = (
    Cog(),
    Jpeg2000(),
    Zarr(),
    Jpeg(),
    Png(),
    Bpg(),
)
"""All formats that geosal writes."""
PROFILES: Mapping[str, Codec] = MappingProxyType({codec.name: codec for form in FORMATS for codec in form.codecs})
"""All codecs, by the name that ``--profile`` takes."""
CODEC_OPTIONS = frozenset(name for form in FORMATS for name in form.codec_options)
"""Creation options that mean something for some codecs of a format only."""
OWN_TAGS = frozenset(tag for form in FORMATS for tag in form.own_tags)
"""Tags that describe one file, and are not true of files made from it."""


def format_of(output: str) -> Format[Any]:
    """Find the format that an output's suffix picks.

    Raises
    ------
    UsageError
        The suffix belongs to no format.
    """
    suffix = PurePath(output).suffix.lower()
    for form in FORMATS:
        if suffix in form.suffixes:
            return form
    found = f"'{suffix}'" if suffix else "a name without suffix"
    *first, last = (form.suffixes[0] for form in FORMATS)
    raise UsageError(f"{output}: {found} is not written by this version; use {', '.join(first)} or {last}")


def has_world_file(output: str) -> bool:
    """Tell whether an output's suffix picks a format with world files."""
    suffix = PurePath(output).suffix.lower()
    return any(form.has_world_file and suffix in form.suffixes for form in FORMATS)


def format_with(codec: Codec) -> Format[Any]:
    """Find the format that has a codec."""
    return next(form for form in FORMATS if codec in form.codecs)


def format_read_by(driver: str) -> Format[Any] | None:
    """Find the format that a driver of GDAL's reads; None where it is none of ours."""
    return next((form for form in FORMATS if form.reader == driver), None)
