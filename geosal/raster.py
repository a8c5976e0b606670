"""What a raster carries beside its pixels, read once from the source and given whole to the writer."""

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


def is_nodata(samples: NDArray[Any], nodata: float) -> NDArray[np.bool_]:
    """Tell which samples carry the nodata code, as GDAL does.

    Integers by equality. Floats within two units in the last place (GDAL's ``ARE_REAL_EQUAL``): ESRI's -3.4028235e38 is
    written in tags in several roundings. NaN by being NaN.
    """
    if np.isnan(nodata):
        return np.isnan(samples) if samples.dtype.kind == "f" else np.zeros(samples.shape, np.bool_)
    if samples.dtype.kind != "f":
        return np.asarray(samples == samples.dtype.type(nodata))
    code = float(samples.dtype.type(nodata))
    wide = samples.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(wide - code) < 2 * float(np.finfo(samples.dtype).eps) * np.abs(wide + code)
    return np.asarray(near | (wide == code))


def valid_samples(samples: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    """Tell which samples count: True where not `nodata` and, for floats, finite; same shape as `samples`."""
    coded = nodata is not None and not np.isnan(nodata)
    if samples.dtype.kind != "f":
        return np.asarray(samples != samples.dtype.type(nodata)) if coded else np.ones(samples.shape, np.bool_)
    valid: NDArray[np.bool_] = np.isfinite(samples)
    if nodata is not None and coded:
        valid &= ~is_nodata(samples, nodata)
    return valid


def mask_out(
    valid: NDArray[np.bool_], mask: NDArray[np.bool_] | None, alpha: NDArray[Any] | None, alpha_band: int | None
) -> NDArray[np.bool_]:
    """Narrow what counts by a mask and by alpha; the one rule for files and for arrays.

    Parameters
    ----------
    valid
        (band, y, x), from `valid_samples`; changed in place.
    mask
        (y, x), True = valid, or None.
    alpha
        (y, x); 0 is invalid. None without alpha.
    alpha_band
        Position of the alpha band in `valid`; it is carried over, so all of it counts.
    """
    if mask is not None:
        valid &= mask
    if alpha is not None:
        valid &= alpha > 0
    if alpha_band is not None:
        valid[alpha_band] = True
    return valid


def any_colour(valid: NDArray[np.bool_], alpha: int | None) -> NDArray[np.bool_]:
    """Pixels (y, x) that are valid in a band other than `alpha`; `valid` is (band, y, x)."""
    colours = [band for position, band in enumerate(valid) if position != alpha] or [valid[0]]
    return np.asarray(np.logical_or.reduce(colours), np.bool_)


def step_off(samples: NDArray[Any], hit: NDArray[np.bool_], nodata: float) -> None:
    """Give computed samples that took the nodata code a value beside it.

    Upwards from 0 and from the least value, otherwise towards 0; of floats, by as much as GDAL tells apart.
    """
    code = samples.dtype.type(nodata)
    if isinstance(code, np.floating):
        limits = np.finfo(code.dtype)
        samples[hit] = code * (1 - 8 * limits.eps) if code != 0 else limits.tiny
    else:
        samples[hit] = code + 1 if code <= 0 else code - 1
