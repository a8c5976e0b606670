"""Saliency from a spectral index: the normalised difference of two bands."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.core.raster import Pixels
from geosal.errors import UsageError
from geosal.sources.base import OpenContext
from geosal.sources.looking.shared import Looking, require_scene
from geosal.sources.text import SourceText


class Index(NamedTuple):
    """A normalised difference (a - b) / (a + b) of two bands' reflectances, and where it usually begins to speak."""

    a: str
    b: str
    low: float
    high: float
    """Indices that mean saliency 0 (`low`) and 1 (`high`) by default."""


INDICES: dict[str, Index] = {
    # Rouse et al. (1974), ERTS-1 symposium; green vegetation from 0.2, dense from 0.6.
    "ndvi": Index("nir", "red", 0.2, 0.6),
    # McFeeters (1996), doi:10.1080/01431169608948714; open water above 0.
    "ndwi": Index("green", "nir", 0.0, 0.3),
    # Xu (2006), doi:10.1080/01431160600589179; open water above 0, also among buildings.
    "mndwi": Index("green", "swir16", 0.0, 0.3),
    # Hardisky, Klemas and Smart (1983), Photogrammetric Engineering and Remote Sensing 49, 77-83; under this name
    # Wilson and Sader (2002), doi:10.1016/S0034-4257(01)00318-2; water in vegetation.
    "ndmi": Index("nir", "swir16", 0.0, 0.4),
    # Key and Benson (2006), FIREMON, RMRS-GTR-164-CD; what has burnt is low: invert=yes.
    "nbr": Index("nir", "swir22", 0.1, 0.5),
    # Zha, Gao and Ni (2003), doi:10.1080/01431160304987; built-up land above 0.
    "ndbi": Index("swir16", "nir", 0.0, 0.2),
    # Hall, Riggs and Salomonson (1995), doi:10.1016/0034-4257(95)00137-P; snow above 0.4.
    "ndsi": Index("green", "swir16", 0.2, 0.4),
}
"""Name -> bands by their roles (`geosal.core.raster.ROLES`), and usual thresholds."""
_STRIP = 64
"""Rows worked on at once, so that little is held."""
_ROLES = tuple(sorted({role for index in INDICES.values() for role in (index.a, index.b)}))


@dataclass(frozen=True, kw_only=True)
class Spectral(Looking):
    """``spectral:index=ndvi,low=0.2,high=0.6,invert=no,red=3,nir=4``: 1 where a spectral index is high, 0 where low.

    Indices, each ``(a - b) / (a + b)`` of reflectances, with the usual low and high: ndvi (nir, red; 0.2 to 0.6), ndwi
    (green, nir; 0 to 0.3), mndwi (green, swir16; 0 to 0.3), ndmi (nir, swir16; 0 to 0.4), nbr (nir, swir22; 0.1 to
    0.5), ndbi (swir16, nir; 0 to 0.2), ndsi (green, swir16; 0.2 to 0.4). Between the ends saliency is linear; with
    ``low`` equal to ``high`` it is 1 from there on. ``invert=yes`` turns it around: 1 where the index is low.

    Bands are found by their roles where the scene knows them, or told by number or name: ``red=3,nir=B8A``, and so
    ``green=``, ``swir16=``, ``swir22=``. A sample is its number times the band's scale plus its offset, and below 0 it
    counts as 0. Nothing is said where a sample is not valid or both are 0.
    """

    low: float
    high: float
    invert: bool
    scales: tuple[tuple[float, float], ...]
    """Scale and offset of each band."""

    @classmethod
    def open(cls, source: SourceText, context: OpenContext) -> Self:
        """Find the two bands.

        Raises
        ------
        UsageError
            A parameter is unknown or makes no sense, the scene has no such band, or only a grid is known.
        """
        name = source.choice("index", "", tuple(INDICES))
        if not name:
            raise UsageError(
                f"{source.text}: which index? give one: spectral:index=ndvi; there are {', '.join(INDICES)}"
            )
        index = INDICES[name]
        source.only("index", "low", "high", "invert", *_ROLES)
        if unused := [key for key, _ in source.params if key in _ROLES and key not in {index.a, index.b}]:
            raise UsageError(f"{source.text}: {name} has no use for {unused[0]}; it takes {index.a} and {index.b}")
        low, high = source.number("low", index.low, -1, 1), source.number("high", index.high, -1, 1)
        if low > high:
            raise UsageError(f"{source.text}: low={low:g} lies above high={high:g}; turn it around with invert=yes")
        invert = source.choice("invert", "no", ("no", "yes")) == "yes"
        scene = _having(source, require_scene(source, context), index)
        return cls(
            text=source.text,
            scene=scene,
            low=low,
            high=high,
            invert=invert,
            scales=tuple((band.scale, band.offset) for band in scene.layout.metadata.bands),
        )

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, (y, x); NaN where the index is not defined.

        Raises
        ------
        SceneError
            The scene cannot be decoded there.
        """
        samples = self.scene.read(block)
        saliency = np.empty(block.shape, np.float32)
        for top in range(0, block.height, _STRIP):
            rows = np.s_[top : top + _STRIP]
            a, b = (self._reflectance(band, samples.pixels[band, rows]) for band in range(2))
            defined = samples.valid[0, rows] & samples.valid[1, rows] & (a + b > 0)
            with np.errstate(divide="ignore", invalid="ignore"):
                index = (a - b) / (a + b)
            saliency[rows] = np.where(defined, self._grade(index), np.nan)
        return saliency

    def _grade(self, index: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the saliency of an index."""
        if self.high > self.low:
            grade = np.clip((index - self.low) / (self.high - self.low), 0, 1)
        else:
            grade = (index >= self.low).astype(np.float64)
        return 1 - grade if self.invert else grade

    def _reflectance(self, band: int, numbers: NDArray[np.generic]) -> NDArray[np.float64]:
        """Reflectance of a band, not below 0; NaN and infinity, which are not valid, stay."""
        scale, offset = self.scales[band]
        with np.errstate(over="ignore", invalid="ignore"):
            return np.maximum(numbers.astype(np.float64) * scale + offset, 0)


def _having(source: SourceText, scene: Pixels, index: Index) -> Pixels:
    """The scene with the two bands of an index."""
    try:
        return scene.having(source.get(index.a) or index.a, source.get(index.b) or index.b)
    except UsageError as error:
        raise UsageError(
            f"{source.text}: wants {index.a} and {index.b}: {error}, such as {index.a}=1,{index.b}=2"
        ) from error
