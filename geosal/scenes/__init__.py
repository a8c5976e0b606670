"""OPEN: read scenes, headers first and pixels on demand."""

from geosal.scenes.base import AnyScene
from geosal.scenes.describe import describe
from geosal.scenes.opening import input_places, input_root, open_input, read_as
from geosal.scenes.raster import MAX_PIXELS, Scene
from geosal.scenes.reading import NO_LIMIT, RESAMPLING, OpenOptions, Reading, ReadingOptions, band_names

__all__ = [
    "MAX_PIXELS", "NO_LIMIT", "RESAMPLING", "AnyScene", "OpenOptions", "Reading", "ReadingOptions", "Scene",
    "band_names", "describe", "input_places", "input_root", "open_input", "read_as",
]  # fmt: skip
