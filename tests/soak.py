"""Random jobs for as long as asked, in several settings, killed and resumed, each held to references that are not ours.

    python tests/soak.py [--seconds 3600] [--seed 1] [--jobs 2]
    python tests/soak.py --only SEED        one round again

A round draws a scene, a saliency and a job (`cases.wide`), does it from Python, by the command line or on arrays, and
holds the output to SciPy's sums, to readers that are not ours (`cases.combinations`) and to `geosal verify`. Then it
does the same with other blocks, workers and schedulers; and now and then it kills the job and goes on by ``--resume``.
The bytes must be the same. A job that cannot be done must be refused by its plan. Each fault is printed with its seed;
the last lines are a tally, and the exit code is 1 where there was a fault.
"""

import argparse
import contextlib
import faulthandler
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from cases.combinations import Fault, verify
from cases.drawing import Draw, Scene, make
from cases.frame import geosal as command
from cases.wide import draw_wide

import geosal

_REFUSED = {2, 3, 4, 7}
"""Exit codes of what a plan refuses."""
_MISSED = 6
_HANGS = 1800
"""Seconds after which a round has to be over."""
_PATIENCE = 300
"""Seconds in which a process that was told to end has to be gone."""
_BESIDE = (".aux.xml", ".msk", ".stac.json", ".seal")
_WAYS = ("python",) * 5 + ("command",) * 4 + ("accessor",) * 2 + ("arrays",)
_SIGNALS = (signal.SIGKILL,) * 3 + (signal.SIGTERM, signal.SIGINT)
_SWITCHES = {"seal", "stac", "overwrite"}
_NAMES = {"saliency": "-s", "bidx": "-b", "creation_options": "--co"}
_OF_ARRAYS = {"saliency", "profile", "bidx", "to_byte", "workers"}
"""Options that the way over arrays, from `open_scene` to `write`, has as well, or does without."""


def words_of(wish: dict[str, Any]) -> list[str]:
    """Write options as the command line has them."""
    words: list[str] = []
    for key, value in wish.items():
        name = _NAMES.get(key, f"--{key.replace('_', '-')}")
        if key in _SWITCHES:
            words.append(name)
            continue
        several = [f"{k}={v}" for k, v in value.items()] if isinstance(value, dict) else value
        for each in several if isinstance(several, list | tuple) else [several]:
            words += [name, str(each)]
    return words


def digest(output: Path) -> dict[str, str]:
    """The digest of each file of an output and of what lies beside it, but for what is hidden."""
    folder = output.parent
    files = [path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0][0] != "."]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}


def hidden(output: Path) -> list[str]:
    """Names of what a job leaves beside its output while it runs."""
    return sorted(path.name for path in output.parent.glob(".*"))


