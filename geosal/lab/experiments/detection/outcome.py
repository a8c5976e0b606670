"""The outcome of a study of detection: average precision under each condition, and masks against kernels."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geosal.lab.detection.detector import Detector, Found
from geosal.lab.detection.precision import Judged, Precision, interval
from geosal.lab.detection.truth import Truth
from geosal.lab.experiments.detection.wish import Detection
from geosal.lab.experiments.engine import Skipped
from geosal.lab.experiments.rows import Row
from geosal.lab.experiments.sweep.looks import Look
from geosal.lab.experiments.sweep.wish import NO_MASK, Setting

Results = Mapping[tuple[str, str, Look], Mapping[str, Any]]
"""Collection, path of an image and what was done to it -> what its task has found."""
UNSMOOTHED, KERNEL, RATE, EQUAL_RATE, BEST, SETTING = (
    "unsmoothed", "kernel", "rate", "equal rate", "best", "setting",
)  # fmt: skip
"""Baselines; see `geosal.lab.experiments.detection`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Condition:
    """All images of a dataset, treated and encoded alike, and what a detector finds in them.

    Attributes
    ----------
    dataset, detector
        Names.
    mask, kernel, setting
        What was done to the images; `kernel` is None with a mask.
    effective_kernel, bytes, pixels
        Of all images together.
    images, detections
        Numbers of them.
    objects
        Number of objects that count.
    precision
        The figures.
    draws
        AP and AP50 of each draw, (draw, 2).
    """

    dataset: str
    detector: str
    mask: str
    kernel: int | None
    setting: Setting
    effective_kernel: float
    bytes: int
    pixels: int
    images: int
    objects: int
    detections: int
    precision: Precision
    draws: NDArray[np.float64]

    @property
    def bpp(self) -> float:
        """Bits per pixel."""
        return 8 * self.bytes / self.pixels

    def row(self) -> Row:
        """Return the row of ``detection.csv``."""
        figures = asdict(self.precision)
        sizes = {f"ap_{name}": figures.pop(name) for name in ("small", "medium", "large")}
        ap, ap50 = interval(self.draws[:, 0]), interval(self.draws[:, 1])
        return {
            "dataset": self.dataset, "detector": self.detector, "mask": self.mask, "kernel": self.kernel,
            "effective_kernel": self.effective_kernel, **_setting(self.setting), "bytes": self.bytes, "bpp": self.bpp,
            "images": self.images, "objects": self.objects, "detections": self.detections, **figures, **sizes,
            "ap_low": ap[0], "ap_high": ap[1], "ap50_low": ap50[0], "ap50_high": ap50[1],
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """All that was found out.

    Attributes
    ----------
    wish
        The wish that was carried out.
    truths
        Images and objects by collection.
    conditions
        In the order of the recipe: collections, kernels, masks, encoders, settings.
    skipped
        What was left out, and why.
    resumed
        Number of looks that were taken over from the run before.
    """

    wish: Detection
    truths: Mapping[str, Truth]
    conditions: tuple[Condition, ...]
    skipped: tuple[Skipped, ...]
    resumed: int

    def comparisons(self) -> Iterator[Row]:
        """Return the rows of ``comparisons.csv``."""
        for one in self.conditions:
            plain = [each for each in self.conditions if each.mask == NO_MASK and each.dataset == one.dataset]
            for name, baseline in _baselines(one, plain):
                if one.mask != NO_MASK or (name == UNSMOOTHED and one.kernel != 1):
                    yield _comparison(one, name, baseline)


class _Baseline(NamedTuple):
    """What a mask is held against."""

    kernel: float | None
    setting: float | None
    bpp: float
    ap: float
    draws: NDArray[np.float64]

    @classmethod
    def of(cls, condition: Condition) -> "_Baseline":
        return cls(
            condition.kernel, condition.setting.value, condition.bpp, condition.precision.ap, condition.draws[:, 0]
        )


def conditions_of(
    wish: Detection, truths: Mapping[str, Truth], detectors: Mapping[str, Detector], results: Results
) -> tuple[Condition, ...]:
    """Judge what was found: every condition by the same images, those that came through all of them."""
    found = []
    for dataset, truth in truths.items():
        looks = list(dict.fromkeys((each.mask, each.kernel) for name, _, each in results if name == dataset))
        of_look = {
            (path, (each.mask, each.kernel)): result
            for (name, path, each), result in results.items()
            if name == dataset
        }
        whole = tuple(image for image in truth.images if all((image.path, each) in of_look for each in looks))
        judged = Truth(classes=truth.classes, images=whole)
        if whole and judged.count:
            for mask, kernel in looks:
                here = {image.name: of_look[image.path, (mask, kernel)] for image in whole}
                for number, setting in enumerate(wish.settings):
                    about = (dataset, os.path.basename(detectors[dataset].name), mask, kernel, setting)
                    found.append(_condition(wish, judged, here, number, about))
    return tuple(found)


def _condition(
    wish: Detection, truth: Truth, results: Mapping[str, Mapping[str, Any]], number: int, about: tuple[Any, ...]
) -> Condition:
    dataset, detector, mask, kernel, setting = about
    files = {name: result["files"][number] for name, result in results.items()}
    found = {name: _found(file["found"]) for name, file in files.items()}
    judged = Judged(truth, found)
    pixels = sum(result["pixels"] for result in results.values())
    return Condition(
        dataset=dataset,
        detector=detector,
        mask=mask,
        kernel=kernel,
        setting=setting,
        effective_kernel=sum(one["effective_kernel"] * one["pixels"] for one in results.values()) / pixels,
        bytes=sum(file["bytes"] for file in files.values()),
        pixels=pixels,
        images=len(files),
        objects=truth.count,
        detections=sum(map(len, found.values())),
        precision=judged.precision(),
        draws=judged.resampled(wish.of("square", dataset), wish.draws, wish.seed),
    )


def _found(rows: Sequence[Sequence[float]]) -> Found:
    table = np.array(rows, np.float64).reshape(-1, 6)
    return Found(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))


