"""Scale the bytes of a sample's tiles to those of the scene's.

Tiles at the edges of a scene are only partly filled, and their padding takes bytes too: with a strongly lossy codec, a
third of what pixels take. The coarser a level, the more of it lies in such tiles, and the more bytes a pixel takes. So
each level has a rate of its own, and so has padding.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from geosal.core.grid import level_shapes
from geosal.formats.format import Format
from geosal.formats.pyramid import Cutter, Piece, Tile, TileEncoder
from geosal.job.search.sample import Sample, own_bytes
from geosal.produce import Target

_CUT = 4
"""Number of tiles that are cut in halves to learn the cost of padding; one is enough without loss: it costs little."""
_LEAST = 8
"""Rows and columns below which a level of the sample says nothing about the scene's."""


def scene_bytes(sample: Sample, treated: Piece, target: Target, tiles: Sequence[Tile]) -> float:
    """Predict the bytes of all tiles of the scene, without header and metadata.

    Parameters
    ----------
    sample, treated, target
        Sample, its treated pixels and the target of the trial.
    tiles
        Tiles from `Sample.encode`.
    """
    encoder, form = target.own_encoder, target.profile.format
    own = own_bytes(tiles, target)
    scene = target.layout.grid.shape
    if sample.shape == scene:
        return own
    if not encoder.overviews:
        return own * scene[0] * scene[1] / sample.pixels
    piece = treated if target.layout.has_mask else treated._replace(mask=None)
    padding = _rates_of_padding(sample, piece, encoder, _to_cut(sample, target, tiles), form)
    costs = [0.0] * (1 + max(tile.level for tile in tiles))
    for tile in tiles:
        costs[tile.level] += form.bytes_of_tile(tile.parts)
    shapes = list(level_shapes(sample.shape, encoder.tile))
    levels = level_shapes(scene, encoder.tile)
    _go_on(Cutter.of(encoder, sample.layout(target), target.rounding), piece, shapes, costs, len(levels), form)
    rates = [cost / _weight(shape, encoder.tile, padding) for cost, shape in zip(costs, shapes, strict=True)]
    rates += rates[-1:] * (len(levels) - len(rates))
    return sum(rate * _weight(shape, encoder.tile, padding) for rate, shape in zip(rates, levels, strict=False))


def _weight(shape: tuple[int, int], tile: int, padding: tuple[float, float]) -> float:
    """Return the pixels of a level with the padding of its tiles, weighted by the bytes that it takes."""
    (height, width), (below, beside) = shape, padding
    rows, cols = (-(-side // tile) * tile - side for side in shape)
    return height * width + below * rows * width + beside * cols * height + below * beside * rows * cols


def _to_cut(sample: Sample, target: Target, tiles: Sequence[Tile]) -> list[Tile]:
    """Choose tiles that are full, as `_CUT` says."""
    side = target.own_encoder.tile
    whole = [tile for tile in tiles if tile.level == 0 and _fits(tile, sample.shape, side)]
    if target.profile.lossless:  # of a flat tile, the halves would take as much as the whole
        return sorted(whole, key=lambda tile: target.profile.format.bytes_of_tile(tile.parts))[-1:]
    return whole[:: max(1, len(whole) // _CUT)][:_CUT]


def _rates_of_padding(
    sample: Sample, piece: Piece, encoder: TileEncoder, chosen: Sequence[Tile], form: Format[Any]
) -> tuple[float, float]:
    """Return the cost of a pixel of padding, below the scene and beside it, as a share of that of a scene's pixel.

    It is learnt from tiles that are cut in halves: the bytes that two halves take beyond the whole are their padding.
    """
    side = encoder.tile
    if not chosen:
        return 0.0, 0.0

    def half(place: tuple[int, int, int, int]) -> int:
        top, left, height, width = place
        inside = slice(top, top + height), slice(left, left + width)
        mask = None if piece.mask is None else np.ascontiguousarray(piece.mask[inside])
        levels = None if piece.levels is None else piece.levels[inside]
        parts = encoder(np.ascontiguousarray(piece.pixels[:, *inside]), mask, levels)
        return form.bytes_of_tile(parts)

    cut = side // 2
    corners = [(tile.row * side, tile.col * side) for tile in chosen]
    places = [
        [(row + begin, col, cut, side) for row, col in corners for begin in (0, cut)],
        [(row, col + begin, side, cut) for row, col in corners for begin in (0, cut)],
    ]
    one = sum(form.bytes_of_tile(tile.parts) for tile in chosen)
    with ThreadPoolExecutor(sample.threads, thread_name_prefix="geosal-sample") as pool:
        below, beside = (max(0.0, (sum(pool.map(half, halves)) - one) / one) for halves in places)
    return below, beside


def _fits(tile: Tile, shape: tuple[int, int], side: int) -> bool:
    return (tile.row + 1) * side <= shape[0] and (tile.col + 1) * side <= shape[1]


def _go_on(
    cutter: Cutter, piece: Piece, shapes: list[tuple[int, int]], costs: list[float], levels: int, form: Format[Any]
) -> None:
    """Add levels beyond those of the sample, which the scene has, as long as their tiles are large enough."""
    while piece.level + 1 < len(shapes):
        piece = cutter.halve(piece)
    while len(shapes) < levels and min(shapes[-1]) >= 2 * _LEAST:
        piece = cutter.halve(piece)
        shapes.append(piece.block.shape)
        costs.append(form.bytes_of_tile(cutter.encode(piece).parts))
