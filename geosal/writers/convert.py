"""The stage to the finished format, by GDAL's own copy: the slow, sure road."""

import logging
import os
import shutil
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import rasterio
import rasterio.shutil
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from geosal.errors import OutputError
from geosal.gdal_env import gdal_env
from geosal.raster import RasterLayout
from geosal.writers.domains import FILLER, filler_for, missing_items, restore_items
from geosal.writers.tiles import missing_tiles

if TYPE_CHECKING:
    from geosal.codecs.profiles import Profile  # families know each other's types only

logger = logging.getLogger(__name__)

_TICK = 0.1
"""Seconds between looks for a signal while GDAL works."""
_SMALLEST_FILE = 100
_END_OF_CODESTREAM = b"\xff\xd9"
_GHOST_AREA = 1024
_REWRITTEN = b"KNOWN_INCOMPATIBLE_EDITION=YES"
"""What GDAL writes into the head of a COG when it had to put a tile elsewhere."""
_STOP_SECONDS = 4.0
"""How long an interrupted job waits for GDAL to let go."""


def convert(stage: Path, output: Path, profile: "Profile", layout: RasterLayout) -> None:
    """Encode a finished stage as a COG or a JPEG2000, with all its metadata.

    GDAL works in a thread of its own, so that Ctrl-C and SIGTERM are answered at once; the stage is then destroyed,
    which makes GDAL stop.

    Parameters
    ----------
    stage
        From `Stage`, finished.
    output
        A new file.
    profile
        Driver and creation options.
    layout
        As the stage was made with.

    Raises
    ------
    OutputError
        GDAL could not encode or write it.
    """
    items = missing_items(layout.metadata, profile.driver)
    failures: list[Exception] = []

    def work() -> None:
        try:
            _copy(stage, output, profile, filler_for(items) if profile.driver == "COG" else "")
            restore_items(output, items, profile.driver)
        except Exception as error:  # noqa: BLE001  raised again in the caller's thread
            failures.append(error)

    thread = threading.Thread(target=work, name="geosal-convert", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_TICK)
    except BaseException:
        _stop(thread, stage)
        raise
    if failures:
        raise _failure(output, failures[0]) from failures[0]
    fault = _cut_off(output)
    if fault is not None:
        raise _failure(output, OSError(fault))


def _copy(stage: Path, output: Path, profile: "Profile", filler: str) -> None:
    # The stage is our own file, so the JPEG2000 encoder may have all cores; see `gdal_env` for why readers have one.
    with gdal_env(), rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        if filler:
            with rasterio.open(stage, "r+") as dataset:
                dataset.update_tags(**{FILLER: filler})
        with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"):  # what the JPEG2000 encoder goes by
            rasterio.shutil.copy(stage, output, driver=profile.driver, **dict(profile.creation_options))


def _stop(thread: threading.Thread, stage: Path) -> None:
    """Make GDAL fail: it knows no other way to be stopped."""
    if "CPL_LOG" not in os.environ:
        os.environ["CPL_LOG"] = os.devnull  # its threads would tell of the missing pixels on stderr
    try:
        os.truncate(stage, 0)
    except OSError as error:
        logger.debug("%s: cannot be emptied (%s)", stage, error)
    thread.join(_STOP_SECONDS)


def _cut_off(output: Path) -> str | None:
    """Tell whether the file ends too early: GDAL may meet a full disk and keep silent."""
    if not output.exists() or output.stat().st_size < _SMALLEST_FILE:
        return "the file is empty"
    with open(output, "rb") as file:
        head = file.read(_GHOST_AREA)
        file.seek(-2, os.SEEK_END)
        tail = file.read(2)
    if output.suffix.lower() == ".jp2":
        return None if tail == _END_OF_CODESTREAM else "the file is cut off"
    if _REWRITTEN in head:
        return "a tile could not be written at first"
    try:
        with gdal_env(), warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(output) as dataset:
                return next(missing_tiles(dataset), None)
    except (RasterioError, OSError) as error:
        return str(error)


def _failure(output: Path, error: Exception) -> OutputError:
    if isinstance(error, OutputError):
        return error
    free = shutil.disk_usage(output.parent).free
    return OutputError(
        f"{output.name}: cannot be encoded in {output.parent} ({_cause(error)}); {free / 1e6:.0f} MB are free there, "
        f"make room or write elsewhere"
    )


def _cause(error: Exception) -> str:
    text = str(error).partition(". To debug")[0]
    return " ".join(text.split()) or type(error).__name__
