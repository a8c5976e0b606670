"""Open a raster for reading, by trusted drivers, after a check of the files that GDAL would open along with it."""

import logging
import os
import re
import shlex
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from geosal.core.gdal_env import READDIR, allowed_drivers, gdal_env, is_local, no_neighbours, with_options
from geosal.core.patience import patiently
from geosal.core.stand_in import is_bpg, open_stand_in
from geosal.core.tiff import mask_pages
from geosal.errors import GeosalError, SceneError
from geosal.files.addresses import for_gdal

logger = logging.getLogger(__name__)

_MARKS = {"VRT": b"<VRTDataset", "MRF": b"<MRF_META", "WMS": b"<GDAL_WMS", "WMTS": b"<GDAL_WMTS"}
_MENDS = {
    "http response code": "see that the address is right and may be read",
    "missing codec": "write it anew with another compression where that codec is at hand",
    "permission denied": "ask for the right to read it",
    "does not exist": "see that the path is right",
    "bucket": "see that its name and its region are right (AWS_REGION)",
    "accessdenied": "ask for the right to read it, or set the keys that have it",
    "credential": "set keys (AWS_ACCESS_KEY_ID …), or AWS_NO_SIGN_REQUEST=YES for what is public",
    "connect": "see that the address is right, and that the server runs",
    "timed out": "see that the server runs, and try again",
    "not recognized": "look at it with gdalinfo, and trust another driver with --allow-driver NAME",
}
"""Part of a message of GDAL -> the mend. Another driver is no mend unless no trusted driver knows the format."""
_NO_CODEC = "missing codec"
"""Part of GDAL's message about a TIFF whose compression it was not built with."""
_STORE = ("zarr.json", ".zgroup", ".zarray")
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_LOST_DIRECTORY = re.compile(
    r"TIFFReadDirectory|MissingRequired|missing codec|"
    r'"(ImageWidth|ImageLength|SamplesPerPixel|SampleFormat|PlanarConfiguration|Tile\w+|Strip\w+|RowsPerStrip)"'
)
"""Messages of libtiff where it gives up a whole image, not just a tag."""
_SIDECARS = (".msk", ".ovr")
"""Masks and overviews beside a file, which GDAL opens with any driver; GDAL itself writes GeoTIFFs there."""
_AUX = ".aux.xml"
_RASTERS, _SHOWN = (".tif", ".tiff", ".jp2", ".jpg", ".png", ".img"), 4
"""Endings by which rasters are known in a folder for a message, and how many of them it names."""


def _instead_of_folder(folder: str) -> str:
    """Return how the rasters of a folder that is no product are given, as words of the command line."""
    try:
        names = sorted(name for name in os.listdir(folder) if name.lower().endswith(_RASTERS))
    except OSError:
        names = []
    if not names:
        return "give one raster in it, and other bands with --stack"
    first, *others = (shlex.quote(os.path.join(folder, name)) for name in names[:_SHOWN])
    more = " ..." if len(names) > _SHOWN else ""
    return f"give its rasters: {' '.join([first, 'OUTPUT', *(f'--stack {other}' for other in others)])}{more}"


