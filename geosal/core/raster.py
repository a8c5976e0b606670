"""Layout and metadata of a raster: read once from the source and given whole to the writer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp
from rasterio.rpc import RPC

from geosal.core.grid import Block, Grid
from geosal.errors import UsageError

Tags = Mapping[str, Mapping[str, str]]
"""Metadata domain -> key -> value; the default domain is ""."""
ROLES = (
    "coastal", "blue", "green", "yellow", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08", "nir09", "cirrus",
    "swir16", "swir22", "pan", "lwir11", "lwir12",
)  # fmt: skip
"""Names of bands across sensors: the `common_name` of STAC's `eo` extension, rededge and nir numbered as there."""

_EPSILON = float(np.finfo(np.float32).eps)
APART = 8 * _EPSILON
"""Share of a nodata code by which a float, of any type, lies beside it; GDAL needs half of that."""
_OF_COUNTS = re.compile(
    r".*_(MULT|ADD)(_BAND_\w+)?|QUANTIZE_CAL_M(IN|AX)(_BAND_\w+)?|.*QUANTIFICATION_VALUE|(.*_)?ADD_OFFSET(_\w+)?"
    r"|(.*_)?SCALE(_FACTOR)?|OFFSET|valid_(min|max|range)|_FillValue|missing_value",
    re.IGNORECASE,
)
"""Keys of tags that tell how counts become physical values, or which counts there are."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BandMetadata:
    """Metadata of one band, as GDAL knows it."""

    description: str | None = None
    unit: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    colorinterp: ColorInterp = ColorInterp.undefined
    tags: Tags = field(default_factory=dict)
    role: str = ""
    """What the band shows: one of `ROLES`, or empty where that is unknown."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RasterMetadata:
    """Metadata of a raster besides its grid and its pixels, as GDAL knows it."""

    bands: tuple[BandMetadata, ...]
    tags: Tags = field(default_factory=dict)
    gcps: tuple[GroundControlPoint, ...] = ()
    gcp_crs: str | None = None
    """CRS of the control points, as WKT."""
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
    """Whether a mask of the whole raster, (y, x), travels beside the pixels: GDAL's internal mask."""
    metadata: RasterMetadata

    @property
    def count(self) -> int:
        """Number of bands."""
        return len(self.metadata.bands)

    @property
    def raw_bytes(self) -> int:
        """Bytes of the pixels before any codec."""
        return self.grid.height * self.grid.width * self.count * np.dtype(self.dtype).itemsize

    @property
    def nbits(self) -> int | None:
        """Bits that a sample of the output can be cut to: those of the metadata, if the nodata code fits into them."""
        bits = self.metadata.nbits
        return bits if bits is not None and not (self.nodata is not None and self.nodata >= 2**bits) else None

    @property
    def alpha(self) -> int | None:
        """Position (from 0) of the alpha band, if there is one."""
        return alpha_among([band.colorinterp.name for band in self.metadata.bands])


def without_scale(band: BandMetadata) -> BandMetadata:
    """Return the band as one whose samples are no counts any more: no scale, no offset, no tags about them."""
    return replace(band, scale=1.0, offset=0.0, tags=without_scale_tags(band.tags))


def without_scale_tags(tags: Tags) -> Tags:
    """Leave out tags that tell how counts become physical values, such as Landsat's ``REFLECTANCE_MULT``."""
    kept = {
        domain: {key: text for key, text in items.items() if not _OF_COUNTS.fullmatch(key)}
        for domain, items in tags.items()
    }
    return {domain: items for domain, items in kept.items() if items}


class Samples(NamedTuple):
    """The samples of a block, with their validity."""

    pixels: NDArray[Any]
    """Pixels, (band, y, x), of the scene's dtype."""
    valid: NDArray[np.bool_]
    """Validity, (band, y, x): True where a sample is not nodata, not masked, not under alpha 0 and finite."""
    mask: NDArray[np.bool_] | None
    """The file's own mask, (y, x), or else its alpha; None when it has neither."""


@dataclass(frozen=True, kw_only=True)
class QualityBand:
    """A raster of classes or flags that an agency ships with a scene.

    Attributes
    ----------
    kind
        How to read its values: ``scl`` (Sentinel-2 scene classification), ``qa_pixel`` (Landsat Collection 2), ``bqa``
        (Landsat before it), ``fmask``, ``msk_classi`` (Sentinel-2 L1C from baseline 04.00: opaque, cirrus, snow),
        ``eopf_classi`` (the same in one band), ``cld`` and ``snw`` (Sentinel-2, percent), or ``clouds_gml`` (Sentinel-2
        L1C before it: polygons).
    path
        A raster that GDAL opens (of ``clouds_gml`` a GML file), local or ``/vsi…``; or an array of a Zarr store.
    sensor
        Sensor that the flags depend on, such as ``LANDSAT_8``; empty where they do not.
    alone
        Whether files beside it are ignored, as in a product; see `geosal.core.open_raster.open_raster`.
    """

    kind: str
    path: str
    sensor: str = ""
    alone: bool = False


THE_ARRAY = "the array"
"""What an array is called in messages and reports, where a scene has a path."""


