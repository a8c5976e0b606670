"""A Zarr store that geosal wrote, opened by zarr-python: for `geosal info` and `geosal verify`, not as an input.

It reads only what the writer makes: a local directory of plain chunk files, with its codecs. Such a store cannot name
another file, as stores of references ("kerchunk") do.
"""

import base64
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from geosal.core.gdal_env import path_text
from geosal.core.grid import Block, Grid
from geosal.core.metadata import metadata_from_json
from geosal.core.raster import RasterLayout, Samples, mask_out, valid_samples
from geosal.errors import GeosalError, SceneError, cause_of
from geosal.scenes.base import AnyScene, Selected, Small, Stored
from geosal.scenes.raster import DTYPES, Scene

if TYPE_CHECKING:
    import zarr

IMAGE, MASK = "image", "mask"
_GRID_MAPPING = "spatial_ref"
_METADATA = "gdal_metadata"
_MARK = "zarr.json"
_CODECS = ("bytes", "blosc")


def is_store(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is a local Zarr v3 store."""
    return os.path.isfile(os.path.join(path, _MARK))


def store_bytes(path: str | os.PathLike[str]) -> int:
    """Return the size of a file, or of all files in a directory."""
    if not os.path.isdir(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(place, name)) for place, _, names in os.walk(path) for name in names)


@dataclass(frozen=True, kw_only=True, eq=False)
class ZarrScene(Stored):
    """The full resolution of a store as a scene; it holds a path, not a handle."""

    mask: bool = False
    """Whether it has a mask."""
    overviews: tuple[int, ...] = ()
    """Reduction factors of the overviews."""
    compression: str | None = None

    @classmethod
    def open_store(cls, path: str | os.PathLike[str]) -> Self:
        """Read the metadata of a store that geosal wrote; no pixel is read.

        Raises
        ------
        SceneError
            The path is no such store, or its metadata is damaged.
        """
        path = os.path.abspath(path_text("path", path))
        group = open_group(path)
        with _damage_as_scene_error(path):
            image = array_of(group, IMAGE)
            metadata = metadata_from_json(attributes_of(group)[_METADATA])
            count, height, width = image.shape
            dtype = str(image.dtype)
            if dtype not in DTYPES or count != len(metadata.bands):
                raise ValueError(f"{count} bands of {dtype}, metadata of {len(metadata.bands)}")
            layout = RasterLayout(
                grid=_grid(group, height, width),
                dtype=dtype,
                nodata=_nodata(attributes_of(image).get("_FillValue")),
                has_mask=MASK in group,
                metadata=metadata,
            )
            return cls(
                path=path,
                layout=layout,
                driver="Zarr",
                block_shape=(image.chunks[1], image.chunks[2]),
                tile_bytes=image.dtype.itemsize * int(np.prod(image.chunks)),
                mask=layout.has_mask,
                overviews=tuple(2**level for level in range(1, len(levels_of(group)))),
                compression=_compression(image),
            )

    @property
    def has_mask(self) -> bool:
        """Return whether it has a mask or an alpha band."""
        return self.mask or self.layout.alpha is not None

    @property
    def original(self) -> Self:
        """The scene itself."""
        return self

    def having(self, *bands: str) -> AnyScene:
        """Refuse other bands: GDAL, which would look for them, reads no such store.

        Raises
        ------
        SceneError
            It says so.
        """
        return Scene.open(self.path).having(*bands)

    def select(self, bands: Sequence[int]) -> AnyScene:
        """Return the same store in some of its bands."""
        return Selected.of(self, bands)

    def decimate(self, factor: int, bands: Sequence[int] | None = None) -> Small | None:
        """Return None: its coarser levels are not used."""
        del factor, bands
        return None

    def is_whole_file(self) -> bool:
        """Return whether it has all bands of the store."""
        return True

    def read(self, block: Block) -> Samples:
        """Read a block's pixels and which of them count; `SceneError` when a chunk is missing or damaged."""
        pixels = read_array(self.path, IMAGE, block)
        mask = read_array(self.path, MASK, block) > 0 if self.mask else None
        alpha = None if self.layout.alpha is None else pixels[self.layout.alpha]
        valid = mask_out(valid_samples(pixels, self.layout.nodata), mask, alpha, self.layout.alpha)
        return Samples(pixels, valid, mask if mask is not None or alpha is None else alpha > 0)

    def read_mask(self, block: Block) -> NDArray[np.bool_]:
        """Read the validity of a block's pixels by mask and alpha; `SceneError` as for `read`."""
        both = read_array(self.path, MASK, block) > 0 if self.mask else np.ones(block.shape, np.bool_)
        if self.layout.alpha is not None:
            both &= read_array(self.path, IMAGE, block)[self.layout.alpha] > 0
        return both


def open_group(path: str) -> "zarr.Group":
    """Open the root of a store.

    Raises
    ------
    SceneError
        The path is no Zarr v3 store, or geosal has not written it.
    """
    if not is_store(path):
        raise SceneError(f"{path}: is no Zarr v3 store; give the path of a .zarr directory that geosal wrote")
    with _damage_as_scene_error(path):
        import zarr  # slow to import

        group = zarr.open_group(zarr.storage.LocalStore(path, read_only=True), mode="r", zarr_format=3)
    if _METADATA not in group.attrs:
        raise SceneError(f"{path}: is a Zarr store that geosal has not written; read it with xarray")
    return group


def array_of(group: "zarr.Group", name: str) -> "zarr.Array[Any]":
    """Take an array of a store, if it is coded as geosal codes them; `ValueError` if not."""
    import zarr  # slow to import

    array = group[name]
    if not isinstance(array, zarr.Array):
        raise ValueError(f"{name} is no array")  # noqa: TRY004  the caller's errors are those of damage
    codecs = tuple(codec["name"] for codec in _codecs(array))
    if codecs != _CODECS or array.ndim > 3:
        raise ValueError(f"{name} is coded by {', '.join(codecs)}, not {', '.join(_CODECS)}")
    return array


def attributes_of(node: "zarr.Group | zarr.Array[Any]") -> dict[str, Any]:
    """Take the attributes of a group or an array."""
    return dict(node.attrs)


def levels_of(group: "zarr.Group") -> list[dict[str, Any]]:
    """Take what a store says of its levels, the full resolution first."""
    levels: list[dict[str, Any]] = attributes_of(group)["multiscales"]["layout"]
    return levels


def chunk_files(path: str, name: str, array: "zarr.Array[Any]", block: Block | None = None) -> Iterator[Path]:
    """List the files of an array that hold a block, or all; of a scalar, its only one."""
    bounds = [(0, size) for size in array.shape]
    if block is not None:
        bounds[-2:] = [(block.row_off, block.row_stop), (block.col_off, block.col_stop)]
    spans = (range(low // size, -(-high // size)) for (low, high), size in zip(bounds, array.chunks, strict=True))
    for index in product(*spans):
        yield Path(path, name, *(map(str, index) if index else ("0",)))


def read_array(path: str, name: str, block: Block) -> NDArray[Any]:
    """Read a block of an array (…, y, x).

    Raises
    ------
    SceneError
        A chunk is missing, which zarr-python would take for one full of nodata, or cannot be decoded.
    """
    group = open_group(path)
    with _damage_as_scene_error(f"{path}: {name}, {block}"):
        array = array_of(group, name)
        missing = next((file for file in chunk_files(path, name, array, block) if not file.is_file()), None)
        if missing is not None:
            raise ValueError(f"chunk {missing.relative_to(path)} is missing")
        rows, cols = block.slices_in(Block(0, 0, *array.shape[-2:]))
        return np.asarray(array[..., rows, cols])


@contextmanager
def _damage_as_scene_error(what: str) -> Iterator[None]:
    """Turn the errors of zarr-python and the codecs on damaged stores into a `SceneError` about `what`."""
    try:
        yield
    except (GeosalError, MemoryError):
        raise
    except Exception as error:
        raise SceneError(f"{what} cannot be read ({cause_of(error)}); the store is damaged, copy it again") from error


def _grid(group: "zarr.Group", height: int, width: int) -> Grid:
    attributes = attributes_of(array_of(group, _GRID_MAPPING))
    c, a, b, f, d, e = map(float, attributes["GeoTransform"].split())
    return Grid(attributes.get("crs_wkt"), Affine(a, b, c, d, e, f), height, width)


def _codecs(array: "zarr.Array[Any]") -> list[dict[str, Any]]:
    described: dict[str, Any] = array.metadata.to_dict()
    return [dict(codec) for codec in described["codecs"]]


def _nodata(fill_value: Any) -> float | None:
    """Read xarray's ``_FillValue``: floats are the Base64 of their eight bytes."""
    if isinstance(fill_value, str):
        return float(struct.unpack("<d", base64.standard_b64decode(fill_value))[0])
    return None if fill_value is None else float(fill_value)


def _compression(image: "zarr.Array[Any]") -> str:
    blosc = _codecs(image)[-1]["configuration"]
    return f"blosc ({blosc['cname']} {blosc['clevel']}, {blosc['shuffle']})"
