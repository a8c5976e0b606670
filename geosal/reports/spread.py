"""Where the bytes of a file lie: in which tiles of the image, and in what beside them."""

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geosal.core.grid import Block
from geosal.core.jpeg2000 import TilePlaces
from geosal.core.zarr.raster import open_zarr
from geosal.formats.cog.tiff_faults import Directory, read_directories
from geosal.formats.jpeg.heads import Head
from geosal.scenes import AnyScene
from geosal.scenes.zarr_store import ZarrScene, is_store, store_bytes

_HEAD_BYTES = 2**20
"""Bytes of a JPEG in which its tables are looked for; profiles and thumbnails may lie before them."""
_MOST_TILES = 256
"""Rows and columns of tiles that are told apart."""
_SQUARE = 128
"""Rows and columns of the squares for which bytes are estimated."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Spread:
    """Bytes of a file by place.

    Attributes
    ----------
    tile
        Rows and columns of a tile.
    bytes
        Bytes of each tile over all bands, (y, x), float64.
    beside
        Bytes of what is no tile of the image, by name.
    how
        Where the numbers come from, in words.
    """

    tile: tuple[int, int]
    bytes: NDArray[np.float64]
    beside: Mapping[str, int] = field(default_factory=dict)
    how: str = ""

    def density(self, shape: tuple[int, int], factor: int) -> NDArray[np.float32]:
        """Bytes for each pixel, in the middle of each cell of `factor` x `factor` pixels, (y, x)."""
        height, width = shape
        rows, cols = (
            np.minimum(np.arange(0, length, factor) + factor // 2, length - 1) // side
            for length, side in zip(shape, self.tile, strict=True)
        )
        heights, widths = (
            np.minimum(side, length - side * np.arange(count))
            for length, side, count in zip((height, width), self.tile, self.bytes.shape, strict=True)
        )
        per_pixel = self.bytes / np.outer(heights, widths)
        return np.asarray(per_pixel[np.ix_(rows, cols)], np.float32)

    def merged(self, most: int = _MOST_TILES) -> "Spread":
        """Take n x n tiles as one, so that there are `most` rows and columns of them at most."""
        n = -(-max(self.bytes.shape) // most)
        if n <= 1:
            return self
        rows, cols = (np.arange(0, count, n) for count in self.bytes.shape)
        return Spread(
            tile=(n * self.tile[0], n * self.tile[1]),
            bytes=np.add.reduceat(np.add.reduceat(self.bytes, rows, axis=0), cols, axis=1),
            beside=self.beside,
            how=f"{self.how}, {n} x {n} of them taken as one",
        )


def spread_of(scene: AnyScene, path: str) -> Spread | None:
    """Find where the bytes of a finished file lie.

    Tiles of a TIFF and of a JPEG 2000 and chunks of a Zarr store have sizes that the file tells. A JPEG and a PNG are
    one stream: the bytes of each square are estimated, by encoding it alone with the tables of the file.

    Parameters
    ----------
    scene
        The file, opened.
    path
        Where it is.

    Returns
    -------
    Spread or None
        None where the file is not on this machine, has no tiles, or its headers cannot be followed.
    """
    find: Callable[[AnyScene, str], Spread | None]
    if is_store(path):
        find = _of_store
    elif os.path.isfile(path) and scene.driver in _FINDERS:
        find = _FINDERS[scene.driver]
    else:
        return None
    try:
        found = find(scene, path)
    except Exception:  # noqa: BLE001  all else is measured already, and a report lives without it
        return None
    return None if found is None else found.merged()


def _of_tiff(_: AnyScene, path: str) -> Spread | None:
    images = read_directories(path)
    main = next((one for one in images if not (one.is_overview or one.is_mask)), None)
    if main is None or main.tile is None or len(main.sizes) != main.tiles:
        return None
    shape = [-(-length // side) for length, side in zip(main.shape, main.tile, strict=True)]
    tiles = main.sizes.reshape(main.planes, *shape).sum(axis=0).astype(np.float64)
    overviews, masks = (_sum(images, is_mask=is_mask) for is_mask in (False, True))
    rest = os.path.getsize(path) - int(tiles.sum()) - overviews - masks
    beside = {"overviews": overviews, "mask": masks, "headers": rest}
    return Spread(tile=main.tile, bytes=tiles, beside=_some(beside), how="as the file lists the size of each tile")


def _sum(images: list[Directory], *, is_mask: bool) -> int:
    """Bytes of the overviews that are no masks, or of all masks."""
    chosen = (one for one in images if one.is_mask == is_mask and (is_mask or one.is_overview))
    return sum(int(one.sizes.sum()) for one in chosen)


def _of_jpeg2000(_: AnyScene, path: str) -> Spread:
    places = TilePlaces.of(path)
    tiles = np.array([sum(length for _, length in parts) for parts in places.parts], np.float64)
    beside = {"headers": os.path.getsize(path) - int(tiles.sum())}
    return Spread(
        tile=places.sizes.tile,
        bytes=tiles.reshape(places.sizes.across),
        beside=_some(beside),
        how="the lengths of the tile-parts",
    )


def _of_store(_: AnyScene, path: str) -> Spread:
    scene = ZarrScene.open_store(path)
    coding = open_zarr(scene.files[0]).coding
    rows, cols = (coding.shards or coding.chunks)[-2:]  # a file is one of them, whatever is decoded at once
    tile = (min(rows, scene.grid.height), min(cols, scene.grid.width))
    shape = tuple(-(-length // side) for length, side in zip(scene.grid.shape, tile, strict=True))
    tiles = np.zeros(shape)
    folder = scene.files[0]
    for place, _folders, names in os.walk(folder):
        for name in names:
            _band, *at = os.path.relpath(os.path.join(place, name), folder).split(os.sep)
            if len(at) == 2 and all(each.isdigit() for each in at):
                tiles[int(at[0]), int(at[1])] += os.path.getsize(os.path.join(place, name))
    beside = {"overviews, mask and metadata": store_bytes(path) - int(tiles.sum())}
    return Spread(tile=tile, bytes=tiles, beside=_some(beside), how="the sizes of the files of chunks or shards")


def _estimated(scene: AnyScene, path: str) -> Spread | None:
    """Encode each square alone, and scale the sum to the file."""
    if scene.layout.dtype != "uint8" or scene.layout.count not in {1, 3}:
        return None
    options = _coding_of(scene, path)
    if options is None:
        return None
    height, width = scene.grid.shape
    shape = tuple(-(-length // _SQUARE) for length in (height, width))
    tiles = np.zeros(shape)
    for row in range(shape[0]):
        top = row * _SQUARE
        strip = scene.read(Block(top, 0, min(_SQUARE, height - top), width)).pixels
        for col in range(shape[1]):
            square = np.moveaxis(strip[:, :, col * _SQUARE : (col + 1) * _SQUARE], 0, -1)
            tiles[row, col] = _encoded_bytes(square, options)
    tiles -= 0.9 * tiles.min()  # headers of each, and a little is left for the empty ones
    total = os.path.getsize(path)
    return Spread(
        tile=(_SQUARE, _SQUARE),
        bytes=tiles * (total / tiles.sum()),
        how=f"estimated: one stream holds the whole image, so squares of {_SQUARE} pixels were encoded alone",
    )


def _coding_of(scene: AnyScene, path: str) -> dict[str, Any] | None:
    """Return how Pillow codes like a file, which it need not open: it refuses large ones. None for other colours."""
    if scene.driver == "PNG":
        return {"format": "PNG"}
    with open(path, "rb") as file:
        head = Head.read(file.read(_HEAD_BYTES))
    if head is None:
        return None
    return {"format": "JPEG", "qtables": np.minimum(head.tables, 255).tolist()}  # Pillow's tables have 8 bits


def _encoded_bytes(square: NDArray[np.uint8], options: dict[str, Any]) -> int:
    made = io.BytesIO()
    pixels = square[..., 0] if square.shape[-1] == 1 else square
    Image.fromarray(np.ascontiguousarray(pixels)).save(made, **options)
    return made.tell()


_FINDERS = {"GTiff": _of_tiff, "JP2OpenJPEG": _of_jpeg2000, "JPEG": _estimated, "PNG": _estimated}
"""How to find it, by GDAL's driver."""


def _some(beside: Mapping[str, int]) -> dict[str, int]:
    return {name: size for name, size in beside.items() if size > 0}
