"""Check a BPG file by itself: its head, its slices, its digest, and the place beside it."""

import os
from collections.abc import Iterator, Mapping

from rasterio.io import DatasetReader

from geosal.core.bpg.decoding import BpgPicture
from geosal.core.provenance import read_treatment
from geosal.core.raster import RasterLayout
from geosal.core.treatment import SMOOTH, Quality, Treatment
from geosal.formats.coarseness import UNKNOWN, WITHOUT_LOSS, Coarseness, number_in
from geosal.formats.digest import digest_faults
from geosal.formats.finished import Finished, missing_beside
from geosal.formats.quality import QpScale
from geosal.formats.world_file import world_faults, world_file_due

_LEAST = 8.0
"""Least error of a mean: beside invalid pixels it mixes in their fill values."""


class FinishedBpg(Finished):
    """A finished BPG. To open it is to decode all of it: GDAL reads a copy."""

    keeps_colours = False  # its bands are grey, or red, green and blue
    valid = "valid BPG"

    def layout_faults(self, path: str, dataset: DatasetReader) -> list[str]:
        """Check the head of a local file, and that nothing is behind the picture."""
        if not os.path.isfile(path):
            return []
        try:
            with BpgPicture(path) as picture:
                found, end = picture.head, picture.head.data + picture.head.length
        except (OSError, ValueError) as error:
            return [str(error)]
        if found.shape != dataset.shape:
            return [f"its header has {found.shape[1]} x {found.shape[0]} px, not {dataset.width} x {dataset.height}"]
        if found.length and end != os.path.getsize(path):
            return ["goes on behind its picture"]
        return []

    def quick_faults(self, path: str, dataset: DatasetReader, layout: RasterLayout) -> Iterator[str]:
        """Look at the head; the last row of tiles is decoded, see `geosal.core.stand_in.roughly`."""
        yield from self.layout_faults(path, dataset)
        yield from world_faults(path, layout.grid.transform, needed=False)

    def beside_faults(self, path: str, found: RasterLayout, source: RasterLayout | None) -> list[str]:
        """Check that ``.aux.xml`` is there and notes the digest of the image, and that the world file says the same."""
        tags = found.metadata.tags.get("", {})
        transform = found.grid.transform if source is None else source.grid.transform
        return [
            *missing_beside(path, {".aux.xml": "CRS, transform and tags live"}),
            *world_faults(path, transform, needed=world_file_due(tags, transform)),
            *digest_faults(path, tags),
        ]

    def holds_every_sample(self, structure: Mapping[str, str], treatment: Treatment) -> bool:
        """Return whether it is coded without loss."""
        del treatment
        return structure.get("COMPRESSION_REVERSIBILITY") == "LOSSLESS"

    def coarseness(self, dataset: DatasetReader, shown: DatasetReader) -> Coarseness:
        """Decide by the largest step of its QPs: the mean of the least block is off by an eighth of it at most."""
        del shown
        structure = dataset.tags(ns="IMAGE_STRUCTURE")
        if self.holds_every_sample(structure, SMOOTH):
            return Coarseness.of_largest(WITHOUT_LOSS)
        then = (read_treatment(dataset.tags()) or SMOOTH).then
        qp = number_in(structure, "QP")
        if isinstance(then, Quality) and then.low is not None:
            qp = max(qp or 0.0, QpScale.qp(then.low))
        return Coarseness.of_largest(max(_LEAST, UNKNOWN if qp is None else 2 ** ((qp - 4) / 6) / 8))
