"""Made-up tables of a study, with the columns that `geosal.lab.experiments.sweep` gives them."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

DATASETS = {"RarePlanes": 17.0, "SpaceNet": 14.0, "Sentinel-2": 12.0, "Landsat": 9.0}
"""Data set -> bits per pixel of its originals."""
MASKS = {"half": 9.0, "grid": 8.5, "perlin": 6.7}
"""Mask -> effective kernel."""
LEVELS = {"half": (1, 17), "grid": (1, 5, 11, 17), "perlin": (1, 5, 9, 13)}
KERNELS = (1, 3, 5, 7, 9, 11, 13, 15, 17)
ENCODERS = {"png": ("", (None,)), "bpg": ("quality", (5, 15, 25, 35, 45)), "jp2": ("rate", (1, 2, 5, 10, 40))}
IMAGES = 3


def sweep_rows() -> list[dict[str, Any]]:
    """A row for each file, in the order of a recipe."""
    rows = []
    for number, (dataset, base) in enumerate(DATASETS.items()):
        for image in range(IMAGES):
            original = base * (0.85 + 0.12 * image)
            looks = [("none", width, float(width)) for width in KERNELS]
            looks += [(mask, None, width) for mask, width in MASKS.items()]
            for mask, kernel, width in looks:
                for encoder, (parameter, settings) in ENCODERS.items():
                    for setting in settings:
                        loss = _loss(encoder, setting)
                        unsmoothed = original * loss
                        gain = (0.14 - 0.02 * number) * math.log(width) * loss**0.3 * (0.9 if kernel is None else 1)
                        bpp = unsmoothed * (1 - gain)
                        mse = 6.0 * (width - 1) * (1 + number) * (0.8 if kernel is None else 1) + 40 * (1 - loss)
                        rows.append({
                            "dataset": dataset, "image": f"scene{image}", "width": 1000 + 10 * image, "height": 900,
                            "mask": mask, "kernel": kernel, "effective_kernel": width, "encoder": encoder,
                            "parameter": parameter if setting is not None else "", "setting": setting,
                            "bytes": round(bpp * 1000 * 900 / 8), "bpp": bpp,
                            "reduction_of_original": 100 * (1 - bpp / original),
                            "reduction_of_unsmoothed": 100 * (1 - bpp / unsmoothed), "mse": mse,
                            "psnr": math.inf if mse == 0 else 10 * math.log10(255**2 / mse), "ssim": 1 - mse / 5000,
                        })  # fmt: skip
    return rows


def _loss(encoder: str, setting: float | None) -> float:
    """Share of the original's bytes that an encoder takes."""
    if encoder == "bpg":
        return 0.8 * math.exp(-(setting or 0) / 12)
    return 0.75 / (setting or 1) if encoder == "jp2" else 1.0


def level_rows() -> list[dict[str, Any]]:
    """A row for each level of each file of a mask in the original's encoder; those of others know no rate."""
    rows = []
    for number, dataset in enumerate(DATASETS):
        for image in range(IMAGES):
            for mask, widths in LEVELS.items():
                for level, width in enumerate(widths):
                    for encoder, setting in (("png", None), ("bpg", 25)):
                        loss = 0 if encoder == "png" else 30
                        rows.append({
                            "dataset": dataset, "image": f"scene{image}", "mask": mask, "encoder": encoder,
                            "parameter": "" if setting is None else "quality", "setting": setting, "level": level,
                            "saliency": 1 - (width - 1) / 16, "kernel": width, "pixels": 900_000 // len(widths),
                            "mse": 5.0 * (width - 1) * (1 + number) * (1 + 0.1 * image) + loss, "psnr": 30.0,
                            "ssim": 0.9, "bpp": 9.0 if encoder == "png" else None,
                            "reduction": 15 * math.log(width) - number if encoder == "png" else None,
                        })  # fmt: skip
    return rows


def detection_rows() -> list[dict[str, Any]]:
    """A row for each condition of two data sets; files of another encoder follow those of the first."""
    looks = [("none", width, float(width), 16 - 0.6 * width, 0.6 - 0.02 * width) for width in KERNELS]
    looks += [("boxes", None, 13.8, 9.4, 0.6), ("poor", None, 13.5, 9.3, 0.5)]
    rows = []
    for number, dataset in enumerate(("ships", "aircraft")):
        for encoder in ("png", "jp2"):
            for mask, kernel, width, bpp, best in looks:
                ap = best - 0.1 * number - (0.3 if encoder == "jp2" else 0)
                rows.append({
                    "dataset": dataset, "detector": "net.onnx", "mask": mask, "kernel": kernel,
                    "effective_kernel": width, "encoder": encoder, "parameter": "rate" if encoder == "jp2" else "",
                    "setting": 10 if encoder == "jp2" else None, "bytes": 1000, "bpp": bpp, "images": 4, "objects": 9,
                    "detections": 8, "ap": ap, "ap50": ap + 0.2, "ap75": ap - 0.05, "ap_small": ap - 0.1,
                    "ap_medium": None if number else ap + 0.05, "ap_large": None, "ap_low": ap - 0.04,
                    "ap_high": ap + 0.03, "ap50_low": ap + 0.1, "ap50_high": ap + 0.25,
                })  # fmt: skip
    return rows


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]], columns: Sequence[str] = ()) -> None:
    """Write rows as the tables of a study are written; all columns by default."""
    rows = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns or list(rows[0]), extrasaction="ignore", lineterminator="\n")
        table.writeheader()
        table.writerows({name: "" if value is None else value for name, value in row.items()} for row in rows)


def make_study(folder: Path) -> Path:
    """All tables, in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "sweep.csv", sweep_rows())
    write_csv(folder / "levels.csv", level_rows())
    write_csv(folder / "detection.csv", detection_rows())
    return folder
