"""Sinks for the parts of blocks: a file that takes tiles as they come, or a stage that GDAL then encodes.

GDAL's writers remain for what no tile encoder of ours can make; `geosal plan` says when and why.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from typing import Protocol

from geosal.core.raster import RasterLayout
from geosal.files.journal import Journal, Record
from geosal.formats.container import Container
from geosal.formats.format import ByGdal, Profile
from geosal.formats.gdal.stage import Stage
from geosal.formats.pieces import Pieces
from geosal.formats.pyramid import Assembler, Cutter, Parts, Piece, Rounding, Tile, TileEncoder, Uncut

_CODING = 3
"""Tiles that may be on their way through the encoder while others come."""


class Sink(Protocol):
    """Takes the parts of blocks, from one thread, and makes a file of them."""

    @property
    def cutter(self) -> Cutter | Uncut:
        """Return what cuts the blocks, where they are worked on."""

    @property
    def in_order(self) -> bool:
        """Return `Container.in_order`."""

    def take(self, parts: Parts) -> None:
        """Take one block."""

    def restore(self) -> Iterator[Record]:
        """Take over the blocks that the journal of a killed job tells; yield what `note` was told of each."""

    def note(self, record: Record) -> None:
        """Note in the journal, if there is one, that a block was taken, with what else there is to tell of it."""

    @property
    def taken_bytes(self) -> int:
        """Return `Container.taken_bytes`; 0 of a stage, whose pixels GDAL encodes at the end."""

    @property
    def plain_bytes(self) -> int | None:
        """Return `Container.plain_bytes` of the finished file."""

    def finish(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> None:
        """Complete the file; for the tags see `Container.finish`."""


@contextmanager
def open_sink(
    path: Path,
    profile: Profile,
    layout: RasterLayout,
    encoder: TileEncoder | ByGdal,
    *,
    rounding: Rounding | None = None,
    threads: int | None = None,
    journal: Journal | None = None,
) -> Iterator[Sink]:
    """Open a new file to take blocks.

    Parameters
    ----------
    path
        A new file in a directory of ours: a stage or a spool may be made beside it.
    profile, layout
        Profile and layout of the output.
    encoder
        Encoder of the tiles, or the reason why GDAL has to write the file.
    rounding
        Rounds the means in overviews, see `Cutter`. It does not touch overviews that GDAL makes.
    threads
        Number of threads for GDAL, and for a JPEG at its end.
    journal
        Journal of the job, in which blocks are noted. Where GDAL writes the file none are.

    Raises
    ------
    OutputError
        The file cannot be made.
    """
    if isinstance(encoder, ByGdal):
        staged = path.with_name(f"{path.name}.stage.tif")
        with Stage(staged, layout, by_line=profile.format.reads_by_line) as stage:
            yield _StageSink(path, stage, profile, layout, threads)
        return
    container = profile.format.container(path, profile, layout, encoder, threads)
    cutter = Cutter.of(encoder, layout, rounding)
    coder = ThreadPoolExecutor(1, thread_name_prefix="geosal-assemble")
    if journal is None:
        with container, coder:
            yield _TileSink(cutter, container, coder)
        return
    container.keep()
    with container, Pieces(path.with_name(f"{path.name}.pieces"), layout.dtype) as pieces, coder:
        try:
            yield _KeptSink(cutter, container, coder, pieces, journal)
        finally:
            journal.close()


class _TileSink:
    """A sink of tiles. Those that are put together here are encoded beside the work: the file waits for no encoder."""

    def __init__(self, cutter: Cutter, container: Container, coder: Executor) -> None:
        self.cutter = cutter
        self._container = container
        self._assembler = Assembler(cutter)
        self._coder = coder
        self._may_wait = 0 if container.in_order else _CODING
        self._coding: deque[Future[Tile]] = deque()
        """Tiles that are being encoded, in the order in which they were completed."""

    @property
    def in_order(self) -> bool:
        return self._container.in_order

    def take(self, parts: Parts) -> None:
        for tile in parts.tiles:
            self._container.append(tile)
        for piece in parts.pieces:
            for whole in self._assembler.add(piece):
                self._encode(whole)
        self._append(self._may_wait)

    def _encode(self, tile: Piece) -> None:
        self._coding.append(self._coder.submit(self.cutter.encode, tile))
        self._append(self._may_wait)

    def _append(self, left: int) -> None:
        """Append the tiles that are encoded, and wait for others until no more than `left` of them are on their way."""
        while self._coding and (len(self._coding) > left or self._coding[0].done()):
            self._container.append(self._coding.popleft().result())

    def restore(self) -> Iterator[Record]:
        return iter(())

    def note(self, record: Record) -> None:
        pass

    def finish(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> None:
        self._append(0)
        self._container.finish(tags, band_statistics)

    @property
    def taken_bytes(self) -> int:
        return self._container.taken_bytes

    @property
    def plain_bytes(self) -> int | None:
        return self._container.plain_bytes


class _KeptSink(_TileSink):
    """A sink whose blocks are noted in a journal, each with its tiles and with the pixels that fill none."""

    def __init__(self, cutter: Cutter, container: Container, coder: Executor, pieces: Pieces, journal: Journal) -> None:
        super().__init__(cutter, container, coder)
        self._pieces, self._journal = pieces, journal

    def take(self, parts: Parts) -> None:
        super().take(parts)
        with self._container.failing():
            for piece in parts.pieces:
                self._pieces.append(piece)

    def restore(self) -> Iterator[Record]:
        with self._container.failing():
            known = [each for each in self._journal.known() if self._pieces.hold(each["pieces"])]
            there = self._container.restore([record["tiles"] for record in known])
            held = list(compress(known, there))
            self._pieces.restore([record["pieces"] for record in held])
            self._journal.begin((*self._container.data, self._pieces.name), held)
        for record in held:
            for piece in self._pieces.of(record["pieces"]):
                for tile in self._assembler.add(piece, self._container.has):
                    self._encode(tile)  # of a block that is not held
            yield record

    def note(self, record: Record) -> None:
        with self._container.failing():
            claims = {"tiles": self._container.claim(), "pieces": self._pieces.claim()}
            self._journal.add(record | claims, self._sync)

    def finish(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> None:
        with self._container.failing():
            self._journal.settle()
        super().finish(tags, band_statistics)

    def _sync(self) -> None:
        self._container.sync()
        self._pieces.sync()


@dataclass(frozen=True, eq=False)
class _StageSink:
    path: Path
    stage: Stage
    profile: Profile
    layout: RasterLayout
    threads: int | None
    cutter: Uncut = field(default_factory=Uncut)
    taken_bytes: int = 0
    plain_bytes: int | None = None
    in_order: bool = False

    def restore(self) -> Iterator[Record]:
        return iter(())

    def note(self, record: Record) -> None:
        pass

    def take(self, parts: Parts) -> None:
        for piece in parts.pieces:
            self.stage.write(piece.block, piece.pixels, piece.mask)

    def finish(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> None:
        more = self.profile.format.more_tags(self.profile, self.layout)
        self.stage.finish({**tags, **more}, band_statistics)
        self.profile.format.encode_stage(self.stage.path, self.path, self.profile, self.layout, self.threads)
        self.stage.path.unlink(missing_ok=True)
