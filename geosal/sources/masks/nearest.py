"""Read a raster of classes at the pixels of a scene: the nearest value, never a mean."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block, Grid
from geosal.errors import SaliencyError, warn
from geosal.sources.masks.alignment import Alignment
from geosal.sources.masks.patches import MAX_PIXELS, covered, patches
from geosal.sources.masks.placement import place_mask, refuse_bombs
from geosal.sources.masks.raster_file import RasterFile

Ints = NDArray[np.int64]

_MAX_CLASSES = 65536
"""Number of values above which a raster counts something else than classes."""


@dataclass(frozen=True, kw_only=True)
class ClassRaster:
    """One band of a raster of classes on a scene's grid; holds a path, not a handle.

    Attributes
    ----------
    file
        The band.
    alignment
        Maps scene pixels to its pixels.
    under
        Its pixels that lie under the scene.
    """

    file: RasterFile
    alignment: Alignment
    under: Block

    @classmethod
    def open(cls, text: str, file: RasterFile, scene: Grid, *, by_pixels: bool = False, masked: bool = True) -> Self:
        """Find where it lies.

        Parameters
        ----------
        text
            SOURCE, for messages.
        file
            The band.
        scene
            Grid of the scene.
        by_pixels
            Whether to stretch it over the scene, whatever the georeferencing says.
        masked
            Whether nodata and masks of the file count; otherwise every pixel counts.

        Raises
        ------
        SaliencyError
            The raster lies elsewhere, or its values are no classes.
        ResourceError
            Its tiles, or its pixels under the scene, are too large.
        """
        if "complex" in file.dtype:
            raise SaliencyError(f"{text}: the raster is {file.dtype}; classes are whole numbers, convert it to uint8")
        alignment, under = place_mask(text, scene, file.grid, by_pixels=by_pixels)
        refuse_bombs(text, file, under)
        if not masked:
            file = replace(file, all_valid=True)
        return cls(file=file, alignment=alignment, under=under)

    def read(self, rows: Ints, cols: Ints) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return values where rows and columns of the scene cross, (rows, cols), and where the raster says something.

        Raises
        ------
        SceneError
            The raster cannot be decoded there.
        """
        pixels = np.zeros((rows.size, cols.size), self.file.dtype)
        said = np.zeros(pixels.shape, np.bool_)
        for place, footprint in patches(self.alignment, self.file.grid.shape, rows, cols):
            values, valid = self.file.read(footprint.window)
            pixels[place] = footprint.nearest(values)
            said[place] = True if valid is None else footprint.nearest(valid)
            if values.dtype.kind == "f":
                said[place] &= ~np.isnan(pixels[place])
            if footprint.outside is not None:
                said[place][footprint.outside] = False
        return pixels, said

    def covers(self, rows: Ints, cols: Ints) -> NDArray[np.bool_]:
        """Return whether these places of the scene lie on the raster, (rows, cols); no pixel is read."""
        return covered(self.alignment, self.file.grid.shape, rows, cols)

    def present(self, text: str) -> NDArray[Any]:
        """Return all values under the scene except nodata, sorted.

        Raises
        ------
        SaliencyError
            There are too many values for classes.
        """
        found: NDArray[Any] = np.zeros(0, self.file.dtype)
        for piece in self.file.pieces(self.under):
            pixels, valid = self.file.read(piece)
            pixels = pixels.ravel() if valid is None else pixels[valid]
            found = np.union1d(found, _distinct(pixels))
            found = found[~np.isnan(found)] if found.dtype.kind == "f" else found
            if found.size > _MAX_CLASSES:
                raise SaliencyError(
                    f"{text}: the raster holds more than {_MAX_CLASSES} values, these are no classes; for measured "
                    "values use range=LO-HI"
                )
        return found


def strips(shape: tuple[int, ...]) -> Iterator[slice]:
    """Cut rows so that work on them takes little memory beside the whole: an index takes eight bytes for a pixel."""
    step = max(1, MAX_PIXELS // max(1, shape[1]))
    return (slice(row, row + step) for row in range(0, shape[0], step))


def _distinct(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return sorted values, without a sort where only few are possible."""
    if pixels.dtype in (np.uint8, np.uint16):
        counts = np.zeros(np.iinfo(pixels.dtype).max + 1, np.int64)
        for start in range(0, pixels.size, MAX_PIXELS):  # it takes eight bytes for a pixel
            counts += np.bincount(pixels[start : start + MAX_PIXELS], minlength=counts.size)
        return np.flatnonzero(counts).astype(pixels.dtype)
    return np.unique(pixels)


def warn_of_finer(text: str, scene: Grid, raster: ClassRaster) -> None:
    """Warn where the raster's pixels are so small against the scene's that most are never looked at."""
    per_pixel = raster.under.height * raster.under.width / (scene.height * scene.width)
    if per_pixel > 16:  # four along each axis
        warn(
            f"{text}: the raster has about {per_pixel:.0f} pixels for each of the scene's and one of them is taken; "
            "coarsen it by its commonest class (gdalwarp -r mode) if small things matter"
        )
