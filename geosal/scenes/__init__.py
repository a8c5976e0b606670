"""OPEN: scenes as geosal sees them, headers first and pixels only when asked."""

from geosal.scenes.describe import describe
from geosal.scenes.lazy import open_scene
from geosal.scenes.raster import MAX_PIXELS, Scene

__all__ = ["MAX_PIXELS", "Scene", "describe", "open_scene"]
