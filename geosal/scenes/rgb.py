"""Samples of any type as colours for a screen."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from geosal.core.raster import RasterLayout

PAPER = (250, 250, 248)
"""Where nothing is shown."""
OUTLINE = (86, 180, 233)
"""Around what is kept: the sky blue of Okabe and Ito, which every kind of colour vision tells from its surroundings."""
_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
_NAMES = re.compile(r"(?i)^(?:SR_)?B0?(\d)$")
"""Names of bands: 4, 3 and 2 are red, green and blue of Sentinel-2 and of Landsat since 8."""
_PERCENTILES = (2, 98)
_CLUTTERED = 0.2
"""Share of pixels on outlines above which they would hide what they surround."""
_GAMMA = 1 / 1.5
"""Of stretched samples: reflectance is linear, and a screen shows the dark half of it too dark."""


def shown_bands(layout: RasterLayout) -> list[int]:
    """Positions of the bands that a picture shows: red, green and blue, else the first three, or the first alone."""
    bands = layout.metadata.bands
    roles = [band.role or (band.description or "").lower() for band in bands]
    interpreted = [band.colorinterp for band in bands]
    if all(colour in interpreted for colour in _COLOURS):
        return [interpreted.index(colour) for colour in _COLOURS]
    if all(colour.name in roles for colour in _COLOURS):
        return [roles.index(colour.name) for colour in _COLOURS]
    named = [_NAMES.sub(r"\1", band.description or "") for band in bands]
    if all(number in named for number in "432"):
        return [named.index(number) for number in "432"]
    others = [band for band in range(layout.count) if band != layout.alpha] or [0]
    return others[:3] if len(others) >= 3 else others[:1]


def limits_of(band: NDArray[np.floating[Any]], dtype: str) -> tuple[float, float]:
    """Black and white of a band: 0 and 255 of bytes, else percentiles 2 and 98; NaN says nothing."""
    if dtype == "uint8":
        return 0.0, 255.0
    values = band[np.isfinite(band)]
    low, high = np.percentile(values, _PERCENTILES) if values.size else (0.0, 1.0)
    return float(low), float(high if high > low else low + 1)


def as_rgb(
    bands: NDArray[np.floating[Any]], limits: Sequence[tuple[float, float]], paper: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """Bring bands (1 or 3, y, x) to (y, x, 3) bytes; what is NaN in all of them shows the paper."""
    power = 1.0 if all(limit == (0.0, 255.0) for limit in limits) else _GAMMA
    light = [
        np.clip((np.nan_to_num(band) - low) / (high - low), 0, 1) ** power
        for band, (low, high) in zip(bands, limits, strict=True)
    ]
    picture = np.rint(255 * np.stack(light if len(light) == 3 else light * 3, axis=-1)).astype(np.uint8)
    picture[np.isnan(bands).all(axis=0)] = paper
    return np.asarray(picture)


def outline_of(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels (y, x) inside that have a neighbour outside, above, below or beside; none where most of them have."""
    padded = np.pad(inside, 1, constant_values=True)
    within = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    outline = np.asarray(inside & ~within)
    return outline if outline.mean() <= _CLUTTERED else np.zeros_like(outline)
