"""Sentinel-2 Level-1C, and Landsat 7 ETM+ of Collection 2 Level-1: many products in one folder.

Sentinel-2: ``.SAFE`` folders, their ``.zip``, and tiles as the bucket sentinel-s2-l1c has them
(``tiles/17/S/LA/2023/1/3/0``), at any depth. Landsat: folders, ``.tar``, or files side by side, each by the name of its
product (``LE07_L1TP_016034_20230103_20230129_02_T1``).
"""

import re
from collections.abc import Iterator, Sequence

from geosal.lab.datasets.image import Found
from geosal.lab.datasets.tree import Tree

_TILE = re.compile(r"_T?(\d{2}[C-HJ-NP-X][A-HJ-NP-Z]{2})(?=[_.]|$)")
_SAFE = re.compile(r"S2[A-D]_(MSIL1C_|OPER_PRD_MSIL1C_).*\.SAFE(\.zip)?$|S2[A-D]_MSIL1C_.*\.zip$", re.IGNORECASE)
_MTD = re.compile(r"(?:^|/)(MTD_MSIL1C|S2[A-D]_OPER_MTD_SAFL1C_[^/]*)\.xml$", re.IGNORECASE)
_BUCKET = re.compile(r"(?:^|/)(\d{1,2})/([C-HJ-NP-X])/([A-HJ-NP-Z]{2})/(\d{4})/(\d{1,2})/(\d{1,2})/(\d+)$")
_BAND_OF_BUCKET = re.compile(r"(?:^|/)(B0[234]|TCI)\.jp2$")
_ETM = re.compile(r"(LE07_L1(?:TP|GT|GS)_\d{6}_(\d{4})\d{4}_\d{8}_02_(?:T1|T2|RT))", re.IGNORECASE)


def find_sentinel2(tree: Tree) -> Sequence[Found]:
    """Find products and tiles of Level-1C; the part is the tile (``17SLA``)."""
    whole = sorted({*_safes(tree)})
    products = [root for root in whole if not any(root.startswith(f"{other}/") for other in whole if other)]
    found = [one for root in products for one in _granules(tree, root)]
    return (*found, *_of_bucket(tree, products))


def _safes(tree: Tree) -> Iterator[str]:
    """Yield folders and archives of products, by their names or by the metadata in them."""
    for path in (*tree.folders, *tree.files):
        if _SAFE.search(path.rpartition("/")[2]):
            yield path
    for path in tree.files:
        if _MTD.search(path):
            yield path.rpartition("/")[0]


def _granules(tree: Tree, root: str) -> Iterator[Found]:
    """Yield a product, or each granule of an old one that has several."""
    name = re.sub(r"(?i)(\.SAFE)?(\.zip)?$", "", (root or tree.path("")).rpartition("/")[2])
    inside = f"{root}/GRANULE/".lstrip("/")
    folders = [path for path in tree.folders if path.startswith(inside) and "/" not in path.removeprefix(inside)]
    if len(folders) < 2:
        yield Found(_tile(name), name, root)
        return
    for path in folders:
        granule = path.rpartition("/")[2]
        yield Found(_tile(granule), granule, path)


def _of_bucket(tree: Tree, products: Sequence[str]) -> Iterator[Found]:
    """Yield tiles of the bucket, also those whose bands have not all arrived; those of Level-2A have ``R10m``."""
    holding = {path.rpartition("/")[0] for path in tree.files if _BAND_OF_BUCKET.search(path)}
    for folder in sorted({*holding, *tree.folders, ""}):
        whole = tree.path(folder).replace("\\", "/")
        place = _BUCKET.search(whole)
        in_product = any(folder == root or folder.startswith(f"{root}/") for root in products if root)
        is_level_2 = f"{folder}/R10m".lstrip("/") in tree.folders or re.search(r"/R[126]0m$", f"/{folder}")
        if in_product or is_level_2 or not (place or folder in holding):
            continue
        if place:
            zone, band, square, year, month, day, number = place.groups()
            tile = f"{int(zone):02d}{band}{square}"
            yield Found(tile, f"{tile}_{year}{int(month):02d}{int(day):02d}_{number}", folder)
        else:
            name = whole.rpartition("/")[2]
            yield Found(_tile(name), name, folder)


def _tile(name: str) -> str:
    match = _TILE.search(name)
    return match[1] if match else ""


def find_landsat(tree: Tree) -> Sequence[Found]:
    """Find products of ETM+, each once: its folder, else its ``.tar``, else its MTL file; the part is the year."""
    found: dict[str, Found] = {}
    tars = [path for path in tree.files if path.lower().endswith(".tar")]
    texts = [path for path in tree.files if re.search(r"_MTL\.(txt|json|xml)$", path, re.IGNORECASE)]
    own = [""] if _ETM.fullmatch(tree.path("").rstrip("/").rpartition("/")[2]) else []
    for path in (*own, *tree.folders, *tars, *texts):
        match = _ETM.match((path or tree.path("").rstrip("/")).rpartition("/")[2])
        if match is not None:
            found.setdefault(match[1].upper(), Found(match[2], match[1], path))
    return tuple(found.values())
