"""What a job has done: one object for Python, the same as a JSON document, and a sentence for people."""

import os
import resource
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from geosal.core.gdal_env import is_local
from geosal.core.ladder import effective_kernel
from geosal.core.tables import Picture, Table, Tabled
from geosal.errors import GeosalWarning, redact
from geosal.files.addresses import is_remote
from geosal.files.swap import beside, there
from geosal.files.upload import sidecars_at
from geosal.job.outlook import Outlook
from geosal.job.plan import Plan
from geosal.job.tags import recipe_of
from geosal.job.tally import Tally
from geosal.job.words import of_pixels
from geosal.scenes.glance import glance, is_too_dear
from geosal.scenes.reading import AS_IT_IS
from geosal.scenes.zarr_store import store_bytes
from geosal.sizes import as_bytes, as_change, as_work, counted
from geosal.verification.check import Check

BEFORE = "none: it was finished already"
"""What is told of the work where there was none."""
_CHECK = Check.of("structure", (), "read back: complete, with the layout, the place and the tags that it was to have")
"""What `geosal.verification.verify_structure` has found of every file that a job leaves: another is an error."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Summary(Tabled):
    """What was done, in the terms of the JSON document.

    Attributes
    ----------
    sentence
        The sizes, and what stayed as it was, for people.
    recipe
        All that the pixels depend on, as the output's tag has it: see `geosal.job.tags.recipe_of`.
    checks
        What was checked before the output took its name, as `geosal.verify` tells it. It can check more: the pixels.
    files
        All files that were written, the output first, each with its ``path`` and ``bytes``: sidecars are part of it.
    bits_per_pixel
        8 * file bytes / (width * height), as the paper counts.
    input_bytes
        Size of the input file, or of the files that are read of a product, also in an archive; None when remote.
    smaller_percent
        By how much the output is smaller than the input; below 0 where it is larger, None where that is not known.
    cause, instead
        Where the output is larger: why, and the command whose output would be smaller, with its ``bytes`` as a sample
        lets expect. None elsewhere.
    treatment
        Kind of the treatment: smooth, bound, quality, twopass.
    noise
        Where the largest error was asked for in sigmas: of each ``band``, the variance of the noise ``a + b * DN``, its
        ``sigma`` at the median, and by what share rounding has ``added`` to sigma, at the last level.
    level_shares
        Share of the valid pixels per level of the ladder.
    kernel_shares, effective_kernel
        Figures over the valid pixels; those that end in ``_all`` are over all pixels, as in the paper.
    coverage
        Share of the pixels about which a source of saliency said something.
    blocks, resumed_blocks
        Blocks of work, and how many of them a job before has done, that was killed.
    finished_before
        Whether the output was there already, finished by a job of the same options: nothing was written.
    seconds
        Wall-clock time.
    peak_rss_bytes
        Peak memory of this process since it began.
    search
        Where bytes or a quality were asked for: what was asked and reached, the setting that was found, and what that
        cost in trials on the sample, full encodes and seconds of search beside them. None elsewhere.
    seal
        Root of the output's seal, where one was asked for: note it elsewhere, and the file can be checked against it.
    """

    sentence: str
    input: str
    input_bytes: int | None
    output: str
    files: list[dict[str, Any]]
    saliency: str
    driver: str
    profile: str
    bytes: int
    smaller_percent: float | None
    cause: str | None
    instead: dict[str, Any] | None
    bits_per_pixel: float
    width: int
    height: int
    count: int
    dtype: str
    ladder: dict[str, Any]
    treatment: str
    noise: list[dict[str, float]]
    level_shares: dict[str, float]
    effective_kernel: float
    effective_kernel_all: float
    kernel_shares: dict[str, float]
    kernel_shares_all: dict[str, float]
    coverage: float
    blocks: int
    resumed_blocks: int
    seconds: float
    peak_rss_bytes: int
    recipe: dict[str, Any]
    checks: list[dict[str, Any]]
    search: dict[str, Any] | None = None
    seal: str | None = None
    finished_before: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    def _pictures(self) -> Sequence[Picture]:
        """Return the output made small, if it is still there."""
        if not is_local(self.output) or not os.path.exists(self.output) or store_bytes(self.output) != self.bytes:
            return ()
        if is_too_dear(self.output, self.width * self.height):
            return ()
        from geosal.scenes import open_input  # a job that nobody looks at needs none

        with warnings.catch_warnings(action="ignore", category=GeosalWarning):
            seen = glance(open_input(self.output, AS_IT_IS))
        return () if seen is None else (Picture(os.path.basename(self.output), seen),)

    def _table(self) -> Table:
        """Return what came of the job, in rows of a name and what there is to say."""
        search, names = self.search or {}, chain(["output"], repeat("beside"))
        shares = (f"{level}: {share:.1%}" for level, share in self.level_shares.items())
        rows = [
            *(
                (name, f"{file['path']}, {as_bytes(file['bytes'])}")
                for name, file in zip(names, self.files, strict=False)
            ),
            ("input", self.input if self.input_bytes is None else f"{self.input}, {as_bytes(self.input_bytes)}"),
            ("larger because", self.cause),
            ("smaller by", (self.instead or {}).get("command")),
            ("image", f"{self.width} x {self.height} px, {counted(self.count, 'band')} of {self.dtype}"),
            ("codec", f"{self.profile}, {self.bits_per_pixel:.3f} bits per pixel"),
            ("saliency", ", ".join(told["source"] for told in self.recipe["saliency"])),
            ("treated", self.treatment),
            ("levels", f"{', '.join(shares)}; 0 is saliency 1"),
            ("effective kernel", f"{self.effective_kernel:.2f} px"),
            ("asked", search.get("asked")),
            ("found", search.get("found")),
            ("seal", self.seal),
            ("work", BEFORE if self.finished_before else as_work(self.blocks, self.resumed_blocks, self.seconds)),
        ]
        return Table(self.sentence, (), [row for row in rows if row[1] is not None])


def summary_of(
    plan: Plan, tally: Tally, output: str, outlook: Outlook, *, seconds: float, search: dict[str, Any] | None
) -> Summary:
    """Sum up a job.

    Parameters
    ----------
    plan
        The plan that was carried out.
    tally
        What its blocks add up to.
    output
        The file under its name.
    outlook
        Its size beside that of the input.
    seconds, search
        See `Summary`.
    """
    grid, size = plan.layout.grid, store_bytes(output)
    of_levels, of_levels_all = tally.shares(valid_only=True), tally.shares(valid_only=False)
    shares, shares_all = plan.kernels(of_levels), plan.kernels(of_levels_all)
    return Summary(
        sentence=in_words(plan, outlook, of_levels),
        input=redact(plan.recipe.input),
        output=plan.recipe.output,
        files=_files(plan.recipe.output, output, with_world_file=plan.profile.format.has_world_file),
        saliency=plan.saliency.label,
        driver=plan.profile.driver,
        profile=plan.profile.name,
        bytes=size,
        **outlook.to_dict(),
        bits_per_pixel=8 * size / (grid.width * grid.height),
        width=grid.width,
        height=grid.height,
        count=plan.layout.count,
        dtype=plan.layout.dtype,
        ladder={"steps": plan.ladder.steps, "sigma": plan.ladder.sigma},
        treatment=str(plan.treatment),
        noise=plan.noise,
        level_shares={str(width // 2): share for width, share in of_levels.items()},
        effective_kernel=effective_kernel(shares),
        effective_kernel_all=effective_kernel(shares_all),
        kernel_shares={str(width): share for width, share in shares.items()},
        kernel_shares_all={str(width): share for width, share in shares_all.items()},
        coverage=tally.coverage,
        blocks=tally.blocks,
        resumed_blocks=tally.resumed,
        seconds=seconds,
        peak_rss_bytes=peak_rss(),
        recipe=recipe_of(plan),
        checks=[_CHECK.to_dict()],
        search=search,
        seal=tally.seal,
    )


def in_words(plan: Plan, outlook: Outlook, shares: dict[int, float], *, will: bool = False) -> str:
    """Say in a sentence or two what becomes of a scene.

    Parameters
    ----------
    plan
        Plan of the job.
    outlook
        Its size beside that of the input.
    shares
        Share of each kernel width of the ladder.
    will
        The job is to come.
    """
    return f"{_of_size(plan, outlook, will=will)} {of_pixels(plan, shares, will=will)}"


def _of_size(plan: Plan, outlook: Outlook, *, will: bool) -> str:
    name, now = os.path.basename(plan.recipe.output), as_bytes(outlook.bytes)
    is_, of = ("will be about", "about ") if will else ("is", "")
    if outlook.input_bytes is None:
        return f"{name} {'will take about' if will else 'takes'} {now}."
    change = as_change(outlook.bytes, outlook.input_bytes)
    told = f"{change} {'as' if change.endswith('LARGE') else 'than'}"
    is_part = len(plan.scene.files) == 1 and not plan.scene.original.is_whole_file()
    part = ", of which not all bands are taken" if is_part else ""
    beside = f"{of}{now} of {as_bytes(outlook.input_bytes)}{part}"
    return f"{name} {is_} {told} the input ({beside})."


def _files(named: str, path: str, *, with_world_file: bool) -> list[dict[str, Any]]:
    """The output and what lies beside it, by the name that the user gave."""
    if is_remote(named):
        urls = [named, *sidecars_at(named, with_world_file=with_world_file)]
        return [{"path": url, "bytes": store_bytes(url)} for url in urls]
    output = Path(path)
    suffixes = there(output, with_world_file=with_world_file)
    beside_it = [beside(output, suffix) for suffix in suffixes]
    paths: Sequence[tuple[str, Path]] = [
        (named, output), *((os.path.join(os.path.dirname(named), path.name), path) for path in beside_it)
    ]  # fmt: skip
    return [{"path": name, "bytes": store_bytes(path)} for name, path in paths]


def peak_rss() -> int:
    """Peak resident memory of this process, in bytes."""
    try:
        # Linux carries getrusage's figure over from the process that started this one.
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
