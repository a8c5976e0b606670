"""Count the requests that a window takes over HTTP: of our files, and of GDAL's own of the same pixels.

A scene is made and written by geosal and by GDAL with the same options. All are served from this machine; each is
opened anew and a window of 500 x 500 px is read, by GDAL as rasterio opens it, by GDAL told to look for nothing beside
a file, and by geosal (Zarr also by xarray). Requests and bytes do not depend on the machine; times would.
"""

import argparse
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from report import put

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from servers import Files, serving

import geosal
from geosal.core.grid import Block
from geosal.scenes.opening import open_input

WINDOW = 500
_READDIR = "GDAL_DISABLE_READDIR_ON_OPEN"
WAYS = ("GDAL", "GDAL, EMPTY_DIR", "geosal", "geosal, EMPTY_DIR", "xarray")


def main() -> None:
    """Measure, and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--markdown", type=Path, help="file whose table is replaced")
    wish = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as files:
        make(Path(folder), wish.size)
        rows = [row for path in sorted(Path(folder, "made").iterdir()) if (row := row_of(files, path, wish.size))]
    table = "\n".join(["| file | MB | " + " | ".join(WAYS) + " |", "|---|---:|" + "---:|" * len(WAYS), *rows])
    if wish.markdown is None:
        sys.stdout.write(f"{table}\n")
    else:
        put(wish.markdown, "ranges", table)


def make(folder: Path, size: int) -> None:
    """Write the scene and all files of it."""
    rng = np.random.default_rng(7)
    row, col = np.mgrid[:size, :size]
    waves = np.sin(row / 31) + np.sin(col / 47) + (row // 200 + col // 300) % 3
    pixels = np.stack([waves * gain + rng.normal(0, 1, row.shape) for gain in (9, 11, 13)])
    place = {"crs": "EPSG:32631", "transform": rasterio.transform.from_origin(399960, 4900020, 10, 10)}
    scene = folder / "scene.tif"
    layout = {"count": 3, "height": size, "width": size, "dtype": "uint8", "tiled": True, "compress": "zstd"}
    with rasterio.open(scene, "w", driver="GTiff", **layout, **place) as dataset:
        dataset.write(np.clip(pixels + 100, 0, 255).astype(np.uint8))
    made = folder / "made"
    made.mkdir()
    for name, options in (
        ("geosal COG deflate.tif", {}),
        ("geosal COG jpeg.tif", {"profile": "jpeg"}),
        ("geosal JPEG 2000.jp2", {}),
        ("geosal Zarr.zarr", {}),
        ("geosal Zarr, shards of 4 x 4.zarr", {"creation_options": {"SHARDS": "4"}}),
    ):
        geosal.compress(scene, made / name, saliency="uniform:saliency=1", **options)
    cog = {"driver": "COG", "COMPRESS": "DEFLATE", "PREDICTOR": "YES", "OVERVIEW_RESAMPLING": "AVERAGE"}
    rasterio.shutil.copy(scene, made / "GDAL COG deflate.tif", **cog)
    rasterio.shutil.copy(scene, made / "GDAL COG jpeg.tif", driver="COG", COMPRESS="JPEG")
    jp2 = {"driver": "JP2OpenJPEG", "QUALITY": "100", "REVERSIBLE": "YES", "BLOCKXSIZE": "1024", "BLOCKYSIZE": "1024"}
    rasterio.shutil.copy(scene, made / "GDAL JPEG 2000.jp2", **jp2)


def row_of(files: Files, path: Path, size: int) -> str | None:
    """Measure one file in all ways."""
    if path.name.endswith(".aux.xml"):
        return None
    cells = []
    for number, way in enumerate(WAYS):
        link = files.folder / f"{number}-{abs(hash(path.name))}"  # GDAL keeps what it has of a URL
        link.symlink_to(path.parent)
        name = path.name.replace(" ", "%20").replace(",", "%2C")
        cells.append(counted(files, f"{files.url}/{link.name}/{name}", way, size))
    size_of = sum(each.stat().st_size for each in path.rglob("*")) if path.is_dir() else path.stat().st_size
    return f"| {path.stem} | {size_of / 1e6:.1f} | " + " | ".join(cells) + " |"


def counted(files: Files, url: str, way: str, size: int) -> str:
    """Open and read the window, and tell requests and kilobytes."""
    is_store = url.endswith(".zarr")
    if way != "geosal" and is_store != (way == "xarray"):
        return ""
    readers: dict[str, Callable[[str, int], None]] = {"geosal": by_geosal, "xarray": by_xarray}
    files.plan()
    os.environ.pop(_READDIR, None)
    if "EMPTY" in way:
        os.environ[_READDIR] = "EMPTY_DIR"
    with rasterio.Env(**({_READDIR: "EMPTY_DIR"} if "EMPTY" in way else {})):
        readers.get(way.partition(",")[0], by_gdal)(url, size)
    seen = files.requests
    return f"{len(seen)}, {sum(each[3] for each in seen) / 1e3:.0f} kB"


def by_gdal(url: str, size: int) -> None:
    """Read by rasterio."""
    start = size // 2 - WINDOW // 2
    with rasterio.open(url) as dataset:
        dataset.read(window=((start, start + WINDOW), (start, start + WINDOW)))


def by_geosal(url: str, size: int) -> None:
    """Read as a job would."""
    start = size // 2 - WINDOW // 2
    open_input(url).read(Block(start, start, WINDOW, WINDOW))


def by_xarray(url: str, size: int) -> None:
    """Read by xarray and zarr, through obstore."""
    import xarray as xr
    from obstore.store import HTTPStore
    from zarr.storage import ObjectStore

    store = HTTPStore.from_url(url, client_options={"allow_http": True})
    start = size // 2 - WINDOW // 2
    with xr.open_zarr(ObjectStore(store, read_only=True)) as opened:
        opened["image"][:, start : start + WINDOW, start : start + WINDOW].to_numpy()


if __name__ == "__main__":
    main()
