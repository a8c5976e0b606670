"""Files of a Zarr store, in a folder, a zip or on a server, and none outside of it."""

import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from geosal.core.zarr.kept import KEPT, Span
from geosal.errors import SceneError, cause_of
from geosal.files import objects
from geosal.files.addresses import Address, joined
from geosal.files.archives import DAMAGE, open_member

MARKS = ("zarr.json", ".zarray", ".zgroup")
"""Names of the files that make a folder a node of a store."""
_TOGETHER = ".zmetadata"
"""Name of the file in the root of a store of Zarr v2 that holds the metadata of all nodes."""
_DESCRIBED = (*MARKS, ".zattrs")
"""Names of the files that the metadata of all nodes stand for."""
_MOST_JSON = 64 * 2**20
"""Limit of a metadata file in bytes; that of a product with all its arrays has less than one MiB."""
_LOCAL_HEADER, _NAME_AT = 30, 26
"""Bytes of a zip's header of a file, and where in it the lengths of name and extra field are."""


@dataclass(frozen=True, slots=True)
class Store:
    """The files of a store; it holds a path, not a handle.

    Attributes
    ----------
    root
        Absolute path of the folder or the zip.
    top
        Folder of the store in the zip, with a slash at its end; empty where it is the whole.
    """

    root: str
    top: str = ""

    @property
    def is_zip(self) -> bool:
        """Return whether it is a zip."""
        return not os.path.isdir(self.root)

    def json(self, name: str) -> bytes | None:
        """Read a metadata file; None where there is none.

        Raises
        ------
        SceneError
            It leads out of the store, is too large, or cannot be read.
        """
        if self.is_zip:
            entry = _entries(self.root, changed(self.root)).get(self.top + name)
            if entry is None or entry.file_size > _MOST_JSON:
                return None
            with _told(f"{self.root}/{name}"), zipfile.ZipFile(self.root) as bundle, open_member(bundle, entry) as file:
                return file.read()
        path = self._file(name)
        if path is None:
            return None
        with _told(path):
            if os.path.getsize(path) > _MOST_JSON:
                raise ValueError("no metadata is that large")
            with open(path, "rb") as file:
                return file.read()

    def span(self, name: str, *, in_parts: bool = False) -> Span | None:  # noqa: ARG002  for servers
        """Return where the bytes of a chunk lie, None where it is missing or compressed within a zip.

        `in_parts` says that few of them will be read, as of a shard.

        Raises
        ------
        SceneError
            It leads out of the store, or is no regular file.
        """
        if not self.is_zip:
            path = self._file(name)
            try:
                return None if path is None else Span(path, 0, os.stat(path).st_size)
            except OSError:
                return None
        entry = _entries(self.root, changed(self.root)).get(self.top + name)
        if entry is None or entry.compress_type != zipfile.ZIP_STORED:
            return None
        with open(self.root, "rb") as file:
            file.seek(entry.header_offset)
            head = file.read(_LOCAL_HEADER)
        name_length, extra = (int.from_bytes(head[at : at + 2], "little") for at in (_NAME_AT, _NAME_AT + 2))
        return Span(self.root, entry.header_offset + _LOCAL_HEADER + name_length + extra, entry.file_size)

    def state(self, node: str) -> tuple[int, ...] | None:
        """Return what identifies the present content of a node: size and time of the file that describes it."""
        if self.is_zip:
            stat = os.stat(self.root)
            return stat.st_size, stat.st_mtime_ns
        for mark in ("zarr.json", ".zarray"):
            try:
                stat = os.stat(os.path.join(self.root, *node.split("/"), mark))
            except OSError:
                continue
            return stat.st_size, stat.st_mtime_ns
        return None

    def stamp(self, path: str) -> int:
        """Return what changes with the metadata of a node."""
        if self.is_zip:
            return changed(self.root)
        times = []
        for mark in ("zarr.json", ".zarray", ".zgroup", ".zattrs"):
            try:
                times.append(os.stat(os.path.join(self.root, *path.split("/"), mark)).st_mtime_ns)
            except OSError:
                continue
        return max(times, default=0)

    def chunk_state(self, key: str) -> tuple[int, int] | None:
        """Return size and time of the file that holds a chunk of a folder; None where there is none."""
        try:
            stat = os.stat(os.path.join(self.root, *key.split("/")))
        except OSError:
            return None
        return stat.st_size, stat.st_mtime_ns

    def has(self, name: str) -> bool:
        """Return whether a file is there."""
        if self.is_zip:
            return self.top + name in _entries(self.root, changed(self.root))
        return self._file(name) is not None

    def children(self, group: str) -> list[str]:
        """Return the names of the groups and arrays right below a group, sorted."""
        if self.is_zip:
            below = self.top + (f"{group}/" if group else "")
            names = _entries(self.root, changed(self.root))
            parts = (name[len(below) :].split("/") for name in names if name.startswith(below))
            return sorted({part[0] for part in parts if len(part) == 2 and part[1] in MARKS})
        folder = self.inside(group)
        try:
            names_of_all = os.listdir(folder)
        except OSError:
            return []
        return sorted(name for name in names_of_all if _is_node(os.path.join(folder, name)))

    def _file(self, name: str) -> str | None:
        """Return the path of a file of a folder; None where nothing is, and never a folder's or a pipe's."""
        path = self.inside(name)
        if os.path.isfile(path):
            return path
        if os.path.lexists(path):
            raise SceneError(f"{path}: is no regular file; the store is damaged, copy it again")
        return None

    def inside(self, name: str) -> str:
        """Return the path of a file of a folder.

        Raises
        ------
        SceneError
            The name, or a link, leads out of it.
        """
        path = os.path.join(self.root, *name.split("/"))
        top = os.path.realpath(self.root)
        if not (os.path.realpath(path) + os.sep).startswith(top + os.sep):
            raise SceneError(f"{path}: leads out of the store; put the file itself there")
        return path


