"""Arrays of xarray, as they are changed and written."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from cases.frame import case
from rasterio.transform import from_origin

import geosal


def _scene(folder: Path) -> xr.DataArray:
    profile = {"driver": "GTiff", "count": 3, "height": 200, "width": 200, "dtype": "uint8", "crs": "EPSG:32631"}
    with rasterio.open(folder / "s.tif", "w", **profile, transform=from_origin(5e5, 5e6, 10, 10)) as dataset:
        dataset.write(np.random.default_rng(0).integers(1, 255, (3, 200, 200), np.uint8))
    return geosal.open_scene(str(folder / "s.tif"))


@case("array-thinned", "a thinned array is written with its own pixel size")
def array_thinned(folder: Path) -> None:
    geosal.write(_scene(folder)[:, ::2, ::2], str(folder / "o.tif"))
    with rasterio.open(folder / "o.tif") as dataset:
        assert dataset.res == (20, 20), dataset.res


@case("array-turned", "an array sorted by y lies where its coordinates say")
def array_turned(folder: Path) -> None:
    geosal.write(_scene(folder).sortby("y"), str(folder / "o.tif"))
    with rasterio.open(folder / "o.tif") as dataset:
        assert (dataset.transform.e, dataset.transform.f) == (10, 4998000), dataset.transform


@case("array-saliency", "saliency of an averaged array is read where it lies")
def array_saliency(folder: Path) -> None:
    scene, mask = _scene(folder), np.zeros((1, 200, 200), np.uint8)
    mask[:, :, 100:] = 1
    profile = {"driver": "GTiff", "count": 1, "height": 200, "width": 200, "dtype": "uint8", "crs": "EPSG:32631"}
    with rasterio.open(folder / "m.tif", "w", **profile, transform=from_origin(5e5, 5e6, 10, 10)) as dataset:
        dataset.write(mask)
    found = geosal.saliency(str(folder / "m.tif"), like=scene.coarsen(y=2, x=2).mean())
    np.testing.assert_array_equal(found.values, mask[0, ::2, ::2])


@case("array-one-band", "one variable, or a band without its number, is written")
def array_one_band(folder: Path) -> None:
    geosal.write(_scene(folder).isel(band=0, drop=True), str(folder / "o.tif"))
    with rasterio.open(folder / "o.tif") as dataset:
        assert dataset.count == 1


@case("array-text-bands", "bands that text names are written under their names")
def array_text_bands(folder: Path) -> None:
    geosal.write(_scene(folder).assign_coords(band=["B04", "B03", "B02"]), str(folder / "o.tif"))
    with rasterio.open(folder / "o.tif") as dataset:
        assert dataset.descriptions == ("B04", "B03", "B02"), dataset.descriptions


@case("array-fresh-session", "arrays that geosal did not open have what it needs")
def array_fresh_session(folder: Path) -> None:
    code = (
        "import numpy as np, xarray as xr, geosal\n"
        "a = xr.DataArray(np.zeros((40, 40), np.uint8), dims=('y', 'x'))\n"
        "geosal.smooth(a, geosal.saliency('half', like=a)).compute()\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr.strip().splitlines()[-1]


@case("array-dimensions", "other dimensions are refused with the way to the right ones")
def array_dimensions(folder: Path) -> None:
    array = xr.DataArray(np.zeros((2, 40, 40), np.uint8), dims=("time", "y", "x"))
    with pytest.raises(geosal.SceneError, match=r"isel\(time=0\)"):
        geosal.write(array, folder / "o.tif")
    with pytest.raises(geosal.SceneError, match=r"rename\({'row': 'y', 'col': 'x'}\)"):
        geosal.saliency("half", like=xr.DataArray(np.zeros((40, 40)), dims=("row", "col")))
