"""Scenes and masks to measure with, made at run time; a process of its own, so that the measuring one stays small.

python material.py scene OUT.tif SIZE DTYPE [BANDS]    python material.py mask OUT.tif SCENE.tif NAME
python material.py finished OUT.tif SMOOTHED.tif
python material.py jp2 OUT.jp2 SCENE.tif
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.windows import Window

import geosal
from geosal.lab.demo.terrain import make_terrain

LADDER = geosal.Ladder()
_PATCH = 600
_TERRAIN = 1500
_TERRAINS = 3
_WEDGE = 0.1
"""Share of the top row that is nodata."""
_STRIP = 512
_BLOCK = 2048
_BLOB_STEP, _BLOB_SIGMA = 8, 7.0
"""Blobs are noise on every 8th pixel, smoothed by 7 of these: its correlation is 130 pixels wide at half height."""
_TILED = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "ZSTD", "zstd_level": 1, "predictor": 2}


def make_scene(out: str, size: int, dtype: str, bands: int = 3) -> None:
    """Write a patchwork of made-up land and sea with a sensor's noise and an oblique wedge of nodata 0.

    There are three different bands; of more, each has the pixels of the third one before it.
    """
    rng = np.random.default_rng(0)
    terrains = [_sensed(make_terrain(_TERRAIN, rng).picture, dtype, rng) for _ in range(_TERRAINS)]
    colours = "RGB" if bands == 3 else "MINISBLACK"
    profile = {
        "driver": "GTiff", "width": size, "height": size, "count": bands, "dtype": dtype, "nodata": 0,
        "crs": "EPSG:32631", "transform": rasterio.Affine(10, 0, 399960, 0, -10, 4900020), "photometric": colours,
        "interleave": "pixel", "bigtiff": "IF_SAFER", "num_threads": "ALL_CPUS", **_TILED,
    }  # fmt: skip
    with rasterio.open(out, "w", **profile) as target:
        if bands == 3:
            target.descriptions = ("B04", "B03", "B02")
        target.update_tags(SCENE="made up")
        for top in range(0, size, _PATCH):
            rows = np.arange(top, min(top + _PATCH, size))
            strip = np.concatenate([_piece(terrains, rng) for _ in range(0, size, _PATCH)], axis=2)
            strip = strip[:, : rows.size, :size]
            edge = _WEDGE * size * (1 - rows / size)
            strip[:, np.arange(size)[None, :] < edge[:, None]] = 0
            target.write(strip[np.arange(bands) % len(strip)], window=Window(0, top, size, rows.size))


def _sensed(picture: NDArray[np.float32], dtype: str, rng: np.random.Generator) -> NDArray[Any]:
    """What a sensor makes of the ground: nowhere 0."""
    noisy = picture + rng.normal(0, 2.5, picture.shape)
    if dtype == "uint8":
        return np.clip(noisy, 1, 255).round().astype(np.uint8)
    return np.clip(40 * noisy + 800, 1, 65535).round().astype(dtype)


def _piece(terrains: list[NDArray[Any]], rng: np.random.Generator) -> NDArray[Any]:
    terrain = terrains[rng.integers(len(terrains))]
    top, left = rng.integers(_TERRAIN - _PATCH + 1, size=2)
    piece = terrain[:, top : top + _PATCH, left : left + _PATCH]
    return piece[:, :: rng.choice((-1, 1)), :: rng.choice((-1, 1))]


def make_mask(out: str, scene: str, name: str) -> None:
    """Write 8 - level for each pixel of a scene; the tag LEVELS says which levels there are."""
    with rasterio.open(scene) as source:
        profile = {
            "driver": "GTiff", "width": source.width, "height": source.height, "count": 1, "dtype": "uint8",
            "crs": source.crs, "transform": source.transform, **_TILED, "predictor": 1,
        }  # fmt: skip
        size = max(source.shape)
    strips = {"boxes": boxes(size), "blobs": blobs(size, 4)} if name in {"boxes", "blobs"} else {}
    match = re.fullmatch(r"blobs(\d)", name)
    levels = strips.get(name) or (blobs(size, int(match[1])) if match else _as_geosal(name, scene))
    present: set[int] = set()
    with rasterio.open(out, "w", **profile) as target:
        top = 0
        for strip in levels:
            rows = strip[: target.height - top, : target.width]
            present.update(np.flatnonzero(np.bincount(rows.ravel())).tolist())
            target.write(LADDER.steps - rows, 1, window=Window(0, top, target.width, rows.shape[0]))
            top += rows.shape[0]
        target.update_tags(LEVELS=" ".join(map(str, sorted(present))))


def _as_geosal(source: str, scene: str) -> Iterator[NDArray[np.uint8]]:
    """Yield the levels of a SOURCE of geosal in strips."""
    saliency = geosal.saliency([source], like=geosal.open_scene(scene))
    for top in range(0, saliency.shape[0], _BLOCK):
        yield LADDER.levels(saliency[top : top + _BLOCK].to_numpy())


def spread_levels(count: int) -> NDArray[np.uint8]:
    """`count` levels from 0 to 8; the highest alone when one is asked for."""
    return np.linspace(LADDER.steps, 0, count).round().astype(np.uint8)[::-1]


def blobs(size: int, count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield strips of smooth blobs of some 130 pixels, in `count` levels of equal shares."""
    from scipy.ndimage import gaussian_filter

    coarse = size // _BLOB_STEP + 2
    noise = np.random.default_rng(1).standard_normal((coarse, coarse), np.float32)
    field = gaussian_filter(noise, _BLOB_SIGMA, mode="wrap")
    thresholds = np.quantile(field, np.arange(1, count) / count).astype(np.float32)
    table = spread_levels(count)
    at, along = _between(np.arange(size))
    for top in range(0, size, _STRIP):
        row, down = _between(np.arange(top, min(top + _STRIP, size)))
        rows = field[row] * (1 - down)[:, None] + field[row + 1] * down[:, None]
        fine = rows[:, at] * (1 - along) + rows[:, at + 1] * along
        yield table[sum((fine >= threshold).astype(np.uint8) for threshold in thresholds) + np.zeros(fine.shape, int)]