def _baselines(one: Condition, plain: Sequence[Condition]) -> Iterator[tuple[str, _Baseline]]:
    """Return the baselines that there are."""
    alike = [each for each in plain if each.setting == one.setting]
    kernels = [each for each in alike if each.kernel is not None]
    if not kernels:
        return
    yield from ((UNSMOOTHED, _Baseline.of(each)) for each in kernels if each.kernel == 1)
    yield KERNEL, _Baseline.of(min(kernels, key=lambda each: abs(each.effective_kernel - one.effective_kernel)))
    yield RATE, _Baseline.of(_nearest(kernels, one.bpp))
    if (between := _between(kernels, one.bpp)) is not None:
        yield EQUAL_RATE, between
    yield BEST, _Baseline.of(max(kernels, key=lambda each: each.precision.ap))
    unsmoothed = [each for each in plain if each.kernel == 1 and each.setting.encoder == one.setting.encoder]
    if len(unsmoothed) > 1:
        yield SETTING, _Baseline.of(_nearest(unsmoothed, one.bpp))


def _nearest(conditions: Sequence[Condition], bpp: float) -> Condition:
    return min(conditions, key=lambda each: abs(each.bpp - bpp))


def _between(kernels: Sequence[Condition], bpp: float) -> _Baseline | None:
    """Return the baseline of exactly a rate, on the line between the two widths around it; None beyond all of them."""
    over = [each for each in kernels if each.bpp >= bpp]
    under = [each for each in kernels if each.bpp <= bpp]
    if not over or not under:
        return None
    high, low = (_Baseline.of(each) for each in (min(over, key=lambda e: e.bpp), max(under, key=lambda e: e.bpp)))
    share = 0.0 if high.bpp == low.bpp else (bpp - low.bpp) / (high.bpp - low.bpp)
    width = (1 - share) * (low.kernel or 0) + share * (high.kernel or 0)
    ap = (1 - share) * low.ap + share * high.ap
    return _Baseline(width, low.setting, bpp, ap, (1 - share) * low.draws + share * high.draws)


def _comparison(one: Condition, name: str, baseline: _Baseline) -> Row:
    difference = one.precision.ap - baseline.ap
    low, high = interval(one.draws[:, 0] - baseline.draws)
    return {
        "dataset": one.dataset, "mask": one.mask, "kernel": one.kernel, **_setting(one.setting), "bpp": one.bpp,
        "effective_kernel": one.effective_kernel, "ap": one.precision.ap, "baseline": name,
        "baseline_kernel": baseline.kernel, "baseline_setting": baseline.setting, "baseline_bpp": baseline.bpp,
        "baseline_ap": baseline.ap, "difference": difference, "low": low, "high": high,
        "percent": 100 * difference / baseline.ap if baseline.ap > 0 else math.nan,
    }  # fmt: skip


def _setting(setting: Setting) -> Row:
    return {"encoder": setting.encoder, "parameter": setting.parameter, "setting": setting.value}
