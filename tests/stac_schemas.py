"""The published schemas of STAC, which lie in `stac/schemas`: an item is held to all that it names."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

_FOLDER = Path(__file__).parent / "stac/schemas"
_CORE = "https://schemas.stacspec.org/v1.1.0/item-spec/json-schema/"


@cache
def _registry() -> Registry[Any]:
    found: list[tuple[str, Resource[Any]]] = []
    for path in _FOLDER.glob("*.json"):
        schema = json.loads(path.read_text())
        resource = Resource.from_contents(schema, default_specification=DRAFT7)
        found += [(schema["$id"].rstrip("#"), resource), (_CORE + path.name, resource)]
    return Registry().with_resources(found)


def faults_of(item: dict[str, Any]) -> list[str]:
    """Return what the core schema and those of its extensions do not like about an item."""
    registry = _registry()
    return [
        f"{url}: {error.message}"
        for url in (f"{_CORE}item.json", *item["stac_extensions"])
        for error in Draft7Validator(registry.contents(url), registry=registry).iter_errors(item)
    ]
