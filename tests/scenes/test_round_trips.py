"""Zarr to COG to Zarr keeps pixels and all that is told of them, whoever wrote the first store."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import rioxarray  # noqa: F401  gives xarray its .rio
import xarray as xr
from rasterio.transform import from_origin

import geosal
from geosal.scenes import AnyScene, open_input

CRS, AT = "EPSG:32631", from_origin(399960, 4900020, 10, 10)
NODATA = {"uint16": 65535, "int16": -9999, "float32": float("nan")}
NAMES = ("red", "nir")
TAGS = {"PLATFORM": "Sentinel-2B", "ACQUIRED": "2022-03-01T10:20:30Z"}


def pixels_of(dtype: str) -> np.ndarray:
    rng = np.random.default_rng(5)
    made = rng.integers(0, 250, (2, 90, 70)).astype(dtype)
    if np.dtype(dtype).kind == "f":
        made += rng.random(made.shape).astype(dtype)
    made[:, :12, :9] = NODATA[dtype]
    return made


def as_tiff(folder: Path, dtype: str, *, bare: bool = False) -> Path:
    path = folder / "in.tif"
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=70,
        height=90,
        count=2,
        dtype=dtype,
        nodata=None if bare else NODATA[dtype],
        crs=CRS,
        transform=AT,
    ) as dataset:
        dataset.write(pixels_of(dtype))
        if not bare:
            dataset.descriptions, dataset.units = NAMES, ("1", "1")
            dataset.scales, dataset.offsets = (1e-4, 1e-4), (-0.1, -0.1)
            dataset.update_tags(**TAGS)
    return path


def as_array(dtype: str) -> xr.DataArray:
    """The same in xarray, its bands named as rioxarray does."""
    y, x = (4900020 - 10 * (np.arange(90) + 0.5)), 399960 + 10 * (np.arange(70) + 0.5)
    attributes = {"scale_factor": 1e-4, "add_offset": -0.1, "units": "1", "long_name": list(NAMES), **TAGS}
    coords = {"band": [1, 2], "y": y, "x": x}
    return xr.DataArray(pixels_of(dtype), coords, ("band", "y", "x"), name="image", attrs=attributes)


def by_geosal(folder: Path, dtype: str) -> str:
    geosal.compress(str(as_tiff(folder, dtype)), str(folder / "in.zarr"), saliency="uniform:saliency=1")
    return str(folder / "in.zarr")


def by_rioxarray(folder: Path, dtype: str) -> str:
    made = as_array(dtype).rio.write_crs(CRS).rio.write_transform(AT).rio.write_nodata(NODATA[dtype])
    made.to_dataset().to_zarr(folder / "in.zarr", zarr_format=2)
    return str(folder / "in.zarr")


def by_odc(folder: Path, dtype: str) -> str:
    pytest.importorskip("odc.geo.xr")
    made = as_array(dtype).odc.assign_crs(CRS)
    made.attrs["_FillValue"] = NODATA[dtype]
    made.to_dataset().to_zarr(folder / "in.zarr", zarr_format=3)
    return str(folder / "in.zarr")


def by_gdal(folder: Path, dtype: str) -> str:
    """Write pixels and their place, each band as an array: of one array of bands GDAL loses the CRS."""
    rasterio.shutil.copy(
        as_tiff(folder, dtype, bare=True), folder / "in.zarr", driver="Zarr", COMPRESS="ZSTD", SINGLE_ARRAY="NO"
    )
    return str(folder / "in.zarr")


def told(scene: AnyScene) -> dict[str, object]:
    """All that a layout says but for the tags of the jobs."""
    layout = scene.layout
    tags = {key: value for key, value in layout.metadata.tags[""].items() if not key.startswith("GEOSAL_")}
    return {
        "crs": layout.grid.rasterio_crs, "transform": layout.grid.transform, "shape": layout.grid.shape, "tags": tags,
        "dtype": layout.dtype, "nodata": str(layout.nodata),
        "bands": [(b.description, b.unit, b.scale, b.offset, b.colorinterp) for b in layout.metadata.bands],
    }  # fmt: skip


@pytest.mark.parametrize("dtype", NODATA)
@pytest.mark.parametrize("write", [by_geosal, by_rioxarray, by_odc, by_gdal])
@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
def test_zarr_to_cog_to_zarr(tmp_path: Path, write: Callable[[Path, str], str], dtype: str) -> None:
    paths = [write(tmp_path, dtype), str(tmp_path / "between.tif"), str(tmp_path / "out.zarr")]
    for source, output in pairwise(paths):
        geosal.compress(
            source, output, saliency="uniform:saliency=1", profile="deflate" if output.endswith("tif") else "zarr"
        )
    first, *others = [open_input(path) for path in paths]
    np.testing.assert_array_equal(first.read(first.grid.whole()).pixels, pixels_of(dtype))
    known = told(first)
    assert (known["crs"], known["transform"], known["nodata"]) == (
        rasterio.CRS.from_user_input(CRS), AT, "None" if write is by_gdal else str(float(NODATA[dtype]))
    )  # fmt: skip
    if write is not by_gdal:
        assert [band[:4] for band in known["bands"]] == [(name, "1", 1e-4, -0.1) for name in NAMES]
        assert TAGS.items() <= known["tags"].items()
    for scene in others:
        np.testing.assert_array_equal(scene.read(scene.grid.whole()).pixels, pixels_of(dtype))
        assert told(scene) == known
