"""Where an array lies: its grid, as its coordinates tell it.

rioxarray keeps the transform of the file beside the coordinates. Thinning, averaging, interpolating and turning an
array change the coordinates alone, so they are asked first.
"""

import numpy as np
import rioxarray  # noqa: F401  registers `.rio`, whoever made the array
import xarray as xr
from affine import Affine
from numpy.typing import NDArray

from geosal.errors import SceneError
from geosal.grid import Grid

_TOLERANCE = 0.01
"""Of a pixel: coordinates that differ by less are the same; those of degrees are often rounded."""
_CENTRE = 0.5


def grid_of(scene: xr.DataArray) -> Grid:
    """Read the grid of an array (…, y, x) from its coordinates, and from rioxarray's transform what they leave open.

    Parameters
    ----------
    scene
        With the coordinates ``y`` and ``x``, or, on a rotated grid, ``yc`` and ``xc`` (y, x) as rioxarray has them.
        Without any, the transform of ``spatial_ref`` counts, and without that the identity.

    Raises
    ------
    SceneError
        The coordinates are not evenly spaced, or name no numbers.
    """
    height, width = scene.shape[-2:]
    return Grid.from_crs(scene.rio.crs, _transform_of(scene), height, width)


def check_dimensions(scene: object) -> None:
    """Refuse what is no scene of the dimensions (band, y, x) or (y, x), with the way to one.

    Raises
    ------
    SceneError
        It is no DataArray, or has other dimensions.
    """
    if not isinstance(scene, xr.DataArray):
        mend = "choose one of its arrays, or stack them: dataset.to_array('band')"
        if not isinstance(scene, xr.Dataset):
            mend = "make one: xarray.DataArray(pixels, dims=('band', 'y', 'x'))"
        raise SceneError(f"a scene is an xarray.DataArray, this is a {type(scene).__name__}; {mend}")
    if scene.dims in (("band", "y", "x"), ("y", "x")):
        return
    names = dict(zip(scene.dims[-2:], ("y", "x"), strict=False))
    others = [name for name in scene.dims[:-2] if name != "band"]
    if set(scene.dims) in ({"band", "y", "x"}, {"y", "x"}):
        mend = "transpose it: array.transpose(..., 'y', 'x')"
    elif others and scene.dims[-2:] == ("y", "x"):
        mend = f"choose one {others[0]}: array.isel({others[0]}=0); or call it bands: array.rename({others[0]}='band')"
    else:
        mend = f"name them so: array.rename({names})"
    raise SceneError(f"a scene has the dimensions (band, y, x) or (y, x), this one {scene.dims}; {mend}")


def _transform_of(scene: xr.DataArray) -> Affine:
    kept = _kept_transform(scene)
    y, x = scene.dims[-2:]
    if y in scene.coords and x in scene.coords:
        if kept is not None and (kept.b or kept.d):
            raise SceneError(
                "the array has a rotated transform and coordinates of an upright grid; drop one of them: "
                f"array.drop_vars(['{x}', '{y}']), or array.rio.write_transform(...)"
            )
        left, across = _axis(str(x), scene.coords[x].values, None if kept is None else (kept.c, kept.a), 1.0)
        top, down = _axis(str(y), scene.coords[y].values, None if kept is None else (kept.f, kept.e), -1.0)
        return Affine(across, 0.0, left, 0.0, down, top)
    if "xc" in scene.coords and "yc" in scene.coords and scene.coords["xc"].ndim == 2:
        return _rotated(kept, scene.coords["xc"].values, scene.coords["yc"].values)
    return Affine.identity() if kept is None else kept


def _kept_transform(scene: xr.DataArray) -> Affine | None:
    """What the array's grid mapping says, whatever became of its coordinates."""
    text = scene.coords[scene.rio.grid_mapping].attrs.get("GeoTransform") if _has_mapping(scene) else None
    return None if text is None else Affine.from_gdal(*map(float, str(text).split()))


def _has_mapping(scene: xr.DataArray) -> bool:
    return scene.rio.grid_mapping in scene.coords


def _axis(
    name: str, coordinates: NDArray[np.generic], kept: tuple[float, float] | None, otherwise: float
) -> tuple[float, float]:
    """Tell where an axis begins and how far its pixels lie apart.

    Parameters
    ----------
    name
        Of the axis, for messages.
    coordinates
        (n,), centres of pixels.
    kept
        Beginning and distance of the file's pixels. Where the coordinates lie on them, theirs are the exact numbers.
    otherwise
        Distance for a single pixel of which nothing else tells.
    """
    centres = _numbers(coordinates)
    step = _step(name, centres, otherwise if kept is None else kept[1])
    if kept is None:
        return float(centres[0]) - _CENTRE * step, step
    origin, unit = kept
    times = round(step / unit)
    if times and abs(times * unit - step) * centres.size < _TOLERANCE * abs(unit):
        step = times * unit
    begin = float(centres[0]) - _CENTRE * step
    halves = 2 * (begin - origin) / unit  # thinning puts pixels of two half a pixel off
    if abs(halves - round(halves)) < 2 * _TOLERANCE:
        begin = origin + round(halves) / 2 * unit
    return begin, step


def _step(axis: str, centres: NDArray[np.float64], otherwise: float) -> float:
    """Distance of two pixels; of a single one the coordinates do not tell it."""
    if centres.size < 2:
        return otherwise
    step = float(centres[-1] - centres[0]) / (centres.size - 1)
    even = centres[0] + np.arange(centres.size) * step
    if step == 0 or np.abs(centres - even).max() > _TOLERANCE * abs(step):
        gaps = np.abs(np.diff(centres))
        raise SceneError(
            f"the coordinate {axis} is not evenly spaced (steps of {gaps.min():g} to {gaps.max():g}), and a raster is; "
            f"bring the array to a grid first: array.interp({axis}=...), or array.rio.reproject(...)"
        )
    return step


def _rotated(kept: Affine | None, xs: NDArray[np.float64], ys: NDArray[np.float64]) -> Affine:
    """Find the transform whose pixels have these centres, (y, x) each; `kept` tells of a single row or column."""
    known = Affine.identity() if kept is None else kept
    down = [known.b, known.e] if xs.shape[0] == 1 else [float(c[-1, 0] - c[0, 0]) / (len(c) - 1) for c in (xs, ys)]
    across = (
        [known.a, known.d] if xs.shape[1] == 1 else [float(c[0, -1] - c[0, 0]) / (c.shape[1] - 1) for c in (xs, ys)]
    )
    left, top = (float(c[0, 0]) - _CENTRE * (a + d) for c, a, d in zip((xs, ys), across, down, strict=True))
    found = Affine(across[0], down[0], left, across[1], down[1], top)
    unit = _TOLERANCE * max(map(abs, (*across, *down)))
    return kept if kept is not None and kept.almost_equals(found, unit) else found


def _numbers(axis: NDArray[np.generic]) -> NDArray[np.float64]:
    try:
        return np.asarray(axis, np.float64)
    except (TypeError, ValueError) as error:
        raise SceneError(
            f"the coordinates of an array are numbers of its CRS, these are {axis.dtype}; assign such: "
            "array.assign_coords(x=..., y=...)"
        ) from error
