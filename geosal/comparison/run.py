"""The comparison: run blocks in a pool, and add their sums in the order of the blocks."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple, TypeVar

import numpy as np
from rasterio.enums import ColorInterp

from geosal.comparison.bands import groups_of, of_bands
from geosal.comparison.judge import JudgeTask, MapTask, RangeTask, ReadTask, error_dtype
from geosal.comparison.pair import Pair
from geosal.comparison.result import Comparison, Row
from geosal.comparison.seams import Ready, Seams
from geosal.comparison.sums import Sums
from geosal.core import provenance
from geosal.core.cluster.opening import open_pool
from geosal.core.cluster.pool import Pool
from geosal.core.cluster.scheduler import THREADS
from geosal.core.grid import Block
from geosal.core.machine import cpu_count
from geosal.core.progress import Progress, ProgressCallback, ignore
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.core.shared_raster import close_shared_rasters
from geosal.core.zarr.files import is_zarr
from geosal.errors import SceneError, UsageError, redact, warn
from geosal.files.addresses import is_remote
from geosal.files.publish import check_output
from geosal.formats.profiles import resolve_profile
from geosal.formats.table import has_world_file
from geosal.produce import Labour, produce, target_for
from geosal.scenes import AnyScene
from geosal.scenes.zarr_store import is_store, store_bytes
from geosal.sizes import as_number

_BLOCK = 1024
"""Rows and columns of a block: a multiple of most files' tiles, so none is decoded twice; at least `seams.KEPT`."""
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def judge(
    pair: Pair,
    *,
    data_range: float | None = None,
    error_map: str | None = None,
    overwrite: bool = False,
    flat_range: float | None = None,
    progress: ProgressCallback | None = None,
) -> Comparison:
    """Compare an opened pair, as `compare` does; with `overwrite` the error map may replace a file.

    `flat_range` is the range of values of a scene whose samples are all the same; without it, that is refused.
    """
    begin, report = time.monotonic(), progress or ignore
    if data_range is not None and not 0 < data_range < float("inf"):
        raise UsageError(f"data_range={data_range}: the range of values is above 0; say how wide it is")
    if error_map is not None:
        inputs = [pair.original.path, pair.candidate.path]
        check_output(error_map, overwrite=overwrite, inputs=inputs, with_world_file=has_world_file(error_map))
    try:
        span = _Span(data_range, "given") if data_range is not None else _span_of(pair, flat_range, report)
        sums = sum_up(pair, span.width, report=report)
        if error_map is not None:
            _write_map(pair, error_map, overwrite, report)
    finally:
        close_shared_rasters()
    rows = tuple(sums.rows(span.width))
    if not rows[0].scores.samples:
        raise SceneError(
            f"{pair.candidate.path} against {pair.original.path}: no sample counts in both; look at nodata and masks: "
            "geosal info"
        )
    if sums.lost:
        warn(
            f"{pair.candidate.path}: {sums.lost} samples that count in {pair.original.path} do not here (nodata, mask "
            "or NaN); no figure includes them"
        )
    return _result(pair, sums, rows, span, error_map, time.monotonic() - begin)


class _Span(NamedTuple):
    """The range of values."""

    width: float
    origin: str
    """Origin of the range, for the report."""


def sum_up(pair: Pair, data_range: float, *, workers: int | None = None, report: ProgressCallback = ignore) -> Sums:
    """Read and judge all blocks; reading goes ahead of judging, in the same threads, by default one per core.

    Where all bands together would take too much memory, some are compared after the others.
    """
    blocks, sums = list(pair.grid.blocks(_BLOCK)), Sums(pair)
    groups = groups_of(pair, _BLOCK, workers or cpu_count())
    total = len(groups) * len(blocks)
    report(Progress("compare", 0, total, "blocks"))
    for number, positions in enumerate(groups):

        def reported(done: int, before: int = number * len(blocks)) -> None:
            report(Progress("compare", before + done, total, "blocks"))

        sums.have(positions, _sum_up(of_bands(pair, positions), blocks, data_range, workers, reported))
    return sums


def _sum_up(
    pair: Pair, blocks: Sequence[Block], data_range: float, workers: int | None, report: Callable[[int], None]
) -> Sums:
    """Read and judge all blocks of some bands."""
    sums, seams = Sums(pair), Seams(pair.grid.shape)
    read, task = ReadTask(pair=pair), JudgeTask(pair=pair, data_range=data_range)

    def joined(pool: Pool) -> Iterator[Ready]:
        for block, samples in _in_order(pool, read, blocks):
            sums.lost += samples.lost
            sums.gained += samples.gained
            yield seams.join(block, samples)

    with open_pool(THREADS, workers) as pool:
        for done, facts in enumerate(_in_order(pool, task, joined(pool)), start=1):
            sums.take(facts)
            report(done)
    return sums


