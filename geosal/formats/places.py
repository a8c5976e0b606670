"""Find files beside an output that would give it another place than its scene's."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.rpc import RPC

from geosal.core.gdal_env import gdal_env
from geosal.core.raster import RasterLayout
from geosal.errors import OutputError, cause_of
from geosal.files.addresses import is_remote
from geosal.files.swap import beside, sidecars_of
from geosal.formats.table import FORMATS, has_world_file

_DRIVERS = {suffix: form.copied_as or form.reader for form in FORMATS if not form.is_store for suffix in form.suffixes}
"""Suffix of an output -> name of the driver that reads it."""
_NO_PLACE = frozenset({*_DRIVERS, ".ovr"})
"""Suffixes of files that never hold metadata of another file."""
_IMAGE = "img_"
"""Prefix of images whose metadata files have another prefix: IMG_a.JP2 goes with RPC_a.XML."""
_SIDE = 64
_OF_VENDORS = "IMD"
"""Metadata domain of a vendor; it holds everything that the file beside the image says."""


def check_place(output: str, layout: RasterLayout) -> None:
    """Refuse an output whose place other files would change, before any work.

    GDAL knows many such files: world files, tables of MapInfo, RPCs of a dozen vendors. So GDAL opens a small file of
    that name, without metadata of its own, beside them.

    Parameters
    ----------
    output
        Path.
    layout
        What is to be written there.

    Raises
    ------
    OutputError
        The message names the file.
    """
    if is_remote(output):
        return  # what lies beside it there is asked for when it is written
    path = Path(output)
    driver = _DRIVERS.get(path.suffix.lower())
    if driver is None or not path.parent.is_dir():
        return
    others = sorted(_others(path))
    if not others:
        return
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            for other in others:
                _put(other, Path(folder, other.name))
            found = _told_by(Path(folder, path.name), driver, layout)
    except Exception as error:  # private types of rasterio's among them
        raise OutputError(
            f"{output}: what lies beside it cannot be looked at ({others[0].name} … : {cause_of(error)}); "
            "choose another name"
        ) from error
    if found is not None:
        raise OutputError(
            f"{output}: {found or others[0].name} lies there, and GDAL would take that for the place of the new file, "
            "or for what is known of it; delete it, or choose another name"
        )


def _others(path: Path) -> Iterator[Path]:
    """List the files that may describe one of that name, and that stay when it is written."""
    known = sidecars_of(path, with_world_file=has_world_file(path.name))
    own = {path.name, *(beside(path, suffix).name for suffix in known)}
    key = path.stem.lower().removeprefix(_IMAGE)
    for other in path.parent.iterdir():
        name = other.name.lower()
        if key in name and other.name not in own and other.suffix.lower() not in _NO_PLACE and other.is_file():
            yield other


def _put(other: Path, name: Path) -> None:
    try:
        name.symlink_to(other.resolve())
    except OSError:  # a system without such links
        shutil.copy(other, name)


def _told_by(path: Path, driver: str, layout: RasterLayout) -> str | None:
    """Return the file, if GDAL names it, that contradicts the scene; None where all agrees.

    The file's own transform overrides that of another file; its own RPCs and vendor metadata do not.
    """
    profile = {"driver": driver, "count": 1, "height": _SIDE, "width": _SIDE, "dtype": "uint8"}
    placed = not layout.grid.transform.is_identity
    with gdal_env(), warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning):
        with rasterio.open(path, "w", **profile):
            pass
        with rasterio.open(path) as dataset:
            says_where = dataset.crs is not None or dataset.gcps[0] or not dataset.transform.is_identity
            rpcs, known = _numbers(dataset.rpcs), dataset.tags(ns=_OF_VENDORS)
            heeded = " with ".join(os.path.basename(name) for name in dataset.files[1:])
    if says_where and not placed:
        return heeded
    is_so = rpcs in ({}, _numbers(layout.metadata.rpcs)) and known in ({}, layout.metadata.tags.get(_OF_VENDORS))
    return None if is_so else heeded


def _numbers(rpcs: RPC | None) -> dict[str, str]:
    return {} if rpcs is None else rpcs.to_gdal()
