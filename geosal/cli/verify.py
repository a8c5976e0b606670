"""``geosal verify``: whether an output holds what was promised."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from geosal.cli import options
from geosal.cli.output import Report
from geosal.errors import UsageError
from geosal.scenes import NO_LIMIT, Reading

if TYPE_CHECKING:
    from geosal.verification import Check

_READING = tuple(field.name for field in fields(Reading))


@click.command()
@click.argument("output", metavar="OUTPUT")
@click.option("--against", metavar="INPUT", help="The scene that it was made from.")
@options.saliency
@options.combine
@options.outside
@options.background
@options.steps
@options.reading
@options.drivers
@options.report_options
def verify(output: str, against: str | None, report: Report, quiet: bool, **wish: Any) -> None:
    """Check a file that geosal wrote; exit code 0 only when every check holds, else 6.

    Layout and completeness need OUTPUT alone; georeferencing, nodata and tags are compared --against INPUT, and that
    pixels of saliency 1 are untouched with the --saliency of the job.

    \b
    geosal verify smaller.tif
    geosal verify smaller.tif --against scene.tif --saliency mask.tif
    """
    from geosal.verification import raise_if_failed, verify_as_read  # heavy, and the help does not need it

    options.keep_report_apart(report, wish["saliency"], output, against, *wish["stack"])
    if wish["saliency"] and against is None:
        raise UsageError("--saliency without --against: name the scene whose pixels are to be compared")
    given = {name: value for name, value in wish.items() if value not in (None, ())}
    reading = {name: given[name] for name in _READING if name in given}
    rules = {name: given[name] for name in ("combine", "outside", "background") if name in given}
    wanted = Reading.of({"max_pixels": NO_LIMIT, **reading})
    checks = verify_as_read(output, against, wanted, wish["saliency"] or None, steps=wish["steps"], **rules)
    if not quiet:
        report.show("\n".join(_as_line(check) for check in checks))
    outcome = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks]
    report.write({"output": output, "ok": all(check.ok for check in checks), "checks": outcome})
    raise_if_failed(checks, output)


def _as_line(check: "Check") -> str:
    return f"{'ok    ' if check.ok else 'FAILED'}  {check.name}" + (f": {check.detail}" if check.detail else "")
