"""Put the metadata domains that GDAL's copy drops into the finished file.

GDAL's COG driver keeps either the default domain (of the raster and its bands) or, with COPY_SRC_MDD, the other domains
but then no band's tags; its JPEG2000 driver keeps the default domain only, in ``.aux.xml``. So:

- COG: the stage gets a filler tag as long as the missing items. In the finished file they overwrite the filler.
  The TIFF tag GDAL_METADATA keeps its place and its length, and the file its cloud-optimised layout.
- JPEG2000, JPEG, and GeoTIFF tags that outgrow what GDAL puts into the file: the items go into the ``.aux.xml``.
"""

import html
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import rasterio
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning

from geosal.core.grid import Grid
from geosal.core.metadata import is_document
from geosal.core.raster import RasterMetadata
from geosal.core.tiff import TiffReader

FILLER = "GEOSAL_FILLER"
_GDAL_METADATA = 42112
_FILLER_ITEM = re.compile(rf' *<Item name="{FILLER}">\.*</Item>\n?'.encode())
_FILLER_MDI = re.compile(rf' *<MDI key="{FILLER}">\.*</MDI>\n?')
_SAME_PLACE = 1e-6
"""Tolerance of a place, in pixels."""
_GARBLED = re.compile(r' *<Metadata domain="(xml:[^"]*)">.*?</Metadata>\n?', re.DOTALL)
"""What GDAL's sidecar makes of a document that is not XML: a key and a value, cut at the first colon."""
_BITS = re.compile(r' *<MDI key="NBITS">\d*</MDI>\n?')
_PLACE = re.compile(r" *<(SRS|GeoTransform)\b[^>]*>[^<]*</\1>\n?")


@dataclass(frozen=True, slots=True)
class Item:
    """One metadata item; `band` counts from 1, 0 is the raster itself."""

    domain: str
    band: int
    key: str
    value: str

    @property
    def tiff_line(self) -> bytes:
        """Return its line in GDAL_METADATA, where GDAL escapes values twice."""
        # GDAL reads any "xml:" item as a document, whatever its name; a "json:" item keeps its name as a key.
        name = {"xml": "doc", "json": "json"}[self.domain.partition(":")[0]] if is_document(self.domain) else self.key
        sample = f' sample="{self.band - 1}"' if self.band else ""
        attributes = f"name={_quoted(name)}{sample} domain={_quoted(self.domain)}"
        return f"  <Item {attributes}>{_escape(_escape(self.value))}</Item>\n".encode()


def missing_items(metadata: RasterMetadata, kept: frozenset[str], dropped_ends: tuple[str, ...]) -> tuple[Item, ...]:
    """List what GDAL would drop from `metadata`, where its writer keeps some domains only.

    Of these it drops items of the raster whose values end in one of `dropped_ends`.
    """
    tagged = [(0, metadata.tags), *((band, found.tags) for band, found in enumerate(metadata.bands, start=1))]
    return tuple(
        Item(domain, band, key, value)
        for band, tags in tagged
        for domain, items in tags.items()
        for key, value in items.items()
        if domain not in kept or (not band and value.endswith(dropped_ends))
    )


def filler_for(items: tuple[Item, ...]) -> str:
    """Make the value of the filler tag that keeps room for `items`."""
    return "." * sum(len(item.tiff_line) for item in items)


def keep_place(path: Path, grid: Grid) -> None:
    """Write into the sidecar where a JPEG 2000 lies, if its own boxes cannot; GDAL reads the sidecar first.

    The boxes cannot express a south-up image, a CRS of three dimensions or one with a rotated pole. Without a CRS, GDAL
    reads a local one in metres from them, unless the sidecar says that there is none.

    Parameters
    ----------
    path
        A file that GDAL has just written.
    grid
        Place of the image; its size does not matter.
    """
    placed = not grid.transform.is_identity  # others have no place, or control points or RPCs instead
    with warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning), rasterio.open(path) as dataset:
        tolerance = _SAME_PLACE * abs(grid.transform.determinant) ** 0.5
        moved = placed and not dataset.transform.almost_equals(grid.transform, tolerance)
        invented = grid.crs is None and dataset.crs is not None
        renamed = invented or (placed and grid.crs is not None and dataset.crs != CRS.from_wkt(grid.crs))
    lines = ""
    if renamed:
        lines += f"  <SRS>{_escape(grid.crs or '')}</SRS>\n"
    if moved:
        lines += f"  <GeoTransform>{', '.join(map(repr, grid.transform.to_gdal()))}</GeoTransform>\n"
    if lines:
        sidecar = path.with_name(path.name + ".aux.xml")
        text = sidecar.read_text(encoding="utf-8") if sidecar.exists() else "<PAMDataset>\n</PAMDataset>\n"
        text = _PLACE.sub("", text)
        sidecar.write_text(text.replace("<PAMDataset>", f"<PAMDataset>\n{lines}", 1), encoding="utf-8")


