"""A recipe as the command that makes it."""

import shlex
from dataclasses import fields
from typing import Any

from geosal.job.recall import words_of
from geosal.job.recipe import Recipe
from geosal.sizes import as_size


def command_of(recipe: Recipe) -> str:
    """Write the command line of a recipe, for a shell; what has the value of its default is left out."""
    names = [field.name for field in fields(recipe) if getattr(recipe, field.name) != field.default]
    given = {name: _plain(name, getattr(recipe, name)) for name in names}
    paths = [given.pop(name) for name in ("input", "output")]
    return f"{shlex.join(['geosal', 'compress', *paths])} {words_of(given)}"


def _plain(name: str, value: Any) -> Any:
    match name, value:
        case "creation_options", _:
            return dict(value)
        case (("target_size" | "max_memory"), int()):
            return as_size(value)
    return value
