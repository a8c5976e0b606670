"""Convert the stage to the finished format by GDAL's own copy: slow, but it supports all options."""

import logging
import os
import threading
import warnings
from pathlib import Path

import rasterio
import rasterio.shutil
from rasterio.errors import NotGeoreferencedWarning

from geosal.core.gdal_env import gdal_env, with_options
from geosal.core.raster import RasterLayout
from geosal.files.publish import cannot_write
from geosal.formats.format import Profile
from geosal.formats.gdal.domains import FILLER, missing_items, nodata_in_sidecar

logger = logging.getLogger(__name__)

_TICK = 0.1
"""Seconds between two checks for a signal while GDAL works."""
_SMALLEST_FILE = 60
"""Bytes below which a file cannot be an image; a PNG of one pixel has 67."""
_ALL_THREADS = "ALL_CPUS"
_STOP_SECONDS = 4.0
"""Seconds that an interrupted job waits for GDAL to stop."""


def convert(stage: Path, output: Path, profile: Profile, layout: RasterLayout, threads: int | None = None) -> None:
    """Encode a finished stage in the format of its output, with all its metadata.

    GDAL works in a thread of its own, so that Ctrl-C and SIGTERM are answered at once; the stage is then destroyed,
    which makes GDAL stop.

    Parameters
    ----------
    stage
        A finished stage, made by `Stage`.
    output
        A new file.
    profile
        Driver and creation options.
    layout
        The layout that the stage was made with.
    threads
        Number of threads of the encoder, unless the profile sets NUM_THREADS; None means all cores.

    Raises
    ------
    OutputError
        GDAL cannot encode or write the file.
    """
    failures: list[Exception] = []

    def work() -> None:
        try:
            _encode(stage, output, profile, layout, threads)
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
        raise cannot_write(output, failures[0], "encoded") from failures[0]
    _check(output, profile)


def convert_at_once(stage: Path, output: Path, profile: Profile, layout: RasterLayout) -> None:
    """Encode a small stage, as `convert`, in the caller's thread.

    It takes milliseconds, and in a new thread as long again: GDAL opens PROJ's database once in each.

    Raises
    ------
    OutputError
        As `convert`.
    """
    try:
        _encode(stage, output, profile, layout, 1)
    except Exception as error:
        raise cannot_write(output, error, "encoded") from error
    _check(output, profile)


def _encode(stage: Path, output: Path, profile: Profile, layout: RasterLayout, threads: int | None) -> None:
    form = profile.format
    items = missing_items(layout.metadata, form.kept_by_gdal, form.dropped_ends)
    nodata = None if form.says_nodata(layout) else layout.nodata
    _copy(stage, output, profile, form.room_for(items), threads, without_nodata=nodata is not None)
    form.put_back(output, items)
    if nodata is not None:
        nodata_in_sidecar(output, nodata, layout.count)
    form.place(output, profile, layout)


def _check(output: Path, profile: Profile) -> None:
    small = not output.exists() or output.stat().st_size < _SMALLEST_FILE
    fault = "the file is empty" if small else profile.format.fault_of_copy(output)
    if fault is not None:
        raise cannot_write(output, OSError(fault), "encoded")


def _copy(
    stage: Path, output: Path, profile: Profile, filler: str, threads: int | None, *, without_nodata: bool
) -> None:
    wanted = _ALL_THREADS if threads is None else str(threads)
    options = profile.format.gdal_options(profile)
    if options.get("NUM_THREADS") == _ALL_THREADS:  # the profile's value, unless the user has set one
        options["NUM_THREADS"] = wanted
    # The JPEG2000 encoder reads only this option. The stage is our file; `gdal_env` says why readers have one thread.
    with gdal_env(), with_options(GDAL_NUM_THREADS=wanted), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        if filler or without_nodata:
            with rasterio.open(stage, "r+") as dataset:
                if filler:
                    dataset.update_tags(**{FILLER: filler})
                if without_nodata:
                    dataset.nodata = None
        rasterio.shutil.copy(stage, output, driver=profile.driver, **options)


def _stop(thread: threading.Thread, stage: Path) -> None:
    """Make GDAL fail: it cannot be stopped otherwise."""
    log = os.environ.setdefault("CPL_LOG", os.devnull)  # its threads would report the missing pixels on stderr
    try:
        os.truncate(stage, 0)
    except OSError as error:
        logger.debug("%s: cannot be emptied (%s)", stage, error)
    thread.join(_STOP_SECONDS)
    if log == os.devnull:
        os.environ.pop("CPL_LOG", None)