def _between(pixels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Coarse sample before each pixel, and how far it lies beyond."""
    return pixels // _BLOB_STEP, ((pixels % _BLOB_STEP) / _BLOB_STEP).astype(np.float32)


def boxes(size: int, number: int = 200) -> Iterator[NDArray[np.uint8]]:
    """Yield strips of level 7, K=15, with boxes of level 0 that are 1 to 5 % of the size wide and high."""
    rng = np.random.default_rng(2)
    sides = (size * rng.uniform(0.01, 0.05, (number, 2))).astype(int) + 1
    corners = (rng.uniform(0, 1, (number, 2)) * (size - sides)).astype(int)
    for top in range(0, size, _STRIP):
        strip = np.full((min(_STRIP, size - top), size), 7, np.uint8)
        for (row, col), (high, wide) in zip(corners - (top, 0), sides, strict=True):
            strip[max(row, 0) : max(row + high, 0), col : col + wide] = 0
        yield strip


def keep_finished(out: str, smoothed: str) -> None:
    """Copy what geosal wrote, without its overviews: what GDAL then copies."""
    with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"):
        rasterio.shutil.copy(smoothed, out, driver="GTiff", BIGTIFF="IF_SAFER", **_TILED)


def make_jp2(out: str, scene: str) -> None:
    """Write a scene as a lossless JPEG 2000 of tiles of 1024; as in Sentinel-2's, its nodata value is told nowhere."""
    options = {"QUALITY": "100", "REVERSIBLE": "YES", "BLOCKXSIZE": "1024", "BLOCKYSIZE": "1024"}
    with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS", GDAL_CACHEMAX=256 * 2**20):
        rasterio.shutil.copy(scene, out, driver="JP2OpenJPEG", **options)
    Path(f"{out}.aux.xml").unlink(missing_ok=True)


def main() -> None:
    """Do what the command line says."""
    what, out, *rest = sys.argv[1:]
    if what == "scene":
        make_scene(out, int(rest[0]), rest[1], *map(int, rest[2:]))
    elif what == "mask":
        make_mask(out, *rest)
    elif what == "jp2":
        make_jp2(out, *rest)
    else:
        keep_finished(out, *rest)


if __name__ == "__main__":
    main()