def _in_order(pool: Pool, task: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Run a task on each item, some at once, and yield the results in the order of the items."""
    ahead: deque[Future[_Result]] = deque()
    try:
        for item in items:
            ahead.append(pool.executor.submit(task, item))
            if len(ahead) > pool.workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        for future in ahead:
            future.cancel()


def _span_of(pair: Pair, flat_range: float | None, report: ProgressCallback) -> _Span:
    """Find the range of values where the user gives none."""
    bits = bits_of(pair.original.layout)
    if bits is not None:
        return _Span(float(2**bits - 1), f"2**{bits} - 1")
    ends = ends_of(pair.original, report=report)
    if ends is None:
        raise UsageError(f"{pair.original.path}: has no valid sample, so there is nothing to judge; name another scene")
    least, greatest = ends
    if least == greatest and flat_range is not None:
        return _Span(flat_range, f"taken so, as all valid samples of the original are {as_number(least)}")
    if not 0 < greatest - least < float("inf"):
        raise UsageError(
            f"{pair.original.path}: its valid samples go from {as_number(least)} to {as_number(greatest)}, which is no "
            "range to judge by; give one: --data-range X"
        )
    return _Span(greatest - least, f"valid samples of the original, {as_number(least)} to {as_number(greatest)}")


def bits_of(layout: RasterLayout) -> int | None:
    """Return the significant bits of a sample; None for floats, whose type does not define the range of values."""
    kind = np.dtype(layout.dtype)
    return None if kind.kind == "f" else layout.metadata.nbits or 8 * kind.itemsize


def ends_of(
    scene: AnyScene, *, workers: int | None = None, report: ProgressCallback = ignore
) -> tuple[float, float] | None:
    """Find the least and the greatest valid sample of a scene; None without one."""
    blocks, ends = list(scene.grid.blocks(_BLOCK)), []
    with open_pool(THREADS, workers) as pool:
        for done, found in enumerate(pool.map_unordered(RangeTask(scene=scene), blocks), start=1):
            ends += [] if found is None else [found]
            report(Progress("range", done, len(blocks), "blocks"))
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None


def _in_groups(pair: Pair) -> tuple[Pair, ...]:
    return tuple(of_bands(pair, positions) for positions in groups_of(pair, _BLOCK, cpu_count()))


def _write_map(pair: Pair, path: str, overwrite: bool, report: ProgressCallback) -> None:
    source, compared = pair.original.layout.metadata, (pair.candidate.path, pair.original.path)
    layout = RasterLayout(
        grid=pair.grid,
        dtype=error_dtype(pair.original.layout.dtype),
        nodata=None,
        has_mask=True,
        metadata=RasterMetadata(
            bands=(BandMetadata(description="largest error over bands", colorinterp=ColorInterp.gray),),
            tags={"": provenance.of_an_error_map(*(redact(os.path.basename(path)) for path in compared))},
            gcps=source.gcps,
            gcp_crs=source.gcp_crs,
            rpcs=source.rpcs,
        ),
    )
    profile = resolve_profile(path, None, {}, layout)
    produce(
        target_for(path, profile, layout, overwrite=overwrite),
        Labour(stage="map", task=MapTask(pairs=_in_groups(pair)), blocks=list(pair.grid.blocks(_BLOCK))),
        take=lambda _: None,
        tags=lambda: ({}, None),
        report=report,
    )


def _result(
    pair: Pair,
    sums: Sums,
    rows: tuple[Row, ...],
    span: _Span,
    error_map: str | None,
    seconds: float,
) -> Comparison:
    grid, dtype = pair.grid, pair.original.layout.dtype
    raw = grid.height * grid.width * len(pair.bands) * np.dtype(dtype).itemsize
    before, after = _whole_file_bytes(pair.original), _file_bytes(pair.candidate.path)
    return Comparison(
        original=redact(pair.original.path),
        candidate=redact(pair.candidate.path),
        width=grid.width,
        height=grid.height,
        count=len(pair.bands),
        dtype=dtype,
        data_range=span.width,
        data_range_from=span.origin,
        saliency=None if pair.saliency is None else pair.saliency.label,
        steps=None if pair.saliency is None else pair.ladder.steps,
        made_with=provenance.read_saliency(pair.candidate.layout.metadata.tags.get("", {})),
        georeferenced=pair.located,
        original_bytes=before,
        raw_bytes=raw,
        candidate_bytes=after,
        bits_per_pixel=None if after is None else 8 * after / (grid.height * grid.width),
        reduction=None if after is None or not before else 100 * (1 - after / before),
        reduction_of_raw=None if after is None else 100 * (1 - after / raw),
        lost=sums.lost,
        gained=sums.gained,
        rows=rows,
        error_map=error_map,
        seconds=seconds,
        pair=pair,
    )


def _whole_file_bytes(scene: AnyScene) -> int | None:
    """Return the size of a scene's file, if all of it was compared."""
    size = _file_bytes(scene.path)
    # A product may lie in an archive, and converted samples have another size than the file's.
    return size if size is not None and scene.is_whole_file() else None


def _file_bytes(path: str) -> int | None:
    """Return the size of a file or a store; None for anything else."""
    if is_remote(path):
        with suppress(OSError):  # a server that lists nothing
            return store_bytes(path) if is_zarr(path) else None
        return None
    return store_bytes(path) if os.path.isfile(path) or is_store(path) else None
