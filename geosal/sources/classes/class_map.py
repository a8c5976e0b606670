"""A raster of classes with a saliency for each: land cover, scene classifications, any categorical map."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.errors import SaliencyError, warn
from geosal.sizes import as_number
from geosal.sources.base import Coded, Kind, OpenContext
from geosal.sources.classes.class_tables import ClassTable
from geosal.sources.masks.nearest import ClassRaster, strips, warn_of_finer
from geosal.sources.masks.raster_file import RasterFile
from geosal.sources.text import SourceText

_SHOWN = 12
"""Number of a raster's values that a message lists."""


@dataclass(frozen=True, kw_only=True)
class Classes:
    """``PATH:classes=10=1;50=0.8;80=0,background=0,band=1,align=map``: saliency of each class of a raster, by a table.

    ``classes=`` is a table (ranges as ``21-24=1``; ``none`` says nothing) or the name of one: ``worldcover``,
    ``dynamicworld``, ``esri``, ``nlcd``, ``scl``, ``qa_pixel``, ``bqa``, ``bqa_pre``, ``pixel_qa``, ``fmask``,
    ``fmask_python``, ``fmask_hls``; a name with changes is ``worldcover;water=0.5``. ``background=`` goes to classes
    that are not in it, ``band=`` is counted from 1, ``align=pixels`` stretches the raster over the scene.

    Attributes
    ----------
    text
        The text as the user wrote it.
    raster
        The band that is read.
    table
        Saliency of its classes.
    background
        Saliency of classes that are not in the table.
    gaps
        Whether some pixels under the scene say nothing.
    fingerprint
        SHA-256 of the file; None for a URL.
    """

    kind: ClassVar[Kind] = "interest"

    text: str
    raster: ClassRaster
    table: ClassTable
    background: float
    gaps: bool
    fingerprint: str | None

    @classmethod
    def open(cls, source: SourceText, context: OpenContext) -> Self:
        """Find the place of the raster under the scene, and which classes it has there.

        Raises
        ------
        UsageError
            A parameter is unknown, or the table cannot be read.
        SceneError
            The file cannot be read.
        SaliencyError
            The raster lies elsewhere, or has none of the table's classes.
        ResourceError
            The raster has too many pixels under the scene.
        """
        source.only("classes", "background", "band", "align")
        table = ClassTable.parse(source.text, source.get("classes") or "")
        background = source.number("background", context.background, 0, 1)
        file = RasterFile.open(source.target, source.integer("band", 1, 1, 65535), context.drivers)
        by_pixels = source.choice("align", "map", ("map", "pixels")) == "pixels"
        raster = ClassRaster.open(source.text, file, context.grid, by_pixels=by_pixels)
        present = raster.present(source.text)
        _check_classes(source.text, table, present, background)
        warn_of_finer(source.text, context.grid, raster)
        return cls(
            text=source.text,
            raster=raster,
            table=table,
            background=background,
            gaps=not file.all_valid or bool(np.isnan(table.saliency(present, background)).any()),
            fingerprint=file.fingerprint(),
        )

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, (y, x); NaN off the raster, at its nodata, and where a class says nothing.

        Raises
        ------
        SceneError
            The raster cannot be decoded there.
        """
        return self._read(np.arange(block.row_off, block.row_stop), np.arange(block.col_off, block.col_stop))

    def read_coded(self, block: Block) -> Coded | None:
        """Return the saliency of a block by the raster's own bytes; None if it has no bytes, or some say nothing."""
        if self.raster.file.dtype != "uint8" or self.gaps:
            return None
        rows, cols = np.arange(block.row_off, block.row_stop), np.arange(block.col_off, block.col_stop)
        codes, said = self.raster.read(rows, cols)
        if not said.all():
            return None
        values = self.table.saliency(np.arange(256, dtype=np.uint8), self.background)
        return Coded(codes, np.nan_to_num(values, nan=0.0))

    def known(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether the raster says something, (rows, cols), where these rows and columns of the scene cross."""
        return ~np.isnan(self._read(rows, cols)) if self.gaps else self.raster.covers(rows, cols)

    def __dask_tokenize__(self) -> Hashable:
        """Return the class and its parameters, the file's hash among them."""
        return type(self).__qualname__, repr(self)

    def _read(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.float32]:
        classes, said = self.raster.read(rows, cols)
        saliency = np.empty(classes.shape, np.float32)
        for part in strips(classes.shape):
            saliency[part] = self.table.saliency(classes[part], self.background)
        saliency[~said] = np.nan
        return saliency


def _check_classes(text: str, table: ClassTable, present: NDArray[np.generic], background: float) -> None:
    """Refuse a table without any class under the scene, and warn of classes that a named table lacks."""
    if present.size == 0:
        raise SaliencyError(f"{text}: the raster says nothing where the scene lies, all is nodata; give one that does")
    known = table.knows(present)
    if not known.any():
        raise SaliencyError(
            f"{text}: none of the table's classes occurs under the scene; the raster holds {_list(present)} there; "
            "write classes= with those, or name the map it is"
        )
    if table.name and not known.all():
        warn(
            f"{text}: {table.name} has no class {_list(present[~known])}, which the raster holds; they get "
            f"{background:g}, the background; check that the raster is {table.name}"
        )


def _list(values: NDArray[np.generic]) -> str:
    shown = ", ".join(as_number(float(value)) for value in values[:_SHOWN])
    return shown + (f" and {values.size - _SHOWN} more" if values.size > _SHOWN else "")
