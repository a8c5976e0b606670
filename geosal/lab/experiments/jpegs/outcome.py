"""The outcome of an experiment: facts about maps, figures of files."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

from geosal.lab.experiments.jpegs.wish import Experiment
from geosal.metrics import Scores

JPEG = "JPEG"
"""Method of the plain file; every other method is a mode of the wish."""
WHOLE = "whole"
PARTS = (WHOLE, "salient", "background")
MEASURES = ("mse", "psnr", "ssim", "ms_ssim")
TITLES: Mapping[str, str] = MappingProxyType({"mse": "MSE", "psnr": "PSNR (dB)", "ssim": "SSIM", "ms_ssim": "MS-SSIM"})
TOLERANCE = 1.0
"""Percent by which a file may be larger or smaller than the plain JPEG, as in the paper."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Distance of a file from its image, in one part; NaN where unknown."""

    mse: float
    psnr: float
    ssim: float
    ms_ssim: float

    @classmethod
    def of(cls, scores: Scores) -> Self:
        """Make the figures from a comparison."""
        return cls(scores.mse, scores.psnr, scores.ssim, scores.ms_ssim)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; unknown figures are None."""
        return {name: known(getattr(self, name)) for name in MEASURES}


@dataclass(frozen=True, kw_only=True, slots=True)
class MapFacts:
    """The saliency map of one image.

    Attributes
    ----------
    collection, image
        Which one.
    width, height, bands
        Size of the image.
    passes, differing, largest_difference
        Number of maps made, number of those that differ from the first, and the largest difference.
    mean, salient
        Mean saliency, and the share of the pixels that belong to the salient part.
    """

    collection: str
    image: str
    width: int
    height: int
    bands: int
    passes: int
    differing: int
    largest_difference: float
    mean: float
    salient: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One file that was made from an image.

    Attributes
    ----------
    collection, image
        Which one.
    quality
        Quality of the plain JPEG whose size it should have.
    method
        `JPEG` or a mode.
    bytes, reference_bytes
        Bytes of the file, and of that plain JPEG; None where no file was made.
    final_quality
        Quality of the file's quantisation tables; None where unknown.
    parts
        Figures by part; empty where no file was made.
    missed
        Why there is none.
    """

    collection: str
    image: str
    quality: int
    method: str
    bytes: int | None
    reference_bytes: int
    final_quality: float | None = None
    parts: Mapping[str, Figures] = field(default_factory=dict)
    missed: str | None = None

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` has made of a trial."""
        return cls(**{**plain, "parts": {name: Figures(**figures) for name, figures in plain["parts"].items()}})

    @property
    def difference(self) -> float:
        """Return the percentage by which the file is larger than the plain JPEG; NaN without a file."""
        return math.nan if self.bytes is None else 100 * (self.bytes / self.reference_bytes - 1)

    @property
    def matched(self) -> bool:
        """Return whether the size is that of the plain JPEG, within the paper's 1 %."""
        return abs(self.difference) <= TOLERANCE

    def figure(self, part: str, measure: str) -> float:
        """Return one figure; NaN where it is unknown."""
        return float(getattr(self.parts[part], measure)) if part in self.parts else math.nan

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "collection": self.collection, "image": self.image, "quality": self.quality, "method": self.method,
            "bytes": self.bytes, "reference_bytes": self.reference_bytes, "final_quality": self.final_quality,
            "difference_percent": known(self.difference), "matched": self.matched, "missed": self.missed,
            "parts": {name: figures.to_dict() for name, figures in self.parts.items()},
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """All that was found out.

    Attributes
    ----------
    wish
        The wish that was carried out.
    encoder
        A sentence about the encoder of the files.
    maps
        Facts about the map of each image, in the order of the collections.
    trials
        Image by image, quality by quality: the plain JPEG, then each mode.
    """

    wish: Experiment
    encoder: str
    maps: tuple[MapFacts, ...]
    trials: tuple[Trial, ...]

    @property
    def unmatched(self) -> tuple[Trial, ...]:
        """Return the files that miss the size of the plain JPEG by more than the tolerance, or could not be made."""
        return tuple(trial for trial in self.trials if not trial.matched)

    def pairs(self, collection: str, quality: int, mode: str) -> Iterator[tuple[Trial, Trial]]:
        """Return pairs of plain JPEG and file of a mode, for each image that has both."""
        plain = {t.image: t for t in self.trials if (t.collection, t.quality, t.method) == (collection, quality, JPEG)}
        for trial in self.trials:
            if (trial.collection, trial.quality, trial.method) == (collection, quality, mode) and trial.parts:
                yield plain[trial.image], trial


def known(value: float) -> float | None:
    """Return None for NaN, which JSON and CSV do not have."""
    return None if math.isnan(value) else value
