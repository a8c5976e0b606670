"""What JPEG coders make of the bytes of a plain JPEG: decibels and SSIM where it matters, and elsewhere.

python tests/benchmarks/jpeg_rate.py                                    all tables, on the terminal
python tests/benchmarks/jpeg_rate.py --ours prototype.py:encode         another coder beside them, as often as wanted
python tests/benchmarks/jpeg_rate.py --crop "S2" --anchor jpg-75        some of it

A coder of one's own is ``encode(pixels, mask, size) -> bytes``: (height, width, 3) uint8; (height, width) bool, True
where salient, or None; bytes that the JPEG may have at most.
"""

import argparse
import importlib.util
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from jpeg_coders import COG_TILE, DECODERS, PEERS, AtQuality, Pixels, decode, gdal_cog, read_cog, tile_bytes, turbo
from jpeg_crops import KODAK, SATELLITE, SHARES, Crop, open_crops, trimmed
from numpy.typing import NDArray
from report import Table, as_markdown, put
from skimage.metrics import structural_similarity

import geosal

Mask = NDArray[np.bool_] | None
Ours = Callable[[Pixels, Mask, int], bytes]
_QUALITIES = (75, 50)
_ANCHORS = tuple(f"{kind}-{quality}" for kind in ("jpg", "cog") for quality in _QUALITIES)
_NO_MASK = 0.0
_PLAIN = "plain"
_LUMA = (0.299, 0.587, 0.114)
_TRIES = 4
"""Runs of geosal until the tiles of its COG have the bytes that were asked for."""
_CLOSE = 0.004
_SQUARE, _FAINT, _FLAT, _ENOUGH = 8, (1, 4), 0.5, 50
"""Rows and columns of a square; standard deviations of luma of faint ones, from and below, and below which one is flat;
squares of a crop that make a share."""


@dataclass(frozen=True)
class Found:
    """What became of a crop.

    Attributes
    ----------
    size
        Bytes.
    psnr
        dB over R, G and B of all pixels.
    ssim_luma, ssim_rgb
        Of all pixels, by scikit-image's `structural_similarity` as it comes (7 x 7 boxes); `ssim_rgb` is the mean of
        the three bands.
    flat
        Share of the faint squares that turn flat; NaN where a crop has few.
    salient, background
        dB over R, G and B for each share of `SHARES`, as text, for JSON's sake.
    """

    size: float
    psnr: float
    ssim_luma: float
    ssim_rgb: float
    flat: float
    salient: dict[str, float]
    background: dict[str, float]


@dataclass(frozen=True)
class Row:
    """A contender on a crop at an anchor; differences to the anchor, but for `size`, a ratio, and `flat`, a share."""

    anchor: str
    share: float
    crop: str
    who: str
    size: float
    salient: float
    background: float
    psnr: float
    ssim_luma: float
    ssim_rgb: float
    flat: float


def judge(crop: Crop, size: float, found: Pixels) -> Found:
    """Compare what was decoded with the crop."""
    squares = (found.astype(np.float64) - crop.pixels) ** 2
    luma, was = (pixels @ np.array(_LUMA) for pixels in (found, crop.pixels))
    return Found(
        size=size,
        psnr=_psnr(squares),
        ssim_luma=float(structural_similarity(luma, was, data_range=255)),
        ssim_rgb=float(structural_similarity(found, crop.pixels, data_range=255, channel_axis=2)),
        flat=_turned_flat(was, luma),
        salient={f"{share}": _psnr(squares[mask]) for share, mask in crop.masks.items()},
        background={f"{share}": _psnr(squares[~mask]) for share, mask in crop.masks.items()},
    )


def _turned_flat(was: NDArray[np.float64], luma: NDArray[np.float64]) -> float:
    before, after = map(_contrasts, (was, luma))
    faint = (before >= _FAINT[0]) & (before < _FAINT[1])
    return float((after[faint] < _FLAT).mean()) if faint.sum() >= _ENOUGH else float("nan")


