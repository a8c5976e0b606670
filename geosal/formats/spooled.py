"""The frame of containers whose tiles wait in a spool until all are there, and are then written in their order."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from itertools import compress
from pathlib import Path

from geosal.core.raster import RasterLayout
from geosal.files.swap import beside
from geosal.formats.container import Claim, Container, TileIndex
from geosal.formats.digest import with_digest
from geosal.formats.format import Profile
from geosal.formats.pyramid import Tile
from geosal.formats.spool import Spool
from geosal.formats.world_file import wants_world_file, write_world_file


class SpooledContainer(Container):
    """A file without overviews in the making.

    Parameters
    ----------
    path
        See `Container`.
    profile, layout
        Profile and layout of the output.
    tile
        Rows and columns of a tile.
    """

    def __init__(self, path: Path, profile: Profile, layout: RasterLayout, tile: int) -> None:
        super().__init__(path, layout, TileIndex([layout.grid.shape], tile))
        self._profile = profile

    @property
    def data(self) -> tuple[str, ...]:
        """Name of the spool."""
        return (f"{self.path.name}.spool",)

    def _begin(self) -> None:
        self._spool = Spool(self.path.with_name(self.data[0]), *self._index.counts[0], kept=self._kept)
        self._closing.callback(self._spool.close)

    def _take(self, tile: Tile, number: int) -> None:
        self._spool.append(number, tile.parts)
        self._noted(tile.parts)

    def _noted(self, parts: Sequence[bytes]) -> None:
        """Take note of the parts of a tile that has come, or that a killed job has left."""

    def _restore(self, claims: Sequence[Claim]) -> list[bool]:
        held = self._spool.restore(claims)
        numbers = [number for claim in compress(claims, held) for number, *_ in claim["tiles"]]
        self._adopt(self._index.place(0, number) for number in numbers)
        for number in numbers:
            self._noted(self._spool.tile(number))
        return held

    def _claim(self) -> Claim:
        return self._spool.claim()

    def sync(self) -> None:
        """Flush the spool."""
        self._spool.sync()

    def _complete(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> None:
        xml = self._write({**tags, **self._profile.format.more_tags(self._profile, self._layout)}, band_statistics)
        put_beside(self.path, self._profile, self._layout, xml)

    @abstractmethod
    def _write(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> bytes:
        """Write the file; returns its ``.aux.xml`` without the digest, empty where it needs none."""


def put_beside(path: Path, profile: Profile, layout: RasterLayout, xml: bytes) -> None:
    """Write what lies beside a finished image: its ``.aux.xml``, given without the digest, and its world file."""
    if xml:
        beside(path, ".aux.xml").write_bytes(with_digest(xml, path))
    if wants_world_file(profile.options, layout.grid.transform):
        write_world_file(path, layout.grid.transform)
