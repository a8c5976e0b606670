"""What each treatment gives at equal bytes, on crops of real scenes.

python tests/benchmarks/quality.py                                       all tables, on the terminal
python tests/benchmarks/quality.py --table steps lossless                some of them
python tests/benchmarks/quality.py --markdown docs/benchmarks/treatments.md              into a file
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from crops import CROPS_8, CROPS_16, DATA, LADDER, Crop, Result, Scene, judge, make, open_crop, search
from numpy.typing import NDArray
from report import Table, as_markdown, put

from geosal.core.treatment import Bound
from geosal.formats.encoders import tile_encoder
from geosal.formats.profiles import resolve_profile
from geosal.formats.pyramid import Cutter
from geosal.scenes import open_input
from geosal.smoothing.bound import bound_errors

_ERROR = 32
_SHARE = 0.15
_QUALITIES = {"jpeg": 75.0, "webp": 75.0, "jpg": 75.0, "jp2": 8.0}
"""Of the plain codec whose bytes all others meet."""
_GAPS = {
    "jpeg": (10, 20, 25, 30, 40, 50, 60),
    "webp": (25, 45, 65),
    "jpg": (10, 15, 20, 30, 45, 60, 75),
    "jp2": (6, 10),
}
"""How far low lies below high; of JPEG 2000 in dB."""
_JP2 = {"RESOLUTIONS": "6"}
"""Of the plain codec, as a large scene has: a crop would have two, and one or two dB less."""
_GAIN = 3.0
_LOSSLESS = (("a.tif", "deflate"), ("a.tif", "zstd"), ("a.jp2", "jp2-lossless"))


def steps_table(scenes: Sequence[Scene], _: Path) -> Table:
    """Bytes of the tiles at a largest error of 32, by what quantises, over those of lossless ones."""
    table: Table = [("crop", "codec", "2 e + 1", "2 e", "power of two")]
    errors = Bound(_ERROR).errors(LADDER.steps, "uint16")
    for scene in scenes:
        layout = open_input(str(scene.path)).layout
        contenders = [_multiples(scene, errors, 1), _multiples(scene, errors, 0)]
        contenders.append(bound_errors(scene.pixels, scene.levels, None, errors))
        for output, profile in _LOSSLESS:
            encoder = tile_encoder(resolve_profile(output, profile, {}, layout), layout)
            cutter = Cutter.of(encoder, layout)
            plain, *sizes = [
                sum(len(part) for tile in cutter.cut(layout.grid.whole(), pixels, None).tiles for part in tile.parts)
                for pixels in (scene.pixels, *contenders)
            ]
            table.append((scene.name, profile, *(f"{size / plain:.3f}" for size in sizes)))
    return table


def _multiples(scene: Scene, errors: Sequence[float], more: int) -> NDArray[Any]:
    """The nearest multiples of 2 e + `more`."""
    step = np.maximum(2 * np.array(errors) + more, 1)[scene.levels]
    return np.asarray(np.clip(np.rint(scene.pixels / step) * step, 0, 65535).astype(np.uint16))


def lossless_table(scenes: Sequence[Scene], folder: Path) -> Table:
    """Bytes over lossless ZSTD, and what they cost."""
    table: Table = [("crop", "job", "bytes", "salient off by", "background off by", "background dB")]
    for scene in scenes:
        whole, _ = make(scene, folder, ".tif", profile="zstd", treatment="bound:error=1", saliency="uniform:saliency=1")
        bound = f"bound:error={_ERROR}"
        jobs = {
            f"{bound}, zstd": (".tif", {"profile": "zstd", "treatment": bound}),
            f"{bound}, deflate": (".tif", {"profile": "deflate", "treatment": bound}),
            f"{bound}, lerc": (".tif", {"profile": "lerc", "treatment": bound}),
            f"{bound}, jp2-lossless": (".jp2", {"profile": "jp2-lossless", "treatment": bound}),
            f"smooth + {bound}, zstd": (".tif", {"profile": "zstd", "treatment": ["smooth", bound]}),
            "smooth, zstd": (".tif", {"profile": "zstd"}),
            "jp2-lossless alone": (".jp2", {"saliency": "uniform:saliency=1"}),
        }
        for name, (suffix, options) in jobs.items():
            found = judge(scene, *make(scene, folder, suffix, **options))
            table.append(
                (scene.name, name, f"{found.bytes / whole:.3f}", f"{found.largest[0]:g}", f"{found.largest[1]:g}",
                 f"{found.psnr[1]:.1f}")
            )  # fmt: skip
    return table


def _plain(scene: Scene, folder: Path, codec: str, knob: float, treatment: str = "smooth") -> tuple[int, Path]:
    mask = {"saliency": "uniform:saliency=1"} if treatment == "plain" else {}
    options = {"QUALITY": f"{knob:.6f}"} | (_JP2 if codec == "jp2" else {})
    how = {"treatment": "smooth"} | mask
    return make(scene, folder, _suffix(codec), profile=codec, creation_options=options, **how)


def _twice(scene: Scene, folder: Path, knob: float) -> tuple[int, Path]:
    """The paper's two passes."""
    return make(scene, folder, ".jpg", treatment="twopass", creation_options={"QUALITY": f"{knob:.6f}"})


