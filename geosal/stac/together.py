"""One item of several: the bands of a product, which catalogues have as assets of one scene."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from geosal.core.grid import Grid
from geosal.stac.digests import of_file
from geosal.stac.item import of_grid

_OF_FILES = ("data", "visual")
"""Keys of the asset that is the file itself, in the item of one file."""


class Beside(NamedTuple):
    """A file that goes along with the bands of a scene."""

    key: str
    """Of its asset."""
    path: Path
    media_type: str
    roles: tuple[str, ...] = ("metadata",)
    grid: Grid | None = None
    """Told where it is not that of all bands; None is told of nowhere."""


def item_together(
    folder: Path, items: Mapping[str, Mapping[str, Any]], others: Sequence[Beside] = ()
) -> dict[str, Any]:
    """Make one item of those of the bands of a scene.

    What they all tell alike are its properties; what differs is told of each asset, such as its grid, and what was done
    to its pixels. Place and outline are those of the finest band.

    Parameters
    ----------
    folder
        The item is to lie in it, and has its name.
    items
        Folder of each item -> the item; hrefs count from that.
    others
        Files that go along.
    """
    finest = max(
        items.values(), key=lambda item: item["properties"]["proj:shape"][0] * item["properties"]["proj:shape"][1]
    )
    each = [item["properties"] for item in items.values()]
    shared = {key: value for key, value in each[0].items() if all(key in one and one[key] == value for one in each)}
    assets: dict[str, Any] = {}
    for path, item in items.items():
        place = os.path.relpath(os.path.dirname(path), folder)
        own = {key: value for key, value in item["properties"].items() if key not in shared}
        main = next(item["assets"][key] for key in _OF_FILES if key in item["assets"])
        name = _free(str(main["bands"][0]["name"]), assets)
        for key, asset in item["assets"].items():
            told = asset | {"href": f"./{os.path.normpath(os.path.join(place, asset['href']))}"}
            assets[name if asset is main else f"{name}.{key}"] = told | own if asset is main else told
    for key, file, kind, roles, grid in others:
        about = {"href": f"./{os.path.relpath(file, folder)}", "type": kind, "roles": list(roles)}
        placed = of_grid(grid) if grid is not None and grid.crs else {}
        own = {name: value for name, value in placed.items() if name not in shared or shared[name] != value}
        assets[_free(key, assets)] = about | of_file(file) | own
    return {
        **{key: finest[key] for key in ("type", "stac_version")},
        "stac_extensions": list(dict.fromkeys(url for item in items.values() for url in item["stac_extensions"])),
        "id": folder.name.removesuffix(".SAFE"),
        **{key: finest[key] for key in ("geometry", "bbox")},
        "properties": shared,
        "links": [],
        "assets": assets,
    }


def _free(name: str, taken: Mapping[str, Any]) -> str:
    number = 1
    while (found := name if number == 1 else f"{name} ({number})") in taken:
        number += 1
    return found
