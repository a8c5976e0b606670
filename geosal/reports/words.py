"""What a report says in sentences: plain text, which whoever writes the page has to escape."""

import math
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.comparison import Comparison
from geosal.comparison.result import BACKGROUND, SALIENT, WHOLE
from geosal.core.treatment import Bound, Quality, Treatment, TwoPass
from geosal.errors import GeosalError, redact
from geosal.job.command import command_of
from geosal.job.recall import wish_of
from geosal.job.recipe import Recipe
from geosal.metrics import Scores
from geosal.reports.counts import KEPT, REST, half_of
from geosal.reports.measured import Measured
from geosal.sizes import as_bytes, counted

UNKNOWN = "\N{EN DASH}"
VERDICTS = {True: "all checks hold", False: "CHECKS FAILED", None: "promises nothing"}
"""What is said of an output in two or three words, by whether all of its checks hold."""
"""In place of a figure that is not known."""
Facts = list[tuple[str, str]]
"""Terms, and what there is to say of each."""


def name_of(path: str) -> str:
    """Name a file for people: without folders and secrets."""
    return os.path.basename(redact(path).rstrip("/")) or redact(path)


def scene_of(one: Measured, *, short: bool = False) -> str:
    """Name the scene: its file, and those that were stacked on it.

    Parameters
    ----------
    one
        The output.
    short
        Tell only how many were stacked.
    """
    first, others = name_of(one.outcome.original), [name_of(path) for path in one.opened.stack]
    if not others:
        return first
    if short:
        return f"{first} and {len(others)} more"
    return f"{', '.join([first, *others[:-1]])} and {others[-1]}"


def change(one: Measured) -> str:
    """Say by how much an output is smaller than its scene; empty where that is not known."""
    if one.smaller is None:
        return ""
    return f"{abs(one.smaller):.1f} % {'smaller' if one.smaller >= 0 else 'LARGER'}"


def size_sentence(one: Measured) -> str:
    """Say how large an output is beside its scene, and beside the samples of that."""
    outcome = one.outcome
    name, now = name_of(outcome.candidate), as_bytes(outcome.candidate_bytes or 0)
    if outcome.candidate_bytes is None:
        return f"{name} is not on this machine, so its size is not known."
    of_raw = "" if outcome.reduction_of_raw is None else _of_samples(outcome.reduction_of_raw)
    if one.smaller is None:
        return f"{name} takes {now}{of_raw}."
    part = ", of which not all bands are taken" if one.takes_part else ""
    return f"{name} is {change(one)} than the input ({now} of {as_bytes(one.input_bytes or 0)}{part}){of_raw}."


def _of_samples(reduction: float) -> str:
    return f", and takes {abs(reduction):.1f} % {'less' if reduction >= 0 else 'MORE'} than its samples without a codec"


def loss_sentence(outcome: Comparison, sizes: NDArray[np.int64], unit: float) -> str:
    """Say what was kept and what was lost, as it was measured.

    Parameters
    ----------
    outcome
        The figures.
    sizes
        Samples by the size of their errors, (2, `BINS`): see `geosal.reports.counts`.
    unit
        Upper end of the first bin of errors above 0.
    """
    span, every = outcome.data_range, sizes.sum(axis=0)
    if SALIENT not in outcome.parts or not outcome.scores(SALIENT).samples:
        return _lost("The scene", outcome.scores(WHOLE), span, half_of(every, unit))
    share = next(row.share for row in outcome.rows if row.part == SALIENT)
    kept, rest = outcome.scores(SALIENT), outcome.scores(BACKGROUND)
    if not kept.max_error:
        told = f"{percent(share)} of the scene matters most, and every pixel there is exactly as it was."
    else:
        lost = _lost("That part", kept, span, half_of(sizes[KEPT], unit))
        told = f"{percent(share)} of the scene matters most. {lost}"
    if not rest.samples:
        return told
    why = f" {_HARDER}" if kept.max_error and kept.psnr < rest.psnr else ""
    return f"{told} {_lost('The rest', rest, span, half_of(sizes[REST], unit))}{why}"


_HARDER = (
    "That what matters has the lower PSNR does not say that it was treated worse: the figures are of different pixels, "
    "and detail is harder to code than even ground."
)


def _lost(what: str, scores: Scores, data_range: float, half: tuple[float, float]) -> str:
    """Say how far samples are off: most of them, the worst, and all together."""
    if not scores.max_error:
        return f"{what} is exactly as it was."
    end, share = half
    share_of_range = percent(scores.rmse / data_range)
    square = f"the root mean square error is {figure(scores.rmse)}, {share_of_range} of the range of values"
    if end >= scores.max_error:
        return f"{what} is off by {figure(scores.max_error)} at most; {square}."
    most = f"{percent(share)} of its samples are {f'off by {figure(end)} or less' if end else 'exact'}"
    return f"{what}: {most}, and none is off by more than {figure(scores.max_error)}; {square}."


def proof_sentence(one: Measured) -> str:
    """Say what verification has found."""
    if one.checks is None:
        return "It was not written by geosal and promises nothing, so nothing is proved; only the figures are measured."
    made = [check for check in one.checks if check.checked]
    if not one.checks.ok:
        failed = ", ".join(check.name for check in one.checks if not check.ok)
        return f"It does NOT hold what was promised: {failed}."
    left = [check.name for check in one.checks if not check.checked]
    others = f"; not to be compared here: {', '.join(left)}" if left else ""
    return f"All {len(made)} checks of what was promised hold{others}."


