"""Ask a server again for what broke off half-way: GDAL repeats requests that fail, but not those."""

import logging
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from geosal.core.gdal_env import is_local, with_options
from geosal.files.addresses import for_gdal, url_of

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
_WAITS = (0.5, 1.0, 2.0)
"""Seconds before each new try."""
_PATIENCE = 60.0
"""Seconds after which nothing is tried again: for a server that does not answer GDAL itself takes a minute or two."""
_FINAL = re.compile(
    r"response code: 4(?!08|29)|does not exist|bucket|AccessDenied|Credential|(failed to|could ?n[o']t) connect",
    re.IGNORECASE,
)
"""Messages after which a new try would bring the same; a connection that is reset is no such."""


def patiently(path: str, read: Callable[[], Result], anew: Callable[[], None] = lambda: None) -> Result:
    """Do what opens or reads a raster; where its server breaks off, do it some times more, after longer pauses.

    Parameters
    ----------
    path
        Path of the raster; nothing is tried again on a local one.
    read
        What is done.
    anew
        Called before each new try, when GDAL has forgotten what it holds of the file.
    """
    began = time.monotonic()
    for wait in () if is_local(path) or url_of(path) is None else _WAITS:
        try:
            return read()
        except RasterioError as error:
            cause = " ".join(str(error.__cause__ or error).split())
            if _FINAL.search(cause) or time.monotonic() - began > _PATIENCE:
                raise
            logger.info("%s: is asked again in %g s (%s)", path, wait, cause)
            time.sleep(wait)
            _forget(path)
            anew()
    return read()


def _forget(path: str) -> None:
    """Let GDAL drop what it has kept of a file, which it would not ask for again; closing it so does that."""
    name = for_gdal(path)
    name = name if name.startswith("/vsi") else f"/vsicurl/{name}"
    with with_options(CPL_VSIL_CURL_NON_CACHED=name), suppress(RasterioError):
        DatasetReader(for_gdal(path)).close()
