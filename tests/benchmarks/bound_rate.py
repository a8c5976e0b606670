"""Bytes at a largest error in 16 bits: codecs with a bound of their own, and what lossless ones make of rounding.

python tests/benchmarks/bound_rate.py                          all errors, without a mask and with one
python tests/benchmarks/bound_rate.py --error 32 --crop S2     some of it

With a mask 15 % of the pixels are salient and have to stay as they are. A band is coded in tiles of
512 x 512, decoded again, and its errors are checked. geosal's own files are there too, whole jobs, of which the
full-size tiles count, or the file where it has no others. ``pip install geozl`` for GeoZL; without, it is left out.
"""

import argparse
import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import imagecodecs
import numpy as np
import rasterio
from crops import CROPS_16, DATA, Crop
from jpeg_coders import tile_bytes
from jpeg_crops import blobs, write_raster
from numpy.typing import NDArray
from report import Table, as_markdown, put

import geosal

_ERRORS = (8, 32)
_SHARE = 0.15
_TILE = 512
_JXL_EFFORT = 3
_ZSTD_LEVEL = 9
_TODAY = "multiples of 2 e, predictor 2, ZSTD 9"
"""What `bound` with ZSTD did in November 2026, whatever it does now: all others are measured by it."""
_GRAPHS = tuple((way, end) for way in ("average", "planar", "med", "wp_static") for end in ("entropy", "zstd"))
_SR = "landsat_c2/LC08_L2SP_218074_20190114_20200829_02_T1/LC08_L2SP_218074_20190114_20200829_02_T1_SR_B4.TIF"
CROPS = (
    *(replace(crop, files=crop.files[:1]) for crop in CROPS_16),
    Crop("Landsat 8 SR", (_SR,)),
    Crop("S2 L1C B01", ("sentinel2_l1c/T15SWC_L1C_60m_B01.jp2",), (400, 400, 1024, 1024)),
    Crop("S2 L1C B05", ("sentinel2_crop_misnamed_jp2/s2_B05.jp2",)),
    Crop("WorldView pan 2", ("spacenet/pan1.tif",)),
)
"""One band of each."""
_PROFILES = (
    ("zstd", ".tif"), ("lzma", ".tif"), ("deflate", ".tif"), ("lerc", ".tif"), ("jxl", ".tif"), ("jp2-lossless", ".jp2")
)  # fmt: skip
"""Of geosal; one that this version lacks is left out."""

Tile = NDArray[np.uint16]
Coded = tuple[int, NDArray[Any]]
"""Bytes, and what comes back."""
Bounded = Callable[[Tile, int], Coded]
"""Codes a tile with a largest error; 0 is lossless."""


def _zstd(tile: Tile, _: int) -> Coded:
    moved = np.diff(tile, axis=1, prepend=np.zeros((len(tile), 1), tile.dtype))
    return len(imagecodecs.zstd_encode(moved.tobytes(), level=_ZSTD_LEVEL)), tile


def _jxl(tile: Tile, _: int) -> Coded:
    file = imagecodecs.jpegxl_encode(tile, lossless=True, effort=_JXL_EFFORT)
    return len(file), imagecodecs.jpegxl_decode(file)


def _jp2(tile: Tile, _: int) -> Coded:
    file = imagecodecs.jpeg2k_encode(tile, level=0, reversible=True, codecformat="j2k")
    return len(file), imagecodecs.jpeg2k_decode(file)


def _htj2k(tile: Tile, _: int) -> Coded:
    file = imagecodecs.htj2k_encode(tile, reversible=True)
    return len(file), imagecodecs.htj2k_decode(file)


def _jpegls(tile: Tile, error: int) -> Coded:
    file = imagecodecs.jpegls_encode(tile, level=error)
    return len(file), imagecodecs.jpegls_decode(file)


def _lerc(tile: Tile, error: int) -> Coded:
    file = imagecodecs.lerc_encode(tile, level=error, compression="zstd", compressionargs={"level": _ZSTD_LEVEL})
    return len(file), imagecodecs.lerc_decode(file)


def _sz3(tile: Tile, error: int) -> Coded:
    """SZ3 has no 16-bit integers; 32-bit floats hold them all, and rounding them back keeps a whole error."""
    file = imagecodecs.sz3_encode(tile.astype(np.float32), mode="abs", abs=error)
    return len(file), np.rint(imagecodecs.sz3_decode(file, shape=tile.shape, dtype="float32"))