@dataclass(frozen=True, slots=True)
class ServedStore(Store):
    """The files of a store below a URL, `root`; `top` is its key, with a slash at its end."""

    @property
    def is_zip(self) -> bool:
        """Return False."""
        return False

    def json(self, name: str) -> bytes | None:
        """Read a metadata file, or take it from what the root tells of all nodes; None where there is none."""
        mark = self._mark()
        described = None if mark is None else _described(self, mark)
        if mark is None or (described is not None and name.rpartition("/")[2] in _DESCRIBED):
            return None if described is None else described.get(name)
        return _root(self, mark) if name == "zarr.json" else self.read(name)

    def span(self, name: str, *, in_parts: bool = False) -> Span | None:
        """Return where the bytes of a chunk lie, None where it is missing."""
        url = joined(self.root, name)
        with _told(url):
            if in_parts:
                found = objects.state(url)
                return None if found is None else Span(url, 0, found.size)
            try:
                return Span(url, 0, KEPT.size(url))
            except FileNotFoundError:
                return None

    def has(self, name: str) -> bool:
        """Return whether a file is there."""
        described = self._described()
        if described is not None and name.rpartition("/")[2] in MARKS:
            return name in described
        with _told(joined(self.root, name)):
            return objects.state(joined(self.root, name)) is not None

    def children(self, group: str) -> list[str]:
        """Return the names of the groups and arrays right below a group, sorted.

        A server that lists nothing has them only where the root tells of all nodes.
        """
        described, below = self._described(), f"{group}/" if group else ""
        if described is not None:
            parts = (name.removeprefix(below).split("/") for name in described if name.startswith(below))
            return sorted({part[0] for part in parts if len(part) == 2 and part[1] in MARKS})
        with _told(joined(self.root, group)):
            folders = objects.folders_in(joined(self.root, group))
        return sorted(name for name in folders if any(self.has(f"{below}{name}/{mark}") for mark in MARKS))

    def state(self, node: str) -> tuple[int, ...] | None:
        """Return what identifies the present content of the store: that of its root's metadata."""
        del node
        return self._mark()

    def stamp(self, path: str) -> int:
        """Return what changes with the metadata of a node."""
        del path
        return (self._mark() or (0, 0))[1]

    def chunk_state(self, key: str) -> tuple[int, int] | None:
        """Return None: chunks are not asked for one by one whether they have changed."""
        del key
        return None

    def _mark(self) -> tuple[int, int] | None:
        for mark in MARKS:
            with _told(joined(self.root, mark)):
                found = objects.state(joined(self.root, mark))
            if found is not None:
                _notice(self.root, found)
                return found.size, found.mark
        return None

    def read(self, name: str) -> bytes | None:
        """Read a file from the server; None where there is none."""
        with _told(joined(self.root, name)):
            try:
                return objects.read(joined(self.root, name), _MOST_JSON)
            except FileNotFoundError:
                return None

    def _described(self) -> dict[str, bytes] | None:
        """Return the metadata files that the root of a store holds together; None where it holds none."""
        mark = self._mark()
        return None if mark is None else _described(self, mark)


_seen: dict[str, objects.State] = {}
"""URL of a store -> the state of its root's metadata when they were last asked for."""


def _notice(url: str, state: objects.State) -> None:
    """Forget the chunks of a store that was written anew: they have the names of those before."""
    if _seen.get(url, state) != state:
        KEPT.forget()
    _seen[url] = state


