"""Recognise the kind of a vector file by its first bytes, and that of an archive by its content."""

import mmap
import os
import re
from dataclasses import dataclass

from geosal.errors import ResourceError, SceneError

SHP = b"\x00\x00\x27\x0a"
"""First bytes of a shapefile."""
_FOREIGN = (b"<OGRVRTDataSource", b"opengis.net/gml", b"NetworkLink")
"""Marks in a KML file that it does not need, and that make GDAL take another driver or open other files."""
_ZIP = b"PK\x03\x04"
_RECORD = b"\x1e"
"""First byte of each record in a GeoJSON text sequence (RFC 8142)."""
TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)"(\s*:)?|[\[\]{}]', re.DOTALL)
"""Token of JSON: a text, with the colon of a key, or a bracket."""
_COCO_KEYS = {b"annotations", b"images", b"categories"}
_VOC = re.compile(rb"(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)?<annotation[\s>]", re.DOTALL)
_YOLO = re.compile(rb"\d+(?:[ \t]+[-+]?[\d.]+(?:[eE][-+]?\d+)?){4,}[ \t]*(?:\r?\n|$)")
"""A class, and four numbers or more."""
_ARCHIVES = (".zip", ".shz", ".kmz")
_MEMBERS = {".shp": "shp", ".kml": "KML"}


@dataclass(frozen=True, slots=True)
class Member:
    """The only file of features in an archive: its kind, and its name there."""

    kind: str
    name: str


def by_magic(path: str, head: bytes) -> str | None:
    """Return the kind of a file, from its first bytes; None where geosal does not read it."""
    if head.startswith(_ZIP):
        return member_of(path).kind if path.lower().endswith(_ARCHIVES) else None
    binary = {b"fgb\x03fgb": "fgb", SHP: "shp", b"PAR1": "parquet"}
    for magic, kind in binary.items():
        if head.startswith(magic):
            return kind
    if head.startswith(b"SQLite format 3\x00"):
        return "GPKG" if head[68:72] in {b"GPKG", b"GP10", b"GP11"} else None
    return _by_text(path, head)


def _by_text(path: str, head: bytes) -> str | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(_RECORD):
        return "GeoJSONSeq"
    if text.startswith(b"{"):
        return _by_members(path, text)
    if text.startswith(b"["):
        return "COCO" if b'"image_id"' in text else None
    if text.startswith(b"<"):
        is_kml = b"<kml" in text and not any(mark in head for mark in _FOREIGN)
        return "VOC" if _VOC.match(text) else "KML" if is_kml else None
    return _by_lines(path.lower(), text)


def _by_members(path: str, text: bytes) -> str:
    """Return the kind of a JSON file that holds one object."""
    if _says_labelme(text):
        return "labelme"
    kind = "GeoJSON" if _says_geojson(text) else "COCO"
    return "GeoJSONSeq" if kind == "GeoJSON" and _one_a_line(path) else kind


def _by_lines(name: str, text: bytes) -> str | None:
    """Return the kind of a file of lines."""
    if name.endswith(".txt") and _YOLO.match(text):
        return "YOLO"
    return "CSV" if name.endswith((".csv", ".txt")) and b"\x00" not in text else None


def _says_geojson(text: bytes) -> bool:
    """Return whether JSON is GeoJSON, by its outermost members; other JSON is read as COCO."""
    keys = _outermost(text)
    if keys & _COCO_KEYS and b"features" not in keys:
        return False
    return b'"Feature' in text or b'"coordinates"' in text or b'"geometries"' in text


def _says_labelme(text: bytes) -> bool:
    """Return whether JSON is labelme's, by its outermost members."""
    keys = _outermost(text)
    return b"shapes" in keys and not keys & {b"features", b"annotations"}


def _outermost(text: bytes) -> set[bytes]:
    """Return the keys of the outermost members of JSON, as far as there is some."""
    depth, keys = 0, set()
    for token in TOKEN.finditer(text):
        if token[1] is None:
            depth += 1 if token[0] in b"[{" else -1
        elif depth == 1 and token[2] is not None:
            keys.add(token[1])
    return keys


def _one_a_line(path: str) -> bool:
    """Return whether a file's first line is a whole feature and another one follows."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        end = content.find(b"\n")
        while end >= 0 and not content[:end].removeprefix(b"\xef\xbb\xbf").strip():
            end = content.find(b"\n", end + 1)
        if end < 0 or not content[max(0, end - 2) : end].rstrip().endswith(b"}"):
            return False
        return content[end : end + 4096].lstrip().startswith(b"{")


def member_of(path: str, most: int = 2**30) -> Member:
    """Find the shapefile or the KML file in an archive, and check its first bytes.

    Raises
    ------
    SceneError
        The archive cannot be read, or holds none of them, or several.
    ResourceError
        The archive unpacks to more than `most` bytes.
    """
    import zipfile

    from geosal.files.archives import DAMAGE, open_member

    head = b""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            names = [one.filename for one in members if os.path.splitext(one.filename)[1].lower() in _MEMBERS]
            names = [name for name in names if not os.path.basename(name).startswith(".")]
            # The first one of a .kmz is the document (KML 2.2, OGC 07-147r2, annex C).
            names = names[:1] if path.lower().endswith(".kmz") else names
            if len(names) == 1:
                with open_member(archive, names[0]) as file:
                    head = file.read(4096)
    except DAMAGE as error:
        cause = " ".join(str(error).split())[:300]
        raise SceneError(f"{path}: is no archive that can be read ({cause}); copy it again") from error
    kind = _MEMBERS[os.path.splitext(names[0])[1].lower()] if len(names) == 1 else ""
    if not kind or (kind == "shp" and not head.startswith(SHP)):
        found = ", ".join(names[:6]) or "neither a .shp nor a .kml"
        raise SceneError(f"{path}: holds {found}; give an archive of one shapefile or one KML file")
    if sum(member.file_size for member in members) > most:
        raise ResourceError(f"{path}: unpacks to more than {most} bytes; unpack it, or clip it to the scene")
    return Member(kind, names[0])
