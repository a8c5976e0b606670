"""Which encoder makes the tiles of a profile."""

from geosal.codecs.jpeg2000 import J2kEncoder, jpeg2000_encoder
from geosal.codecs.profiles import Profile
from geosal.codecs.tiff import TiffEncoder, tiff_encoder
from geosal.codecs.zarr_tiles import ZarrEncoder, zarr_encoder
from geosal.raster import RasterLayout


def tile_encoder(profile: Profile, layout: RasterLayout) -> TiffEncoder | J2kEncoder | ZarrEncoder | str:
    """Make the encoder of a profile's tiles, or tell why GDAL has to write the file.

    Parameters
    ----------
    profile
        Driver, codec and options.
    layout
        What is to be written.
    """
    if profile.driver == "COG":
        return tiff_encoder(profile, layout)
    if profile.driver == "Zarr":
        return zarr_encoder(profile, layout)
    return jpeg2000_encoder(profile, layout)
