"""Crops of real scenes as 8-bit RGB, as losslessly compressed GeoTIFFs, with masks of smooth blobs."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from crops import DATA
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

_L8 = "landsat_l8_pre/LC81070352015122LGN00/LC81070352015122LGN00_B{}.tif"
_C2 = "landsat_c2/LC08_L1TP_227074_20190809_20200827_02_T1/LC08_L1TP_227074_20190809_20200827_02_T1_B{}.TIF"
_SR = "landsat_c2/LC08_L2SP_218074_20190114_20200829_02_T1/LC08_L2SP_218074_20190114_20200829_02_T1_SR_B{}.TIF"
_S2 = "sen2ships/{0}/S2_L2A_{0}_{1}_B0{2}.tif"
_SAFE = "sentinel2_safe/*.SAFE/GRANULE/*/IMG_DATA/*_B0{}.jp2"
_NAIP = "naip/m_3607717_sw_18_1_20160620_subset.tif"
_BLOB_SIGMA = 1 / 24
"""Of the noise's filter, as a share of the crop's shorter side."""
SHARES = (0.05, 0.15)


@dataclass(frozen=True)
class Source:
    """Where a crop comes from.

    Attributes
    ----------
    files
        Patterns of files below `DATA` whose bands are taken together.
    window
        Row, column, height, width; None for all.
    bands
        Which of the bands are red, green and blue, from 0.
    halved
        By means of 2 x 2 pixels, so that the traces of a JPEG go.
    """

    name: str
    files: tuple[str, ...]
    window: tuple[int, int, int, int] | None = None
    bands: tuple[int, int, int] = (0, 1, 2)
    halved: bool = False


def _landsat(name: str, files: str, bands: tuple[int, ...], window: tuple[int, int, int, int] | None = None) -> Source:
    return Source(name, tuple(files.format(band) for band in bands), window)


SATELLITE = (
    _landsat("Landsat 8 land", _L8, (4, 3, 2), (200, 300, 512, 512)),
    _landsat("Landsat 8 coast", _L8, (4, 3, 2), (880, 640, 512, 512)),
    _landsat("Landsat 8 C2", _C2, (4, 3, 2), (0, 0, 640, 640)),
    _landsat("Landsat 8 SR", _SR, (4, 3, 2)),
    Source("Landsat 7", ("landsat7/RGB.byte.tif",), (230, 250, 256, 320)),
    Source("Landsat 7 ETM", ("landsat7/L7_ETMs.tif",), None, (2, 1, 0)),
    Source("S2 Cartagena", tuple(_S2.format("cartagena", "2023-07-30", b) for b in (4, 3, 2)), (350, 100, 512, 640)),
    Source("S2 Klang", tuple(_S2.format("klang", "2023-04-08", b) for b in (4, 3, 2)), (500, 0, 512, 640)),
    _landsat("S2 L1C SAFE", _SAFE, (4, 3, 2), (0, 0, 439, 304)),
    Source("S2 turb", ("sentinel2_tiff/S2_turb_20231217.tif",), None, (3, 2, 1)),
    Source("Planet", ("planet_like/rgbn.tif",)),
    Source("NAIP", (_NAIP,)),
    Source("WorldView MS", ("spacenet/ms1.tif",), None, (2, 1, 0)),
    Source("Airbus 0741", ("airbus_aircraft/0747*.jpg",), (700, 700, 1280, 1280), halved=True),
    Source("Airbus 014d", ("airbus_aircraft/014d*.jpg",), (200, 900, 1280, 1280), halved=True),
    Source("Airbus 1221", ("airbus_aircraft/1221*.jpg",), (1000, 300, 1024, 1280), halved=True),
)  # fmt: skip
KODAK = tuple(Source(f"Kodak {number:02}", (f"train/kodak/{number:02}.png",)) for number in range(1, 7))
"""Photographs: not what geosal is for."""


@dataclass(frozen=True, eq=False)
class Crop:
    """A crop on disk.

    Attributes
    ----------
    pixels
        (height, width, 3) uint8.
    path
        GeoTIFF of these pixels.
    masks
        Share -> (height, width) bool, True where salient.
    mask_paths
        Share -> 8-bit GeoTIFF, 255 where salient.
    digest
        Of the pixels and the masks.
    """

    name: str
    pixels: NDArray[np.uint8]
    path: Path
    masks: dict[float, NDArray[np.bool_]]
    mask_paths: dict[float, Path]
    digest: str


def open_crops(sources: tuple[Source, ...], folder: Path) -> Iterator[Crop]:
    """Write crops and their masks into a folder; what the data lack is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, source in enumerate(sources):
        paths = [next(iter(sorted(DATA.glob(pattern))), None) for pattern in source.files]
        if None in paths:
            continue
        pixels = _read(source, [path for path in paths if path])
        yield _saved(source.name, pixels, {share: blobs(pixels.shape[:2], share, seed) for share in SHARES}, folder)


