"""Saliency from local detail: where the scene varies. It needs no other data and no training."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block, Grid
from geosal.core.raster import Pixels, Samples
from geosal.errors import SaliencyError, UsageError, warn
from geosal.sources.base import OpenContext
from geosal.sources.looking.shared import Looking, require_scene
from geosal.sources.looking.structure import LARGEST, STEPS, Cut, local_deviation, sides, tiles, to_grey
from geosal.sources.text import SourceText

Patch = tuple[Samples, Cut]
"""Samples that were read, and the rows and columns of them that are looked at; the others are the halo."""
_PATCHES, _PATCH = 6, 160
"""Patches along each side of the scene, and their rows and columns: 0.9 million pixels in all."""
_SMALL = 2**20
"""Pixels up to which a scene is looked at whole."""
_SEARCH_BLOCK = 1024
_MOST_BANDS = 32
"""Most bands: the sample holds all of them, with up to 9 bytes for each of a million pixels."""
_ENDS = (1, 99)
"""Percentiles of a band that become black and white."""


@dataclass(frozen=True, kw_only=True)
class Detail(Looking):
    """``detail:low=25,high=98,scales=3,of=luma,bands=NAME;NAME``: 1 where the scene varies much, 0 where it is smooth.

    The scene's bands (`bands`: roles, names or numbers; all unless given) are stretched, each between its percentiles
    1 and 99, to grey values g from 0 to 4095, and averaged to one image, the luma; with ``of=bands`` each is looked at
    by itself and the largest result counts. Around each pixel, over the n valid pixels of a window of 2^(k+1) - 1 rows
    and columns for scale k (3, 7 and 15 for the usual three), the local standard deviation is

        d_k = sqrt(sum(g^2) / n - (sum(g) / n)^2),
        D = ((d_1 + ... + d_scales) / scales)^(1/4)

    and saliency is ``(D - P_low) / (P_high - P_low)``, cut to [0, 1], where P are percentiles of D in this scene: about
    `low` percent of it get 0 and ``100 - high`` percent get 1, from whatever sensor it comes. Both sets of percentiles
    are taken once, from the whole of a small scene or from 36 patches spread over a large one. The root is there since
    deviations spread over decades: like a logarithm it keeps clouds from making all else look flat, and unlike it, it
    is two square roots, which every processor rounds alike.

    Local variance as the measure of structure, and its dependence on scale: C. E. Woodcock and A. H. Strahler, "The
    factor of scale in remote sensing", Remote Sensing of Environment 21 (1987) 311-332. Adding up over scales follows
    L. Itti, C. Koch and E. Niebur, "A model of saliency-based visual attention for rapid scene analysis", IEEE
    Transactions on Pattern Analysis and Machine Intelligence 20 (1998) 1254-1259. Clouds are rich in structure too:
    add ``--saliency clouds``.
    """

    windows: tuple[int, ...]
    """Rows and columns of each window, odd."""
    luma: bool
    positions: tuple[int, ...]
    """Positions of the bands looked at among those of the scene, without alpha."""
    limits: tuple[tuple[float, float], ...]
    """Samples of each band that become 0 and `STEPS`."""
    ends: tuple[float, float]
    """Detail D that means saliency 0 and 1."""

    @classmethod
    def open(cls, source: SourceText, context: OpenContext) -> Self:
        """Look at a sample of the scene for the percentiles.

        Raises
        ------
        UsageError
            A parameter is unknown or makes no sense, the scene has no such band, or only a grid is known.
        SaliencyError
            The scene holds no valid pixel.
        SceneError
            A part of it cannot be decoded.
        """
        source.only("low", "high", "scales", "of", "bands")
        scene = require_scene(source, context)
        low, high = source.number("low", 25, 0, 100), source.number("high", 98, 0, 100)
        if low >= high:
            raise UsageError(f"{source.text}: low={low:g} and high={high:g} are percentiles; low has to be below high")
        bands = source.get("bands")
        if bands is not None:
            scene = scene.having(*_names(source.text, bands))
        positions = tuple(band for band in range(scene.layout.count) if band != scene.layout.alpha)
        if not positions:
            raise SaliencyError(f"{source.text}: {scene.path} has no band beside alpha to look at; choose others")
        if len(positions) > _MOST_BANDS:
            raise UsageError(
                f"{source.text}: the scene has {len(positions)} bands, more than {_MOST_BANDS} to look at; choose some "
                "with bands=3;2;1"
            )
        windows = sides(source.integer("scales", 3, 1, LARGEST))
        luma = source.choice("of", "luma", ("luma", "bands")) == "luma"
        sample = list(_sample(scene, max(windows) // 2, positions))
        if not sample:
            raise SaliencyError(f"{source.text}: {scene.path} holds no valid pixel; give a scene that does")
        limits = _limits(sample, positions)
        blind = cls(
            text=source.text, scene=scene, windows=windows, luma=luma, positions=positions, limits=limits, ends=(0, 1)
        )
        return blind._with_ends(sample, (low, high))

    @property
    def reach(self) -> int:
        """Return how far the largest window reaches."""
        return max(self.windows) // 2

    @property
    def pixel_bytes(self) -> int:
        """Return what reading a block takes for each of its pixels: D in float64, twice where it is cut to saliency."""
        return super().pixel_bytes + 16

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, (y, x); NaN where a band is not valid.

        Raises
        ------
        SceneError
            The scene cannot be decoded there.
        """
        outer = block.expand(self.reach, self.scene.layout.grid.shape)
        inner = block.slices_in(outer)
        deviation, valid = self._deviation(self.scene.read(outer), inner)
        low, high = self.ends
        deviation -= low
        if high > low:
            deviation /= high - low
        else:
            deviation[deviation > 0] = 1
        saliency = np.clip(deviation, 0, 1).astype(np.float32)
        saliency[~valid] = np.nan
        return saliency

    def _deviation(self, samples: Samples, inner: Cut) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """D and validity of the inner pixels, (y, x)."""
        valid = _valid(samples, self.positions)
        deviation = np.empty(valid[inner].shape)
        for place, outer, inside in tiles(inner, max(self.windows) // 2, (valid.shape[0], valid.shape[1])):
            planes = self._planes(samples.pixels[:, *outer], valid[outer])
            parts = (local_deviation(plane, valid[outer], self.windows, inside) for plane in planes)
            deviation[place] = reduce(np.maximum, parts)
        np.sqrt(np.sqrt(deviation, out=deviation), out=deviation)
        return deviation, valid[inner]

    def _planes(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> Iterator[NDArray[np.float64]]:
        """Each band, or their mean, in whole steps of grey, (y, x); 0 where not valid."""
        bands = (
            to_grey(np.where(valid, pixels[band], 0), *limits)
            for band, limits in zip(self.positions, self.limits, strict=True)
        )
        if self.luma:
            yield np.rint(reduce(np.add, bands) / len(self.positions))
        else:
            yield from bands

    def _with_ends(self, sample: list[Patch], percentiles: tuple[float, float]) -> Self:
        """Return the same with the percentiles of its D in a sample."""
        seen = [deviation[valid] for deviation, valid in (self._deviation(*patch) for patch in sample)]
        low, high = (float(end) for end in np.percentile(np.concatenate(seen), percentiles))
        if high <= low:
            warn(
                f"{self.text}: nothing in {self.scene.path} varies where it was looked at; the little that varies "
                f"more gets saliency 1, the rest 0"
            )
        return replace(self, ends=(low, high))


def _names(text: str, bands: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in bands.split(";") if name.strip())
    if not names:
        raise UsageError(f"{text}: bands names no band; write bands=red;green or bands=3;2")
    return names


def _valid(samples: Samples, positions: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return where all bands looked at are valid, (y, x)."""
    return np.asarray(samples.valid[list(positions)].all(axis=0))


def _limits(sample: list[Patch], positions: tuple[int, ...]) -> tuple[tuple[float, float], ...]:
    """Return what becomes black and white, for each band."""
    limits = []
    for band in positions:
        seen = np.concatenate([samples.pixels[band][samples.valid[band]] for samples, _ in sample])
        low, high = (float(end) for end in np.percentile(seen, _ENDS)) if seen.size else (0.0, 1.0)
        limits.append((low, high if high > low else low + STEPS))
    return tuple(limits)


def _sample(scene: Pixels, reach: int, positions: tuple[int, ...]) -> Iterator[Patch]:
    """Read patches with `reach` pixels around each; from anywhere when those places hold nothing valid."""
    grid = scene.layout.grid
    found = False
    for block in _places(grid):
        for patch in _read_patch(scene, block, reach, positions):
            found = True
            yield patch
    if not found:
        for block in grid.blocks(_SEARCH_BLOCK):
            if patches := list(_read_patch(scene, block, reach, positions)):
                yield from patches
                return


def _read_patch(scene: Pixels, block: Block, reach: int, positions: tuple[int, ...]) -> Iterator[Patch]:
    outer = block.expand(reach, scene.layout.grid.shape)
    inner = block.slices_in(outer)
    samples = scene.read(outer)
    if _valid(samples, positions)[inner].any():
        yield samples, inner


def _places(grid: Grid) -> Iterator[Block]:
    if grid.height * grid.width <= _SMALL:
        yield from grid.blocks(_SEARCH_BLOCK)
        return
    tops, lefts = (
        [(2 * n + 1) * size // (2 * _PATCHES) - min(size, _PATCH) // 2 for n in range(_PATCHES)] for size in grid.shape
    )
    for top in tops:
        for left in lefts:
            inside = Block(max(top, 0), max(left, 0), _PATCH, _PATCH)
            yield inside.expand(0, grid.shape)
