"""Memory: how much a job takes, and which blocks and how many workers fit into a limit."""

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from geosal.core.cluster.pool import SMALLER
from geosal.core.cluster.scheduler import Room
from geosal.core.decoded_tiles import MOST_SAMPLES, tile_cache_bytes
from geosal.core.gdal_env import GDAL_CACHE_BYTES
from geosal.core.machine import cpu_count
from geosal.errors import ClusterError, ResourceError
from geosal.formats.table import format_of
from geosal.job.recipe import Recipe
from geosal.scenes import AnyScene
from geosal.seals import SIDE
from geosal.sizes import as_bytes, counted
from geosal.sources import Saliency

BLOCK = 2048
"""Largest block tried, in rows and columns."""
_BLOCKS = (BLOCK, 1536, 1024, 512, 256)
_EFFICIENT = 1024
"""Rows and columns of a block from which a larger one is hardly faster: its halo is a small part of it."""
_COMFORT = 540 * 2**20
"""Bytes that `_Model` may expect a job to take by default; such a job was measured to take 512 MiB or less."""
_SEARCH_COMFORT = 560 * 2**20
"""The same for a job with a search. It takes less than the model expects: search and blocks take memory in turns."""
_PROCESS_BYTES = 135 * 2**20
"""Bytes of the interpreter and the libraries before the first block; measured, with some room."""
_WORKER_BYTES = 60 * 2**20
"""Bytes that a dask worker takes beside them."""
_CALM = 0.8
"""Share of its memory from which on a dask worker by default takes no further task."""
_ENCODER_BYTES = 60 * 2**20
"""Bytes of GDAL's writers, and of what the allocator has not returned after smoothing."""
_JPEG2000_BYTES = 12
"""Bytes per sample of a tile in work: OpenJPEG and OpenJPH take int32 or float twice, and the codestream."""
_MEASURED_BANDS = 4
_TIFF_BYTES = 4
"""Bytes per byte of a tile in work in other formats: it is laid out, predicted, compressed and joined."""
_SAMPLE_BYTES = 256 * 2**20
"""Bytes that the sample of a search or of an estimate may take by default."""
_SALIENCY_BYTES = 5
"""Bytes per pixel of a sample that all trials keep: a float, and whether a source knows the pixel."""
_MOST_SAMPLE = (6 * 512) ** 2
"""Most pixels of a sample."""
_LEAST_SAMPLE = 512**2
"""Fewest pixels of a sample that still says something about the scene."""
_TILE = 1024
"""Rows and columns of a JPEG 2000 tile; a COG's are smaller."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Rows and columns of a block, blocks at once, GDAL's threads, the peak of memory in bytes, pixels of a sample."""

    block: int
    workers: int
    encoders: int
    memory: int
    sample: int
    advice: str
    """What to do where a worker has too little memory."""


