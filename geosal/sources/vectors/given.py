"""Geometries that a caller has in memory, as saliency: those of a GeoDataFrame or of shapely."""

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import ShapelyError

from geosal.core.grid import Block
from geosal.errors import SaliencyError
from geosal.sources.base import Coded, Kind, OpenContext
from geosal.sources.length import Length
from geosal.sources.text import SourceText
from geosal.sources.vectors.burn import Outlines
from geosal.sources.vectors.placing import no_overlap, to_pixels
from geosal.sources.vectors.reading import Features
from geosal.sources.vectors.shapes import covering, flat, polygons_of

_CODES = 255


@dataclass(frozen=True, eq=False)
class Shapes:
    """Geometries before they are laid on a scene.

    Attributes
    ----------
    geometries
        (feature,), of shapely.
    crs
        Anything that pyproj takes; None for that of the scene.
    values
        (feature,), saliency of each, in [0, 1]; None for 1 throughout.
    """

    geometries: NDArray[Any]
    crs: str | None
    values: NDArray[np.float64] | None = None

    def open(self, source: SourceText, context: OpenContext) -> "GivenShapes":
        """Lay them on the scene.

        Raises
        ------
        SaliencyError
            None lies on the scene, or one of the two has no place on the map.
        """
        text, grid = source.text, context.grid
        there = ~(shapely.is_missing(self.geometries) | shapely.is_empty(self.geometries))
        geometries = self.geometries[there]
        values = np.ones(geometries.size) if self.values is None else self.values[there]
        if geometries.size == 0:
            raise SaliencyError(f"{text}: there is no geometry in it; give some")
        if not ((values >= 0) & (values <= 1)).all():  # NaN neither
            raise SaliencyError(f"{text}: its column saliency holds numbers outside 0 to 1, or NaN; mend it")
        try:
            single, part = flat(geometries)
            features = Features(geometries=single, values=None, crs=self.crs or grid.crs)
            placed = to_pixels(text, features, grid, None)
            polygons, owner, _ = polygons_of(placed.geometries, grid, 0.0, Length(0.0, pixels=True), outline=False)
            if not polygons.size:
                raise no_overlap(text, features, grid)
            saliency = values[part[owner]].astype(np.float32)
            outlines = covering(polygons, saliency, grid.whole())
        except ShapelyError as error:
            cause = " ".join(str(error).split())[:200]
            raise SaliencyError(f"{text}: geometries cannot be worked with ({cause}); mend them") from error
        return GivenShapes(
            text=text, fingerprint=self._digest(), outlines=Outlines.joined([outlines]), background=context.background
        )

    def _digest(self) -> str:
        """SHA-256 of the geometries, their values and their CRS."""
        digest = hashlib.sha256(repr(self.crs).encode())
        for wkb in shapely.to_wkb(self.geometries):
            digest.update(b"-" if wkb is None else wkb)
        digest.update(b"" if self.values is None else self.values.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, kw_only=True, eq=False)
class GivenShapes:
    """What lies in the geometries counts, the rest is background; see `geosal.sources.base.Source`."""

    kind: ClassVar[Kind] = "interest"

    text: str
    fingerprint: str
    outlines: Outlines
    background: float

    def read(self, block: Block) -> NDArray[np.float32]:
        """Saliency of a block, (y, x)."""
        return self._table()[self.outlines.ranks(block)]

    def read_coded(self, block: Block) -> Coded | None:
        """Saliency of a block by the rank of its geometries, where there are few values."""
        if self.outlines.values.size > _CODES:
            return None
        table = np.zeros(_CODES + 1, np.float32)
        own = self._table()
        table[: own.size] = own
        return Coded(self.outlines.ranks(block).astype(np.uint8), table)

    def known(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.bool_]:
        """True everywhere: what is no geometry is background."""
        return np.ones((rows.size, cols.size), dtype=bool)

    def __dask_tokenize__(self) -> Hashable:
        """The class, and the hash of what was given."""
        return type(self).__qualname__, self.fingerprint, self.background

    @property
    def work_bytes(self) -> int:
        """Memory of one reader beside the block."""
        return self.outlines.work_bytes

    @property
    def shared_bytes(self) -> int:
        """Memory of the outlines."""
        return self.outlines.nbytes

    def _table(self) -> NDArray[np.float32]:
        return np.concatenate([np.array([self.background], np.float32), self.outlines.values])