class Round:
    """One draw, and all that is done with it in a folder."""

    def __init__(self, seed: int, folder: Path, cluster: str | None) -> None:
        self.found: Draw = draw_wide(seed)
        self.chance = random.Random(seed)
        self.folder, self.cluster = folder, cluster
        self.tally: Counter[str] = Counter()
        self.way = self.chance.choice(_WAYS)
        if self.way == "arrays":
            self.found.by_arrays = True
            self.found.wish = {key: value for key, value in self.found.wish.items() if key in _OF_ARRAYS}
        self.scene: Scene = make(self.found, folder)

    def run(self) -> Counter[str]:
        """Do it; what was done is counted.

        Raises
        ------
        Fault
            Something came out wrong.
        """
        self.tally["rounds"] += 1
        wish = dict(self.found.wish)
        output, seconds = self._output("base"), time.monotonic()
        refusal = self._job(output, wish, self.way)
        seconds = time.monotonic() - seconds
        if refusal is not None:
            self._refused(output, refusal, wish)
            return self.tally
        self.tally[f"made {self.found.suffix} {wish.get('profile', '')}".strip()] += 1
        self._whole(output)
        verify(self.found, self.scene, output)
        self._prove(output)
        if self.way not in {"arrays", "accessor"}:
            if self.chance.random() < 0.6:
                self._otherwise(output, wish)
            if self.chance.random() < 0.35:
                self._killed(output, wish, seconds)
        return self.tally

    def _output(self, name: str) -> Path:
        (self.folder / name).mkdir()
        return self.folder / name / f"out{self.found.suffix}"

    def _job(self, output: Path, wish: dict[str, Any], way: str) -> tuple[int, str] | None:
        """Do a job one way; the exit code and the message of a refusal."""
        self.tally.update({"jobs": 1, f"by {way}": 1, f"on {_kind(wish.get('scheduler'))}": 1})
        if way == "command":
            done = command("compress", self.scene.path, output, *words_of(wish), "--quiet", "--json", "-")
            if done.returncode == 0:
                json.loads(done.stdout)
            return (done.returncode, done.stderr.strip()) if done.returncode else None
        stages: list[object] = []
        try:
            if way == "python":
                geosal.compress(self.scene.path, output, progress=stages.append, **wish)
            else:
                self._on_arrays(output, wish, stages, by_accessor=way == "accessor")
        except geosal.GeosalError as error:
            if error.exit_code != _MISSED and stages:
                raise Fault(f"refused late, exit {error.exit_code}: {error}") from error
            return error.exit_code, str(error)
        return None

    def _on_arrays(self, output: Path, wish: dict[str, Any], stages: list[object], *, by_accessor: bool) -> None:
        wish = dict(wish)
        sources, bands = wish.pop("saliency"), list(wish.pop("bidx", ())) or None
        opened = geosal.open_scene(
            self.scene.path, bands=bands, chunks=self.found.chunks, to_byte=wish.pop("to_byte", None)
        )
        if by_accessor:
            opened.geosal.compress(output, sources, progress=stages.append, **wish)
            return
        smooth = geosal.smooth(opened, geosal.saliency(sources, like=opened))
        geosal.write(smooth, output, progress=stages.append, **wish)

    def _refused(self, output: Path, refusal: tuple[int, str], wish: dict[str, Any]) -> None:
        """See that a refusal came from the plan, left nothing, and count its reason."""
        code, message = refusal
        if left := [path.name for path in output.parent.iterdir()]:
            raise Fault(f"refused, and left {left}")
        if code == _MISSED:
            self.tally["missed a target"] += 1
            return
        if code not in _REFUSED or "\n" in message.strip():
            raise Fault(f"exit {code}: {message}")
        if self.way in {"python", "command"}:
            try:
                geosal.make_plan(geosal.Recipe.from_mapping({"input": self.scene.path, "output": output, **wish}))
            except geosal.GeosalError as error:
                if error.exit_code != code:
                    raise Fault(f"the plan refuses by {error.exit_code}, the job by {code}: {message}") from error
            else:
                raise Fault(f"exit {code}, and the plan refuses nothing: {message}")
        self.tally.update({"refused": 1, f"refused {code}: {_reason(message)}": 1})

    def _whole(self, output: Path) -> None:
        """See that there is the output, its sidecars, and nothing else."""
        names = {output.name, *(f"{output.name}{more}" for more in _BESIDE), "out.jgw", "out.pgw"}
        if not output.exists() or (left := {path.name for path in output.parent.iterdir()} - names):
            raise Fault(f"there is {sorted(path.name for path in output.parent.iterdir())}: {left}")

    def _prove(self, output: Path) -> None:
        """Let `geosal verify` find that all holds, and no more be said by `info` and `compare` than is so."""
        if self.way == "arrays":
            return
        done = command("verify", output, "--against", self.scene.path, "--json", "-")
        if done.returncode:
            failed = [each for each in json.loads(done.stdout or "{}").get("checks", []) if each.get("ok") is False]
            raise Fault(f"verify exits {done.returncode}: {done.stderr.strip()[-300:]} {failed}")
        self.tally["verified"] += 1
        if self.chance.random() < 0.2:
            done = command("info", output, "--json", "-")
            if done.returncode:
                raise Fault(f"info exits {done.returncode}: {done.stderr}")

    def _otherwise(self, base: Path, wish: dict[str, Any]) -> None:
        """Do the job in another setting: the same bytes, but that tiles of a JPEG 2000 lie in the order of blocks."""
        other = dict(wish)
        sides = [512, 1024, 1536] if wish.get("seal") else [64, 96, 192, 320, 512, 1024]
        if self.chance.random() < 0.7:
            other["block"] = self.chance.choice(sides)
        other["workers"] = self.chance.randint(1, 4)
        other["scheduler"] = self.chance.choice(["threads"] * 6 + ["processes"] + [self.cluster or "threads"] * 3)
        output = self._output("other")
        refusal = self._job(output, other, self.chance.choice(["python", "python", "command"]))
        said = f"block={other.get('block')} workers={other['workers']} {_kind(other['scheduler'])}"
        if refusal is not None:
            raise Fault(f"with {said}: exit {refusal[0]}, {refusal[1]}")
        self._whole(output)
        if digest(output) == digest(base):
            self.tally["the same bytes"] += 1
            return
        reordered = output.suffix == ".jp2" and other.get("block") != wish.get("block")
        if not reordered and wish.get("profile") != "lerc":  # LERC leaves chance bits where nothing counts
            raise Fault(f"with {said} the bytes differ: {_unlike(output, base)}")
        verify(self.found, self.scene, output)
        if not _same_pixels(output, base):
            raise Fault(f"with {said} the pixels differ")
        self.tally["the same pixels by LERC, or of a JPEG 2000 whose blocks differ"] += 1

    def _killed(self, base: Path, wish: dict[str, Any], seconds: float) -> None:
        """Kill the job in a process of its own, perhaps over an old output, and go on until it is done."""
        output, old = self._output("killed"), {}
        if self.chance.random() < 0.35:
            geosal.compress(self.scene.path, output, saliency="uniform:saliency=1")
            old, wish = digest(output), wish | {"overwrite": True}
        words = [
            sys.executable,
            "-P",
            "-m",
            "geosal",
            "compress",
            self.scene.path,
            str(output),
            *words_of(wish),
            "--quiet",
        ]
        whole, resume = digest(base), []
        for _ in range(self.chance.choice([1, 1, 2, 3])):
            number = self.chance.choice(_SIGNALS)
            code = self._kill([*words, *resume], output, number, self.chance.uniform(0, 1.3 * seconds))
            self.tally.update({"jobs": 1, f"killed by {number.name}" if code else "ended before the signal": 1})
            command("info", output)  # whoever reads the output settles it
            if wish.get("profile") != "lerc" and digest(output) not in (old, whole):
                raise Fault(f"killed by {number.name}: {sorted(digest(output))}, neither the old output nor the new")
            resume = ["--resume"]
        done = subprocess.run(
            [*words, *resume, "--json", "-"], capture_output=True, text=True, check=False, env=_environment()
        )
        if done.returncode:
            raise Fault(f"the resumed job exits {done.returncode}: {done.stderr.strip()[-300:]}")
        summary = json.loads(done.stdout)
        self.tally.update(jobs=1, resumed=1, blocks_taken_over=summary.get("resumed_blocks") or 0)
        self._whole(output)
        if digest(output) != whole and not (wish.get("profile") == "lerc" and _same_pixels(output, base)):
            raise Fault(f"after kills and --resume the bytes differ: {_unlike(output, base)}")

    def _kill(self, words: list[str], output: Path, number: signal.Signals, moment: float) -> int:
        """Start a job and stop it by a signal, a moment after it has begun to work; its exit code."""
        before = set(hidden(output))
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=_environment())
        until = time.monotonic() + _PATIENCE
        while process.poll() is None and not set(hidden(output)) - before and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(moment)
        process.send_signal(number)
        try:
            _, said = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise Fault(f"{number.name} has not ended the job in {_PATIENCE} s") from None
        due = {0, -number, 128 + number} if number != signal.SIGKILL else {0, -number}
        if process.returncode not in due:
            raise Fault(f"after {number.name} exit {process.returncode}: {said.decode()[-300:]}")
        return process.returncode