def _quoted(text: str) -> str:
    return '"' + _escape(text).replace('"', "&quot;") + '"'


def _escape(text: str) -> str:
    """Write a text as the content of an XML element; xml.sax has the same, and loads what speaks HTTPS."""
    return html.escape(text, quote=False)


def restore_in_tiff(path: Path, items: tuple[Item, ...]) -> bool:
    """Overwrite the filler in GDAL_METADATA of a TIFF; False when GDAL has put its metadata elsewhere."""
    with path.open("r+b") as file:
        reader = TiffReader.of(file)
        place = reader.text_at(reader.first, _GDAL_METADATA)
        if place is None:
            return False
        offset, length = place
        file.seek(offset)
        text = file.read(length).rstrip(b"\0")
        kept, found = _FILLER_ITEM.subn(b"", text)
        if not found:
            return False
        body, closing, _ = kept.rpartition(b"</GDALMetadata>")
        lines = b"".join(item.tiff_line for item in items if f"domain={_quoted(item.domain)}".encode() not in body)
        text = (body + lines + closing).ljust(length - 1, b"\n") + b"\0"
        file.seek(offset)
        file.write(text)
    return True


def restore_in_sidecar(path: Path, items: tuple[Item, ...]) -> None:
    """Put items into the ``.aux.xml`` of a raster that GDAL has just written, in place of a filler if it has one."""
    if not items:
        return
    sidecar = path.with_name(path.name + ".aux.xml")
    text = sidecar.read_text(encoding="utf-8") if sidecar.exists() else "<PAMDataset>\n</PAMDataset>\n"
    text = _FILLER_MDI.sub("", text)
    domains = {item.domain for item in items}
    text = _GARBLED.sub(lambda found: "" if found[1] in domains else found[0], text)
    for band in sorted({item.band for item in items}):
        lines = "".join(_pam_elements(text, [item for item in items if item.band == band]))
        text = _with_lines(text, band, lines)
    sidecar.write_text(text, encoding="utf-8")


def nodata_in_sidecar(path: Path, nodata: float, count: int) -> None:
    """Write the nodata code of each band into the ``.aux.xml`` of a raster that GDAL has just written."""
    sidecar = path.with_name(path.name + ".aux.xml")
    text = sidecar.read_text(encoding="utf-8") if sidecar.exists() else "<PAMDataset>\n</PAMDataset>\n"
    for band in range(1, count + 1):
        text = _with_lines(text, band, f"    <NoDataValue>{nodata:.17g}</NoDataValue>\n")
    sidecar.write_text(text, encoding="utf-8")


def without_bits(path: Path) -> None:
    """Remove significant bits from the ``.aux.xml`` of a raster that has them itself; readers ignore those aside."""
    sidecar = path.with_name(path.name + ".aux.xml")
    if sidecar.exists():
        text = sidecar.read_text(encoding="utf-8")
        sidecar.write_text(_BITS.sub("", text), encoding="utf-8")


def _with_lines(text: str, band: int, lines: str) -> str:
    """Add lines to the part of a sidecar about a band, or about the raster (0)."""
    opening = f'<PAMRasterBand band="{band}">'
    if not band:
        return text.replace("<PAMDataset>", f"<PAMDataset>\n{lines}", 1)
    if opening in text:
        return text.replace(opening, f"{opening}\n{lines}", 1)
    return text.replace("</PAMDataset>", f"  {opening}\n{lines}  </PAMRasterBand>\n</PAMDataset>", 1)


def _pam_elements(text: str, items: list[Item]) -> Iterator[str]:
    """Write the items of one band, or of the raster, as GDAL's PAM does: one element a domain."""
    for domain in dict.fromkeys(item.domain for item in items):
        if not items[0].band and f"<Metadata domain={_quoted(domain)}" in text:
            continue  # GDAL has kept this item
        pairs = [(item.key, item.value) for item in items if item.domain == domain]
        opening = f"  <Metadata domain={_quoted(domain)}"
        if domain.startswith("json:"):
            yield f'{opening} format="json">{_escape(pairs[0][1])}</Metadata>\n'
        elif domain.startswith("xml:"):
            document = re.sub(r"^\s*<\?xml.*?\?>", "", pairs[0][1])
            if "<!DOCTYPE" not in document and _is_well_formed(document):
                yield f'{opening} format="xml">{document}</Metadata>\n'
            elif document.strip():  # GDAL keeps JSON as plain text
                yield f'{opening} format="json">{_escape(pairs[0][1])}</Metadata>\n'
        else:
            lines = "".join(f"    <MDI key={_quoted(key)}>{_escape(value)}</MDI>\n" for key, value in pairs)
            yield f"{opening}>\n{lines}  </Metadata>\n"


def _is_well_formed(document: str) -> bool:
    try:
        ET.fromstring(document)  # noqa: S314  expat refuses entity bombs, and nothing is taken from it
    except ET.ParseError:
        return False
    return True
