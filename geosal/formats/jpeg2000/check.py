"""Whether a file is a JPEG 2000 as geosal promises it."""

import os
from collections.abc import Iterator
from contextlib import redirect_stderr
from io import StringIO
from itertools import islice
from pathlib import Path

from rasterio.io import DatasetReader

from geosal.formats.gdal.completeness import missing_tiles
from geosal.formats.jpeg2000.boxes import codestream_ends
from geosal.formats.jpeg2000.resolutions import LARGEST_THUMBNAIL, reaches_thumbnail
from geosal.formats.readback import fault_of_last_tile, undecodable

_PART_15 = {"brandIsValid", "compatibilityListIsValid", "rsizIsValid"}
"""Tests of jpylyzer, which knows only Part 1, that every HTJ2K file fails."""


def complete_faults(path: str, dataset: DatasetReader) -> list[str]:
    """Decode every tile of the image and of its mask."""
    faults = [*islice(missing_tiles(dataset), 1), *undecodable(dataset)]
    if not ends_properly(path):
        faults.append("the codestream does not end in EOC: the file is cut off")
    return faults


def layout_faults(path: str, dataset: DatasetReader) -> list[str]:
    """Ask the validator jpylyzer, and see that resolutions reach down to a thumbnail."""
    from jpylyzer import jpylyzer  # slow to import, and needed here only

    if not Path(path).is_file():
        return []
    try:
        with redirect_stderr(StringIO()):  # it warns of boxes newer than the standard's first part, as GMLJP2 needs
            report = jpylyzer.checkOneFile(path)
        valid = report.findtext("isValid")
        failed = [test.tag for test in report.find("tests").iter() if test.text == "False"]
        halvings = report.findtext("properties/contiguousCodestreamBox/cod/levels")
    except (Exception, SystemExit) as error:  # noqa: BLE001  as above; it may even want to leave the program
        return [f"jpylyzer gives up ({error})"]
    faults = [] if halvings is None else list(_resolution_faults(dataset, int(halvings)))
    if valid == "True" or (set(failed) == _PART_15 and _brand(path) == b"jph "):
        return faults
    return [f"jpylyzer: {', '.join(failed) or 'not valid'}", *faults]


def quick_faults(path: str, dataset: DatasetReader) -> Iterator[str]:
    """Look at a file as the end of a job does."""
    fault = fault_of_last_tile(dataset)
    if fault is not None:
        yield fault
    if not ends_properly(path):
        yield "the codestream is cut off"


def ends_properly(path: str) -> bool:
    """Return whether the codestream of a JPEG2000 file is whole; decoding has to tell where the file is remote."""
    return not os.path.isfile(path) or codestream_ends(path)


def _brand(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(24)[20:]


def _resolution_faults(dataset: DatasetReader, halvings: int) -> Iterator[str]:
    """The resolutions of a codestream are its overviews; they must reach down to a thumbnail, as far as tiles go."""
    if not reaches_thumbnail(dataset.shape, min(dataset.block_shapes[0]), halvings + 1):
        coarsest = -(-max(dataset.shape) // 2**halvings)
        yield f"overviews reach 1:{2**halvings} only, {coarsest} px, a thumbnail has {LARGEST_THUMBNAIL}"
