"""The interface of a scene of any kind, and the code that the kinds share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block, Grid
from geosal.core.raster import Pixels, QualityBand, RasterLayout, Samples


class Small(NamedTuple):
    """A scene made small."""

    pixels: NDArray[Any]
    """Pixels, (band, y, x), of the scene's dtype."""
    valid: NDArray[np.bool_]
    """Validity, (band, y, x), as in `geosal.core.raster.Samples`."""


class AnyScene(Pixels, Protocol):
    """A scene that can be read block by block, here or on a worker: it holds paths, not handles."""

    @property
    def grid(self) -> Grid:
        """The grid of the pixels."""

    @property
    def driver(self) -> str:
        """GDAL's short name."""

    @property
    def block_shape(self) -> tuple[int, int]:
        """Rows and columns of a tile in the file."""

    @property
    def tile_bytes(self) -> int:
        """Return the bytes of a decoded tile, with all bands that are stored in it."""

    @property
    def kept_bytes(self) -> int:
        """Return the bytes of large chunks that stay decoded while blocks are read, so that each is decoded once."""

    @property
    def work_bytes(self) -> int:
        """Return the bytes that reading any block takes, besides tiles and the block itself."""

    @property
    def drivers(self) -> tuple[str, ...]:
        """GDAL drivers trusted beyond the usual ones."""

    @property
    def rewinds(self) -> bool:
        """Return whether it has no tiles, and GDAL decodes it row by row: to go back, it starts again at the top."""

    @property
    def has_statistics(self) -> bool:
        """Whether the file carries band statistics, which smoothing makes stale."""

    @property
    def has_mask(self) -> bool:
        """Whether the file has a mask or an alpha band, among the bands or not, that defines validity."""

    @property
    def files(self) -> tuple[str, ...]:
        """Files that its pixels are read from, as GDAL opens them."""

    @property
    def original(self) -> "AnyScene":
        """The scene before any change of its samples: what sources of saliency look at."""

    def read_mask(self, block: Block) -> NDArray[np.bool_]:
        """Read the validity of a block's pixels by the file's mask and alpha, (y, x), without nodata.

        Raises
        ------
        SceneError
            The block cannot be decoded.
        """

    def having(self, *bands: str) -> "AnyScene":
        """Return the same scene, on the same grid, with other bands; see `geosal.core.raster.Pixels`."""

    def select(self, bands: Sequence[int]) -> "AnyScene":
        """Return the same scene with some of its bands, by positions from 0; mask and alpha still define validity."""

    def decimate(self, factor: int, bands: Sequence[int] | None = None) -> Small | None:
        """Reduce the scene in a way of its own, such as a file's overviews; None without one.

        See `geosal.scenes.decimate.decimate`.
        """

    def is_whole_file(self) -> bool:
        """Return whether it has all bands of the file at `path`, unchanged."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stored(ABC):
    """A scene whose samples are those of files: the fields of `AnyScene`, and defaults for most kinds."""

    path: str
    layout: RasterLayout
    driver: str
    block_shape: tuple[int, int]
    tile_bytes: int = 0
    kept_bytes: int = 0
    work_bytes: int = 0
    drivers: tuple[str, ...] = ()
    rewinds: bool = False
    has_statistics: bool = False
    quality: tuple[QualityBand, ...] = ()

    @property
    def grid(self) -> Grid:
        """The grid of the pixels."""
        return self.layout.grid

    @property
    def files(self) -> tuple[str, ...]:
        """Files that its pixels are read from, as GDAL opens them."""
        return (self.path,)

    @abstractmethod
    def read(self, block: Block) -> Samples:
        """Read a block's pixels and which of them count."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Wrapped(ABC):
    """A scene made from another one: it has a layout of its own, and delegates the rest to the inner scene.

    Attributes
    ----------
    inner
        The scene within.
    layout
        Layout of the samples that this scene returns.
    """

    inner: AnyScene
    layout: RasterLayout

    @abstractmethod
    def read(self, block: Block) -> Samples:
        """Read a block; errors are those of the scene within."""

    @abstractmethod
    def having(self, *bands: str) -> AnyScene:
        """Return the same with other bands."""

    @abstractmethod
    def decimate(self, factor: int, bands: Sequence[int] | None = None) -> Small | None:
        """Return the same made small."""

    @property
    def path(self) -> str:
        """Return the name of the scene in messages."""
        return self.inner.path

    @property
    def grid(self) -> Grid:
        """The grid of the pixels."""
        return self.layout.grid

    @property
    def driver(self) -> str:
        """GDAL's name of the driver of the scene within; the properties that follow are its own as well."""
        return self.inner.driver

    @property
    def block_shape(self) -> tuple[int, int]:
        """Rows and columns of a tile in the file."""
        return self.inner.block_shape

    @property
    def tile_bytes(self) -> int:
        """Return the bytes of a decoded tile."""
        return self.inner.tile_bytes

    @property
    def kept_bytes(self) -> int:
        """Return the bytes of large chunks that stay decoded."""
        return self.inner.kept_bytes

    @property
    def work_bytes(self) -> int:
        """Return the bytes that reading a block takes."""
        return self.inner.work_bytes

    @property
    def drivers(self) -> tuple[str, ...]:
        """GDAL drivers trusted beyond the usual ones."""
        return self.inner.drivers

    @property
    def rewinds(self) -> bool:
        """Return whether reading an earlier row means decoding again from the top."""
        return self.inner.rewinds

    @property
    def has_statistics(self) -> bool:
        """Return whether the file carries statistics of these samples."""
        return self.inner.has_statistics

    @property
    def has_mask(self) -> bool:
        """Return whether a mask or an alpha band defines validity."""
        return self.inner.has_mask

    @property
    def quality(self) -> tuple[QualityBand, ...]:
        """Quality bands of the product."""
        return self.inner.quality

    @property
    def files(self) -> tuple[str, ...]:
        """Files that the pixels are read from."""
        return self.inner.files

    @property
    def original(self) -> AnyScene:
        """The scene before any change of its samples."""
        return self.inner.original

    def read_mask(self, block: Block) -> NDArray[np.bool_]:
        """Read the validity of a block's pixels by mask and alpha, (y, x); errors are those of the inner scene."""
        return self.inner.read_mask(block)

    def select(self, bands: Sequence[int]) -> AnyScene:
        """Return the same pixels in some of its bands."""
        return Selected.of(self, bands)

    def is_whole_file(self) -> bool:
        """Return False: its samples are others, or fewer."""
        return False