def _contrasts(luma: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard deviation of each whole square, as a JPEG has them."""
    rows, cols = (length // _SQUARE for length in luma.shape)
    squares = luma[: rows * _SQUARE, : cols * _SQUARE].reshape(rows, _SQUARE, cols, _SQUARE)
    return np.asarray(squares.std(axis=(1, 3)))


def _psnr(squares: NDArray[np.float64]) -> float:
    return float(10 * np.log10(255**2 / max(squares.mean(), 1e-9)))


def difference(found: Found, anchor: Found, share: float) -> dict[str, float]:
    """Tell how a result differs from the anchor; without a mask all pixels are background."""
    key = f"{share}"
    whole = found.psnr - anchor.psnr
    return {
        "size": found.size / anchor.size,
        "salient": found.salient[key] - anchor.salient[key] if share else float("nan"),
        "background": found.background[key] - anchor.background[key] if share else whole,
        "psnr": whole,
        "ssim_luma": found.ssim_luma - anchor.ssim_luma,
        "ssim_rgb": found.ssim_rgb - anchor.ssim_rgb,
        "flat": found.flat,
    }


def at_bytes(coder: AtQuality, crop: Crop, size: float, decoder: str) -> Found:
    """Judge a coder at exactly `size` bytes: between the two qualities whose bytes lie around it."""
    files: dict[int, bytes] = {}
    low, high = 1, 100
    while high - low > 1:
        middle = (low + high) // 2
        files[middle] = coder(crop.pixels, middle)
        low, high = (middle, high) if len(files[middle]) <= size else (low, middle)
    below, above = (
        judge(crop, len(file), decode(file, decoder))
        for file in (files.get(quality) or coder(crop.pixels, quality) for quality in (low, high))
    )
    part = float(np.clip((size - below.size) / (above.size - below.size), 0, 1))

    def between(one: float, other: float) -> float:
        return one + part * (other - one)

    pairs = {name: (value, getattr(above, name)) for name, value in asdict(below).items()}
    return Found(
        **{
            name: {key: between(value, other[key]) for key, value in one.items()}
            if isinstance(one, dict)
            else between(one, other)
            for name, (one, other) in pairs.items()
        }
    )


class Cache:
    """Results of what does not change, in a file of the scratch folder that several runs may share."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found = self._load()

    def _load(self) -> dict[str, dict[str, Any]]:
        return json.loads(self._path.read_text(encoding="utf-8")) if self._path.exists() else {}

    def get(self, key: str, make: Callable[[], Found]) -> Found:
        """Return what lies under a key, or make it."""
        if key not in self._found:
            made = {key: asdict(make())}
            self._found |= self._load() | made
            part = self._path.with_suffix(f".{os.getpid()}")
            part.write_text(json.dumps(self._found), encoding="utf-8")
            part.replace(self._path)
        return Found(**self._found[key])


@dataclass(frozen=True)
class Bench:
    """Where results lie, and who is compared."""

    folder: Path
    cache: Cache
    peers: dict[str, AtQuality]
    ours: dict[str, Ours]
    builtin: bool
    decoder: str

    def rows(self, crop: Crop, anchor: str, shares: Sequence[float]) -> Iterator[Row]:
        """Yield all contenders of a crop at an anchor."""
        kind, quality = anchor.split("-")
        if kind == "cog":
            cut = trimmed(crop, COG_TILE, self.folder)
            yield from self._cog_rows(cut, anchor, int(quality), shares) if cut else ()
        else:
            yield from self._jpg_rows(crop, anchor, int(quality), shares)

    def _jpg_rows(self, crop: Crop, anchor: str, quality: int, shares: Sequence[float]) -> Iterator[Row]:
        key = f"{crop.digest} {self.decoder} {anchor}"
        plain = self.cache.get(key, lambda: self._judged(crop, turbo(crop.pixels, quality)))
        size = int(plain.size)
        for share in shares:
            row = partial(_row, anchor, share, crop.name, plain)
            yield row(_PLAIN, plain)
            for name, coder in self.peers.items():
                at_size = partial(at_bytes, coder, crop, size, self.decoder)
                yield row(name, self.cache.get(f"{key} {name}", at_size))
            for name, encode in self.ours.items():
                yield row(name, self._judged(crop, encode(crop.pixels, crop.masks.get(share), size)))
            if self.builtin:
                yield row("geosal", self._judged(crop, self._jpg(crop, share, size)))

    def _cog_rows(self, crop: Crop, anchor: str, quality: int, shares: Sequence[float]) -> Iterator[Row]:
        path = self.folder / "anchor.tif"
        gdal_cog(crop.path, path, quality)
        plain = judge(crop, tile_bytes(path), read_cog(path, self.decoder))
        for share in shares if self.builtin else ():
            yield _row(anchor, share, crop.name, plain, _PLAIN, plain)
            yield _row(anchor, share, crop.name, plain, "geosal", self._cog(crop, share, int(plain.size)))

    def _judged(self, crop: Crop, file: bytes) -> Found:
        return judge(crop, len(file), decode(file, self.decoder))

    def _jpg(self, crop: Crop, share: float, size: int) -> bytes:
        output = self.folder / "ours.jpg"
        geosal.compress(str(crop.path), str(output), saliency=_saliency(crop, share), target_size=size, overwrite=True)
        return output.read_bytes()

    def _cog(self, crop: Crop, share: float, size: int) -> Found:
        """Ask for bytes of the file until its full-size tiles have `size`: ours has overviews."""
        output = self.folder / "ours.tif"
        options = {"profile": "jpeg", "creation_options": {"BLOCKSIZE": str(COG_TILE)}, "overwrite": True}
        asked, best = 1.3 * size, None
        for _ in range(_TRIES):
            wish = {"saliency": _saliency(crop, share), "target_size": int(asked), **options}
            geosal.compress(str(crop.path), str(output), **wish)
            tiles = tile_bytes(output)
            if tiles <= size and (best is None or tiles > best.size):
                best = judge(crop, tiles, read_cog(output, self.decoder))
            if best is not None and best.size > size * (1 - _CLOSE):
                break
            asked *= (1 - _CLOSE / 2) * size / tiles
        return best or judge(crop, tiles, read_cog(output, self.decoder))


def _row(anchor: str, share: float, crop: str, plain: Found, who: str, found: Found) -> Row:
    return Row(anchor, share, crop, who, **difference(found, plain, share))


def _saliency(crop: Crop, share: float) -> str:
    return str(crop.mask_paths[share]) if share else "uniform:saliency=1"


def summary(rows: Sequence[Row]) -> Table:
    """Worst and mean over the crops, a line for each contender."""
    table: Table = [
        ("who", "bytes: most", "mean", "salient dB: worst", "mean", "background dB: worst", "mean", "whole dB: worst",
         "mean", "SSIM luma: worst", "mean", "SSIM RGB: worst", "mean",
         "faint turn flat: most", "mean")
    ]  # fmt: skip
    for who in dict.fromkeys(row.who for row in rows):
        mine = [row for row in rows if row.who == who]
        cells = [who, f"{max(row.size for row in mine):.3f}", f"{mean(row.size for row in mine):.3f}"]
        for name in ("salient", "background", "psnr", "ssim_luma", "ssim_rgb"):
            values = [getattr(row, name) for row in mine]
            cells += [_cell(name, min(values)), _cell(name, mean(values))]
        shares = [row.flat for row in mine if not np.isnan(row.flat)] or [float("nan")]
        cells += [_cell("flat", max(shares)), _cell("flat", mean(shares))]
        table.append(cells)
    return table


def each(rows: Sequence[Row]) -> Table:
    """All crops, a line for each contender."""
    names = ("salient", "background", "psnr", "ssim_luma", "ssim_rgb", "flat")
    table: Table = [
        ("crop", "who", "bytes", "salient dB", "background dB", "whole dB", "SSIM luma", "SSIM RGB", "flat")
    ]
    table += [
        (row.crop, row.who, f"{row.size:.3f}", *(_cell(name, getattr(row, name)) for name in names)) for row in rows
    ]
    return table


def _cell(name: str, value: float) -> str:
    if np.isnan(value):
        return ""
    if name == "flat":
        return f"{100 * value:.1f} %"
    return f"{value:+.4f}" if name.startswith("ssim") else f"{value:+.2f}"


def load(where: str) -> tuple[str, Ours]:
    """Return a coder's name and the function that FILE:FUNCTION names."""
    file, _, function = where.rpartition(":")
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    if spec is None or spec.loader is None:
        sys.exit(f"--ours {where}: no Python file there; write FILE.py:FUNCTION")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(Path(file).resolve().parent))
    spec.loader.exec_module(module)
    return f"{Path(file).stem}:{function}", getattr(module, function)


