"""The work on one block: read its pixels with their halo, treat them and count them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.core.ladder import Ladder
from geosal.core.raster import Pixels, any_colour
from geosal.core.treatment import NOTHING
from geosal.formats.treatments import goes_by_tile
from geosal.job.plan import Plan
from geosal.job.tally import BandSums, count_levels
from geosal.native import look_up
from geosal.produce import Work
from geosal.seals import SealedTile
from geosal.smoothing.block import SampleRules, smooth_block
from geosal.smoothing.bound import Rounding
from geosal.sources.base import AnySaliency


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockFacts:
    """Counts from one block."""

    levels: NDArray[np.int64]
    """Pixels per level."""
    levels_valid: NDArray[np.int64]
    """Valid pixels per level."""
    known: int
    """Pixels about which a source of saliency said something."""
    statistics: tuple[BandSums, ...]
    """Sums of each band; empty unless the job wants statistics."""
    sealed: tuple[SealedTile, ...] = ()
    """Digests of its tiles; empty unless the job seals its output."""

    def to_plain(self) -> list[Any]:
        """Return plain data; all counts and sums are whole numbers."""
        sums = [astuple(band) for band in self.statistics]
        sealed = [tile.to_plain() for tile in self.sealed]
        return [self.levels.tolist(), self.levels_valid.tolist(), self.known, sums, sealed]

    @classmethod
    def of_plain(cls, plain: Sequence[Any]) -> Self:
        """Read what `to_plain` has returned."""
        levels, levels_valid, known, statistics, sealed = plain
        return cls(
            levels=np.array(levels, np.int64),
            levels_valid=np.array(levels_valid, np.int64),
            known=known,
            statistics=tuple(BandSums(*sums) for sums in statistics),
            sealed=tuple(map(SealedTile.of_plain, sealed)),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class BlockTask:
    """The work on one block; pickled to workers, so it holds paths and specs only."""

    scene: Pixels
    saliency: AnySaliency | None
    """None where nothing depends on it: it is not read, and all pixels are of level 0."""
    ladder: Ladder
    statistics: bool = False
    own_mask: bool = False
    """Whether the output's mask is the scene's own, and not made of all that counts."""
    smooth: bool = True
    """Whether pixels are smoothed."""
    rounding: Rounding | None = None
    """Rounds pixels by their levels; None where the treatment does not."""
    by_level: bool = False
    """Whether later steps depend on levels: the encoding of tiles, or the means in overviews."""
    seal: (
        Callable[[Block, NDArray[Any], NDArray[np.bool_] | None, NDArray[np.bool_]], tuple[SealedTile, ...]] | None
    ) = None
    """Seals a block, from its pixels, their validity and where they are salient; None where the output gets no seal."""

    def __call__(self, block: Block) -> Work[BlockFacts]:
        """Read `block` with its halo, treat it and count its pixels."""
        levels, counts, known = self._levels(block)
        outer = block.expand(int(levels.max()) if self.smooth else 0, self.scene.layout.grid.shape)
        samples = self.scene.read(outer)
        inner = block.slices_in(outer)
        layout = self.scene.layout
        valid_outer = None if samples.valid.all() else samples.valid
        valid = None if valid_outer is None else valid_outer[:, *inner]
        treated = self._treat(samples.pixels, levels, valid_outer, inner, block)
        pixels_valid = np.ones(block.shape, np.bool_) if valid is None else any_colour(valid, layout.alpha)
        whole = bool(pixels_valid.all())
        facts = BlockFacts(
            levels=counts,
            levels_valid=counts if whole else _count_some(levels, pixels_valid, self.ladder.steps),
            known=known,
            statistics=tuple(_sums(treated, valid)) if self.statistics else (),
            sealed=() if self.seal is None else self.seal(block, treated, valid, (levels == 0) & pixels_valid),
        )
        mask = samples.mask[inner] if self.own_mask and samples.mask is not None else pixels_valid
        if not self.by_level:
            return Work(treated, mask, facts)
        # Invalid pixels have no level of their own.
        told = levels if whole else np.where(pixels_valid, levels, np.uint8(self.ladder.steps))
        return Work(treated, mask, facts, told)

    def _treat(
        self,
        pixels: NDArray[Any],
        levels: NDArray[np.uint8],
        valid: NDArray[np.bool_] | None,
        inner: tuple[slice, slice],
        block: Block,
    ) -> NDArray[Any]:
        """Smooth and round the part `inner` of pixels with a halo; `levels` has no halo, `valid` has."""
        if self.smooth:
            rules = SampleRules(self.scene.layout.nodata, self.scene.layout.alpha)
            levels_outer = np.zeros(pixels.shape[1:], np.uint8)  # the halo is read, not smoothed
            levels_outer[inner] = levels
            pixels = smooth_block(pixels, levels_outer, valid, self.ladder, rules)
        treated = pixels[:, *inner]
        if self.rounding is None:
            return treated
        return self.rounding(
            treated, levels, None if valid is None else valid[:, *inner], (block.row_off, block.col_off)
        )

    def _levels(self, block: Block) -> tuple[NDArray[np.uint8], NDArray[np.int64], int]:
        """Return levels (y, x), pixels per level, and the number of pixels about which a source says something."""
        if self.saliency is None:
            levels = np.zeros(block.shape, np.uint8)
            return levels, np.bincount([0], [levels.size], self.ladder.steps + 1).astype(np.int64), 0
        steps, coded = self.ladder.steps, self.saliency.read_coded(block)
        if coded is None:
            saliency, known = self.saliency.read_known(block)
            levels = self.ladder.levels(saliency)
            return levels, count_levels(levels, steps), int(np.count_nonzero(known))
        level_of_code = self.ladder.levels(coded.table)
        levels, codes = look_up(coded.codes, level_of_code)
        counts = np.zeros(steps + 1, np.int64)
        np.add.at(counts, level_of_code, codes)
        return levels, counts, levels.size


def _sums(pixels: NDArray[Any], valid: NDArray[np.bool_] | None) -> Iterator[BandSums]:
    """Sum up the valid samples of each band."""
    for number, band in enumerate(pixels):
        yield BandSums.of(band.ravel() if valid is None else band[valid[number]])


def _count_some(levels: NDArray[np.uint8], which: NDArray[np.bool_], steps: int) -> NDArray[np.int64]:
    """Count pixels per level where `which` is True."""
    return count_levels(np.where(which, levels, np.uint8(steps + 1)), steps)


def task_of(plan: Plan) -> BlockTask:
    """Make the task of a plan's blocks."""
    nodata_kept = plan.layout.nodata is not None or plan.scene.layout.nodata is None
    rounding, encoder = plan.target.rounding, plan.target.encoder
    overviews = rounding is not None and encoder.overviews
    return BlockTask(
        scene=plan.scene,
        saliency=None if plan.treatment == NOTHING else plan.saliency,
        ladder=plan.ladder,
        statistics=plan.scene.has_statistics and plan.profile.lossless and BandSums.exact(plan.layout.dtype),
        own_mask=plan.scene.layout.has_mask and nodata_kept,
        smooth=plan.treatment.smooth,
        rounding=rounding,
        by_level=overviews or goes_by_tile(plan.treatment, plan.profile.codec),
    )
