"""Collect what a writer must know of an array, from the array itself and from the file that it was opened from.

A part of a scene keeps what still holds: names, units, tags. Control points and RPCs are moved to the part.
"""

import math
import re
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from geosal.arrays.coordinates import grid_of
from geosal.arrays.place import carry_place, pixels_in_file
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata, Tags, is_nodata, told_nodata, without_scale
from geosal.errors import GeosalError, UsageError, warn
from geosal.scenes import AnyScene, Reading, open_input
from geosal.scenes.raster import Scene

_NODATA_KEYS = ("_FillValue", "missing_value", "fill_value", "nodata")
"""Attributes in which rioxarray keeps a nodata code; the first that is there counts."""
_NOT_TEXT = frozenset({
    *_NODATA_KEYS, "scale_factor", "add_offset", "units", "long_name", "grid_mapping", "coordinates", "crs",
})  # fmt: skip
_OF_THE_WHOLE = re.compile(r"STATISTICS_|CORNER_|(REFLECTIVE|THERMAL|PANCHROMATIC)_(LINES|SAMPLES)$", re.IGNORECASE)
"""Keys of tags that are not true of a part of the raster."""
_DOMAINS_OF_THE_WHOLE = frozenset({"GEOLOCATION"})


class Recode(NamedTuple):
    """Replacement of one code by another, since NaN and the nodata value are one code in the output."""

    old: float
    new: float

    def apply(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Recode samples of floats; the input is not changed."""
        found = is_nodata(pixels, self.old)
        return np.where(found, pixels.dtype.type(self.new), pixels) if found.any() else pixels


class ArrayLayout(NamedTuple):
    """Layout of the output, and the conversion of its samples."""

    layout: RasterLayout
    recode: Recode | None


def layout_of(array: xr.DataArray) -> ArrayLayout:
    """Collect what a writer must know from a (band, y, x) array and from its file.

    Warns
    -----
    GeosalWarning
        The file cannot be opened any more, or the array does not tell which part of it it is.
    """
    grid = grid_of(array)
    file = _file_of(array)
    pixels = None if file is None else pixels_in_file(array, grid, file)
    nodata, recode = _nodata_of(array, file)
    metadata = _own_metadata(array)
    if file is not None and pixels is not None:
        metadata = _metadata_of_file(array, file, metadata, whole=pixels.is_whole)
    grid, metadata = carry_place(array, grid, file, pixels, metadata)
    alpha = any(band.colorinterp == ColorInterp.alpha for band in metadata.bands)
    # Alpha alone needs no mask beside it; without a file it is unknown whether alpha is alone.
    has_mask = "valid" in array.coords and (not alpha or file is None or file.has_mask)
    layout = RasterLayout(grid=grid, dtype=str(array.dtype), nodata=nodata, has_mask=has_mask, metadata=metadata)
    return ArrayLayout(layout, recode)


def bands_of(array: xr.DataArray, name: str, otherwise: object) -> list[Any]:
    """Return an item of each band: from a coordinate, which follows selections; else from an attribute."""
    count = array.sizes["band"]
    of_all = array.coords[name].values if name in array.coords else array.attrs.get(name, otherwise)
    several = list(of_all) if isinstance(of_all, tuple | list) else np.atleast_1d(of_all).tolist()
    if len(several) == count:
        return several
    return several * count if len(several) == 1 else [otherwise] * count


def _nodata_of(array: xr.DataArray, file: RasterLayout | None) -> tuple[float | None, Recode | None]:
    """Return the nodata value, so that NaN never counts as valid in floats that no file holds as they are.

    Floats made of integers, as by ``scene.where(...)``, have NaN where the code was: NaN is their nodata.
    """
    if array.rio.encoded_nodata is not None:  # rioxarray has put NaN where the code was
        return (math.nan if array.dtype.kind == "f" else array.rio.encoded_nodata), None
    told = told_nodata(array)
    if array.dtype.kind != "f" or (file is not None and file.dtype == str(array.dtype)):
        return told, None
    if told is None or math.isnan(told):
        return math.nan, None
    attribute = next((array.attrs[key] for key in _NODATA_KEYS if key in array.attrs), None)
    if isinstance(attribute, np.integer) or (file is not None and not file.dtype.startswith("float")):
        return math.nan, Recode(float(told), math.nan)
    return float(told), Recode(math.nan, float(told))


def _file_of(array: xr.DataArray) -> RasterLayout | None:
    """Return the layout of the array's file, as it was read, with all of its bands."""
    path = array.encoding.get("source")
    if not path:
        return None
    try:
        scene: AnyScene = open_input(path, array.encoding.get("reading", Reading()))
    except GeosalError as error:
        warn(f"{path}: the array's file no longer opens ({error}); only what the array itself knows is written")
        return None
    return scene.layout


def _metadata_of_file(array: xr.DataArray, file: RasterLayout, own: RasterMetadata, *, whole: bool) -> RasterMetadata:
    """Return the metadata of the array's file as far as it holds for a part; names, units, colours are the array's."""
    numbers = _band_numbers(array)
    bands = own.bands
    if numbers and 1 <= min(numbers) <= max(numbers) <= file.count:
        bands = tuple(file.metadata.bands[number - 1] for number in numbers)
        if not whole:
            bands = tuple(_of_part(array, mine, found) for mine, found in zip(own.bands, bands, strict=True))
        if {"scale_factor", "add_offset"} & array.encoding.keys():  # samples are physical values already
            bands = tuple(map(without_scale, bands))
    same_type = file.dtype == str(array.dtype)
    tags = file.metadata.tags if whole else _of_any_part(file.metadata.tags)
    return replace(file.metadata, bands=bands, tags=tags, nbits=file.metadata.nbits if same_type else None)


def _of_part(array: xr.DataArray, own: BandMetadata, found: BandMetadata) -> BandMetadata:
    """Make the metadata of a part's band; values of the array replace those of its file."""
    tells = array.coords.keys() | array.attrs.keys()
    return replace(
        found,
        description=own.description or found.description,
        unit=own.unit or found.unit,
        scale=own.scale if "scale_factor" in tells else found.scale,
        offset=own.offset if "add_offset" in tells else found.offset,
        colorinterp=own.colorinterp if "colorinterp" in tells else found.colorinterp,
        tags=_of_any_part(found.tags),
    )


def _of_any_part(tags: Tags) -> Tags:
    """Leave out statistics, and tags about the corners of the whole."""
    kept = {
        domain: {key: text for key, text in items.items() if not _OF_THE_WHOLE.match(key)}
        for domain, items in tags.items()
        if domain not in _DOMAINS_OF_THE_WHOLE
    }
    return {domain: items for domain, items in kept.items() if items}


def of_bands(scene: AnyScene, array: xr.DataArray, opened: AnyScene) -> AnyScene:
    """Return a scene in the bands that an array has of it, or in all of them where the array has as many.

    Parameters
    ----------
    scene
        Scene to choose bands of, with those of `opened`.
    array
        The array.
    opened
        Scene that the array was opened from: its coordinate ``band`` has the numbers of a file's bands, or counts.

    Raises
    ------
    UsageError
        The array has fewer bands, and does not tell which.
    """
    numbers = opened.indexes if isinstance(opened, Scene) else tuple(range(1, opened.layout.count + 1))
    found, count = tuple(_band_numbers(array)), array.sizes.get("band", 1)
    if found and {*found} <= {*numbers}:
        return scene if found == numbers else scene.select([numbers.index(number) for number in found])
    if count != len(numbers):
        raise UsageError(
            f"the array has {count} of the {len(numbers)} bands of its file, and does not tell which; keep its "
            "coordinate band: array.isel(band=[0]) in the place of array.isel(band=0, drop=True)"
        )
    return scene


def _band_numbers(array: xr.DataArray) -> list[int]:
    """Return the bands of its file that an array holds; none without a coordinate `band`, or where it holds names."""
    bands = np.atleast_1d(array.coords["band"].values) if "band" in array.coords else np.empty(0)
    whole = bands.dtype.kind in "iu" and bands.size == array.sizes.get("band", 1)
    return [int(band) for band in bands] if whole else []


def _is_tag(key: str) -> bool:
    """Return whether an attribute is a tag: none that rioxarray or Zarr's conventions read."""
    return key not in _NOT_TEXT and not key.startswith(("spatial:", "proj:"))


def _own_metadata(array: xr.DataArray) -> RasterMetadata:
    names = _names_of(array)
    colours = np.atleast_1d(array.coords["colorinterp"].values) if "colorinterp" in array.coords else ()
    units = bands_of(array, "units", None)
    scales, offsets = bands_of(array, "scale_factor", 1), bands_of(array, "add_offset", 0)
    bands = tuple(
        BandMetadata(
            description=names[i] or None,
            unit=str(units[i]) if units[i] else None,
            scale=float(scales[i]),
            offset=float(offsets[i]),
            colorinterp=ColorInterp[str(colours[i])] if len(colours) else ColorInterp.undefined,
        )
        for i in range(array.sizes["band"])
    )
    # rioxarray keeps a file's tags as attributes, beside others of its own.
    texts = {str(key): text for key, text in array.attrs.items() if isinstance(text, str) and _is_tag(str(key))}
    return RasterMetadata(bands=bands, tags=_of_any_part({"": _time_of(array) | texts}))


def _time_of(array: xr.DataArray) -> dict[str, str]:
    """Return the tag of an array's moment, as a Zarr store's step has one; none where it tells no time, or several."""
    times = np.atleast_1d(array.coords["time"].values) if "time" in array.coords else np.empty(0)
    if times.size != 1 or times.dtype.kind != "M" or np.isnat(times[0]):
        return {}
    return {"TIME": np.datetime_as_string(times[0], "ms")}


def _names_of(array: xr.DataArray) -> list[str | None]:
    """Return the name of each band: of the coordinate ``name``, which follows selections, unless they were replaced."""
    if "band" in array.coords and array.coords["band"].dtype.kind in "UO":  # as stackstac and odc-stac name bands
        return [*map(str, np.atleast_1d(array.coords["band"].values))]
    told = bands_of(array, "long_name", None)
    if "name" not in array.coords:
        return told
    names = bands_of(array, "name", None)
    of_all = array.attrs.get("long_name", ())
    return told if any(told) and not {*names} <= {of_all if isinstance(of_all, str) else None, *of_all} else names