def _geozl(tile: Tile, error: int) -> Coded:
    """Take the best of the graphs that ever came first in its own `profile`, for each tile anew."""
    import geozl

    graphs = [geozl.graph(tile, f"{way}>zigzag>transpose>{end}", error=error or None) for way, end in _GRAPHS]
    file = min((geozl.compress(tile, graph=graph) for graph in graphs), key=len)
    return len(file), geozl.decompress(file).view(np.uint16).reshape(tile.shape)


LOSSLESS: dict[str, Bounded] = {
    "ZSTD": _zstd, "JXL": _jxl, "JP2": _jp2, "HTJ2K": _htj2k, "JPEG-LS": _jpegls, "GeoZL": _geozl
}  # fmt: skip
NEAR: dict[str, Bounded] = {"GeoZL": _geozl, "SZ3": _sz3, "LERC_ZSTD": _lerc, "JPEG-LS near": _jpegls}


def schemes(tile: Tile, salient: NDArray[np.bool_] | None, error: int) -> Iterator[tuple[str, Callable[[], Coded]]]:
    """Yield what keeps a tile's errors, by name: rounding, indices, and codecs with a bound of their own."""
    rounded = _kept(_nearest(tile, 2 * error), tile, salient)
    yield _TODAY, lambda: _zstd(rounded, 0)
    for name, code in LOSSLESS.items():
        if name != "ZSTD":
            yield f"rounded, {name}", lambda code=code: code(rounded, 0)
    for name, code in LOSSLESS.items():
        yield f"index, {name}", lambda code=code: _indexed(code, tile, salient, 2 * error + 1)
    for name, code in NEAR.items():
        yield name, lambda code=code: _near(code, tile, salient, error)


def _nearest(tile: Tile, step: int) -> Tile:
    return np.asarray(np.minimum(np.rint(tile / step) * step, 65535).astype(np.uint16))


def _kept(rounded: Tile, tile: Tile, salient: NDArray[np.bool_] | None) -> Tile:
    return rounded if salient is None else np.where(salient, tile, rounded)


