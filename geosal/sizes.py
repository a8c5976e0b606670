"""Numbers as people and the command line write them: of bytes, and of things."""

from collections.abc import Callable


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


def counted(number: int, thing: str) -> str:
    """Write how many there are of a thing: 1 band, 2 bands, 12,345 pixels."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
