"""Write a store: each chunk is a file of its own, so tiles are written as they come."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Grid, level_shapes
from geosal.core.metadata import metadata_to_json
from geosal.core.raster import RasterLayout
from geosal.files.atomic import flush_all
from geosal.files.journal import checksum
from geosal.formats.container import Claim, Container, TileIndex
from geosal.formats.pyramid import Tile
from geosal.formats.zarr import attributes
from geosal.formats.zarr.attributes import GRID_MAPPING, IMAGE, MASK, METADATA, path_in
from geosal.formats.zarr.nodes import ArrayNode, GroupNode, Json, Nodes, write_nodes
from geosal.formats.zarr.shards import Shards
from geosal.formats.zarr.tiles import ZarrEncoder


class ZarrContainer(Container):
    """A Zarr v3 store that is being written.

    ``image`` (band, y, x), its coordinates, ``spatial_ref`` and, if the layout has one, ``mask`` (y, x) lie in the root
    group; each overview has the same arrays in a group of its own, ``ovr_2x``, ``ovr_4x`` …, and with the encoder's
    `groups` each level has, ``0``, ``1`` …. `finish` writes the metadata, without which a directory is no store.

    Parameters
    ----------
    path, layout
        See `Container`.
    encoder
        Encoder of the tiles.
    """

    def __init__(self, path: Path, layout: RasterLayout, encoder: ZarrEncoder) -> None:
        shapes = level_shapes(layout.grid.shape, encoder.tile)
        super().__init__(path, layout, TileIndex(shapes, encoder.tile))
        self._encoder = encoder
        self._grids = [attributes.level_grid(layout.grid, level, shape) for level, shape in enumerate(shapes)]
        self._known: set[Path] = set()
        self._fresh: list[list[Any]] = []
        """Level, row, column, and sizes and checksums of the chunks, of the tiles that came since the last claim."""
        self._written: list[Path] = []
        """Chunks that were not flushed yet."""
        self._shards = Shards(encoder.shards, self._index.counts, self._write)

    def _begin(self) -> None:
        self.path.mkdir(exist_ok=self._kept)

    def _take(self, tile: Tile, number: int) -> None:
        del number  # chunks are named by row and column
        for directory, chunk in zip(self._directories(tile), tile.parts, strict=True):
            if self._encoder.shards == 1:
                self._write(directory / str(tile.row) / str(tile.col), chunk)
            else:
                self._shards.take(directory, tile, chunk)
        if self._kept:
            sizes, sums = list(map(len, tile.parts)), list(map(checksum, tile.parts))
            self._fresh.append([tile.level, tile.row, tile.col, sizes, sums])

    def _directories(self, tile: Tile) -> list[Path]:
        """Return the folders of the chunks of a tile, one of each band, then that of the mask."""
        image, mask = (self.path / path_in(self._group(tile.level), name) for name in (IMAGE, MASK))
        directories = [image / str(band) for band in range(self._layout.count)]
        if self._layout.has_mask:
            directories.append(mask)
        return directories

    @property
    def data(self) -> tuple[str, ...]:
        """Name of the store, which holds the chunks."""
        return (self.path.name,)

    def _restore(self, claims: Sequence[Claim]) -> list[bool]:
        self._shards.reopen(self.path)
        held = [all(self._holds(*chunks) for chunks in claim["tiles"]) for claim in claims]
        for claim in compress(claims, held):
            tiles = [Tile(level, row, col, ()) for level, row, col, _, _ in claim["tiles"]]
            self._adopt(tiles)
            if self._encoder.shards > 1:
                for tile in tiles:
                    for directory in self._directories(tile):
                        self._shards.adopt(directory, tile)
        return held

    def _holds(self, level: int, row: int, col: int, sizes: Sequence[int], sums: Sequence[int]) -> bool:
        """Return whether the chunks of a tile are there, to the byte."""
        tile = Tile(level, row, col, ())
        for directory, size, wanted in zip(self._directories(tile), sizes, sums, strict=True):
            plain = self._encoder.shards == 1
            path = directory / str(row) / str(col) if plain else self._shards.waiting(directory, tile)
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                return False
            if len(content) != size or checksum(content) != wanted:
                return False
        return True

    def _claim(self) -> Claim:
        tiles, self._fresh = self._fresh, []
        return {"tiles": tiles}

    def sync(self) -> None:
        """Flush the chunks that were written since the last time, and the folders that name them."""
        written, self._written = self._written, []
        flush_all([*written, *{path.parent for path in written}])

    def _complete(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> None:
        nodes: dict[str, ArrayNode | GroupNode] = {}
        for level, grid in enumerate(self._grids):
            nodes |= self._level(level, grid)
        nodes[""] = GroupNode(attributes=self._root(tags, band_statistics))
        path = path_in(self._group(0), IMAGE)
        image = nodes[path]
        plain = attributes.plain_tags({**self._layout.metadata.tags.get("", {}), **tags})
        nodes[path] = replace(image, attributes=plain | image.attributes)
        write_nodes(self.path, nodes, self._group(0))

    def _group(self, level: int) -> str:
        return attributes.group_of(level, groups=self._encoder.groups)

    def _level(self, level: int, grid: Grid) -> Nodes:
        """Describe a level, and write what is small enough to be written at once."""
        layout, tile = self._layout, self._encoder.tile
        nodes: dict[str, ArrayNode | GroupNode] = {}
        group = self._group(level)
        if group:
            nodes[group] = GroupNode(attributes=attributes.group_attributes(grid))
        nodes[path_in(group, IMAGE)] = replace(
            self._array((layout.count, *grid.shape), ("band", "y", "x"), layout.dtype, self._encoder.fill),
            chunks=(1, tile, tile),
            shards=self._shards.shape(tile, bands=True),
            attributes=attributes.image_attributes(layout),
            nodata=layout.nodata,
            crs=layout.grid.crs,
        )
        if layout.has_mask:
            nodes[path_in(group, MASK)] = replace(
                self._array(grid.shape, ("y", "x"), "uint8"),
                chunks=(tile, tile),
                shards=self._shards.shape(tile),
                attributes=attributes.mask_attributes(),
                crs=layout.grid.crs,
            )
        for small in _small_arrays(layout.count, grid):
            path = path_in(group, small.name)
            dimensions = (small.name,) if small.values.ndim else ()
            fill = np.nan if small.values.dtype.kind == "f" else 0
            node = self._array(small.values.shape, dimensions, str(small.values.dtype), fill)
            nodes[path] = replace(node, attributes=small.attributes)
            self._write(self.path / path / "0", self._encoder.compress(small.values))
        return nodes

    def _array(self, shape: tuple[int, ...], dimensions: tuple[str, ...], dtype: str, fill: float = 0) -> ArrayNode:
        return ArrayNode(
            shape=shape,
            chunks=shape,
            dimensions=dimensions,
            dtype=dtype,
            fill=fill,
            codecs=self._encoder.codecs(dtype),
            compressor=self._encoder.compressor(),
        )

    def _root(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> Json:
        known = metadata_to_json(self._layout.metadata)
        known["tags"][""] = {**known["tags"].get("", {}), **tags}
        for band, statistics in zip(known["bands"], band_statistics or (), strict=False):
            band["tags"][""] = {**band["tags"].get("", {}), **statistics}
        ours = attributes.with_multiscales(
            attributes.group_attributes(self._layout.grid), self._grids, groups=self._encoder.groups
        )
        return {**tags, **ours, METADATA: known}

    def _write(self, path: Path, content: bytes) -> None:
        if path.parent not in self._known:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._known.add(path.parent)
        path.write_bytes(content)
        if self._kept:
            self._written.append(path)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Small:
    """An array of one chunk."""

    name: str
    values: NDArray[Any]
    attributes: Json


def _small_arrays(count: int, grid: Grid) -> Iterator[_Small]:
    """Yield the coordinates of a level, at the centres of pixels, and its CRS."""
    yield _Small(name="band", values=np.arange(1, count + 1), attributes={"long_name": "band, as GDAL counts"})
    yield _Small(name=GRID_MAPPING, values=np.array(0), attributes=attributes.grid_mapping_attributes(grid))
    if attributes.has_axes(grid):
        x, y = attributes.axis_attributes(grid)
        transform = grid.transform
        yield _Small(name="x", values=transform.c + transform.a * (np.arange(grid.width) + 0.5), attributes=x)
        yield _Small(name="y", values=transform.f + transform.e * (np.arange(grid.height) + 0.5), attributes=y)
