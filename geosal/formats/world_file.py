"""World files: the transform of an image as text beside it, where the image itself cannot hold one."""

import os
from collections.abc import Mapping
from pathlib import Path

from affine import Affine, dumpsw, loadsw

from geosal.files.swap import beside, world_file
from geosal.formats.options import YES_NO, CreationOption

WORLDFILE = CreationOption(
    name="WORLDFILE",
    text="Whether the transform is also written as text, beside the image.",
    default="YES",
    words=YES_NO,
)
"""The creation option that formats with a world file share."""
NO_WORLD_FILE = "GEOSAL_WORLDFILE"
"""Tag that is NO where a world file was possible and none was written, so that one that is lost can be missed."""
_YES = frozenset({"YES", "TRUE", "ON", "1"})
_PIXEL_TOLERANCE = 1e-3
"""Tolerance of a world file, in pixels: other programs write ten decimals."""


def wants_world_file(options: Mapping[str, str], transform: Affine) -> bool:
    """Return whether creation options, with names in capitals, ask for a world file, and there is something to say."""
    return options.get(WORLDFILE.name, WORLDFILE.default).upper() in _YES and not transform.is_identity


def tags_without(options: Mapping[str, str], transform: Affine) -> dict[str, str]:
    """Make the tag that says that there is no world file, where one could be missed."""
    return {} if wants_world_file(options, transform) or transform.is_identity else {NO_WORLD_FILE: "NO"}


def world_file_due(tags: Mapping[str, str], transform: Affine) -> bool:
    """Return whether an image was made with a world file, by its tags and its transform."""
    return not transform.is_identity and tags.get(NO_WORLD_FILE) != "NO"


def write_world_file(path: Path, transform: Affine) -> None:
    """Write the world file of an image."""
    beside(path, world_file(path)).write_text(dumpsw(transform), encoding="ascii")


def world_faults(path: str, transform: Affine, *, needed: bool) -> list[str]:
    """Compare the world file beside a local file with its transform.

    Parameters
    ----------
    path
        Path of the image.
    transform
        The transform that it should have.
    needed
        Whether there must be one.
    """
    world = beside(Path(path), world_file(Path(path)))
    if not os.path.isfile(path) or not (needed or world.exists()):
        return []
    if not world.exists():
        return [f"{world.name} is missing: programs that read no .aux.xml have no other place"]
    try:
        found = loadsw(world.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return [f"{world.name} cannot be read"]
    size = max(abs(transform.a), abs(transform.b), abs(transform.d), abs(transform.e))
    near = [abs(x - y) <= _PIXEL_TOLERANCE * size for x, y in zip(found[:6], transform[:6], strict=True)]
    if not all(near):  # NaN is not near either
        return [f"{world.name} places the image elsewhere"]
    return []