def fit(
    recipe: Recipe,
    scene: AnyScene,
    saliency: Saliency,
    *,
    halo: int,
    crew: int | Collection[Room],
    tile: int | None,
    last: int = 0,
) -> Fit:
    """Choose block, workers and encoding threads: the most that fits under `max_memory`, smaller blocks first.

    Without a limit, blocks are made smaller to stay within 512 MiB as long as that costs no time.

    On a cluster blocks must fit into the workers' memory, as many at once as a worker has threads; those that wait here
    are few.

    Parameters
    ----------
    recipe, scene, saliency
        The wish, what is read, and where to look.
    halo
        Pixels around a block that the widest kernel reaches.
    crew
        Number of cores of this machine; of a cluster the memory of its workers, each kind once, empty where they have
        no limit.
    tile
        Rows and columns of the output's tiles: blocks are made of whole ones, else the main thread would encode them.
        None when GDAL writes the file.
    last
        Bytes that the container takes at the end, when no block is worked on.

    Raises
    ------
    ResourceError
        No block fits into `max_memory`.
    ClusterError
        No block fits into the workers' memory.
    """
    cores, rooms = (crew, ()) if isinstance(crew, int) else (None, crew)
    most = recipe.workers or cores or 1
    model = _Model(
        scene,
        saliency,
        tile,
        halo,
        processes=recipe.scheduler == "processes",
        bands_take_memory=format_of(recipe.output).bands_take_memory,
        whole=SIDE if recipe.seal else 1,
    )
    blocks = [recipe.block] if recipe.block else model.blocks()
    blocks, advice = _fitting_workers(model, blocks, rooms)
    workers = [recipe.workers] if recipe.workers else range(most, 0, -1)
    encoders = range(recipe.workers or cores or cpu_count(), 0, -1)
    limit = recipe.max_memory
    smooth = [_Smoothing(block, count, model.smoothing(block, count)) for count in workers for block in blocks]
    beside = max(_least_of(smooth, limit), model.coding(last) if tile else 0)
    sample = model.sample(limit, beside if recipe.targets else 0)
    if recipe.targets:  # the sample stays for a second search
        smooth = [option._replace(memory=option.memory + model.held(sample)) for option in smooth]
    # Without GDAL's writer tiles are encoded where blocks are smoothed.
    held = model.held(sample) if recipe.targets and (tile is None or last) else 0
    encode = [
        _Encoding(threads, held + (model.encoding(threads) if tile is None else model.coding(last)))
        for threads in encoders
    ]
    fits = [option for option in smooth if limit is None or option.memory <= limit]
    encode_fits = [option for option in encode if limit is None or option.memory <= limit]
    if not fits or not encode_fits:
        least = max(min(option.memory for option in smooth), min(option.memory for option in encode))
        raise ResourceError(
            f"the job takes at least {as_bytes(least, math.ceil)} with these options, "
            f"{as_bytes(limit or 0, math.floor)} are allowed; raise --max-memory, {_mend(scene, saliency)}"
        )
    if limit is None and recipe.block is None:
        fits = _comfortable(fits)
    smoothing, encoding = fits[0], encode_fits[0]
    searching = model.searching(sample) if recipe.targets else 0
    _refuse_search(recipe, searching)
    peak = max(smoothing.memory, encoding.memory, searching)
    return Fit(smoothing.block, smoothing.workers, encoding.threads, peak, sample, advice)


def _fitting_workers(model: "_Model", blocks: list[int], rooms: Collection[Room]) -> tuple[list[int], str]:
    """Return the blocks that fit into all workers of a cluster, if possible without making one of them pause.

    Also returned is what to do where a worker has too little memory all the same.

    Raises
    ------
    ClusterError
        None fits.
    """
    if not rooms:
        return blocks, SMALLER

    def fitting(blocks: list[int], share: float) -> list[int]:
        return [each for each in blocks if all(model.on_worker(each, room) <= share * room.memory for room in rooms)]

    def need(block: int) -> str:
        room = max(rooms, key=lambda room: model.on_worker(block, room) / room.memory)
        smaller = [each for each in fitting(model.blocks(), 1) if each < block]
        mend = f"use --block {smaller[0]}" if smaller else "give the workers more memory, or fewer threads"
        return (
            f"a block of {block} px with its halo of {model.halo} px needs about "
            f"{as_bytes(model.on_worker(block, room), math.ceil)} on a worker of {counted(room.threads, 'thread')}, "
            f"and the workers have {as_bytes(room.memory, math.floor)}; {mend}"
        )

    found = fitting(blocks, _CALM) or fitting(blocks, 1)
    if not found:
        raise ClusterError(need(blocks[-1]))
    return found, need(found[0])


def is_of_tiles(scene: AnyScene) -> bool:
    """Return whether a scene is a JPEG 2000 whose tiles are decoded side by side, as far as its headers tell."""
    original = scene.original
    return original.driver == "JP2OpenJPEG" and max(original.block_shape) < max(original.grid.shape)


def _kept(scene: AnyScene, saliency: Saliency) -> int:
    """Return the bytes of large chunks of Zarr stores, of scene and masks, that stay decoded."""
    masks = (getattr(source, "file", None) for source in saliency.sources)
    return scene.original.kept_bytes + sum(int(getattr(mask, "kept_bytes", 0)) for mask in masks)


def _mend(scene: AnyScene, saliency: Saliency) -> str:
    """Say what makes a job smaller."""
    kept = _kept(scene, saliency)
    if not kept:
        return "or leave --block, --workers and the tiles' size to geosal"
    what = "scene" if scene.original.kept_bytes else "mask"
    return (
        f"or write the {what} anew in smaller chunks: no part of one can be decoded alone, so "
        f"{as_bytes(kept, math.ceil)} of them stay decoded"
    )


def _refuse_search(recipe: Recipe, searching: int) -> None:
    """Refuse a search that takes more than the limit."""
    if recipe.max_memory is not None and searching > recipe.max_memory:
        raise ResourceError(
            f"{recipe.targets}: the search takes at least {as_bytes(searching, math.ceil)}, "
            f"{as_bytes(recipe.max_memory, math.floor)} are allowed; raise --max-memory, or name the codec's setting "
            "instead"
        )


