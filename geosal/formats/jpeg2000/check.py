"""Check that a file is a JPEG 2000 as geosal promises it."""

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from io import StringIO
from itertools import islice
from pathlib import Path

import numpy as np
from rasterio.io import DatasetReader

from geosal.core.provenance import read_treatment
from geosal.core.raster import RasterLayout
from geosal.core.treatment import SMOOTH, Quality, Treatment
from geosal.formats.coarseness import UNKNOWN, Coarseness, number_in
from geosal.formats.finished import Finished, missing_beside
from geosal.formats.gdal.completeness import missing_tiles
from geosal.formats.jpeg2000.boxes import codestream_ends
from geosal.formats.jpeg2000.resolutions import LARGEST_THUMBNAIL, reaches_thumbnail
from geosal.formats.readback import fault_of_last_tile, undecodable

_PART_15 = {"brandIsValid", "compatibilityListIsValid", "rsizIsValid"}
"""Tests of jpylyzer, which knows only Part 1, that every HTJ2K file fails."""


class FinishedJpeg2000(Finished):
    """A finished JP2: all tiles, and resolutions down to a thumbnail."""

    lost_domains = ("xml:XMP", "xml:BOX_")
    """GDAL looks for XMP and other XML only in boxes of the file, and does not write those."""
    valid = "valid JPEG2000"

    def complete_faults(self, path: str, dataset: DatasetReader) -> list[str]:
        """Decode every tile of the image and of its mask."""
        faults = [*islice(missing_tiles(dataset), 1), *undecodable(dataset)]
        if not _ends_properly(path):
            faults.append("the codestream does not end in EOC: the file is cut off")
        return faults

    def layout_faults(self, path: str, dataset: DatasetReader) -> list[str]:
        """Run the validator jpylyzer, and check that resolutions reach down to a thumbnail."""
        from jpylyzer import jpylyzer  # slow to import, and needed here only

        if not Path(path).is_file():
            return []
        try:
            with redirect_stderr(StringIO()):  # it warns of boxes newer than Part 1, which GMLJP2 needs
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

    def quick_faults(self, path: str, dataset: DatasetReader, layout: RasterLayout) -> Iterator[str]:
        """Check that the last tile decodes, and the codestream ends."""
        del layout
        fault = fault_of_last_tile(dataset)
        if fault is not None:
            yield fault
        if not _ends_properly(path):
            yield "the codestream is cut off"

    def beside_faults(self, path: str, found: RasterLayout, source: RasterLayout | None) -> list[str]:
        """Check that ``.aux.xml`` is there, and ``.msk`` where the source has a mask."""
        del found
        needed = {".aux.xml": "tags and nodata live"}
        if source is not None and source.has_mask:
            needed[".msk"] = "the mask lives"
        return missing_beside(path, needed)

    def holds_every_sample(self, structure: Mapping[str, str], treatment: Treatment) -> bool:
        """Decide by GDAL's reading of the comment in the codestream."""
        del treatment
        return structure.get("COMPRESSION_REVERSIBILITY", "").startswith("LOSSLESS")

    def best_is_lossless(self, structure: Mapping[str, str]) -> bool:
        """Return True: they are lossless."""
        del structure
        return True

    def coarseness(self, dataset: DatasetReader, shown: DatasetReader) -> Coarseness:
        """Decide by the PSNR of tiles that have one each; it is over all bands, so one band may have all the error."""
        del shown
        quality = (read_treatment(dataset.tags()) or SMOOTH).then
        if not isinstance(quality, Quality) or quality.low is None:
            return Coarseness.of_largest(UNKNOWN)
        bits = number_in(dataset.tags(1, ns="IMAGE_STRUCTURE"), "NBITS") or 8 * np.dtype(dataset.dtypes[0]).itemsize
        error = (2.0 ** min(bits, 32) - 1) / math.pow(10, quality.low / 20) * math.sqrt(dataset.count)
        return Coarseness.of_usual(max(error, UNKNOWN))


def _ends_properly(path: str) -> bool:
    """Return whether the codestream of a JPEG2000 file is complete; for a remote file only decoding can tell."""
    return not os.path.isfile(path) or codestream_ends(path)


def _brand(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(24)[20:]


def _resolution_faults(dataset: DatasetReader, halvings: int) -> Iterator[str]:
    """Check that the resolutions, which are the overviews, reach down to a thumbnail, as far as tiles allow."""
    if not reaches_thumbnail(dataset.shape, min(dataset.block_shapes[0]), halvings + 1):
        coarsest = -(-max(dataset.shape) // 2**halvings)
        yield f"overviews reach 1:{2**halvings} only, {coarsest} px, a thumbnail has {LARGEST_THUMBNAIL}"
