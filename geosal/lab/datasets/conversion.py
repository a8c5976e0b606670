"""How each data set becomes RGB of 8 bits, as all images of the paper are.

The paper says no more than that ("all images were converted to 3 band, RGB images with 8 bits per color"). So each data
set is read as those who know it show it:

============  =====================  ============================  =====================================================
data set      samples                here                          why
============  =====================  ============================  =====================================================
RarePlanes    uint8                  as they are                   its makers made pan-sharpened RGB of 8 bits
SpaceNet      uint8 or uint16        uint16: ``percentile:2-98``   the stretch that solutions of SpaceNet's challenges
                                                                   share; each band of each image on its own
Sentinel-2    uint16                 ``tci:l1c`` of B04, B03, B02  ESA's formula of the true-colour image in products,
                                                                   which old ones lack: reflectance 0 to 0.3558
Landsat ETM+  uint8                  B3, B2, B1 as they are        Level-1 counts of ETM+ have 8 bits
plain         any                    not uint8: as SpaceNet        red, green and blue, else the first three bands
============  =====================  ============================  =====================================================

The rules are those of `geosal.scenes.rules`: what counts becomes 1 to 255, and 0 stays what says nothing.
"""

from dataclasses import replace

from geosal.errors import GeosalError
from geosal.scenes import Reading, Scene, open_input
from geosal.scenes.rgb import shown_bands

PERCENTILES = "percentile:2-98"
_RGB = (1, 2, 3)
_LANDSAT = Reading(bands=("rgb",))


def of_rgb(path: str) -> Reading:
    """Return the reading of a raster whose first three bands are red, green and blue; only its header is read.

    A raster that cannot be opened gets the reading of bytes: who opens it is told why.
    """
    return Reading(bidx=_RGB, to_byte=_rule(path))


def of_any(path: str) -> Reading:
    """Return the reading of any raster: its red, green and blue, else its first three bands, else its first."""
    try:
        layout = Scene.open(path).layout
    except GeosalError:
        return Reading()
    return Reading(bidx=tuple(band + 1 for band in shown_bands(layout)), to_byte=_rule_of(layout.dtype))


def of_sentinel2(_: str) -> Reading:
    """Return the reading of a Level-1C product."""
    return Reading(bands=("rgb",), to_byte="tci:l1c")


def of_landsat(path: str) -> Reading:
    """Return the reading of a product of ETM+; the headers of its bands are read."""
    try:
        rule = _rule_of(open_input(path, _LANDSAT).layout.dtype)
    except GeosalError:
        rule = None
    return replace(_LANDSAT, to_byte=rule)


def _rule(path: str) -> str | None:
    try:
        return _rule_of(Scene.open(path).layout.dtype)
    except GeosalError:
        return None


def _rule_of(dtype: str) -> str | None:
    return None if dtype == "uint8" else PERCENTILES