def trimmed(crop: Crop, side: int, folder: Path) -> Crop | None:
    """Cut a crop, so that tiles of `side` fill it: none of its bytes are for padding. None where it is smaller."""
    height, width = (length // side * side for length in crop.pixels.shape[:2])
    if not height or not width:
        return None
    masks = {share: mask[:height, :width] for share, mask in crop.masks.items()}
    return _saved(f"{crop.name} in {side}", np.ascontiguousarray(crop.pixels[:height, :width]), masks, folder)


def _saved(name: str, pixels: NDArray[np.uint8], masks: dict[float, NDArray[np.bool_]], folder: Path) -> Crop:
    stem = name.replace(" ", "_")
    crop = Crop(
        name=name,
        pixels=pixels,
        path=folder / f"{stem}.tif",
        masks=masks,
        mask_paths={share: folder / f"{stem}-mask{100 * share:g}.tif" for share in masks},
        digest=hashlib.sha256(b"".join(array.tobytes() for array in (pixels, *masks.values()))).hexdigest(),
    )
    write_raster(crop.path, pixels, "RGB")
    for share, mask in masks.items():
        write_raster(crop.mask_paths[share], mask[..., np.newaxis] * np.uint8(255), "MINISBLACK")
    return crop


def _read(source: Source, paths: list[Path]) -> NDArray[np.uint8]:
    """(height, width, 3); what is not 8 bits is stretched by each band's percentiles 2 and 98."""
    bands = []
    for path in paths:
        with rasterio.open(path) as dataset:
            row, col, height, width = source.window or (0, 0, *dataset.shape)
            bands.append(dataset.read(window=((row, row + height), (col, col + width))))
    pixels: NDArray[Any] = np.concatenate(bands)[list(source.bands)]
    if pixels.dtype != np.uint8:
        low, high = np.nanpercentile(pixels, (2, 98), axis=(1, 2))[..., np.newaxis, np.newaxis]
        pixels = np.nan_to_num((pixels - low) / (high - low) * 255)
    if source.halved:
        count, height, width = pixels.shape
        pixels = pixels[:, : height // 2 * 2, : width // 2 * 2].reshape(count, height // 2, 2, width // 2, 2)
        pixels = pixels.mean(axis=(2, 4))
    return np.ascontiguousarray(np.clip(pixels, 0, 255).round().astype(np.uint8).transpose(1, 2, 0))


def blobs(shape: tuple[int, ...], share: float, seed: int) -> NDArray[np.bool_]:
    """Smooth blobs that take `share` of the area: filtered noise, thresholded."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    field = gaussian_filter(noise, max(4, _BLOB_SIGMA * min(shape)))
    return np.asarray(field > np.quantile(field, 1 - share))


def write_raster(path: Path, pixels: NDArray[Any], photometric: str) -> None:
    """Write (height, width, band) as a losslessly compressed GeoTIFF, at once and whole: several runs may share it."""
    height, width, count = pixels.shape
    profile = {
        "driver": "GTiff", "count": count, "height": height, "width": width, "dtype": pixels.dtype, "crs": "EPSG:32631",
        "transform": rasterio.Affine(10, 0, 4e5, 0, -10, 5e6), "compress": "DEFLATE", "predictor": 2,
        "photometric": photometric,
    }  # fmt: skip
    part = path.with_suffix(f".{os.getpid()}.tif")
    with rasterio.open(part, "w", **profile) as dataset:
        dataset.write(pixels.transpose(2, 0, 1))
    part.replace(path)
