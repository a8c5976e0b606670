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

    An output tells how it was made, and masks are looked for beside it and beside the scene; those that lie elsewhere
    are named.
    """
    page = os.path.join(os.path.dirname(recipe.output), f"{stem_of(recipe.output)}.html")
    others = _elsewhere(recipe)
    verify = ["geosal", "verify", recipe.output, "--against", recipe.input, *others]
    report = ["geosal", "report", recipe.input, recipe.output, "-o", page, *others]
    return [("check it", Command(shlex.join(verify))), ("look at it", Command(shlex.join(report)))]


def _elsewhere(recipe: "Recipe") -> list[str]:
    """Return the options that name files of a job which nobody would find by the output and the scene alone."""
    folders = {os.path.realpath(os.path.dirname(path)) for path in (recipe.input, recipe.output)}

    def is_elsewhere(path: str) -> bool:
        return os.path.realpath(os.path.dirname(path)) not in folders

    named: list[str] = []
    if any(is_elsewhere(path) for source in recipe.sources for path in source.paths):
        named += [word for source in recipe.sources for word in ("--saliency", source.text)]
    if any(map(is_elsewhere, recipe.stack)):
        named += [word for path in recipe.stack for word in ("--stack", path)]
    return named