class _Smoothing(NamedTuple):
    """A choice of rows and columns of a block and of blocks at once, and the bytes that it takes."""

    block: int
    workers: int
    memory: int


class _Encoding(NamedTuple):
    """A choice of GDAL's threads, and the bytes that it takes."""

    threads: int
    memory: int


def _least_of(options: list[_Smoothing], limit: int | None) -> int:
    """Return the least memory of smoothing; without a limit, with blocks that cost no time and all workers."""
    efficient = _efficient(options)
    return min(option.memory for option in (efficient if limit is None and efficient else options))


def _comfortable(fits: list[_Smoothing]) -> list[_Smoothing]:
    """Leave out blocks that take much memory, but none of the workers."""
    efficient = _efficient(fits)
    return [option for option in efficient if option.memory <= _COMFORT] or efficient[-1:] or fits


def _efficient(options: list[_Smoothing]) -> list[_Smoothing]:
    """Choices with as many workers as the first has, and blocks that cost no time."""
    most = options[0].workers
    return [option for option in options if option.workers == most and option.block >= _EFFICIENT]


@dataclass(frozen=True)
class _Model:
    """Model of a job's memory; measured on 3 bands of uint8 and uint16, and on 13 bands where GDAL encodes."""

    scene: AnyScene
    saliency: Saliency
    tile: int | None
    halo: int
    processes: bool
    bands_take_memory: bool = False
    whole: int = 1
    """Rows and columns of squares of which blocks have to consist, whatever the tiles are."""

    def blocks(self) -> list[int]:
        """Return the sizes of a block that are worth trying, largest first."""
        step = self.whole if self.tile is None or self.whole % self.tile == 0 else self.tile
        step = self.whole if step % self.whole else step  # tiles of an odd size are cut apart then
        sizes = {max(1, block // step) * step for block in _BLOCKS}
        tile = max(self.scene.original.block_shape) if is_of_tiles(self.scene) else 1
        known = sorted((size for size in sizes if size <= _EFFICIENT or size % tile == 0), reverse=True)
        return [block for block in known if self._stays_decoded(block)] or known[-1:]

    def _stays_decoded(self, block: int) -> bool:
        """Return whether GDAL's cache holds two rows of blocks, where to go back means decoding from the top."""
        if not self.scene.rewinds:
            return True
        original = self.scene.original.layout
        row = original.grid.width * original.count * np.dtype(original.dtype).itemsize
        return 2 * min(block + 2 * self.halo, original.grid.height) * row <= GDAL_CACHE_BYTES

    def smoothing(self, block: int, workers: int) -> int:
        """Return the bytes taken while blocks are smoothed and their tiles encoded.

        Results wait as compressed tiles, which take less than blocks in work; for GDAL's writers they are pixels.
        """
        in_work = workers + 2 * (self.tile is None)
        alike = workers + 1 if self.processes else 1
        # Saliency is found before pixels are read.
        tile = max(self._tile(), self._decoder())
        each = self._block(block) + tile + max(self.scene.work_bytes, self.saliency.work_bytes)
        # GDAL reads a file by one thread at a time.
        decoded = min(in_work, len(self.scene.original.files)) * self.scene.tile_bytes
        process = _PROCESS_BYTES + self._cache(workers) + self.saliency.shared_bytes
        return alike * process + in_work * each + decoded + self._partial(block)

    def on_worker(self, block: int, room: Room) -> int:
        """Return the bytes that a worker of a cluster takes while each of its threads works on a block."""
        return replace(self, processes=False).smoothing(block, room.threads) + _WORKER_BYTES

    def encoding(self, threads: int) -> int:
        """Return the bytes taken while GDAL encodes: six to seven tiles for each thread."""
        height, width = (min(_TILE, length) for length in self.scene.grid.shape)
        tile = height * width * self._sample_bytes
        return _PROCESS_BYTES + _ENCODER_BYTES + self._cache() + 7 * threads * tile

    def coding(self, last: int) -> int:
        """Return the bytes taken while a container of ours completes its file; most need very little then."""
        return _PROCESS_BYTES + self._cache() + last if last else 0

    def sample(self, limit: int | None, beside: int) -> int:
        """Return the most pixels of the sample of a search; part of it stays while the job takes `beside` bytes."""
        free = _SAMPLE_BYTES if limit is None else min(_SAMPLE_BYTES, limit - self.searching(0))
        holding = int(((limit or _SEARCH_COMFORT) - beside) / self._held_bytes())
        return max(_LEAST_SAMPLE, min(_MOST_SAMPLE, int(free / self._searched_bytes()), holding))

    def searching(self, pixels: int) -> int:
        """Return the bytes taken while a setting is searched on a sample of so many pixels."""
        height, width = self.scene.grid.shape
        beside = self._tile() + self.scene.tile_bytes + max(self.scene.work_bytes, self.saliency.work_bytes)
        process = _PROCESS_BYTES + self._cache() + self.saliency.shared_bytes + beside
        return process + int(min(pixels, height * width) * self._searched_bytes())

    def held(self, pixels: int) -> int:
        """Return the bytes of a sample that stay while the scene is encoded."""
        height, width = self.scene.grid.shape
        return int(min(pixels, height * width) * self._held_bytes())

    def _held_bytes(self) -> float:
        """Return the bytes of a sample's pixel: as it was read, treated, and its saliency."""
        count = self.scene.layout.count
        return 1.3 * (self._sample_bytes + count) + self._sample_bytes + 2 + _SALIENCY_BYTES

    def _searched_bytes(self) -> float:
        """Return the most bytes of a sample's pixel: read with a halo, treated, encoded, decoded, valid, saliency."""
        count = self.scene.layout.count
        read = 1.3 * (self._sample_bytes + count)
        return read + 2.4 * self._sample_bytes + count + 4 + _SALIENCY_BYTES

    @property
    def _sample_bytes(self) -> int:
        """Return the bytes of a pixel of the output, over all bands."""
        return int(self.scene.layout.count * np.dtype(self.scene.layout.dtype).itemsize)

    def _tile(self) -> int:
        """Return the working memory of an encoder."""
        height, width = (min(max(_TILE, self.tile or 0), length) for length in self.scene.grid.shape)
        count = self.scene.layout.count
        if self.bands_take_memory or self.tile is None:
            return height * width * count * _JPEG2000_BYTES
        # The measurements hold for few bands of any format; more bands take as much as tiles of that size do.
        more = max(0, count - _MEASURED_BANDS) * self.tile**2 * np.dtype(self.scene.layout.dtype).itemsize
        return height * width * min(count, _MEASURED_BANDS) * _JPEG2000_BYTES + int(more) * _TIFF_BYTES

    def _decoder(self) -> int:
        """Return the working memory of a thread that decodes a tile of a JPEG 2000."""
        original = self.scene.original
        samples = original.tile_bytes // np.dtype(original.layout.dtype).itemsize
        return min(samples, MOST_SAMPLES) * _JPEG2000_BYTES if is_of_tiles(self.scene) else 0

    def _partial(self, block: int) -> int:
        """Return the bytes of a row of tiles that are put together, where blocks do not consist of whole ones."""
        height, width = self.scene.grid.shape
        whole = self.tile is None or block % self.tile == 0 or block >= max(height, width)
        return 0 if whole else min(self.tile or 0, height) * width * self._sample_bytes

    def _cache(self, threads: int = 1) -> int:
        """Return the bytes of GDAL's cache, or of ours for tiles decoded side by side; no more than the scene has."""
        height, width = self.scene.grid.shape
        whole = 2 * height * width * self._sample_bytes
        kept = _kept(self.scene, self.saliency)
        if not is_of_tiles(self.scene) and not kept:
            return min(GDAL_CACHE_BYTES, whole)
        # GDAL's cache then holds what masks are read from, on a grid that is seldom finer than the scene's.
        masks = any(hasattr(source, "file") for source in self.saliency.sources)
        return max(min(tile_cache_bytes(threads), whole), kept) + masks * min(GDAL_CACHE_BYTES, height * width)

    def _block(self, block: int) -> int:
        """One block in work, which takes two steps: its saliency is found, and then its pixels are smoothed.

        The second: pixels in, out, halved and as tiles; validity, saliency and levels.
        """
        height, width = (min(block + 2 * self.halo, length) for length in self.scene.grid.shape)
        changed = self.scene.original.layout
        read = changed.count * np.dtype(changed.dtype).itemsize if self.scene.original is not self.scene else 0
        smoothed = 4 * self._sample_bytes + self.scene.layout.count + 8 + read
        return int(height * width * max(smoothed, self.saliency.pixel_bytes))