def _environment() -> dict[str, str]:
    """An environment in which a process finds this geosal and keeps its bytecode."""
    told = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    root = str(Path(geosal.__file__).parents[1])
    return told | {"PYTHONPATH": root, "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "soak-bytecode")}


def _kind(scheduler: str | None) -> str:
    return "a cluster" if scheduler and "://" in scheduler else scheduler or "threads"


def _reason(message: str) -> str:
    """Shorten a refusal to what all of its kind have in common."""
    text = re.sub(r"'[^']*'|\S*/\S*|-?\d[\d.x]*", "#", " ".join(message.split()))
    return text.removeprefix("geosal: ")[:70]


def _unlike(one: Path, other: Path) -> str:
    ours, theirs = digest(one), digest(other)
    return ", ".join(sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)))[:200]


def _same_pixels(one: Path, other: Path) -> bool:
    import rasterio

    with rasterio.open(one) as first, rasterio.open(other) as second:
        return first.read().tobytes() == second.read().tobytes()


def one_round(seed: int, cluster: str | None) -> tuple[Counter[str], str | None]:
    """Do one round in a folder of its own; what was done, and the fault."""
    with tempfile.TemporaryDirectory(prefix="soak") as text, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done: Counter[str] = Counter()
        try:
            this = Round(seed, Path(text), cluster)
            done = this.tally
            this.run()
        except Fault as fault:
            return done, f"{fault} | by {this.way}, {this.found}"
        except geosal.GeosalError as error:  # of its saliency, before any job
            done.update({"rounds": 1, "refused": 1, f"refused {error.exit_code}: {_reason(str(error))}": 1})
        except Exception as error:  # noqa: BLE001  anything else is a fault as well
            return done, f"{type(error).__name__}: {error} | {draw_wide(seed)}"
    done["most open files in a process"] = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    return done, None