def _available(peers: dict[str, AtQuality]) -> dict[str, AtQuality]:
    """Leave out what is not installed."""
    found = {}
    for name, coder in peers.items():
        try:
            coder(np.zeros((16, 16, 3), np.uint8), 75)
        except (ImportError, OSError) as error:
            sys.stderr.write(f"{name}: not available: {error}\n")
        else:
            found[name] = coder
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", action="append", default=[], metavar="FILE.py:FUNCTION")
    parser.add_argument("--no-geosal", action="store_true", help="leave geosal's own command out")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--anchor", nargs="+", choices=_ANCHORS, default=_ANCHORS)
    parser.add_argument("--share", nargs="+", type=float, choices=(_NO_MASK, *SHARES), default=(*SHARES, _NO_MASK))
    parser.add_argument("--crop", default="", help="part of the names of the crops")
    parser.add_argument("--decoder", choices=DECODERS, default=DECODERS[0])
    parser.add_argument("--kodak", action="store_true", help="Kodak's photographs in place of the scenes")
    parser.add_argument("--each", action="store_true", help="also a line for each crop")
    parser.add_argument("--work", type=Path, help="folder for crops and what is known of the peers: faster next time")
    parser.add_argument("--json", type=Path, help="file for all rows")
    parser.add_argument("--markdown", type=Path, help="file in which the tables have their place")
    return parser


