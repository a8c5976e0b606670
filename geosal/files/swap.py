"""Put a new file and its sidecars in the place of old ones, so that the next job can repair what a killed one left.

A raster and its sidecars have several names, and a file system changes one name at a time. The new sidecars replace the
old ones first, the file itself is last; up to that moment all can be undone, afterwards nothing is. The old sidecars
are kept in the work directory, with a note of the swap: a job that finds them after a kill completes or undoes it.

A directory (a Zarr store) cannot be replaced, but Linux and macOS exchange two of them in one step. Where the file
system cannot, the old one is moved into the work directory, and back if the new one does not take its name. A STAC item
is the only sidecar that it may have.
"""

import errno
import glob
import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from geosal.files.atomic import exchange, flush, read_plain, rename_new

STORE_MARK = "zarr.json"
"""File that makes a directory a Zarr store; it is written last."""
OWN_MARK = "gdal_metadata"
"""Attribute in the root of every store that geosal writes."""
_OWN_FILE = re.compile(
    r"(ovr_\d+x/)?((image|mask|band|x|y|spatial_ref)/)?(zarr\.json|\.z(array|attrs|group|metadata)|\d+(/\d+)*)"
)
ITEM = ".stac.json"
"""Suffix of a STAC item, appended to the whole name of the raster or store that it describes."""
SEAL = ".seal"
"""Suffix of a seal that takes too much room for tags, see `geosal.seals`."""
SIDECARS = (".aux.xml", ".msk", ".ovr", ITEM, SEAL)
"""Suffixes of what belongs to a raster beside it, appended to its whole name: what GDAL reads, the item, the seal."""
_ANY_WORLD_FILE = ".wld"
"""Suffix of a world file that may be that of any raster of its name."""
NOTE = "swap.json"
"""File in a work directory in which a job notes what it is about to publish."""
_KEPT = "kept"
"""Folder for the old files: no name in it can be that of a new file."""
_KEPT_STORE = "store"


