"""The table of ``geosal plan --profiles``: one line for each profile that fits, and what its figures mean."""

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import PurePath

from geosal.cli.output import grid
from geosal.cli.paper import painted, width_of, wrapped
from geosal.job.choices import Choice, Choices
from geosal.sizes import as_bytes

_HEADER = ("profile", "bytes", "of input", "seconds", "error", "salient", "rest", "opens in")
_INDENT = 2


def as_table(choices: Choices) -> str:
    """Lay out what there is to choose from.

    The last column is set below the table, codec by codec, where the terminal is too narrow for it.
    """
    rows = [_row(choice) for choice in choices.profiles]
    table, limit = grid(_HEADER, rows), width_of(sys.stdout)
    below = []
    if limit is not None and any("…" in line for line in table.splitlines()):
        table = grid(_HEADER[:-1], [row[:-1] for row in rows])
        below = ["", "opens in", *_grouped(choices.profiles, lambda choice: choice.opens_in)]
    treated = ["", "treated", *_grouped(choices.profiles, _treated)]
    lines = [_head(choices), "", table, "", *_legend(choices), *treated, *below]
    if choices.left_out:
        lines += ["", painted("left out", "caution", sys.stdout)]
        lines += [_entry(left.profile, left.because) for left in choices.left_out]
    return "\n".join(lines)


def _head(choices: Choices) -> str:
    size = "of unknown size" if choices.input_bytes is None else as_bytes(choices.input_bytes)
    what = f"{choices.width} x {choices.height} px, {choices.count} x {choices.dtype}, {size}"
    return wrapped(f"{choices.input}: {what}; saliency {choices.saliency}", width_of(sys.stdout), indent=2)


def _row(choice: Choice) -> tuple[str, ...]:
    share = "" if choice.of_input_percent is None else f"{choice.of_input_percent:.1f} %"
    return (
        f"{'*' if choice.is_default else ' '} {choice.profile}",
        as_bytes(choice.bytes),
        share,
        f"{choice.seconds:.1f}",
        f"{'<=' if choice.is_promised else '~'} {choice.largest_error:.4g}",
        "exact" if choice.keeps_salient else _decibel(choice.psnr_salient),
        _decibel(choice.psnr_background),
        choice.opens_in,
    )


def _treated(choice: Choice) -> str:
    """Tell what saliency does, and the setting that meets a target, which may be the same."""
    if choice.setting is None:
        return choice.treatment
    return choice.setting if choice.treatment in choice.setting else f"{choice.treatment}, {choice.setting}"


def _decibel(psnr: float) -> str:
    if math.isnan(psnr):
        return "-"
    return "equal" if math.isinf(psnr) else f"{psnr:.1f} dB"


def _legend(choices: Choices) -> list[str]:
    share = choices.sample_pixels / (choices.width * choices.height)
    sample = "the whole scene" if choices.is_whole else f"a sample, {100 * share:.1f} % of the scene"
    taken = [choice for choice in choices.profiles if choice.is_default]
    lines = [
        f"All figures are estimates from {sample}; seconds with this machine as busy as it is now.",
        "error: the largest one; <= is kept for certain, ~ was seen in the sample and may be more elsewhere.",
        "salient, rest: PSNR of pixels of saliency 1 and of all others; exact: kept as they are for certain.",
    ]
    if taken:
        lines.append(f"* is taken where nobody chooses; another one: geosal compress … {_example(choices)}")
    return [wrapped(line, width_of(sys.stdout)) for line in lines]


def _example(choices: Choices) -> str:
    other = next((choice for choice in choices.profiles if not choice.is_default), choices.profiles[0])
    return f"{PurePath(other.output).name} --profile {other.profile}"


def _grouped(choices: Sequence[Choice], what: Callable[[Choice], str]) -> list[str]:
    """Tell what profiles have in common once for all of them."""
    groups: dict[str, list[str]] = {}
    for choice in choices:
        groups.setdefault(what(choice), []).append(choice.profile)
    return [_entry(", ".join(names), said) for said, names in groups.items()]


def _entry(name: str, text: str) -> str:
    return " " * _INDENT + wrapped(f"{name}: {text}", width_of(sys.stdout), indent=2 * _INDENT)
