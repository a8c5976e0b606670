"""Read, check and convert values of options as people write them, on a command line, in YAML or in Python.

Each function takes the name of the option for its message.
"""

import math
import os
import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from geosal.core.gdal_env import path_text
from geosal.errors import UsageError
from geosal.names import did_you_mean

_UNITS = {"": 1} | {f"{unit}{i}": base**n for n, unit in enumerate("KMGT", 1) for i, base in (("", 1000), ("I", 1024))}
_SIZE = re.compile(r"(\d+(?:\.\d*)?(?:E\d+)?)\s*([KMGT]I?|)(?:B|BYTES?)?", re.ASCII)
_SHARE = re.compile(r"(\d+(?:\.\d*)?)\s*%", re.ASCII)
_LARGEST_SIZE = 1e15
_LONGEST_TOLD = 200
"""Longest text of a value in a message."""


def refuse_unknown(wish: Iterable[Any], known: Sequence[str], fault: str) -> None:
    """Refuse unknown keys; the message has the nearest known one.

    Raises
    ------
    UsageError
        A key is unknown.
    """
    for key in wish:
        if key not in known:
            hint = did_you_mean(key, known) or f"known: {', '.join(known)}"
            raise UsageError(f"{key}: {fault}; {hint}")


def in_folder(path: str, folder: str | Path) -> str:
    """Return a path that counts from a folder as one that counts from where we are.

    Absolute paths, URLs and GDAL's ``/vsi`` paths stay as they are.
    """
    is_bound = "://" in path or os.path.isabs(path)  # /vsi begins with a slash
    return path if is_bound else str(Path(folder, path))


def parse_size(written: str | int) -> int:
    """Read a size in bytes: ``"512MB"``, ``"1.5GiB"``, ``"51204 bytes"`` or a plain number of bytes.

    Raises
    ------
    UsageError
        The value is no size.
    """
    match = None if isinstance(written, bool) else _SIZE.fullmatch(str(written).strip().upper())
    if match is None or not math.isfinite(float(match[1])):
        raise UsageError(f"{written!r} is no size; write it like 512MB, 2GiB or 51204 (bytes)")
    return int(min(float(match[1]), _LARGEST_SIZE) * _UNITS[match[2]])


def parse_share(name: str, written: Any) -> float | None:
    """Read ``"50%"`` as 0.5; None of what is no share.

    Raises
    ------
    UsageError
        It is 0 %, or more than 100 %.
    """
    match = _SHARE.fullmatch(str(written).strip())
    if match is None:
        return None
    require(0 < float(match[1]) <= 100, name, written, "more than 0 % and at most 100 %")
    return float(match[1]) / 100


def require(ok: object, name: str, value: object, wanted: str) -> None:
    """Refuse a wrong value.

    Raises
    ------
    UsageError
        `ok` is False.
    """
    if not ok:
        raise UsageError(f"{name}={as_told(value)}: it must be {wanted}")


def as_told(value: object) -> str:
    """Write a wrong value for a message, in a line: an array by its type and shape, other long ones cut."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"<{type(value).__name__} of {value.dtype}, {' x '.join(map(str, value.shape))}>"
    if hasattr(value, "data_vars") or hasattr(value, "columns"):
        return f"<{type(value).__name__}>"
    text = " ".join((str if isinstance(value, date) else repr)(value).split())  # as YAML has it
    return text if len(text) <= _LONGEST_TOLD else f"{text[:_LONGEST_TOLD]} …"


def read_text(name: str, value: Any) -> str:
    """Read text, or a path object."""
    of_arrays = "; an array has methods of its own: array.geosal.compress" if hasattr(value, "dims") else ""
    require(isinstance(value, str | os.PathLike), name, value, f"text or a path{of_arrays}")
    return path_text(name, value)


def read_texts(name: str, value: Any) -> tuple[str, ...]:
    """Read one text or path object, or a list of them."""
    several = [value] if isinstance(value, str | os.PathLike) else read_items(name, value)
    return tuple(read_text(name, each) for each in several)


def read_number(name: str, value: Any) -> float:
    """Read a number; true and false are no numbers."""
    require(isinstance(value, int | float) and not isinstance(value, bool), name, value, "a number")
    return float(value)


def read_items(name: str, value: Any) -> tuple[Any, ...]:
    """Read a list."""
    require(isinstance(value, list | tuple), name, value, "a list")
    return tuple(value)
