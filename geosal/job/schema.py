"""The keys of a recipe as a JSON schema, by which editors complete and check them.

``python -m geosal.job.schema > configs/recipe.schema.json`` writes it anew; a recipe names it in its first line::

    # yaml-language-server: $schema=recipe.schema.json
"""

import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, get_args, get_type_hints

from geosal.formats.table import PROFILES
from geosal.job.recipe import COMBINE, OUTSIDE, READERS, Recipe
from geosal.scenes import RESAMPLING

_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_WHOLE = {"type": "integer"}
_SIZE = {"type": ["integer", "string"]}
_TEXTS = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT}]}
_VALUE = {"type": ["string", "number", "boolean"]}
_PAIR = {"type": "array", "items": _VALUE, "minItems": 2, "maxItems": 2}
_OF_TYPES: Mapping[type, Mapping[str, Any]] = {str: _TEXT, int: _WHOLE, float: _NUMBER, bool: {"type": "boolean"}}
_OF_KINDS: Mapping[str, Mapping[str, Any]] = {
    "text": _TEXT,
    "scheduler": _TEXT,
    "number": _NUMBER,
    "texts": _TEXTS,
    "sources": _TEXTS,
    "names": _TEXTS,
    "band numbers": {"anyOf": [_WHOLE, {"type": "array", "items": _WHOLE}]},
    "floors": {"anyOf": [_NUMBER, _TEXT, {"type": "array", "items": {"type": ["number", "string"]}}]},
    "size": _SIZE,
    "memory": _SIZE,
    "ratio": {"type": ["number", "string"]},
    "options": {"anyOf": [{"type": "object", "additionalProperties": _VALUE}, {"type": "array", "items": _PAIR}]},
}
"""What a recipe may hold, by the kinds of `READERS`."""
_LIKE = "An output of geosal; what this recipe does not say is as in the job that made it."
_JOBS = "Several jobs: the options of each, with input and output, which go before those that stand beside jobs."
_WORDS: Mapping[str, tuple[str, ...]] = {"combine": COMBINE, "outside": OUTSIDE, "resampling": RESAMPLING}
"""Values of keys that take certain words only."""


def recipe_schema() -> dict[str, Any]:
    """Return the JSON schema of a recipe in YAML; no key is required, for the command line may give it."""
    notes, hints = dict(_notes(inspect.getdoc(Recipe) or "")), get_type_hints(Recipe)
    keys: dict[str, Any] = {}
    for field in fields(Recipe):
        keys[field.name] = {"description": notes[field.name], **_values_of(field.name, hints[field.name])}
    keys["profile"]["examples"] = list(PROFILES)
    keys["like"] = {"description": _LIKE, **_TEXT}
    keys["jobs"] = {"description": _JOBS, "type": "array", "minItems": 1, "items": {"$ref": "#"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Recipe of geosal",
        "description": "Options of geosal compress and geosal plan. Relative paths count from the recipe's own folder.",
        "type": "object",
        "properties": keys,
        "additionalProperties": False,
    }


def _values_of(name: str, hint: Any) -> Mapping[str, Any]:
    """Return what a key may hold: certain words, what its reader takes, or values of its type."""
    if name in _WORDS:
        return {"enum": list(_WORDS[name])}
    for kind, (_, names) in READERS.items():
        if name in names:
            return _OF_KINDS[kind]
    types = [kind for kind in (get_args(hint) or (hint,)) if kind is not type(None)]
    return _OF_TYPES[types[0]]


def _notes(docstring: str) -> Iterator[tuple[str, str]]:
    """Yield the keys that a docstring in NumPy's style tells of, each with its text in one line."""
    body = docstring.partition("Attributes\n----------\n")[2]
    for match in re.finditer(r"^(\w+(?:, \w+)*)\n((?:    .*(?:\n|$))+)", body, re.MULTILINE):
        text = re.sub(r"`{1,2}([^`]*)`{1,2}", r"\1", " ".join(match[2].split()))
        yield from ((name, text) for name in match[1].split(", "))


def as_text() -> str:
    """Return the schema as it stands in ``configs/recipe.schema.json``."""
    return json.dumps(recipe_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(as_text())
