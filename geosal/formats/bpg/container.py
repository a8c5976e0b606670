"""A BPG file that takes tiles in any order, and what lies beside it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from pathlib import Path

from geosal.core.bpg import hevc
from geosal.core.bpg.head import RGB, YCBCR_601, Head
from geosal.core.bpg.hevc import Coding, Parameters, Slice
from geosal.core.raster import RasterLayout
from geosal.files.swap import beside
from geosal.formats.bpg.sidecars import aux_xml
from geosal.formats.bpg.tiles import BpgEncoder
from geosal.formats.container import Claim, Container, TileIndex
from geosal.formats.digest import with_digest
from geosal.formats.format import Profile
from geosal.formats.pyramid import Tile
from geosal.formats.spool import Spool
from geosal.formats.world_file import wants_world_file, write_world_file

_PARTS = 3
"""Units of a tile: two parameter sets and a slice."""


class _Layer:
    """The coded picture of colours or of alpha, from tiles that were pictures of their own."""

    def __init__(self, number: int, parts: Sequence[bytes], shape: tuple[int, int], tile: int) -> None:
        sequence, picture, _ = parts
        self._number, self._alone = number, Parameters.of_unit(picture)
        self.coding = Coding.of_unit(sequence)
        rows, cols = (-(-length // tile) for length in shape)
        self._all = self._alone.with_tiles(rows, cols, tile // self.coding.side)
        self._tile, self._shape = tile, shape
        self._across = -(-self.coding.padded(shape)[1] // self.coding.side)
        self._blocks = hevc.blocks_of(self.coding, shape)

    def parameters(self) -> bytes:
        """Return the parameter set of the whole picture."""
        return hevc.in_layer(self._all.unit(), self._number)

    def slice(self, parts: Sequence[bytes], row: int, col: int) -> bytes:
        """Return the slice of a tile."""
        sequence, picture, unit = parts
        if Coding.of_unit(sequence) != self.coding or Parameters.of_unit(picture) != self._alone:
            raise ValueError("x265 has coded tiles in different ways")
        side = self.coding.side
        top, left = row * self._tile, col * self._tile
        shape = min(self._tile, self._shape[0] - top), min(self._tile, self._shape[1] - left)
        alone = Slice.of_unit(unit, self.coding, self._alone, hevc.blocks_of(self.coding, shape))
        placed = Slice(
            address=top // side * self._across + left // side, offsets=alone.offsets, qp=alone.qp, body=alone.body
        )
        return hevc.in_layer(placed.unit(self.coding, self._all, self._blocks), self._number)


class BpgContainer(Container):
    """A BPG file in the making.

    Tiles wait in a spool until all are there; then they are appended in their order, each with the header of a slice
    that says where it lies.

    Parameters
    ----------
    path
        See `Container`.
    profile, layout
        Profile and layout of the output.
    encoder
        Encoder of the tiles.
    """

    def __init__(self, path: Path, profile: Profile, layout: RasterLayout, encoder: BpgEncoder) -> None:
        super().__init__(path, layout, TileIndex([layout.grid.shape], encoder.tile))
        self._profile, self._encoder = profile, encoder
        self._slice_bytes = 0

    @property
    def data(self) -> tuple[str, ...]:
        """Name of the spool."""
        return (f"{self.path.name}.spool",)

    def _begin(self) -> None:
        self._spool = Spool(self.path.with_name(self.data[0]), *self._index.counts[0], kept=self._kept)
        self._closing.callback(self._spool.close)

    def _take(self, tile: Tile, number: int) -> None:
        self._spool.append(number, tile.parts)

    def _restore(self, claims: Sequence[Claim]) -> list[bool]:
        held = self._spool.restore(claims)
        numbers = [number for claim in compress(claims, held) for number, *_ in claim["tiles"]]
        self._adopt(self._index.place(0, number) for number in numbers)
        return held

    def _claim(self) -> Claim:
        return self._spool.claim()

    def sync(self) -> None:
        """Flush the spool."""
        self._spool.sync()

    def _complete(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> None:
        tags = {**tags, **self._profile.format.more_tags(self._profile, self._layout)}
        xml = aux_xml(self.path, self._profile, self._layout, tags, band_statistics)
        shape, encoder = self._layout.grid.shape, self._encoder
        first = self._spool.tile(0)
        layers = [
            _Layer(number, first[place : place + _PARTS], shape, encoder.tile)
            for number, place in enumerate(range(0, len(first), _PARTS))
        ]
        head = Head(
            shape=shape,
            pixel_format=encoder.bpg_format,
            colour_space=RGB if encoder.pixel_format == "gbrp" else YCBCR_601,
            alpha=encoder.alpha,
            coding=layers[0].coding,
            alpha_coding=layers[1].coding if encoder.alpha else None,
        )
        length = sum(len(unit) + len(hevc.START) for unit in self._units(layers)) - len(hevc.START)
        with self.path.open("xb") as file:
            file.write(head.written(length))
            for count, unit in enumerate(self._units(layers)):
                file.write(hevc.START * (count > 0) + unit)
        beside(self.path, ".aux.xml").write_bytes(with_digest(xml, self.path))
        if wants_world_file(self._profile.options, self._layout.grid.transform):
            write_world_file(self.path, self._layout.grid.transform)

    def _units(self, layers: list[_Layer]) -> Iterator[bytes]:
        """List the units of the file: those of alpha before those of colours."""
        yield from (layer.parameters() for layer in reversed(layers))
        rows, cols = self._index.counts[0]
        for number in range(rows * cols):
            parts = self._spool.tile(number)
            for place, layer in reversed(list(enumerate(layers))):
                yield layer.slice(parts[place * _PARTS : (place + 1) * _PARTS], *divmod(number, cols))
