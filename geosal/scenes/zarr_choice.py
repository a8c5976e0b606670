"""Which arrays of a Zarr store are the bands of a scene, and which step of their other dimensions.

A group's arrays of rows and columns are bands; so are the steps of one further dimension, such as ``band``. Of other
dimensions, and of times, one step is chosen: ``time=2024-05-01``, ``time=#0`` (by number, from 0) or
``time=~2024-05-01`` (the nearest).
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.core.zarr.arrays import arrays_of, base_of
from geosal.core.zarr.chunks import text_values_of, values_of
from geosal.core.zarr.files import locate
from geosal.core.zarr.nodes import Node, existing
from geosal.core.zarr.place import coordinate_of
from geosal.core.zarr.raster import OURS, ZarrRaster
from geosal.errors import SceneError, UsageError

_TIMES = frozenset({"time", "t", "date", "datetime", "valid_time"})
_MOST_BANDS = 4096
_MOST_LABELS = 10_000_000
"""Steps of which a coordinate is read; of more, a step is chosen by its number."""
_SHOWN = 4
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d([T ]\d\d(:\d\d(:\d\d(\.\d{1,6})?)?)?Z?)?)?)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Plane:
    """A band: one step of an array's other dimensions.

    Attributes
    ----------
    raster
        The array.
    index
        Number of the band in it, from 1.
    name
        What a user calls it: the label of its step, or the array's name.
    """

    raster: ZarrRaster
    index: int
    name: str


@dataclass(frozen=True, eq=False)
class Choice:
    """What of a store is a scene.

    Attributes
    ----------
    planes
        All of its bands.
    group
        The group that holds the arrays.
    steps
        Dimension -> what was chosen of it, for tags.
    ours
        Whether they are the image of a store that geosal wrote.
    """

    planes: tuple[Plane, ...]
    group: Node
    steps: Mapping[str, str]
    ours: bool


def choose(path: str, select: Sequence[str] = ()) -> Choice:
    """Find the bands at a path: of a store, a group in it, or an array.

    Parameters
    ----------
    path
        ``store.zarr``, ``store.zarr/group`` or ``store.zarr/group/array``; a zip likewise.
    select
        Steps of dimensions, ``DIM=VALUE`` each.

    Raises
    ------
    SceneError
        There is no raster.
    UsageError
        A step is none, or has to be chosen.
    """
    place = locate(path)
    if place is None:
        raise SceneError(f"{path}: no such Zarr store; give the path of one")
    node = existing(place.store, place.node)
    arrays = [node] if node.is_array else arrays_of(node, path)
    group = _group_of(arrays[0])
    rasters = [ZarrRaster.of(array) for array in arrays]
    wanted = _parsed(path, select)
    dims = {name for raster in rasters for name in _lead(raster)}
    for name in wanted:
        if name not in dims:
            has = ", ".join(sorted(dims)) or "none"
            raise UsageError(f"{path}: no dimension {name} to --select from, it has {has}; choose of those")
    steps: dict[str, str] = {}
    planes = [plane for raster in rasters for plane in _planes(path, raster, wanted, steps, alone=len(rasters) == 1)]
    _refuse_many(path, len(planes))
    ours = OURS in group.attributes and [array.name for array in arrays] == ["image"]
    return Choice(tuple(planes), group, steps, ours)


def _group_of(array: Node) -> Node:
    """Return the group that tells of an array: the one that holds it; of a store of ours the root, above its levels."""
    if not array.path:
        return array
    group = existing(array.store, array.parent)
    root = existing(array.store, group.parent) if group.path else group
    return root if OURS in root.attributes and base_of(root) == group.path else group


def _lead(raster: ZarrRaster) -> tuple[str, ...]:
    """Names of the dimensions that are neither rows nor columns; numbers where they have none."""
    return tuple(raster.node.dims[axis] or f"dim{axis}" for axis in raster.planes.lead)


def _parsed(path: str, select: Sequence[str]) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for text in select:
        name, equals, value = text.partition("=")
        if not (name.strip() and equals and value.strip()):
            raise UsageError(
                f"{path}: --select {text!r} is no DIM=VALUE; such are time=2024-05-01, time=#0 (by number) and "
                "time=~2024-05-01 (the nearest)"
            )
        if name.strip() in wanted:
            raise UsageError(f"{path}: --select {name.strip()} is given twice; give one step of it")
        wanted[name.strip()] = value.strip()
    return wanted


def _planes(
    path: str, raster: ZarrRaster, wanted: Mapping[str, str], steps: dict[str, str], *, alone: bool
) -> Iterator[Plane]:
    """Yield the bands of an array, and note the steps that were chosen."""
    names, sizes = _lead(raster), [raster.node.shape[axis] for axis in raster.planes.lead]
    spans: list[range] = []
    free: list[str] = []
    for name, size in zip(names, sizes, strict=True):
        labels = _labels(raster.node, name, size)
        if name in wanted:
            step = _step(path, name, wanted[name], labels, size)
            steps[name] = _shown(labels[step]) if labels is not None else str(step)
            spans.append(range(step, step + 1))
        else:
            spans.append(range(size))
            if size > 1:
                free.append(name)
            elif labels is not None and _is_time(name, labels):
                steps[name] = _shown(labels[0])
    _refuse_open(path, raster, free)
    _refuse_many(path, math.prod(map(len, spans)), free[0] if free else "DIM")
    labels = _labels(raster.node, free[0], sizes[names.index(free[0])]) if free else None
    for place in product(*spans):
        index = int(np.ravel_multi_index(place, sizes)) if place else 0
        step = place[names.index(free[0])] if free else 0
        own = (
            _shown(labels[step])
            if labels is not None and labels.dtype.kind in "UOST"
            else str(step + 1)
            if free
            else ""
        )
        name = own if alone and free else f"{raster.node.name}.{own}" if free else raster.node.name
        yield Plane(raster, index + 1, name)


def _refuse_open(path: str, raster: ZarrRaster, free: Sequence[str]) -> None:
    """Refuse dimensions of which a step has to be chosen."""
    nodes = {name: _labels(raster.node, name, size) for name, size in zip(_lead(raster), _sizes(raster), strict=True)}
    times = [name for name in free if _is_time(name, nodes[name])]
    if len(free) < 2 and not times:
        return
    several = []
    for name in times or free:
        labels, size = nodes[name], dict(zip(_lead(raster), _sizes(raster), strict=True))[name]
        shown = [] if labels is None else [_shown(label) for label in labels[:_SHOWN]]
        several.append(
            f"{name} has {size}" + (f" ({', '.join(shown)}{' ...' if size > _SHOWN else ''})" if shown else "")
        )
    first = (times or free)[0]
    labels = nodes[first]
    example = "#0" if labels is None or labels[0] != labels[0] else _shown(labels[0])  # NaN and NaT are none
    raise UsageError(
        f"{path}: {raster.node.name or 'it'} has more dimensions than bands, rows and columns: {'; '.join(several)}; "
        f"choose a step: --select {first}={example}"
    )


def _refuse_many(path: str, count: int, name: str = "DIM") -> None:
    """Refuse more bands than anybody wants, before they are made."""
    if count > _MOST_BANDS:
        raise UsageError(
            f"{path}: holds {count} bands, and {_MOST_BANDS} are the limit; name an array of it, or choose a step: "
            f"--select {name}=#0"
        )


def _sizes(raster: ZarrRaster) -> list[int]:
    return [raster.node.shape[axis] for axis in raster.planes.lead]


def _labels(node: Node, name: str, size: int) -> NDArray[Any] | None:
    """Return the coordinate of a dimension, times decoded; None where it has none."""
    found = coordinate_of(node, name)
    if found is None or found.shape != (size,) or size > _MOST_LABELS:
        return None
    units = found.attributes.get("units")
    if found.dtype() is None:  # texts
        return _texts(found)
    values = values_of(found)
    if values.dtype.kind in "iuf" and isinstance(units, str) and " since " in units:
        import xarray as xr

        told = {"units": units, "calendar": str(found.attributes.get("calendar", "standard"))}
        try:
            return np.asarray(xr.decode_cf(xr.Dataset({"x": ("x", values, told)}))["x"].values)
        except (ValueError, OverflowError, TypeError):
            return values
    return values


def _texts(node: Node) -> NDArray[Any] | None:
    """Read texts, such as names of bands; None where they cannot be: bands have numbers, too."""
    try:
        return text_values_of(node)
    except SceneError:
        return None


def _is_time(name: str, labels: NDArray[Any] | None) -> bool:
    return name.lower() in _TIMES or (labels is not None and labels.dtype.kind == "M")


def _shown(label: Any) -> str:
    """Write a label as it can be given: times to the second, the day alone at midnight."""
    if isinstance(label, np.datetime64):
        return re.sub(r"T00:00:00$", "", str(label.astype("datetime64[s]")))
    return f"{label:.10g}" if isinstance(label, float | np.floating) else str(label)


def _step(path: str, name: str, value: str, labels: NDArray[Any] | None, size: int) -> int:
    """Return the number of a step, from 0."""
    if value.startswith("#"):
        number = int(value[1:]) if re.fullmatch(r"#-?[0-9]{1,9}", value) else size
        if not -size <= number < size:
            raise UsageError(
                f"{path}: {name}={value} is no step, they are numbered from #0 to #{size - 1}; give one of them"
            )
        return number % size
    if labels is None:
        raise UsageError(
            f"{path}: {name}={value}, but no coordinate tells what its steps are; give one by number: {name}=#0"
        )
    nearest = value.startswith("~")
    text = value[1:].strip() if nearest else value
    wanted = _wanted(labels, text)
    hits = np.array([], np.intp) if wanted is None else _nearest(labels, wanted) if nearest else _hits(labels, wanted)
    if hits.size == 1:
        return int(hits[0])
    some = labels[hits] if hits.size else labels
    shown = ", ".join(_shown(label) for label in some[:_SHOWN]) + (" ..." if some.size > _SHOWN else "")
    what = f"means {hits.size} steps" if hits.size else "is no step"
    has_near = not (hits.size or nearest or wanted is None) and _nearest(labels, wanted).size
    mend = f"give one of them, or the nearest: {name}=~{text}" if has_near else "give one of them"
    raise UsageError(f"{path}: {name}={value} {what}, {shown}; {mend}")


def _wanted(labels: NDArray[Any], text: str) -> np.datetime64 | float | str | None:
    """Read what is asked for as the labels are: a time, a finite number, or a text; None where it is none."""
    if labels.dtype.kind == "M":
        try:
            return np.datetime64(text.removesuffix("Z")) if _DATE.fullmatch(text) else None
        except ValueError:  # a 13th month
            return None
    if labels.dtype.kind in "iuf":
        number = float(text) if _NUMBER.fullmatch(text) else math.inf
        return number if math.isfinite(number) else None
    return text


def _hits(labels: NDArray[Any], wanted: np.datetime64 | float | str) -> NDArray[np.intp]:
    """Return the steps that a value means; those of a day, a month or a year for less than a time."""
    if isinstance(wanted, np.datetime64):
        return np.nonzero(labels.astype(wanted.dtype) == wanted)[0]
    if isinstance(wanted, float):
        return np.nonzero(np.isclose(labels.astype(np.float64), wanted, rtol=1e-6, atol=0))[0]
    return np.nonzero([str(label) == wanted for label in labels])[0]


def _nearest(labels: NDArray[Any], wanted: np.datetime64 | float | str) -> NDArray[np.intp]:
    """Return the step nearest to a value; none among texts, and none among labels that all are NaN or NaT."""
    if isinstance(wanted, str):
        return np.array([], np.intp)
    known = np.nonzero(np.isfinite(labels))[0]
    if isinstance(wanted, np.datetime64):
        off = np.abs(_seconds(labels[known]) - _seconds(np.array(wanted)))
    else:
        off = np.abs(labels[known].astype(np.longdouble) - wanted)
    return known[[np.argmin(off)]] if known.size else known


def _seconds(times: NDArray[Any]) -> NDArray[Any]:
    """Return times as seconds since 1970; nanoseconds overflow in the year 2262."""
    whole = times.astype("datetime64[s]")
    return np.asarray(whole.astype(np.int64).astype(np.longdouble) + (times - whole) / np.timedelta64(1, "s"))
