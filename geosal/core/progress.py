"""How far a job is, in the words that a callback gets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Stage = Literal[
    "search", "smooth", "encode", "array", "write", "finish", "verify", "saliency", "sample", "range",
    "compare", "map", "scene", "maps", "files",
]  # fmt: skip
"""What is being done.

Of a job: "search" looks for the setting, "smooth" or "encode" works on
the blocks, "finish" makes the file of them, and "verify" checks it. "array" computes a lazy array, "write" is for its
blocks, "saliency" for those of a map, "sample" for an estimate; "range", "compare" and "map" are a comparison's,
"scene" is the demonstration's, and the last two are an experiment's.
"""
TITLES: Mapping[Stage, str] = MappingProxyType(
    {
        "search": "looking for the setting",
        "smooth": "smoothing",
        "encode": "encoding",
        "array": "computing the array",
        "write": "writing",
        "finish": "completing the file",
        "verify": "checking",
        "saliency": "saliency",
        "sample": "trying a sample",
        "range": "looking",
        "compare": "comparing",
        "map": "mapping errors",
        "scene": "drawing",
        "maps": "looking at images",
        "files": "encoding and comparing",
    }
)
"""Stages in words."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: `done` of `total` `unit` of a `stage`.

    Attributes
    ----------
    stage
        What is being done.
    done, total
        Of the stage; of a search, whose end nobody knows, `total` grows.
    unit
        What is counted, such as "blocks".
    part, parts
        Number of the part of the job, from 1, and number of parts: a job that looks for its setting has two or three.
    share
        Share of the whole job that is done, 0 to 1, by the pixels that each part works on; None where only the stage is
        known. It falls where more turns out to be needed.
    written
        Bytes of the tiles that the file has so far; 0 where they come last, as in a JPEG, or are unknown.
    job, jobs
        Number of the job, from 1, and number of jobs, where there are several; `share` is then that of all of them.
    """

    stage: Stage
    done: int
    total: int
    unit: str
    part: int = 1
    parts: int = 1
    share: float | None = None
    written: int = 0
    job: int = 1
    jobs: int = 1

    @property
    def title(self) -> str:
        """The stage in words: ``2/3 looking for the setting (trial 4)``, ``job 5/13: smoothing``."""
        job = f"job {self.job}/{self.jobs}: " if self.jobs > 1 else ""
        number = f"{self.part}/{self.parts} " if self.parts > 1 else ""
        trial = f" (trial {self.done})" if self.unit == "trials" and self.done else ""
        return f"{job}{number}{TITLES[self.stage]}{trial}"


ProgressCallback = Callable[[Progress], None]
"""Called in the thread that asked for the job, again and again."""


def ignore(_: Progress) -> None:
    """Take no notice."""
