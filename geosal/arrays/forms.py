"""Arrays as other libraries make them, brought to geosal's form: dimensions (band, y, x), or more before them.

rioxarray says ``(band, y, x)``, stackstac ``(time, band, y, x)``, odc-stac a Dataset of
``(time, latitude, longitude)``. Names and order are theirs again in what comes back.
"""

from collections.abc import Hashable
from typing import Any

import rioxarray  # noqa: F401  registers `.rio`, whoever made the array
import xarray as xr

from geosal.errors import SceneError

_PAIRS = (("y", "x"), ("latitude", "longitude"), ("lat", "lon"), ("northing", "easting"))
"""Names of the rows and the columns, in lower case."""
_BANDS = frozenset({"bands", "variable", "channel", "channels", "wavelength"})
"""Names of the dimension of bands beside ``band``."""


def as_series(given: object) -> xr.DataArray:
    """Bring an array to (…, y, x) or (…, band, y, x), whatever it has before those.

    Parameters
    ----------
    given
        A DataArray, or a Dataset whose variables are bands.

    Raises
    ------
    SceneError
        It is neither, has no rows and columns that can be told, or no pixels.
    """
    if isinstance(given, xr.Dataset):
        given = stacked(given)
    if not isinstance(given, xr.DataArray):
        raise SceneError(
            f"a scene is an xarray.DataArray, this is a {type(given).__name__}; make one: xarray.DataArray(pixels, "
            "dims=('band', 'y', 'x'))"
        )
    y, x = spatial_names(given)
    names: dict[Hashable, Hashable] = {old: new for old, new in ((y, "y"), (x, "x")) if old != new}
    if "band" not in given.dims:
        names |= {name: "band" for name in given.dims if str(name).lower() in _BANDS}
    if taken := [new for new in names.values() if new in given.coords and new not in given.dims]:
        given = given.drop_vars(taken)
    array: xr.DataArray = given.rename(names) if names else given
    array.encoding = dict(given.encoding)
    last = (*(("band",) if "band" in array.dims else ()), "y", "x")
    array = array if array.dims[-len(last) :] == last else _with_encoding(array.transpose(..., *last), array)
    if 0 in array.shape:
        raise SceneError(f"the array has no pixels, its sizes are {dict(given.sizes)}; cut out a part that has some")
    return array


def as_scene(given: object) -> xr.DataArray:
    """Bring an array to (band, y, x) or (y, x); other dimensions of one step are left out.

    Raises
    ------
    SceneError
        As `as_series`, or there are several steps of another dimension.
    """
    array = as_series(given)
    others = others_of(array)
    if single := [name for name in others if array.sizes[name] == 1]:
        array = _with_encoding(array.isel(dict.fromkeys(single, 0)), array)
    several = [name for name in others if name not in single]
    if several:
        name = several[0]
        mend = f"choose one {name}: array.isel({name}=0)"
        if "band" not in array.dims:
            mend += f"; or call it bands: array.rename({name}='band')"
        raise SceneError(
            f"a scene has the dimensions (band, y, x) or (y, x), this one also {name}, of {array.sizes[name]} steps; "
            f"{mend}"
        )
    return array


def others_of(array: xr.DataArray) -> list[Hashable]:
    """Dimensions of an array of ours beside band, y and x, such as time."""
    return [name for name in array.dims if name not in {"band", "y", "x"}]


def as_given(result: xr.DataArray, given: xr.DataArray) -> xr.DataArray:
    """Give a result the names and the order of the dimensions of the array that it was made of.

    Parameters
    ----------
    result
        With our names; some of the dimensions of `given`.
    given
        The user's.
    """
    names: dict[Hashable, Hashable] = dict(zip(("y", "x"), spatial_names(given), strict=True))
    if "band" not in given.dims:
        names["band"] = next((name for name in given.dims if str(name).lower() in _BANDS), "band")
    names = {old: new for old, new in names.items() if old != new and old in {*result.dims, *result.coords}}
    back = result.rename(names) if names else result
    order = [name for name in given.dims if name in back.dims]
    return _with_encoding(back if list(back.dims) == order else back.transpose(*order), result)


def spatial_names(array: xr.DataArray) -> tuple[Hashable, Hashable]:
    """Names of the dimensions that are rows and columns.

    Raises
    ------
    SceneError
        Nothing tells which they are.
    """
    known = {str(name).lower(): name for name in array.dims}
    for y, x in _PAIRS:
        if y in known and x in known:
            return known[y], known[x]
    told = {array.coords[name].attrs.get("axis"): name for name in array.dims if name in array.coords}
    if "Y" in told and "X" in told:
        return told["Y"], told["X"]
    raise SceneError(f"a scene has the dimensions (band, y, x) or (y, x), this one {array.dims}; {_mend(array, known)}")


def _mend(array: xr.DataArray, known: dict[str, Hashable]) -> str:
    """Say how an array comes to rows and columns, where it names at most one of them."""
    lacking = next((y if x in known else x for y, x in _PAIRS if (y in known) != (x in known)), None)
    others = [name for name in array.dims if str(name).lower() not in {*sum(_PAIRS, ()), *_BANDS, "band", "time"}]
    if array.ndim < 2 or (lacking and not others):
        name = lacking or "x"
        return f"keep both: array.isel({name}=[0]) in the place of array.isel({name}=0)"
    if lacking:
        return f"name the other one: array.rename({others[-1]}='{lacking}')"
    return f"name them so: array.rename({dict(zip(array.dims[-2:], ('y', 'x'), strict=True))})"


def stacked(given: xr.Dataset) -> xr.DataArray:
    """Variables of a Dataset as the bands of one array, by their names.

    Raises
    ------
    SceneError
        It has no variables with rows and columns, or they differ in type or dimensions.
    """
    found = spatial_variables(given)
    dtypes = sorted({str(array.dtype) for array in found.values()})
    if len(dtypes) > 1:
        raise SceneError(
            f"variables of different types ({', '.join(dtypes)}); choose alike ones: dataset[[NAME, NAME]], or convert "
            "them: dataset.astype('float32')"
        )
    if len(dims := {array.dims for array in found.values()}) > 1:
        raise SceneError(f"variables of different dimensions {sorted(map(str, dims))}; choose alike ones: dataset[[…]]")
    first = next(iter(found.values()))
    band = xr.Variable("band", list(map(str, found)))
    array: xr.DataArray = xr.concat(
        list(found.values()), band, combine_attrs="drop_conflicts", coords="minimal", compat="override", join="override"
    )
    array.encoding = {key: value for key, value in first.encoding.items() if key in {"grid_mapping", "_FillValue"}}
    array.name = None
    return array.transpose(..., "band", *spatial_names(first))


def spatial_variables(given: xr.Dataset) -> dict[Hashable, xr.DataArray]:
    """Variables of a Dataset that have rows and columns; what describes a grid, such as ``spatial_ref``, goes along.

    Raises
    ------
    SceneError
        There are none.
    """
    described = given.set_coords([name for name, array in given.data_vars.items() if array.ndim == 0])
    found = {name: array for name, array in described.data_vars.items() if _has_place(array)}
    if not found:
        has = ", ".join(map(str, given.data_vars)) or "none"
        raise SceneError(f"the Dataset has no variable with rows and columns; it has {has}; give one that has some")
    return found


def _has_place(array: xr.DataArray) -> bool:
    try:
        spatial_names(array)
    except SceneError:
        return False
    return True


def _with_encoding(result: Any, array: xr.DataArray) -> xr.DataArray:
    result.encoding = dict(array.encoding)
    checked: xr.DataArray = result
    return checked
