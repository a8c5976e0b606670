"""SpaceNet, areas of interest 1 (Rio), 2 (Las Vegas), 3 (Paris) and beyond, in the layouts of its three generations.

- Source scenes: ``AOI_2_Vegas/srcData/rasterData/RGB-PanSharpen/*.tif``; Rio has ``3-Band``. The paper's mean of 8166 x
  8508 px is theirs.
- Tiles of the challenges' first form: ``AOI_2_Vegas_Train/RGB-PanSharpen/RGB-PanSharpen_AOI_2_Vegas_img1.tif`` with
  ``geojson/buildings/buildings_AOI_2_Vegas_img1.geojson``; Rio: ``3band/3band_AOI_1_RIO_img1.tif`` with
  ``geojson/Geo_AOI_1_RIO_img1.geojson``.
- Tiles since: ``SN2_buildings/train/AOI_2_Vegas/PS-RGB/SN2_buildings_train_AOI_2_Vegas_PS-RGB_img1.tif`` with
  ``geojson_buildings/SN2_buildings_train_AOI_2_Vegas_geojson_buildings_img1.geojson``.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from geosal.lab.datasets.image import Found
from geosal.lab.datasets.tree import Tree

TILES = "tiles"
"""Last word of the part whose images are tiles."""
AREAS: Mapping[str, str] = {
    "1": "AOI_1_Rio", "2": "AOI_2_Vegas", "3": "AOI_3_Paris", "4": "AOI_4_Shanghai", "5": "AOI_5_Khartoum",
}  # fmt: skip
"""Number of an area of interest -> its name; SpaceNet's files write Rio in three ways."""
_FOLDERS = ("PS-RGB", "RGB-PanSharpen", "3band", "3-Band")
_SUFFIXES = (".tif", ".tiff")
_AREA = re.compile(r"AOI_(\d+)_[A-Za-z]+", re.IGNORECASE)
_TILE = re.compile(r"_(img\d+)$", re.IGNORECASE)


def find(tree: Tree) -> Sequence[Found]:
    """Find source scenes and tiles whose path names an area of interest."""
    outlines = _outlines(tree)
    found = []
    for path in tree.within(_FOLDERS, _SUFFIXES):
        area = _area(f"{tree.path('')}/{path}")
        if area is None:
            continue
        tile = _TILE.search(path.stem)
        part = f"{area}/{TILES}" if tile else area
        key = (area, tile[1].lower(), _split(path)) if tile else None
        found.append(Found(part, path.stem, str(path), outlines.get(key) if key else None))
    return tuple(found)


def _area(path: str) -> str | None:
    """Return the area that a path names last."""
    named = _AREA.findall(path)
    return AREAS.get(named[-1], f"AOI_{named[-1]}") if named else None


def _split(path: PurePosixPath) -> str:
    """Return train or test: both number their tiles from 1 in Rio."""
    return "test" if re.search(r"(?i)(^|[/_])test([/_]|$)", str(path.parent)) else "train"


def _outlines(tree: Tree) -> dict[tuple[str, str, str], str]:
    """Return area, tile and split -> GeoJSON of its buildings."""
    found: dict[tuple[str, str, str], str] = {}
    for text in tree.files:
        path = PurePosixPath(text)
        tile = _TILE.search(path.stem)
        area = _area(f"{tree.path('')}/{path}")
        if path.suffix.lower() != ".geojson" or tile is None or area is None or "road" in path.stem.lower():
            continue
        found.setdefault((area, tile[1].lower(), _split(path)), text)
    return found
