"""The JPEG that a scene is, or was before somebody stored it without loss: its grid and its quantisation tables.

A JPEG of a JPEG loses anew, unless it has the same grid and the same tables: then coefficients come out as they were.
"""

import os
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import BinaryIO
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.core.tiff import UNREADABLE, TiffReader
from geosal.errors import SceneError
from geosal.formats.jpeg.heads import Head
from geosal.formats.jpeg.stream import QUANTISATION, START, segment, zigzag
from geosal.formats.jpeg.tables import quality_of
from geosal.formats.jpeg.traces import GRID, tables_of, traces_of
from geosal.native.jpeg import BLOCK
from geosal.scenes import AnyScene, Scene

_HEAD_BYTES = 2**20
"""Bytes of a JPEG in which its tables are looked for; profiles and thumbnails may lie before them."""
_TILE_HEAD_BYTES = 2**12
"""The same of a tile in a TIFF, which has neither."""
_TILES = 16
"""Tiles of a TIFF, spread over it, whose tables are compared."""
_COMPRESSION, _PHOTOMETRIC, _STRIPS, _TILE_OFFSETS, _JPEG_TABLES = 259, 262, 273, 324, 347
_JPEG, _GREY, _YCBCR = 7, 1, 6
_LARGEST = 255
"""Largest step that baseline JPEG holds."""
_RGB = 3
_ACROSS, _SIDE = 4, 8 * GRID + 7
"""Pieces along each side of a scene in which traces are looked for, and their rows and columns: 16 x 16 whole blocks
on each grid."""
_LARGE_TILE = 2**20
"""Bytes of a tile from which half as many pieces along each side have to do."""
_FROM_THE_TOP = 2**23
"""Pixels that are decoded for it where a file has no tiles."""
_KNOWN: MutableMapping[AnyScene, "OldJpeg | None"] = WeakKeyDictionary()


@dataclass(frozen=True, kw_only=True, eq=False)
class OldJpeg:
    """The JPEG that a scene is, or was.

    Attributes
    ----------
    offset
        Row and column of the scene where the first whole MCU begins, below 16; (0, 0) where the grids are the same.
    tables
        (2, 64), uint16: steps of luma and of chroma, row by row; None where they are not known, or not the same in all
        tiles.
    subsampling
        Subsampling of chroma: ``"420"`` or ``"444"``, which grey has too; None where it is another, or not known.
    """

    offset: tuple[int, int]
    tables: NDArray[np.uint16] | None
    subsampling: str | None

    @property
    def quality(self) -> float | None:
        """Return libjpeg's quality of the luma table; None where it is not of libjpeg's making."""
        if self.tables is None:
            return None
        luma = bytes(self.tables[0][zigzag()].astype(np.uint8))
        return quality_of(START + segment(QUANTISATION, b"\0" + luma) + START)

    @property
    def own_tables(self) -> NDArray[np.uint16] | None:
        """Return the tables that suit a JPEG of the whole scene better than any others, (2, 64); None without any.

        Its blocks of luma then are the old ones, whose coefficients come out as they were. So do those of chroma where
        the offset is 0 and the subsampling the same; elsewhere only chroma loses anew.
        """
        return None if any(place % BLOCK for place in self.offset) else self.tables

    def __str__(self) -> str:
        return "a JPEG" if self.quality is None else f"a JPEG of quality {self.quality:g}"


def old_jpeg(scene: AnyScene) -> OldJpeg | None:
    """Tell the JPEG that a scene is or was, by the headers of its file or by traces in its pixels; None without one.

    Pixels of some pieces are read where the headers tell none; one that cannot be read tells nothing. The answer is
    kept as long as the scene is.

    Parameters
    ----------
    scene
        As it is read: 8 bits, grey or RGB, perhaps with alpha. Of others nothing is told.
    """
    if scene not in _KNOWN:
        _KNOWN[scene] = _told(scene) if _colours(scene) else None
    return _KNOWN[scene]


def _told(scene: AnyScene) -> OldJpeg | None:
    heads = _heads(scene) if isinstance(scene, Scene) else []
    if heads:
        first, same = heads[0], all(np.array_equal(head.tables, heads[0].tables) for head in heads)
        known = same and first.tables.max() <= _LARGEST
        return OldJpeg(offset=(0, 0), tables=first.tables if known else None, subsampling=first.subsampling)
    try:
        found = traces_of(list(_pieces(scene)))
    except SceneError:  # the job will come to that piece, and say so
        return None
    if found is None:
        return None
    tables = None if found.quality is None else tables_of(found.quality)
    return OldJpeg(offset=found.offset, tables=tables, subsampling=found.subsampling)


def _colours(scene: AnyScene) -> int:
    """Return the number of bands that a JPEG would hold; 0 where it could hold none."""
    layout = scene.layout
    count = layout.count - (layout.alpha is not None)
    fits = layout.dtype == "uint8" and count in {1, _RGB} and layout.alpha in {None, count}
    return count if fits else 0


def _heads(scene: Scene) -> list[Head]:
    """Read the heads of a file of JPEG, or of some tiles of a TIFF of them; none where it is no such file."""
    count = _colours(scene)
    if scene.indexes[:count] != tuple(range(1, count + 1)) or not os.path.isfile(scene.path):
        return []
    with open(scene.path, "rb") as file:
        if scene.driver == "JPEG":
            found = [Head.read(file.read(_HEAD_BYTES))]
        elif scene.driver == "GTiff":
            found = list(_heads_of_tiles(file, _YCBCR if count == _RGB else _GREY))
        else:
            return []
    heads = [head for head in found if head is not None and head.bands == count]
    return heads if len(heads) == len(found) else []


def _heads_of_tiles(file: BinaryIO, photometric: int) -> Iterator[Head | None]:
    """Read the heads of some tiles, or strips, of the first image of a TIFF."""
    wanted = (_COMPRESSION, _PHOTOMETRIC, _STRIPS, _TILE_OFFSETS, _JPEG_TABLES)
    try:
        reader = TiffReader.of(file)
        tags, _ = reader.directory(reader.first, wanted)
    except (ValueError, *UNREADABLE):  # GDAL reads more than that
        return
    none = np.empty(0, np.int64)
    if [tags.get(tag, none).tolist() for tag in (_COMPRESSION, _PHOTOMETRIC)] != [[_JPEG], [photometric]]:
        return
    shared = tags.get(_JPEG_TABLES, none).astype(np.uint8).tobytes()
    offsets = tags.get(_TILE_OFFSETS, tags.get(_STRIPS, none))
    there = offsets[offsets > 0]  # tiles that are left out lie nowhere
    for offset in there[:: max(1, -(-there.size // _TILES))]:
        file.seek(int(offset))
        yield Head.read(file.read(_TILE_HEAD_BYTES), shared)


def _pieces(scene: AnyScene) -> Iterator[NDArray[np.uint8]]:
    """Read pieces in the middle of the cells of a coarse raster over a scene, (band, y, x) without alpha."""
    height, width = scene.grid.shape
    if scene.rewinds:
        height = min(height, max(_SIDE, _FROM_THE_TOP // width))
    across = _ACROSS if scene.tile_bytes < _LARGE_TILE else _ACROSS // 2
    rows, cols = (
        sorted({max(0, (2 * n + 1) * length // (2 * across) - _SIDE // 2) // GRID * GRID for n in range(across)})
        for length in (height, width)
    )
    for row in rows:
        for col in cols:
            block = Block(row, col, min(_SIDE, height - row), min(_SIDE, width - col))
            yield scene.read(block).pixels[: _colours(scene)]