def asked(one: Measured) -> Facts:
    """Tell what was asked and what was done, as the output tells it."""
    opened, outcome = one.opened, one.outcome
    recipe = opened.recipe or {}
    facts: Facts = []
    label = outcome.saliency or outcome.made_with
    if label:
        facts.append(("Where to look", brief(label)))
    facts += [("What was done", each) for each in _treated(opened.treatment, outcome.steps or recipe.get("steps"))]
    facts += [("What was asked of the result", text) for text in _targets(recipe)]
    if codec := recipe.get("profile"):
        facts.append(("Codec", f"{codec} ({opened.pair.candidate.driver})"))
    else:
        facts.append(("Format", opened.pair.candidate.driver))
    size = f"{outcome.width} x {outcome.height} pixels"
    facts.append(("Scene", f"{size}, {counted(outcome.count, 'band')} of {outcome.dtype}"))
    if opened.stack:
        facts.append(("Its files", scene_of(one)))
    if outcome.as_the_file_says:
        facts.append(("Read as the file says", opened.held.line.partition(": ")[2]))
    if opened.held.lacking and outcome.saliency is None:
        facts.append(("Not known", opened.held.lacking))
    if versions := recipe.get("versions"):
        facts.append(("Made by", ", ".join(f"{name} {version}" for name, version in versions.items())))
    return facts


def _treated(text: str, steps: Any) -> Iterator[str]:
    """Say what a treatment does; nothing of one that cannot be read."""
    try:
        treatment = Treatment.parse(text.split()) if text else None
    except GeosalError:
        treatment = None
    if treatment is None:
        return
    if treatment.smooth:
        widest = f", by up to {2 * steps + 1} px" if isinstance(steps, int) else ""
        yield f"Smoothed: the less a pixel matters, the wider it is blurred{widest}. Pixels of saliency 1 stay."
    match treatment.then:
        case Bound(error) if error is not None:
            rounded, of = ("Then rounded", " its smoothed value") if treatment.smooth else ("Rounded", " what it was")
            yield f"{rounded}: no sample is more than {error:g} from{of}, and the nearer, the more its pixel matters."
        case Quality(low, high) if low is not None and high is not None:
            yield f"Coded at qualities from {high:.4g} where it matters most down to {low:.4g} where it matters least."
        case TwoPass(low, high):
            yield f"Coded twice: first each pixel at the quality of its level, {high:.4g} down to {low:.4g}, then all."


def allowed(one: Measured) -> Sequence[float]:
    """Return the largest error that each level may have; nothing where no such thing is promised of the samples."""
    layout = one.opened.pair.original.layout
    try:
        treatment = Treatment.parse(one.opened.treatment.split()) if one.opened.treatment else None
        if treatment is None or treatment.smooth or not isinstance(treatment.then, Bound):
            return ()
        return treatment.then.errors(one.opened.pair.ladder.steps, layout.dtype)
    except GeosalError:
        return ()


_TARGETS: Mapping[str, str] = {
    "target_size": "a file of at most {}",
    "target_bpp": "{} bits per pixel",
    "target_ratio": "{} times smaller than the samples",
    "target_jpeg": "as many bytes as a plain JPEG of quality {}",
    "min_psnr": "a PSNR of at least {} dB",
    "min_ssim": "an SSIM of at least {}",
}


def _targets(recipe: Mapping[str, Any]) -> Iterator[str]:
    for name, words in _TARGETS.items():
        if name in recipe:
            told = recipe[name]
            value = ", ".join(map(str, told)) if isinstance(told, list) else told
            if name == "target_size" and isinstance(told, int):
                value = as_bytes(told)
            yield words.format(value)


def command(one: Measured) -> str:
    """Write the command that makes an output again; empty where it tells no recipe."""
    recipe = one.opened.recipe
    if recipe is None:
        return ""
    names = [_argument(name_of(path)) for path in (recipe.get("input", one.outcome.original), one.opened.path)]
    wish = wish_of(recipe)
    if stack := [_argument(name_of(path)) for path in one.opened.stack]:
        wish["stack"] = stack
    try:
        return command_of(Recipe.from_mapping({**wish, "input": names[0], "output": names[1]}))
    except GeosalError:  # its paths need what is not here
        return f"geosal compress {shlex.join(names)} --like {shlex.quote(names[1])}"


def _argument(name: str) -> str:
    return f"./{name}" if name.startswith("-") else name


def brief(label: str) -> str:
    """Tell a saliency without digests and folders."""
    return re.sub(r"[^\s:=,;|]*/(?=[^/])", "", re.sub(r" \(sha256 [0-9a-f]+\)", "", label))


def digests(one: Measured) -> list[str]:
    """Tell the digests of the masks of a job."""
    told = (one.opened.recipe or {}).get("saliency", ())
    return [f"{each['source']}: sha256 {each['sha256']}" for each in told if "sha256" in each]


def figure(value: float) -> str:
    """Write a number with three digits or so; a dash where it is not known."""
    if math.isnan(value):
        return UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percent(share: float) -> str:
    """Write a share in percent, small ones with their digits."""
    value = 100 * share
    if 0 < value < 0.01:
        return "less than 0.01 %"
    if 0 < 100 - value < 0.01:
        return "more than 99.99 %"
    return f"{value:.3g} %" if value < 10 else f"{value:.1f} %"


def blur(kernel: float | None) -> str:
    """Write the mean width of the blur: in pixels, or that nothing is blurred."""
    if kernel is None:
        return UNKNOWN
    return "none" if f"{kernel:.2f}" == "1.00" else f"{kernel:.2f} px"


def decibels(scores: Scores) -> str:
    """Write a PSNR: a number, or that nothing differs."""
    if not scores.samples or math.isnan(scores.psnr):
        return UNKNOWN
    return "exact" if math.isinf(scores.psnr) else f"{scores.psnr:.2f} dB"


def ssim(scores: Scores) -> str:
    """Write an SSIM."""
    return UNKNOWN if math.isnan(scores.ssim) else f"{scores.ssim:.4f}"
