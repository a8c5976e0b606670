"""Keep reports apart from the files of a job, from its folders, and from the files that GDAL reads beside them."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from geosal.errors import UsageError
from geosal.files.publish import same_file

_APPENDED = re.compile(r"(\.aux\.xml|\.aux|\.msk|\.ovr|\.idx)+|-(wal|shm|journal)")
"""Suffixes after the whole name: what GDAL has for any raster, SQLite for a GeoPackage."""
_INSTEAD = frozenset({
    ".aux", ".rrd", ".rde", ".ige", ".hdr", ".stx", ".clr", ".prj", ".qpj", ".wld", ".rpb", ".imd", ".att", ".eph",
    ".geo", ".til", ".pvl", ".tab", ".map", ".ers", ".shp", ".shx", ".dbf", ".sbn", ".sbx", ".qix", ".idm", ".ind",
    ".cpg", ".gfs", ".xsd", ".csvt", ".mid", ".mif", "_rpc.txt", "_metadata.txt", "_mtl.txt",
})  # fmt: skip
"""Suffixes in the place of the raster's own: georeferencing, statistics and models, and the files of a shapefile."""


def refuse_job_file(option: str, target: str, paths: Iterable[str | None]) -> None:
    """Refuse to write a report over a file of the job, into a folder of it, or as a file that GDAL reads with it.

    Parameters
    ----------
    option, target
        The user's option and path, such as ``--json`` and its value.
    paths
        Files and folders that the job reads or writes; other texts name none.

    Raises
    ------
    UsageError
        It says which of them.
    """
    for path in paths:
        if path is None:
            continue
        if _is_same_file(target, path):
            raise UsageError(f"{option} {target}: this is a file of the job itself; choose another name")
        if _is_inside(target, path):
            raise UsageError(
                f"{option} {target}: lies in the directory {path}, which is of the job itself; write it elsewhere"
            )
        if _is_part(target, path):
            raise UsageError(f"{option} {target}: GDAL would take it for a part of {path}; choose another name")


def _is_same_file(target: str, path: str) -> bool:
    try:
        place = Path(target).resolve()
        if same_file(path, place):
            return True
        return place == Path(path.replace("\0", "")).resolve()  # neither exists yet
    except (OSError, ValueError, RuntimeError):  # a link to itself, or no file's name
        return False


def _is_inside(target: str, folder: str) -> bool:
    return os.path.isdir(folder) and Path(folder).resolve() in Path(target).resolve().parents


def _is_part(target: str, path: str) -> bool:
    return any(_is_beside(part, main) for part in _spellings(target) for main in _spellings(path))


def _spellings(path: str) -> Iterator[Path]:
    """Return a file's path as named, beside which GDAL looks, and with links resolved, where an output goes."""
    try:
        named = Path(path.removeprefix("file://").replace("\0", ""))
        yield named.parent.resolve() / named.name
        yield named.resolve()
    except (OSError, RuntimeError):  # a link to itself
        return


def _is_beside(part: Path, main: Path) -> bool:
    """Return whether GDAL, which ignores case, would look for a name beside another."""
    name, whole, stem = part.name.lower(), main.name.lower(), main.stem.lower()
    if part.parent != main.parent or name == whole:
        return False
    if name.startswith(whole) and _APPENDED.fullmatch(name[len(whole) :]):
        return True
    return name.startswith(stem) and name[len(stem) :] in _INSTEAD | _world_files(main.suffix.lower())


def _world_files(suffix: str) -> set[str]:
    """Return the suffixes of a raster's world file: ``.tfw`` and ``.tifw`` for ``.tif``."""
    return {f".{suffix[1]}{suffix[-1]}w", f"{suffix}w"} if len(suffix) > 1 else set()
