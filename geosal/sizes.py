"""Numbers as people and the command line write them: of bytes, and of things."""

import math
from collections.abc import Callable, Sequence

_TIMES = 2
"""Times a size from which percents are hard to read."""
_EXACT = 2**53
"""Whole numbers below it are exact as float64."""


def as_size(count: int) -> str:
    """Write bytes so that `geosal.core.option_values.parse_size` reads the same number: 5MB, 498kB or 498233."""
    for factor, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count % factor == 0:
            return f"{count // factor}{unit}"
    return str(count)


def as_bytes(count: float, rounding: Callable[[float], int] = round) -> str:
    """Write a number of bytes for people: 12.3 MB.

    Parameters
    ----------
    count
        Number of bytes.
    rounding
        Takes tenths of a unit: `math.ceil` for what is needed at least, `math.floor` for what is there at most.
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{rounding(10 * count / factor) / 10:.1f} {unit}"
    return f"{count:.0f} bytes"


def as_change(size: int, before: int) -> str:
    """Write how a size differs from another: 12.3 % smaller, 24.5 % LARGER, and from twice on 2.2 times as LARGE."""
    times = size / before if before else 1.0
    if times > _TIMES:
        return f"{times:.1f} times as LARGE"
    return f"{abs(100 * (times - 1)):.1f} % {'LARGER' if size > before else 'smaller'}"


def as_percent(share: float) -> str:
    """Write a share in percent, without its sign: 95.0; 100.0 only where it is all."""
    return "more than 99.9" if share < 1 and f"{100 * share:.1f}" == "100.0" else f"{100 * share:.1f}"


def as_number(value: float) -> str:
    """Write a number for a message: a whole one with all its digits, another one with six."""
    return f"{value + 0:.0f}" if math.isfinite(value) and value == int(value) and abs(value) < _EXACT else f"{value:g}"


def counted(number: int, thing: str) -> str:
    """Write how many there are of a thing: 1 band, 2 bands, 12,345 pixels."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def listed(names: Sequence[str], most: int = 20) -> str:
    """List names for a message; of many, the first ones and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def as_written(written: int, before: int = 0) -> str:
    """Tell how many files were written, and how many were there, finished by a job before."""
    if not before:
        return f"{counted(written, 'file')} written"
    verb = "was" if before == 1 else "were"
    if not written:
        return f"{counted(before, 'file')} {verb} finished already"
    return f"{counted(written, 'file')} written, {before:,} {verb} finished already"


def as_work(blocks: int, resumed: int, seconds: float) -> str:
    """Tell how many blocks were worked on, and how long it took."""
    before = f", {resumed:,} of them before," if resumed else ""
    return f"{counted(blocks, 'block')}{before} in {seconds:.1f} s"
