"""A raster file as a scene: check and keep its headers, read its pixels block by block."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.io import DatasetReader

from geosal.core.gdal_env import gdal_env, path_text
from geosal.core.grid import Block, Grid
from geosal.core.metadata import read_metadata
from geosal.core.open_raster import open_raster
from geosal.core.raster import (
    RasterLayout,
    RasterMetadata,
    Samples,
    alpha_among,
    conversion,
    held_by,
    mask_out,
    valid_samples,
)
from geosal.core.shared_raster import FileState, file_state, read_bands, shared_raster
from geosal.core.stand_in import claimed_shape
from geosal.errors import SceneError, UsageError, warn
from geosal.scenes.base import Small, Stored, layout_of_bands
from geosal.scenes.decoding import damage_as_scene_error, refuse_bombs, refuse_pixels, rewinds

DTYPES = ("uint8", "uint16", "int16", "uint32", "int32", "float32", "float64")
MAX_PIXELS = 20 * 10**9
"""Default limit of pixels: a whole UTM zone at 10 m has fewer, and a header that claims more is likely a bomb."""
_CODES = "NODATA_VALUES"


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene(Stored):
    """A raster file; `geosal.scenes.base.AnyScene` describes the common interface.

    Attributes
    ----------
    path
        Absolute, when it is a local file.
    indexes
        Bands in rasterio's numbers, from 1, in the order wanted.
    mask
        Whether a mask of the whole raster defines validity.
    alpha
        The file's alpha band, from 1, whether it is among `indexes` or not.
    seen
        State of the file when its headers were read; pixels of another one are refused.
    """

    indexes: tuple[int, ...]
    mask: bool = False
    alpha: int | None = None
    seen: FileState | None = None

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        bidx: tuple[int, ...] = (),
        *,
        drivers: tuple[str, ...] = (),
        max_pixels: int = MAX_PIXELS,
    ) -> Self:
        """Read the headers of a raster and refuse what geosal cannot smooth; no pixel is read.

        Parameters
        ----------
        path
            A local path, a URL or a GDAL ``/vsi`` path.
        bidx
            Bands to take, from 1; all when empty.
        drivers
            GDAL drivers to trust beyond the usual ones, such as ``("VRT",)``.
        max_pixels
            Width times height beyond which the raster is refused.

        Raises
        ------
        SceneError
            The file cannot be read, or is complex, paletted, of mixed or unknown dtype, or its place is NaN or
            infinite.
        UsageError
            A band in `bidx` does not exist.
        ResourceError
            The raster has more than `max_pixels`, or a tile that does not fit in memory.
        """
        path = path_text("path", path)
        seen = file_state(path)
        if (claimed := claimed_shape(path)) is not None:  # to open it is to decode it
            refuse_pixels(path, claimed, max_pixels)
        with gdal_env(), open_raster(path, drivers) as dataset, damage_as_scene_error(path):
            tile_bytes = refuse_bombs(path, dataset, max_pixels)
            _refuse_no_place(path, dataset)
            indexes = _resolve_indexes(path, dataset, bidx)
            dtype = _resolve_dtype(path, dataset, indexes)
            flags = dataset.mask_flag_enums[indexes[0] - 1]
            mask = MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags
            alpha = _alpha_of(dataset, indexes)
            _tell_of_pages(path, dataset)
            layout = RasterLayout(
                grid=Grid.from_crs(dataset.crs, dataset.transform, dataset.height, dataset.width),
                dtype=dtype,
                nodata=_resolve_nodata(path, dataset, indexes, dtype),
                has_mask=mask or (alpha is not None and alpha not in indexes),
                metadata=_without_codes(read_metadata(dataset, indexes)),
            )
            return cls(
                # Workers may run in another directory.
                path=os.path.abspath(path) if os.path.exists(path) else path,
                indexes=indexes,
                layout=layout,
                driver=dataset.driver,
                tile_bytes=tile_bytes,
                block_shape=dataset.block_shapes[indexes[0] - 1],
                drivers=drivers,
                mask=mask,
                alpha=alpha,
                seen=seen,
                rewinds=rewinds(dataset),
                has_statistics=all("STATISTICS_MEAN" in dataset.tags(index) for index in indexes),
            )

    @property
    def has_mask(self) -> bool:
        """Whether a mask or an alpha band, among the bands or not, defines validity."""
        return self.mask or self.alpha is not None

    @property
    def original(self) -> Self:
        """The scene itself."""
        return self

    def read(self, block: Block) -> Samples:
        """Read a block's pixels and which of them count.

        Parameters
        ----------
        block
            Inside the grid.

        Raises
        ------
        SceneError
            The block cannot be decoded.
        """
        with damage_as_scene_error(f"{self.path}: {block}"):
            pixels = self._read_bands(self.indexes, block)
            mask = self._read_mask(block)
            kept = self.layout.alpha
            alpha = self._read_alpha(block) if kept is None else pixels[kept]
        valid = mask_out(valid_samples(pixels, self.layout.nodata), mask, alpha, self.layout.alpha)
        written = mask
        if alpha is not None and (mask is None or self.layout.alpha is None):  # an alpha band that is left out
            written = alpha > 0 if mask is None else mask & (alpha > 0)
        return Samples(pixels, valid, written)

    def having(self, *bands: str) -> Self:
        """Open the same raster with other bands: roles of `geosal.core.raster.ROLES`, descriptions, or numbers from 1.

        Numbers are the file's, whichever bands this scene has.

        Raises
        ------
        UsageError
            It has no such band.
        """
        pixels = self.grid.height * self.grid.width
        whole = type(self).open(self.path, drivers=self.drivers, max_pixels=pixels)
        known = [(band.role, (band.description or "").lower()) for band in whole.layout.metadata.bands]
        indexes = []
        for name in bands:
            if not name.strip():
                raise UsageError(f"{self.path}: a band without a name was asked for; give names, roles or numbers")
            names = (n for n, named in enumerate(known, start=1) if name.lower() in named)
            index = int(name) if name.isascii() and name.isdecimal() else next(names, 0)
            if not 1 <= index <= len(known):
                has = ", ".join(
                    f"{n} ({' '.join(filter(None, named)) or 'unnamed'})" for n, named in enumerate(known, 1)
                )
                raise UsageError(f"{self.path}: no band {name}; it has {has}; name bands by their numbers")
            indexes.append(index)
        return type(self).open(self.path, tuple(indexes), drivers=self.drivers, max_pixels=pixels)

    def read_mask(self, block: Block) -> NDArray[np.bool_]:
        """Read which pixels of a block the file's mask and alpha say are valid, (y, x); nodata is not looked at.

        Raises
        ------
        SceneError
            The block cannot be decoded.
        """
        with damage_as_scene_error(f"{self.path}: {block}"):
            mask, alpha = self._read_mask(block), self._read_alpha(block)
        both = np.ones(block.shape, np.bool_) if mask is None else mask
        return both if alpha is None else both & (alpha > 0)

    def select(self, bands: Sequence[int]) -> Self:
        """Return the same file with some of its bands; others are not decoded."""
        return replace(
            self,
            layout=layout_of_bands(self.layout, bands),
            indexes=tuple(self.indexes[band] for band in bands),
        )

    def decimate(self, factor: int, bands: Sequence[int] | None = None) -> Small | None:
        """Read the file's own overviews; None where it has none, or no mask inside."""
        if factor == 1:
            return None
        chosen = range(self.layout.count) if bands is None else bands
        height, width = (-(-length // factor) for length in self.grid.shape)
        # Overviews beside the file may be older than it; only its own are used.
        try:
            with gdal_env():
                own = open_raster(self.path, self.drivers, alone=True)
        except SceneError:  # pixels and header lie apart, as ENVI has them, and such files have no overviews inside
            return None
        with damage_as_scene_error(f"{self.path}: overviews"), gdal_env(), own as dataset:
            if not dataset.overviews(self.indexes[0]) or (self.mask and not _has_mask(dataset, self.indexes[0])):
                return None
            shape = (height, width)
            pixels = dataset.read([self.indexes[band] for band in chosen], out_shape=(len(chosen), *shape))
            mask = dataset.read_masks(self.indexes[0], out_shape=shape) > 0 if self.mask else None
            alpha = None if self.alpha is None else dataset.read(self.alpha, out_shape=shape)
        kept = next((place for place, band in enumerate(chosen) if band == self.layout.alpha), None)
        valid = mask_out(valid_samples(pixels, self.layout.nodata), mask, alpha, kept)
        return Small(pixels, valid)

    def is_whole_file(self) -> bool:
        """Return whether it has all bands of the file."""
        with gdal_env(), open_raster(self.path, self.drivers) as dataset:
            return bool(dataset.count == len(self.indexes))

    def _read_bands(self, indexes: tuple[int, ...], block: Block) -> NDArray[Any]:
        return read_bands(self.path, indexes, block, self.drivers, seen=self.seen)

    def _read_alpha(self, block: Block) -> NDArray[Any] | None:
        """Read the file's alpha band, (y, x)."""
        return None if self.alpha is None else np.asarray(self._read_bands((self.alpha,), block)[0])

    def _read_mask(self, block: Block) -> NDArray[np.bool_] | None:
        if not self.mask:
            return None
        with shared_raster(self.path, self.drivers, seen=self.seen) as dataset:
            return np.asarray(dataset.read_masks(self.indexes[0], window=block.window) > 0)


def _has_mask(dataset: DatasetReader, index: int) -> bool:
    return MaskFlags.per_dataset in dataset.mask_flag_enums[index - 1]


def _refuse_no_place(path: str, dataset: DatasetReader) -> None:
    points = [number for point in dataset.gcps[0] for number in (point.row, point.col, point.x, point.y, point.z or 0)]
    for what, numbers, mend in (
        ("geotransform", tuple(dataset.transform)[:6], "-a_ullr, or take it away with -unsetgt"),
        ("control points", points, "-gcp"),
    ):
        bad = next((number for number in numbers if not math.isfinite(number)), None)
        if bad is not None:
            raise SceneError(
                f"{path}: there is {bad:g} among the numbers of its {what}; give it others with gdal_edit.py {mend}"
            )


def _alpha_of(dataset: DatasetReader, indexes: tuple[int, ...]) -> int | None:
    """Return the number of the alpha band, from 1: the one among the chosen bands, or else the file's."""
    for numbers in (indexes, dataset.indexes):
        found = alpha_among([dataset.colorinterp[number - 1].name for number in numbers])
        if found is not None:
            return int(numbers[found])
    return None


def _without_codes(metadata: RasterMetadata) -> RasterMetadata:
    """Leave out the tag NODATA_VALUES, by which the codes of several bands make a mask: a real mask is written.

    Codecs, smoothing, means and a choice of bands would change what the codes mean. If another mask overrides it, or it
    has too few codes, GDAL ignores it; then later readers must ignore it too.
    """
    own = metadata.tags.get("", {})
    if _CODES not in own:
        return metadata
    kept = {key: value for key, value in own.items() if key != _CODES}
    return replace(metadata, tags={**metadata.tags, "": kept})


def _tell_of_pages(path: str, dataset: DatasetReader) -> None:
    """Warn of pages of a TIFF that are not read: GDAL takes the first."""
    pages = [name for name in dataset.subdatasets if name.startswith("GTIFF_DIR:")]
    if len(pages) > 1 and not path.startswith("GTIFF_DIR:"):
        warn(f"{path}: holds {len(pages)} pages, and the first is taken; name another one: GTIFF_DIR:2:{path}")


def _resolve_indexes(path: str, dataset: DatasetReader, bidx: tuple[int, ...]) -> tuple[int, ...]:
    indexes = bidx or tuple(dataset.indexes)
    unknown = [index for index in indexes if index not in dataset.indexes]
    if unknown or len(set(indexes)) < len(indexes):
        raise UsageError(
            f"{path}: bands {list(indexes)} asked for, the file has 1 to {dataset.count}; name each once at most"
        )
    return tuple(indexes)


def _resolve_dtype(path: str, dataset: DatasetReader, indexes: tuple[int, ...]) -> str:
    dtypes = {dataset.dtypes[index - 1] for index in indexes}
    if len(dtypes) > 1:
        raise SceneError(f"{path}: bands of different types {sorted(dtypes)}; choose alike ones with --bidx")
    dtype = str(dtypes.pop())
    if dtype.startswith("complex"):
        kind = "Float64" if dtype == "complex128" else "Float32"
        raise SceneError(
            f"{path}: complex samples ({dtype}) cannot be smoothed; take the amplitude: gdal_calc.py -A IN "
            f"--allBands=A --calc='abs(A)' --type={kind} --outfile=OUT"
        )
    palette = any(dataset.colorinterp[index - 1] == ColorInterp.palette for index in indexes)
    if any(dataset.tags(index, ns="IMAGE_STRUCTURE").get("NBITS") == "1" for index in indexes):
        # -expand refuses bands without a palette
        way = "-expand gray" if palette else "-scale 0 1 0 255"
        raise SceneError(
            f"{path}: samples of 1 bit cannot be averaged; make bytes of them first: gdal_translate {way} IN OUT"
        )
    if palette:
        raise SceneError(
            f"{path}: a palette's numbers cannot be averaged; expand it first: gdal_translate -expand rgb IN OUT"
        )
    if dtype not in DTYPES:
        raise SceneError(
            f"{path}: samples of type {dtype}, geosal takes {', '.join(DTYPES)}; convert it: "
            f"{conversion(held_by(dtype))}"
        )
    return dtype


def _resolve_nodata(path: str, dataset: DatasetReader, indexes: tuple[int, ...], dtype: str) -> float | None:
    values = {None if value is None else float(value) for value in (dataset.nodatavals[i - 1] for i in indexes)}
    distinct = {"nan" if value is not None and math.isnan(value) else value for value in values}
    if len(distinct) > 1:
        raise SceneError(f"{path}: bands with different nodata values {distinct}; choose alike ones with --bidx")
    return usable_nodata(path, values.pop(), dtype)


def usable_nodata(path: str, nodata: float | None, dtype: str) -> float | None:
    """Return the nodata value of a header, None where no sample of `dtype` can have it.

    Parameters
    ----------
    path
        For the warning.
    nodata
        The nodata value as GDAL gives it.
    dtype
        NumPy's name.

    Warns
    -----
    GeosalWarning
        No sample can have it.
    """
    if nodata is None or np.dtype(dtype).kind == "f":
        return None if nodata is None else float(nodata)
    limits = np.iinfo(dtype)
    if not math.isfinite(nodata) or nodata != int(nodata) or not limits.min <= nodata <= limits.max:
        warn(f"{path}: nodata {nodata} is no {dtype} value, so no pixel has it; it is left out")
        return None
    return float(nodata)
