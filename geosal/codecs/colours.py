"""What becomes of bands that are not in the order in which a format shows them."""

import warnings

from rasterio.enums import ColorInterp

from geosal.errors import GeosalWarning
from geosal.raster import RasterLayout

_SHOWN = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]


def warn_of_order(output: str, driver: str, layout: RasterLayout) -> None:
    """Tell where a JPEG will show blue as red: it cannot say which band is which colour."""
    colours = [band.colorinterp for band in layout.metadata.bands if band.colorinterp != ColorInterp.alpha]
    if driver == "JPEG" and colours != _SHOWN and sorted(colours) == sorted(_SHOWN):
        warnings.warn(
            f"{output}: its bands are {', '.join(colour.name for colour in colours)}, and a JPEG shows the first as "
            "red and the last as blue; choose them in the order red, green, blue (--bidx), or write a .tif",
            GeosalWarning,
            stacklevel=3,
        )
