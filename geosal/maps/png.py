"""Pictures as PNG files: refused before any work where they could not be written, complete or not there at all."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning

from geosal.core.gdal_env import gdal_env
from geosal.errors import UsageError, cause_of
from geosal.files.publish import WorkDirectory, cannot_write, check_output


def check_png(path: str, what: str, *, overwrite: bool, inputs: Sequence[str] = ()) -> None:
    """Refuse a picture that could not be written.

    Parameters
    ----------
    path
        Of the picture.
    what
        The word for it: ``preview``.
    overwrite
        Whether a file may be replaced.
    inputs
        What the job reads.

    Raises
    ------
    UsageError
        Not a PNG.
    OutputError
        It cannot be written there.
    """
    if Path(path).suffix.lower() != ".png":
        raise UsageError(f"{what} {path or repr(path)}: {what}s are PNG files; give a name that ends in .png")
    check_output(path, overwrite=overwrite, inputs=inputs)


def write_png(path: str, image: NDArray[np.uint8], *, overwrite: bool) -> None:
    """Write a picture (y, x, 3) or (y, x, 4).

    Raises
    ------
    OutputError
        It cannot be written there.
    """
    height, width, count = image.shape
    with WorkDirectory(path, overwrite=overwrite) as work:
        made = work.path("picture.png")
        try:
            with (
                warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
                gdal_env(),
                rasterio.open(made, "w", driver="PNG", dtype="uint8", count=count, height=height, width=width) as file,
            ):
                file.write(np.moveaxis(image, -1, 0))
        except Exception as error:  # rasterio raises a private type where closing fails
            cause = cause_of(error).replace(str(made), path)
            raise cannot_write(Path(path).absolute(), OSError(cause)) from error
        work.publish(made)
