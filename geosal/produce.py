"""Make any file: run its blocks in a pool, feed the results to a sink, check the file and give it its name."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from geosal.core.cluster.opening import open_pool
from geosal.core.cluster.pool import SMALLER
from geosal.core.cluster.scheduler import THREADS, Scheduler
from geosal.core.grid import Block
from geosal.core.machine import trim_memory
from geosal.core.progress import Progress, ProgressCallback, Stage, ignore
from geosal.core.provenance import OF_A_SEAL, RECIPE
from geosal.core.raster import RasterLayout
from geosal.core.shared_raster import close_shared_rasters
from geosal.core.treatment import SMOOTH, Bound, Treatment
from geosal.errors import UsageError
from geosal.files.journal import Journal
from geosal.files.publish import WorkDirectory
from geosal.formats.codec import Codec
from geosal.formats.encoders import tile_encoder
from geosal.formats.format import ByGdal, Profile
from geosal.formats.places import check_place
from geosal.formats.pyramid import Cutter, Parts, TileEncoder, Uncut
from geosal.formats.sink import Sink, open_sink
from geosal.formats.table import OWN_TAGS
from geosal.formats.treatments import goes_by_tile
from geosal.smoothing.block import SampleRules
from geosal.smoothing.bound import Rounding
from geosal.verification import verify_structure

Tags = Mapping[str, str]
Facts = TypeVar("Facts")
"""Type of what a task finds out about a block besides its pixels."""


class Work(NamedTuple, Generic[Facts]):
    """The result of a task for one block."""

    pixels: NDArray[Any]
    """Pixels, (band, y, x)."""
    mask: NDArray[np.bool_] | None
    """The output's mask, (y, x), True = valid; None where it gets none."""
    facts: Facts
    """What the task found out; `produce` hands it to `take`."""
    levels: NDArray[np.uint8] | None = None
    """Levels of saliency, (y, x); None where the encoding of tiles does not depend on them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """A file to be made.

    Attributes
    ----------
    output
        Path of the file.
    overwrite
        Whether it may replace a file.
    profile, treatment, layout
        What goes into the file, and what saliency does to it.
    encoder
        Encoder of its tiles, or the reason why GDAL has to write it.
    rounding
        Rounds the means in overviews, where a treatment rounds pixels by their levels.
    threads
        Number of threads that GDAL may have then; None means all cores.
    """

    output: str
    overwrite: bool
    profile: Profile
    treatment: Treatment
    layout: RasterLayout
    encoder: TileEncoder | ByGdal
    rounding: Rounding | None = None
    threads: int | None = None

    @property
    def gdal_because(self) -> str | None:
        """Why GDAL has to write the file, as a sentence without its end; None where the encoder is ours."""
        return self.encoder.because if isinstance(self.encoder, ByGdal) else None

    @property
    def writer(self) -> str:
        """The program that writes the file: geosal, GDAL or another."""
        return self.encoder.program if isinstance(self.encoder, ByGdal) else "geosal"

    @property
    def own_encoder(self) -> TileEncoder:
        """The encoder, where it is ours.

        Raises
        ------
        TypeError
            GDAL has to write the file, and encodes whole files only.
        """
        if isinstance(self.encoder, ByGdal):
            raise TypeError(f"GDAL encodes whole files only: {self.encoder.because}")
        return self.encoder


def target_for(
    output: str,
    profile: Profile,
    layout: RasterLayout,
    *,
    overwrite: bool,
    treatment: Treatment = SMOOTH,
    steps: int = 8,
) -> Target:
    """Decide what is written, and whether an encoder of ours or GDAL encodes it.

    Parameters
    ----------
    output
        Path of the file.
    profile
        Format, codec and options, resolved.
    layout
        Layout of the pixels that come; the output's may differ, see `layout_for`.
    overwrite
        Whether a file may be replaced.
    treatment
        The treatment, with nothing left open.
    steps
        Steps of the ladder, where the treatment depends on levels.
    """
    check_place(output, layout)
    layout = layout_for(profile, layout)
    return Target(
        output=output,
        overwrite=overwrite,
        profile=profile,
        treatment=treatment,
        layout=layout,
        encoder=tile_encoder(profile, layout, treatment, steps),
        rounding=_rounding(treatment, profile.codec, layout, steps),
    )


def _rounding(treatment: Treatment, codec: Codec, layout: RasterLayout, steps: int) -> Rounding | None:
    """Make what rounds pixels by their levels; None where nothing is rounded, or the codec does it tile by tile."""
    bound = treatment.then
    if not isinstance(bound, Bound) or goes_by_tile(treatment, codec):
        return None
    return Rounding(
        errors=bound.errors(steps, layout.dtype),
        finer=bound.finer or 0.0,
        fine=bound.fine_errors(steps, layout.dtype),
        rules=SampleRules(layout.nodata, layout.alpha),
        most=None if layout.metadata.nbits is None else 2**layout.metadata.nbits - 1,
    )


def layout_for(profile: Profile, layout: RasterLayout) -> RasterLayout:
    """Make the layout of the output: where a lossy codec would blur the nodata code, it has a mask instead."""
    tags = {
        domain: {key: text for key, text in items.items() if key not in {*OWN_TAGS, *OF_A_SEAL, RECIPE}}
        for domain, items in layout.metadata.tags.items()
    }
    layout = replace(layout, metadata=replace(layout.metadata, tags=tags))
    return replace(layout, has_mask=True, nodata=None) if profile.needs_mask(layout) else layout


@dataclass(frozen=True, kw_only=True, eq=False)
class Labour(Generic[Facts]):
    """The work that makes the pixels of a file.

    Attributes
    ----------
    stage
        Name of the stage in `Progress`.
    task
        Makes the `Work` of a block; it must pickle where processes or a cluster are to run it.
    blocks
        Blocks that cover the output without overlap.
    scheduler, workers, advice
        See `geosal.core.cluster.opening.open_pool`.
    """

    stage: Stage
    task: Callable[[Block], Work[Facts]]
    blocks: Sequence[Block]
    scheduler: Scheduler = THREADS
    workers: int | None = None
    advice: str = SMALLER

    @contextmanager
    def results(self, cut: "Cut", *, in_order: bool = False) -> "Iterator[Iterator[Done[Facts]]]":
        """Lend what all blocks come to, with a bounded number of them in work: as it comes, or in their order."""
        with open_pool(self.scheduler, self.workers, self.advice) as pool:
            each = pool.map_ordered if in_order else pool.map_unordered
            yield each(CutTask(self.task, cut), self.blocks)


class Done(NamedTuple, Generic[Facts]):
    """A block that was worked on."""

    block: Block
    parts: Parts
    """Its tiles, and the pixels that fill none."""
    facts: Facts


@dataclass(frozen=True, eq=False)
class Cut:
    """The cutting of a block's work, so that compressed tiles travel and no pixels."""

    cutter: Cutter | Uncut
    has_mask: bool

    def __call__(self, block: Block, work: Work[Facts]) -> Done[Facts]:
        """Cut what a task made of a block."""
        mask = work.mask if self.has_mask else None
        return Done(block, self.cutter.cut(block, work.pixels, mask, work.levels), work.facts)


