"""Real dask clusters: schedulers and workers as processes of their own, with any environment and under any command."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

CONNECTED = r"(Starting established connection)"


def _finding_tasks() -> dict[str, str]:
    """The environment, in which processes find `tests/tasks.py`."""
    places = (os.environ.get("PYTHONPATH"), str(Path(__file__).parent))
    return os.environ | {"PYTHONPATH": os.pathsep.join(place for place in places if place)}


class Started:
    """A scheduler or workers, and what they have logged."""

    def __init__(
        self, folder: Path, module: str, *words: object, under: Sequence[object] = (), **environment: str
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.log = folder / f"{module}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(word) for word in (*under, sys.executable, "-P", "-m", f"distributed.cli.{module}", *words)],
                cwd=folder, stderr=log, env=_finding_tasks() | environment,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        """The process's number."""
        return self.process.pid

    def told(self, pattern: str, times: int = 1) -> str:
        """Wait until the log has told something, and return the last of it."""
        for _ in range(600):
            if len(found := re.findall(pattern, self.log.read_text())) >= times:
                return str(found[-1])
            time.sleep(0.1)
        raise TimeoutError(self.log.read_text())

    def workers(self) -> list[psutil.Process]:
        """The processes that a nanny keeps."""
        children = psutil.Process(self.pid).children(recursive=True)
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]

    def stop(self) -> None:
        """Kill it and what it has started; nobody has to be told that it goes, which takes seconds."""
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
        self.process.kill()
        self.process.wait()


@contextmanager
def scheduler_in(
    folder: Path, *words: object, host: str = "127.0.0.1", under: Sequence[object] = (), **environment: str
) -> Iterator[tuple[str, Started]]:
    """Start a scheduler, and lend its address."""
    told = ("--port", 0, "--host", host, "--no-dashboard", *words)
    started = Started(folder, "dask_scheduler", *told, under=under, **environment)
    try:
        yield started.told(r"Scheduler at:\s+(\w+://\S+)"), started
    finally:
        started.stop()


@contextmanager
def workers_of(
    address: str,
    folder: Path,
    *words: object,
    count: int = 1,
    host: str = "127.0.0.1",
    under: Sequence[object] = (),
    **environment: str,
) -> Iterator[Started]:
    """Start workers of one thread each, and wait until they are there; `--no-nanny` makes it one process."""
    told = (
        address,
        "--nworkers",
        count,
        "--nthreads",
        1,
        "--no-dashboard",
        "--host",
        host,
        "--local-directory",
        folder,
    )
    started = Started(folder, "dask_worker", *told, *words, under=under, **environment)
    try:
        started.told(CONNECTED, count)
        yield started
    finally:
        started.stop()
