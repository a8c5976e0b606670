"""Tables 1 and 2 of the paper, as data."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class TableRow(NamedTuple):
    """A row of Table 1."""

    dataset: str
    subset: str
    images: int
    width: int
    """Mean, in pixels."""
    height: int
    """Mean, in pixels."""


TABLE_1: Mapping[str, TableRow] = MappingProxyType(
    {
        "rareplanes": TableRow("RarePlanes", "real, train and test", 253, 10860, 7479),
        "landsat": TableRow("Landsat", "Collection 2, Level-1, ETM+, 2023", 320, 8107, 7026),
        "sentinel2": TableRow(
            "Sentinel-2", "Level-1C, 1 January to 7 May 2023, the tiles of Table 2", 339, 10980, 10980
        ),
        "spacenet": TableRow("SpaceNet", "AOI 1, 2 and 3", 361, 8166, 8508),
    }
)
"""Layout -> what the paper took of the data set."""
TABLE_2: Mapping[str, int] = MappingProxyType({
    "17SLA": 28, "17SMA": 28, "17SMB": 28, "17SMD": 28, "17SNC": 44, "17SND": 32, "18STH": 51, "18STJ": 42,
    "18SUH": 28, "18SUJ": 30,
})  # fmt: skip
"""Tile of Sentinel-2 (UTM zone, latitude band, square) -> number of images that the paper took of it."""
