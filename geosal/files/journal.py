"""The journal of a job, by which a later one goes on where a killed one has ended.

A journal is a file of JSON lines. The first tells whose work it is, the next which file is being made, and each further
one what has come of a block: where its bytes lie, and their checksum. A line stands in an array behind its own
checksum, so one that was torn is known. Bytes and lines reach the disk in any order, and a power cut may lose either:
what a line claims is believed when the checksum of the bytes agrees, and all else is done again. Both are flushed now
and then, beside the work, so that little is lost.
"""

import json
import os
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, BinaryIO, Self

from geosal.files.atomic import read_plain

JOURNAL = "journal.jsonl"
"""Name of the journal in a work directory."""
SYNC_SECONDS = 10.0
"""Seconds of work that a power cut may cost. A flush is cheap beside them, and a shorter job is spared it."""
_BUFFER = 2**20
_READ = 2**23

Record = dict[str, Any]
"""A line: plain data."""


@dataclass(frozen=True, slots=True)
class Before:
    """What a journal tells of the job that wrote it.

    Attributes
    ----------
    identity
        What the work depends on, in words.
    part
        What tells the file that was being made from others of the same job; None where none was begun.
    data
        Names of the files in its work directory that hold the bytes.
    records
        What has come of each block, in the order in which it came.
    outcomes
        What has come of files that were finished before it, each with its ``part``, and were not good enough.
    """

    identity: Mapping[str, Any]
    part: Record | None = None
    data: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()
    outcomes: tuple[Record, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read a journal up to the first line that is torn; None where it has no sound first line."""
        try:
            lines = _records(read_plain(path))
            identity = next(lines)["identity"]
            part: Record | None = None
            data: tuple[str, ...] = ()
            records: list[Record] = []
            outcomes: list[Record] = []
            for line in lines:
                if "outcome" in line:
                    outcomes.append(line["outcome"])
                elif "part" in line:
                    part, data, records = line["part"], tuple(line["data"]), []
                else:
                    records.append(line)
        except (OSError, StopIteration, KeyError, TypeError, ValueError, RecursionError):
            return None
        if not isinstance(identity, dict) or any(name != os.path.basename(str(name)) for name in data):
            return None
        return cls(identity, part, data, tuple(records), tuple(outcomes))


class Journal:
    """The journal of a running job.

    Parameters
    ----------
    path
        Its file.
    identity
        See `Before`.
    before
        What stands in the file, where a killed job has left it.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any], before: Before | None = None) -> None:
        self.count = 0
        """Blocks that have come."""
        self.taken = 0
        """Blocks that the file under way has from the job before."""
        self._part: Record = {}
        self._outcomes: list[Record] = [] if before is None else list(before.outcomes)
        self._path, self._identity, self._before = path, identity, before
        self._file: BinaryIO | None = None
        self._synced = time.monotonic()
        self._thread: Thread | None = None
        self._fault: OSError | None = None

    def enter(self, part: Record) -> None:
        """Say which file is about to be made; for `part` see `Before`."""
        self._part = part

    def known(self) -> tuple[Record, ...]:
        """Return what the job before tells of the file; nothing where it was making another one."""
        before = self._before
        return before.records if before is not None and before.part == self._part else ()

    @property
    def directory(self) -> Path:
        """Where the job works."""
        return self._path.parent

    def outcome(self, part: Record) -> Record | None:
        """Return what `conclude` was told of a file; None where it was not."""
        return next((told for told in self._outcomes if told["part"] == part), None)

    def conclude(self, outcome: Record) -> None:
        """Note what has come of a finished file that another one follows, so that nobody makes it again.

        Parameters
        ----------
        outcome
            Its ``part``, and whatever decided that it does not suffice.

        Raises
        ------
        OSError
            The disk refuses.
        """
        if self.outcome(outcome["part"]) is None:
            self._outcomes.append(outcome)
            if self._file is not None:
                self._file.write(_line({"outcome": outcome}))

    def begin(self, data: Iterable[str], records: Sequence[Record] = ()) -> None:
        """Begin the record of the file, with what is taken over.

        Parameters
        ----------
        data, records
            See `Before`.

        Raises
        ------
        OSError
            The disk refuses.
        """
        self.settle()
        if self._file is not None:
            self._file.close()
        fresh = self._path.with_name(f"{self._path.name}.new")
        outcomes: list[Record] = [{"outcome": outcome} for outcome in self._outcomes]
        head: list[Record] = [{"identity": dict(self._identity)}, *outcomes, {"part": self._part, "data": list(data)}]
        fresh.write_bytes(b"".join(map(_line, [*head, *records])))
        os.replace(fresh, self._path)
        self._file = self._path.open("ab", buffering=0)
        self._before, self.count, self.taken = None, len(records), len(records)

    def add(self, record: Record, sync: Callable[[], None]) -> None:
        """Write what has come of a block; its bytes have been handed to the system before.

        Parameters
        ----------
        record
            Plain data.
        sync
            Flushes those bytes to the disk; called now and then, in a thread.

        Raises
        ------
        OSError
            The disk refuses, perhaps a flush of before.
        """
        if self._file is None:
            raise ValueError("no file was begun")
        self._file.write(_line(record))
        self.count += 1
        is_free = self._thread is None or not self._thread.is_alive()
        if is_free and time.monotonic() - self._synced > SYNC_SECONDS:
            self.settle()
            self._thread = Thread(target=self._sync, args=(sync, self._file), name="geosal-journal", daemon=True)
            self._thread.start()

    def settle(self) -> None:
        """Wait for a flush that is under way.

        Raises
        ------
        OSError
            It failed.
        """
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    def close(self) -> None:
        """Close the file."""
        if self._thread is not None:
            self._thread.join()
        if self._file is not None:
            self._file.close()
        self._thread = self._file = None

    def _sync(self, sync: Callable[[], None], file: BinaryIO) -> None:
        try:
            sync()
            os.fsync(file.fileno())
        except OSError as error:
            self._fault = error
        except ValueError:  # the job has ended meanwhile, and closed its files
            pass
        self._synced = time.monotonic()


