"""OPEN: scenes as geosal sees them, headers first and pixels only when asked."""

from geosal.scenes.describe import describe
from geosal.scenes.opening import RESAMPLING, Reading, band_names, input_root, open_input
from geosal.scenes.raster import MAX_PIXELS, Scene

__all__ = [
    "MAX_PIXELS", "RESAMPLING", "Reading", "Scene", "band_names", "describe", "input_root", "open_input",
]  # fmt: skip
