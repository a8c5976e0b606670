"""An array lies where CF, GeoZarr, GDAL or EOPF say; coordinates go before a transform that a cut has left behind."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import rioxarray  # noqa: F401  registers `.rio`
import xarray as xr
import zarr
from rasterio.crs import CRS
from rasterio.transform import from_origin

from geosal.core.shared_raster import read_bands
from geosal.core.zarr.raster import open_zarr
from geosal.errors import GeosalWarning, SceneError

PIXELS = np.arange(30 * 40, dtype="uint16").reshape(30, 40)
X, Y = 6e5 + 10 * np.arange(40) + 5, 5e6 - 10 * np.arange(30) - 5
AT = [10.0, 0.0, 6e5, 0.0, -10.0, 5e6]
CF = {
    "grid_mapping_name": "transverse_mercator", "latitude_of_projection_origin": 0.0, "false_easting": 500000.0,
    "longitude_of_central_meridian": 9.0, "false_northing": 0.0, "scale_factor_at_central_meridian": 0.9996,
}  # fmt: skip
NODE = [10, 0, 600005, 0, -10, 4999995]


def write(path: Path, attributes: dict[str, Any], group: dict[str, Any] | None = None, **coords: np.ndarray) -> str:
    root = zarr.open_group(path, mode="w")
    root.attrs.update(group or {})
    made = root.create_array("a", data=PIXELS, dimension_names=("y", "x"))
    made.attrs.update(attributes)
    for name, values in coords.items():
        root.create_array(name, data=values, dimension_names=(name,))
    return str(path / "a")


def test_rioxarray(tmp_path: Path) -> None:
    scene = xr.DataArray(PIXELS, dims=("y", "x"), coords={"y": Y, "x": X}, name="a").rio.write_crs(32632)
    scene.rio.write_transform().to_dataset().to_zarr(tmp_path / "a.zarr", consolidated=False)
    grid = open_zarr(str(tmp_path / "a.zarr/a")).grid
    assert (grid.rasterio_crs, list(grid.transform)[:6], grid.shape) == (CRS.from_epsg(32632), AT, (30, 40))
    # A cut keeps the GeoTransform of the whole.
    scene[7:, 9:].to_dataset().to_zarr(tmp_path / "cut.zarr", consolidated=False)
    assert list(open_zarr(str(tmp_path / "cut.zarr/a")).grid.transform)[:6] == [10, 0, 6e5 + 90, 0, -10, 5e6 - 70]


@pytest.mark.parametrize("version", ["ZARR_V2", "ZARR_V3"])
def test_gdal(tmp_path: Path, version: str) -> None:
    layout = {"driver": "GTiff", "width": 40, "height": 30, "count": 1, "dtype": "uint16", "nodata": 7}
    with rasterio.open(
        tmp_path / "a.tif", "w", crs="EPSG:32632", transform=from_origin(6e5, 5e6, 10, 10), **layout
    ) as out:
        out.write(PIXELS, 1)
    rasterio.shutil.copy(tmp_path / "a.tif", tmp_path / "a.zarr", driver="Zarr", FORMAT=version)
    found = open_zarr(str(tmp_path / "a.zarr/a"))
    assert (found.grid.rasterio_crs.to_epsg(), list(found.grid.transform)[:6], found.nodata) == (32632, AT, 7)
    np.testing.assert_array_equal(read_bands(found.path, (1,), found.grid.whole(), alone=True)[0], PIXELS)


@pytest.mark.parametrize(
    "told",
    [
        {"proj:code": "EPSG:32632", "spatial:transform": AT, "spatial:shape": [30, 40]},
        {"proj:wkt2": CRS.from_epsg(32632).to_wkt(version="WKT2_2019"), "spatial:transform": AT},
        {"proj:projjson": CRS.from_epsg(32632).to_dict(projjson=True), "spatial:transform": AT},
        {"proj:epsg": 32632, "proj:transform": [*AT, 0.0, 0.0, 1.0], "proj:shape": [30, 40]},
        {"proj:code": "EPSG:32632", "spatial:transform": NODE, "spatial:registration": "node"},
    ],
    ids=["code", "wkt2", "projjson", "eopf", "node"],
)  # fmt: skip
@pytest.mark.parametrize("on", ["array", "group"])
def test_geozarr(tmp_path: Path, told: dict[str, Any], on: str) -> None:
    path = write(tmp_path / "a.zarr", told) if on == "array" else write(tmp_path / "a.zarr", {}, told)
    grid = open_zarr(path).grid
    assert (grid.rasterio_crs.to_epsg(), list(grid.transform)[:6]) == (32632, AT)


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"proj:code": "EPSG:99999"}, "its CRS is 'EPSG:99999', which PROJ does not know"),
        ({"proj:wkt2": "PROJCRS[nothing"}, "its CRS is 'PROJCRS"),
        ({"grid_mapping": "gm"}, "its CRS is 'unheard_of', which PROJ does not know"),
        (
            {"proj:code": "EPSG:32632", "spatial:transform": [0, 0, 6e5, 0, 0, 5e6]},
            "its spatial:transform is .*, which is none",
        ),
        ({"proj:code": "EPSG:32632", "proj:transform": ["a"]}, "its proj:transform is .*, which is none"),
    ],
)
def test_a_place_that_nobody_knows_is_told(tmp_path: Path, told: dict[str, Any], wanted: str) -> None:
    path = write(tmp_path / "a.zarr", {"spatial:transform": AT, **told} if "proj:transform" not in told else told)
    gm = zarr.open_group(tmp_path / "a.zarr", mode="a").create_array("gm", data=np.array(0))
    gm.attrs["grid_mapping_name"] = "unheard_of"
    with pytest.warns(GeosalWarning, match=wanted):
        grid = open_zarr(path).grid
    assert (grid.crs is None) == (told.get("proj:code") != "EPSG:32632")


def test_an_unknown_code_beside_a_known_text_is_no_matter(tmp_path: Path) -> None:
    wkt = CRS.from_epsg(32632).to_wkt(version="WKT2_2019")
    path = write(tmp_path / "a.zarr", {"proj:code": "EPSG:99999", "proj:wkt2": wkt, "spatial:transform": AT})
    assert open_zarr(path).grid.rasterio_crs.to_epsg() == 32632


def test_coordinates_go_before_a_transform_whose_shape_is_another(tmp_path: Path) -> None:
    told = {"proj:code": "EPSG:32632", "spatial:transform": AT, "spatial:shape": [60, 80]}
    path = write(tmp_path / "a.zarr", told, x=X + 100, y=Y)
    assert open_zarr(path).grid.transform.c == 6e5 + 100


def test_cf_without_wkt_and_with_rows_from_south_to_north(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", {"grid_mapping": "tm"}, x=X, y=Y[::-1])
    zarr.open_group(tmp_path / "a.zarr", mode="a").create_array("tm", data=np.array(0)).attrs.update(CF)
    grid = open_zarr(path).grid
    assert "Transverse" in (grid.crs or "")
    assert list(grid.transform)[:6] == [10, 0, 6e5, 0, 10, 5e6 - 300]


def test_a_deep_text_is_no_crs(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zarr", {"proj:projjson": "[" * 20_000, "spatial:transform": AT})
    with pytest.warns(GeosalWarning, match="CRS"):
        assert open_zarr(path).grid.crs is None


def test_degrees_without_a_crs_are_those_of_wgs84(tmp_path: Path) -> None:
    lon, lat = np.float32(-180 + 0.1 * np.arange(40)), np.float32(60 - 0.1 * np.arange(30))
    path = write(tmp_path / "a.zarr", {}, x=lon, y=lat)
    assert open_zarr(path).grid.crs is None
    root = zarr.open_group(tmp_path / "a.zarr", mode="a")
    root["x"].attrs["units"], root["y"].attrs["units"] = "degrees_east", "degrees_north"
    with pytest.warns(GeosalWarning, match="so WGS 84 is taken"):
        grid = open_zarr(path).grid
    assert grid.rasterio_crs.to_epsg() == 4326
    np.testing.assert_allclose(grid.bounds, (-180.05, 57.05, -176.05, 60.05), atol=1e-4)


def test_a_store_without_a_place(tmp_path: Path) -> None:
    assert open_zarr(write(tmp_path / "bare.zarr", {})).grid.transform.is_identity
    numbered = write(tmp_path / "numbered.zarr", {}, x=np.arange(40), y=np.arange(30))
    assert open_zarr(numbered).grid.transform.is_identity


@pytest.mark.parametrize(
    ("told", "coords", "wanted"),
    [
        ({}, {"x": X + 3 * np.sin(X), "y": Y}, "the coordinate x is not evenly spaced"),
        ({}, {"x": X, "y": np.where(np.arange(30) == 4, np.nan, Y)}, "the coordinate y is no row of numbers"),
        ({"grid_mapping": "gm"}, {}, "its GeoTransform is '1 2 three'"),
        ({"_FillValue": "none"}, {}, "its _FillValue is 'none', which is no number"),
    ],
)
def test_what_cannot_be(tmp_path: Path, told: dict[str, Any], coords: dict[str, np.ndarray], wanted: str) -> None:
    path = write(tmp_path / "a.zarr", told, **coords)
    gm = zarr.open_group(tmp_path / "a.zarr", mode="a").create_array("gm", data=np.array(0))
    gm.attrs["GeoTransform"] = "1 2 three"
    with pytest.raises(SceneError, match=wanted) as caught:
        open_zarr(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("told", "nodata"), [("NaN", "nan"), ("AAAAAAAA+H8=", "nan"), ("-9999", "-9999.0"), (3, "3.0")]
)
def test_fill_values_in_any_form(tmp_path: Path, told: object, nodata: str) -> None:
    root = zarr.open_group(tmp_path / "a.zarr", mode="w")
    root.create_array("a", data=PIXELS.astype("float32"), dimension_names=("y", "x")).attrs["_FillValue"] = told
    assert str(open_zarr(str(tmp_path / "a.zarr/a")).nodata) == nodata
