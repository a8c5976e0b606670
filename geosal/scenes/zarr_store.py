"""A Zarr store as a scene: ours, GeoZarr, CF grids of others, and what GDAL writes, in a folder or a zip."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.gdal_env import path_text
from geosal.core.grid import Block
from geosal.core.raster import (
    BandMetadata,
    RasterLayout,
    Samples,
    conversion_of_array,
    mask_out,
    valid_samples,
)
from geosal.core.shared_raster import FileState, file_state, read_bands
from geosal.core.zarr.arrays import base_of
from geosal.core.zarr.files import locate
from geosal.core.zarr.nodes import Node, node_at
from geosal.core.zarr.raster import OURS, ZarrRaster
from geosal.errors import SceneError, UsageError
from geosal.files.addresses import absolute, is_remote
from geosal.files.objects import bytes_below
from geosal.scenes.base import Small, Stored, layout_of_bands
from geosal.scenes.decoding import refuse_pixels
from geosal.scenes.raster import DTYPES, MAX_PIXELS, usable_nodata
from geosal.scenes.zarr_choice import Plane, choose
from geosal.scenes.zarr_levels import reduced
from geosal.scenes.zarr_metadata import metadata_of

IMAGE, MASK = "image", "mask"
_MARK = "zarr.json"


def is_store(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is the root of a Zarr v3 store, as geosal writes them."""
    if is_remote(str(path)):
        place = locate(str(path))
        return place is not None and not place.node and place.store.has(_MARK)
    return os.path.isfile(os.path.join(path, _MARK))


def store_bytes(path: str | os.PathLike[str]) -> int:
    """Return the size of a file or an object, or of all in a directory or below a key."""
    if is_remote(str(path)):
        return bytes_below(str(path))
    if not os.path.isdir(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(place, name)) for place, _, names in os.walk(path) for name in names)


