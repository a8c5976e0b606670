"""Open a quality band on a scene's grid, check it, and read it block by block."""

import logging
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block, Grid
from geosal.core.raster import QualityBand
from geosal.errors import EVEN, SaliencyError, UsageError, warn
from geosal.sources.base import OpenContext
from geosal.sources.classes.cloudgml import CloudPolygons
from geosal.sources.classes.quality import BQA_LAST, KINDS, theme_codes
from geosal.sources.masks.nearest import ClassRaster
from geosal.sources.masks.raster_file import RasterFile
from geosal.sources.text import SourceText

logger = logging.getLogger(__name__)

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Flags:
    """A quality band on a scene's grid.

    Attributes
    ----------
    band
        Kind of the band.
    rasters
        Its bands; empty for polygons.
    polygons
        Polygons of ``clouds_gml``.
    """

    band: QualityBand
    rasters: tuple[ClassRaster, ...] = ()
    polygons: CloudPolygons | None = None

    @classmethod
    def open(cls, source: SourceText, context: OpenContext, band: QualityBand, theme: str, confidence: str) -> Self:
        """Find where a quality band lies, and what it holds under the scene.

        Raises
        ------
        UsageError
            The band does not have the theme.
        SceneError
            It cannot be read.
        SaliencyError
            The band lies elsewhere, or its values are none of its kind.
        """
        _check_theme(source.text, band, theme)
        if band.kind == "clouds_gml":
            polygons = CloudPolygons.open(band.path, context.grid)
            _warn_of_elsewhere(source.text, polygons, context.grid)
            return cls(band=band, polygons=polygons)
        first = source.integer("band", 1, 1, 65535)
        by_pixels = source.choice("align", "map", ("map", "pixels")) == "pixels"
        rasters = []
        for number in range(first, first + KINDS[band.kind].bands):
            file = RasterFile.open(band.path, number, context.drivers, alone=band.alone)
            rasters.append(ClassRaster.open(source.text, file, context.grid, by_pixels=by_pixels, masked=False))
        if len(rasters) == 1:
            present = rasters[0].present(source.text)
            if band.kind == "bqa" and present.size and present[-1] > BQA_LAST:
                band = replace(band, kind="bqa_pre")
                _check_theme(source.text, band, theme)
            _check_values(source.text, band, present)
            _warn_of_all(source.text, present.astype(np.int64), band, theme, confidence)
        return cls(band=band, rasters=tuple(rasters))

    @property
    def fingerprint(self) -> str | None:
        """SHA-256 of the file; None for a URL."""
        return self.polygons.fingerprint if self.polygons else self.rasters[0].file.fingerprint()

    def read(self, block: Block) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the codes of a block, packed as in `quality`, (y, x), and where the band lies."""
        if self.polygons is not None:
            return self.polygons.read(block), np.ones(block.shape, np.bool_)
        rows, cols = np.arange(block.row_off, block.row_stop), np.arange(block.col_off, block.col_stop)
        codes, said = self.rasters[0].read(rows, cols)
        if len(self.rasters) > 1:
            codes = (codes > 0).astype(np.uint8)
            for bit, raster in enumerate(self.rasters[1:], start=1):
                codes |= (raster.read(rows, cols)[0] > 0).astype(np.uint8) << bit
        return codes, said

    def covers(self, rows: Ints, cols: Ints) -> NDArray[np.bool_]:
        """Return whether these places lie on the band, (rows, cols)."""
        if self.polygons is not None:
            return np.ones((rows.size, cols.size), np.bool_)
        return self.rasters[0].covers(rows, cols)


def _check_theme(text: str, band: QualityBand, theme: str) -> None:
    themes = KINDS[band.kind].themes
    if theme not in themes:
        raise UsageError(
            f"{text}: {band.path} is {band.kind}, which tells {' and '.join(themes)} and not {theme}; give another "
            "band with from=PATH,as=KIND"
        )


def _warn_of_all(text: str, present: Ints, band: QualityBand, theme: str, confidence: str) -> None:
    """Warn where nothing of the scene is left."""
    hit = theme_codes(band.kind, theme, confidence, band.sensor)[present]
    if present.size and hit.all():
        warn(
            f"{text}: the quality band tells {theme} wherever the scene lies, so nothing of it counts; "
            "try confidence=high, or leave it out",
            about=EVEN,
        )
    elif not hit.any():
        logger.info("%s: the quality band tells no %s where the scene lies", text, theme)


def _check_values(text: str, band: QualityBand, present: NDArray[np.generic]) -> None:
    """Refuse a raster that cannot be of the given kind."""
    quality = KINDS[band.kind]
    allowed = np.isin(present, list(quality.values) or np.arange(1 << quality.bits))
    if not allowed.all():
        shown = ", ".join(f"{value:g}" for value in present[~allowed][:6].tolist())
        others = " (python-fmask is as=fmask_python, HLS as=fmask_hls)" if band.kind == "fmask" else ""
        raise SaliencyError(
            f"{text}: {band.path} holds {shown}, which {band.kind} does not have; say what it is with "
            f"from=PATH,as=KIND{others}"
        )


def _warn_of_elsewhere(text: str, polygons: CloudPolygons, grid: Grid) -> None:
    """Warn where the mask has clouds and none is on the scene: it may be another scene's."""
    left, top, right, bottom = polygons.bounds.T
    on_scene = (left < grid.width) & (right > 0) & (top < grid.height) & (bottom > 0)
    if len(polygons.bounds) == 0:
        logger.info("%s: the cloud mask has no clouds", text)
    elif not on_scene.any():
        warn(f"{text}: none of the mask's {len(on_scene)} clouds lies on the scene; check that it is this scene's")