def _indexed(code: Bounded, tile: Tile, salient: NDArray[np.bool_] | None, step: int) -> Coded:
    size, index = code(((tile.astype(np.int64) + step // 2) // step).astype(np.uint16), 0)
    return _with_rest(size, index.astype(np.int64) * step, tile, salient, code)


def _near(code: Bounded, tile: Tile, salient: NDArray[np.bool_] | None, error: int) -> Coded:
    size, found = code(tile, error)
    return _with_rest(size, found.astype(np.int64), tile, salient, _jxl)


def _with_rest(
    size: int, back: NDArray[np.int64], tile: Tile, salient: NDArray[np.bool_] | None, code: Bounded
) -> Coded:
    """Add what salient samples lack as a second picture, 0 elsewhere, zigzag."""
    if salient is None:
        return size, back
    rest = np.where(salient, tile - back, 0)
    more, found = code(np.where(rest < 0, -2 * rest - 1, 2 * rest).astype(np.uint16), 0)
    folded = found.astype(np.int64)
    return size + more, back + np.where(folded % 2, -(folded + 1) // 2, folded // 2)


def measure(bands: NDArray[np.uint16], salient: NDArray[np.bool_] | None, error: int) -> dict[str, int]:
    """Sum the bytes of all tiles, by scheme; what is not installed is left out.

    Raises
    ------
    SystemExit
        Errors are not kept.
    """
    sizes: dict[str, int] = {}
    _, height, width = bands.shape
    for band in bands:
        for top in range(0, height, _TILE):
            for left in range(0, width, _TILE):
                part = np.s_[top : top + _TILE, left : left + _TILE]
                tile, mask = np.ascontiguousarray(band[part]), None if salient is None else salient[part]
                for name, run in schemes(tile, mask, error):
                    try:
                        size, found = run()
                    except (ImportError, imagecodecs.DelayedImportError):
                        continue
                    _check(name, tile, found, mask, error)
                    sizes[name] = sizes.get(name, 0) + size
    return sizes


def _check(name: str, tile: Tile, found: NDArray[Any], salient: NDArray[np.bool_] | None, error: int) -> None:
    off = np.abs(found.astype(np.float64) - tile)
    if off.max() > error or (salient is not None and off[salient].any()):
        sys.exit(f"{name}: off by {off.max():g}, allowed are {error}, and 0 where salient")


def ours(bands: NDArray[np.uint16], salient: NDArray[np.bool_] | None, error: int, folder: Path) -> dict[str, int]:
    """Bytes of geosal's own files, read back by GDAL; a profile that does not fit is left out."""
    scene, mask = folder / "scene.tif", folder / "mask.tif"
    write_raster(scene, bands.transpose(1, 2, 0), "MINISBLACK")
    where = np.zeros(bands.shape[1:], bool) if salient is None else salient
    write_raster(mask, where[..., np.newaxis] * np.uint8(255), "MINISBLACK")
    sizes = {}
    for profile, suffix in _PROFILES:
        output = folder / f"out{suffix}"
        wish = {"saliency": str(mask), "profile": profile, "treatment": f"bound:error={error}", "overwrite": True}
        try:
            geosal.compress(str(scene), str(output), **wish)
        except geosal.GeosalError as problem:
            sys.stderr.write(f"geosal {profile}: {problem}\n")
            continue
        sizes[f"geosal {profile}"] = tile_bytes(output) if suffix == ".tif" else output.stat().st_size
        try:
            with rasterio.open(output) as dataset:
                found = dataset.read()
        except rasterio.RasterioIOError:  # rasterio's GDAL has no JPEG XL
            continue
        for band, was in zip(found, bands, strict=True):
            _check(f"geosal {profile}", was, band, salient, error)
    return sizes


@dataclass(frozen=True)
class Row:
    """The bytes of a scheme on a crop, and of `_TODAY`."""

    error: int
    masked: bool
    crop: str
    who: str
    size: int
    today: int


def rows(crop: Crop, errors: Sequence[int], seed: int, folder: Path, *, alone: bool) -> Iterator[Row]:
    """Yield all that is measured on a crop."""
    bands = []
    for name in crop.files:
        with rasterio.open(DATA / name) as dataset:
            row, col, height, width = crop.window or (0, 0, *dataset.shape)
            bands.append(dataset.read(window=((row, row + height), (col, col + width))))
    pixels = np.concatenate(bands)
    salient = blobs(pixels.shape[1:], _SHARE, seed)
    for error in errors:
        for mask in (None, salient):
            sizes = measure(pixels, mask, error) | ({} if alone else ours(pixels, mask, error, folder))
            for who, size in sizes.items():
                yield Row(error, mask is not None, crop.name, who, size, sizes[_TODAY])


def table(found: Sequence[Row]) -> Table:
    """Bytes over `_TODAY`'s: one line for each scheme, one column for each crop."""
    crops = list(dict.fromkeys(row.crop for row in found))
    lines: Table = [("bytes / today's", "mean", "worst", *crops)]
    ratios: dict[str, dict[str, float]] = {}
    for row in found:
        ratios.setdefault(row.who, {})[row.crop] = row.size / row.today
    for who, by_crop in sorted(ratios.items(), key=lambda item: mean(item[1].values())):
        cells = (f"{by_crop[crop]:.3f}" if crop in by_crop else "" for crop in crops)
        lines.append((who, f"{mean(by_crop.values()):.3f}", f"{max(by_crop.values()):.3f}", *cells))
    return lines


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--error", nargs="+", type=int, default=_ERRORS)
    parser.add_argument("--crop", default="", help="part of the names of the crops")
    parser.add_argument("--no-geosal", action="store_true", help="peers alone")
    parser.add_argument("--json", type=Path, help="file for all rows")
    parser.add_argument("--markdown", type=Path, help="file in which the tables have their place")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="geosal-bound-") as place:
        for seed, crop in enumerate(CROPS):
            if asked.crop in crop.name and (DATA / crop.files[0]).exists():
                found += rows(crop, asked.error, seed, Path(place), alone=asked.no_geosal)
                sys.stderr.write(f"{crop.name}\n")
    if asked.json:
        asked.json.write_text(json.dumps([vars(row) for row in found], indent=1), encoding="utf-8")
    for error in asked.error:
        for masked in (False, True):
            part = [row for row in found if (row.error, row.masked) == (error, masked)]
            where = f", {100 * _SHARE:g} % of the pixels are exact" if masked else ""
            text = f"Largest error {error}{where}.\n\n{as_markdown(table(part))}"
            sys.stdout.write(f"{text}\n")
            if asked.markdown:
                put(asked.markdown, f"bound-rate-{error}{'-mask' if masked else ''}", text)


if __name__ == "__main__":
    main()