def _tiled(
    scene: Scene, folder: Path, codec: str, gap: float, tile: int | None, also: Sequence[str], high: float
) -> tuple[int, Path]:
    low = max(1.0, high - gap)
    options = {} if tile is None else _tile_options(codec, tile)
    treatment = [*also, f"quality:low={low:.6f},high={high:.6f}"]
    return make(scene, folder, _suffix(codec), profile=codec, treatment=treatment, creation_options=options)


def _tile_options(codec: str, tile: int) -> dict[str, str]:
    names = ("BLOCKXSIZE", "BLOCKYSIZE") if codec == "jp2" else ("BLOCKSIZE",)
    return dict.fromkeys(names, str(tile))


def _suffix(codec: str) -> str:
    return {"jp2": ".jp2", "jpg": ".jpg"}.get(codec, ".tif")


def tiles_table(scenes: Sequence[Scene], folder: Path) -> Table:
    """What `quality` gains and costs by the size of tiles, at the bytes of the plain codec."""
    table: Table = [("crop", "codec", "tile", "low", "high", "bytes", "salient dB", "background dB")]
    for scene in scenes:
        for codec, gap in (("jpeg", 40), ("webp", 40), ("jp2", 6)):
            plain = judge(scene, *_plain(scene, folder, codec, _QUALITIES[codec], "plain"))
            for tile in (128, 256, 512) if codec == "jp2" else (64, 128, 256, 512):
                run = partial(_tiled, scene, folder, codec, gap, tile, ())
                high, size, path = search(run, *_tile_limits(scene, codec), plain.bytes)
                low = high - gap
                gains = _gains(judge(scene, size, path), plain)
                table.append((scene.name, codec, str(tile), f"{low:.1f}", f"{high:.1f}", *gains))
    return table


def _limits(codec: str) -> tuple[float, float]:
    return (0.5, 60) if codec == "jp2" else (5, 99.5)


def _tile_limits(scene: Scene, codec: str) -> tuple[float, float]:
    """Of `high`; a JPEG 2000's is a PSNR in dB."""
    if codec != "jp2":
        return _limits(codec)
    return (20, 50) if scene.pixels.dtype == np.uint8 else (40, 98)


def _gains(found: Result, plain: Result) -> tuple[str, ...]:
    return (
        f"{found.bytes / plain.bytes:.3f}",
        f"{found.psnr[0] - plain.psnr[0]:+.2f}",
        f"{found.psnr[1] - plain.psnr[1]:+.2f}",
    )


def equal_table(scenes: Sequence[Scene], folder: Path) -> Table:
    """All that JPEG and WebP in a COG, and a JPEG file (jpg), can do with the same bytes."""
    return _equal(scenes, folder, ("jpeg", "webp", "jpg"))


def equal_jp2_table(scenes: Sequence[Scene], folder: Path) -> Table:
    """All that JPEG 2000 can do with the same bytes."""
    return _equal(scenes, folder, ("jp2",))


