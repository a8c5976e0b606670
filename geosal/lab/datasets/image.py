"""What a layout is, and what it finds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from geosal.lab.datasets.tree import Tree
from geosal.scenes import Reading


@dataclass(frozen=True, kw_only=True)
class DatasetImage:
    """One image of a data set.

    Attributes
    ----------
    dataset
        Name of the data set, as in the paper's tables.
    part
        Part of the data set, see `Layout.parts`; empty where a layout has none.
    name
        Name of the image, unlike that of all others in its folder.
    source
        Path that `geosal.scenes.open_input` takes: of a raster, or of a product.
    reading
        Bands and rule that make RGB of 8 bits of it.
    annotations
        Path of its boxes or outlines, GeoJSON or COCO, which is a SOURCE of saliency; None where there are none.
    """

    dataset: str
    part: str
    name: str
    source: str
    reading: Reading
    annotations: str | None = None


class Found(NamedTuple):
    """A path that fits a layout; nothing of it has been opened."""

    part: str
    name: str
    path: str
    """Relative to the folder."""
    annotations: str | None = None
    """Relative to the folder."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A known arrangement of folders and names.

    Attributes
    ----------
    dataset
        Name of the data set.
    wanted
        What such a folder holds, for messages.
    parts
        Which names the parts have, for messages.
    paper
        Parts that the paper took; empty for all.
    depth
        Levels of folders that are looked into.
    find
        Finds what fits, by names alone.
    reading
        Makes the reading of a found path, absolute or relative to where we are.
    """

    dataset: str
    wanted: str
    find: Callable[[Tree], Sequence[Found]]
    reading: Callable[[str], Reading]
    parts: str = ""
    paper: tuple[str, ...] = ()
    depth: int = 12
