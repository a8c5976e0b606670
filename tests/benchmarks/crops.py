"""Crops of real scenes with a mask of soft discs, jobs on them, and how their outputs compare."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray

import geosal
from geosal.metrics.structural import ms_ssim, ssim

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
LADDER = geosal.Ladder()
_L8 = "landsat_l8_pre/LC81070352015122LGN00/LC81070352015122LGN00_B{}.tif"
_C2 = "landsat_c2/LC08_L1TP_227074_20190809_20200827_02_T1/LC08_L1TP_227074_20190809_20200827_02_T1_B{}.TIF"
_S2 = "sen2ships/{0}/S2_L2A_{0}_{1}_B0{2}.tif"
_AIRBUS = "airbus_aircraft/074737f4-7f59-4729-be5d-67f6f1d34668.jpg"
_RAMP = 60
"""Pixels over which saliency falls to 0 around what is salient."""
_CENTRES = ((0.3, 0.25), (0.35, 0.75), (0.75, 0.45))
WITHIN = 0.005
"""How far bytes may lie apart to be called equal."""


@dataclass(frozen=True)
class Crop:
    """A piece of a real scene: files whose bands are taken together; a window (row, col, height, width)."""

    name: str
    files: tuple[str, ...]
    window: tuple[int, int, int, int] | None = None
    to_byte: bool = False


LANDSAT = Crop("Landsat 8", tuple(_L8.format(band) for band in (4, 3, 2)), (256, 256, 1024, 1024))
LANDSAT_C2 = Crop("Landsat 8 C2", tuple(_C2.format(band) for band in (5, 4, 3)))
CARTAGENA = Crop("Sentinel-2 Cartagena", tuple(_S2.format("cartagena", "2023-07-30", band) for band in (4, 3, 2)))
KLANG = Crop("Sentinel-2 Klang", tuple(_S2.format("klang", "2023-04-08", band) for band in (4, 3, 2)))
CROPS_16 = (LANDSAT, LANDSAT_C2, CARTAGENA, KLANG, Crop("WorldView pan", ("spacenet/sample_geotiff.tif",)))
CROPS_8 = (
    *(Crop(crop.name, crop.files, crop.window, to_byte=True) for crop in (LANDSAT, CARTAGENA, KLANG)),
    Crop("Airbus 0.5 m", (_AIRBUS,), (700, 700, 1024, 1024)),
    Crop("vehicles", ("vehicles_coco/small-vehicles1.jpeg",)),
)


@dataclass(frozen=True, eq=False)
class Scene:
    """A crop on disk, with its mask."""

    name: str
    path: Path
    mask: Path
    pixels: NDArray[Any]
    levels: NDArray[np.uint8]

    @property
    def data_range(self) -> float:
        """Of 16 bits what occurs: no sensor fills them."""
        return 255.0 if self.pixels.dtype == np.uint8 else float(np.ptp(self.pixels))


@dataclass(frozen=True)
class Result:
    """A file: its bytes, and how it does in the salient part, in the background and everywhere."""

    bytes: int
    psnr: tuple[float, ...]
    ssim: tuple[float, ...]
    ms_ssim: tuple[float, ...]
    largest: tuple[float, ...]


def open_crop(crop: Crop, folder: Path, share: float = 0.15) -> Scene:
    """Write a crop and its mask; `share` of it is salient."""
    bands = []
    for name in crop.files:
        with rasterio.open(DATA / name) as dataset:
            row, col, height, width = crop.window or (0, 0, *dataset.shape)
            bands.append(dataset.read(window=((row, row + height), (col, col + width))))
    pixels = np.concatenate(bands)
    if crop.to_byte:
        low, high = np.percentile(pixels, (2, 98))
        pixels = np.clip((pixels - low) / (high - low) * 254 + 1, 1, 255).round().astype(np.uint8)
    saliency = np.floor(discs(pixels.shape[1:], share) * 255).astype(np.uint8)
    stem = f"{crop.name.replace(' ', '_')}-{pixels.dtype}"
    path, mask = folder / f"{stem}.tif", folder / f"{stem}-mask.tif"
    _write(path, pixels, photometric="RGB" if len(pixels) == 3 else "MINISBLACK")
    _write(mask, saliency[np.newaxis])
    return Scene(crop.name, path, mask, pixels, LADDER.levels((saliency / 255).astype(np.float32)))


def _write(path: Path, pixels: NDArray[Any], **options: Any) -> None:
    count, height, width = pixels.shape
    place = {"crs": "EPSG:32631", "transform": rasterio.Affine(10, 0, 4e5, 0, -10, 5e6)}
    with rasterio.open(
        path, "w", driver="GTiff", count=count, height=height, width=width, dtype=pixels.dtype, **place, **options
    ) as dataset:
        dataset.write(pixels)


def discs(shape: tuple[int, ...], share: float) -> NDArray[np.float64]:
    """Saliency 1 in three discs that take about `share` of the area, falling to 0 around them."""
    height, width = shape
    row, col = np.mgrid[:height, :width]
    radius = math.sqrt(share * height * width / math.pi / len(_CENTRES))
    away = np.min([np.hypot(row - y * height, col - x * width) for y, x in _CENTRES], axis=0) - radius
    return np.asarray(np.clip(1 - away / _RAMP, 0, 1))


def make(scene: Scene, folder: Path, suffix: str, **options: Any) -> tuple[int, Path]:
    """Run a job; returns the file's bytes and its path."""
    output = folder / f"out{suffix}"
    wish = {"saliency": str(scene.mask), "overwrite": True, **options}
    return geosal.compress(str(scene.path), str(output), **wish).bytes, output


def judge(scene: Scene, size: int, path: Path) -> Result:
    """Compare a file with its scene."""
    with rasterio.open(path) as dataset:
        found = dataset.read()
    salient = scene.levels == 0
    masks = (salient, ~salient, np.ones_like(salient))
    off = np.abs(found.astype(np.float64) - scene.pixels)
    arrays = (scene.pixels, found, scene.data_range)
    with np.errstate(divide="ignore"):
        psnr = [float(10 * np.log10(scene.data_range**2 / np.mean(off[:, where] ** 2))) for where in masks]
    return Result(
        bytes=size,
        psnr=tuple(psnr),
        ssim=tuple(ssim(*arrays, where=where) for where in masks),
        ms_ssim=tuple(ms_ssim(*arrays, where=where) for where in masks),
        largest=tuple(float(off[:, where].max()) for where in masks),
    )


def search(
    run: Callable[[float], tuple[int, Path]], low: float, high: float, wanted: int, *, tries: int = 12
) -> tuple[float, int, Path]:
    """Find the knob at which a file has as many bytes as wanted; they grow with the knob.

    Returns
    -------
    float, int, Path
        The knob, the bytes and the file.
    """
    best, least = low, math.inf
    size, path = 0, Path()
    for _ in range(tries):
        knob = (low + high) / 2
        size, path = run(knob)
        off = size / wanted - 1
        if abs(off) < least:
            best, least = knob, abs(off)
        if least <= WITHIN / 4:
            return knob, size, path
        low, high = (knob, high) if off < 0 else (low, knob)
    return (best, *run(best))
