"""Landsat's MTL file: groups of keys and values, as text (ODL), JSON or XML.

The grammar and the keys are those of USGS's Landsat Collection 2 Level-1 and Level-2 data format control books
(LSDS-1822, LSDS-1328); groups of Collection 1 and before have other names and nearly the same keys.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from geosal.errors import SceneError
from geosal.scenes.products.files import Files

Mtl = Mapping[str, Mapping[str, str]]
"""Group -> key -> value; quotes are taken off."""
_LONGEST = 400
"""Limit of a value, in characters."""


def read_mtl(files: Files, name: str) -> Mtl:
    """Read an MTL file of any of its forms.

    Raises
    ------
    SceneError
        It is damaged.
    """
    if name.lower().endswith(".xml"):
        root = files.xml(name)
        groups = {str(group.tag): {str(item.tag): (item.text or "").strip() for item in group} for group in root}
    else:
        text = files.read(name).decode("utf-8", errors="replace")
        groups = _from_json(files.root, text) if name.lower().endswith(".json") else _from_odl(text)
    if not any("SPACECRAFT_ID" in group for group in groups.values()):
        raise SceneError(f"{files.root}: {name} tells no SPACECRAFT_ID; it is damaged or no MTL file, copy it again")
    return groups


def _from_odl(text: str) -> dict[str, dict[str, str]]:
    groups: dict[str, dict[str, str]] = {}
    inside = ""
    for line in text.splitlines():
        key, sign, value = line.partition("=")
        key, value = key.strip(), value.strip()[:_LONGEST].strip('"')
        if not (sign and re.fullmatch("[A-Z0-9_]{1,80}", key)):
            continue
        if key == "GROUP":
            inside = value
        elif key != "END_GROUP":
            groups.setdefault(inside, {}).setdefault(key, value)
    return groups


def _from_json(path: str, text: str) -> dict[str, dict[str, str]]:
    try:
        data: Any = json.loads(text)
        (whole,) = data.values()
        return {str(name): {str(k): str(v) for k, v in group.items()} for name, group in whole.items()}
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise SceneError(
            f"{path}: its MTL file is no JSON of USGS's; it is damaged or cut off, copy it again"
        ) from error
