"""Do the jobs of many inputs one after the other; one that fails keeps no other back."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, Unpack

from geosal.batch.jobs import Job, Part, check, directories_of, having, jobs_in
from geosal.batch.names import output_for, paths_meant, suffix_for
from geosal.batch.whole import jobs_of_product
from geosal.core.bars import Reporting, reporter
from geosal.core.gdal_env import path_text
from geosal.core.progress import Progress, ProgressCallback, ignore
from geosal.core.tables import Table, Tabled
from geosal.errors import GeosalError, UsageError, redact, telling_once
from geosal.job.pipeline import done_before, run
from geosal.job.plan import make_plan
from geosal.job.recall import as_wished
from geosal.job.recipe import CompressOptions, Recipe, Text
from geosal.job.summary import Summary
from geosal.scenes.products.opening import has_many_files
from geosal.sizes import as_bytes, as_change, as_written

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Result]):
    """What has become of a job of several.

    Attributes
    ----------
    job
        The job.
    result
        What its work has returned; None where it failed.
    error
        Why it failed; None where it did not.
    seconds
        Wall-clock time.
    """

    job: Job
    result: Result | None
    error: GeosalError | None
    seconds: float

    @property
    def input(self) -> str:
        """The input, without the secrets of a URL."""
        return redact(self.job.input)

    @property
    def output(self) -> str:
        """Path of the output."""
        return self.job.output


@dataclass(frozen=True, slots=True, repr=False)
class Batch(Tabled):
    """What has become of several jobs.

    Attributes
    ----------
    outcomes
        One for each job, in their order.
    seconds
        Wall-clock time of all.
    """

    outcomes: tuple[Outcome[Summary], ...]
    seconds: float

    @property
    def summaries(self) -> tuple[Summary, ...]:
        """Those of the jobs that are done."""
        return tuple(one.result for one in self.outcomes if one.result is not None)

    @property
    def failed(self) -> tuple[Outcome[Summary], ...]:
        """The jobs that failed, each with its `error`."""
        return tuple(one for one in self.outcomes if one.error is not None)

    @property
    def finished_before(self) -> int:
        """How many outputs were finished by a job before, so that nothing was written."""
        return sum(one.finished_before for one in self.summaries)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        jobs = [
            one.result.to_dict()
            if one.result is not None
            else {"input": one.input, "output": one.output, "error": str(one.error)}
            for one in self.outcomes
        ]
        return {
            "jobs": jobs,
            "failed": len(self.failed),
            "finished_before": self.finished_before,
            "seconds": self.seconds,
        }

    def _table(self) -> Table:
        """Return a row for each job."""
        failed = f", {len(self.failed)} FAILED" if self.failed else ""
        written = as_written(len(self.summaries) - self.finished_before, self.finished_before)
        title = f"{written}{failed} in {self.seconds:.1f} s"
        return Table(title, ("output", "before", "after", "", "s"), [_row(one) for one in self.outcomes])


def _row(one: Outcome[Summary]) -> tuple[object, ...]:
    name, done = os.path.basename(one.output), one.result
    if done is None:
        return name, None, None, f"FAILED: {one.error}", f"{one.seconds:.1f}"
    before = done.input_bytes
    change = None if before is None else as_change(done.bytes, before)
    return name, None if before is None else as_bytes(before), as_bytes(done.bytes), change, f"{one.seconds:.1f}"


def compress_many(
    inputs: Text | Sequence[Text],
    directory: Text,
    *,
    suffix: str | None = None,
    progress: Reporting = None,
    resume: bool = False,
    **options: Unpack[CompressOptions],
) -> Batch:
    """Compress many scenes, or all bands of products, into a directory: one job after the other, in bounded memory.

    A raster becomes a file of its name. A Sentinel-2 or Landsat product goes whole, unless ``bands``, ``bidx`` or
    ``resolution`` choose some of it for one file: each band becomes a file at its own resolution and with its own name,
    in a folder of the product's name. Its saliency is decided once for all bands, and lies beside them as
    ``saliency.tif``.

    Parameters
    ----------
    inputs
        Paths, or patterns such as ``"scenes/*.tif"``.
    directory
        Of the outputs; made where there is none.
    suffix
        What names of outputs end with, such as ``.jp2`` or ``_small.tif``. By default that of the profile; for bands of
        a product, their own where the profile writes it.
    progress
        Called in this thread after each block and at each stage of all jobs; True for a bar.
    resume
        Leave outputs that are finished, and go on with the job that was killed, as `geosal.compress` does.
    **options
        As for `geosal.compress`.

    Returns
    -------
    Batch
        What has become of each job. A job that fails raises nothing and keeps no other back: it is in ``failed``.

    Raises
    ------
    GeosalError
        What can be known to hinder a job, such as a missing input, an output that exists or two of one name; the
        message lists all of it. Then nothing is done.

    Examples
    --------
    >>> batch = geosal.compress_many(["scene.tif", "other.tif"], "smaller", saliency="mask.tif")
    >>> [summary.output for summary in batch.summaries], batch.failed
    (['smaller/scene.tif', 'smaller/other.tif'], ())
    """
    texts = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    place = path_text("directory", directory)
    parts = parts_of([path_text("inputs", text) for text in texts], place, suffix, dict(options))
    told, begin = reporter(progress), time.monotonic()

    def work(job: Job, told: ProgressCallback) -> Summary:
        done = done_before(job.recipe) if resume else None
        return run(make_plan(job.recipe), told, resume=resume) if done is None else done

    with having(directories_of(parts), "directory"):
        check(parts, resume=resume)
        return Batch(tuple(work_through(parts, work, told, resume=resume)), time.monotonic() - begin)


def parts_of(inputs: Sequence[str], directory: str, suffix: str | None, options: Mapping[str, Any]) -> list[Part]:
    """Make the jobs of several inputs; a product whose bands nobody chooses goes whole.

    Parameters
    ----------
    inputs
        Paths and patterns.
    directory
        Of the outputs.
    suffix
        See `compress_many`.
    options
        Fields of `geosal.Recipe` but for input and output, and ``like``, whose masks are looked for only once: they may
        lie beside any of the inputs.

    Raises
    ------
    GeosalError
        There is no input, or an option cannot be. What is wrong with one input `check` tells.
    """
    if not inputs:
        raise UsageError("no input is named; name some, and the directory for their outputs: a.tif b.tif out/")
    if options.get("stack"):
        raise UsageError(
            "--stack: names the bands of one scene, and several inputs are several scenes; for one scene give one "
            "input, and a file as its output"
        )
    parts, paths = [], []
    for text in inputs:
        try:
            paths += paths_meant(text)
        except UsageError as error:
            parts.append(Part(hindrance=error))
    wish = as_wished(options, *paths)
    return [*parts, *(_part(path, directory, suffix, wish) for path in dict.fromkeys(paths))]


def _part(path: str, directory: str, suffix: str | None, wish: Mapping[str, Any]) -> Part:
    """Make the jobs of an input."""
    output = output_for(path, directory, suffix or suffix_for(wish.get("profile")))
    recipe = Recipe.from_mapping({**wish, "input": path, "output": output})
    if recipe.bands or recipe.bidx or recipe.resolution or not has_many_files(path):
        return Part((Job(recipe),))
    try:
        whole, jobs = jobs_of_product(recipe, directory, suffix)
    except GeosalError as error:
        return Part(hindrance=error)
    return Part(jobs, whole)


def work_through(
    parts: Sequence[Part],
    work: Callable[[Job, ProgressCallback], Result],
    told: ProgressCallback = ignore,
    *,
    decide: bool = True,
    resume: bool = False,
) -> Iterator[Outcome[Result]]:
    """Do all jobs one after the other, and yield what has become of each.

    What is no failure of one job, such as a signal or no memory, ends them all.

    Parameters
    ----------
    parts
        The jobs.
    work
        Does one, and takes a callback for its progress.
    told
        Called with the progress of all.
    decide
        Whether the saliency of a whole product is written first; without it, a job is only looked at.
    resume
        Whether that may be there already.
    """
    overall, number = _Overall(told, [job.weight for job in jobs_in(parts)]), 0
    for part in parts:
        lacking, failed = None, None
        told_once: set[str] | None = None if part.whole is None else set()  # its bands share their saliency
        if part.whole is not None and decide:
            with telling_once(told_once):
                lacking = _decided(part, overall.of(number), resume=resume)
        for job in part.jobs:
            begin = time.monotonic()
            result, error = None, lacking
            if lacking is None:
                try:
                    with telling_once(told_once):
                        result = work(job, overall.of(number))
                except GeosalError as failure:
                    error = failure
            number, failed = number + 1, failed or error
            yield Outcome(job, result, error, time.monotonic() - begin)
        if part.whole is not None and decide and failed is None:
            yield from _accompanied(part)


def _decided(part: Part, told: ProgressCallback, *, resume: bool) -> GeosalError | None:
    """Write the saliency of a product; returns why it cannot be had."""
    assert part.whole is not None  # noqa: S101  the caller has looked
    try:
        part.whole.decide(told, resume=resume)
    except GeosalError as error:
        return error
    return None


def _accompanied(part: Part) -> Iterator[Outcome[Any]]:
    """Copy what goes along with the bands of a product, and write its item; yields why that cannot be."""
    begin, whole = time.monotonic(), part.whole
    assert whole is not None  # noqa: S101  the caller has looked
    try:
        if whole.rest is not None:
            whole.rest.copy()
        whole.catalogue([job.output for job in part.jobs])
    except GeosalError as error:
        job = Job(whole.recipe.patch(output=whole.folder))
        yield Outcome(job, None, error, time.monotonic() - begin)


class _Overall:
    """Tells how far all jobs together are."""

    def __init__(self, told: ProgressCallback, weights: Sequence[float]) -> None:
        self._told, self._weights = told, weights
        self._most = 0.0
        """The share that was told; a map of saliency and a sample count for nothing, and nothing goes back."""

    def of(self, number: int) -> ProgressCallback:
        """Return a callback for the job of a number, from 0."""
        before, own, total = sum(self._weights[:number]), self._weights[number], sum(self._weights)

        def tell(event: Progress) -> None:
            self._most = max(self._most, (before + own * (event.share or 0.0)) / total)
            self._told(replace(event, share=self._most, job=number + 1, jobs=len(self._weights)))

        return tell
