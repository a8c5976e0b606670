"""Colours of bands in formats that define them by their order."""

from rasterio.enums import ColorInterp

from geosal.core.raster import RasterLayout
from geosal.errors import warn

_SHOWN = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
"""Colours that readers assume for three bands."""


def warn_of_order(output: str, layout: RasterLayout, name: str) -> None:
    """Warn where readers will show blue as red.

    Parameters
    ----------
    output
        Its path.
    layout
        Layout of the output.
    name
        Name of the format.
    """
    colours = [band.colorinterp for band in layout.metadata.bands if band.colorinterp != ColorInterp.alpha]
    if colours != _SHOWN and sorted(colours) == sorted(_SHOWN):
        warn(
            f"{output}: its bands are {', '.join(colour.name for colour in colours)}, and a {name} shows the first "
            "as red and the last as blue; choose them in the order red, green, blue (--bidx), or write a .tif"
        )
