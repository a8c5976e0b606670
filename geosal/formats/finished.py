"""Checks of a finished file: whether it is complete, its layout is right, and what its codec keeps.

Each format has a class like this in its `check.py`, which a job imports when the file is there; a store has functions,
which verification calls. They know nothing of the writer: two independent readers see more.
"""

import os
from collections.abc import Iterator, Mapping
from typing import ClassVar

from rasterio.io import DatasetReader

from geosal.core.raster import RasterLayout
from geosal.core.treatment import Treatment
from geosal.formats.coarseness import WITHOUT_LOSS, Coarseness, has_integers
from geosal.formats.readback import fault_of_last_tile, undecodable


class Finished:
    """The checks of a format's finished files; these defaults hold for all formats that GDAL reads.

    Attributes
    ----------
    overviews_apart
        Whether overviews are images of their own, which may be coded in another way than the image.
    keeps_colours
        Whether the file tells which band is which colour.
    lost_domains
        Prefixes of the metadata domains that no such file keeps.
    valid
        Words for a file whose layout has no faults, in messages.
    coded_unit
        The unit that is decoded to check that a file is complete.
    """

    overviews_apart: ClassVar[bool] = False
    keeps_colours: ClassVar[bool] = True
    lost_domains: ClassVar[tuple[str, ...]] = ()
    valid: ClassVar[str] = "valid"
    coded_unit: ClassVar[str] = "tile"

    def complete_faults(self, path: str, dataset: DatasetReader) -> list[str]:
        """Decode all of a finished file; report what is missing or damaged."""
        del path
        return list(undecodable(dataset))

    def layout_faults(self, path: str, dataset: DatasetReader) -> list[str]:
        """List what is wrong with the layout of a finished file."""
        del path, dataset
        return []

    def quick_faults(self, path: str, dataset: DatasetReader, layout: RasterLayout) -> Iterator[str]:
        """Check a file at the end of a job, without decoding all of it; `layout` is that of the job."""
        del path, layout
        fault = fault_of_last_tile(dataset)
        if fault is not None:
            yield fault

    def beside_faults(self, path: str, found: RasterLayout, source: RasterLayout | None) -> list[str] | None:
        """List the files that are missing beside a finished one, or contradict it; None where none is needed.

        Parameters
        ----------
        path
            Path of the finished file.
        found
            Layout that the file has.
        source
            Layout of what it was made from, where that is known.
        """
        del path, found, source
        return None

    def holds_every_sample(self, structure: Mapping[str, str], treatment: Treatment) -> bool:
        """Return whether the codec of a finished file keeps every sample.

        Parameters
        ----------
        structure
            GDAL's domain ``IMAGE_STRUCTURE``.
        treatment
            Treatment in the file's provenance, without qualities.
        """
        del structure, treatment
        return True

    def best_is_lossless(self, structure: Mapping[str, str]) -> bool:
        """Return whether tiles of the best quality in a finished file keep every sample."""
        del structure
        return False

    def coarseness(self, dataset: DatasetReader, shown: DatasetReader) -> Coarseness:
        """Return how coarse the codec of a file may be.

        Parameters
        ----------
        dataset
            The finished file.
        shown
            The same, or one of its overviews.
        """
        del dataset
        return Coarseness.of_largest(WITHOUT_LOSS if has_integers(shown) else 0.0)


_TAIL = 256
"""Bytes in which the end of an ``.aux.xml`` is looked for."""


def missing_beside(path: str, needed: Mapping[str, str]) -> list[str]:
    """List the files that are missing or cut off beside a local one; `needed` maps a suffix to what lives there."""
    if not os.path.isfile(path):
        return []
    faults = ((suffix, _fault_beside(path + suffix)) for suffix in needed)
    return [f"{path}{suffix} {fault}: {needed[suffix]} there" for suffix, fault in faults if fault]


def _fault_beside(path: str) -> str:
    """Return what is wrong with a file beside; GDAL says nothing of an ``.aux.xml`` that it cannot read."""
    if not os.path.exists(path):
        return "is missing"
    if not path.endswith(".aux.xml"):
        return "" if os.path.getsize(path) else "is empty"
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - _TAIL))
        return "" if b"</PAMDataset>" in file.read() else "is cut off"
