"""A sample of the scene: pieces spread over it, treated, and encoded as a small image."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from geosal.core.grid import Block
from geosal.core.ladder import MAX_STEPS
from geosal.core.machine import cpu_count
from geosal.core.raster import RasterLayout
from geosal.core.treatment import TwoPass
from geosal.formats.pyramid import Cutter, Parts, Piece, Tile
from geosal.formats.sink import open_sink
from geosal.job.plan import Plan
from geosal.job.search.kept import Kept, KeptSaliency
from geosal.job.search.places import Place, choose_places
from geosal.job.tags import tags_of
from geosal.job.task import BlockTask
from geosal.produce import Tags, Target
from geosal.scenes.zarr_store import store_bytes

_ANY_KERNEL = 9.0
"""Effective kernel in the tags of a sample."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Pieces of the scene side by side, in memory.

    Attributes
    ----------
    places
        Position of each piece in the sample, and in the scene.
    shape
        Rows and columns of the sample.
    kept
        The pixels of the pieces, with the widest halo.
    saliency
        Saliency of the job, kept for as many pieces as were treated.
    threads
        Number of threads that encode.
    tags
        About as long as those of the job's output: they are a notable share of a small file.
    """

    places: tuple[Place, ...]
    shape: tuple[int, int]
    kept: Kept
    saliency: KeptSaliency
    threads: int
    tags: Tags

    @classmethod
    def draw(cls, plan: Plan, across: tuple[int, int], *, halo: int = MAX_STEPS) -> "Sample":
        """Choose the pieces and read them.

        Parameters
        ----------
        plan
            Plan of the job.
        across
            Pieces in a column and in a row, at most.
        halo
            Pixels to read around a piece.

        Raises
        ------
        GeosalError
            The scene or its saliency cannot be read there.
        """
        return cls.read(plan, choose_places(plan, across), halo=halo, threads=plan.workers or cpu_count())

    @classmethod
    def read(cls, plan: Plan, places: tuple[Place, ...], *, halo: int, threads: int) -> "Sample":
        """Read pieces that were chosen.

        Parameters
        ----------
        plan
            Plan of the job.
        places
            The pieces.
        halo
            Pixels to read around a piece.
        threads
            Number of threads that read, and encode later.

        Raises
        ------
        GeosalError
            The scene cannot be read there.
        """
        grid = plan.layout.grid
        with ThreadPoolExecutor(threads, thread_name_prefix="geosal-sample") as pool:
            outer = [place.source.expand(halo, grid.shape) for place in places]
            blocks = list(zip(outer, pool.map(plan.scene.read, outer), strict=True))
        shape = (max(place.target.row_stop for place in places), max(place.target.col_stop for place in places))
        tags = tags_of(plan, _ANY_KERNEL)
        return cls(places, shape, Kept(plan.scene, blocks), KeptSaliency(plan.saliency), threads, tags)

    @property
    def pixels(self) -> int:
        """Return how many."""
        return self.shape[0] * self.shape[1]

    def is_whole(self, plan: Plan) -> bool:
        """Return whether the sample is the scene itself."""
        return self.shape == plan.layout.grid.shape

    def treat(self, task: BlockTask) -> Piece:
        """Treat all pieces, and lay them side by side.

        Parameters
        ----------
        task
            Task of a plan for the sample's scene.
        """
        task = replace(task, scene=self.kept, saliency=None if task.saliency is None else self.saliency)
        with ThreadPoolExecutor(self.threads, thread_name_prefix="geosal-sample") as pool:
            works = list(pool.map(task, [place.source for place in self.places]))
        first = works[0]
        pixels = np.empty((len(first.pixels), *self.shape), first.pixels.dtype)
        mask = np.ones(self.shape, np.bool_)
        levels = None if first.levels is None else np.empty(self.shape, np.uint8)
        for place, work in zip(self.places, works, strict=True):
            inside = place.target.slices_in(Block(0, 0, *self.shape))
            pixels[:, *inside] = work.pixels
            if work.mask is not None:
                mask[inside] = work.mask
            if levels is not None and work.levels is not None:
                levels[inside] = work.levels
        return Piece(0, Block(0, 0, *self.shape), pixels, mask, levels)

    def first_pass(self, treated: Piece, target: Target) -> None:
        """Apply to pixels, in place, what the encoder of a target does to them before it encodes."""
        if not isinstance(target.treatment.then, TwoPass):
            return
        encoder, form = target.own_encoder, target.profile.format

        def once(part: Piece) -> None:
            form.first_pass(encoder, part.pixels, part.levels)

        with ThreadPoolExecutor(self.threads, thread_name_prefix="geosal-sample") as pool:
            for _ in pool.map(once, Cutter.of(encoder, self.layout(target)).split(treated)):
                pass

    def layout(self, target: Target) -> RasterLayout:
        """Layout of the sample as an image of its own, without a place: a georeferencing would only take bytes."""
        height, width = self.shape
        return replace(target.layout, grid=replace(target.layout.grid, height=height, width=width))

    def encode(self, treated: Piece, target: Target) -> list[Tile]:
        """Encode all tiles of the sample and of its overviews."""
        layout = self.layout(target)
        cutter = Cutter.of(target.own_encoder, layout, target.rounding)
        piece = treated if layout.has_mask else treated._replace(mask=None)
        tiles: list[Tile] = []
        with ThreadPoolExecutor(self.threads, thread_name_prefix="geosal-sample") as pool:
            while True:
                tiles += pool.map(cutter.encode, cutter.split(piece))
                if piece.level + 1 == len(cutter.shapes):
                    return tiles
                piece = cutter.halve(piece)

    def write(self, treated: Piece, target: Target, tiles: Sequence[Tile], folder: Path) -> Path:
        """Make a file of the sample, as the job would.

        Parameters
        ----------
        treated, tiles
            Results of `treat` and `encode`; no tiles where GDAL encodes.
        target
            Target of the job.
        folder
            Ours, and empty.
        """
        layout = self.layout(target)
        path = folder / f"sample{Path(target.output).suffix}"
        piece = treated if layout.has_mask else treated._replace(mask=None)
        with open_sink(path, target.profile, layout, target.encoder, threads=target.threads) as sink:
            sink.take(Parts(tuple(tiles), ()) if tiles else Parts((), (piece,)))
            sink.finish(self.tags, None)
        return path

    def own_bytes(self, tiles: Sequence[Tile], target: Target) -> int:
        """Return the bytes of the sample's own tiles."""
        return own_bytes(tiles, target)

    def scale(self, target: Target) -> float:
        """Return the ratio of the scene's pixels to the sample's."""
        grid = target.layout.grid
        return grid.height * grid.width / (self.shape[0] * self.shape[1])


def file_bytes(path: Path) -> int:
    """Return the size of a file or a store."""
    return int(store_bytes(path))


def own_bytes(tiles: Sequence[Tile], target: Target) -> int:
    """Return the bytes that tiles take in the file together."""
    return target.profile.format.bytes_of([tile.parts for tile in tiles])
