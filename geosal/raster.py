"""What a raster carries beside its pixels, read once from the source and given whole to the writer."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp
from rasterio.rpc import RPC

from geosal.grid import Grid

Tags = Mapping[str, Mapping[str, str]]
"""Metadata domain -> key -> value; the default domain is ""."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BandMetadata:
    """What GDAL knows about one band."""

    description: str | None = None
    unit: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    colorinterp: ColorInterp = ColorInterp.undefined
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class RasterMetadata:
    """What GDAL knows about a raster besides its grid and its pixels."""

    bands: tuple[BandMetadata, ...]
    tags: Tags = field(default_factory=dict)
    gcps: tuple[GroundControlPoint, ...] = ()
    gcp_crs: str | None = None
    """WKT."""
    rpcs: RPC | None = None
    nbits: int | None = None
    """Significant bits of a sample when fewer than the dtype has (12-bit data in uint16)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RasterLayout:
    """Everything a writer must know before the first pixel."""

    grid: Grid
    dtype: str
    """NumPy name of the dtype of all bands."""
    nodata: float | None
    has_mask: bool
    """A mask of the whole raster, (y, x), travels beside the pixels: GDAL's internal mask."""
    metadata: RasterMetadata

    @property
    def count(self) -> int:
        """Number of bands."""
        return len(self.metadata.bands)

    @property
    def alpha(self) -> int | None:
        """Position (from 0) of the alpha band, if there is one."""
        for position, band in enumerate(self.metadata.bands):
            if band.colorinterp == ColorInterp.alpha:
                return position
        return None


def valid_samples(pixels: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    """Tell which samples count: True where not `nodata` and, for floats, finite; same shape as `pixels`."""
    valid = np.isfinite(pixels) if pixels.dtype.kind == "f" else np.ones(pixels.shape, np.bool_)
    if nodata is not None and not math.isnan(nodata):
        valid &= pixels != pixels.dtype.type(nodata)
    return valid
