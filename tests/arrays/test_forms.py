"""Arrays as other libraries make them, and back."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr

import geosal
from geosal import SceneError
from geosal.arrays.forms import as_given, as_scene, as_series, stacked


def a_cube(*dims: str, **sizes: int) -> xr.DataArray:
    shape = tuple(sizes[name] for name in dims)
    return xr.DataArray(np.arange(np.prod(shape), dtype=np.uint8).reshape(shape), dims=dims)


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        (a_cube("y", "x", "band", y=4, x=5, band=3), ("band", "y", "x")),
        (a_cube("latitude", "longitude", latitude=4, longitude=5), ("y", "x")),
        (a_cube("time", "lat", "lon", time=2, lat=4, lon=5), ("time", "y", "x")),
        (a_cube("variable", "Y", "X", variable=3, Y=4, X=5), ("band", "y", "x")),
        (a_cube("band", "time", "x", "y", band=3, time=2, x=5, y=4), ("time", "band", "y", "x")),
    ],
)
def test_names_and_order_go_there_and_back(given: xr.DataArray, ours: tuple[str, ...]) -> None:
    given.encoding["source"] = "kept"
    series = as_series(given)
    assert series.dims == ours
    assert series.encoding == given.encoding
    xr.testing.assert_identical(as_given(series, given), given)


def test_axes_are_known_by_their_attributes_as_well() -> None:
    coords = {"row": ("row", [2.0, 1.0], {"axis": "Y"}), "col": ("col", [0.0, 1.0, 2.0], {"axis": "X"})}
    assert as_series(xr.DataArray(np.zeros((3, 2)), dims=("col", "row"), coords=coords)).dims == ("y", "x")


@pytest.mark.parametrize(
    ("dims", "mend"),
    [
        (("y",), r"keep both: array\.isel\(x=\[0\]\) in the place of array\.isel\(x=0\)"),
        (("band", "x"), r"keep both: array\.isel\(y=\[0\]\)"),
        ((), r"keep both: array\.isel\(x=\[0\]\)"),
        (("row", "x"), r"name the other one: array\.rename\(row='y'\)"),
        (("band", "latitude", "column"), r"name the other one: array\.rename\(column='longitude'\)"),
        (("band", "row", "column"), r"name them so: array\.rename\(\{'row': 'y', 'column': 'x'\}\)"),
    ],
)
def test_what_lacks_rows_or_columns_is_told_how_to_have_them(dims: tuple[str, ...], mend: str) -> None:
    given = xr.DataArray(np.zeros((3,) * len(dims), np.uint8), dims=dims)
    with pytest.raises(SceneError, match=mend):
        as_series(given)


def test_steps_of_which_there_is_one_are_left_out() -> None:
    assert as_scene(a_cube("time", "band", "y", "x", time=1, band=3, y=4, x=5)).dims == ("band", "y", "x")
    with pytest.raises(SceneError, match=r"also time, of 2 steps; .*isel\(time=0\); or call it bands"):
        as_scene(a_cube("time", "y", "x", time=2, y=4, x=5))


def odc_like() -> xr.Dataset:
    """As odc-stac loads: a variable each band, time, the CRS in a coordinate, nodata in attributes."""
    rng = np.random.default_rng(0)
    coords = {"time": [0, 1], "latitude": 46 - np.arange(40) * 1e-4, "longitude": 7 + np.arange(50) * 1e-4}
    dims = ("time", "latitude", "longitude")
    found = xr.Dataset(
        {
            name: (dims, da.from_array(rng.integers(1, 3000, (2, 40, 50)).astype(np.uint16), chunks=(1, 30, 30)))
            for name in ("red", "green", "blue", "nir")
        },
        coords=coords,
    ).rio.write_crs(4326)
    for array in found.data_vars.values():
        array.attrs["nodata"] = 0
    return found


def test_variables_of_a_dataset_are_bands_by_their_names() -> None:
    array = stacked(odc_like())
    assert array.dims == ("time", "band", "latitude", "longitude")
    assert list(array.band.values) == ["red", "green", "blue", "nir"]
    assert array.chunks is not None
    assert (array.rio.nodata, array.rio.crs) == (0, 4326)
    mixed = odc_like().assign(red=odc_like().red.astype("f4"))
    with pytest.raises(SceneError, match=r"different types \(float32, uint16\)"):
        stacked(mixed)


def test_a_dataset_goes_through_all_methods(tmp_path) -> None:
    dataset = odc_like()
    moment = dataset.isel(time=0)
    saliency = moment.geosal.saliency("spectral:index=ndvi")
    assert saliency.dims == ("latitude", "longitude")
    smooth = dataset.geosal.smooth(saliency)
    assert isinstance(smooth, xr.Dataset)
    assert smooth.red.dims == dataset.red.dims
    expected = geosal.smooth(moment.red, saliency)
    np.testing.assert_array_equal(smooth.red.isel(time=0), expected)
    summary = moment.geosal.compress(tmp_path / "a.tif", saliency, profile="zstd", treatment="smooth")
    assert summary.count == 4
    written = geosal.open_scene(tmp_path / "a.tif")
    np.testing.assert_array_equal(written[0], expected)
    assert written.attrs["long_name"] == ("red", "green", "blue", "nir")
    assert (written.rio.crs, written.rio.nodata) == (4326, 0)
    assert moment.geosal.compare(tmp_path / "a.tif", saliency).scores("salient").max_error == 0
    assert moment.geosal.write(tmp_path / "b.tif") == str(tmp_path / "b.tif")
