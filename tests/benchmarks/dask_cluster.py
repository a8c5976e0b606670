"""A scheduler and workers as processes of this machine, and what a job on them takes: time, CPU and memory."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from measure import RunError

HERE = Path(__file__).resolve().parent
_START_SECONDS = 60.0
_POLL_SECONDS = 0.1
_PERIOD = 100_000
"""Microseconds over which the kernel shares a core."""
_GROUPS = {  # the file that holds a group's share of a core, and what is written into it
    Path("/sys/fs/cgroup/cpu"): ("cpu.cfs_quota_us", "{quota}"),
    Path("/sys/fs/cgroup"): ("cpu.max", "{quota} {period}"),
}


@dataclass(frozen=True)
class Spent:
    """What a job took on a cluster.

    Attributes
    ----------
    wall
        Seconds of the client's process, from start to exit.
    before, span, after
        Seconds until the first block begins, from there until the last one ends, and until the exit.
    blocks
        Number of blocks.
    worked
        Seconds that workers' threads spent on blocks, all together.
    busy
        Share of the span, times the threads, in which they did.
    sent
        Bytes of the results, as dask counts them.
    client_cpu, scheduler_cpu, workers_cpu
        CPU seconds of each while the job ran.
    client_peak, scheduler_peak
        Most resident bytes.
    """

    wall: float
    before: float
    span: float
    after: float
    blocks: int
    worked: float
    busy: float
    sent: int
    client_cpu: float
    scheduler_cpu: float
    workers_cpu: float
    client_peak: int
    scheduler_peak: int


class Cluster:
    """A scheduler and workers that run.

    Attributes
    ----------
    address
        Address of the scheduler.
    threads
        Threads of all workers.
    """

    def __init__(self, address: str, threads: int, scheduler: int, workers: Sequence[int]) -> None:
        from distributed import Client

        self.address, self.threads = address, threads
        self._scheduler, self._workers = psutil.Process(scheduler), [psutil.Process(each) for each in workers]
        self._client: Any = Client(address, set_as_default=False)
        self._client.get_task_stream()  # from now on the scheduler takes notes

    def close(self) -> None:
        """Take leave of the scheduler."""
        self._client.close()

    def compress(self, scene: Path, output: Path, *options: str) -> Spent:
        """Run a job to its end, and tell what it took.

        Raises
        ------
        RunError
            It failed.
        """
        command = [
            sys.executable, "-m", "geosal", "compress", str(scene), str(output), "--overwrite", "--quiet",
            "--scheduler", self.address, *options,
        ]  # fmt: skip
        scheduler_cpu, workers_cpu = _cpu(self._scheduler), sum(map(_cpu, self._workers))
        begin = time.time()
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=errors)
            watch = _Watch([self._scheduler, psutil.Process(process.pid)])
            watch.start()
            _, status, usage = os.wait4(process.pid, 0)
            end = time.time()
            process.returncode = os.waitstatus_to_exitcode(status)
            watch.stop()
            errors.seek(0)
            if process.returncode:
                raise RunError(errors.read().decode(errors="replace").strip()[-500:])
        notes = [note for note in self._client.get_task_stream(start=begin) if "geosal" in note["key"]]
        times = [(each["start"], each["stop"]) for note in notes for each in note["startstops"]]
        first, last = min(start for start, _ in times), max(stop for _, stop in times)
        worked = sum(stop - start for start, stop in times)
        return Spent(
            wall=end - begin, before=first - begin, span=last - first, after=end - last, blocks=len(notes),
            worked=worked, busy=worked / (self.threads * (last - first)), sent=sum(note["nbytes"] for note in notes),
            client_cpu=usage.ru_utime + usage.ru_stime, scheduler_cpu=_cpu(self._scheduler) - scheduler_cpu,
            workers_cpu=sum(map(_cpu, self._workers)) - workers_cpu,
            client_peak=usage.ru_maxrss * 1024, scheduler_peak=watch.peaks[0],
        )  # fmt: skip


class _Watch(threading.Thread):
    """Looks at the memory of processes until it is told to stop."""

    def __init__(self, processes: Sequence[psutil.Process]) -> None:
        super().__init__(daemon=True)
        self._processes, self._done = processes, threading.Event()
        self.peaks = [0] * len(processes)

    def run(self) -> None:
        while not self._done.wait(_POLL_SECONDS):
            for number, process in enumerate(self._processes):
                with contextlib.suppress(psutil.Error):
                    self.peaks[number] = max(self.peaks[number], process.memory_info().rss)

    def stop(self) -> None:
        self._done.set()
        self.join()


@contextmanager
def running(
    workers: int,
    threads: int = 1,
    *,
    environment: Mapping[str, str] | None = None,
    preload: Path | None = None,
    share: float | None = None,
) -> Iterator[Cluster]:
    """Start a scheduler and worker processes of some threads each, and end them.

    With `share`, each worker is held to that share of a core: so two of them leave the client and the scheduler what
    these have on machines of their own.
    """
    own = os.environ | {"PYTHONPATH": str(HERE.parents[1])} | dict(environment or {})
    with tempfile.TemporaryDirectory(prefix="geosal-cluster-") as text, contextlib.ExitStack() as stack:
        folder = Path(text)

        def start(name: str, *arguments: str) -> "subprocess.Popen[bytes]":
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            command = [sys.executable, "-m", *arguments, "--no-dashboard", "--host", "127.0.0.1"]
            process = subprocess.Popen(command, cwd=folder, stderr=log, stdout=log, env=own)
            stack.callback(_end, process)
            return process

        scheduler = start("scheduler", "distributed.cli.dask_scheduler", "--port", "0")
        address = _wait_for(folder / "scheduler.log", r"Scheduler at:\s+(tcp://\S+)")
        more = [] if preload is None else ["--preload", str(preload)]
        started = [
            start(
                f"worker-{number}", "distributed.cli.dask_worker", address, "--nworkers", "1", "--no-nanny",
                "--nthreads", str(threads), "--memory-limit", "0", "--local-directory", text, *more,
            )
            for number in range(workers)
        ]  # fmt: skip
        for number in range(workers):
            _wait_for(folder / f"worker-{number}.log", "(Starting established connection)")
        if share is not None:
            for each in started:
                stack.enter_context(_held(each.pid, share))
        cluster = Cluster(address, workers * threads, scheduler.pid, [each.pid for each in started])
        stack.callback(cluster.close)
        yield cluster


@contextmanager
def _held(pid: int, share: float) -> Iterator[None]:
    """Hold a process to a share of a core, by a control group of its own; takes root."""
    root = next(each for each in _GROUPS if each.is_dir())
    name, form = _GROUPS[root]
    group, own = root / f"geosal-{pid}", root / "cgroup.procs"
    group.mkdir()
    (group / name).write_text(form.format(quota=round(share * _PERIOD), period=_PERIOD))
    (group / "cgroup.procs").write_text(str(pid))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # it may be gone
            own.write_text(str(pid))
        with contextlib.suppress(OSError):
            group.rmdir()


def _wait_for(log: Path, pattern: str) -> str:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if match := re.search(pattern, log.read_text(errors="replace")):
            return match[1]
        time.sleep(_POLL_SECONDS)
    raise RunError(log.read_text(errors="replace").strip()[-500:])


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