@dataclass(frozen=True, eq=False)
class CutTask(Generic[Facts]):
    """A task and the cutting of what it makes."""

    task: Callable[[Block], Work[Facts]]
    cut: Cut

    def __call__(self, block: Block) -> Done[Facts]:
        """Work on a block."""
        return self.cut(block, self.task(block))


def produce(
    target: Target,
    labour: Labour[Facts],
    *,
    take: Callable[[Facts], None],
    tags: Callable[[], tuple[Tags, Sequence[Tags] | None]],
    report: ProgressCallback = ignore,
) -> Path:
    """Make a file, complete or not at all.

    Parameters
    ----------
    target, labour
        What is made, and how.
    take
        Receives the facts of each block, in this thread, in the order in which blocks come.
    tags
        Called after the last block: provenance tags, and ``STATISTICS_*`` tags of each band or None.
    report
        Called in this thread after each block and at each stage.

    Returns
    -------
    Path
        The file under its final name.

    Raises
    ------
    GeosalError
        A task failed, or the file cannot be written or does not hold what it should.
    """
    with making(target, report) as made:
        make_file(made.path, target, labour, take=take, tags=tags, report=report)
    return made.output


class Making(NamedTuple):
    """A file that has not got its name yet."""

    path: Path
    """A new file in a work directory, with the name of the output."""
    output: Path
    """Final path of the output, links resolved."""
    journal: Journal | None = None
    """Journal of the job."""


