"""Groups and arrays of a Zarr store, by their JSON: Zarr v3 (zarr.json) and v2 (.zarray, .zgroup, .zattrs)."""

import base64
import json
import math
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from geosal.core.zarr.files import Store, walk
from geosal.errors import SceneError

Json = dict[str, Any]
_SHOWN = 12


@dataclass(frozen=True, eq=False)
class Node:
    """A group or an array.

    Attributes
    ----------
    store, path
        Where it is; the root's path is empty.
    version
        3 or 2.
    meta
        What its own file says.
    attributes
        Its attributes.
    """

    store: Store
    path: str
    version: int
    meta: Json
    attributes: Json = field(default_factory=dict)

    @property
    def is_array(self) -> bool:
        """Return whether it is an array."""
        return "shape" in self.meta

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]

    @property
    def label(self) -> str:
        """Its name in messages."""
        return f"{self.store.root}/{self.path}".rstrip("/")

    @property
    def shape(self) -> tuple[int, ...]:
        """Samples along each dimension of an array."""
        return tuple(self.meta["shape"])

    @property
    def dims(self) -> tuple[str, ...]:
        """Names of an array's dimensions; empty ones where it names none."""
        told = self.meta.get("dimension_names") if self.version == 3 else None
        told = told or self.attributes.get("_ARRAY_DIMENSIONS") or []
        names = [name if isinstance(name, str) else "" for name in told] if isinstance(told, list) else []
        return tuple(names) if len(names) == len(self.shape) else ("",) * len(self.shape)

    @property
    def parent(self) -> str:
        """Path of the group that holds it."""
        return self.path.rpartition("/")[0]

    def dtype(self) -> np.dtype[Any] | None:
        """Return the type of the samples as they are kept in memory; None where NumPy has none for it."""
        return dtype_of(self.meta.get("data_type" if self.version == 3 else "dtype"))


def dtype_of(told: object) -> np.dtype[Any] | None:
    """Read the name of a type, of Zarr v3 or v2; None for types that are no plain numbers."""
    if not isinstance(told, str):
        return None
    try:
        found = np.dtype(told)
    except (TypeError, ValueError):
        return None
    return found if found.kind in "biufcM" else None


def node_at(store: Store, path: str) -> Node | None:
    """Read a node; None where there is none.

    Raises
    ------
    SceneError
        Its metadata is damaged, or it leads out of the store.
    """
    clean = path.strip("/")
    if "\0" in clean or (any(part in {"", ".", ".."} for part in clean.split("/")) and clean):
        raise SceneError(
            f"{store.root}: {path!r} is no path of a group or an array in it; name one, such as measurements/b04"
        )
    return _node_at(store, clean, store.stamp(clean))


def node_in(group: Node, name: str) -> Node | None:
    """Read a node by its path from a group; None where there is none, as for names that are no path."""
    if not name or not isinstance(name, str):
        return None
    if "\0" in name or any(part in {"", ".", ".."} for part in name.split("/")):
        return None
    return node_at(group.store, f"{group.path}/{name}" if group.path else name)


def existing(store: Store, path: str) -> Node:
    """Read a node that has to be there.

    Raises
    ------
    SceneError
        It is not; the message lists what is.
    """
    node = node_at(store, path)
    if node is None and not path:
        raise SceneError(
            f"{store.root}: is no Zarr store (no zarr.json, .zgroup or .zarray); see that the path is right"
        )
    if node is None:
        raise SceneError(f"{store.root}: has no group or array {path!r}; it has {listing(store)}")
    return node


def listing(store: Store, group: str = "") -> str:
    """List the arrays of two dimensions or more below a group, for a message."""
    found = []
    for path in walk(store, group):
        node = node_at(store, path)
        if node is not None and node.is_array and len(node.shape) > 1:
            found.append(path)
    shown = ", ".join(found[:_SHOWN]) + (" ..." if len(found) > _SHOWN else "")
    return shown or "no array of two dimensions or more"


def parents_of(node: Node) -> list[Node]:
    """Return the groups that hold a node, the nearest first."""
    found, path = [], node.path
    while path:
        path = path.rpartition("/")[0]
        group = node_at(node.store, path)
        if group is not None:
            found.append(group)
    return found


def number_of(told: object) -> float | None:
    """Read a number as attributes and fill values have it: plain, a text such as NaN, or xarray's Base64 of a double.

    None where it is none.
    """
    while isinstance(told, list) and len(told) == 1:
        told = told[0]
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return None
    with suppress(ValueError, OverflowError):
        return float(told)
    with suppress(ValueError, UnicodeEncodeError, struct.error):
        return float(struct.unpack("<d", base64.standard_b64decode(str(told).encode("ascii")))[0])
    return None


def finite(numbers: object, count: int) -> list[float] | None:
    """Read `count` finite numbers of a list; None where they are none."""
    if not isinstance(numbers, list) or len(numbers) < count:
        return None
    read = [number_of(one) for one in numbers[:count]]
    return (
        [one for one in read if one is not None]
        if all(one is not None and math.isfinite(one) for one in read)
        else None
    )


@lru_cache(maxsize=512)
def _node_at(store: Store, path: str, changed: int) -> Node | None:
    del changed
    below = f"{path}/" if path else ""
    if (content := store.json(f"{below}zarr.json")) is not None:
        meta = _parsed(store, f"{below}zarr.json", content)
        kind = meta.get("node_type")
        if kind not in ("array", "group") or (kind == "array") != ("shape" in meta):
            raise SceneError(
                f"{store.root}/{below}zarr.json: is no group and no array; the store is damaged, copy it again"
            )
        return _checked(Node(store, path, 3, meta, _mapping(meta.get("attributes"))))
    for mark in (".zarray", ".zgroup"):
        if (content := store.json(f"{below}{mark}")) is not None:
            meta = _parsed(store, f"{below}{mark}", content)
            told = store.json(f"{below}.zattrs")
            attributes = {} if told is None else _parsed(store, f"{below}.zattrs", told)
            if (mark == ".zarray") != ("shape" in meta):
                raise SceneError(
                    f"{store.root}/{below}{mark}: is not what it is called; the store is damaged, copy it again"
                )
            return _checked(Node(store, path, 2, meta, attributes))
    return None


def _checked(node: Node) -> Node:
    if node.is_array:
        shape = node.meta["shape"]
        sound = isinstance(shape, list) and all(
            isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in shape
        )
        if not sound:
            raise SceneError(
                f"{node.label}: its shape is {str(shape)[:60]}, which is none; the store is damaged, copy it again"
            )
    return node


def _mapping(told: object) -> Json:
    return dict(told) if isinstance(told, Mapping) else {}


def _parsed(store: Store, name: str, content: bytes) -> Json:
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SceneError(f"{store.root}/{name}: is no JSON; the store is damaged, copy it again") from error
    if not isinstance(parsed, dict):
        raise SceneError(f"{store.root}/{name}: is no JSON object; the store is damaged, copy it again")
    return parsed
