"""Check text files before a library parses them: links, entities, and endless nesting."""

import mmap
import re
from dataclasses import dataclass
from typing import IO

from geosal.errors import ResourceError, SceneError
from geosal.sources.vectors.kinds import TOKEN

_PIECE = 2**16
_TEXT = rb'"[^"\\]*"'
_NAME = rb'"properties"\s*:\s*\{\s*"name"\s*:\s*' + _TEXT + rb"\s*\}"
_TYPE = rb'"type"\s*:\s*"name"'
_NAMED = rb"\{\s*(?:" + _TYPE + rb"\s*,\s*" + _NAME + rb"|" + _NAME + rb"\s*,\s*" + _TYPE + rb")\s*\}"
_HARMLESS = rb"\s*(?::\s*(?:null|true|false|[-+.\dEe]+|" + _TEXT + rb"|" + _NAMED + rb")\s*)?[,}\]]"
_CRS = rb"(?:[Cc]|\\u00[46]3)(?:[Rr]|\\u00[57]2)(?:[Ss]|\\u00[57]3)"
_ODD_CRS = re.compile(rb'"' + _CRS + rb'"(?!' + _HARMLESS + rb")|'" + _CRS + rb"'\s*[:/]")
"""A "crs" that is more than a name. It allows escapes, single quotes and comments, as GDAL's parser does."""

_CRS_OBJECT = re.compile(rb'"' + _CRS + rb'"\s*:\s*\{')


def check_geojson(path: str) -> None:
    """Refuse a GeoJSON with a CRS by a link, which GDAL would fetch (GeoJSON 2008, section 3.2); RFC 7946 has none.

    Raises
    ------
    SceneError
        The file has such a link, or it cannot be read.
    """
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            odd = _ODD_CRS.search(content)
    except (OSError, ValueError) as error:
        raise SceneError(f"{path}: cannot be read ({error}); copy it again") from error
    if odd is not None:
        raise SceneError(
            f'{path}: has a "crs" that is no name, at byte {odd.start()}; a link would be followed, so write '
            '"crs": {"type": "name", "properties": {"name": "EPSG:CODE"}}, or leave it out and add crs=CODE'
        )


def tells_crs(path: str) -> bool:
    """Return whether a GeoJSON names a CRS; without, it is in degrees of WGS 84 (RFC 7946, section 4).

    Names of attributes do not matter: only the outermost members count, as for GDAL.
    """
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        named = {found.start() for found in _CRS_OBJECT.finditer(content)}
        depth, last = 0, max(named, default=0)
        for token in TOKEN.finditer(content) if named else ():
            if token[1] is None:
                depth += 1 if token[0] in b"[{" else -1
            elif depth == 1 and token.start() in named:
                return True
            elif token.start() >= last:
                break
    return False


@dataclass(frozen=True, slots=True)
class XmlKind:
    """Rules for a kind of XML file.

    Attributes
    ----------
    what
        Its name, for messages.
    root
        Local name of its outermost element.
    depth, elements
        Limits of nesting, and of the number of elements.
    mend
        Advice for the message about a text that is refused.
    links
        Elements that make programs read other files.
    """

    what: str
    root: str
    depth: int
    elements: int
    mend: str
    links: tuple[str, ...] = ()


KML = XmlKind("KML", "kml", 64, 10**7, "convert it to a GeoPackage with ogr2ogr", ("NetworkLink", "NetworkLinkControl"))
CLOUD_MASK = XmlKind("cloud mask", "Mask", 32, 250_000, "give MSK_CLOUDS_B00.gml of the product")


def check_xml(path: str, file: IO[bytes], kind: XmlKind) -> None:
    """Read an XML file once, without building a tree.

    Raises
    ------
    SceneError
        The file is not well-formed, is of another kind, has a document type, or links to other files.
    ResourceError
        The file has too many elements, or is nested too deep.
    """
    from xml.parsers import expat

    depth = count = 0

    def start(name: str, _attributes: object) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        space, _, local = name.rpartition("}")
        if count == 1 and local != kind.root:
            raise SceneError(f"{path}: is XML but no {kind.what}, its root is {local[:40]}; {kind.mend}")
        if local in kind.links or (kind.links and "opengis.net/gml" in space):
            raise SceneError(f"{path}: the {kind.what} has {local[:40]}, which may name other files; {kind.mend}")
        if depth > kind.depth or count > kind.elements:
            raise ResourceError(f"{path}: the {kind.what} has more elements than any; {kind.mend}")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: object) -> None:
        raise SceneError(f"{path}: the {kind.what} has a document type or entities, which none needs; remove them")

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = doctype
    try:
        while piece := file.read(_PIECE):
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        cause = " ".join(str(error).split())[:200]
        raise SceneError(f"{path}: is no well-formed {kind.what} ({cause}); copy it again") from error
