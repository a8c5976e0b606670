"""Give damaged and hostile input to every reader of ours, and tell what came of it.

    python tests/fuzz.py [--count 2000] [--seed 1] [TARGET ...]
    python tests/fuzz.py --seed 1 --only 123 TARGET     # one input again, with its traceback

`fuzz_rasters.py`, `fuzz_sources.py` and `fuzz_jobs.py` have the readers, each with sound files of ours; `mutations.py`
damages these. Each target runs in a process of its own, which may take no more than so much memory and time. What must
hold: nothing but the errors that a reader promises comes out, no other file or server is touched, nothing is left. The
same seed makes the same inputs, so none is kept. With atheris installed, `--guided SECONDS` looks for inputs that reach
new lines of geosal.

Bytes are damaged only where readers of ours look at them: this is no test of GDAL, OpenJPEG or zlib. The suite runs a
few inputs of each target (`test_fuzz.py`).
"""

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import fuzz_jobs
import fuzz_rasters
import fuzz_sources
from fuzz_base import Target

TARGETS: dict[str, Target] = {**fuzz_rasters.TARGETS, **fuzz_sources.TARGETS, **fuzz_jobs.TARGETS}
ROOT = Path(__file__).resolve().parents[1]
MEMORY = 1536 * 2**20
"""Bytes of address space that a target may take beyond what its imports and its first files take."""
SECONDS = 10.0
"""Processor time for one input."""
_READ_ANYWHERE = (
    str(ROOT), sys.prefix, sys.base_prefix, os.path.realpath(sys.prefix), "/usr", "/proc", "/sys", "/dev",
    "/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf",
)  # fmt: skip
"""Places that Python and its libraries read from."""
_FORBIDDEN = (
    "socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn",
    "os.fork", "pickle.find_class", "urllib.Request", "ftplib.connect", "webbrowser.open",
)  # fmt: skip
_CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "shutil.rmtree")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class TooSlowError(BaseException):
    """An input takes too long; no `Exception`, so that no reader takes it for damage."""


class Watch:
    """Notes what is opened or changed outside of a folder, and what else no reader does."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.active = str(folder), False
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active:
            return
        if event in _FORBIDDEN:
            self.seen.append(f"{event} {arguments[:2]!r:.100}")
        elif event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            path, writes = os.path.abspath(os.fsdecode(arguments[0])), bool((arguments[2] or 0) & _WRITES)
            if not path.startswith(self.folder) and (writes or not path.startswith(_READ_ANYWHERE)):
                self.seen.append(f"open {path[:100]}{' to write' if writes else ''}")
        elif event in _CHANGES:
            within = next((one for one in arguments if isinstance(one, int) and one >= 0), None)
            top = os.getcwd() if within is None or event == "os.mkdir" else os.readlink(f"/proc/self/fd/{within}")
            for path in (one for one in arguments[:2] if isinstance(one, str | bytes | os.PathLike)):
                whole = os.path.normpath(os.path.join(top, os.fsdecode(path)))
                if not whole.startswith(self.folder):
                    self.seen.append(f"{event} {whole[:100]}")

    def told(self) -> list[str]:
        """What was noted since the last time."""
        seen, self.seen = [one for one in self.seen if "/dev/null" not in one], []
        return seen


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Let the body take so much processor time and no more."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooSlowError(f"{seconds:g} s")

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def cause_of(error: BaseException) -> str:
    """Name an error by its type and the last line of ours that it came through."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if "geosal" in Path(one.filename).parts]
    where = f"{Path(frames[-1].filename).relative_to(ROOT)}:{frames[-1].lineno}" if frames else "no line of ours"
    return f"{type(error).__name__} at {where}: {' '.join(str(error).split())[:100]}"


class Fuzzed:
    """A target, with its files in a folder."""

    def __init__(self, name: str, folder: Path, seed: int) -> None:
        self.target, self.name, self.folder, self.seed = TARGETS[name], name, folder, seed
        self.seeds = self.target.seeds(folder)
        for one in self.seeds:  # sound files have to be read, and caches of libraries to be filled
            self.target.read(folder, one.place, one.data)
        self.there = self._names()
        self.watch = Watch(folder)

    def input(self, number: int) -> tuple[str, bytes]:
        """Make an input: the place of a file, and its content."""
        chance = random.Random(f"{self.name} {self.seed} {number}")
        one = chance.choice(self.seeds)
        return one.place, one.mutate(one.data, chance)

    def run(self, place: str, data: bytes) -> str:
        """Read an input: ``accepted``, ``refused``, or what is wrong."""
        self.watch.active = True
        try:
            with limited(SECONDS):
                self.target.read(self.folder, place, data)
            found = "accepted"
        except self.target.allowed as error:
            found = "refused" if "\n" not in str(error) else f"an error of several lines: {error!s:.60}"
        except (Exception, TooSlowError) as error:  # noqa: BLE001  that is what is looked for
            found = cause_of(error)
            if _verbose:
                traceback.print_exception(error)
        finally:
            self.watch.active = False
        if touched := self.watch.told():
            return f"touches what is not its own: {touched[0]}"
        if left := self._names() ^ self.there:
            for name in left - self.there:
                (self.folder / name).unlink(missing_ok=True)
            return f"leaves or takes {min(left)}"
        return found

    def _names(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if not path.is_dir()}


