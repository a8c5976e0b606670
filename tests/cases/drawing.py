"""Random combinations: what a scene holds and what is asked of it, all of it told by one seed."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from scipy.ndimage import gaussian_filter, zoom

import geosal

DTYPES = ("uint8", "uint8", "uint8", "uint16", "uint16", "int16", "uint32", "int32", "float32", "float64")
PROFILES = {
    ".tif": (None, "deflate", "zstd", "lzw", "raw", "jpeg", "jpeg", "webp", "webp", "lerc"),
    ".jp2": (None, "jp2-lossless", "jp2", "htj2k"),
    ".zarr": (None,),
    ".jpg": (None,),
}
STEPS = 8
_PLACE = from_origin(5e5, 45e5, 10, 10)


@dataclass
class Draw:
    """One combination; everything in it follows from the seed."""

    seed: int
    dtype: str
    shape: tuple[int, int]
    count: int
    nodata: float | None
    codes: bool
    """Has NODATA_VALUES, all bands together."""
    mask: bool
    alpha: int | None
    """Place of the alpha band, from 0."""
    nbits: int | None
    suffix: str
    wish: dict[str, Any] = field(default_factory=dict)
    by_arrays: bool = False
    chunks: int = 128

    @property
    def steps(self) -> int:
        """Levels but the first."""
        return int(self.wish.get("steps", STEPS))

    def __str__(self) -> str:
        scene = f"{self.count} x {self.dtype} {self.shape[0]}x{self.shape[1]}"
        has = [f"nodata={self.nodata}"] * (self.nodata is not None) + ["NODATA_VALUES"] * self.codes
        has += ["mask"] * self.mask + [f"alpha={self.alpha}"] * (self.alpha is not None)
        has += [f"NBITS={self.nbits}"] * (self.nbits is not None)
        asked = ", ".join(f"{key}={value}" for key, value in self.wish.items() if key != "saliency")
        way = f"arrays of {self.chunks}" if self.by_arrays else "compress"
        return f"{scene} {' '.join(has)} -> {self.suffix} by {way}: {asked}"

    @property
    def has_target(self) -> bool:
        """Whether bytes or a quality are asked for, so that the setting is found."""
        return any(key.startswith(("target", "min")) for key in self.wish)

    @property
    def taken(self) -> list[int]:
        """Bands that are wanted, from 0, in their order."""
        return [number - 1 for number in self.wish.get("bidx", range(1, self.count + 1))]

    @property
    def alpha_taken(self) -> int | None:
        """Where alpha is in the output."""
        return self.taken.index(self.alpha) if self.alpha in self.taken else None

    @property
    def alpha_becomes_mask(self) -> bool:
        """JPEG has no alpha: it travels as a mask."""
        return self.alpha_taken is not None and (self.suffix == ".jpg" or self.wish.get("profile") == "jpeg")


@dataclass
class Scene:
    """A scene that was drawn, and all that is true of it."""

    path: str
    pixels: NDArray[Any]
    """(band, y, x)."""
    valid: NDArray[np.bool_]
    """(band, y, x): which samples count; of alpha all."""
    levels: NDArray[np.uint8]
    """(y, x)."""


def draw(seed: int) -> Draw:
    """Draw a combination."""
    random = np.random.default_rng(seed)
    dtype = str(random.choice(DTYPES))
    count = int(random.integers(1, 6))
    shape = int(random.integers(64, 301)), int(random.integers(64, 301))
    nodata = None
    if random.random() < 0.4:
        usual = [0.0, 255.0 if dtype == "uint8" else 9999.0] + [-9999.0] * (dtype not in {"uint8", "uint16", "uint32"})
        nodata = float(random.choice(usual + [float("nan")] * 2 * (dtype.startswith("float"))))
    has_alpha = dtype in {"uint8", "uint16"} and count > 1 and random.random() < 0.35
    found = Draw(
        seed=seed,
        dtype=dtype,
        shape=shape,
        count=count,
        nodata=nodata,
        codes=nodata is None and random.random() < 0.2,
        mask=random.random() < 0.3,
        alpha=int(random.choice([count - 1, count - 1, random.integers(0, count)])) if has_alpha else None,
        nbits={"uint16": 12, "uint8": 4}.get(dtype)
        if nodata is None and not has_alpha and random.random() < 0.2
        else None,
        suffix=str(random.choice([".tif"] * 5 + [".jp2"] * 3 + [".zarr", ".jpg"])),
    )
    found.wish = _wish(random, found)
    found.by_arrays = (
        set(found.wish) <= {"saliency", "profile", "bidx", "to_byte", "workers", "mask"} and random.random() < 0.6
    )
    found.chunks = int(random.choice([50, 64, 100, 128, 512]))
    return found


def _wish(random: np.random.Generator, found: Draw) -> dict[str, Any]:
    profile = random.choice(np.array(PROFILES[found.suffix], object))
    wish: dict[str, Any] = {"saliency": str(random.choice(["half", "mask", "mask", "uniform"]))}
    if profile is not None:
        wish["profile"] = str(profile)
    if random.random() < 0.4:
        some = random.permutation(found.count)[: random.integers(1, found.count + 1)] + 1
        wish["bidx"] = tuple(int(number) for number in (np.sort(some) if random.random() < 0.5 else some))
    if random.random() < (0.6 if profile in {"jpeg", "webp"} or found.suffix == ".jpg" else 0.15):
        wish["to_byte"] = str(random.choice(["percentile:2-98", "range:0-200", "gamma:2.2"]))
    if random.random() < 0.4:
        kinds = ["smooth", "bound:error=6", "quality", "quality:low=40,high=90", "twopass"]
        one = [str(random.choice(kinds))]
        wish["treatment"] = (*one, "smooth") if random.random() < 0.3 and one != ["smooth"] else tuple(one)
    if random.random() < 0.4:
        wish["block"] = int(random.choice([64, 128, 256, 80]))
    if random.random() < 0.5:
        wish["workers"] = int(random.integers(1, 4))
    if random.random() < 0.12:
        name, value = [("target_bpp", 2.0), ("target_size", 40000), ("target_ratio", 4), ("min_psnr", ("salient:35",))][
            random.integers(0, 4)
        ]
        wish[str(name)] = value
    return wish


def make(found: Draw, folder: Path) -> Scene:
    """Write the scene of a draw, and the mask of its saliency."""
    random = np.random.default_rng([found.seed, 1])
    pixels = _pixels(random, found)
    rows, cols = found.shape
    per_pixel = np.ones(found.shape, np.bool_)
    valid = np.ones(pixels.shape, np.bool_)
    if found.codes:
        pixels[:, rows // 3 : rows // 2, : cols // 2] = 0
    if found.nodata is not None:
        pixels[:, : rows // 5, cols // 4 :] = found.nodata
        pixels[0, -rows // 6 :, : cols // 3] = found.nodata
        valid &= ~np.isnan(pixels) if np.isnan(found.nodata) else pixels != found.nodata
    if found.dtype.startswith("float") and random.random() < 0.3:
        pixels[-1, 3:9, 5:50] = np.nan
        valid &= ~np.isnan(pixels)
    mask = None
    if found.mask:
        mask = gaussian_filter(random.standard_normal(found.shape), 9) > -0.02
        per_pixel &= mask
    if found.alpha is not None:
        pixels[found.alpha] = _alpha(random, found)
        per_pixel &= pixels[found.alpha] > 0
    if found.codes and mask is None:  # of a file that has a mask, GDAL does not look at them
        per_pixel &= ~(pixels == 0).all(axis=0)
    valid &= per_pixel
    if found.alpha is not None:
        valid[found.alpha] = True
    path = str(folder / "scene.tif")
    _write(found, path, pixels, mask)
    return Scene(path, pixels, valid, _levels(random, found, folder))


def _pixels(random: np.random.Generator, found: Draw) -> NDArray[Any]:
    """Something like imagery, clear of the usual codes."""
    noise = random.standard_normal((found.count, *found.shape))
    waves = zoom(
        random.standard_normal((found.count, 9, 9)), (1, found.shape[0] / 9 + 1, found.shape[1] / 9 + 1), order=1
    )
    picture = waves[:, : found.shape[0], : found.shape[1]] + gaussian_filter(noise, (0, 1, 1))
    picture = (picture - picture.min()) / (np.ptp(picture) or 1)
    low, high = {"uint8": (1, 254), "int16": (-2000, 8000), "int32": (-70000, 900000)}.get(found.dtype, (1, 9000))
    if found.nbits is not None:
        low, high = 1, 2**found.nbits - 1
    return np.asarray((low + picture * (high - low)).astype(found.dtype))


def _alpha(random: np.random.Generator, found: Draw) -> NDArray[Any]:
    full = 255 if found.dtype == "uint8" else 65535
    alpha = np.where(gaussian_filter(random.standard_normal(found.shape), 12) > -0.015, full, 0)
    if random.random() < 0.4:
        alpha[10:40, 10:60] = full // 3
    return alpha.astype(found.dtype)


def _write(found: Draw, path: str, pixels: NDArray[Any], mask: NDArray[np.bool_] | None) -> None:
    more: dict[str, Any] = {} if found.nbits is None else {"NBITS": found.nbits}
    profile = {"driver": "GTiff", "count": found.count, "height": found.shape[0], "width": found.shape[1]}
    profile |= {
        "dtype": found.dtype,
        "crs": "EPSG:32631",
        "transform": _PLACE,
        "nodata": found.nodata,
    }
    colours = [ColorInterp.gray] + [ColorInterp.undefined] * (found.count - 1)
    if found.alpha is not None:
        colours[found.alpha] = ColorInterp.alpha
        colours[0 if found.alpha else 1] = ColorInterp.gray
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **profile, **more) as dataset:
        dataset.colorinterp = colours
        dataset.descriptions = [f"band {number}" for number in range(found.count)]
        dataset.write(pixels)
        if mask is not None:
            dataset.write_mask(mask)
        if found.codes:
            dataset.update_tags(NODATA_VALUES=" ".join(["0"] * found.count))


def _levels(random: np.random.Generator, found: Draw, folder: Path) -> NDArray[np.uint8]:
    """Levels of the pixels; the wish is given the SOURCE that says them."""
    rows, cols = found.shape
    kind = found.wish["saliency"]
    if kind == "uniform":
        found.wish["saliency"] = "uniform:saliency=0.5"
        return np.full(found.shape, found.steps // 2, np.uint8)
    levels = np.zeros(found.shape, np.uint8)
    if kind == "half":
        levels[:, (cols + 1) // 2 :] = found.steps
        return levels
    if kind != "mask":
        return _of_sources(random, found, folder)
    waves = zoom(random.random((5, 5)), (rows / 5 + 1, cols / 5 + 1), order=1)[:rows, :cols]
    levels = np.clip(waves * 14 - 4, 0, found.steps).astype(np.uint8)
    path = str(folder / "saliency.tif")
    profile = {"driver": "GTiff", "count": 1, "height": rows, "width": cols, "dtype": "float32", "crs": "EPSG:32631"}
    with rasterio.open(path, "w", **profile, transform=_PLACE) as dataset:
        dataset.write((1 - levels / found.steps).astype(np.float32), 1)
    found.wish["saliency"] = path
    return levels


def _of_sources(random: np.random.Generator, found: Draw, folder: Path) -> NDArray[np.uint8]:
    """Levels of several SOURCES, of the whole scene at once; files of masks and vectors are made for them."""
    makers = {"coarse": _coarse_mask, "bytes": _mask_of_bytes, "vector": _vectors}
    texts = [makers[kind](random, found, folder) if kind in makers else kind for kind in found.wish["saliency"]]
    found.wish["saliency"] = texts
    rules = {key: found.wish[key] for key in ("combine", "outside", "background") if key in found.wish}
    known = geosal.saliency(texts, like=geosal.open_scene(str(folder / "scene.tif")), **rules).values
    return np.floor((1 - known.astype(float)) * found.steps + 1e-6).astype(np.uint8)


def _coarse_mask(random: np.random.Generator, found: Draw, folder: Path) -> str:
    """A raster of pixels three times as large in a corner of the scene, some of them unknown."""
    size = max(1, found.shape[0] // 4), max(1, found.shape[1] // 5)
    values = random.choice(np.array([0, 0.25, 0.5, 1], np.float32), size)
    values[:1, :2] = -1
    profile = {"driver": "GTiff", "count": 1, "height": size[0], "width": size[1], "dtype": "float32", "nodata": -1}
    with rasterio.open(
        folder / "coarse.tif", "w", **profile, crs="EPSG:32631", transform=_PLACE * _PLACE.scale(3)
    ) as dataset:
        dataset.write(values, 1)
    return f"{folder / 'coarse.tif'}:resampling={random.choice(['nearest', 'bilinear'])}"


def _mask_of_bytes(random: np.random.Generator, found: Draw, folder: Path) -> str:
    """A picture of the scene's size with no place of its own on the earth."""
    values = gaussian_filter(random.random(found.shape), 4, mode="wrap")
    values = (255 * (values - values.min()) / (np.ptp(values) or 1)).astype(np.uint8)
    profile = {"driver": "GTiff", "count": 1, "height": found.shape[0], "width": found.shape[1], "dtype": "uint8"}
    with rasterio.open(folder / "bytes.tif", "w", **profile, crs="EPSG:32631", transform=_PLACE) as dataset:
        dataset.write(values, 1)
    return f"{folder / 'bytes.tif'}:range=0-255"


def _vectors(random: np.random.Generator, found: Draw, folder: Path) -> str:
    """Some triangles in the scene, in its CRS."""
    features = []
    for _ in range(int(random.integers(1, 6))):
        corners = [
            [float(at) for at in _PLACE * (col, row)] for row, col in random.uniform(-5, np.add(found.shape, 5), (3, 2))
        ]
        shape = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
        features.append({"type": "Feature", "properties": {"worth": float(random.random())}, "geometry": shape})
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}
    text = json.dumps({"type": "FeatureCollection", "crs": crs, "features": features})
    (folder / "areas.geojson").write_text(text)
    more = ["", ":buffer=25m", ":attribute=worth", ":saliency=0.6,buffer=3px"]
    return f"{folder / 'areas.geojson'}{random.choice(more)}"