@lru_cache(maxsize=16)
def _root(store: ServedStore, mark: tuple[int, int]) -> bytes | None:
    """Read the metadata of a root of Zarr v3; `mark` changes with it."""
    del mark
    return store.read("zarr.json")


@lru_cache(maxsize=16)
def _described(store: ServedStore, mark: tuple[int, int]) -> dict[str, bytes] | None:
    root = _root(store, mark)
    try:
        if root is None:  # Zarr v2, as ESA serves EOPF
            told: Any = json.loads(store.read(_TOGETHER) or b"{}")["metadata"]
            return {str(name): json.dumps(meta).encode() for name, meta in told.items()}
        nodes = json.loads(root)["consolidated_metadata"]["metadata"]
        return {"zarr.json": root} | {f"{name}/zarr.json": json.dumps(meta).encode() for name, meta in nodes.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


class Place(NamedTuple):
    """A store, and a path in it."""

    store: Store
    node: str
    """Path of a group or an array below the root, with slashes; the root is empty."""


def is_zarr(path: str) -> bool:
    """Return whether a path is that of a Zarr store, or of a group or an array in one, there or not."""
    return locate(path) is not None


def locate(path: str) -> Place | None:
    """Find the store that a path leads into, here or on a server; None where it leads into none.

    ``store.zarr/group/array`` names a node below the root: the root is the outermost folder of those that are nodes. A
    zip is named likewise: ``store.zarr.zip/group``.
    """
    if "://" in path or path.startswith("/vsi") or "\0" in path:
        return _served(path)
    whole = os.path.abspath(path)
    if os.path.isfile(whole) and not whole.lower().endswith(".zip"):
        return None
    below: list[str] = []
    place = whole
    while not _is_node(place):
        if place.lower().endswith(".zip") and os.path.isfile(place):
            return _in_zip(place, "/".join(reversed(below)))
        above, name = os.path.split(place)
        if above == place or (os.path.exists(place) and not os.path.isdir(place)):
            return None
        if os.path.isdir(place) and not below:
            return None  # a folder that is no node, and nothing is asked of what is in it
        below.append(name)
        place = above
    while os.path.dirname(place) != place and _is_node(os.path.dirname(place)):
        place, name = os.path.split(place)
        below.append(name)
    return Place(Store(place), "/".join(reversed(below)))


def _served(path: str) -> Place | None:
    """Find the store that a URL leads into: the first part that is called ``.zarr``; None where there is none."""
    place = Address.of(path)
    if place is None:
        return None
    parts = place.key.split("/")
    at = next((number for number, part in enumerate(parts) if part.lower().endswith(".zarr")), None)
    if at is None:
        return None
    root = place._replace(key="/".join(parts[: at + 1]))
    return Place(ServedStore(root.url, f"{root.key}/"), "/".join(parts[at + 1 :]))


def store_at(path: str) -> Store:
    """Return the store at a path that is known to be that of its root."""
    place = locate(path)
    return Store(path) if place is None or place.node else place.store


def changed(path: str) -> int:
    """Return the time in ns at which a zip was changed.

    Raises
    ------
    SceneError
        It is no longer there.
    """
    with _told(path):
        return os.stat(path).st_mtime_ns


def _is_node(folder: str) -> bool:
    return any(os.path.isfile(os.path.join(folder, mark)) for mark in MARKS)


def _in_zip(path: str, below: str) -> Place | None:
    names = _entries(path, os.stat(path).st_mtime_ns)
    if any(mark in names for mark in MARKS):
        return Place(Store(path), below)
    tops = {name.partition("/")[0] for name in names if name.count("/") == 1 and name.endswith(MARKS)}
    if len(tops) != 1:
        return None
    return Place(Store(path, f"{tops.pop()}/"), below)


@lru_cache(maxsize=8)
def _entries(path: str, changed: int) -> dict[str, zipfile.ZipInfo]:
    """List the files of a zip, by name; none where it cannot be listed. `changed` makes a new zip a new one."""
    del changed
    try:
        with zipfile.ZipFile(path) as bundle:
            return {entry.filename: entry for entry in bundle.infolist() if not entry.is_dir()}
    except DAMAGE:
        return {}


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Turn the errors of a damaged file into a `SceneError`."""
    try:
        yield
    except DAMAGE as error:
        raise SceneError(f"{what}: cannot be read ({cause_of(error)}); copy the store again") from error


def walk(store: Store, group: str, most: int = 200) -> Iterator[str]:
    """Yield the paths of the nodes below a group, parents first."""
    waiting = [group]
    while waiting and most > 0:
        place = waiting.pop(0)
        for name in store.children(place):
            path = f"{place}/{name}" if place else name
            most -= 1
            yield path
            waiting.append(path)