_verbose = False


def limit_memory() -> None:
    """Let this process take no more than `MEMORY` beyond what it has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        pages = int(file.read().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def child(name: str, folder: Path, seed: int, numbers: range) -> None:
    """Run inputs of a target, and print a line for what came of each kind."""
    warnings.simplefilter("ignore")
    fuzzed = Fuzzed(name, folder, seed)
    limit_memory()
    tally: Counter[str] = Counter()
    first: dict[str, int] = {}
    for number in numbers:
        told = [number, [[what, count, first[what]] for what, count in tally.items()]]
        (folder.parent / "tally").write_text(json.dumps(told))  # should this process end
        found = fuzzed.run(*fuzzed.input(number))
        tally[found] += 1
        first.setdefault(found, number)
    told = [numbers.stop, [[what, count, first[what]] for what, count in tally.items()]]
    (folder.parent / "tally").write_text(json.dumps(told))


def guided(name: str, folder: Path, seed: int, seconds: int) -> None:
    """Let atheris look for inputs; it ends with the first failure, and keeps none."""
    import atheris

    warnings.simplefilter("ignore")
    with atheris.instrument_imports(include=["geosal"], enable_loader_override=False):
        import geosal  # noqa: F401
    fuzzed = Fuzzed(name, folder, seed)
    limit_memory()
    places = [one.place for one in fuzzed.seeds]

    def once(data: bytes) -> None:
        found = fuzzed.run(places[data[0] % len(places)] if data else places[0], data[1:])
        if found not in {"accepted", "refused"}:
            raise RuntimeError(found)

    corpus = folder.parent / "corpus"
    corpus.mkdir()
    for number, one in enumerate(fuzzed.seeds[:256]):
        (corpus / str(number)).write_bytes(bytes([number]) + one.data)
    options = [f"-max_total_time={seconds}", "-rss_limit_mb=4096", f"-seed={seed}", "-artifact_prefix=/dev/null/"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], once)
    atheris.Fuzz()


def fuzz(name: str, seed: int, count: int) -> dict[str, tuple[int, int]]:
    """Run a target in a process of its own: what came of its inputs, how often, and the number of the first."""
    with tempfile.TemporaryDirectory(prefix="geosal-fuzz-") as text:
        folder = Path(os.path.realpath(text)) / "files"
        folder.mkdir()
        found: dict[str, tuple[int, int]] = {}
        begin = 0
        while begin < count:
            words = [sys.executable, __file__, "--child", str(folder), "--seed", str(seed), "--begin", str(begin)]
            done = subprocess.run(
                [*words, "--count", str(count), name], capture_output=True, text=True, check=False,
                env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": text, "GDAL_PAM_PROXY_DIR": ""},
            )  # fmt: skip
            if not (tally := Path(text) / "tally").exists():
                sys.exit(f"{name}: its sound files cannot be read: {done.stderr[-2000:]}")
            number, kinds = json.loads(tally.read_text())
            for what, times, first in kinds:
                found[what] = (found.get(what, (0, 0))[0] + times, found.get(what, (0, first))[1])
            begin = number + 1
            if done.returncode:
                what = f"the process ends ({done.returncode}) {done.stderr.strip()[-100:]}"
                found[what] = (found.get(what, (0, 0))[0] + 1, number)
            for path in Path(text).iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            folder.mkdir()
        return found


def row(name: str, found: dict[str, tuple[int, int]]) -> str:
    """A row of the tally: tried, refused, accepted, failed; what failed follows in lines of its own."""
    refused, accepted = (found.get(what, (0, 0))[0] for what in ("refused", "accepted"))
    failed = {what: told for what, told in found.items() if what not in {"refused", "accepted"}}
    count = sum(times for times, _ in failed.values())
    lines = [f"| {name} | {refused + accepted + count} | {refused} | {accepted} | {count} |"]
    lines += [f"    {times} x, first in {first}: {what}" for what, (times, first) in failed.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Do as many inputs as asked."""
    global _verbose  # noqa: PLW0603
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    parser.add_argument("--guided", type=int)
    parser.add_argument("--child")
    parser.add_argument("--begin", type=int, default=0)
    asked = parser.parse_args()
    if asked.child:
        child(asked.targets[0], Path(asked.child), asked.seed, range(asked.begin, asked.count))
        return
    if asked.only is not None or asked.guided:
        with tempfile.TemporaryDirectory(prefix="geosal-fuzz-") as text:
            folder = Path(os.path.realpath(text)) / "files"
            folder.mkdir()
            if asked.guided:
                guided(asked.targets[0], folder, asked.seed, asked.guided)
            _verbose = True
            fuzzed = Fuzzed(asked.targets[0], folder, asked.seed)
            place, data = fuzzed.input(asked.only)
            sys.stdout.write(f"{place}: {data[:1500]!r}\n{fuzzed.run(place, data)}\n")
        return
    failed = 0
    sys.stdout.write("| target | tried | refused | accepted | failed |\n|---|---:|---:|---:|---:|\n")
    for name in asked.targets or TARGETS:
        found = fuzz(name, asked.seed, max(1, asked.count // TARGETS[name].cost))
        failed += sum(times for what, (times, _) in found.items() if what not in {"refused", "accepted"})
        sys.stdout.write(row(name, found))
        sys.stdout.flush()
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