@dataclass(frozen=True, kw_only=True, eq=False)
class Selected(Wrapped):
    """Some bands of a scene that reads all of them.

    Attributes
    ----------
    bands
        Their positions in the scene within.
    """

    bands: tuple[int, ...]

    @classmethod
    def of(cls, inner: AnyScene, bands: Sequence[int]) -> "Selected":
        """Take some bands of a scene."""
        return cls(inner=inner, layout=layout_of_bands(inner.layout, bands), bands=tuple(bands))

    def read(self, block: Block) -> Samples:
        """Read all bands, and return some."""
        samples, bands = self.inner.read(block), list(self.bands)
        return Samples(samples.pixels[bands], samples.valid[bands], samples.mask)

    def having(self, *bands: str) -> AnyScene:
        """The scene within with other bands."""
        return self.inner.having(*bands)

    def decimate(self, factor: int, bands: Sequence[int] | None = None) -> Small | None:
        """Ask the scene within."""
        return self.inner.decimate(factor, self.bands if bands is None else [self.bands[band] for band in bands])


def layout_of_bands(layout: RasterLayout, bands: Sequence[int]) -> RasterLayout:
    """Return a layout with some of its bands, by their positions from 0."""
    metadata = layout.metadata
    return replace(layout, metadata=replace(metadata, bands=tuple(metadata.bands[band] for band in bands)))
