"""The STAC item of a job: what was done to the pixels, and what of them is promised, as data."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from geosal.core.ladder import effective_kernel
from geosal.core.treatment import Bound
from geosal.errors import redact
from geosal.files.swap import ITEM, beside
from geosal.formats.treatments import settings_by_level
from geosal.job.plan import Plan
from geosal.job.settings import basis_of
from geosal.job.tally import Tally
from geosal.job.words import of_pixels
from geosal.sources.text import base_name
from geosal.stac.item import About, item_of
from geosal.version import __version__

_DIGITS = 6
"""Decimals of shares."""


def write_item(output: Path, plan: Plan, tally: Tally) -> None:
    """Write the item of a finished file beside it, in the work directory.

    Parameters
    ----------
    output
        The file, checked and not yet named.
    plan
        Plan that was carried out.
    tally
        What its blocks add up to.
    """
    about = About(
        basis=basis_of(plan.recipe, plan.scene),
        layout=plan.layout,
        media_type=plan.profile.format.media_type,
        visual=plan.recipe.to_byte is not None,
        claim=_claim(plan, tally),
        statistics=[band.tags(tally.pixels) for band in tally.bands or ()],
    )
    text = json.dumps(item_of(output, about), indent=2, ensure_ascii=False, allow_nan=False)
    beside(output, ITEM).write_text(f"{text}\n", encoding="utf-8")


def _claim(plan: Plan, tally: Tally) -> dict[str, Any]:
    """Tell as properties of an item what was done; docs/reference/stac.md explains each of them."""
    shares = tally.shares(valid_only=True)
    wish, said = plan.wish, of_pixels(plan, shares)
    return {
        "processing:software": {"geosal": __version__},
        "processing:lineage": f"{redact(base_name(wish.input))} by geosal compress: {plan.treatment}, saliency "
        f"{plan.saliency.label}, profile {plan.profile.name}. {said}",
        "geosal:profile": plan.profile.name,
        "geosal:lossless_codec": plan.profile.lossless,
        "geosal:treatment": list(plan.treatment.texts),
        "geosal:saliency": list(plan.saliency.told),
        "geosal:effective_kernel": round(effective_kernel(plan.kernels(shares)), _DIGITS),
        "geosal:exact_share": round(shares.get(1, 0.0), _DIGITS) if plan.keeps_salient else 0.0,
        "geosal:levels": _levels(plan, shares),
        **_largest_error(plan),
        **({} if tally.seal is None else {"geosal:seal": tally.seal}),
    }


def _levels(plan: Plan, shares: Mapping[int, float]) -> list[dict[str, Any]]:
    """Tell of each level that some pixels have: its kernel, its share, its largest error or its quality."""
    then, steps = plan.treatment.then, plan.ladder.steps
    errors = then.errors(steps, plan.layout.dtype) if isinstance(then, Bound) else ()
    qualities = () if errors else settings_by_level(plan.treatment, plan.profile.codec, steps, plan.layout)
    told = []
    for width, share in sorted(shares.items()):
        level = width // 2
        each: dict[str, Any] = {"level": level, "kernel": width if plan.treatment.smooth else 1}
        each["share"] = round(share, _DIGITS)
        if errors:
            each["max_error"] = errors[level]
        if qualities:
            each["quality"] = round(qualities[level], _DIGITS)
        told.append(each)
    return told


def _largest_error(plan: Plan) -> dict[str, Any]:
    """Tell the largest error that is promised, and from what it counts; nothing where none is."""
    then, options = plan.treatment.then, plan.profile.options
    if isinstance(then, Bound):
        error = then.settled(plan.layout.dtype).error
    elif np.dtype(plan.layout.dtype).kind != "f" and plan.profile.name.startswith("lerc") and "MAX_Z_ERROR" in options:
        error = float(options["MAX_Z_ERROR"])
    elif plan.profile.lossless and not plan.treatment.smooth:
        error = 0.0
    else:
        return {}
    return {"geosal:max_error": error, "geosal:max_error_from": "smoothed" if plan.treatment.smooth else "source"}
