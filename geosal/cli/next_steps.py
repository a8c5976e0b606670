"""What to type after a job: the commands that check its output, and that show what became of the scene."""

import os
import shlex
from typing import TYPE_CHECKING

from geosal.cli.output import Command
from geosal.files.names import stem_of

if TYPE_CHECKING:
    from geosal.job.recipe import Recipe


def next_steps(recipe: "Recipe") -> list[tuple[str, object]]:
    """Return rows of what a command is for, and the command, of a job that is done.

    An output tells how it was made, and masks and stacked files are looked for beside it and beside the scene; what it
    does not tell, or what lies elsewhere, is named.
    """
    from geosal.job.recipe import Recipe  # heavy, and the help does not need it

    page = os.path.join(os.path.dirname(recipe.output), f"{stem_of(recipe.output)}.html")
    others = [*_elsewhere(recipe), *(word for name in recipe.drivers for word in ("--allow-driver", name))]
    large = [] if recipe.max_pixels == Recipe.max_pixels else ["--max-pixels", str(recipe.max_pixels)]
    verify = ["geosal", "verify", recipe.output, "--against", recipe.input, *others]
    report = ["geosal", "report", recipe.input, recipe.output, "-o", page, *others, *large]
    return [("check it", Command(shlex.join(verify))), ("look at it", Command(shlex.join(report)))]


def _elsewhere(recipe: "Recipe") -> list[str]:
    """Return the options that name files of a job which nobody would find by the output and the scene alone."""
    from geosal.job.recall import find_stack  # heavy, and the help does not need it
    from geosal.sources.plugins import plugin_names
    from geosal.sources.registry import may_be_plugged

    folders = {os.path.realpath(os.path.dirname(path)) for path in (recipe.input, recipe.output)}
    named: list[str] = []
    if any(
        (may_be_plugged(source) and source.target in plugin_names())
        or any(os.path.realpath(os.path.dirname(path)) not in folders for path in source.paths)
        for source in recipe.sources
    ):
        named += [word for source in recipe.sources for word in ("--saliency", source.text)]
    found = find_stack([os.path.basename(path) for path in recipe.stack], recipe.input, recipe.output)
    if list(map(os.path.realpath, found)) != list(map(os.path.realpath, recipe.stack)):
        named += [word for path in recipe.stack for word in ("--stack", path)]
    return named
