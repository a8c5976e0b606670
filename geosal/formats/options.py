"""Creation options: their names, effects and values; GDAL itself only warns of wrong ones."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from geosal.core.option_values import read_items, require
from geosal.errors import UsageError
from geosal.sizes import as_number

Limits = tuple[float, float]
"""Least and greatest value of an option."""
YES_NO = frozenset({"YES", "NO", "TRUE", "FALSE", "ON", "OFF", "1", "0"})
"""Words that GDAL accepts as a switch."""


@dataclass(frozen=True, kw_only=True)
class CreationOption:
    """One creation option of a format.

    Attributes
    ----------
    name
        GDAL's, in capitals.
    text
        A sentence about its effect.
    default
        Its value by default.
    limits
        Limits of a number; None where the value is no number.
    limits_of
        The same for codecs that have other limits, by GDAL's name of the codec.
    whole
        The number has no fraction.
    multiple
        Number of which a value must be a multiple.
    many
        Several numbers may stand there, with commas between them.
    words
        All values, in capitals, where GDAL would take any other word for one of them, or find out at the end of the
        job; empty where it takes any text.
    for_floats
        The words that only floats can have.
    or_whole
        A whole number may stand in the place of a word.
    plain_ascii
        The text must be plain ASCII.
    """

    name: str
    text: str
    default: str
    limits: Limits | None = None
    limits_of: Mapping[str, Limits] = field(default_factory=dict)
    whole: bool = True
    multiple: int = 1
    many: bool = False
    words: frozenset[str] = frozenset()
    for_floats: frozenset[str] = frozenset()
    or_whole: bool = False
    plain_ascii: bool = False

    def check(self, value: str, dtype: str, compression: str = "") -> None:
        """Refuse a value that the option does not take.

        Parameters
        ----------
        value
            The value, as given.
        dtype
            Sample type of the image.
        compression
            GDAL's name of the codec, where the format has several.

        Raises
        ------
        UsageError
            GDAL would read it as another value, or refuse it only at the end of the job.
        """
        fault = self._fault_of_word(value.upper(), dtype) or self._fault_of_number(value, compression)
        if fault:
            raise UsageError(f"--co {self.name}={value}: {fault}")

    def _fault_of_word(self, value: str, dtype: str) -> str:
        if self.words and value not in self.words and not (self.or_whole and value.isascii() and value.isdecimal()):
            return f"it is {', '.join(sorted(self.words))}" + (" or a whole number" if self.or_whole else "")
        if value in self.for_floats and not dtype.startswith("float"):
            return f"is for floats, these are {dtype}; use YES"
        return "a comment in a JPEG2000 is plain ASCII" if self.plain_ascii and not value.isascii() else ""

    def _fault_of_number(self, value: str, compression: str) -> str:
        limits = self.limits_of.get(compression, self.limits)
        if limits is None:
            return ""
        least, most = map(as_number, limits)
        found = [number(part) for part in (value.split(",") if self.many else [value])]
        if not all(limits[0] <= part <= limits[1] and math.isfinite(part) for part in found):
            wanted = f"of {least} or more" if math.isinf(limits[1]) else f"from {least} to {most}"
            return f"needs a number {wanted}"
        if self.whole and (not (value.isascii() and value.isdecimal()) or int(value) % self.multiple):
            what = f"a multiple of {self.multiple}" if self.multiple > 1 else "a whole number"
            return f"it is {what} from {least} to {most}"
        return ""


_REPROJECTS = "belongs to a new projection, which would move the pixels off their grid; warp the scene first: gdalwarp"
_NOT_OURS = "geosal carries all metadata itself; leave it out"

PROTECTED_OPTIONS: Mapping[str, str] = MappingProxyType({
    "COMPRESS": "the codec is the profile's choice; use --profile",
    "CODEC": "the codec is the profile's choice; use --profile",
    "REVERSIBLE": "the codec is the profile's choice; use --profile jp2 or jp2-lossless",
    "GEOJP2": "the georeferencing stays in the file; leave it out",
    "GMLJP2": "the georeferencing stays in the file; leave it out",
    "GMLJP2V2_DEF": "GMLJP2 version 1 is written; leave it out",
    "WRITE_METADATA": "makes a JPEG2000 that validators refuse; the .aux.xml beside it holds the metadata",
    "MAIN_MD_DOMAIN_ONLY": _NOT_OURS,
    "COPY_SRC_MDD": _NOT_OURS,
    "SRC_MDD": _NOT_OURS,
    "USE_SRC_CODESTREAM": "would keep the pixels as they were before smoothing; leave it out",
    **dict.fromkeys(("OVERVIEWS", "OVERVIEW_COUNT"), "a COG has overviews down to one tile; leave it out"),
    "SPARSE_OK": "a tile that is not there would look like damage; leave it out",
    "TLM": "a JPEG2000 of geosal has that index always; leave it out",
    "NBITS": "the precision is the scene's own; leave it out",
    "ALPHA": "which band is alpha stays as the scene says; leave it out",
    "1BIT_ALPHA": "alpha keeps its bits; leave it out",
    "INSPIRE_TG": "has tiles, resolutions and an alpha of 1 bit of its own; leave it out",
    "ADD_ALPHA": "is of use where GDAL warps, and geosal warps nothing; leave it out",
    **dict.fromkeys(
        ("TILING_SCHEME", "ZOOM_LEVEL", "ZOOM_LEVEL_STRATEGY", "ALIGNED_LEVELS", "TARGET_SRS", "RES", "EXTENT",
         "WARP_RESAMPLING"), _REPROJECTS,
    ),
})  # fmt: skip
"""Option -> why the user cannot set it, and what to do instead."""


def united(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Put names of options in capitals.

    Raises
    ------
    UsageError
        One has two values.
    """
    options: dict[str, str] = {}
    for name, value in pairs:
        before = options.setdefault(name.upper(), value)
        if before.upper() != value.upper():
            raise UsageError(
                f"--co {name.upper()}={before} and {name}={value}: one option has one value; leave one out"
            )
    return options


def read_options(name: str, value: Any) -> tuple[tuple[str, str], ...]:
    """Read creation options from a mapping, or from pairs; values may be numbers, or yes and no.

    Raises
    ------
    UsageError
        The value is neither a mapping nor a list of pairs, or an option has two values.
    """
    pairs = value.items() if isinstance(value, Mapping) else read_items(name, value)
    require(all(isinstance(p, tuple | list) and len(p) == 2 for p in pairs), name, value, "a mapping of KEY: VALUE")
    if empty := [key for key, option in pairs if option is None]:
        raise UsageError(f"{name}: {empty[0]} has no value; give one, or leave {empty[0]} out")
    return tuple(united((str(key), _gdal_text(option)) for key, option in pairs).items())


def _gdal_text(option: Any) -> str:
    """GDAL's spelling: YAML reads YES as true."""
    return {True: "YES", False: "NO"}[option] if isinstance(option, bool) else str(option)


def number(text: str) -> float:
    """Read a number; return NaN, which lies within no limits, when `text` is none."""
    try:
        return float(text) if text.isascii() else math.nan
    except ValueError:
        return math.nan