class Growing:
    """A file that grows at its end, and knows what has come since it was last asked.

    Parameters
    ----------
    path
        A new file, or with `kept` perhaps an old one, which stays as it is until it is `cut`.
    kept
        Whether it has a journal: it then sums up what comes.
    """

    def __init__(self, path: Path, *, kept: bool = False) -> None:
        self.path = path
        self._kept = kept
        is_there = kept and path.exists()
        self._file: BinaryIO = path.open("r+b" if is_there else "x+b", buffering=_BUFFER)
        self.end = 0
        """Bytes that have come."""
        self._claimed = self._sum = 0

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises
        ------
        OSError
            The disk is full.
        """
        self._file.write(data)
        self.end += len(data)
        if self._kept:
            self._sum = checksum(data, self._sum)

    def claim(self) -> list[int]:
        """Hand what has come since the last claim to the system; return where it begins, its length and its sum."""
        self._file.flush()
        found = [self._claimed, self.end - self._claimed, self._sum]
        self._claimed, self._sum = self.end, 0
        return found

    def holds(self, claim: Sequence[int]) -> bool:
        """Return whether the file has the bytes of a claim."""
        begin, length, wanted = claim
        found, end = 0, begin + length
        if not 0 <= begin <= end <= os.fstat(self._file.fileno()).st_size:
            return False
        for place in range(begin, end, _READ):
            found = checksum(self.read(place, min(_READ, end - place)), found)
        return found == wanted

    def cut(self, end: int) -> None:
        """Forget all bytes from an offset on; the next one comes there."""
        self._file.flush()
        self._file.truncate(end)
        self._file.seek(end)
        self.end = self._claimed = end
        self._sum = 0

    def read(self, begin: int, length: int) -> bytes:
        """Read bytes that have come."""
        self._file.flush()
        parts = []
        while length:
            data = os.pread(self._file.fileno(), length, begin)
            if not data:
                raise OSError(f"{self.path.name} is shorter than it was")
            parts.append(data)
            begin, length = begin + len(data), length - len(data)
        return b"".join(parts)

    def patch(self, place: int, data: bytes) -> None:
        """Write over bytes that have come, which no claim is about; nothing is appended before the next `cut`."""
        self._file.seek(place)
        self._file.write(data)

    def sync(self) -> None:
        """Flush to the disk what was handed to the system."""
        os.fsync(self._file.fileno())

    def leave(self) -> None:
        """Close the file, which stays."""
        self._file.close()

    def close(self) -> None:
        """Close the file; delete it, unless it has a journal."""
        try:
            self._file.close()
        finally:
            if not self._kept:
                self.path.unlink(missing_ok=True)


def checksum(data: bytes, before: int = 0) -> int:
    """Return the CRC-32 of bytes, or of those after others whose sum is `before`, in a tenth of zlib's time."""
    from imagecodecs import deflate_crc32  # noqa: PLC0415  most files have no journal

    return int(deflate_crc32(data, before))


def _line(record: Record) -> bytes:
    text = json.dumps(record, separators=(",", ":"), ensure_ascii=True).encode("ascii")
    return b"[%d,%b]\n" % (zlib.crc32(text), text)


def _records(content: bytes) -> Iterator[Record]:
    """Yield the lines of a journal up to the first that is torn."""
    for line in content.split(b"\n"):
        checksum, _, text = line.removeprefix(b"[").removesuffix(b"]").partition(b",")
        if line != b"[%b,%b]" % (checksum, text) or checksum != b"%d" % zlib.crc32(text):
            return
        record = json.loads(text)
        if not isinstance(record, dict):
            return
        yield record
