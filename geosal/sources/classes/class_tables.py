"""Class -> saliency: tables as users write them, and named ones for maps that many have.

A table is text: ``10=1;50=0.8;80=0``, with ranges ``21-24=1``, and ``none`` where a class says nothing. It may begin
with a name, whose classes can then be given by name too: ``worldcover;80=0.5;trees=0.7``. Codes are the producers'; the
saliencies of the named tables are our choice: built areas first, then vegetation, water and snow last:

- ``worldcover``: ESA WorldCover 10 m, Product User Manual v2.0, table of classes.
- ``dynamicworld``: Brown et al., Dynamic World, Scientific Data 9, 251 (2022).
- ``esri``: Karra et al. (2021) and Impact Observatory's annual 10 m land cover, 9 classes.
- ``nlcd``: USGS National Land Cover Database, legend of 2016 to 2021.
- the kinds of `quality.KINDS` that are one band (``scl``, ``qa_pixel``, ``fmask`` …): cloud and shadow 0, and so on.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from geosal.errors import UsageError
from geosal.names import did_you_mean
from geosal.sources.classes.quality import KINDS, theme_codes

NOTHING = float("nan")
"""Saliency of a class that says nothing."""
_ITEM = re.compile(r"\s*(-?\d{1,18})(?:\s*-\s*(-?\d{1,18}))?\s*")
_MAX_ITEMS = 4096


class ClassRange(NamedTuple):
    """Classes `low` to `high`, and their saliency; NaN says nothing."""

    low: int
    high: int
    saliency: float


Legend = Mapping[str, tuple[tuple[int, ...], float]]
"""Name of a class -> its codes and their saliency."""

LEGENDS: Mapping[str, Legend] = MappingProxyType(
    {
        "worldcover": {
            "none": ((0,), NOTHING),
            "trees": ((10,), 0.5),
            "shrubs": ((20,), 0.5),
            "grass": ((30,), 0.5),
            "crops": ((40,), 0.8),
            "built": ((50,), 1.0),
            "bare": ((60,), 0.3),
            "snow": ((70,), 0.1),
            "water": ((80,), 0.0),
            "wetland": ((90,), 0.6),
            "mangroves": ((95,), 0.6),
            "moss": ((100,), 0.3),
        },
        "dynamicworld": {
            "water": ((0,), 0.0),
            "trees": ((1,), 0.5),
            "grass": ((2,), 0.5),
            "wetland": ((3,), 0.6),
            "crops": ((4,), 0.8),
            "shrubs": ((5,), 0.5),
            "built": ((6,), 1.0),
            "bare": ((7,), 0.3),
            "snow": ((8,), 0.1),
        },
        "esri": {
            "none": ((0,), NOTHING),
            "water": ((1,), 0.0),
            "trees": ((2,), 0.5),
            "wetland": ((4,), 0.6),
            "crops": ((5,), 0.8),
            "built": ((7,), 1.0),
            "bare": ((8,), 0.3),
            "snow": ((9,), 0.1),
            "cloud": ((10,), 0.0),
            "grass": ((11,), 0.5),
        },
        "nlcd": {
            "none": ((0,), NOTHING),
            "water": ((11,), 0.0),
            "snow": ((12,), 0.1),
            "built": ((21, 22, 23, 24), 1.0),
            "bare": ((31,), 0.3),
            "trees": ((41, 42, 43), 0.5),
            "shrubs": ((51, 52), 0.5),
            "grass": ((71, 72, 73, 74), 0.5),
            "crops": ((81, 82), 0.8),
            "wetland": ((90, 95), 0.6),
        },
    }
)
FLAGS = {"land": 1.0, "water": 0.1, "snow": 0.1, "shadow": 0.0, "cloud": 0.0}
"""Saliency by flags of quality bands. The last one counts where a pixel has several; fill says nothing."""
_FLAG_TABLES = tuple(name for name, kind in KINDS.items() if kind.bands == 1 and name != "clouds_gml")
TABLES = (*LEGENDS, *_FLAG_TABLES)


@dataclass(frozen=True, slots=True)
class ClassTable:
    """A table of the saliency of each class.

    Attributes
    ----------
    name
        A name in `TABLES`, or empty.
    entries
        Later ones come before earlier ones; of a legend, or as written.
    flags
        Flags of a quality band: name in `FLAGS` and its saliency, later ones first.
    """

    name: str
    entries: tuple[ClassRange, ...] = ()
    flags: tuple[tuple[str, float], ...] = field(default=())

    @classmethod
    def parse(cls, text: str, value: str) -> Self:
        """Read a table, `value`, of the SOURCE `text`.

        Raises
        ------
        UsageError
            The table cannot be read; the message names the part.
        """
        items = [item.strip() for item in value.split(";") if item.strip()]
        if not items or len(items) > _MAX_ITEMS:
            raise UsageError(f"{text}: classes={value[:40]} is no table; {_EXAMPLE}")
        name = "" if "=" in items[0] else items.pop(0)
        if name and name not in TABLES:
            hint = did_you_mean(name, TABLES) or f"the tables are {', '.join(TABLES)}, or {_EXAMPLE}"
            raise UsageError(f"{text}: no table is called {name}; {hint}")
        if name in _FLAG_TABLES:
            return cls(name, flags=_parse_flags(text, name, items))
        legend = LEGENDS.get(name, {})
        entries = [ClassRange(code, code, saliency) for codes, saliency in legend.values() for code in codes]
        for item in items:
            entries += _parse_item(text, item, legend)
        return cls(name, tuple(entries))

    def saliency(self, classes: NDArray[Any], background: float) -> NDArray[np.float32]:
        """Return the saliency of classes, any shape and real dtype; `background` for those not in the table."""
        if self.flags:
            by_flag = _by_flag(self)
            known = (classes >= 0) & (classes < by_flag.size)
            codes = np.where(known, classes, 0).astype(np.intp)
            return np.where(known, by_flag[codes], np.float32(background))
        if classes.dtype in (np.uint8, np.uint16):
            return np.asarray(_by_class(self, classes.dtype.itemsize, background)[classes])
        return self.by_entry(classes, background)

    def knows(self, classes: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which classes are in the table; same shape."""
        if self.flags:
            kind = KINDS[self.name]
            inside = (classes >= 0) & (classes < 1 << kind.bits)
            return np.asarray(inside & np.isin(classes, list(kind.values))) if kind.values else np.asarray(inside)
        known = np.zeros(classes.shape, np.bool_)
        for entry in self.entries:
            known |= (classes >= entry.low) & (classes <= entry.high)
        return known

    def by_entry(self, classes: NDArray[Any], background: float) -> NDArray[np.float32]:
        """Return the saliency of classes, entry by entry."""
        found = np.full(classes.shape, background, np.float32)
        for entry in self.entries:
            found[(classes >= entry.low) & (classes <= entry.high)] = entry.saliency
        return found


