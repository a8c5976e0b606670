"""When a scene was taken: as the user says, or as its tags tell; never made up."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from geosal.errors import UsageError

_TEXT = re.compile(
    r"(\d{4})[-:](\d\d)[-:](\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?\s?(Z|UTC|[+-]\d\d:?\d\d)?)?", re.IGNORECASE
)
"""ISO 8601, and TIFF's ``2024:05:01 10:40:21``."""
_PACKED = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)")
"""NITF's."""
_OF_FILE = "TIFFTAG_DATETIME"
_TAGS = (
    ("", "ACQUIRED"), ("", "SENSING_TIME"), ("", "DATATAKE_SENSING_START"), ("", "DATE_ACQUIRED"),
    ("", "PRODUCT_START_TIME"), ("IMAGERY", "ACQUISITIONDATETIME"), ("", "ACQUISITIONDATETIME"), ("", "NITF_IDATIM"),
    ("", "TIME"), ("", _OF_FILE),
)  # fmt: skip
"""Domain and key of tags that tell it, the surest first: of products, of GDAL's readers, of a Zarr store's step."""
_CLOCK = {"DATE_ACQUIRED": "SCENE_CENTER_TIME"}
"""Tag of a date -> the tag of the time of that day."""
_EXAMPLE = "2024-05-01T10:40:21Z, a day, or START/END"


@dataclass(frozen=True, slots=True)
class When:
    """A moment, or a stretch of time.

    Attributes
    ----------
    start, end
        In UTC; the same for a moment.
    told_by
        Tag that told it, or ``user``.
    """

    start: datetime
    end: datetime
    told_by: str = "user"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what a user says: a moment, a day, or two of them with a slash between; without a zone, it is UTC.

        Raises
        ------
        UsageError
            It is none of these, or ends before it begins.
        """
        found = _stretch(text)
        if found is None:
            raise UsageError(f"datetime {text!r}: is no time; say {_EXAMPLE}")
        if found[0] > found[1]:
            raise UsageError(f"datetime {text!r}: ends before it begins; exchange them")
        return cls(*found)

    @classmethod
    def of_tags(cls, tags: Mapping[str, Mapping[str, str]]) -> Self | None:
        """Find the time that tags tell, by domain and key; None where none does."""
        for domain, key in _TAGS:
            own = tags.get(domain, {})
            clock = own.get(_CLOCK.get(key, ""), "")
            stretch = _stretch(f"{own.get(key, '')}T{clock}" if clock else own.get(key, ""))
            if stretch is not None and stretch[0] <= stretch[1]:
                return cls(*stretch, told_by=key)
        return None

    @property
    def doubt(self) -> str:
        """Why it may be wrong, and what to do; empty where nothing lets doubt."""
        if self.told_by != _OF_FILE:
            return ""
        return (
            f"only {_OF_FILE} tells a time, which is when the image or when the file was made, and the STAC item says "
            "that; if it is wrong, say --datetime"
        )

    def properties(self) -> dict[str, str | None]:
        """Return the fields of an item: ``datetime``, or null with a start and an end."""
        if self.start == self.end:
            return {"datetime": _as_text(self.start)}
        return {"datetime": None, "start_datetime": _as_text(self.start), "end_datetime": _as_text(self.end)}


def when(told: str | None, tags: Mapping[str, Mapping[str, str]], path: str) -> When:
    """Return when a scene was taken: as the user says, or else as its tags tell.

    Parameters
    ----------
    told
        The user's words, as `When.parse` reads them.
    tags
        Domain -> key -> value.
    path
        For messages.

    Raises
    ------
    UsageError
        Nobody tells it.
    """
    found = When.of_tags(tags) if told is None else When.parse(told)
    if found is None:
        raise UsageError(
            f"--stac: no metadata of {path} tell when it was taken, and a STAC item has to; say it: --datetime "
            f"{_EXAMPLE}"
        )
    return found


def _stretch(text: str) -> tuple[datetime, datetime] | None:
    """Read start and end of a time, or of two with a slash between; None for anything else."""
    first, slash, last = text.partition("/")
    ends = _of_one(first.strip()), _of_one(last.strip()) if slash else _of_one(first.strip())
    return None if ends[0] is None or ends[1] is None else (ends[0][0], ends[1][1])


def _of_one(text: str) -> tuple[datetime, datetime] | None:
    """Read a moment, twice, or a day from its first to its last second; None for anything else."""
    match = _TEXT.fullmatch(text) or _PACKED.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(each or 0) for each in match.groups()[:6])
    fraction, zone = (*match.groups()[6:], None, None)[:2]
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        moment += timedelta(microseconds=int(float(fraction or 0) * 1e6)) - _offset(zone)
    except (ValueError, OverflowError):
        return None
    return (moment, moment) if match[4] else (moment, moment + timedelta(days=1, seconds=-1))


def _offset(zone: str | None) -> timedelta:
    """Return what a zone is ahead of UTC; tags without one are in UTC."""
    if zone is None or zone.upper() in {"Z", "UTC"}:
        return timedelta()
    hours = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return hours if zone[0] == "+" else -hours


def _as_text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
