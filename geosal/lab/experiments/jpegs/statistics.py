"""Evaluate figures of files: means, analysis of variance, and verdicts on the paper's claim."""

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from geosal.lab.experiments.jpegs.outcome import MEASURES, PARTS, TOLERANCE, WHOLE, Outcome, Trial, known

SIGNIFICANT = 0.05
"""Significance level of the paper's test."""
PAPER: Mapping[int, Mapping[str, tuple[float, float]]] = MappingProxyType({
    30: {"Salicon": (0.61, 0.0030), "General-100": (0.004, 0.0004)},
    50: {"Salicon": (1.09, 0.0077), "General-100": (0.36, 0.0036)},
    70: {"Salicon": (0.97, 0.0048), "General-100": (0.07, 0.0018)},
})  # fmt: skip
"""Gains in PSNR (dB) and SSIM that the paper reports, by the quality of the plain JPEG."""
_PSNR_DIGITS, _SSIM_DIGITS = 2, 4
"""Decimals of a gain; a smaller one counts as none."""
_LEAST = 2
"""Fewest values of a group that has a variance."""


class Variance(NamedTuple):
    """Outcome of a one-way analysis of variance."""

    f: float
    p: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Test:
    """One measure of one part, of all files of a mode against the plain ones.

    Attributes
    ----------
    images
        Number of images that enter: the figure is known and finite in both files.
    jpeg, shaped
        Means.
    f, p
        One-way analysis of variance, as in the paper; NaN where groups have no variance.
    p_paired
        p of a t test on the differences image by image, which the paper does not make: the files come in pairs, and
        what sets images apart is no matter of the codec.
    """

    collection: str
    mode: str
    quality: int
    part: str
    measure: str
    images: int
    jpeg: float
    shaped: float
    f: float
    p: float
    p_paired: float

    @property
    def gain(self) -> float:
        """Return the mean gain of the mode over the plain file; a lower MSE is better."""
        return self.shaped - self.jpeg

    def to_dict(self) -> dict[str, Any]:
        """Plain data; what cannot be told is None."""
        own = {name: known(value) if isinstance(value, float) else value for name, value in asdict(self).items()}
        return own | {"gain": known(self.gain)}


