"""``geosal versions``: which geosal, Python, libraries and programs these are, for a report of a fault."""

import platform
from typing import Any

import click

from geosal.cli import options
from geosal.cli.output import Report, pairs
from geosal.cli.panels import PanelledCommand
from geosal.version import LIBRARIES, __version__, installed


@click.command(cls=PanelledCommand, short_help="Tell the versions of geosal and of its libraries.")
@options.report_options
def versions(report: Report, quiet: bool) -> None:
    """Tell the versions of geosal, Python, GDAL, all libraries and the program that it uses.

    \b
    geosal versions
    geosal versions --json -
    """
    del quiet  # the table is what was asked for
    found = _found()
    report.show(pairs([(name, version or "not installed") for name, version in found.items()]))
    report.write({"installed": found})


def _found() -> dict[str, str | None]:
    import rasterio

    return {
        "geosal": __version__,
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "gdal": rasterio.__gdal_version__,
        "proj": rasterio.__proj_version__,
        "geos": rasterio.__geos_version__,
        "openjpeg": _of_openjpeg(),
        **{name: installed(name) for name in LIBRARIES},
        "bpgenc": _of_bpgenc(),
    }


def _of_bpgenc() -> str | None:
    """Version of the program that `--co ENCODER=bpgenc` runs; its help tells it."""
    from geosal.formats.bpg.external import version_found

    return version_found()


def _of_openjpeg() -> str | None:
    """Version of the OpenJPEG inside imagecodecs, which codes our JPEG 2000."""
    import imagecodecs

    told: Any = imagecodecs.jpeg2k_version()
    return str(told).removeprefix("openjpeg ")
