"""What there is to say about a scene in memory or opened lazily, for those who look at its accessor in a notebook."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from pyproj import CRS

from geosal.arrays.array_scene import ArrayScene, FileSamples
from geosal.arrays.forms import as_scene
from geosal.arrays.samples import Chunked
from geosal.core.gdal_env import is_local
from geosal.core.raster import THE_ARRAY
from geosal.core.tables import Picture, Table, Tabled
from geosal.errors import GeosalError
from geosal.scenes.glance import glance
from geosal.sizes import as_bytes, counted


@dataclass(frozen=True, eq=False, repr=False)
class About(Tabled):
    """A scene, and what can be done with it.

    Attributes
    ----------
    array
        The scene.
    methods
        Names of what its accessor can do.
    """

    array: xr.DataArray | xr.Dataset
    methods: Sequence[str]

    def _scene(self) -> ArrayScene:
        return ArrayScene.of(as_scene(self.array))

    def __repr__(self) -> str:
        return f"<{self._table().caption}; {self._table().rows[-1][1]}>"

    def _pictures(self) -> Sequence[Picture]:
        """Return it made small: from its file's overviews, or of a small array; nothing is computed for it."""
        scene = self._scene()
        if isinstance(scene.samples, Chunked) or not (scene.path == THE_ARRAY or is_local(scene.path)):
            return ()
        seen = glance(scene)
        return () if seen is None else (Picture("", seen),)

    def _table(self) -> Table:
        can = ("methods", ", ".join(f".{name}()" for name in self.methods))
        try:
            scene = self._scene()
        except GeosalError as error:  # no scene, and the message says what it lacks
            return Table("geosal on an array that is no scene yet", (), [("lacks", str(error)), can])
        grid, layout = scene.grid, scene.layout
        names = [band.description or band.role for band in layout.metadata.bands]
        lazy = "lazy" if self.array.chunks else "in memory"
        raw = grid.height * grid.width * layout.count * np.dtype(layout.dtype).itemsize
        said = f"{grid.width} x {grid.height} px, {counted(layout.count, 'band')} of {layout.dtype}"
        rows = [
            ("samples", f"{lazy}, {as_bytes(raw)}"),
            ("bands", ", ".join(name or str(n) for n, name in zip(scene.numbers, names, strict=True))),
            ("place", _place(scene)),
            ("nodata", layout.nodata),
            ("file", scene.path if isinstance(scene.samples, FileSamples) else None),
            can,
        ]
        return Table(f"geosal on {said}", (), [row for row in rows if row[1] is not None])


def _place(scene: ArrayScene) -> str:
    grid = scene.grid
    if not grid.georeferenced or grid.crs is None:
        return "none that is known"
    crs = CRS.from_wkt(grid.crs)
    authority = crs.to_authority()
    name = ":".join(authority) if authority else crs.name
    return f"{name}, pixels of {abs(grid.transform.a):g} x {abs(grid.transform.e):g}"
