"""What the bands of a JPEG in YCbCr are, inside the file.

TIFF takes three bands in YCbCr for red, green and blue. Where they are others, GDAL writes so into an ``.aux.xml``; it
reads it from its tag GDAL_METADATA as well, where it writes the colours of all other files.
"""

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from rasterio.enums import ColorInterp

from geosal.core.raster import RasterLayout
from geosal.formats.cog.directories import ASCII, GDAL_METADATA, Directory, Tag

_INSIDE = frozenset({"Description", "ColorInterp"})
"""Elements of a band in a sidecar whose content is in the file, or comes into it; GDAL repeats descriptions."""
_EMPTY = b"<GDALMetadata>\n</GDALMetadata>\n"
_UNDEFINED = "Undefined"


def tells_only_colours(sidecar: str) -> bool:
    """Return whether a sidecar, which GDAL has just written, tells nothing else of any band, nor of the raster."""
    bands = list(ET.fromstring(sidecar))  # noqa: S314  GDAL has written it
    return all(band.tag == "PAMRasterBand" and {each.tag for each in band} <= _INSIDE for band in bands)


def colours_in(sidecar: str, layout: RasterLayout) -> dict[int, str]:
    """Return GDAL's words for the bands that are not what TIFF takes them for, by their numbers from 1."""
    bands = ET.fromstring(sidecar)  # noqa: S314  GDAL has written it
    told = {int(band.attrib["band"]): band.findtext("ColorInterp") for band in bands}
    unnamed = {
        number: _UNDEFINED
        for number, band in enumerate(layout.metadata.bands, start=1)
        if band.colorinterp is ColorInterp.undefined
    }
    return unnamed | {number: colour for number, colour in told.items() if colour}


def with_colours(directory: Directory, colours: Mapping[int, str]) -> dict[int, Tag]:
    """Put colours of bands into GDAL_METADATA, which is made where there is none."""
    text = directory[GDAL_METADATA].data.rstrip(b"\0") if GDAL_METADATA in directory else _EMPTY
    body, closing, end = text.rpartition(b"</GDALMetadata>")
    lines = "".join(
        f'  <Item name="COLORINTERP" sample="{number - 1}" role="colorinterp">{colour}</Item>\n'
        for number, colour in sorted(colours.items())
    )
    data = body + lines.encode("ascii") + closing + end + b"\0"
    return {**directory, GDAL_METADATA: Tag(ASCII, len(data), data)}
