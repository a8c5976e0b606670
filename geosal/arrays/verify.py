"""Check a file against the array that it was made of, as files are checked."""

import os
from contextlib import ExitStack
from typing import Any, Unpack

import xarray as xr

from geosal.arrays.compare import opened, saliency_on
from geosal.arrays.forms import as_scene
from geosal.arrays.reading import done_to
from geosal.core.bars import Reporting, reporter
from geosal.core.gdal_env import path_text
from geosal.core.ladder import Ladder
from geosal.job.proof import checked, hold, require_output
from geosal.scenes import NO_LIMIT, Reading, ReadingOptions
from geosal.verification import Checks


def verify(
    array: xr.DataArray | xr.Dataset,
    output: str | os.PathLike[str],
    saliency: object = None,
    *,
    ladder: Ladder | None = None,
    steps: int | None = None,
    progress: Reporting = None,
    **reading: Unpack[ReadingOptions],
) -> Checks:
    """Check everything that can be checked about a file that was made of an array, as `geosal.verify` does.

    Parameters
    ----------
    array
        The array; a lazy one is computed as by `geosal.arrays.compare.compare`.
    output
        A COG, a JPEG2000, a JPEG or a Zarr store.
    saliency
        Of the job: anything that `geosal.saliency` takes. By default as the recipe in `output` says, if its masks lie
        beside it.
    ladder, steps
        See `geosal.verify`.
    progress
        Called while a lazy array is computed; True for a bar.
    **reading
        How the array was read: ``bidx``, ``bands``, ``to_byte``. By default as the recipe in `output` says.

    Returns
    -------
    Checks
        All of them.

    Raises
    ------
    GeosalError
        As `geosal.verify`.
    """
    options: dict[str, Any] = {"max_pixels": NO_LIMIT, **reading}
    path = path_text("output", output)
    require_output(path)
    with ExitStack() as stack:
        source = opened(array, stack, reporter(progress))
        asked = saliency_on(source, saliency, array, Reading.of(options))
        held = hold(path, source, asked, unread=done_to(as_scene(array)), **options)
        return checked(path, held, ladder=ladder, steps=steps)