@contextmanager
def making(
    target: Target,
    report: ProgressCallback = ignore,
    *,
    identity: Mapping[str, Any] | None = None,
    resume: bool = False,
) -> Iterator[Making]:
    """Provide a path for a target's file, and give the file its name at the end.

    If the block raises an exception, no file takes the name.

    Parameters
    ----------
    target, report
        See `produce`.
    identity, resume
        See `WorkDirectory`.

    Raises
    ------
    OutputError
        Nothing can be written there, or the name is taken.
    UsageError
        What a killed job has left belongs to another one.
    """
    with WorkDirectory(
        target.output,
        overwrite=target.overwrite,
        with_world_file=target.profile.format.has_world_file,
        identity=None if target.gdal_because else identity,
        resume=resume,
    ) as work:
        made = Making(work.path(work.output.name), work.output, work.journal)
        yield made
        work.publish(made.path)
        report(Progress("verify", 1, 1, "steps"))


class Ledger(NamedTuple, Generic[Facts]):
    """A journal, and how the facts of a block are written into it."""

    journal: Journal
    write: Callable[[Facts], Any]
    """Turns facts to plain data."""
    read: Callable[[Any], Facts]


def make_file(
    path: Path,
    target: Target,
    labour: Labour[Facts],
    *,
    take: Callable[[Facts], None],
    tags: Callable[[], tuple[Tags, Sequence[Tags] | None]],
    report: ProgressCallback = ignore,
    ledger: Ledger[Facts] | None = None,
) -> int | None:
    """Make a file in a work directory and check it: `produce` without the name.

    Parameters
    ----------
    path
        A new file of the output's name.
    target, labour, take, tags, report
        See `produce`.
    ledger
        Journal in which each block is noted. Blocks that a killed job has noted there are not worked on again.

    Returns
    -------
    int or None
        Bytes of the plain JPEG that the encoder counted beside its own, if it did.

    Raises
    ------
    GeosalError
        See `produce`.
    """
    layout = target.layout
    with open_sink(
        path,
        target.profile,
        layout,
        target.encoder,
        rounding=target.rounding,
        threads=target.threads,
        journal=None if ledger is None else ledger.journal,
    ) as sink:
        blocks, counts = list(labour.blocks), not target.profile.format.made_at_end
        total = len(blocks)
        if ledger is not None:
            waiting = _taken_over(path.name, sink, ledger, take, blocks)
            blocks = [block for block in blocks if block in waiting]
        report(Progress(labour.stage, total - len(blocks), total, "blocks"))
        try:
            labour = replace(labour, blocks=blocks)
            with labour.results(Cut(sink.cutter, layout.has_mask), in_order=sink.in_order) as results:
                for count, done in enumerate(results, start=total - len(blocks) + 1):
                    sink.take(done.parts)
                    take(done.facts)
                    if ledger is not None:
                        sink.note({"block": astuple(done.block), "facts": ledger.write(done.facts)})
                    written = sink.taken_bytes if counts else 0
                    report(Progress(labour.stage, count, total, "blocks", written=written))
        finally:
            close_shared_rasters()
        trim_memory()  # completing the file takes memory too
        report(Progress("finish", 0, 1, "steps"))
        sink.finish(*tags())
    report(Progress("verify", 0, 1, "steps"))
    verify_structure(path, layout, path.name)
    return sink.plain_bytes


def _taken_over(
    name: str, sink: Sink, ledger: Ledger[Facts], take: Callable[[Facts], None], blocks: Collection[Block]
) -> set[Block]:
    """Take over the blocks that a killed job has noted; returns the others.

    Raises
    ------
    UsageError
        Somebody has changed its journal.
    """
    waiting = set(blocks)
    try:
        for record in sink.restore():
            waiting.remove(Block(*record["block"]))
            take(ledger.read(record["facts"]))
    except (TypeError, ValueError, LookupError, AttributeError, OverflowError) as error:
        raise UsageError(
            f"{name}: --resume cannot go on with {ledger.journal.directory}: its journal was changed ({error!s:.80}), "
            "so it is deleted; run the same again, to begin anew"
        ) from error
    return waiting
