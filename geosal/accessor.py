"""`DataArray.geosal`: the core's functions, one call each. The core never uses this."""

from collections.abc import Sequence
from typing import Any

import xarray as xr

from geosal import array_api
from geosal.ladder import Ladder
from geosal.pipeline import ProgressCallback
from geosal.smoothing import smooth


@xr.register_dataarray_accessor("geosal")
class GeosalAccessor:
    """geosal's functions on a scene."""

    def __init__(self, scene: xr.DataArray) -> None:
        self._scene = scene

    def saliency(self, sources: str | Sequence[str], **options: Any) -> xr.DataArray:
        """Saliency on this scene's grid; see `geosal.saliency`."""
        return array_api.saliency(sources, like=self._scene, **options)

    def smooth(self, saliency: xr.DataArray, ladder: Ladder | None = None) -> xr.DataArray:
        """Smooth this scene by a saliency map; see `geosal.smooth`."""
        return smooth(self._scene, saliency, ladder)

    def write(self, path: str, *, progress: ProgressCallback | None = None, **options: Any) -> str:
        """Write this array as a COG or a JPEG2000; see `geosal.write`."""
        return array_api.write(self._scene, path, progress=progress, **options)
