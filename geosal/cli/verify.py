"""``geosal verify``: whether an output holds what was promised."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from geosal.cli import options
from geosal.cli.completion import complete_file
from geosal.cli.failure import Failure
from geosal.cli.output import Report
from geosal.cli.panels import PanelledCommand
from geosal.cli.paper import painted, width_of, wrapped
from geosal.errors import UsageError, VerificationError

if TYPE_CHECKING:
    from geosal.verification import Check, Checks


@click.command(cls=PanelledCommand, short_help="Check a file that geosal wrote.")
@click.argument("output", metavar="OUTPUT", shell_complete=complete_file)
@click.option("--against", metavar="INPUT", shell_complete=complete_file, help="The scene that it was made from.")
@options.saliency
@options.combine
@options.outside
@options.background
@options.steps
@options.reading
@options.drivers
@click.option(
    "--seal", metavar="FILE", shell_complete=complete_file,
    help="Seal of OUTPUT where it does not lie beside it, or an output that has it.",
)  # fmt: skip
@click.option("--root", metavar="HEX", help="Root of the seal, as you know it from elsewhere.")
@click.option("--strict", is_flag=True, help="Exit with code 6 where anything could not be checked.")
@options.report_options
def verify(output: str, against: str | None, report: Report, *, strict: bool, quiet: bool, **wish: Any) -> None:
    """Check a file that geosal wrote; exit code 6 when a check fails.

    Layout and completeness need OUTPUT alone; georeferencing, nodata, tags and pixels are compared --against INPUT. How
    INPUT was read, and what was to be kept, OUTPUT tells itself; a mask must lie beside one of the two. Options go
    before that. What could not be compared has -- before it, and the last line then tells what is NOT PROVED (a
    failure, with --strict). Without --against, damage that still decodes shows only where there are checksums: in a
    COG of Deflate, in a PNG, and in a JPEG, which has a digest; and in a file with a seal (geosal compress --seal), of
    which it also proves that what matters is as it was, even if another program has written it anew without loss.

    \b
    geosal verify smaller.tif
    geosal verify smaller.tif --against scene.tif
    geosal verify smaller.tif --against scene.tif --saliency masks/mask.tif
    geosal verify rewritten.tif --seal smaller.tif
    """
    from geosal.job.proof import checked, hold, require_output  # heavy, and the help does not need it
    from geosal.scenes import NO_LIMIT
    from geosal.verification import Checks, Pinned, raise_if_failed, raise_if_unproved

    seal, root = wish.pop("seal"), wish.pop("root")
    options.keep_report_apart(report, wish["saliency"], output, against, seal, *wish["stack"])
    pinned = Pinned(seal, root)
    if wish["saliency"] and against is None:
        raise UsageError("--saliency without --against: name the scene whose pixels are to be compared")
    require_output(output)
    given = {name: value for name, value in wish.items() if value not in (None, ())}
    steps, held = given.pop("steps", None), None
    if against is not None:
        held = hold(output, against, given.pop("saliency", None), **{"max_pixels": NO_LIMIT, **given})
    checks = checked(output, held, steps=steps, pinned=pinned)
    if not quiet:
        line = [held.line] if held and held.said else []
        last = [_as_last_line(checks)] if checks.unproved else []
        report.show("\n".join([*line, *map(_as_line, checks), *last]))
    document = {"output": output, **checks.to_dict()}
    try:
        raise_if_failed(checks, output)
        raise_if_unproved(checks if strict else Checks(), output)
    except VerificationError as error:
        report.write(document | {"error": asdict(Failure.of(error))})
        raise
    report.write(document)


def _as_line(check: "Check") -> str:
    word, style = (("ok", "good") if check.checked else ("--", "faint")) if check.ok else ("FAILED", "bad")
    text = check.name + (f": {check.detail}" if check.detail else "")
    return f"{painted(f'{word:<6}', style, sys.stdout)}  {wrapped(text, width_of(sys.stdout), indent=8)}"


def _as_last_line(checks: "Checks") -> str:
    word = painted("NOT PROVED", "bad", sys.stdout)
    return f"{word}: {wrapped(checks.lacking, width_of(sys.stdout), indent=12)}"
