"""Sizes and digests of finished files, as the file extension has them; and whether an item still fits its file."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from geosal.core.provenance import RECIPE, TREATMENT, read_recipe
from geosal.errors import UsageError
from geosal.files.atomic import open_plain
from geosal.files.swap import ITEM, beside, sidecars_of

_SHA256 = "1220"
"""Prefix of a multihash: SHA2-256, of 32 bytes."""
_CHUNK = 2**20
_LARGEST = 2**22
"""Limit of an item in bytes: ours have some thousand."""
STORE_DIGEST = "geosal:sha256"
"""Digest of a store, which no field of an extension has."""
_SHOWN = 40


def of_file(path: Path) -> dict[str, Any]:
    """Return size and multihash of a file, as ``file:size`` and ``file:checksum``."""
    return {"file:size": path.stat().st_size, "file:checksum": _SHA256 + _sha256(path)}


def of_store(path: Path) -> dict[str, Any]:
    """Return the size of all files of a store, and the digest of what ``sha256sum`` says of them, sorted by name."""
    names = sorted(os.path.relpath(os.path.join(place, name), path) for place, _, at in os.walk(path) for name in at)
    lines = "".join(f"{_sha256(path / name)}  ./{name}\n" for name in names)
    size = sum((path / name).stat().st_size for name in names)
    return {"file:size": size, STORE_DIGEST: hashlib.sha256(lines.encode()).hexdigest()}


def of_output(path: Path) -> dict[str, Any]:
    """Return size and digest of a file or a store."""
    return of_store(path) if path.is_dir() else of_file(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def has_item(output: str) -> bool:
    """Return whether an item lies beside a file."""
    return beside(Path(output), ITEM).is_file()


def item_faults(output: str, tags: Mapping[str, str]) -> Iterator[str]:
    """Report where the item beside a file does not fit it.

    Parameters
    ----------
    output
        The file.
    tags
        Its tags in the default domain: what they tell of the job, the item has to tell as well.
    """
    path = Path(output)
    item = read_item(beside(path, ITEM))
    if isinstance(item, str):
        yield item
        return
    assets = item.get("assets")
    told = [one for one in assets.values() if isinstance(one, dict)] if isinstance(assets, dict) else []
    own = {name: one for one in told if (name := _name_beside(one.get("href"), path)) is not None}
    if path.name not in own:
        yield f"has no asset {path.name}"
    for name, asset in own.items():
        yield from _asset_faults(path.with_name(name), asset)
    properties = item.get("properties")
    yield from _claim_faults(properties if isinstance(properties, dict) else {}, tags)


def read_item(path: Path) -> dict[str, Any] | str:
    """Read an item of whatever origin; a text says what is wrong with it."""
    try:
        if path.stat().st_size > _LARGEST:
            return f"is larger than {_LARGEST} bytes, as no item is"
        with open_plain(path) as file:
            item = json.loads(file.read())
    except (OSError, ValueError, RecursionError) as error:
        return f"is no JSON that can be read ({' '.join(str(error).split())[:100]})"
    if not isinstance(item, dict) or item.get("type") != "Feature":
        return "is no STAC item"
    return item


def _name_beside(href: object, output: Path) -> str | None:
    """Return the name of a file that lies beside the item and is the output or a sidecar of it."""
    name = href.removeprefix("./") if isinstance(href, str) else ""
    known = {beside(output, suffix).name for suffix in sidecars_of(output, with_world_file=True)}
    return name if name in {output.name, *known} else None


def _asset_faults(path: Path, asset: Mapping[str, Any]) -> Iterator[str]:
    if not path.exists():
        yield f"{path.name} is not there"
        return
    found = of_output(path)
    for key, value in found.items():
        if key in asset and asset[key] != value:
            yield f"{key} of {path.name} is {str(value)[:_SHOWN]}, not {str(asset[key])[:_SHOWN]}"
    if not found.keys() & asset.keys():
        yield f"tells no size and no digest of {path.name}"


def _claim_faults(properties: Mapping[str, Any], tags: Mapping[str, str]) -> Iterator[str]:
    """Hold what an item tells of the job to the tags of the file."""
    treatment = properties.get("geosal:treatment")
    if isinstance(treatment, list) and TREATMENT in tags and " ".join(map(str, treatment)) != tags[TREATMENT]:
        yield f"geosal:treatment is {treatment}, and the file was made with {tags[TREATMENT]}"
    try:
        recipe = read_recipe(tags) if RECIPE in tags else None
    except UsageError:
        return  # a check of its own tells
    if recipe is not None and "geosal:saliency" in properties and properties["geosal:saliency"] != recipe["saliency"]:
        yield "geosal:saliency is another than that of the file"
