"""The tags by which an output tells its job, from the plan that made it."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import rasterio

from geosal.core import provenance
from geosal.errors import redact
from geosal.formats.options import united
from geosal.job.plan import Plan
from geosal.job.recipe import Recipe
from geosal.produce import Tags
from geosal.sources.text import base_name
from geosal.version import __version__

_AS_THEY_ARE = (
    "bidx", "bands", "resolution", "resampling", "to_byte", "select", "combine", "outside", "background",
    "target_bpp", "target_size", "target_ratio", "target_jpeg", "min_psnr", "min_ssim",
)  # fmt: skip
"""Fields of a recipe that pixels depend on and that need no reading; a default is left out."""
_OF_THE_WORK = {"NUM_THREADS"}
"""Creation options that change no byte."""
_DEFAULTS = {field.name: field.default for field in fields(Recipe)}


def tags_of(plan: Plan, kernel: float) -> Tags:
    """Make the tags of a plan's output.

    Parameters
    ----------
    plan
        Plan that was carried out.
    kernel
        Effective kernel over the valid pixels.
    """
    return provenance.of_a_job(plan.treatment, plan.ladder, kernel, plan.saliency.label, recipe_of(plan))


def recipe_of(plan: Plan) -> dict[str, Any]:
    """Tell the recipe of a plan for others to read: plain data, without folders, the same for the same job.

    What the user left open stays open, but for the codec: the usual treatment, for one, depends on the scene. What
    came of it is told beside: ``treated`` and ``written_with``.
    """
    import imagecodecs  # whose import takes less time than its metadata

    wish = plan.wish
    told = {
        name: list(value) if isinstance(value, tuple) else value
        for name in _AS_THEY_ARE
        if (value := getattr(wish, name)) != _DEFAULTS[name]
    }
    options = of_the_file(wish.creation_options)
    size = plan.input_bytes if plan.scene.original.files == (wish.input,) else None
    return {
        "versions": {
            "geosal": __version__,
            "gdal": str(rasterio.__gdal_version__),
            "imagecodecs": str(imagecodecs.__version__),
        },
        "input": redact(base_name(wish.input)),
        **({} if size is None else {"input_bytes": size}),
        **({"stack": [redact(base_name(path)) for path in wish.stack]} if wish.stack else {}),
        **told,
        "saliency": list(plan.saliency.told),
        "steps": wish.steps,
        "sigma": wish.sigma,
        **({} if wish.treatment is None else {"treatment": list(wish.treated.texts)}),
        "profile": plan.profile.name,
        **({"creation_options": options} if options else {}),
        "treated": list(plan.treatment.texts),
        "written_with": of_the_file(plan.profile.creation_options),
    }


def of_the_file(options: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Creation options that a file depends on, in one order."""
    return {name: value for name, value in sorted(united(options).items()) if name not in _OF_THE_WORK}
