"""An array as a scene: what jobs and sources of saliency read of a file, read of the array's own samples."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from geosal.arrays.layout import Recode, layout_of, of_bands
from geosal.arrays.samples import ArraySamples, Chunked, InMemory, Read
from geosal.core.grid import Block
from geosal.core.raster import (
    ROLES,
    THE_ARRAY,
    QualityBand,
    RasterLayout,
    Samples,
    conversion_of_array,
    mask_out,
    valid_samples,
)
from geosal.errors import GeosalError, SceneError, UsageError
from geosal.scenes import AnyScene, open_input
from geosal.scenes.base import Small, Stored, layout_of_bands
from geosal.scenes.raster import DTYPES

QUALITY = "quality"
"""Key of the encoding of ``spatial_ref``, which arithmetic keeps: the quality bands of the product."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ArrayScene(Stored):
    """An array; see `geosal.scenes.base.AnyScene` for what all kinds of scenes have.

    Attributes
    ----------
    samples
        Where its samples come from: all bands of the array.
    positions
        The bands of this scene among those, from 0.
    whole
        Layout of all bands.
    numbers
        Number of each band of the array: that of its coordinate, or from 1.
    recode
        Samples that become NaN or nodata, as `geosal.arrays.layout.layout_of` tells.
    file
        What the array was opened from, where it lies on the same grid: for bands that the array does not have.
    """

    samples: ArraySamples
    positions: tuple[int, ...]
    whole: RasterLayout
    numbers: tuple[int, ...]
    recode: Recode | None = None
    file: AnyScene | None = None

    @classmethod
    def of(cls, array: xr.DataArray, samples: ArraySamples | None = None) -> Self:
        """Take an array as a scene.

        Parameters
        ----------
        array
            (band, y, x) or (y, x), by `geosal.arrays.forms.as_scene`.
        samples
            Where its samples come from; by default its own memory, or its chunks.

        Raises
        ------
        SceneError
            It has a type that geosal does not take, or coordinates that are none of a grid.
        """
        array = array if "band" in array.dims else array.expand_dims("band")
        if array.dtype.name not in DTYPES:
            raise SceneError(
                f"{THE_ARRAY} has samples of type {array.dtype}, geosal takes {', '.join(DTYPES)}; convert it: "
                f"{conversion_of_array(array.dtype.name)}"
            )
        layout, recode = layout_of(array)
        numbers = np.atleast_1d(array.coords["band"].values) if "band" in array.coords else np.empty(0)
        counted = numbers.dtype.kind in "iu" and numbers.size == layout.count
        lazy = array.chunks is not None
        height, width = (max(sizes) for sizes in array.chunks[-2:]) if array.chunks is not None else layout.grid.shape
        opened = _opened(array)
        samples = samples or untouched(array) or samples_of(array)
        scene = samples.scene if isinstance(samples, FileSamples) else None
        return cls(
            path=THE_ARRAY if scene is None else scene.path,
            layout=layout,
            whole=layout,
            driver="xarray",
            block_shape=(height, width),
            work_bytes=2 * layout.count * height * width * array.dtype.itemsize if lazy else 0,
            quality=_quality_of(array) or (() if opened is None else opened.quality),
            has_statistics=scene is not None and scene.has_statistics,
            samples=samples,
            positions=tuple(range(layout.count)),
            numbers=tuple(map(int, numbers)) if counted else tuple(range(1, layout.count + 1)),
            recode=recode,
            # Bands that the array lacks are read from its file, where it lies on the same grid.
            file=opened.original if opened is not None and opened.grid == layout.grid else None,
        )

    @property
    def has_mask(self) -> bool:
        """The array has a coordinate ``valid``, or an alpha band."""
        return self.whole.has_mask or self.whole.alpha is not None

    @property
    def original(self) -> Self:
        """The scene itself."""
        return self

    @property
    def files(self) -> tuple[str, ...]:
        """Files that its samples are read from; none where they are not a file's any more."""
        return self.samples.scene.files if isinstance(self.samples, FileSamples) else ()

    def read(self, block: Block) -> Samples:
        """Read a block; errors are those of what dask computes."""
        found, mask = self.samples.read(block)
        found = found if self.recode is None else self.recode.apply(found)
        pixels = found if self.positions == tuple(range(self.whole.count)) else found[list(self.positions)]
        alpha = None if self.whole.alpha is None else found[self.whole.alpha]
        valid = mask_out(valid_samples(pixels, self.layout.nodata), mask, alpha, self.layout.alpha)
        written = mask
        if alpha is not None and (mask is None or self.layout.alpha is None):  # an alpha band that is left out
            written = alpha > 0 if mask is None else mask & (alpha > 0)
        return Samples(pixels, valid, written)

    def read_mask(self, block: Block) -> NDArray[np.bool_]:
        """Read which pixels of a block the array's mask and alpha say are valid, (y, x)."""
        found, mask = self.samples.read(block)
        both = np.ones(block.shape, np.bool_) if mask is None else mask
        return both if self.whole.alpha is None else both & (found[self.whole.alpha] > 0)

    def having(self, *bands: str) -> AnyScene:
        """The same array with other bands: by role, name, or number of its coordinate ``band``.

        Bands that it does not have are read from the file that it was opened from, where it lies on that one's grid.

        Raises
        ------
        UsageError
            There is no such band.
        """
        positions = [self._position(name) for name in bands]
        if None not in positions:
            chosen = [position for position in positions if position is not None]
            return replace(self, layout=layout_of_bands(self.whole, chosen), positions=tuple(chosen))
        if self.file is not None:
            return self.file.having(*bands)
        missing = bands[positions.index(None)]
        has = ", ".join(f"{number} ({' '.join(sorted(names)) or 'unnamed'})" for number, names in self._known())
        raise UsageError(f"{THE_ARRAY} has no band {missing}; it has {has}; name bands by their numbers")

    def select(self, bands: Sequence[int]) -> Self:
        """The same array in some of its bands, by their positions."""
        positions = tuple(self.positions[band] for band in bands)
        return replace(self, layout=layout_of_bands(self.layout, bands), positions=positions)

    def decimate(self, factor: int, bands: Sequence[int] | None = None) -> Small | None:
        """Ask the file whose samples these still are; no other array has overviews."""
        if not isinstance(self.samples, FileSamples):
            return None
        chosen = self.positions if bands is None else [self.positions[band] for band in bands]
        return self.samples.scene.decimate(factor, chosen)

    def is_whole_file(self) -> bool:
        """Return whether it still is all of the file that it was opened from."""
        all_of_it = self.positions == tuple(range(self.whole.count))
        return isinstance(self.samples, FileSamples) and all_of_it and self.samples.scene.is_whole_file()

    def given(self, samples: ArraySamples) -> Self:
        """The same with samples from elsewhere, and without its file: what a task gets of it."""
        return replace(self, samples=samples, file=None)

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        from dask.base import normalize_token

        samples = normalize_token(self.samples) if isinstance(self.samples, Chunked | FileSamples) else ""
        return type(self).__qualname__, samples, self.positions, repr(self.recode), self.layout.nodata

    def _known(self) -> list[tuple[int, set[str]]]:
        known = []
        for number, band in zip(self.numbers, self.whole.metadata.bands, strict=True):
            colour = band.colorinterp.name if band.colorinterp.name in ROLES else ""
            known.append((number, {band.role or colour, (band.description or "").lower()} - {""}))
        return known

    def _position(self, name: str) -> int | None:
        known = self._known()
        if name.isascii() and name.isdecimal() and int(name) in self.numbers:
            return self.numbers.index(int(name))
        return next((position for position, (_, names) in enumerate(known) if name.lower() in names), None)