def open_raster(path: str, extra_drivers: tuple[str, ...] = (), *, alone: bool = False) -> DatasetReader:
    """Open a raster for reading, with trusted drivers only; call it inside `gdal_env`.

    Files that GDAL would open along with it, whatever the driver, are checked first: a mask or an overview beside a
    local file has to be a TIFF.

    Parameters
    ----------
    path
        A local path, a URL (``https://``, ``s3://``) or a GDAL ``/vsi`` path.
    extra_drivers
        Names of GDAL drivers to trust for this file, such as ``("VRT",)``.
    alone
        Whether files beside it are ignored: ``.aux.xml``, ``.msk`` and ``.ovr``.

    Raises
    ------
    SceneError
        The file is missing, is no raster, needs a driver that is not trusted, or has a mask that cannot be read.
    """
    if is_local(path) and not os.path.exists(path):
        raise SceneError(f"{path or repr(path)}: no such file; give the path of a raster")
    if os.path.isdir(path) and not path.rstrip("/").endswith(".zarr"):
        raise SceneError(f"{path}: is a directory and no product; {_instead_of_folder(path)}")
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise SceneError(f"{path}: is a pipe or a device, and GDAL would wait for ever; write it into a file first")
    drivers = list(allowed_drivers(extra_drivers))
    if not alone and os.path.isfile(path):
        _refuse_sidecars(path)
    try:
        with no_neighbours() if alone else _with_what_lies_beside(path):
            dataset = _opened(path, drivers)
            _look_for_masks(path, dataset, alone=alone)
    except GeosalError:
        raise
    except (RasterioError, OSError, ValueError) as error:
        raise SceneError(_of_bpg(path, error) or _why_not_open(path, str(error))) from error
    if elsewhere := dataset.tags(ns="OVERVIEWS").get("OVERVIEW_FILE"):
        dataset.close()
        raise SceneError(
            f"{path}: says that its overviews are in {elsewhere[:200]!r}, which GDAL would open with any driver; "
            "copy it without: gdal_translate"
        )
    return dataset


def _opened(path: str, drivers: list[str]) -> DatasetReader:
    """Let GDAL open a raster, or a copy of it where it lacks the codec: JPEG XL, and BPG."""
    try:
        # `rasterio.open` takes one driver; the class behind it takes those it may choose from.
        return patiently(path, lambda: DatasetReader(for_gdal(path), driver=drivers))
    except RasterioError as error:
        lacks = _NO_CODEC in str(error) or is_bpg(path)
        stand_in = open_stand_in(path) if lacks and "GTiff" in drivers else None
        if stand_in is None:
            raise
        return stand_in


def is_stood_in(path: str) -> bool:
    """Return whether GDAL lacks the codec of a file, so that opening it decodes all of it into a copy."""
    if is_bpg(path):
        return True
    try:
        with gdal_env():
            DatasetReader(path, driver=["GTiff"]).close()
    except RasterioError as error:
        return _NO_CODEC in str(error)
    return False


def _look_for_masks(path: str, dataset: DatasetReader, *, alone: bool) -> None:
    """Look for masks now: libtiff reports odd tags meanwhile, which rasterio would raise at the next call.

    The pixels are sound all the same. But GDAL looks only once, and takes every pixel for valid where it could not read
    a mask: such a file is refused. GDAL's last message alone proves nothing, it may be about another image.
    """
    fault = _last_fault(dataset)
    flags = dataset.mask_flag_enums[0] if dataset.count else []
    if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
        return
    if is_local(path):
        where, cause = _lost_mask(path, dataset.driver, alone=alone)
    else:
        where, cause = path, fault if _LOST_DIRECTORY.search(fault) and not _is_of_first(path, fault) else ""
    if cause:
        dataset.close()
        raise SceneError(
            f"{where}: the mask cannot be read ({cause}), and without it every pixel would count; copy the file again, "
            "or write the scene without its mask: gdal_translate -mask none"
        )


def _last_fault(dataset: DatasetReader) -> str:
    """Return the last message of GDAL while it looks for masks; empty without one."""
    fault = ""
    for name in ("mask_flag_enums", "colorinterp"):
        try:
            getattr(dataset, name)
        except Exception as error:  # noqa: BLE001  the types that rasterio raises here are its own
            logger.debug("%s: %s (%s)", dataset.name, name, error)
            fault = str(error)
    return fault


def _is_of_first(path: str, fault: str) -> bool:
    """Return whether GDAL finds the same fault of a remote TIFF in its first image, without looking for others."""
    try:
        with DatasetReader(f"GTIFF_DIR:1:{for_gdal(path)}", driver=["GTiff"]) as first:
            return _last_fault(first) == fault
    except (RasterioError, OSError):
        return False


