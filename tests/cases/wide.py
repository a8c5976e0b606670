"""Draws of all that a user may ask for, of scenes of any shape; `drawing.make` makes their files."""

from typing import Any

import numpy as np
from cases.drawing import DTYPES, Draw

PROFILES: dict[str, tuple[str | None, ...]] = {
    ".tif": (None, "deflate", "zstd", "zstd", "lzw", "lzma", "raw", "jpeg", "webp", "lerc", "jxl"),
    ".jp2": (None, "jp2-lossless", "jp2", "jp2", "htj2k"),
    ".zarr": (None,),
    ".jpg": (None,),
    ".png": (None,),
}
LOSSY = ("jpeg", "webp", "jp2", "jpg")
_SOURCES = ("grid", "perlin:seed=4", "perlin", "detail", "coarse", "bytes", "vector", "vector", "uniform:saliency=0.3")
_OPTIONS: dict[str, tuple[dict[str, str], ...]] = {
    ".tif": ({"BLOCKSIZE": "128"}, {"BLOCKSIZE": "256"}, {"BLOCKSIZE": "1024"}, {"LEVEL": "1"},
             {"OVERVIEW_RESAMPLING": "AVERAGE"}, {"PREDICTOR": "NO"}),
    ".jp2": ({"BLOCKXSIZE": "256", "BLOCKYSIZE": "256"}, {"RESOLUTIONS": "3"}, {"PROGRESSION": "LRCP"}),
    ".zarr": ({"BLOCKSIZE": "128"}, {"BLOCKSIZE": "64", "SHARDS": "4"}, {"SHARDS": "2"}),
    ".jpg": ({"QUALITY": "60"}, {"SUBSAMPLING": "444"}, {"WORLDFILE": "NO"}),
    ".png": ({"ZLEVEL": "1"},),
}  # fmt: skip


def draw_wide(seed: int) -> Draw:
    """Draw a combination; most can be done."""
    random = np.random.default_rng([seed, 7])
    suffix = str(random.choice([".tif"] * 9 + [".jp2"] * 5 + [".zarr"] * 3 + [".jpg"] * 3 + [".png"]))
    profile = PROFILES[suffix][random.integers(len(PROFILES[suffix]))]
    dtypes, most = _room(random, suffix, profile)
    count = int(random.integers(1, most + 1))
    if suffix == ".jpg" or profile in {"jpeg", "webp"}:
        count = int(random.choice([3, 3, 3, 4, 1]))
    dtype = str(random.choice(dtypes))
    alphas = 0.02 if profile in {"jp2", "jpeg", "webp"} else 0.4
    has_alpha = dtype in {"uint8", "uint16"} and count in {2, 4, 5} and random.random() < alphas
    nodata, codes = _nodata(random, dtype)
    bits = {"uint16": 12, "uint8": 4}.get(dtype) if nodata is None and not has_alpha else None
    found = Draw(
        seed=seed,
        dtype=dtype,
        shape=_shape(random),
        count=count,
        nodata=nodata,
        codes=codes,
        mask=random.random() < 0.25,
        alpha=count - 1 if has_alpha else None,
        nbits=bits if random.random() < 0.1 else None,
        suffix=suffix,
        chunks=int(random.choice([50, 128, 300, 512])),
    )
    found.wish = _what(random, found, profile)
    found.wish |= _how(random, found)
    return found


def _room(random: np.random.Generator, suffix: str, profile: str | None) -> tuple[tuple[str, ...], int]:
    """Types and number of bands that a codec takes; of any kind now and then, to be refused."""
    if random.random() < 0.08:
        return DTYPES, 8
    if suffix == ".jpg" or profile in {"jpeg", "webp"}:
        return ("uint8",), 4
    if suffix == ".png" or profile == "jxl":
        return ("uint8", "uint16"), 4
    return (("uint8", "uint16", "int16"), 8) if suffix == ".jp2" else (DTYPES, 8)


def _shape(random: np.random.Generator) -> tuple[int, int]:
    """Rows and columns: of a few pixels, thin, small, or of many blocks."""
    kind = random.random()
    if kind < 0.06:
        return int(random.integers(1, 20)), int(random.integers(1, 20))
    if kind < 0.16:
        long, short = int(random.integers(300, 1501)), int(random.integers(1, 24))
        return (long, short) if random.random() < 0.5 else (short, long)
    low, high = (40, 500) if kind < 0.6 else (400, 1501)
    return int(random.integers(low, high)), int(random.integers(low, high))


