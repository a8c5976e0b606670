"""How geosal talks to GDAL: the options it sets, the drivers it trusts, the handles it keeps open."""

import difflib
import logging
import os
import re
import threading
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import rasterio
from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from geosal.errors import SceneError, UsageError
from geosal.tiff import mask_pages

logger = logging.getLogger(__name__)

GDAL_CACHE_BYTES = 128 * 2**20
"""Holds the tile row that two rows of blocks share in a Sentinel-2 RGB, so that no tile is decoded twice."""

_OPTIONS: dict[str, object] = {
    # rasterio takes an int as bytes, the environment variable means megabytes. GDAL's default is 5 % of the memory.
    "GDAL_CACHEMAX": GDAL_CACHE_BYTES,
    # An overview or a mask belongs inside the file, not beside it.
    "GDAL_TIFF_INTERNAL_MASK": True,
    # A server that drops a request is asked again.
    "GDAL_HTTP_MAX_RETRY": 3,
    "GDAL_HTTP_RETRY_DELAY": 0.5,
    "GDAL_HTTP_CONNECTTIMEOUT": 10,
    "GDAL_HTTP_TIMEOUT": 30,
}

_READDIR = "GDAL_DISABLE_READDIR_ON_OPEN"
_STRICT: dict[str, object] = {
    # With threads of its own GDAL 3.10 decodes a damaged JPEG2000 tile to zeros and says nothing. Blocks are worked on
    # side by side anyway, and encoders are given their threads where they are called.
    "GDAL_NUM_THREADS": 1,
    # Asked to, GDAL hands out zeros for tiles that it cannot read.
    "GTIFF_IGNORE_READ_ERRORS": False,
    # Read at once, a PNG that is cut off comes out as zeros.
    "GDAL_PNG_WHOLE_IMAGE_OPTIM": False,
    # Without it the metadata of a JPEG2000 has no place to go.
    "GDAL_PAM_ENABLED": True,
    # People who read COGs from a bucket set EMPTY_DIR, and masks, nodata and places beside a file would be gone.
    _READDIR: "FALSE",
    # Tiles of ours are little-endian, and so is the file that GDAL writes as their model.
    "GDAL_TIFF_ENDIANNESS": "LITTLE",
}
_TRUSTED_DRIVERS = (
    # Those whose files hold their own pixels. Many formats (VRT, ISIS, ERS, PDS, HDF5 and netCDF with external links …)
    # let a file name another one or a server: a scene that came by mail must not open /etc/passwd or call home.
    "GTiff", "COG", "JP2OpenJPEG", "JP2KAK", "JP2ECW", "JP2MrSID", "PNG", "JPEG", "JPEGXL", "WEBP", "GIF", "BMP", "PNM",
    "HFA", "NITF", "ENVI", "EHdr", "SRTMHGT", "AAIGrid", "GRASSASCIIGrid", "GSAG", "GSBG", "GS7BG", "XYZ", "DTED",
    "USGSDEM", "GRIB", "RMF", "SGI", "TGA", "CEOS", "RST",
)  # fmt: skip
_MARKS = {"VRT": b"<VRTDataset", "MRF": b"<MRF_META", "WMS": b"<GDAL_WMS", "WMTS": b"<GDAL_WMTS"}
_MENDS = {
    "http response code": "see that the address is right and may be read",
    "missing codec": "write it anew with another compression where that codec is at hand",
    "permission denied": "ask for the right to read it",
    "does not exist": "see that the path is right",
    "not recognized": "look at it with gdalinfo, and trust another driver with --allow-driver NAME",
}
"""What GDAL says -> what can be done; another driver helps only where none of the trusted ones knows the format."""
_MAX_HANDLES = 16
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_LOST_DIRECTORY = re.compile(
    r"TIFFReadDirectory|MissingRequired|missing codec|"
    r'"(ImageWidth|ImageLength|SamplesPerPixel|SampleFormat|PlanarConfiguration|Tile\w+|Strip\w+|RowsPerStrip)"'
)
"""In what libtiff says where it gives up an image, not just a tag."""
_SIDECARS = (".msk", ".ovr")
"""Masks and overviews beside a file, which GDAL opens with any driver; GDAL itself writes GeoTIFFs there."""
_AUX = ".aux.xml"

# Opening says so each time; who asks for a scene's grid is told once, by geosal. A filter made for good here is safe in
# threads, `warnings.catch_warnings` is not.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning, module=r"geosal\.")


@contextmanager
def gdal_env() -> Iterator[None]:
    """Run the body with geosal's GDAL options; what the user has set stays, unless it hides errors."""
    options = {name: value for name, value in _OPTIONS.items() if name not in os.environ}
    with rasterio.Env(**options, **_STRICT):
        yield


