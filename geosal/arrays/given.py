"""What callers of Python give as sources of saliency beside texts: geometries, tables of them, arrays."""

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import shapely
import shapely.geometry
import xarray as xr
from numpy.typing import NDArray
from shapely.errors import ShapelyError

from geosal.arrays.array_scene import samples_of
from geosal.arrays.coordinates import grid_of
from geosal.arrays.forms import as_scene
from geosal.arrays.samples import ArraySamples, InMemory
from geosal.core.grid import Grid
from geosal.core.raster import told_nodata
from geosal.errors import SaliencyError, UsageError
from geosal.sizes import counted
from geosal.sources.masks.given import ArrayMask, MaskOpener, digest_of
from geosal.sources.text import Given, SourceText
from geosal.sources.vectors.given import Shapes

_TILE = 512


def given_sources(sources: object, like: xr.DataArray) -> list[SourceText]:
    """Take one source or several, as a caller gave them.

    Parameters
    ----------
    sources
        Texts, paths, geometries, GeoDataFrames, arrays, or a list of such.
    like
        The scene, (…, y, x).

    Raises
    ------
    UsageError
        One of them is nothing that tells where to look.
    SaliencyError
        An array does not fit the scene.
    """
    several = list(sources) if isinstance(sources, list | tuple) else [sources]
    bare = [source for source in several if isinstance(source, shapely.Geometry)]
    found = [_given(source, like) for source in several if not isinstance(source, shapely.Geometry)]
    if bare:
        text = f"{len(bare)} geometries" if len(bare) > 1 else f"a {bare[0].geom_type}"
        found.append(Given(text, "geometries", (), opener=Shapes(np.array(bare, object), None)))
    return found


def _given(source: object, like: xr.DataArray) -> SourceText:
    if isinstance(source, SourceText):
        return source
    if isinstance(source, str | os.PathLike):
        text = os.fspath(source)
        if isinstance(text, str):
            return SourceText.parse(text)
    elif isinstance(source, xr.DataArray | xr.Dataset):
        return mask_of(as_scene(source), grid_of(like))
    elif isinstance(source, np.ndarray) and source.dtype != object:
        return _mask_of_pixels(source, grid_of(like))
    elif (found := _geometries_of(source)) is not None:
        return _shapes_of(source, *found)
    raise UsageError(
        f"a source of saliency is a name, a path, an array, a GeoDataFrame or a geometry, not {type(source).__name__}; "
        "see geosal sources"
    )


def mask_of(array: xr.DataArray, grid: Grid, samples: ArraySamples | None = None) -> Given:
    """Take a DataArray as a mask, which lies where its coordinates say.

    Parameters
    ----------
    array
        (y, x), or of one band.
    grid
        Of the scene: its CRS is meant where the array has none, and its place where the array has none either.
    samples
        Where its samples come from; by default its own memory, or its chunks.

    Raises
    ------
    SaliencyError
        It has several bands.
    """
    if array.sizes.get("band", 1) > 1:
        raise SaliencyError(
            f"the array has {array.sizes['band']} bands, and a saliency has one; choose it: array.isel(band=0)"
        )
    stacked = array if "band" in array.dims else array.expand_dims("band")
    own = grid_of(stacked)
    if own.crs is None:
        own = replace(own, crs=grid.crs)
    if own.transform.is_identity and own.shape == grid.shape:
        own = grid
    found = samples_of(stacked) if samples is None else samples
    told = array.attrs.get("source") if array.name == "saliency" else None
    label = f"an array made of {told}" if told else f"array {array.name}" if array.name is not None else "an array"
    height, width = (max(sizes) for sizes in array.chunks[-2:]) if array.chunks is not None else (_TILE, _TILE)
    return _mask(label, found, stacked.dtype, own, (height, width), _own_nodata(stacked))


def _own_nodata(array: xr.DataArray) -> float | None:
    """Return the nodata code of a mask; none of floats that were computed from integers, and have kept their code.

    xarray carries ``_FillValue`` through arithmetic, and 0 of a scene is no 0 of a saliency that was made of it.
    """
    told = array.attrs.get("_FillValue")
    is_inherited = array.dtype.kind == "f" and np.asarray(told).dtype.kind in "iu"
    return None if is_inherited else told_nodata(array)


