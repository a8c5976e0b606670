"""RarePlanes (Shermeyer et al. 2021): scenes of WorldView-3 with aircraft, and pictures that were computed.

``real/train`` and ``real/test`` have scenes in ``PS-RGB_cog`` (or ``PS-RGB``) with outlines in ``geojson_aircraft``,
and tiles of 512 px in ``PS-RGB_tiled`` with outlines in ``geojson_aircraft_tiled``; ``synthetic/train`` and
``synthetic/test`` have ``images``. Boxes of all tiles and pictures stand in COCO files in ``metadata_annotations``.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from geosal.lab.datasets.image import Found
from geosal.lab.datasets.tree import Tree

TILED = "tiled"
"""Last word of the part whose images are tiles."""
_FOLDERS = {"ps-rgb_cog": "", "ps-rgb": "", "ps-rgb_tiled": TILED, "images": ""}
"""Folder of images -> what its part is called beyond ``real/train``."""
_OUTLINES = {"": "geojson_aircraft", TILED: "geojson_aircraft_tiled"}
_SUFFIXES = (".tif", ".tiff", ".png")


def find(tree: Tree) -> Sequence[Found]:
    """Find scenes, tiles and computed pictures; scenes in ``PS-RGB_cog`` stand for the same ones in ``PS-RGB``."""
    there = set(tree.files)
    found: dict[tuple[str, str], Found] = {}
    for path in tree.within(_FOLDERS, _SUFFIXES):
        part = _part(tree, path)
        if part is None:
            continue
        one = Found(part, path.stem, str(path), _annotations(there, path, part))
        found.setdefault((part, path.stem), one)  # PS-RGB_cog sorts after PS-RGB
        if path.parent.name.lower() == "ps-rgb_cog":
            found[part, path.stem] = one
    return tuple(found.values())


def _part(tree: Tree, path: PurePosixPath) -> str | None:
    """Return ``real/train``, ``real/train/tiled``, ``synthetic/test`` and so on; None of images of something else."""
    kind = path.parent.name.lower() or PurePosixPath(tree.path("")).name.lower()
    whole = f"{tree.path('')}/{path.parent}".lower().replace("\\", "/")
    split = re.findall(r"(?<=/)(train|test)(?=/|$)", whole)
    is_computed = kind == "images"
    if (is_computed and "/synthetic/" not in f"{whole}/") or re.search(
        r"AOI_\d", f"{whole}/{path.stem}", re.IGNORECASE
    ):
        return None  # pictures of anything, or SpaceNet's PS-RGB
    parts = ["synthetic" if is_computed else "real", split[-1] if split else "", _FOLDERS[kind]]
    return "/".join(part for part in parts if part)


def _annotations(there: set[str], path: PurePosixPath, part: str) -> str | None:
    """Return the file of the outlines of an image: its own GeoJSON, else the COCO file of its split."""
    _, _, last = part.rpartition("/")
    own = path.parent.parent / _OUTLINES[TILED if last == TILED else ""] / f"{path.stem}.geojson"
    if str(own) in there:
        return str(own)
    split = part.split("/")[1] if "/" in part else ""
    named = (f"instances_{split}_aircraft.json", f"RarePlanes_{split.capitalize()}_Coco_Annotations_tiled.json")
    whole = last != TILED and part.startswith("real")  # the COCO files are of tiles
    folder = path.parent.parent.parent / "metadata_annotations"
    return next((str(folder / name) for name in named if not whole and str(folder / name) in there), None)
