"""The engine alone: `smooth_block` on one block, against one uniform blur of OpenCV's and against the paper's method.

    python tests/benchmarks/engine.py                             all masks, uint8 uint16 int16 float32
    python tests/benchmarks/engine.py --dtype uint8 --mask blobs4 boxes --repeat 15
    python tests/benchmarks/engine.py --markdown docs/benchmarks/engine.md

One thread, CPU time of that thread, medians of runs in turn (engine, blur, paper, engine ...). See README.md here.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
from baselines import sigma
from material import blobs, boxes
from numpy.typing import NDArray
from report import Table, as_markdown, circumstances, put

from geosal.core.ladder import Ladder
from geosal.lab.demo.terrain import fractal
from geosal.smoothing.block import smooth_block

LADDER = Ladder()
SIZE = 2048
MASKS = ("uniform", "half", "grid", *(f"blobs{count}" for count in range(1, 10)), "boxes", "gradient", "noise")
NODATA = ("none", "wedge", "speckle", "discs", "all")
NODATA_MASKS = ("uniform", "gradient")
DTYPES = ("uint8", "uint16", "int16", "float32")
GOALS = {"blobs4": 1.0, "gradient": 1.0, "boxes": 0.65}
"""Mask -> most that the engine may take of the time of one uniform blur."""
NONE_GOAL = 1.3
"""Most that telling validity may cost where all is valid."""

Work = Callable[[], object]


@dataclass(frozen=True)
class Times:
    """Nanoseconds a pixel: the engine, one blur of OpenCV's with K=17, and all kernels of OpenCV's with a choice."""

    engine: float
    blur: float
    paper: float


def texture(dtype: str, size: int) -> NDArray[Any]:
    """Make natural-looking texture, (y, x)."""
    field = fractal(size, 1.0, np.random.default_rng(0))
    middle, spread = {"uint8": (120, 40), "uint16": (3000, 900), "int16": (-200, 900)}.get(dtype, (0.3, 0.1))
    image = middle + spread * field
    if dtype == "float32":
        return image.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(image.round(), limits.min, limits.max).astype(dtype)


def levels_of(mask: str, size: int) -> NDArray[np.uint8]:
    """Make a mask's levels, (y, x)."""
    steps, (row, col) = LADDER.steps, np.indices((size, size), np.int32)
    if mask.startswith("blobs") and mask != "blobs1":
        return np.concatenate(list(blobs(size, int(mask[5:]))))
    made: dict[str, Callable[[], NDArray[Any]]] = {
        "uniform": lambda: np.full((size, size), steps),
        "blobs1": lambda: np.full((size, size), steps),
        "half": lambda: np.where(col < size // 2, 0, steps),
        "grid": lambda: np.array([8, 5, 2, 0])[(col * 4 // size - row * 4 // size) % 4],
        "boxes": lambda: np.concatenate(list(boxes(size))),
        "gradient": lambda: (row + col) * (steps + 1) // (2 * size - 1),
        "noise": lambda: np.random.default_rng(3).integers(0, steps + 1, (size, size)),
    }
    return made[mask]().astype(np.uint8)


def validity(kind: str, size: int) -> NDArray[np.bool_]:
    """True where a sample counts, (y, x)."""
    rng = np.random.default_rng(4)
    row, col = np.indices((size, size), np.int32)
    if kind == "wedge":
        return col >= row
    if kind == "speckle":
        return rng.random((size, size)) >= 0.01
    valid = np.full((size, size), kind != "all")
    for top, left in rng.integers(0, size, (200, 2)) if kind == "discs" else ():
        radius = int(rng.integers(4, 40))
        part = np.s_[max(top - radius, 0) : top + radius, max(left - radius, 0) : left + radius]
        valid[part] &= (row[part] - top) ** 2 + (col[part] - left) ** 2 > radius**2
    return valid


def one_blur(image: NDArray[Any]) -> NDArray[Any]:
    """Blur everything by the widest kernel, as OpenCV does it."""
    return cv2.GaussianBlur(image, (17, 17), sigma(LADDER.steps), borderType=cv2.BORDER_REFLECT_101)


def paper(image: NDArray[Any], levels: NDArray[np.uint8]) -> NDArray[Any]:
    """Blur everything by each kernel and choose: the method of the paper."""
    result = image.copy()
    for level in range(1, LADDER.steps + 1):
        width = 2 * level + 1
        blurred = cv2.GaussianBlur(image, (width, width), sigma(level), borderType=cv2.BORDER_REFLECT_101)
        cv2.copyTo(blurred, (levels == level).view(np.uint8), result)
    return result


def cpu(work: Work) -> float:
    """CPU seconds of this thread."""
    begin = time.thread_time()
    work()
    return time.thread_time() - begin


def compare(image: NDArray[Any], levels: NDArray[np.uint8], valid: NDArray[np.bool_] | None, repeat: int) -> Times:
    """Time the three in turn."""
    pixels, counts = image[None], None if valid is None else valid[None]
    contenders: tuple[Work, ...] = (
        lambda: smooth_block(pixels, levels, counts, LADDER),
        lambda: one_blur(image),
        lambda: paper(image, levels),
    )
    for work in contenders:
        work()  # first use
    runs = [[cpu(work) for work in contenders] for _ in range(repeat)]
    return Times(*(1e9 * median(column) / image.size for column in zip(*runs, strict=True)))


def two_threads(work: Work, repeat: int) -> float:
    """How many times as much two threads do in the same wall time as one does."""

    def wall(pool: ThreadPoolExecutor, threads: int) -> float:
        begin = time.perf_counter()
        for future in [pool.submit(work) for _ in range(threads)]:
            future.result()
        return time.perf_counter() - begin

    with ThreadPoolExecutor(2) as pool:
        runs = [(wall(pool, 1), wall(pool, 2)) for _ in range(repeat + 1)]
    return 2 * min(alone for alone, _ in runs) / min(together for _, together in runs)


def masks_rows(dtype: str, masks: Sequence[str], size: int, repeat: int) -> Iterator[Sequence[str]]:
    """Yield a line of the first table for each mask."""
    image = texture(dtype, size)
    for mask in masks:
        times = compare(image, levels_of(mask, size), None, repeat)
        ratio, goal = times.engine / times.blur, GOALS.get(mask) if dtype == "uint8" else None
        met = "" if goal is None else "yes" if round(ratio, 2) <= goal else "NO"
        yield (
            dtype, mask, f"{times.engine:.2f}", f"{times.blur:.2f}", f"{times.paper:.2f}", f"{ratio:.2f}",
            f"{times.paper / times.engine:.1f}", "" if goal is None else f"{goal:g}", met,
        )  # fmt: skip


def nodata_rows(dtype: str, size: int, repeat: int) -> Iterator[Sequence[str]]:
    """Yield a line of the second table for each kind of nodata."""
    image = texture(dtype, size)
    for mask in NODATA_MASKS:
        levels = levels_of(mask, size)
        for kind in NODATA:
            works: tuple[Work, ...] = tuple(
                partial(smooth_block, image[None], levels, valid, LADDER)
                for valid in (None, validity(kind, size)[None])
            )
            runs = [[cpu(work) for work in works] for _ in range(repeat + 1)][1:]
            plain, counted = (1e9 * median(column) / image.size for column in zip(*runs, strict=True))
            ratio = counted / plain
            goal = (f"{NONE_GOAL:g}", "yes" if round(ratio, 2) <= NONE_GOAL else "NO") if kind == "none" else ("", "")
            yield dtype, mask, kind, f"{plain:.2f}", f"{counted:.2f}", f"{ratio:.2f}", *goal


def threads_row(dtype: str, size: int, repeat: int) -> Sequence[str]:
    """Make a line of the third table; OpenCV's blur shows how much of a second core there was to have."""
    image, levels = texture(dtype, size), levels_of("gradient", size)
    engine = two_threads(lambda: smooth_block(image[None], levels, None, LADDER), repeat)
    return dtype, "gradient", f"{engine:.2f}", f"{two_threads(lambda: one_blur(image), repeat):.2f}"


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--size", type=int, default=SIZE, help="rows and columns of the block")
    ask.add_argument("--dtype", nargs="+", default=list(DTYPES), choices=DTYPES)
    ask.add_argument("--mask", nargs="+", default=list(MASKS), choices=MASKS)
    ask.add_argument("--repeat", type=int, default=7)
    ask.add_argument("--markdown", type=Path, help="write the tables into this file")
    ask.add_argument("--section", default="engine", help="the part of the Markdown file that is replaced")
    return ask.parse_args(arguments)


def main() -> None:
    """Measure, print, write."""
    asked = parse()
    where = circumstances()
    cv2.setNumThreads(1)
    masks: Table = [
        ("dtype", "mask", "engine ns/px", "one cv2 K=17", "paper's method", "engine / one cv2", "paper / engine",
         "goal", "")
    ]  # fmt: skip
    nodata: Table = [("dtype", "mask", "nodata", "plain ns/px", "with validity", "ratio", "goal", "")]
    threads: Table = [("dtype", "mask", "engine: two threads / one", "cv2: two threads / one")]
    for dtype in asked.dtype:
        sys.stderr.write(f"{dtype}\n")
        masks.extend(masks_rows(dtype, asked.mask, asked.size, asked.repeat))
        nodata.extend(nodata_rows(dtype, asked.size, asked.repeat))
        threads.append(threads_row(dtype, asked.size, asked.repeat))
    what = f"A block of {asked.size} x {asked.size}, one band; medians of {asked.repeat} runs, in turn.\n"
    text = "\n".join([where, what, *(as_markdown(table) for table in (masks, nodata, threads))])
    sys.stdout.write(text)
    if asked.markdown:
        put(asked.markdown, asked.section, text)


if __name__ == "__main__":
    main()