@lru_cache(maxsize=16)
def _by_class(table: ClassTable, size: int, background: float) -> NDArray[np.float32]:
    """Return the saliency of each number of `size` bytes, read-only."""
    return table.by_entry(np.arange(1 << 8 * size), background)


@lru_cache(maxsize=16)
def _by_flag(table: ClassTable) -> NDArray[np.float32]:
    """Return the saliency of each code of a quality band, read-only."""
    kind, flags = KINDS[table.name], dict(table.flags)
    found = np.full(1 << kind.bits, flags["land"], np.float32)
    for theme in FLAGS:
        if theme in kind.themes:
            found[theme_codes(table.name, theme)] = flags[theme]
    if kind.fill is not None:
        found[kind.fill.holds(np.arange(found.size))] = NOTHING
    return found


_EXAMPLE = "write CLASS=SALIENCY;CLASS=SALIENCY such as 10=1;50=0.8;80=0"


def _parse_item(text: str, item: str, legend: Legend) -> list[ClassRange]:
    """Read ``50=0.8``, ``21-24=1`` or, with a legend, ``built=1``."""
    key, _, value = item.partition("=")
    saliency = _parse_saliency(text, item, value)
    if key.strip() in legend:
        return [ClassRange(code, code, saliency) for code in legend[key.strip()][0]]
    match = _ITEM.fullmatch(key)
    low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
    if low > high:
        names = f"; the classes of this table are {', '.join(legend)}" if legend else ""
        raise UsageError(f"{text}: {item!r} cannot be read; {_EXAMPLE}, ranges as 21-24=1{names}")
    return [ClassRange(low, high, saliency)]


def _parse_flags(text: str, name: str, items: list[str]) -> tuple[tuple[str, float], ...]:
    flags = dict(FLAGS)
    for item in items:
        key, _, value = item.partition("=")
        if key.strip() not in flags:
            raise UsageError(
                f"{text}: {item!r} cannot be read; {name} is told by {', '.join(FLAGS)}, such as {name};water=0.5"
            )
        flags[key.strip()] = _parse_saliency(text, item, value)
    return tuple(flags.items())


def _parse_saliency(text: str, item: str, value: str) -> float:
    if value.strip() == "none":
        return NOTHING
    try:
        saliency = float(value)
    except ValueError:
        saliency = NOTHING
    if not 0 <= saliency <= 1:
        raise UsageError(f"{text}: {item!r} cannot be read; a class has a saliency from 0 to 1, or none")
    return saliency