def _equal(scenes: Sequence[Scene], folder: Path, codecs: Sequence[str]) -> Table:
    table: Table = [("crop", "codec", "treatment", "bytes", *_HEAD)]
    for scene in scenes:
        for codec in codecs:
            quality = _QUALITIES[codec]
            plain = judge(scene, *_plain(scene, folder, codec, quality, "plain"))
            table.append((scene.name, codec, f"plain, {quality:g}", "1.000", *_cells(plain)))
            knob, size, path = search(partial(_plain, scene, folder, codec), *_limits(codec), plain.bytes)
            smooth = judge(scene, size, path)
            table.append((scene.name, codec, f"smooth, {knob:.1f}", f"{size / plain.bytes:.3f}", *_cells(smooth)))
            best: tuple[tuple[bool, float], tuple[str, ...]] | None = None
            for gap in _GAPS[codec]:
                run = partial(_tiled, scene, folder, codec, gap, None, ())
                high, size, path = search(run, *_tile_limits(scene, codec), plain.bytes)
                found = judge(scene, size, path)
                low = high - gap
                row = (f"quality, {low:.1f} to {high:.1f}", f"{size / plain.bytes:.3f}", *_cells(found))
                missing = found.psnr[0] - plain.psnr[0] - _GAIN
                rank = (missing >= 0, -abs(missing))  # the least that is enough, else the most there is
                if best is None or rank > best[0]:
                    best = rank, row
            if best is not None:
                table.append((scene.name, codec, *best[1]))
            if codec == "jpg":
                knob, size, path = search(partial(_twice, scene, folder), *_limits(codec), plain.bytes)
                cells = _cells(judge(scene, size, path))
                table.append((scene.name, codec, f"twopass, {knob:.1f}", f"{size / plain.bytes:.3f}", *cells))
    return table


_HEAD = tuple(f"{what} {where}" for what in ("dB", "SSIM", "MS-SSIM") for where in ("salient", "background", "all"))


def _cells(found: Result) -> tuple[str, ...]:
    return (*(f"{value:.2f}" for value in found.psnr), *(f"{value:.4f}" for value in (*found.ssim, *found.ms_ssim)))


def equal16_table(scenes: Sequence[Scene], folder: Path) -> Table:
    """Sixteen bits at the bytes of `bound` in lossless ZSTD: what else could have them."""
    table: Table = [("crop", "codec", "treatment", "bytes", *_HEAD)]
    for scene in scenes:
        bound = judge(scene, *make(scene, folder, ".tif", profile="zstd", treatment=f"bound:error={_ERROR}"))
        table.append((scene.name, "zstd", f"bound, {_ERROR}", "1.000", *_cells(bound)))

        def smoother(knob: float, scene: Scene = scene) -> tuple[int, Path]:
            return make(scene, folder, ".tif", profile="zstd", sigma=f"{1 / knob:.6f}*K")

        contenders: dict[str, tuple[Callable[[float], tuple[int, Path]], float, float]] = {
            "zstd, smooth, sigma 1/{:.1f} K": (smoother, 1, 60),
            "jp2, plain, {:.1f}": (partial(_plain, scene, folder, "jp2", treatment="plain"), 1, 60),
            "jp2, smooth, {:.1f}": (partial(_plain, scene, folder, "jp2"), 1, 60),
            "jp2, quality, high {:.1f}": (
                partial(_tiled, scene, folder, "jp2", 6, None, ()),
                *_tile_limits(scene, "jp2"),
            ),
        }
        for name, (run, low, high) in contenders.items():
            knob, size, path = search(run, low, high, bound.bytes)
            codec, treatment = name.format(knob).split(", ", 1)
            table.append((scene.name, codec, treatment, f"{size / bound.bytes:.3f}", *_cells(judge(scene, size, path))))
    return table


TABLES: dict[str, tuple[Sequence[Crop], Callable[[Sequence[Scene], Path], Table]]] = {
    "steps": (CROPS_16, steps_table),
    "lossless": (CROPS_16, lossless_table),
    "tiles": (CROPS_8[:3:2], tiles_table),
    "equal": (CROPS_8, equal_table),
    "equal-jp2": (CROPS_8, equal_jp2_table),
    "equal16": (CROPS_16, equal16_table),
}


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--share", type=float, default=_SHARE, help="of the pixels that are salient")
    parser.add_argument("--markdown", type=Path, help="put each table into this file, in a section quality-NAME")
    wish = parser.parse_args()
    if not DATA.is_dir():
        parser.error(f"there are no scenes in {DATA}")
    for name in wish.table:
        crops, measure = TABLES[name]
        with tempfile.TemporaryDirectory(prefix="geosal-quality-") as folder:
            text = as_markdown(measure([open_crop(crop, Path(folder), wish.share) for crop in crops], Path(folder)))
        title = f"{measure.__doc__} {100 * wish.share:g} % of the pixels are salient."
        sys.stdout.write(f"{name}: {title}\n\n{text}\n")
        sys.stdout.flush()
        if wish.markdown:
            put(
                wish.markdown,
                f"quality-{name}{'' if wish.share == _SHARE else f'-{100 * wish.share:g}'}",
                f"{title}\n\n{text}",
            )


if __name__ == "__main__":
    main()
