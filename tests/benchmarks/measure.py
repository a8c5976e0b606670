"""One process, measured as a whole: wall, CPU, peak memory, temporary disk and bytes left.

Only the standard library is used here: Linux hands the peak memory of a process on to those that it starts, so what
measures must stay small.
"""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_POLL_SECONDS = 0.025
_POLLS_BETWEEN = 8
"""Polls of the disk for one of the processes, which is dearer; a peak of memory stays on the kernel's record."""
_MIB = 2**20
_READ_BYTES = 2**22


@dataclass(frozen=True)
class Figures:
    """What one run cost.

    Attributes
    ----------
    wall, cpu
        Seconds; CPU is user and system time of the process and its children.
    memory
        Peak resident bytes of the process and its children.
    temporary
        Bytes on disk that were there at once at most, without the output.
    size
        Bytes of the output and its sidecars.
    """

    wall: float
    cpu: float
    memory: int
    temporary: int
    size: int


class RunError(Exception):
    """The process failed; the message is its last line."""


class _Watcher(threading.Thread):
    """Looks at a process and at its directory until it is told to stop."""

    def __init__(self, pid: int, directory: Path) -> None:
        super().__init__(daemon=True)
        self._pid, self._directory = pid, directory
        self._done = threading.Event()
        self.memory = self.disk = 0

    def run(self) -> None:
        polls = nameless = 0
        while not self._done.wait(_POLL_SECONDS):
            if polls % _POLLS_BETWEEN == 0:
                processes = list(_family(self._pid))
                self.memory = max(self.memory, _status(self._pid, "VmHWM"), sum(_status(p, "VmRSS") for p in processes))
                nameless = sum(_nameless_bytes(process, self._directory) for process in processes)
            polls += 1
            self.disk = max(self.disk, nameless + disk_bytes(self._directory))

    def stop(self) -> None:
        self._done.set()
        self.join()


def measure(command: Sequence[str], directory: Path, environment: Mapping[str, str] | None = None) -> Figures:
    """Run a command in an empty directory of its own, where it leaves its output, and tell what that cost.

    Raises
    ------
    RunError
        It did not exit with 0.
    """
    own = {"TMPDIR": str(directory), "CPL_TMPDIR": str(directory)}  # what is temporary is to be seen
    errors = directory.with_suffix(".stderr")
    with errors.open("wb") as stderr:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=os.environ | own | dict(environment or {}),
        )
        watcher = _Watcher(process.pid, directory)
        watcher.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        finally:
            wall = time.perf_counter() - begin
            watcher.stop()
    process.returncode = os.waitstatus_to_exitcode(status)
    lines = errors.read_text(errors="replace").strip().splitlines()
    errors.unlink()
    if process.returncode != 0:
        raise RunError(lines[-1] if lines else f"exit status {process.returncode}, and nothing on stderr")
    left = disk_bytes(directory)
    size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    return Figures(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        memory=max(watcher.memory, _own_peak(usage.ru_maxrss * 1024)),
        temporary=max(0, watcher.disk - left),
        size=size,
    )


def interleave(
    runs: Mapping[str, Callable[[], Figures]], repeat: int, report: Callable[[str], None], needed: str = ""
) -> tuple[dict[str, list[Figures]], dict[str, str]]:
    """Measure all runs in turn, A B C A B C: what disturbs the machine then disturbs them all alike.

    Without the run `needed` the others say nothing, and are left out when it fails.

    Returns
    -------
    dict, dict
        Name -> figures, one of each repeat; and name -> why a run failed, after which it is left out.
    """
    found: dict[str, list[Figures]] = {name: [] for name in runs}
    failed: dict[str, str] = {}
    for _ in range(repeat):
        for name, run in runs.items():
            if failed.keys() & {name, needed}:
                continue
            os.sync()  # nobody pays for what the one before left to be written
            try:
                figures = run()
            except RunError as error:
                failed[name] = str(error)
                report(f"{name}: not available: {error}")
                continue
            found[name].append(figures)
            report(f"{name}: {figures.wall:.2f} s, {figures.memory / _MIB:.0f} MiB, {figures.size / 1e6:.1f} MB")
    return {name: figures for name, figures in found.items() if figures and name not in failed}, failed


def warm(paths: Iterable[Path]) -> None:
    """Read files, so that they are in the page cache."""
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while file.read(_READ_BYTES):
                pass


def disk_bytes(directory: Path) -> int:
    """Bytes that the files below a directory take up on disk."""
    total = 0
    for parent, _, names in os.walk(directory):
        for name in names:
            with suppress(OSError):  # gone in the meantime
                total += os.lstat(os.path.join(parent, name)).st_blocks * 512
    return total


def _nameless_bytes(pid: int, directory: Path) -> int:
    """Bytes of files that were deleted and are still open."""
    total = 0
    with suppress(OSError):
        for entry in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                target = os.readlink(f"/proc/{pid}/fd/{entry}")
                if target.startswith(str(directory)) and target.endswith(" (deleted)"):
                    total += os.stat(f"/proc/{pid}/fd/{entry}").st_blocks * 512
    return total


def _family(pid: int) -> Iterator[int]:
    """Yield a process and its descendants."""
    yield pid
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{thread}/children").read_text(encoding="ascii").split():
                yield from _family(int(child))


def _status(pid: int, field: str) -> int:
    """Bytes of a field of Linux's account of a process; 0 when there is none."""
    with suppress(OSError), open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        return next((int(line.split()[1]) * 1024 for line in status if line.startswith(f"{field}:")), 0)
    return 0


def _own_peak(reported: int) -> int:
    """The kernel's figure, unless it is no more than what this process itself has handed on."""
    return reported if reported > _status(os.getpid(), "VmHWM") else 0