def _mask_of_pixels(pixels: NDArray[Any], grid: Grid) -> Given:
    """Take an ndarray as a mask on the scene's pixels."""
    if pixels.shape != grid.shape:
        raise SaliencyError(
            f"an ndarray of the shape {pixels.shape} for a scene of {grid.shape} rows and columns; give one of that "
            "shape, or a DataArray with coordinates"
        )
    return _mask("an ndarray", InMemory(pixels[np.newaxis], None), pixels.dtype, grid, (_TILE, _TILE), None)


def _mask(
    text: str,
    samples: ArraySamples,
    dtype: np.dtype[Any],
    grid: Grid,
    blocks: tuple[int, int],
    nodata: float | None,
) -> Given:
    if dtype.kind not in "buif":
        raise SaliencyError(f"{text} holds {dtype}; a saliency is a number from 0 to 1, or a byte of a mask")
    in_memory = samples if isinstance(samples, InMemory) else None
    mask = ArrayMask(
        path=text,
        band=1,
        grid=grid,
        dtype="uint8" if dtype.kind == "b" else dtype.name,
        block_shape=blocks,
        all_valid=dtype.kind != "f" and nodata is None and (in_memory is None or in_memory.mask is None),
        paletted=False,
        samples=samples,
        nodata=nodata,
        digest=None if in_memory is None else digest_of(in_memory.pixels),
    )
    return Given(text, "array", (), opener=MaskOpener(mask, (0.0, 1.0) if dtype.kind == "b" else None))


def _shapes_of(source: Any, geometries: NDArray[Any], values: object) -> Given:
    """Take geometries, and a saliency for each or none, of what may have a CRS."""
    crs = getattr(source, "crs", None)
    text = f"a {type(source).__name__} of {counted(len(geometries), 'feature')}"
    try:
        saliency = None if values is None else np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise SaliencyError(f"{text}: its column saliency holds no numbers; convert it, or leave it out") from error
    return Given(text, "geometries", (), opener=Shapes(geometries, None if crs is None else _crs_text(crs), saliency))


def _geometries_of(source: Any) -> tuple[NDArray[Any], object] | None:
    """Geometries of a GeoDataFrame, a GeoSeries, a row or an array of them, or of what tells of itself as GeoJSON.

    Their saliencies are a column, or a property of all; None where there are none. None of what has no geometries.
    """
    if hasattr(source, "geometry"):
        found = source.geometry
        geometries = [found] if isinstance(found, shapely.Geometry) else list(found)
        names = source.columns if hasattr(source, "columns") else getattr(source, "index", ())
        values = source["saliency"] if "saliency" in names else None
        return _objects(geometries), [values] if isinstance(found, shapely.Geometry) and values is not None else values
    if hasattr(source, "__geo_interface__"):
        return _of_interface(source.__geo_interface__)
    if hasattr(source, "__array__"):  # geometries without a table
        found = np.asarray(source, object).ravel()
        if all(each is None or isinstance(each, shapely.Geometry) for each in found):
            return found, None
    return None


def _objects(geometries: list[Any]) -> NDArray[Any]:
    found = np.empty(len(geometries), object)
    found[:] = geometries
    return found


def _of_interface(told: dict[str, Any]) -> tuple[NDArray[Any], object]:
    """Geometries of GeoJSON's objects, and their property ``saliency``, where all have it."""
    try:
        features = told["features"] if told.get("type") == "FeatureCollection" else [told]
        shapes = [
            shapely.geometry.shape(each["geometry"] if each.get("type") == "Feature" else each) for each in features
        ]
        said = [(each.get("properties") or {}).get("saliency") for each in features]
    except (AttributeError, KeyError, TypeError, ValueError, ShapelyError) as error:
        cause = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise SaliencyError(f"a __geo_interface__ that is no GeoJSON ({cause}); give geometries of shapely") from error
    return _objects(shapes), None if None in said else said


def _crs_text(crs: Any) -> str:
    """A CRS as text that pyproj takes."""
    return str(crs.to_wkt()) if hasattr(crs, "to_wkt") else str(crs)


def texts_of(sources: Iterable[SourceText]) -> list[str]:
    """What the sources are called."""
    return [source.text for source in sources]