@dataclass(frozen=True, kw_only=True, eq=False)
class ZarrScene(Stored):
    """Bands of a store at full resolution; it holds paths, not handles.

    Attributes
    ----------
    bands
        Array and number in it, from 1, of each band.
    seen
        State of each array when its header was read.
    steps
        Steps of further dimensions, see `geosal.scenes.zarr_choice`.
    mask_path
        Array of the mask; None without.
    overviews
        Reduction factors of coarser levels.
    compression
        What the first array's chunks are coded by.
    max_pixels
        Limit of width times height.
    """

    bands: tuple[tuple[str, int], ...]
    seen: Mapping[str, FileState | None]
    steps: tuple[str, ...] = ()
    mask_path: str | None = None
    overviews: tuple[int, ...] = ()
    compression: str | None = None
    max_pixels: int = MAX_PIXELS

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        names: Sequence[str] = (),
        *,
        select: Sequence[str] = (),
        max_pixels: int = MAX_PIXELS,
    ) -> Self:
        """Read the metadata of a store, of a group in it or of an array; no pixel is read.

        Parameters
        ----------
        path
            ``store.zarr``, ``store.zarr/group``, ``store.zarr/group/array``, or in a zip: ``store.zarr.zip/group``.
        names
            Names, roles or numbers of bands; all by default.
        select
            Steps of further dimensions: ``time=2024-05-01``.
        max_pixels
            Width times height beyond which it is refused.

        Raises
        ------
        SceneError
            There is no raster, or one that geosal does not take.
        UsageError
            A band or a step is none, or has to be chosen; or bands do not go together.
        ResourceError
            It has too many pixels.
        """
        path = absolute(path_text("path", path))
        choice = choose(path, select)
        known = metadata_of(path, choice)
        places = _chosen(path, choice.planes, known.bands, names) if names else range(len(choice.planes))
        planes = [choice.planes[place] for place in places]
        _refuse_misfit(path, planes)
        first = planes[0].raster
        refuse_pixels(path, first.grid.shape, max_pixels)
        mask = _mask_of(first.node)
        rasters = {plane.raster.path: plane.raster for plane in planes}
        return cls(
            path=path,
            layout=RasterLayout(
                grid=first.grid,
                dtype=first.dtype,
                nodata=usable_nodata(path, first.nodata, first.dtype),
                has_mask=mask is not None,
                metadata=replace(known, bands=tuple(known.bands[place] for place in places)),
            ),
            driver="Zarr",
            block_shape=first.block_shape,
            tile_bytes=max(raster.tile_bytes for raster in rasters.values()),
            kept_bytes=sum(
                raster.kept_bytes(plane.index for plane in planes if plane.raster.path == path)
                for path, raster in rasters.items()
            ),
            bands=tuple((plane.raster.path, plane.index) for plane in planes),
            seen={each: file_state(each, alone=True) for each in (*rasters, *([mask] if mask else []))},
            steps=tuple(select),
            mask_path=mask,
            overviews=_overviews(choice.group, first),
            compression=_compression(first),
            max_pixels=max_pixels,
        )

    @classmethod
    def open_store(cls, path: str | os.PathLike[str]) -> Self:
        """Open a store that geosal wrote.

        Raises
        ------
        SceneError
            It is no such store, or its metadata is damaged.
        """
        path = absolute(path_text("path", path))
        if not is_store(path):
            raise SceneError(f"{path}: is no Zarr v3 store; give the path of a .zarr directory that geosal wrote")
        place = locate(path)
        root = None if place is None else node_at(place.store, place.node)
        if root is None or OURS not in root.attributes:
            raise SceneError(f"{path}: is a Zarr store that geosal has not written; read it with xarray")
        return cls.open(path)

    @property
    def mask(self) -> bool:
        """Whether it has a mask."""
        return self.mask_path is not None

    @property
    def has_mask(self) -> bool:
        """Return whether it has a mask or an alpha band."""
        return self.mask or self.layout.alpha is not None

    @property
    def files(self) -> tuple[str, ...]:
        """The arrays of the bands, each once."""
        return tuple(dict.fromkeys(path for path, _ in self.bands))

    @property
    def original(self) -> Self:
        """The scene itself."""
        return self

    def having(self, *bands: str) -> Self:
        """Open the same with other bands: names, roles of `geosal.core.raster.ROLES`, or numbers from 1.

        Raises
        ------
        UsageError
            It has no such band.
        """
        return type(self).open(self.path, bands, select=self.steps, max_pixels=self.max_pixels)

    def select(self, bands: Sequence[int]) -> Self:
        """Return the same store in some of its bands; others are not decoded."""
        return replace(
            self, layout=layout_of_bands(self.layout, bands), bands=tuple(self.bands[band] for band in bands)
        )

    def decimate(self, factor: int, bands: Sequence[int] | None = None) -> Small | None:
        """Take pixels of a coarser level, see `geosal.scenes.zarr_levels`; None without one."""
        if factor == 1 or self.layout.alpha is not None:
            return None
        some = self if bands is None else self.select(bands)
        return reduced(some.bands, some.mask_path, some.layout, factor)

    def is_whole_file(self) -> bool:
        """Return whether it has all bands of the store."""
        return not self.steps and len(self.bands) == len(choose(self.path).planes)

    def read(self, block: Block) -> Samples:
        """Read a block's pixels and which of them count; `SceneError` when a chunk is missing or damaged."""
        pixels = np.empty((len(self.bands), *block.shape), self.layout.dtype)
        for path in self.files:
            places = [place for place, (own, _) in enumerate(self.bands) if own == path]
            indexes = [self.bands[place][1] for place in places]
            pixels[places] = read_bands(path, indexes, block, alone=True, seen=self.seen[path])
        mask = None if self.mask_path is None else self._read_mask(block)
        alpha = None if self.layout.alpha is None else pixels[self.layout.alpha]
        valid = mask_out(valid_samples(pixels, self.layout.nodata), mask, alpha, self.layout.alpha)
        return Samples(pixels, valid, mask if mask is not None or alpha is None else alpha > 0)

    def read_mask(self, block: Block) -> NDArray[np.bool_]:
        """Read the validity of a block's pixels by mask and alpha; `SceneError` as for `read`."""
        both = self._read_mask(block)
        if self.layout.alpha is not None:
            path, index = self.bands[self.layout.alpha]
            both &= read_bands(path, (index,), block, alone=True, seen=self.seen[path])[0] > 0
        return both

    def _read_mask(self, block: Block) -> NDArray[np.bool_]:
        if self.mask_path is None:
            return np.ones(block.shape, np.bool_)
        seen = self.seen[self.mask_path]
        return np.asarray(read_bands(self.mask_path, (1,), block, alone=True, seen=seen)[0] > 0)


