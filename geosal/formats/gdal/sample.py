"""Let GDAL write a small file with the metadata of a large one, as the model for our own writers.

So our files keep what GDAL keeps of metadata, and our code need not know every tag.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from geosal.core.grid import Grid
from geosal.core.raster import RasterLayout
from geosal.formats.format import Profile
from geosal.formats.gdal.convert import convert_at_once
from geosal.formats.gdal.stage import Stage

_SIDE = 64
"""Rows and columns of the small file: one tile of any format."""
_BESIDE = (".aux.xml", ".msk")
"""Suffixes of the files that GDAL may write beside it."""


class Sample(NamedTuple):
    """The small file."""

    path: Path
    grid: Grid
    """Grid of the large file, with the size of the small one."""

    @property
    def sidecar(self) -> Path:
        """Path of its ``.aux.xml``, which GDAL does not always write."""
        return self.path.with_name(f"{self.path.name}.aux.xml")


@contextmanager
def gdal_sample(
    path: Path,
    suffix: str,
    profile: Profile,
    layout: RasterLayout,
    tags: Mapping[str, str],
    band_statistics: Sequence[Mapping[str, str]] | None,
) -> Iterator[Sample]:
    """Let GDAL write a small file, which is deleted at the end.

    Parameters
    ----------
    path
        Path of the large file; temporary files are made beside it and deleted.
    suffix
        Suffix of the small file.
    profile
        Driver, and creation options that a small file can have.
    layout
        Layout of the large file, with the bands and the mask that GDAL is to write.
    tags, band_statistics
        See `geosal.formats.gdal.stage.Stage.finish`.

    Raises
    ------
    OutputError
        The disk is full, or GDAL cannot write.
    """
    layout = replace(layout, grid=replace(layout.grid, height=_SIDE, width=_SIDE))
    grid = layout.grid
    staged, sample = (path.with_name(f"{path.name}.{name}") for name in ("stage.tif", f"sample{suffix}"))
    try:
        with Stage(staged, layout) as stage:
            mask = np.ones(grid.shape, np.bool_) if layout.has_mask else None
            stage.write(grid.whole(), np.zeros((layout.count, *grid.shape), layout.dtype), mask)
            stage.finish(tags, band_statistics)
        convert_at_once(staged, sample, profile, layout)
        yield Sample(sample, grid)
    finally:
        for place in (staged, sample):
            for name in (place.name, *(place.name + suffix for suffix in _BESIDE)):
                place.with_name(name).unlink(missing_ok=True)
