"""Decode pictures to samples: RGB of one size, 8 bits, in one array that may lie in a file."""

import io
import os
import shutil
import warnings
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from PIL import Image
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from geosal.core.gdal_env import gdal_env
from geosal.errors import ResourceError, SceneError, UsageError
from geosal.lab.training.folders import Listing
from geosal.sizes import as_bytes

_TIFF = (".tif", ".tiff")
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "PPM")
_BYTES = frozenset({"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"})
"""Pillow's names for samples that fit into a byte; others would be cut off at 255."""
MAX_PIXELS = 50_000_000


def decode(content: bytes, name: str, size: int | None) -> npt.NDArray[np.uint8]:
    """Decode one picture to RGB ``(y, x, 3)``; a grey one becomes three equal bands.

    Parameters
    ----------
    content
        The file.
    name
        Its name, for messages; the suffix identifies a TIFF.
    size
        Pixels along an edge of the result, whatever its shape was; None leaves it.

    Raises
    ------
    SceneError
        It cannot be decoded, is too large, or has samples of more than 8 bits.
    """
    picture = _decode_tiff(content, name) if name.lower().endswith(_TIFF) else _decode_picture(content, name)
    if size is not None and picture.size != (size, size):
        picture = picture.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return np.asarray(picture, np.uint8)


def _decode_picture(content: bytes, name: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
            with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
                _check_pixels(picture.width, picture.height, name)
                _check_mode(picture.mode, name)
                return picture.convert("RGB")
    except (SceneError, MemoryError):
        raise
    except Exception as error:  # Pillow's decoders raise any type for foreign bytes
        raise SceneError(f"{name}: is no picture that can be decoded: {error}; mend or remove it") from error


def _decode_tiff(content: bytes, name: str) -> Image.Image:
    try:
        with gdal_env(), MemoryFile(content) as file, file.open(driver="GTiff") as raster:
            _check_pixels(raster.width, raster.height, name)
            if set(raster.dtypes) != {"uint8"}:
                raise SceneError(
                    f"{name}: has samples of {raster.dtypes[0]} and learning takes 8 bits; "
                    f"bring it there first, as a scene is by --to-byte"
                )
            bands = (1, 2, 3) if raster.count >= 3 else (1, 1, 1)
            return Image.fromarray(np.ascontiguousarray(np.moveaxis(raster.read(bands), 0, 2)))
    except (RasterioError, ValueError) as error:
        raise SceneError(f"{name}: is no TIFF that can be decoded: {error}; mend or remove it") from error


def _check_pixels(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        raise SceneError(f"{name}: {width} x {height} pixels; learning takes small pictures, cut it")


def _check_mode(mode: str, name: str) -> None:
    if mode not in _BYTES:
        raise SceneError(
            f"{name}: has samples of more than 8 bits ({mode}) and learning takes 8 bits; bring it there first"
        )


@dataclass(frozen=True)
class Pictures:
    """Pictures of one size and their classes.

    Attributes
    ----------
    samples
        ``(picture, y, x, 3)``, uint8, red first; a memory map where it came from `load`.
    labels
        Class of each picture.
    classes
        Names of the classes.
    """

    samples: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    classes: tuple[str, ...]

    @classmethod
    def load(cls, listing: Listing, size: int, cache: str | os.PathLike[str]) -> Self:
        """Decode all pictures of a listing into the file `cache`, which pages out where memory is short.

        Raises
        ------
        SceneError
            A picture cannot be read.
        ResourceError
            The disk has no room for the pictures.
        """
        count = len(listing.members)
        room, needed = shutil.disk_usage(os.path.dirname(os.path.abspath(cache))).free, count * size * size * 3
        if needed > room:  # a memory map without room on the disk would kill the process
            raise ResourceError(
                f"{listing.path}: its {count} pictures of {size} px need {as_bytes(needed)} beside the output, where "
                f"{as_bytes(room)} are free; make room or use a smaller --size"
            )
        samples = np.lib.format.open_memmap(cache, "w+", np.dtype(np.uint8), (count, size, size, 3))
        missing = set(range(count))
        for place, content in listing.read():
            samples[place] = decode(content, listing.members[place], size)
            missing.discard(place)
        if missing:
            raise SceneError(f"{listing.path}: {listing.members[min(missing)]} has gone while it was read; run again")
        return cls(samples, np.asarray(listing.labels, np.int64), listing.classes)


@dataclass(frozen=True)
class Split:
    """Which pictures are learned from, which choose the best epoch, and which only judge the outcome.

    In each class the last `test` pictures judge, those before them validate, and the network learns from the rest.
    """

    train: npt.NDArray[np.int64]
    validation: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]

    @classmethod
    def last(cls, labels: npt.NDArray[np.int64], classes: tuple[str, ...], validation: int, test: int) -> Self:
        """Take the last pictures of each class away for validation and test.

        Raises
        ------
        UsageError
            A class would have no pictures left to learn from.
        """
        parts: list[list[npt.NDArray[np.int64]]] = [[], [], []]
        for label, name in enumerate(classes):
            places = np.flatnonzero(labels == label)
            left = len(places) - validation - test
            if left < 1:
                raise UsageError(
                    f"--validation {validation} --test {test}: class {name!r} has {len(places)} pictures, which leaves "
                    f"none to learn from; set fewer aside"
                )
            for part, piece in zip(parts, np.split(places, [left, left + validation]), strict=True):
                part.append(piece)
        return cls(*(np.concatenate(part) for part in parts))