def tags_of_store(path: str) -> Mapping[str, str]:
    """Read the tags of a store that geosal wrote; none of another one."""
    place = locate(path)
    root = None if place is None else node_at(place.store, "")
    told = None if root is None else root.attributes.get(OURS)
    own = told.get("tags", {}).get("", {}) if isinstance(told, dict) and isinstance(told.get("tags"), dict) else {}
    return {str(key): str(value) for key, value in own.items()} if isinstance(own, dict) else {}


def _chosen(path: str, planes: Sequence[Plane], bands: Sequence[BandMetadata], names: Sequence[str]) -> list[int]:
    """Return the places of bands by name, role or number."""
    found = []
    for name in names:
        low = name.strip().lower()
        known = [
            {plane.name.lower(), band.role, (band.description or "").lower()} - {""}
            for plane, band in zip(planes, bands, strict=True)
        ]
        place = next((at for at, several in enumerate(known) if low in several), None)
        if place is None and low.isascii() and low.isdecimal() and 1 <= int(low) <= len(planes):
            place = int(low) - 1
        if place is None:
            has = ", ".join(f"{at} ({plane.name})" for at, plane in enumerate(planes[:40], start=1))
            raise UsageError(f"{path}: no band {name or 'without a name'}; it has {has}; name bands as there")
        if place in found:
            raise UsageError(f"{path}: bands {', '.join(names)} name {name} twice; name each once at most")
        found.append(place)
    return found


def _refuse_misfit(path: str, planes: Sequence[Plane]) -> None:
    """Refuse samples that geosal does not take, and bands that lie or read differently."""
    first = planes[0].raster
    for plane in planes:
        own = plane.raster
        if own.dtype not in DTYPES:
            raise SceneError(
                f"{path}: {plane.name} holds samples of type {own.dtype}, geosal takes {', '.join(DTYPES)}; write it "
                f"anew: {conversion_of_array(own.dtype)}"
            )
    facts = {plane.name: (plane.raster.dtype, plane.raster.grid, str(plane.raster.nodata)) for plane in planes}
    for position, what in enumerate(("types", "sizes or places", "nodata values")):
        several: dict[Any, str] = {}
        for name, each in facts.items():
            several.setdefault(each[position], name)
        if len(several) > 1:
            listed = ", ".join(f"{name} {_in_words(value)}" for value, name in list(several.items())[:4])
            raise UsageError(
                f"{path}: its bands have several {what} ({listed}); choose alike ones with --bands, or name one array: "
                f"{path}/{first.node.name}"
            )


def _in_words(value: Any) -> str:
    return f"{value.width} x {value.height}" if hasattr(value, "width") else str(value)


def _mask_of(node: Node) -> str | None:
    """Return the path of the mask that an array names: of 0 and 1, "invalid valid"."""
    told = node.attributes.get("ancillary_variables")
    for name in told.split() if isinstance(told, str) else ():
        found = node_at(node.store, f"{node.parent}/{name}") if "/" not in name and name not in {".", ".."} else None
        if found is not None and found.is_array and found.attributes.get("flag_meanings") == "invalid valid":
            return ZarrRaster.of(found).path
    return None


def _overviews(group: Node, first: ZarrRaster) -> tuple[int, ...]:
    """Return by how much the coarser levels are reduced, where the group of the levels is at hand."""
    if base_of(group) is None:
        return ()
    layout = group.attributes["multiscales"]["layout"]
    return tuple(sorted({factor for one in layout if (factor := _factor(one, first.grid.shape)) > 1}))


def _factor(level: object, shape: tuple[int, int]) -> int:
    told = level.get("spatial:shape") if isinstance(level, dict) else None
    if isinstance(told, list) and len(told) == 2 and all(isinstance(n, int) and n > 0 for n in told):
        factors: list[float] = [whole / own for whole, own in zip(shape, told, strict=True)]
        return round(max(factors))
    return 1


def _compression(raster: ZarrRaster) -> str:
    return ", ".join(_coded(raster))


def _coded(raster: ZarrRaster) -> Iterator[str]:
    """Yield the codecs by name, of Blosc with what is in it."""
    told = raster.coding.meta
    last = told.get("compressor") if raster.node.version == 2 else told["codecs"][-1]
    settings = (last or {}).get("configuration", last or {}) if isinstance(last, dict) else {}
    for name in raster.coding.names:
        if name == "blosc" and "cname" in settings:
            yield f"blosc ({settings.get('cname')} {settings.get('clevel')}, {settings.get('shuffle')})"
        elif name != "bytes":
            yield name