def _nodata(random: np.random.Generator, dtype: str) -> tuple[float | None, bool]:
    if random.random() < 0.4:
        usual = [0.0, 255.0 if dtype == "uint8" else 9999.0] + [-9999.0] * (dtype not in {"uint8", "uint16", "uint32"})
        return float(random.choice(usual + [float("nan")] * 2 * dtype.startswith("float"))), False
    return None, random.random() < 0.1


def _what(random: np.random.Generator, found: Draw, profile: str | None) -> dict[str, Any]:
    """Where to look, and what becomes of the rest."""
    wish = _where(random)
    if profile is not None:
        wish["profile"] = profile
    if random.random() < 0.25:
        wish["steps"] = int(random.choice([1, 3, 5, 12, 20]))
    lossy = found.suffix == ".jpg" or profile in LOSSY
    if random.random() < 0.75:
        wish["treatment"] = _treatment(random, found, lossy=lossy)
    if random.random() < 0.25:
        some = np.sort(random.permutation(found.count)[: random.integers(1, found.count + 1)]) + 1
        wish["bidx"] = tuple(int(number) for number in some)
    if "detail" in wish["saliency"]:  # what is detail depends on the bands
        wish.pop("bidx", None)
    elif random.random() < (0.9 if lossy and profile != "jp2" and found.dtype != "uint8" else 0.05):
        wish["to_byte"] = str(random.choice(["percentile:2-98", "range:0-200", "gamma:2.2"]))
    if random.random() < 0.3:
        wish["creation_options"] = dict(random.choice(np.array(_OPTIONS[found.suffix])))
    if random.random() < 0.08:
        targets = [("target_bpp", 2.0), ("target_size", 60000), ("target_ratio", 4), ("min_psnr", ("salient:35",))]
        name, value = targets[random.integers(len(targets))]
        wish[str(name)] = value
    return wish


def _where(random: np.random.Generator) -> dict[str, Any]:
    """What says where to look, and how it is combined."""
    wish: dict[str, Any] = {"saliency": str(random.choice(["half", "mask", "mask", "uniform"]))}
    if random.random() < 0.6:
        wish["saliency"] = [str(each) for each in random.choice(_SOURCES, random.integers(1, 4), replace=False)]
        if len(wish["saliency"]) > 1 and random.random() < 0.4:
            wish["combine"] = str(random.choice(["max", "min", "mean", "product"]))
        if "coarse" in wish["saliency"] and random.random() < 0.5:
            wish["outside"] = str(random.choice(["keep", "blur"]))
        if "vector" in wish["saliency"] and random.random() < 0.4:
            wish["background"] = 0.4
    return wish


def _treatment(random: np.random.Generator, found: Draw, *, lossy: bool) -> tuple[str, ...]:
    errors = (1, 6, 40) if found.dtype != "uint8" else (1, 3, 6)
    bound = f"bound:error={random.choice(errors)}"
    if random.random() < 0.06:
        return (str(random.choice(["twopass", "quality", bound])), "smooth")
    if not lossy:
        return [("smooth",), (bound,), (bound,), ("smooth", bound)][random.integers(4)]
    quality = (
        "quality" if found.wish.get("profile") == "jp2" else str(random.choice(["quality", "quality:low=30,high=90"]))
    )
    every = [("smooth",), (quality,), ("smooth", quality)] + [("twopass",)] * (found.suffix == ".jpg")
    return every[random.integers(len(every))]


def _how(random: np.random.Generator, found: Draw) -> dict[str, Any]:
    """How it runs, and what is made beside the output."""
    wish: dict[str, Any] = {}
    lossy = found.suffix == ".jpg" or found.wish.get("profile") in LOSSY
    if random.random() < (0.02 if lossy else 0.3):
        wish["seal"] = True
    if random.random() < 0.5:
        sealed = wish.get("seal") and random.random() < 0.95
        wish["block"] = int(random.choice([512, 1024] if sealed else [64, 128, 208, 256, 512]))
    if random.random() < 0.5:
        wish["workers"] = int(random.integers(1, 4))
    if random.random() < 0.15:
        wish |= {"stac": True, "datetime": "2024-05-01T10:40:21Z"}
    return wish
