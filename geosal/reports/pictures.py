"""What is drawn of a scene and its outputs: the whole made small, places as they are, and maps to lay over them."""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from geosal.comparison import Pair
from geosal.comparison.pair import colours
from geosal.maps.cells import Cells
from geosal.maps.layers import Layers
from geosal.maps.palettes import magma, viridis
from geosal.maps.parts import Part, telling_parts
from geosal.reports.spread import Spread
from geosal.scenes.base import layout_of_bands
from geosal.scenes.rgb import as_rgb, limits_of, shown_bands

_LONGEST = 2048
"""Pixels of the longer side of the whole at most."""
_SIDE = 400
"""Rows and columns of a place that is shown as it is."""
_PIXELS = 5_000_000
"""Pixels that a page holds as they are, of all its pictures."""
_FEWEST, _MOST = 2, 8
"""Places that are shown as they are."""
_SHADES = 24
"""Shades of an error map: more of them tell no more, and take more bytes."""
_STRIP = 128
"""Rows that are drawn at once."""
_QUALITY = 88
"""Of the WebP of the whole where it is made small."""
Drawing = dict[str, Any]
"""Pictures in base64: the ``whole``, and one of each of the ``parts``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """How all pictures of a page are drawn, so that they can be laid over each other.

    Attributes
    ----------
    shape
        Rows and columns of the scene.
    factor
        Rows and columns of pixels that are one pixel of the whole.
    bands
        Positions of the bands that are shown.
    limits
        Black and white of each of them.
    parts
        Places that are shown as they are.
    exact
        Whether the whole is shown as it is.
    top
        The error that has the brightest colour.
    """

    shape: tuple[int, int]
    factor: int
    bands: tuple[int, ...]
    limits: tuple[tuple[float, float], ...]
    parts: tuple[Part, ...]
    exact: bool
    top: float

    @classmethod
    def of(cls, pair: Pair, cells: Cells, spread: Spread | None, *, pictures: int, top: float) -> Self:
        """Decide by the first output.

        Parameters
        ----------
        pair, cells, spread
            Of the first output.
        pictures
            How many pictures of the scene there will be.
        top
            See the attributes.
        """
        shape = pair.grid.shape
        density = None if spread is None else spread.density(shape, cells.factor)
        exact = cells.factor == 1 and shape[0] * shape[1] * pictures <= _PIXELS
        room = _PIXELS // (pictures * _SIDE * _SIDE)
        side = min(_SIDE, max(1, max(shape) // 4)) if exact else _SIDE
        most = _MOST if exact else min(max(room, _FEWEST), _MOST)
        return cls(
            shape=shape,
            factor=cells.factor,
            bands=shown(pair),
            limits=tuple(limits_of(band, pair.original.layout.dtype) for band in cells.original),
            parts=tuple(telling_parts(cells, shape, side, most, density)),
            exact=exact,
            top=top,
        )

    @property
    def stretched(self) -> bool:
        """Whether samples are not shown as they are, but stretched."""
        return any(limit != (0.0, 255.0) for limit in self.limits)


def factor_of(shape: tuple[int, int]) -> int:
    """Return by how much a scene is made small: a power of two, so that no cell lies in two blocks."""
    factor = 1
    while max(shape) > _LONGEST * factor:
        factor *= 2
    return factor


def shown(pair: Pair) -> tuple[int, ...]:
    """Positions, among the bands that are compared, of those that are shown."""
    return tuple(shown_bands(layout_of_bands(pair.original.layout, colours(pair.original.layout))))


def looks_of(pair: Pair, cells: Cells, view: View) -> list[Layers]:
    """Read all that is drawn: the whole first, then each place, unless the whole is shown as it is."""
    places = [] if view.exact else [part.block for part in view.parts]
    return [Layers.of_cells(cells), *(Layers.of_pixels(pair, block, list(view.bands)) for block in places)]


def draw_scene(looks: Sequence[Layers], which: str, view: View) -> Drawing:
    """Draw the ``original`` or the ``candidate``."""
    pictures = [look.original if which == "original" else look.candidate for look in looks]

    def coloured(bands: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
        return as_rgb(bands, view.limits, (0, 0, 0))

    return _encoded([_transparent(_in_strips(coloured, each), each) for each in pictures], lossless=view.exact)


def draw_saliency(looks: Sequence[Layers]) -> Drawing | None:
    """Draw what matters, to lay over the scene; None without a saliency."""
    if looks[0].saliency is None:
        return None
    shares = [(np.nan_to_num(np.asarray(look.saliency)), look.original) for look in looks]
    return _encoded([_transparent(_in_strips(viridis, share), bands) for share, bands in shares], lossless=True)


def draw_errors(looks: Sequence[Layers], view: View) -> Drawing:
    """Draw what was lost, to lay over the scene; what is the same to the bit is clear."""

    def coloured(error: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
        share = np.clip(np.nan_to_num(error) / view.top, 0, 1)
        shades = np.ceil(share * (_SHADES - 1)) / (_SHADES - 1)
        return np.dstack([magma(shades), np.where(share == 0, 0, 255).astype(np.uint8)])

    return _encoded([_in_strips(coloured, look.error) for look in looks], lossless=True)


def draw_bytes(spread: Spread, shape: tuple[int, int]) -> tuple[Drawing, float]:
    """Draw the bytes of each pixel, one pixel a tile, and return how many have the brightest colour."""
    high, wide = (
        np.minimum(side, length - side * np.arange(count))
        for length, side, count in zip(shape, spread.tile, spread.bytes.shape, strict=True)
    )
    density = spread.bytes / np.outer(high, wide)
    top = float(np.percentile(density, 99)) or 1.0
    return _encoded([viridis(np.clip(density / top, 0, 1))], lossless=True), top


def thumbnail(looks: Sequence[Layers], view: View, side: int = 256) -> str:
    """Draw the output small, as base64 of a WebP."""
    step = max(1, max(looks[0].error.shape) // (2 * side))
    picture = Image.fromarray(as_rgb(looks[0].candidate[:, ::step, ::step], view.limits, (128, 128, 128)))
    picture.thumbnail((side, side))
    return _webp(np.asarray(picture), lossless=False)


def _in_strips(
    draw: Callable[[NDArray[np.floating[Any]]], NDArray[np.uint8]], values: NDArray[np.floating[Any]]
) -> NDArray[np.uint8]:
    """Draw some rows (…, y, x) after the others: colours are computed in double precision."""
    rows = range(0, values.shape[-2], _STRIP)
    return np.concatenate([draw(values[..., row : row + _STRIP, :]) for row in rows])


def _transparent(image: NDArray[np.uint8], bands: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Make clear what holds no data."""
    void = np.asarray(np.isnan(bands).all(axis=0))
    return np.dstack([image, np.where(void, 0, 255).astype(np.uint8)]) if void.any() else image


def _encoded(images: Sequence[NDArray[np.uint8]], *, lossless: bool) -> Drawing:
    """Encode the whole as said, and places without loss."""
    whole, *parts = images
    return {"whole": _webp(whole, lossless=lossless), "parts": [_webp(part, lossless=True) for part in parts]}


def _webp(image: NDArray[np.uint8], *, lossless: bool) -> str:
    made = io.BytesIO()
    quality = 50 if lossless else _QUALITY  # of lossless ones it is the effort
    Image.fromarray(image).save(made, "WEBP", lossless=lossless, quality=quality, method=3)
    return base64.b64encode(made.getvalue()).decode("ascii")