def _lost_mask(path: str, driver: str, *, alone: bool) -> tuple[str, str]:
    """Return where a mask may lie that GDAL has not found in a local file or beside it, and why, which may be empty."""
    mask = f"{os.path.basename(path)}.msk".lower()
    places = [] if alone else [other for other in _sidecars(path, (mask,)) if os.path.basename(other).lower() == mask]
    if driver == "GTiff":
        try:
            places += [f"GTIFF_DIR:{page}:{path}" for page in mask_pages(path)]
        except ValueError as error:
            return path, str(error)
    for place in places:
        try:
            with no_neighbours():
                DatasetReader(place, driver=["GTiff"]).close()
        except (RasterioError, OSError) as error:
            return place, str(error)
    return path, ""


def _with_what_lies_beside(path: str) -> AbstractContextManager[Any]:
    """Look for masks and metadata beside a file; on a server as the user wishes, and by its list where it has one.

    Without the list GDAL asks for each name that may lie there, some forty.
    """
    return nullcontext() if is_local(path) else with_options(**{READDIR: os.environ.get(READDIR, "TRUE")})


def _refuse_sidecars(path: str) -> None:
    """Refuse a mask or an overview beside a file that is no TIFF: a VRT there can read any file or server.

    For a pipe of such a name, or of an .aux.xml, GDAL would wait for ever.
    """
    for whole in _sidecars(path, (*_SIDECARS, _AUX)):
        if not (os.path.isfile(whole) or os.path.isdir(whole)) and os.path.exists(whole):
            raise SceneError(
                f"{whole}: lies beside a raster and is a pipe or a device, which GDAL would open; remove it"
            )
        if whole.lower().endswith(_AUX):
            continue
        try:
            with open(whole, "rb") as file:
                head = file.read(4)
        except OSError:
            continue  # GDAL cannot open it either
        if head not in _TIFF_MAGIC:
            raise SceneError(
                f"{whole}: lies beside a raster as its {whole[-3:].lower()} file and is no TIFF, and GDAL would open "
                "it with any driver; remove it, or make it anew with gdal_translate or gdaladdo"
            )


def _sidecars(path: str, suffixes: tuple[str, ...]) -> Iterator[str]:
    """List the sidecars of a local file; GDAL ignores case, and also looks for the mask of an overview."""
    folder, name = os.path.split(os.path.abspath(path))
    try:
        there = os.listdir(folder)
    except OSError:  # GDAL cannot list it either, and asks for these
        there = [name + suffix for suffix in suffixes]
    for beside in there:
        if beside.lower().startswith(f"{name.lower()}.") and beside.lower().endswith(suffixes):
            yield os.path.join(folder, beside)


def _of_bpg(path: str, error: Exception) -> str:
    """Explain why a BPG cannot be decoded; empty of another file. Where its kind is not read, the cause says how."""
    if not is_bpg(path):
        return ""
    return f"{path}: is a BPG, and cannot be decoded: {error}" + ("" if ";" in str(error) else "; copy it again")


def _why_not_open(path: str, cause: str) -> str:
    """Explain why GDAL refused a file, and name the untrusted driver that would take it."""
    if is_local(path) and os.path.isfile(path):
        if os.path.getsize(path) == 0:
            return f"{path}: the file is empty; copy it again"
        with open(path, "rb") as file:
            head = file.read(512)
        for driver, mark in _MARKS.items():
            if mark in head:
                return (
                    f"{path}: driver {driver} is not allowed, it can read any file or server; "
                    f"convert it with gdal_translate, or trust it with --allow-driver {driver}"
                )
    if path.rstrip("/").lower().endswith(".zarr"):
        if os.path.isdir(path) and any(os.path.isfile(os.path.join(path, mark)) for mark in _STORE):
            return f"{path}: is a Zarr store, which GDAL is not trusted to read; give no --allow-driver with it"
        return f"{path}: is no Zarr store (no zarr.json, .zgroup or .zarray); see that the path is right"
    if _is_damaged_zip(path):
        return f"{path}: the zip is cut off or damaged; copy it again"
    mend = next((mend for mark, mend in _MENDS.items() if mark in cause.lower()), "look at it with gdalinfo")
    return f"{path}: cannot be opened as a raster with the drivers that are trusted ({cause}); {mend}"


def _is_damaged_zip(path: str) -> bool:
    return path.lower().endswith(".zip") and is_local(path) and os.path.isfile(path) and not zipfile.is_zipfile(path)
