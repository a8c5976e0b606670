"""Properties of decoding a raster: memory, whether earlier rows cost a new start, and errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from rasterio.enums import Interleaving
from rasterio.io import DatasetReader

from geosal.errors import GeosalError, ResourceError, SceneError
from geosal.sizes import as_bytes, counted

_MAX_TILE_BYTES = 2**30
_DECODED_WHOLE = frozenset({"WEBP", "JPEGXL", "GIF", "GRIB"})
_FROM_THE_TOP = frozenset({"JPEG", "PNG"})
"""Drivers of files without tiles that GDAL decodes row by row."""
_INTERLACED = 28
"""Offset of the interlace method in a PNG, whose header is always the first chunk."""
_MARKER, _START_OF_SCAN, _ONE_SCAN, _PROGRESSIVE = 0xFF, 0xDA, (0xC0, 0xC1), 0xC2
"""Marker codes of a JPEG: ITU-T T.81, table B.1."""


@contextmanager
def damage_as_scene_error(what: str) -> Iterator[None]:
    """Turn the errors of rasterio on damaged files, some of private types, into a `SceneError` about `what`."""
    try:
        yield
    except (GeosalError, MemoryError, AssertionError, AttributeError, NameError, TypeError):
        raise  # the last four are our own faults
    except Exception as error:
        cause = error.__cause__ or error  # rasterio's own message says no more than "see previous exception"
        raise SceneError(
            f"{what} cannot be read ({' '.join(str(cause).split())}); the file is damaged or cut off, copy it again"
        ) from error


def refuse_bombs(path: str, dataset: DatasetReader, max_pixels: int) -> int:
    """Refuse a header that claims too much; return the bytes of a tile."""
    if dataset.count == 0:
        inside = ", ".join(dataset.subdatasets[:5]) or "none"
        raise SceneError(f"{path}: holds no bands of its own; name one of its subdatasets: {inside}")
    refuse_pixels(path, dataset.shape, max_pixels)
    rows, columns = dataset.block_shapes[0]
    bands = 1 if dataset.interleaving == Interleaving.band else dataset.count
    tile = rows * columns * bands * np.dtype(numpy_name(dataset.dtypes[0])).itemsize
    if tile > _MAX_TILE_BYTES:
        raise ResourceError(
            f"{path}: one tile of {columns} x {rows} x {bands} bands takes {as_bytes(tile)} in memory; "
            "re-tile it first: gdal_translate -co TILED=YES IN OUT"
        )
    return int(max(tile, _held_bytes(dataset)))


def refuse_pixels(path: str, shape: tuple[int, int], max_pixels: int) -> None:
    """Refuse a header that claims too many pixels."""
    rows, cols = shape
    if rows * cols > max_pixels:
        raise ResourceError(
            f"{path}: claims {cols} x {rows} = {counted(rows * cols, 'pixel')}, the limit is {max_pixels:,}; "
            "raise it with --max-pixels when the scene is real"
        )


def _held_bytes(dataset: DatasetReader) -> int:
    """Return the bytes of all pixels, or coefficients, of a file that is always decoded as a whole, else 0."""
    pixels = dataset.width * dataset.height
    samples = int(pixels * dataset.count * np.dtype(numpy_name(dataset.dtypes[0])).itemsize)
    if dataset.driver in _DECODED_WHOLE:
        return samples
    try:
        if dataset.driver == "PNG":
            with open(dataset.name, "rb") as file:
                return samples if file.read(_INTERLACED + 1)[_INTERLACED:] == b"\1" else 0
        return int(pixels * _coefficient_bytes(dataset.name)) if dataset.driver == "JPEG" else 0
    except OSError:  # not a local file
        return 0


def _coefficient_bytes(path: str) -> float:
    """Return the bytes per pixel that a decoder of a progressive JPEG keeps: 16 bits a coefficient; 0 for one scan."""
    with open(path, "rb") as file:
        place = 2
        while True:
            file.seek(place)
            marker, kind, *length = file.read(4).ljust(4, b"\0")
            if marker != _MARKER or kind in (_START_OF_SCAN, *_ONE_SCAN):
                return 0.0
            if kind == _PROGRESSIVE:
                *_, count = file.read(6)
                shares = [(size >> 4) * (size & 15) for size in file.read(3 * count)[1::3]]
                return 2 * sum(shares) / max(shares)
            place += 2 + int.from_bytes(bytes(length), "big")


def rewinds(dataset: DatasetReader) -> bool:
    """Return whether GDAL decodes a file from its top for each row that lies above the last one."""
    if dataset.driver == "GTiff" and dataset.block_shapes[0][0] == 1 < dataset.height:
        # A large strip that holds all rows is shown as one for each row; then the second has no place of its own.
        first, second = (dataset.get_tag_item(f"BLOCK_OFFSET_0_{row}", "TIFF", bidx=1) for row in (0, 1))
        return first is not None and second is None
    return dataset.driver in _FROM_THE_TOP


def numpy_name(dtype: str) -> str:
    """Return NumPy's name of one of rasterio's dtypes."""
    return {"complex_int16": "complex64", "int8": "int8"}.get(dtype, dtype)
