"""OPEN: scenes as geosal sees them, headers first and pixels only when asked."""

from typing import TYPE_CHECKING, Any

from geosal.scenes.describe import describe
from geosal.scenes.opening import RESAMPLING, Reading, band_names, input_root, open_input
from geosal.scenes.raster import MAX_PIXELS, Scene

if TYPE_CHECKING:
    from geosal.scenes.lazy import open_scene
else:

    def __getattr__(name: str) -> Any:
        """Import `open_scene` when it is asked for: it needs xarray, dask and rioxarray, and jobs do not."""
        if name != "open_scene":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from geosal.scenes.lazy import open_scene  # noqa: PLC0415

        return open_scene


__all__ = [
    "MAX_PIXELS", "RESAMPLING", "Reading", "Scene", "band_names", "describe", "input_root", "open_input", "open_scene",
]  # fmt: skip
