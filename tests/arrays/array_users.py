"""What people with arrays write, as they would: checked by mypy --strict, and run in fresh processes.

``python array_users.py NAME FOLDER`` runs one of them. Nothing but geosal and what made the array is imported before.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import dask.array as da
import numpy as np
import xarray as xr
from rasterio.crs import CRS

import geosal

ROWS, COLUMNS = 300, 400


def pixels(*shape: int) -> da.Array:
    """Chunks of reflectance in counts, smooth with some noise."""
    rng = np.random.default_rng(0)
    waves = 1500 + 400 * np.sin(np.indices((ROWS, COLUMNS)).sum(axis=0) / 15)
    samples = np.broadcast_to(waves, (*shape, ROWS, COLUMNS)) + rng.normal(0, 90, (*shape, ROWS, COLUMNS))
    found: da.Array = da.from_array(samples.astype(np.uint16), chunks=(1,) * len(shape) + (128, 128))
    return found


class Place(os.PathLike[str]):
    """A path object of one's own."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


def rioxarray_user(folder: Path) -> None:
    """Open, look, smooth, write, judge."""
    import rioxarray

    made = xr.DataArray(pixels(3), dims=("band", "y", "x"))
    geosal.write(made, folder / "in.tif", overwrite=True)
    scene = rioxarray.open_rasterio(folder / "in.tif", chunks={"x": 128, "y": 128})
    assert isinstance(scene, xr.DataArray)
    saliency = geosal.saliency("detail:scales=2", like=scene, background=0.0, combine=None)
    smooth = geosal.smooth(scene, saliency, geosal.Ladder(steps=4))
    written: str = geosal.write(smooth, Place(folder / "smooth.tif"), profile="zstd", creation_options={"LEVEL": 3})
    comparison: geosal.Comparison = geosal.compare(folder / "in.tif", written, saliency="detail:scales=2")
    assert comparison.scores("salient").max_error == 0
    summary: geosal.Summary = geosal.compress(
        folder / "in.tif", Place(folder / "out.jp2"), saliency=folder / "smooth.tif:band=1,range=0-65535", steps=6
    )
    assert summary.bits_per_pixel > 0


def odc_user(folder: Path) -> None:
    """A Dataset of bands over time in degrees, and a region to keep."""
    names = ("red", "green", "blue")
    coords = {
        "time": np.array(["2024-05-01", "2024-05-11"], "datetime64[ns]"),
        "latitude": 46.5 - 1e-4 * np.arange(ROWS),
        "longitude": 7.2 + 1e-4 * np.arange(COLUMNS),
    }
    dims = ("time", "latitude", "longitude")
    dataset = xr.Dataset({name: (dims, pixels(2), {"nodata": 0}) for name in names}, coords=coords)
    dataset = dataset.assign_coords(spatial_ref=((), 4326, {"crs_wkt": CRS.from_epsg(4326).to_wkt()}))
    for name in names:
        dataset[name].encoding["grid_mapping"] = "spatial_ref"
    moment = dataset.isel(time=0)
    region = {
        "type": "Polygon",
        "coordinates": [[[7.21, 46.49], [7.22, 46.49], [7.22, 46.48], [7.21, 46.48], [7.21, 46.49]]],
    }

    class Region:
        __geo_interface__ = region
        crs = "EPSG:4326"

    saliency = geosal.saliency([Region()], like=moment)
    summary = moment.geosal.compress(
        folder / "moment.jpg", saliency, to_byte="percentile:2-98", treatment="quality", overwrite=True
    )
    assert summary.count == 3
    smooth = geosal.smooth(dataset, saliency)
    assert smooth["red"].dims == dims
    assert "spatial_ref" in smooth.coords


def stackstac_user(folder: Path) -> None:
    """One array of time and named bands, floats with NaN, the CRS in an attribute."""
    coords = {
        "time": [0, 1],
        "band": ["B04", "B08"],
        "y": 5_000_000 - 10.0 * np.arange(ROWS),
        "x": 400_000 + 10.0 * np.arange(COLUMNS),
        "epsg": 32631,
    }
    stack = xr.DataArray(
        pixels(2, 2).astype("float32"), dims=("time", "band", "y", "x"), coords=coords, attrs={"crs": "epsg:32631"}
    )
    ndvi = geosal.saliency("spectral:index=ndvi,nir=B08,red=B04,low=-0.1", like=stack)
    assert ndvi.dims == ("time", "y", "x")
    smooth = geosal.smooth(stack, ndvi)
    geosal.write(smooth.isel(time=1), folder / "smooth.tif", profile="zstd", workers=2)
    opened = geosal.open_scene(folder / "smooth.tif", to_byte="range:0-3000")
    assert opened.attrs["long_name"] == ("B04", "B08")


def series_user(folder: Path) -> None:
    """A cube of one band over time, a mask in memory, and one lossy file a step with the same options as the CLI."""
    cube = xr.DataArray(pixels(3), dims=("time", "y", "x"), name="radar")
    keep = np.zeros((ROWS, COLUMNS), np.bool_)
    keep[100:200, 100:200] = True
    smooth = geosal.smooth(cube, keep)
    assert smooth.dims == cube.dims
    done: list[float] = []

    def note(progress: geosal.Progress) -> None:
        done.append(progress.done)

    job: Callable[..., geosal.Summary] = cube.isel(time=2).geosal.compress
    job(folder / "step.tif", keep, profile="lerc", treatment=["smooth", "bound:error=8"], target_bpp=8.0, progress=note)
    assert done
    figures = geosal.compare(folder / "step.tif", folder / "step.tif", steps_of(keep))
    assert figures.scores("whole").mse == 0


def steps_of(keep: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> str:
    """A SOURCE for files, where an array would be one for arrays."""
    return "half" if keep.any() else "uniform:saliency=1"


USERS: dict[str, Callable[[Path], None]] = {
    "rioxarray": rioxarray_user,
    "odc": odc_user,
    "stackstac": stackstac_user,
    "series": series_user,
}

if __name__ == "__main__":
    USERS[sys.argv[1]](Path(sys.argv[2]))