def _watched_round(seed: int, cluster: str | None) -> tuple[Counter[str], str | None]:
    """Do it; end this process, and tell where it was, if it hangs."""
    faulthandler.dump_traceback_later(_HANGS, exit=True)
    try:
        return one_round(seed, cluster)
    finally:
        faulthandler.cancel_dump_traceback_later()


@contextlib.contextmanager
def _cluster() -> Iterator[str | None]:
    """A dask cluster for all rounds, where distributed is installed."""
    try:
        from distributed import LocalCluster
    except ImportError:
        yield None
        return
    with (
        tempfile.TemporaryDirectory(prefix="soak-dask") as folder,
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", local_directory=folder) as cluster,
    ):
        yield cluster.scheduler_address


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def soak(seconds: float, seed: int, jobs: int, cluster: str | None) -> tuple[Counter[str], list[int]]:
    """Do rounds for so long, some at once; the tally, and the seeds of those that failed."""
    tally: Counter[str] = Counter()
    failed: list[int] = []
    until, upcoming = time.monotonic() + seconds, iter(range(seed, sys.maxsize))
    while time.monotonic() < until:
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            running: dict[Any, int] = {}
            broken = False
            while not broken and (running or time.monotonic() < until):
                while len(running) < jobs and time.monotonic() < until:
                    number = next(upcoming)
                    running[pool.submit(_watched_round, number, cluster)] = number
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    number = running.pop(future)
                    try:
                        done, fault = future.result()
                    except BrokenExecutor:
                        broken, done, fault = True, Counter(), "the process died or hung, perhaps of another seed"
                    most = max(tally["most open files in a process"], done.pop("most open files in a process", 0))
                    tally.update(done)
                    tally["most open files in a process"] = most
                    if fault is not None:
                        failed.append(number)
                        say(f"seed {number}: {' '.join(fault.split())[:700]}")
                        say(f"  again: python tests/soak.py --only {number}")
                    if tally["rounds"] % 25 == 0 and done:
                        say(f"{tally['rounds']} rounds, {tally['jobs']} jobs, {len(failed)} faults")
    return tally, failed


def main() -> None:
    """Do as many rounds as there is time for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the next ones count on")
    parser.add_argument("--jobs", type=int, default=2, help="rounds at once")
    parser.add_argument("--only", type=int, metavar="SEED", help="do the round of this seed and no other")
    parser.add_argument("--no-cluster", action="store_true", help="start no dask cluster")
    asked = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts this in the background has it ignored
    with contextlib.nullcontext() if asked.no_cluster else _cluster() as cluster:
        if asked.only is not None:
            tally, fault = one_round(asked.only, cluster)
            say(f"seed {asked.only}: {fault or 'no fault'} ({dict(tally)})")
            sys.exit(fault is not None)
        began = time.monotonic()
        tally, failed = soak(asked.seconds, asked.seed, asked.jobs, cluster)
    for name, number in sorted(tally.items()):
        say(f"{number:7} {name}")
    say(f"{len(failed)} faults in {tally['rounds']} rounds, {time.monotonic() - began:.0f} s: {failed}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
