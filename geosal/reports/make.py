"""The report: from the wish by the numbers and the pictures to one file."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from geosal.comparison import Comparison
from geosal.comparison.result import BACKGROUND, WHOLE
from geosal.core.bars import Reporting, reporter
from geosal.core.gdal_env import path_text
from geosal.core.machine import trim_memory
from geosal.core.progress import Progress, ProgressCallback, ignore
from geosal.core.tables import Table, Tabled
from geosal.files.publish import WorkDirectory, cannot_write
from geosal.job.summary import Summary
from geosal.maps.cells import Cells
from geosal.reports.measured import Measured, open_all
from geosal.reports.pictures import (
    View,
    draw_bytes,
    draw_errors,
    draw_saliency,
    draw_scene,
    factor_of,
    looks_of,
    shown,
    thumbnail,
)
from geosal.reports.render import Sheet, Shown, page_of
from geosal.reports.spec import ReportSpec
from geosal.reports.words import VERDICTS
from geosal.scenes import ReadingOptions
from geosal.sizes import as_bytes
from geosal.verification import Asked

Text = str | os.PathLike[str]


@dataclass(frozen=True, kw_only=True, repr=False)
class Report(Tabled):
    """A page that was written.

    Attributes
    ----------
    path, bytes
        Where it is, and its size.
    comparisons
        How far each output is off, in their order.
    proved
        Of each output whether all checks hold; None where it promises nothing.
    seconds
        Wall-clock time.
    """

    path: str
    bytes: int
    comparisons: tuple[Comparison, ...]
    proved: tuple[bool | None, ...]
    seconds: float

    @property
    def verdicts(self) -> tuple[str, ...]:
        """The same in words."""
        return tuple(VERDICTS[proved] for proved in self.proved)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        outputs = [
            {**comparison.to_dict(), "proved": proved}
            for comparison, proved in zip(self.comparisons, self.proved, strict=True)
        ]
        return {"report": self.path, "bytes": self.bytes, "outputs": outputs, "seconds": self.seconds}

    def _table(self) -> Table:
        """Return a row for each output."""
        rows = [
            (each.candidate, each.candidate_bytes, each.scores().psnr, verdict)
            for each, verdict in zip(self.comparisons, self.verdicts, strict=True)
        ]
        return Table(f"{self.path}, {as_bytes(self.bytes)}", ("output", "bytes", "PSNR dB", "proved"), rows)


def report(
    original: Text | Summary,
    outputs: Text | Summary | Sequence[Text | Summary],
    path: Text,
    *,
    saliency: Asked = None,
    title: str | None = None,
    overwrite: bool = False,
    progress: Reporting = None,
    **reading: Unpack[ReadingOptions],
) -> Report:
    """Write one page of HTML that shows what became of a scene: it needs no network, and opens in any browser.

    The page has the scene before and after, with a handle to swipe and zoom to real pixels; maps of saliency, of errors
    and of bytes to lay over it; figures by level; what is proved; and the command that does it again. Of a large scene
    the whole is made small, and up to eight places of 400 x 400 pixels are there as they are.

    Parameters
    ----------
    original
        The scene, as `geosal.compare` takes it.
    outputs
        What was made of it, one or up to eight: paths, or what `geosal.compress` returned.
    path
        The page, ``.html``.
    saliency
        Of the jobs; by default as the recipe in each output says.
    title
        Heading; by default the names of the files.
    overwrite
        Whether the page may replace a file.
    progress
        Called in this thread after each block; True for a bar.
    **reading
        How `original` is read: fields of `geosal.scenes.Reading`. By default as each output says.

    Returns
    -------
    Report
        Where it is, its size, and the comparisons that it shows.

    Raises
    ------
    UsageError
        An option is wrong, or two outputs cannot stand on one page.
    SceneError
        A file cannot be read, or an output is not of this scene.
    SaliencyError
        A mask does not fit the scene.
    OutputError
        The page cannot be written.

    Examples
    --------
    >>> smaller = geosal.compress("scene.tif", "smaller.tif", saliency="mask.tif")
    >>> page = geosal.report("scene.tif", smaller, "report.html")
    >>> page.path, page.proved
    ('report.html', (True,))
    """
    several = outputs if isinstance(outputs, list | tuple) else [outputs]
    spec = ReportSpec(
        original=_path("original", original.input if isinstance(original, Summary) else original),
        outputs=tuple(_path("outputs", each.output if isinstance(each, Summary) else each) for each in several),
        path=_path("path", path),
        saliency=saliency,
        title=title,
        overwrite=overwrite,
        options=reading,
    )
    spec.check()
    return make_report(spec, reporter(progress))


def _path(name: str, path: Any) -> str:
    return path_text(name, path)


def make_report(spec: ReportSpec, progress: ProgressCallback = ignore) -> Report:
    """Make the report of a spec that was checked.

    Raises
    ------
    GeosalError
        See `report`. Then there is no page, or the old one is untouched.
    """
    begin = time.monotonic()
    measured = [Measured.of(opened, progress) for opened in open_all(spec)]
    sheet = Sheet(title=spec.title, shown=tuple(_drawn(measured, progress)))
    size = _write(spec, page_of(sheet))
    return Report(
        path=spec.path,
        bytes=size,
        comparisons=tuple(one.outcome for one in measured),
        proved=tuple(None if one.checks is None else one.checks.ok for one in measured),
        seconds=time.monotonic() - begin,
    )


def _drawn(measured: Sequence[Measured], report: ProgressCallback) -> Iterator[Shown]:
    """Draw each output, one after the other: cells of two large scenes would take too much memory."""
    view: View | None = None
    for one in measured:
        pair = one.opened.pair
        cells = Cells.of(pair, shown(pair), factor_of(pair.grid.shape), report, one.counts)
        trim_memory()
        is_first = view is None
        view = view or View.of(pair, cells, one.spread, pictures=1 + len(measured), top=_top(measured))
        looks = looks_of(pair, cells, view)
        yield Shown(
            measured=one,
            view=view,
            counted=cells.counted,
            original=draw_scene(looks, "original", view) if is_first else None,
            candidate=draw_scene(looks, "candidate", view),
            saliency=draw_saliency(looks),
            errors=draw_errors(looks, view),
            bytes=None if one.spread is None else draw_bytes(one.spread, view.shape),
            thumbnail=thumbnail(looks, view) if is_first else "",
        )
        report(Progress("map", 1, 1, "steps"))


def _top(measured: Sequence[Measured]) -> float:
    """Return the error that has the brightest colour in all maps: thrice the root mean square of what is not kept."""
    parts = [(one.outcome, BACKGROUND if BACKGROUND in one.outcome.parts else WHOLE) for one in measured]
    found = [outcome.scores(part).rmse for outcome, part in parts]
    return 3 * max((rmse for rmse in found if rmse > 0), default=1 / 3)


def _write(spec: ReportSpec, text: str) -> int:
    with WorkDirectory(spec.path, overwrite=spec.overwrite) as work:
        made = work.path("report.html")
        try:
            made.write_text(text, encoding="utf-8")
        except OSError as error:
            raise cannot_write(Path(spec.path).absolute(), error) from error
        size = made.stat().st_size
        work.publish(made)
    return size