@dataclass(frozen=True, slots=True)
class Swap:
    """The replacement of old files by new ones.

    Attributes
    ----------
    directory
        Directory of the old sidecars and the note, on the file system of `output`.
    main, output
        The new file, and the name that it gets.
    new, old
        Suffixes of the sidecars of `main`, and of those that stood beside `output` before.
    before, after
        Marks of the old and the new file or store that tell them from any other; None for none.
    """

    directory: Path
    main: Path
    output: Path
    new: tuple[str, ...]
    old: tuple[str, ...]
    before: tuple[int, int] | None
    after: tuple[int, int] | None

    @classmethod
    def prepare(cls, directory: Path, main: Path, output: Path, *, with_world_file: bool) -> Self:
        """Keep the old sidecars, and note what is to happen; for `with_world_file` see `sidecars_of`."""
        new, old = (there(path, with_world_file=with_world_file) for path in (main, output))
        swap = cls(directory, main, output, new, old, _identity(output), _identity(main))
        (directory / _KEPT).mkdir(exist_ok=True)
        for suffix in old:
            _copy(beside(output, suffix), swap._kept(suffix))
        note = directory / f"{NOTE}.new"
        note.write_text(json.dumps(asdict(swap) | {"kept": _KEPT}, default=str))
        flush(note)
        os.replace(note, directory / NOTE)
        flush(directory / _KEPT)
        flush(directory)  # before any name changes: after a power cut the note must be there
        return swap

    @classmethod
    def found(cls, directory: Path, output: Path) -> Self | None:
        """Read the note of a killed job; None when it had not written one, or the files have changed since.

        Anybody may have laid it there, so it is believed only about `output` and what belongs beside that.
        """
        try:
            note = json.loads(read_plain(directory / NOTE))
            kept = note.get("kept", "")
            known = {*SIDECARS, *_world_files(output)}
            main = Path(note["main"]).name
            of_ours = Path(note["output"]).name == output.name and {*note["new"], *note["old"]} <= known
            if not of_ours or b"\0" in os.fsencode(main):  # it is about other files, or about none that there can be
                return None
            swap = cls(
                directory,
                directory / main,
                output,
                tuple(note["new"]),
                tuple(note["old"]),
                *(None if note[key] is None else tuple(note[key]) for key in ("before", "after")),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        if kept != _KEPT:
            raise OSError(errno.EINVAL, "another version of geosal left it, which kept old files elsewhere in it")
        if swap.is_aside and not os.path.lexists(swap.output):
            return swap
        expected = swap.after if swap.is_done else swap.before
        return swap if _identity(swap.output) == expected else None

    @property
    def is_done(self) -> bool:
        """Return whether the new file has its name."""
        is_there = self.after is not None and _identity(self.output) == self.after
        return (self.main.is_dir() and is_there) or _has_moved(self.main, self.output)

    @property
    def is_aside(self) -> bool:
        """Return whether the old store has left its name and the new one has not taken it."""
        return not self.is_done and self.before is not None and _identity(self._kept("")) == self.before

    def carry_out(self, *, replace: bool) -> None:
        """Give the new files their names, the main one last.

        Raises
        ------
        FileExistsError
            A name is taken, and `replace` is False.
        """
        move = os.replace if replace else rename_new
        if not replace and (self.before or self.old):
            raise FileExistsError
        try:
            for suffix in self.new:
                move(beside(self.main, suffix), beside(self.output, suffix))
            if self.main.is_dir() and self.output.is_dir() and foreign(self.output) is None:
                if exchange(self.main, self.output):
                    return
                os.replace(self.output, self._kept(""))
            move(self.main, self.output)
        finally:
            self.settle()

    def settle(self) -> None:
        """Leave one whole file or store: the new one without the sidecars of the old, or the old one with its own.

        Raises
        ------
        OSError
            The disk refuses, or another job has taken the name of the old store, which is then still in `directory`.
        """
        if self.is_done:
            for suffix in set(self.old) - set(self.new):
                if _is_alike(self._kept(suffix), beside(self.output, suffix)):
                    beside(self.output, suffix).unlink()
            return
        if self.is_aside:
            if os.path.lexists(self.output):  # not even an empty directory is ours to replace
                raise OSError(errno.ENOTEMPTY, "another program has taken its name meanwhile")
            os.replace(self._kept(""), self.output)
        moved = {suffix for suffix in self.new if _has_moved(beside(self.main, suffix), beside(self.output, suffix))}
        for suffix in moved - set(self.old):
            beside(self.output, suffix).unlink(missing_ok=True)
        for suffix in self.old:
            if self._kept(suffix).exists() and (suffix in moved or not beside(self.output, suffix).exists()):
                os.replace(self._kept(suffix), beside(self.output, suffix))

    def _kept(self, suffix: str) -> Path:
        return self.directory / _KEPT / (suffix or _KEPT_STORE)


def foreign(store: Path) -> str | None:
    """Return what keeps a directory from being replaced as a store of ours; None when it is one and nothing else."""
    try:
        is_own = is_own_root((store / STORE_MARK).read_bytes())
    except OSError:
        is_own = False
    if not is_own:
        return "is a directory that geosal has not made"
    for place, _, names in os.walk(store):
        for name in names:
            path = os.path.relpath(os.path.join(place, name), store)
            if not is_own_file(path):
                return f"holds {path}, which geosal has not made"
    return None


def is_own_root(content: bytes) -> bool:
    """Return whether the metadata of a store's root say that geosal has made it."""
    try:
        return OWN_MARK in json.loads(content)["attributes"]
    except (ValueError, KeyError, TypeError):
        return False


def is_own_file(name: str) -> bool:
    """Return whether a file of a store, by its path in it, is one that geosal makes."""
    return _OWN_FILE.fullmatch(name) is not None


def sidecars_of(path: Path, *, with_world_file: bool) -> tuple[str, ...]:
    """Return the suffixes of all that belongs to a raster of that name and lies beside it.

    Parameters
    ----------
    path
        Path of the raster.
    with_world_file
        Whether it is of a format with world files; those of others are left alone, and so is one of another raster.
    """
    if not with_world_file:
        return SIDECARS
    found = _world_files(path)
    if _ANY_WORLD_FILE in found and _is_shared(path):
        found = tuple(suffix for suffix in found if suffix != _ANY_WORLD_FILE)
    return (*SIDECARS, *found)


def there(path: Path, *, with_world_file: bool) -> tuple[str, ...]:
    """Return the suffixes of those `sidecars_of` a raster that are there."""
    known = sidecars_of(path, with_world_file=with_world_file)
    return tuple(suffix for suffix in known if beside(path, suffix).exists())


def beside(path: Path, suffix: str) -> Path:
    """Return the path of a sidecar."""
    if suffix in _world_files(path):
        return path.with_suffix(suffix)
    return path.with_name(path.name + suffix)


def world_file(path: Path) -> str:
    """Return the suffix of a raster's world file, which replaces its own: ``.jgw`` for ``.jpg`` and for ``.jpeg``.

    By ESRI's rule, its letters are the first and the last of the raster's suffix, and a w.
    """
    suffix = path.suffix.lower()
    return f".{suffix[1]}{suffix[-1]}w"


def _world_files(path: Path) -> tuple[str, ...]:
    """Return the suffixes of all files that GDAL reads as a raster's world file."""
    suffix = path.suffix.lower()
    return () if not suffix else (world_file(path), f"{suffix}w", _ANY_WORLD_FILE)


def _is_shared(path: Path) -> bool:
    """Return whether a world file may be that of another raster, one of the same name but for the suffix."""
    if not path.with_suffix(_ANY_WORLD_FILE).exists():
        return False
    own = {path.suffix.lower(), *_world_files(path)}
    others = path.parent.glob(f"{glob.escape(path.stem)}.*")
    return any(other.stem == path.stem and other.suffix.lower() not in own for other in others)


def remove(path: Path) -> None:
    """Delete a file of ours with those beside it, or a store."""
    if path.is_dir():
        shutil.rmtree(path)
    for place in (path, *(beside(path, suffix) for suffix in sidecars_of(path, with_world_file=True))):
        place.unlink(missing_ok=True)


def orphans(output: Path, *, with_world_file: bool) -> Sequence[Path]:
    """Return sidecars beside a name without a file: GDAL would read them with the next file of that name."""
    if output.exists():
        return ()
    return [beside(output, suffix) for suffix in there(output, with_world_file=with_world_file)]


def twin(output: Path) -> Path | None:
    """Return the other JPEG of this name, ``a.jpg`` for ``a.jpeg``, which would have the same world file."""
    other = {".jpg": ".jpeg", ".jpeg": ".jpg"}.get(output.suffix.lower())
    if other is None or not output.with_suffix(world_file(output)).exists():
        return None
    taken = (output.with_suffix(suffix) for suffix in (other, other.upper()))
    return next((path for path in taken if path.exists()), None)


def _copy(path: Path, kept: Path) -> None:
    try:
        os.link(path, kept)
    except OSError:  # a file system without hard links
        shutil.copy2(path, kept)
        flush(kept)


def _has_moved(path: Path, name: Path) -> bool:
    """Return whether a file has taken its name: by a rename it is gone, by a hard link it is in both places."""
    try:
        return os.path.samefile(path, name)
    except FileNotFoundError:
        return not path.exists()


def _is_alike(kept: Path, path: Path) -> bool:
    """Return whether a sidecar is still the one that was kept: GDAL may have written another for the new file."""
    if not kept.exists() or not path.exists():
        return False
    ours, theirs = kept.stat(), path.stat()
    return (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
        if path.is_dir():  # renaming it may change its time
            return status.st_ino, (path / STORE_MARK).stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns
