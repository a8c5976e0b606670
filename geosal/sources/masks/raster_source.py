"""A mask file of any size, resolution and CRS: ``PATH[:range=LO-HI,band=1,resampling=max,align=pixels]``."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block, Grid
from geosal.errors import EVEN, ResourceError, SaliencyError, SceneError, warn
from geosal.sources.base import Coded, Kind, OpenContext
from geosal.sources.masks.alignment import Alignment
from geosal.sources.masks.coarsen import check_even, largest, touched
from geosal.sources.masks.patches import covered, patches
from geosal.sources.masks.placement import place_mask, refuse_bombs
from geosal.sources.masks.raster_file import RasterFile, Values
from geosal.sources.text import SourceText

_SUSPICIOUS = 100
"""Highest value of a uint8 mask that more likely counts classes or percent than 255ths."""
_MOST_ELSEWHERE = 2**26
"""Pixels of a mask that are looked at beyond the scene, to see whether it holds more than 0 and 1."""
_FINER = 3.9
"""Mask pixels per scene pixel above which nearest loses something."""


@dataclass(frozen=True, kw_only=True)
class RasterSource:
    """``PATH:range=LO-HI,band=1,resampling=nearest,align=map``: a mask file, on whatever grid.

    Bytes mean 0 to 255 unless they are 0 and 1 alone, floats lie in [0, 1], other types need ``range=`` unless all of
    the file is 0 and 1. Of a mask that is finer than the scene, ``resampling=max`` loses nothing: a pixel of the scene
    gets the largest value that touches it.

    Attributes
    ----------
    text
        The text as the user wrote it.
    file
        The band that is read.
    alignment
        Maps scene pixels to mask pixels.
    limits
        The file's values that mean 0 and 1.
    resampling
        What a scene pixel gets: the mask's "nearest" pixel, the mean of the four nearest ("bilinear"), or the largest
        of those that touch it ("max").
    gaps
        Whether some mask pixels under the scene say nothing.
    fingerprint
        SHA-256 of the file; None for a URL.
    """

    kind: ClassVar[Kind] = "interest"

    text: str
    file: RasterFile
    alignment: Alignment
    limits: tuple[float, float]
    resampling: str
    gaps: bool
    fingerprint: str | None

    @classmethod
    def open(cls, source: SourceText, context: OpenContext) -> Self:
        """Find the place of the mask under the scene, and look at every value there.

        Raises
        ------
        UsageError
            A parameter is unknown or makes no sense.
        SceneError
            The file cannot be read.
        SaliencyError
            The mask lies elsewhere, has no place on the map, or its values are no saliency.
        ResourceError
            The mask has too many pixels under the scene.
        """
        source.only("range", "band", "resampling", "align")
        limits = source.interval("range")
        file = RasterFile.open(source.target, source.integer("band", 1, 1, 65535), context.drivers)
        by_pixels = source.choice("align", "map", ("map", "pixels")) == "pixels"
        resampling = source.choice("resampling", "nearest", ("nearest", "bilinear", "max"))
        return cls.of(source.text, file, context.grid, limits, by_pixels=by_pixels, resampling=resampling)

    @classmethod
    def of(
        cls,
        text: str,
        file: RasterFile,
        grid: Grid,
        limits: tuple[float, float] | None = None,
        *,
        by_pixels: bool = False,
        resampling: str = "nearest",
    ) -> Self:
        """Lay an opened mask on a scene's grid; parameters and errors are those of `open`."""
        _refuse_kind(text, file)
        alignment, under = place_mask(text, grid, file.grid, by_pixels=by_pixels)
        refuse_bombs(text, file, under)
        values = file.scan(under)
        if resampling == "max":
            check_even(text, alignment)
        else:
            _warn_of_finer(text, grid, under)
        return cls(
            text=text,
            file=file,
            alignment=alignment,
            limits=_resolve_limits(text, file, values, limits),
            resampling=resampling,
            gaps=values.gaps,
            fingerprint=file.fingerprint(),
        )

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, (y, x); NaN off the mask and where it has nodata.

        Raises
        ------
        SceneError
            The mask cannot be decoded there.
        SaliencyError
            Its values are no saliency: the file has changed since it was opened.
        """
        return self._read(np.arange(block.row_off, block.row_stop), np.arange(block.col_off, block.col_stop))

    def read_coded(self, block: Block) -> Coded | None:
        """Return the saliency of a block by the file's own bytes, where its pixels are the scene's; else None."""
        shift = (
            None if self.resampling == "bilinear" or self.gaps or self.file.dtype != "uint8" else self.alignment.shift
        )
        if shift is None or not self.file.all_valid:
            return None
        under = Block(block.row_off + shift[0], block.col_off + shift[1], block.height, block.width)
        if under.expand(0, self.file.grid.shape) != under:
            return None
        codes, _ = self.file.read(under)
        low, high = self.limits
        if not low <= codes.min() <= codes.max() <= high:
            raise self._changed()
        return Coded(codes, np.clip(self._by_code(), 0, 1))

    def known(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether the mask says something, (rows, cols), where these rows and columns of the scene cross."""
        if self.gaps:
            return ~np.isnan(self._read(rows, cols))
        if self.resampling == "max":
            return touched(check_even(self.text, self.alignment), self.file.grid.shape, rows, cols)
        return covered(self.alignment, self.file.grid.shape, rows, cols)

    def __dask_tokenize__(self) -> Hashable:
        """Return the class and its parameters, with the hash of the file."""
        return type(self).__qualname__, repr(self)

    def _read(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.float32]:
        if self.resampling == "max":
            even = check_even(self.text, self.alignment)
            return largest(
                even, self.file.grid.shape, (rows, cols), lambda window: self._saliency(*self.file.read(window))
            )
        out = np.full((rows.size, cols.size), np.nan, dtype=np.float32)
        for place, footprint in patches(self.alignment, self.file.grid.shape, rows, cols):
            pixels, valid = self.file.read(footprint.window)
            if self.resampling == "bilinear":
                out[place] = footprint.bilinear(self._saliency(pixels, valid))
            else:
                said = None if valid is None else footprint.nearest(valid)
                out[place] = self._saliency(footprint.nearest(pixels), said)
            if footprint.outside is not None:
                out[place][footprint.outside] = np.nan
        return out

    def _saliency(self, pixels: NDArray[Any], valid: NDArray[np.bool_] | None) -> NDArray[np.float32]:
        """Return the saliency of mask pixels, any shape; NaN = says nothing."""
        low, high = self.limits
        values: NDArray[np.float32]
        if pixels.dtype == np.uint8:
            values = self._by_code()[pixels]
        elif self.limits == (0.0, 1.0):
            values = pixels.astype(np.float32)
        else:
            values = ((pixels.astype(np.float64) - low) / (high - low)).astype(np.float32)
        in_range = values.min() >= 0 and values.max() <= 1
        if not in_range and (valid is None or not _all_in_range(values[valid])):
            raise self._changed()
        if valid is not None:
            values[~valid] = np.nan
        return values

    def _by_code(self) -> NDArray[np.float32]:
        """Return the saliency of each value of a uint8 mask."""
        low, high = self.limits
        return ((np.arange(256) - low) / (high - low)).astype(np.float32)

    def _changed(self) -> SaliencyError:
        low, high = self.limits
        return SaliencyError(
            f"{self.text}: the mask holds values outside {low:g} to {high:g} that were not there when it was "
            "opened; leave the mask alone while it is used"
        )


def _all_in_range(values: NDArray[np.float32]) -> bool:
    return bool(((values >= 0) & (values <= 1)).all())


def _refuse_kind(text: str, file: RasterFile) -> None:
    if "complex" in file.dtype:
        raise SaliencyError(f"{text}: the mask is {file.dtype}; convert it to uint8, or to float from 0 to 1")


def _warn_of_finer(text: str, grid: Grid, under: Block) -> None:
    """Warn where mask pixels between the scene's are not looked at: a ship may be missed."""
    per_pixel = under.height * under.width / (grid.height * grid.width)
    if per_pixel > _FINER:
        warn(
            f"{text}: the mask has about {per_pixel:.0f} pixels for each of the scene's and one of them is taken, so "
            "small things may be lost; take the largest of them: resampling=max"
        )


def _only_0_and_1(text: str, file: RasterFile, values: Values) -> bool:
    """Return whether the mask's integers are a yes and a no: 0 and 1 in all of the file, not under the scene alone.

    Bytes of 0 and 1 under the scene count as such whatever lies elsewhere, which is often a nodata value that nobody
    declared; it is told.
    """
    if np.dtype(file.dtype).kind not in "iu" or not 0 <= values.low <= values.high <= 1:
        return False
    bytes_of_0 = file.dtype == "uint8" and values.high == 0  # the same in both cases
    try:
        other = None if bytes_of_0 else file.first_outside(0, 1, _MOST_ELSEWHERE)
    except (SceneError, ResourceError):  # damaged elsewhere, or too large to tell
        return file.dtype == "uint8"
    if other is not None and file.dtype == "uint8":
        warn(
            f"{text}: the mask holds 0 and 1 where the scene lies and {other:g} elsewhere; 1 is read as all of the "
            "saliency, so say range=0-255 if it means 1/255, or range=0-1 if it does not"
        )
    return other is None or file.dtype == "uint8"


def _resolve_limits(
    text: str, file: RasterFile, values: Values, limits: tuple[float, float] | None
) -> tuple[float, float]:
    """Decide which values of the file mean 0 and 1, and refuse a mask with values outside them."""
    if values.empty:
        raise SaliencyError(f"{text}: the mask says nothing where the scene lies, all is nodata; give one that does")
    if values.nan:
        raise SaliencyError(
            f"{text}: the mask holds NaN, which is not its nodata value; declare it with rio edit-info --nodata nan "
            "to mean 'says nothing', or fill it"
        )
    only_0_and_1 = limits is None and _only_0_and_1(text, file, values)
    if limits is None and file.paletted and not only_0_and_1:
        raise SaliencyError(
            f"{text}: the mask's values are numbers of colours; add range=LO-HI if they rise with saliency"
        )
    if limits is None and file.dtype != "uint8" and not file.dtype.startswith("float") and not only_0_and_1:
        raise SaliencyError(
            f"{text}: the mask is {file.dtype}, with values {values.low:g} to {values.high:g} here; add range=LO-HI, "
            "the values that mean 0 and 1"
        )
    low, high = limits or ((0.0, 255.0) if file.dtype == "uint8" and not only_0_and_1 else (0.0, 1.0))
    if not low <= values.low <= values.high <= high:
        raise SaliencyError(
            f"{text}: the mask holds values {values.low:.9g} to {values.high:.9g}, outside {low:g} to {high:g}; "
            "add range=LO-HI with the values that mean 0 and 1"
        )
    if limits is None and file.dtype == "uint8" and not only_0_and_1 and values.low < values.high <= _SUSPICIOUS:
        warn(
            f"{text}: the highest value is {values.high:g}, read as 0 to 255 nothing is kept; if it means all of the "
            f"saliency, say range=0-{values.high:g}"
        )
    if values.low == values.high and not values.gaps:
        warn(
            f"{text}: the mask says {(values.low - low) / (high - low):.3g} wherever the scene lies, so every pixel "
            "gets the same kernel; check that it is the mask you meant",
            about=EVEN,
        )
    return low, high
