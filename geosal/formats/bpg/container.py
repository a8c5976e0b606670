"""A BPG file that takes tiles in any order, and what lies beside it."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from geosal.core.bpg import hevc, nal
from geosal.core.bpg.head import RGB, YCBCR_601, Head
from geosal.core.bpg.hevc import Coding, Parameters, Slice
from geosal.core.raster import RasterLayout
from geosal.formats.bpg.sidecars import aux_xml
from geosal.formats.bpg.tiles import BpgEncoder
from geosal.formats.format import Profile
from geosal.formats.spooled import SpooledContainer

_PARTS = 3
"""Units of a tile: two parameter sets and a slice."""


class _Layer:
    """The coded picture of colours or of alpha, from tiles that were pictures of their own."""

    def __init__(self, number: int, parts: Sequence[bytes], shape: tuple[int, int], tile: int) -> None:
        sequence, picture, _ = parts
        self._number, self._alone = number, Parameters.of_unit(picture)
        self.coding = Coding.of_unit(sequence)
        self._known: set[tuple[bytes, bytes]] = set()
        rows, cols = (-(-length // tile) for length in shape)
        self._all = self._alone.with_tiles(rows, cols, tile // self.coding.side)
        self._tile, self._shape = tile, shape
        self._across = -(-self.coding.padded(shape)[1] // self.coding.side)
        self._blocks = hevc.blocks_of(self.coding, shape)

    def parameters(self) -> bytes:
        """Return the parameter set of the whole picture."""
        return nal.in_layer(self._all.unit(), self._number)

    def slice(self, parts: Sequence[bytes], row: int, col: int) -> bytes:
        """Return the slice of a tile."""
        sequence, picture, unit = parts
        if (sequence, picture) not in self._known:  # those of tiles of one shape are the same
            if Coding.of_unit(sequence) != self.coding or Parameters.of_unit(picture) != self._alone:
                raise ValueError("x265 has coded tiles in different ways")
            self._known.add((sequence, picture))
        side = self.coding.side
        top, left = row * self._tile, col * self._tile
        shape = min(self._tile, self._shape[0] - top), min(self._tile, self._shape[1] - left)
        alone = Slice.of_unit(unit, self.coding, self._alone, hevc.blocks_of(self.coding, shape))
        placed = Slice(
            address=top // side * self._across + left // side, offsets=alone.offsets, qp=alone.qp, body=alone.body
        )
        return nal.in_layer(placed.unit(self.coding, self._all, self._blocks), self._number)


class BpgContainer(SpooledContainer):
    """A BPG file in the making.

    Tiles wait in a spool until all are there; then they are appended in their order, each with the header of a slice
    that says where it lies.

    Parameters
    ----------
    path, profile, layout
        See `SpooledContainer`.
    encoder
        Encoder of the tiles.
    """

    def __init__(self, path: Path, profile: Profile, layout: RasterLayout, encoder: BpgEncoder) -> None:
        super().__init__(path, profile, layout, encoder.tile)
        self._encoder = encoder

    def _write(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> bytes:
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
        length = sum(len(unit) + len(nal.START) for unit in self._units(layers)) - len(nal.START)
        with self.path.open("xb") as file:
            file.write(head.written(length))
            for count, unit in enumerate(self._units(layers)):
                file.write(nal.START * (count > 0) + unit)
        return xml

    def _units(self, layers: list[_Layer]) -> Iterator[bytes]:
        """List the units of the file: those of alpha before those of colours."""
        yield from (layer.parameters() for layer in reversed(layers))
        rows, cols = self._index.counts[0]
        for number in range(rows * cols):
            parts = self._spool.tile(number)
            for place, layer in reversed(list(enumerate(layers))):
                yield layer.slice(parts[place * _PARTS : (place + 1) * _PARTS], *divmod(number, cols))