def main() -> None:
    """Do what the command line says."""
    asked = _parser().parse_args()
    warnings.simplefilter("ignore")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="geosal-rate-") as place:
        work = asked.work or Path(place)
        sources = tuple(source for source in (KODAK if asked.kodak else SATELLITE) if asked.crop in source.name)
        crops = list(open_crops(sources, work))
        peers = {} if asked.no_peers else _available(PEERS)
        bench = Bench(
            folder=Path(place),
            cache=Cache(work / "peers-2.json"),
            peers=peers,
            ours=dict(map(load, asked.ours)),
            builtin=not asked.no_geosal,
            decoder=asked.decoder,
        )
        for anchor in asked.anchor:
            for crop in crops:
                begin = time.monotonic()
                rows += bench.rows(crop, anchor, asked.share)
                sys.stderr.write(f"{anchor} {crop.name}: {time.monotonic() - begin:.1f} s\n")
    if asked.json:
        asked.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), encoding="utf-8")
    for anchor in asked.anchor:
        for share in asked.share:
            part = [row for row in rows if (row.anchor, row.share) == (anchor, share)]
            text = _text(part, f"{anchor} by {asked.decoder}", share, lines=asked.each)
            sys.stdout.write(f"{text}\n")
            if asked.markdown:
                put(asked.markdown, f"jpeg-rate-{anchor}-{100 * share:g}", text)


def _text(rows: Sequence[Row], anchor: str, share: float, *, lines: bool) -> str:
    what = f"{100 * share:g} % of the pixels are salient" if share else "no mask"
    crops = len({row.crop for row in rows})
    title = (
        f"At the bytes of {anchor}, {what}, {crops} crops; all but bytes and the share of faint squares that turn flat "
        f"are differences to {anchor}."
    )
    tables = [as_markdown(summary(rows))] + ([as_markdown(each(rows))] if lines else [])
    return "\n\n".join((title, *tables))


if __name__ == "__main__":
    main()