def allowed_drivers(extra: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names of the drivers that may open a file nobody vouches for, and of those the user adds by name.

    Raises
    ------
    UsageError
        GDAL has no driver of a name in `extra`.
    """
    with gdal_env(), rasterio.Env() as env:
        known = {name.upper(): name for name in env.drivers()}
    for name in extra:
        if name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f"did you mean {known[near[0]]}?" if near else "gdalinfo --formats lists them"
            raise UsageError(f"driver {name!r}: GDAL has none of that name here; {hint}")
    wanted = dict.fromkeys((*_TRUSTED_DRIVERS, *extra))
    return tuple(known[name.upper()] for name in wanted if name.upper() in known)


def path_text(what: str, value: object) -> str:
    """Take a path, a URL or a ``/vsi`` path that a caller gave, as text.

    Parameters
    ----------
    what
        How the caller knows it, for the message.
    value
        Text or a path object.

    Raises
    ------
    UsageError
        It is neither.
    """
    found = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(found, str):
        raise UsageError(
            f"{what}: a path is text or a path object, this is {type(value).__name__}; give the path of a file, and "
            "write an array to one first: geosal.write"
        )
    return found


def open_raster(path: str, extra_drivers: tuple[str, ...] = (), *, alone: bool = False) -> DatasetReader:
    """Open a raster for reading, with trusted drivers only; call it inside `gdal_env`.

    What GDAL would open along with it, whatever the driver, is looked at first: a mask or an overview beside a local
    file has to be a TIFF.

    Parameters
    ----------
    path
        A local path, a URL (``https://``, ``s3://``) or a GDAL ``/vsi`` path.
    extra_drivers
        Names of GDAL drivers to trust for this file, such as ``("VRT",)``.
    alone
        Take no file beside it for a part of it: no ``.aux.xml``, ``.msk`` or ``.ovr``.

    Raises
    ------
    SceneError
        The file is missing, is no raster, needs a driver that is not trusted, or has a mask that cannot be read.
    """
    if _is_local(path) and not os.path.exists(path):
        raise SceneError(f"{path}: no such file; give the path of a raster")
    if os.path.isdir(path) and not path.rstrip("/").endswith(".zarr"):
        raise SceneError(f"{path}: is a directory; give the path of one raster in it")
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise SceneError(f"{path}: is a pipe or a device, and GDAL would wait for ever; write it into a file first")
    drivers = list(allowed_drivers(extra_drivers))
    if not alone and os.path.isfile(path):
        _refuse_sidecars(path)
    try:
        with _alone() if alone else _with_what_lies_beside(path):
            # `rasterio.open` takes one driver; the class behind it takes those it may choose from.
            dataset = DatasetReader(path, driver=drivers)
            _look_for_masks(path, dataset, alone=alone)
    except SceneError:
        raise
    except (RasterioError, OSError, ValueError) as error:
        raise SceneError(_why_not_open(path, str(error))) from error
    if elsewhere := dataset.tags(ns="OVERVIEWS").get("OVERVIEW_FILE"):
        dataset.close()
        raise SceneError(
            f"{path}: says that its overviews are in {elsewhere[:200]!r}, which GDAL would open with any driver; "
            "copy it without: gdal_translate"
        )
    return dataset


def _alone() -> rasterio.Env:
    return rasterio.Env(**{_READDIR: "EMPTY_DIR"})


def _look_for_masks(path: str, dataset: DatasetReader, *, alone: bool) -> None:
    """Look for masks now: libtiff minds odd tags as it does, and rasterio raises that at the next question.

    The pixels are sound all the same. But GDAL looks once only, and takes every pixel for valid where it could not read
    a mask: such a file is refused. Its last word is no witness, it may be about another image.
    """
    fault = _last_fault(dataset)
    flags = dataset.mask_flag_enums[0] if dataset.count else []
    if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
        return
    if _is_local(path):
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
    """Tell what GDAL says last while it looks for masks; empty where it says nothing."""
    fault = ""
    for name in ("mask_flag_enums", "colorinterp"):
        try:
            getattr(dataset, name)
        except Exception as error:  # noqa: BLE001  the types that rasterio raises here are its own
            logger.debug("%s: %s (%s)", dataset.name, name, error)
            fault = str(error)
    return fault


def _is_of_first(path: str, fault: str) -> bool:
    """Whether GDAL finds the same fault of a remote TIFF in the first image, where it looks for no other ones."""
    try:
        with DatasetReader(f"GTIFF_DIR:1:{path}", driver=["GTiff"]) as first:
            return _last_fault(first) == fault
    except (RasterioError, OSError):
        return False


def _lost_mask(path: str, driver: str, *, alone: bool) -> tuple[str, str]:
    """Tell where a mask may lie that GDAL has not found in a local file or beside it, and why; the why may be empty."""
    mask = f"{os.path.basename(path)}.msk".lower()
    places = [] if alone else [other for other in _sidecars(path, (mask,)) if os.path.basename(other).lower() == mask]
    if driver == "GTiff":
        try:
            places += [f"GTIFF_DIR:{page}:{path}" for page in mask_pages(path)]
        except ValueError as error:
            return path, str(error)
    for place in places:
        try:
            with _alone():
                DatasetReader(place, driver=["GTiff"]).close()
        except (RasterioError, OSError) as error:
            return place, str(error)
    return path, ""


def _with_what_lies_beside(path: str) -> AbstractContextManager[Any]:
    """Look for masks and metadata beside a file; on a server only where the user has not said otherwise."""
    wish = None if _is_local(path) else os.environ.get(_READDIR)
    return nullcontext() if wish is None else rasterio.Env(**{_READDIR: wish})


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
    """Name what lies beside a local file; GDAL looks for it whatever the case, and for the mask of an overview too."""
    folder, name = os.path.split(os.path.abspath(path))
    try:
        there = os.listdir(folder)
    except OSError:  # GDAL cannot list it either, and asks for these
        there = [name + suffix for suffix in suffixes]
    for beside in there:
        if beside.lower().startswith(f"{name.lower()}.") and beside.lower().endswith(suffixes):
            yield os.path.join(folder, beside)


def _is_local(path: str) -> bool:
    return "://" not in path and not path.startswith("/vsi") and not path.count(":") > 1


def _why_not_open(path: str, cause: str) -> str:
    """Say why GDAL refused a file, and name the untrusted driver that would take it."""
    if _is_local(path) and os.path.isfile(path):
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
        return (
            f"{path}: a Zarr store is no input of this version; make a GeoTIFF of it, such as with xarray.open_zarr "
            "and rioxarray's to_raster"
        )
    mend = next((mend for mark, mend in _MENDS.items() if mark in cause.lower()), "look at it with gdalinfo")
    return f"{path}: cannot be opened as a raster with the drivers that are trusted ({cause}); {mend}"


@dataclass
class _Handle:
    dataset: DatasetReader
    users: int = 0
    """Threads that have it or wait for it; only a handle without any may be closed."""
    lock: threading.Lock = field(default_factory=threading.Lock)


_handles: OrderedDict[tuple[object, ...], _Handle] = OrderedDict()
_handles_lock = threading.Lock()


FileState = tuple[int, ...]
"""Size in bytes and time of the last change in ns of a local file, and then those of the mask beside it."""


def file_state(path: str, *, alone: bool = False) -> FileState | None:
    """Tell what a file can be known again by, here and on a worker; None of what is not a local file.

    `alone` is that of `open_raster`. Other files beside it do not count: they say nothing about pixels once its headers
    are read, and whoever looks at a scene while it is worked on may write statistics or overviews there.
    """
    state: FileState = ()
    for name in (path,) if alone else (path, f"{path}.msk", f"{path}.MSK"):
        try:
            stat = os.stat(name)
        except OSError:
            if name == path:
                return None
        else:
            state += (stat.st_size, stat.st_mtime_ns)
    return state


@contextmanager
def shared_raster(
    path: str, extra_drivers: tuple[str, ...] = (), *, alone: bool = False, seen: FileState | None = None
) -> Iterator[DatasetReader]:
    """Lend this process's one handle of a raster to the calling thread, with `gdal_env` around it.

    GDAL's cache of decoded tiles belongs to the handle: threads that share one decode the tiles that their halos share
    once. Handles are not safe in two threads at once, so a lock is held while one is lent; keep only the read inside
    the `with`. `alone` is that of `open_raster`; a raster alone and one with what lies beside it have a handle each.
    `seen` is the file's state when its headers were read.

    Raises
    ------
    SceneError
        It cannot be opened, or has changed since it was `seen`: two files would be mixed in one output.
    """
    if seen is not None and file_state(path, alone=alone) != seen:
        what = "the file" if alone else "the file, or a mask beside it (.msk),"
        raise SceneError(
            f"{path}: {what} has changed since it was opened, or is another one on this worker; leave it alone while "
            "it is used, copy it to workers with its time (cp -p), and start again"
        )
    with gdal_env(), _alone() if alone else nullcontext():
        handle = _take_handle(path, extra_drivers, alone)
        try:
            with handle.lock:
                yield handle.dataset
        finally:
            with _handles_lock:
                handle.users -= 1


def _take_handle(path: str, extra_drivers: tuple[str, ...], alone: bool) -> _Handle:
    key: tuple[object, ...] = (path, extra_drivers, alone)
    if _is_local(path) and os.path.exists(path):  # a file that was replaced is another file
        stat = os.stat(path)
        key += (stat.st_dev, stat.st_ino, file_state(path, alone=alone))
    with _handles_lock:
        if key not in _handles:
            _handles[key] = _Handle(open_raster(path, extra_drivers, alone=alone))
        _handles.move_to_end(key)
        _handles[key].users += 1
        _close_idle(keep=_MAX_HANDLES)
        return _handles[key]


def close_shared_rasters() -> None:
    """Close the handles that nobody uses, and give back the tiles GDAL keeps for them."""
    with _handles_lock:
        _close_idle(keep=0)


def _close_idle(keep: int) -> None:
    """Close idle handles, the longest unused first, until `keep` are left; the caller holds the lock."""
    idle = [key for key, handle in _handles.items() if handle.users == 0]
    for key in idle[: max(0, len(_handles) - keep)]:
        _handles.pop(key).dataset.close()