def samples_of(array: xr.DataArray) -> InMemory | Chunked:
    """Samples of an array (band, y, x) with its coordinate ``valid``, as they are: in memory or lazy."""
    valid = array.coords["valid"].data if "valid" in array.coords else None
    if isinstance(array.data, da.Array) or isinstance(valid, da.Array):
        pixels = array.data if isinstance(array.data, da.Array) else da.from_array(array.data, chunks=(-1, 2048, 2048))
        return Chunked(pixels, valid)
    return InMemory(np.asarray(array.data), None if valid is None else np.asarray(valid, np.bool_))


def _opened(array: xr.DataArray) -> AnyScene | None:
    """The scene that `geosal.open_scene` opened, with what was done to its samples."""
    path = array.encoding.get("source")
    if not path or "reading" not in array.encoding:
        return None
    try:
        return open_input(path, array.encoding["reading"])
    except GeosalError:  # gone; `layout_of` tells
        return None


def _quality_of(array: xr.DataArray) -> tuple[QualityBand, ...]:
    """Quality bands of the product that an array was made of; they have a place, so any part of it will do."""
    mapping = array.rio.grid_mapping
    if mapping in array.coords and (kept := array.coords[mapping].variable.encoding.get(QUALITY)):
        return tuple(kept)
    return ()


@dataclass(frozen=True, eq=False)
class FileSamples:
    """Samples of an array that are still those of the scene that was opened: read from there, with their halo."""

    scene: AnyScene

    def read(self, block: Block) -> Read:
        """Read a block of the scene."""
        samples = self.scene.read(block)
        return samples.pixels, samples.mask


def untouched(array: xr.DataArray) -> FileSamples | None:
    """Find whether an array's samples are still those that `geosal.open_scene` gave it.

    Then its dask arrays have the names that they got there.
    """
    if array.encoding.get("pixels") != names_of(array) or not isinstance(array.data, da.Array):
        return None
    opened = open_input(array.encoding["source"], array.encoding["reading"])
    scene = of_bands(opened, array, opened)
    there = (array.sizes.get("band", 1), *array.shape[-2:])
    return FileSamples(scene) if there == (scene.layout.count, *scene.grid.shape) else None


def names_of(array: xr.DataArray) -> tuple[str, ...] | None:
    """Names of the dask arrays that an array's samples and their validity are; None without any."""
    valid = array.coords["valid"].data if "valid" in array.coords else None
    names = tuple(str(lazy.name) for lazy in (array.data, valid) if isinstance(lazy, da.Array))
    return names or None