def one_way(first: Sequence[float], second: Sequence[float]) -> Variance:
    """Analyse the variance between two groups; NaN where they are too small, or all values are equal."""
    if min(len(first), len(second)) < _LEAST or max(np.ptp(first), np.ptp(second), abs(first[0] - second[0])) == 0:
        return Variance(math.nan, math.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of groups without a variance of their own; F is infinite then
        found = stats.f_oneway(np.asarray(first), np.asarray(second))
    if found.statistic <= 0:  # equal means apart from rounding, for which SciPy has no p
        return Variance(0.0, 1.0)
    return Variance(float(found.statistic), float(found.pvalue))


def paired(first: Sequence[float], second: Sequence[float]) -> float:
    """Return p of a t test on the differences; NaN where they have no variance."""
    differences = np.subtract(second, first)
    if len(differences) < _LEAST or np.ptp(differences) == 0:
        return math.nan
    return float(stats.ttest_rel(np.asarray(second), np.asarray(first)).pvalue)


def anova(outcome: Outcome) -> tuple[Test, ...]:
    """Test every measure of every part, for each collection, mode and quality."""
    return tuple(
        _test(outcome, (collection, mode, quality), part, measure)
        for collection, mode, quality in cases(outcome)
        for part in PARTS
        for measure in MEASURES
    )


def cases(outcome: Outcome) -> Iterator[tuple[str, str, int]]:
    """Return collection, mode and quality of all files that are compared with plain JPEGs."""
    for collection in outcome.wish.images:
        for mode in outcome.wish.modes:
            for quality in outcome.wish.qualities:
                yield collection, mode, quality


def _test(outcome: Outcome, case: tuple[str, str, int], part: str, measure: str) -> Test:
    collection, mode, quality = case
    pairs = outcome.pairs(collection, quality, mode)
    figures = [(plain.figure(part, measure), shaped.figure(part, measure)) for plain, shaped in pairs]
    figures = [pair for pair in figures if all(map(math.isfinite, pair))]
    first, second = [a for a, _ in figures], [b for _, b in figures]
    variance = one_way(first, second)
    return Test(
        collection=collection,
        mode=mode,
        quality=quality,
        part=part,
        measure=measure,
        images=len(figures),
        jpeg=mean(first),
        shaped=mean(second),
        f=variance.f,
        p=variance.p,
        p_paired=paired(first, second),
    )


def mean(values: Sequence[float]) -> float:
    """Return the mean of the known values; NaN without any."""
    told = [value for value in values if not math.isnan(value)]
    return sum(told) / len(told) if told else math.nan


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Verdict on the paper's global gain, for one collection, mode and quality.

    Attributes
    ----------
    shows
        ``yes`` (PSNR and SSIM of the whole image rise on average), ``partly`` (one of them), ``no``, or ``unknown``. A
        rise is one that the sentence shows: 0.01 dB, or 0.0001.
    significant
        Both rise, and p of both is below 0.05; not where one of them is not known.
    sentence
        All of it in words.
    """

    collection: str
    mode: str
    quality: int
    shows: str
    significant: bool
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def verdicts(outcome: Outcome, tests: Sequence[Test] | None = None) -> tuple[Verdict, ...]:
    """Conclude for each collection, mode and quality whether the global gain shows; all of it from the figures."""
    found = {(t.collection, t.mode, t.quality, t.part, t.measure): t for t in tests or anova(outcome)}
    return tuple(_verdict(outcome, case, found) for case in cases(outcome))


def _verdict(
    outcome: Outcome, case: tuple[str, str, int], tests: Mapping[tuple[str, str, int, str, str], Test]
) -> Verdict:
    collection, mode, quality = case
    psnr, ssim = tests[*case, WHOLE, "psnr"], tests[*case, WHOLE, "ssim"]
    pairs = list(outcome.pairs(collection, quality, mode))
    shows = _shows(psnr.gain, ssim.gain)
    significant = shows == "yes" and all(test.p < SIGNIFICANT for test in (psnr, ssim))
    wins = sum(_wins(plain, shaped) for plain, shaped in pairs)
    words = [f"{collection}, {mode}, Q {quality}: {_HEADS[shows]}"]
    if shows == "yes":
        words[0] += ", and is significant" if significant else ", but is not significant"
    if shows != "unknown":
        gains = ", ".join(f"{_signed(b - a, _PSNR_DIGITS)} dB" for a, b in _of_parts(pairs))
        words.append(
            f"PSNR {_signed(psnr.gain, _PSNR_DIGITS)} dB, SSIM {_signed(ssim.gain, _SSIM_DIGITS)} over {len(pairs)} "
            f"images, of which {wins} gain in both{_papers(quality)}"
        )
        words.append(f"ANOVA p = {as_p(psnr.p)} (PSNR), {as_p(ssim.p)} (SSIM)")
        words.append(f"PSNR of salient part and background: {gains}")
    words.append(_sizes(outcome, case))
    return Verdict(
        collection=collection, mode=mode, quality=quality, shows=shows, significant=significant,
        sentence=f"{words[0]}. " + "; ".join(words[1:]) + ".",
    )  # fmt: skip


_HEADS = {
    "yes": "the paper's global gain shows",
    "partly": "the paper's global gain shows in one of PSNR and SSIM only",
    "no": "the paper's global gain does not show",
    "unknown": "no file could be made, so nothing can be said",
}


def _shows(psnr: float, ssim: float) -> str:
    """Judge by the means over the images; the smallest images have no SSIM."""
    if math.isnan(psnr):
        return "unknown"
    rises = [round(psnr, _PSNR_DIGITS) > 0, *([] if math.isnan(ssim) else [round(ssim, _SSIM_DIGITS) > 0])]
    return "yes" if all(rises) else "partly" if any(rises) else "no"


def _wins(plain: Trial, shaped: Trial) -> bool:
    return all(not shaped.figure(WHOLE, name) <= plain.figure(WHOLE, name) for name in ("psnr", "ssim"))


def _of_parts(pairs: Sequence[tuple[Trial, Trial]]) -> Iterator[tuple[float, float]]:
    for part in PARTS[1:]:
        figures = [(plain.figure(part, "psnr"), shaped.figure(part, "psnr")) for plain, shaped in pairs]
        figures = [pair for pair in figures if all(map(math.isfinite, pair))]
        yield mean([a for a, _ in figures]), mean([b for _, b in figures])


def _papers(quality: int) -> str:
    if quality not in PAPER:
        return ""
    told = ", ".join(f"{name} {_signed(gain, _PSNR_DIGITS)} dB" for name, (gain, _) in PAPER[quality].items())
    return f" (the paper: {told})"


def _sizes(outcome: Outcome, case: tuple[str, str, int]) -> str:
    collection, mode, quality = case
    trials = [t for t in outcome.trials if (t.collection, t.method, t.quality) == (collection, mode, quality)]
    made = [trial for trial in trials if trial.bytes is not None]
    off, missed = sum(not trial.matched for trial in made), len(trials) - len(made)
    worst = max((abs(trial.difference) for trial in made), default=math.nan)
    told = "no size to compare" if not made else f"sizes off by {worst:.2f} % at most"
    if off:
        told += f", {off} of {len(trials)} by MORE THAN {TOLERANCE:g} %, which is no fair comparison"
    return told + (f", {missed} of {len(trials)} not reached and left out" if missed else "")


def _signed(value: float, digits: int) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:+.{digits}f}" if round(value, digits) else f"{0:.{digits}f}"


def as_p(p: float) -> str:
    """Write a p-value."""
    return "-" if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"
