"""The jobs of many inputs: what belongs together, and what stands in their way before the first begins."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from geosal.core.gdal_env import is_local
from geosal.core.zarr.files import locate
from geosal.errors import GeosalError, OutputError, SceneError, UsageError, redact
from geosal.files.addresses import is_remote
from geosal.files.publish import check_output
from geosal.files.upload import REPLACE
from geosal.formats.table import has_world_file
from geosal.job.recipe import Recipe
from geosal.job.settings import inputs_of
from geosal.sources import SourceText
from geosal.sources.registry import opener_of

if TYPE_CHECKING:
    from geosal.batch.whole import Whole

_MOST_TOLD = 12
"""Most paths that a message names of those that have the same fault."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job of several.

    Attributes
    ----------
    recipe
        The wish.
    weight
        Its share of the work, in any unit.
    unmade
        The same with the sources of saliency themselves, where `recipe` has a map of them that is still to be made.
    """

    recipe: Recipe
    weight: float = 1.0
    unmade: Recipe | None = None

    @property
    def input(self) -> str:
        """The input."""
        return self.recipe.input

    @property
    def output(self) -> str:
        """Where its output goes."""
        return self.recipe.output


@dataclass(frozen=True, slots=True)
class Part:
    """Jobs that belong together: one of a raster, or those of all bands of a product.

    Attributes
    ----------
    jobs
        None where there is a `hindrance`, else at least one.
    whole
        The product whose bands they write, and its saliency; None for a job by itself.
    hindrance
        Why an input makes no job.
    """

    jobs: tuple[Job, ...] = ()
    whole: "Whole | None" = None
    hindrance: GeosalError | None = None


def jobs_in(parts: Iterable[Part]) -> list[Job]:
    """List the jobs of all parts, in their order."""
    return [job for part in parts for job in part.jobs]


def directories_of(parts: Iterable[Part]) -> list[str]:
    """List the directories that the outputs need."""
    return list(dict.fromkeys(os.path.dirname(job.output) or "." for job in jobs_in(parts)))


@contextmanager
def having(directories: Iterable[str], option: str = "--out-dir") -> Iterator[None]:
    """Have directories there; what was not there before, and is empty at the end, goes again.

    Raises
    ------
    OutputError
        One cannot be made.
    """
    directories = [each for each in directories if not is_remote(each)]  # an object store has none
    places = [place for each in directories for place in (Path(each).absolute(), *Path(each).absolute().parents)]
    lent = sorted({place for place in places if not os.path.lexists(place)}, reverse=True)
    try:
        for each in directories:
            make_directory(each, option)
        yield
    finally:
        for place in lent:
            with suppress(OSError):  # something was put there
                place.rmdir()


def make_directory(directory: str, option: str = "--out-dir") -> None:
    """Make the directory of all outputs, or of what an option names it for, where there is none.

    Raises
    ------
    OutputError
        It cannot be made.
    """
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{option} {directory}: cannot be made: {error.strerror}; name another") from error


def check(parts: Sequence[Part], *, resume: bool = False) -> None:
    """Refuse, before the first job begins, all that can be known to hinder one; the message tells of each.

    Inputs and files of sources that are missing, sources that nobody knows, two jobs with one output, an output that
    is an input, and outputs that exist or have no place. The directories of the outputs have to be there. With
    `resume` outputs may exist: each job looks whether its own is finished.

    Raises
    ------
    GeosalError
        The first hindrance decides of which class it is.
    """
    hindered = [part.hindrance for part in parts if part.hindrance is not None]
    found = [*hindered, *_of_names(parts), *_of_inputs(parts), *_of_outputs(parts, resume=resume)]
    if len(found) == 1:
        raise found[0]
    if found:
        raise type(found[0])(f"{len(found)} things stand in the way, so nothing is done: {_listed(found)}")


def _listed(found: Sequence[GeosalError]) -> str:
    """List what was found in a line; what is the same of several paths stands once."""
    groups: dict[str, list[str]] = {}
    for error in found:
        head, colon, tail = str(error).partition(": ")
        group = groups.setdefault(tail if colon else "", [])
        group += [] if head in group else [head]
    parts = []
    for tail, heads in groups.items():
        more = f" and {len(heads) - _MOST_TOLD} more" if len(heads) > _MOST_TOLD else ""
        parts.append(f"{', '.join(heads[:_MOST_TOLD])}{more}{': ' if tail else ''}{tail}")
    return "  ".join(f"({number}) {part}" for number, part in enumerate(parts, start=1)) if len(parts) > 1 else parts[0]


def _of_names(parts: Sequence[Part]) -> Iterator[GeosalError]:
    """Look for outputs that would have the same name, or that of an input."""
    jobs = jobs_in(parts)
    read = {os.path.realpath(job.input) for job in jobs}
    taken: dict[str, Job] = {}
    maps = {os.path.realpath(part.whole.recipe.output) for part in parts if part.whole is not None}
    for job in jobs:
        if os.path.realpath(job.output) in maps:
            yield UsageError(
                f"{job.output}: would be the map of saliency as well; give --suffix, or name the band anew"
            )
        other = taken.setdefault(os.path.normcase(os.path.realpath(job.output)), job)
        if other is not job:
            yield UsageError(
                f"{job.output}: would be the output of {redact(other.input)} and of {redact(job.input)}; give them "
                "other names, or directories of their own"
            )
        elif os.path.realpath(job.output) in read:
            yield UsageError(f"{job.output}: is an input as well; name another directory or --suffix")


def _of_inputs(parts: Sequence[Part]) -> Iterator[GeosalError]:
    """Look for missing inputs, and for sources that cannot be opened."""
    for path in dict.fromkeys(path for job in jobs_in(parts) for path in (job.input, *job.recipe.stack)):
        if _is_missing(path):
            yield SceneError(f"{path}: no such file; give the path of a raster or a product")
    recipes = (part.whole.recipe if part.whole else job.recipe for part in parts for job in part.jobs)
    for text in dict.fromkeys(text for recipe in recipes for text in recipe.saliency):
        try:
            opener_of(source := SourceText.parse(text))
        except GeosalError as error:
            yield error
            continue
        for path in filter(_is_missing, source.paths):
            if any(mark in path for mark in "/\\."):  # others are names of plug-ins
                yield SceneError(f"{text}: no such file as {path}; give the path of a mask or of vectors")


def _of_outputs(parts: Sequence[Part], *, resume: bool) -> Iterator[GeosalError]:
    """Look for outputs that could not be published."""
    recipes = [recipe for part in parts for recipe in (*([part.whole.recipe] if part.whole else ()), *_recipes(part))]
    for recipe in recipes:
        try:
            check_output(
                recipe.output,
                overwrite=recipe.overwrite or resume,
                inputs=inputs_of(recipe),
                with_world_file=has_world_file(recipe.output),
            )
        except GeosalError as error:
            yield error
    for whole in [part.whole for part in parts if part.whole is not None and is_remote(part.whole.folder)]:
        yield OutputError(
            f"{whole.folder}: a whole product goes into a local directory only; write it there, and copy it"
        )
    for whole in [part.whole for part in parts if part.whole is not None and part.whole.recipe.stac]:
        if not (resume or whole.recipe.overwrite) and os.path.lexists(whole.item):
            yield OutputError(f"{whole.item}: exists already; give another name, or replace it: {REPLACE}")
    for whole in [part.whole for part in parts if part.whole is not None and part.whole.rest is not None]:
        for path in () if resume or whole.recipe.overwrite or whole.rest is None else whole.rest.copies.values():
            if os.path.lexists(path):
                yield OutputError(f"{path}: exists already; give another name, or replace it: {REPLACE}")


def _recipes(part: Part) -> Iterator[Recipe]:
    return (job.recipe for job in part.jobs)


def _is_missing(path: str) -> bool:
    return is_local(path) and not os.path.exists(path) and locate(path) is None
