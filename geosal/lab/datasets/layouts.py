"""The table of layouts, and the search for images in a folder of one of them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType

from geosal.core.gdal_env import path_text
from geosal.core.option_values import read_texts, refuse_unknown
from geosal.errors import SceneError, UsageError, warn
from geosal.lab.datasets import conversion, products, rareplanes, spacenet
from geosal.lab.datasets.image import DatasetImage, Found, Layout
from geosal.lab.datasets.paper import TABLE_2
from geosal.lab.datasets.tree import Tree
from geosal.sizes import listed

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".jp2", ".webp")
"""Suffixes of images in a plain folder."""
PAPER = "paper"
"""Stands for the parts that the paper took."""


def _plain(tree: Tree) -> Sequence[Found]:
    paths = [PurePosixPath(path) for path in tree.files if "/" not in path]
    return tuple(Found("", path.stem, str(path)) for path in paths if path.suffix.lower() in SUFFIXES)


LAYOUTS: Mapping[str, Layout] = MappingProxyType({
    "rareplanes": Layout(
        dataset="RarePlanes",
        wanted="real/train/PS-RGB_cog/*.tif, real/train/PS-RGB_tiled/*.png, synthetic/train/images/*.png",
        parts="real, real/train, real/test/tiled, synthetic/train",
        paper=("real/train", "real/test"),
        find=rareplanes.find,
        reading=conversion.of_rgb,
    ),
    "spacenet": Layout(
        dataset="SpaceNet",
        wanted="RGB-PanSharpen, PS-RGB, 3-Band or 3band with *.tif, under a folder or with a name such as AOI_2_Vegas",
        parts="AOI_1_Rio, AOI_2_Vegas, AOI_2_Vegas/tiles",
        paper=(spacenet.AREAS["1"], spacenet.AREAS["2"], spacenet.AREAS["3"]),
        find=spacenet.find,
        reading=conversion.of_rgb,
    ),
    "sentinel2": Layout(
        dataset="Sentinel-2",
        wanted="S2B_MSIL1C_*.SAFE, a .zip of it, or tiles/17/S/LA/2023/1/3/0/B02.jp2",
        parts="17SLA, 18STH",
        paper=tuple(TABLE_2),
        find=products.find_sentinel2,
        reading=conversion.of_sentinel2,
    ),
    "landsat": Layout(
        dataset="Landsat",
        wanted="LE07_L1TP_*_02_T1 as folder or .tar",
        parts="2022, 2023",
        paper=("2023",),
        find=products.find_landsat,
        reading=conversion.of_landsat,
    ),
    "plain": Layout(
        dataset="images", wanted=", ".join(SUFFIXES), find=_plain, reading=conversion.of_any, depth=1
    ),
})  # fmt: skip
"""Name of a layout -> the layout."""


def find_images(layout: str, folder: str, parts: str | Sequence[str] = ()) -> tuple[DatasetImage, ...]:
    """Find the images of a data set, by names; of RGB rasters the headers are read as well.

    What is there in part, or damaged, is found too: it is refused where it is opened, so that a sweep counts it.

    Parameters
    ----------
    layout
        A name of `LAYOUTS`.
    folder
        The folder that the data set was unpacked to, or one within it.
    parts
        Parts to take, such as ``real/train`` or ``17SLA``, or parts of these (``real``); ``paper`` stands for those
        that the paper took. By default all, but of RarePlanes and SpaceNet whole scenes rather than tiles of them,
        where both are there.

    Returns
    -------
    tuple of DatasetImage
        Sorted by part and name.

    Raises
    ------
    UsageError
        There is no such layout, or a part that the layout does not have is named.
    SceneError
        The folder is missing or cannot be read, or holds nothing of the layout, or of a part.

    Warns
    -----
    GeosalWarning
        Files are there whose download has not been finished.
    """
    folder = path_text("folder", folder)
    refuse_unknown([layout], list(LAYOUTS), "no such layout of a data set")
    kind = LAYOUTS[layout]
    tree = Tree.of(folder, kind.depth)
    if tree.unfinished:
        first, number = tree.unfinished[0], len(tree.unfinished)
        warn(f"{folder}: {number} unfinished downloads are left out, such as {first}; fetch the data set again")
    found = kind.find(tree)
    if not found:
        raise SceneError(f"{folder}: holds nothing of {kind.dataset} ({kind.wanted}); {_other(layout, folder)}")
    chosen = _chosen(folder, kind, found, read_texts("parts", parts))
    stems = Counter(one.name for one in chosen)
    return tuple(
        DatasetImage(
            dataset=kind.dataset,
            part=one.part,
            name=one.name if stems[one.name] == 1 else one.path,
            source=tree.path(one.path),
            reading=kind.reading(tree.path(one.path)),
            annotations=None if one.annotations is None else tree.path(one.annotations),
        )
        for one in chosen
    )


def _other(layout: str, folder: str) -> str:
    """Say which other layout a folder has."""
    fits = [
        name for name, kind in LAYOUTS.items() if name != layout and kind.find(Tree.of(folder, kind.depth))
    ]  # fmt: skip
    return f"it has the layout of {fits[0]}; say layout: {fits[0]}" if fits else "give the folder it was unpacked to"


def _chosen(folder: str, kind: Layout, found: Sequence[Found], parts: Sequence[str]) -> list[Found]:
    there = sorted({one.part for one in found})
    wanted = [name for part in parts for name in (kind.paper if part == PAPER else (part,))]
    if parts and not kind.parts:
        raise UsageError(f"parts={','.join(parts)}: a plain folder has none; leave it out")
    for part in parts:
        if part != PAPER and not _takes([part], there):
            raise SceneError(f"{folder}: has no part {part} of {kind.dataset}; it has {listed(there)}")
    taken = [one for one in found if not wanted or _is_in(one.part, wanted)]
    if not taken:
        raise SceneError(f"{folder}: has nothing that the paper took of {kind.dataset}; it has {listed(there)}")
    named_tiles = any(_is_tiled(part) for part in wanted)
    whole = {one.part for one in taken if not _is_tiled(one.part)}
    kept = [one for one in taken if named_tiles or not (_is_tiled(one.part) and one.part.rpartition("/")[0] in whole)]
    return sorted(kept, key=lambda one: (one.part, one.name, one.path))


def _takes(wanted: Iterable[str], parts: Iterable[str]) -> bool:
    return any(_is_in(part, wanted) for part in parts)


def _is_in(part: str, wanted: Iterable[str]) -> bool:
    return any(part.lower() == name.lower() or part.lower().startswith(f"{name.lower()}/") for name in wanted)


def _is_tiled(part: str) -> bool:
    return part.rpartition("/")[2] in {rareplanes.TILED, spacenet.TILES}