class Pixels(Protocol):
    """A scene as sources of saliency see it: blocks of samples, and the quality bands of its product.

    It pickles, holds paths and no handles, and any thread may read.
    """

    @property
    def path(self) -> str:
        """Return the name of the raster in messages."""

    @property
    def layout(self) -> "RasterLayout":
        """Grid, dtype, nodata, and bands with their roles."""

    @property
    def quality(self) -> tuple[QualityBand, ...]:
        """Quality bands of the product; none for a plain raster."""

    def read(self, block: Block) -> Samples:
        """Read a block."""

    def having(self, *bands: str) -> "Pixels":
        """Return the same scene, on the same grid, with these bands: roles of `ROLES`, names or numbers.

        Numbers count from 1: those of a raster file are the file's own, those of a product count the scene's bands.

        Raises
        ------
        UsageError
            The raster has no such band; the message lists its bands.
        """


def alpha_among(colours: Sequence[str]) -> int | None:
    """Return the position (from 0) of the alpha band among bands of these `ColorInterp`, by their names.

    Among several it is the last: GDAL takes its masks from that one, and a JPEG 2000 keeps no other. The others are
    ordinary bands.
    """
    return max((position for position, colour in enumerate(colours) if colour == ColorInterp.alpha.name), default=None)


def told_nodata(array: Any) -> float | None:
    """Return the nodata code of an `xarray.DataArray`, as rioxarray gives it.

    Raises
    ------
    UsageError
        No sample of the array can have it.
    """
    told, why = None, ""
    try:
        told = array.rio.nodata
        limits = np.iinfo(array.dtype) if array.dtype.kind in "iu" else None
        if told is not None and limits is not None and not limits.min <= told <= limits.max:
            why = f"it is {told}"  # at the second call, rioxarray no longer raises
    except (OverflowError, TypeError, ValueError) as error:
        why = str(error)
    if why:
        raise UsageError(
            f"the array: no {array.dtype} sample can have its nodata code ({why}); give another with "
            ".rio.write_nodata(CODE), or take its attribute _FillValue or nodata away"
        )
    return told


def held_by(dtype: str) -> str:
    """Return the least type of samples that geosal takes for values of another one: float64 for integers of 64 bits."""
    return {"bool": "uint8", "int8": "int16", "float16": "float32"}.get(dtype, "float64")


def conversion(dtype: str) -> str:
    """Return the command that converts a raster's samples to a type of NumPy's name."""
    of_gdal = {"uint8": "Byte"}.get(dtype, dtype.capitalize().replace("Uint", "UInt"))
    return f"gdal_translate -ot {of_gdal} IN OUT"


def conversion_of_array(dtype: str) -> str:
    """Return the expression that makes samples that geosal takes of an array of other ones."""
    return "abs(array)" if dtype.startswith("complex") else f"array.astype('{held_by(dtype)}')"


def is_nodata(samples: NDArray[Any], nodata: float) -> NDArray[np.bool_]:
    """Find the samples that carry the nodata code, as GDAL's masks do.

    Integers match by equality. Floats match within four epsilons of float32, whatever their type (GDAL's
    ``ARE_REAL_EQUAL``), because tags have ESRI's -3.4028235e38 in several roundings. Sums are of the samples' own type,
    as in GDAL: one that overflows, near the ends of float32, matches. NaN matches NaN.
    """
    if np.isnan(nodata):
        return np.isnan(samples) if samples.dtype.kind == "f" else np.zeros(samples.shape, np.bool_)
    if samples.dtype.kind != "f":
        return np.asarray(samples == samples.dtype.type(nodata))
    code, alike = samples.dtype.type(nodata), samples.dtype.type(_EPSILON)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        near = np.abs(samples - code) < alike * np.abs(samples + code) * 2
    return np.asarray(near | (samples == code))


def valid_samples(samples: NDArray[Any], nodata: float | None) -> NDArray[np.bool_]:
    """Find the samples that count: True where not `nodata` and, for floats, finite; same shape as `samples`."""
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
    """Restrict the samples that count by a mask and by alpha; files and arrays share this rule.

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
    """Find the pixels (y, x) that are valid in a band other than `alpha`; `valid` is (band, y, x)."""
    colours = [band for position, band in enumerate(valid) if position != alpha] or [valid[0]]
    either: NDArray[np.bool_] = colours[0].copy()
    for band in colours[1:]:
        either |= band
    return either


def is_mean_apart(nodata: float, dtype: str | np.dtype[Any]) -> bool:
    """Return whether no mean of other samples can equal the nodata code: it is the least or largest value, or NaN."""
    kind = np.dtype(dtype)
    limits = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
    return bool(np.isnan(nodata)) or nodata in {float(limits.min), float(limits.max)}


def move_off_nodata(samples: NDArray[Any], hit: NDArray[np.bool_], nodata: float) -> None:
    """Move computed samples off the nodata code.

    The move is upwards from about 0 and from the least value, otherwise towards 0. Integers move by one; floats by
    eight epsilons of float32, of which GDAL needs half to tell values apart. Where a float code is so large that GDAL's
    sums overflow, the moved sample still counts as nodata; no mean of valid samples comes near such a code.
    """
    code = samples.dtype.type(nodata)
    if isinstance(code, np.floating):
        least = np.finfo(code.dtype).tiny
        samples[hit] = code * (1 - APART) if APART * abs(code) > least else code + least
    else:
        samples[hit] = code + 1 if code <= 0 else code - 1
