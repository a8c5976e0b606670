"""How geosal talks to GDAL: the options that it sets, with their reasons, and the drivers that it trusts."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.session import DummySession

from geosal.errors import UsageError
from geosal.files.credentials import for_gdal
from geosal.files.names import why_no_path
from geosal.names import did_you_mean

GDAL_CACHE_BYTES = 128 * 2**20
"""GDAL's block cache in bytes. It holds the row of tiles that two rows of blocks share, so that no tile is decoded
twice; those of a JPEG 2000 are kept in `geosal.core.decoded_tiles`."""

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

READDIR = "GDAL_DISABLE_READDIR_ON_OPEN"
"""GDAL's option for the files that it looks for beside a raster."""
_STRICT: dict[str, object] = {
    # With threads of its own GDAL 3.10 decodes a damaged JPEG2000 tile to zeros and says nothing. Blocks are worked on
    # side by side anyway, and `geosal.core.decoded_tiles` decodes tiles of a JPEG2000 side by side; encoders are given
    # their threads where they are called.
    "GDAL_NUM_THREADS": 1,
    # If this is set, GDAL returns zeros for tiles that it cannot read.
    "GTIFF_IGNORE_READ_ERRORS": False,
    # A PNG that is cut off would be read as zeros, if it is read at once.
    "GDAL_PNG_WHOLE_IMAGE_OPTIM": False,
    # Without it GDAL writes no .aux.xml, which holds the metadata of a JPEG 2000.
    "GDAL_PAM_ENABLED": True,
    # Users who read COGs from a bucket set EMPTY_DIR, which would hide masks, nodata and places beside a file.
    READDIR: "FALSE",
    # Tiles of ours are little-endian, and so is the file that GDAL writes as their model.
    "GDAL_TIFF_ENDIANNESS": "LITTLE",
}
_TRUSTED_DRIVERS = (
    # Drivers whose files hold their own pixels. Many formats (VRT, ISIS, ERS, PDS, HDF5 and netCDF with external links
    # …) let a file name another one or a server: a scene that came by mail must not open /etc/passwd or call home.
    "GTiff", "COG", "JP2OpenJPEG", "JP2KAK", "JP2ECW", "JP2MrSID", "PNG", "JPEG", "JPEGXL", "WEBP", "GIF", "BMP", "PNM",
    "HFA", "NITF", "ENVI", "EHdr", "SRTMHGT", "AAIGrid", "GRASSASCIIGrid", "GSAG", "GSBG", "GS7BG", "XYZ", "DTED",
    "USGSDEM", "GRIB", "RMF", "SGI", "TGA", "CEOS", "RST",
)  # fmt: skip
# rasterio warns at each opening; geosal tells the user once. A permanent filter is safe in threads,
# `warnings.catch_warnings` is not.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning, module=r"geosal\.")


@contextmanager
def gdal_env() -> Iterator[None]:
    """Run the body with geosal's GDAL options; the user's own settings stay, unless they hide errors."""
    options = {name: value for name, value in _OPTIONS.items() if name not in os.environ}
    with with_options(**options, **for_gdal(), **_STRICT):
        yield


def with_options(**options: Any) -> rasterio.Env:
    """Return an environment of GDAL with further options.

    GDAL itself reads AWS's variables; rasterio would make a session of boto3 of them each time, and fail where they
    name a profile that is not there.
    """
    return rasterio.Env(DummySession(), **options)


def options_in_force() -> dict[str, str]:
    """Return the GDAL options of the jobs: ours, and the user's own where they go before them."""
    mild = {name: os.environ.get(name, str(value)) for name, value in _OPTIONS.items()}
    return mild | {name: str(value) for name, value in _STRICT.items()}


def allowed_drivers(extra: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the names of the drivers that may open an untrusted file, with those that the user adds by name.

    Raises
    ------
    UsageError
        GDAL has no driver of a name in `extra`.
    """
    with gdal_env(), with_options() as env:
        known = {name.upper(): name for name in env.drivers()}
    for name in extra:
        if name.upper() not in known:
            hint = did_you_mean(name, known.values()) or "gdalinfo --formats lists them"
            raise UsageError(f"driver {name!r}: GDAL has none of that name here; {hint}")
    wanted = dict.fromkeys((*_TRUSTED_DRIVERS, *extra))
    return tuple(known[name.upper()] for name in wanted if name.upper() in known)


def path_text(what: str, value: object) -> str:
    """Take a path, a URL or a ``/vsi`` path that a caller gave, as text.

    Parameters
    ----------
    what
        Name of the value in messages.
    value
        Text or a path object.

    Raises
    ------
    UsageError
        The value is neither text nor a path object, its path is bytes, or no file that GDAL opens can have it.
    """
    found = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(found, str):
        raise UsageError(
            f"{what}: a path is text or a path object, this is {type(value).__name__}; give the path of a file; "
            "an array has methods of its own: array.geosal.compress, array.geosal.compare, array.geosal.verify"
        )
    if fault := why_no_path(found):
        raise UsageError(f"{what} {found!r}: {fault}")
    return found


def no_neighbours() -> rasterio.Env:
    """Run the body so that GDAL ignores the files beside a raster."""
    return with_options(**{READDIR: "EMPTY_DIR"})


def is_local(path: str) -> bool:
    """Return whether a path is that of a local file, as far as its text tells."""
    return "://" not in path and not path.startswith("/vsi") and not path.count(":") > 1
