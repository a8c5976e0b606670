"""Read cloud masks of Sentinel-2 Level-1C before baseline 04.00: ``MSK_CLOUDS_B00.gml``, polygons in the tile's CRS.

A pixel is cloudy when its centre lies in a polygon (even-odd over its rings, so that holes are holes); see `burn`.
"""

import hashlib
import io
import os
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import IO, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import transform

from geosal.core.gdal_env import gdal_env
from geosal.core.grid import Block, Grid
from geosal.errors import ResourceError, SaliencyError, SceneError
from geosal.files.addresses import is_remote
from geosal.files.archives import DAMAGE, open_member
from geosal.files.objects import opened
from geosal.sizes import as_bytes
from geosal.sources.vectors.burn import Outlines
from geosal.sources.vectors.trust import CLOUD_MASK, check_xml

Floats = NDArray[np.float64]

_MAX_BYTES = 16 * 2**20
_MAX_VERTICES = 2 * 10**6
_FARTHEST = 1e9
"""Farthest coordinate, in pixels from the scene's corner; beyond, floats tell pixels apart too coarsely."""
_TYPES = {"OPAQUE": 1, "CIRRUS": 2}
"""Type of a cloud -> bit of `quality`'s ``clouds_gml``."""
_CODE = re.compile(r"EPSG(?::[^:]*:|:|/[^/]*/|\.xml#)(\d{4,6})$", re.IGNORECASE)
_ARCHIVE = re.compile(r"/vsi(zip|tar)/\{?(.+?\.(?:zip|tar|tgz|tar\.gz|SAFE\.zip))\}?/(.+)", re.IGNORECASE)


class Ring(NamedTuple):
    """A closed line of a polygon."""

    polygon: int
    """Number of the polygon; its rings follow each other."""
    code: int
    crs: str | None
    """CRS as written, such as ``urn:ogc:def:crs:EPSG:8.7:32632``."""
    points: Floats
    """Coordinates on the map, (points, 2): x and y."""


@dataclass(frozen=True, kw_only=True)
class CloudPolygons:
    """Polygons of a cloud mask on a scene's grid; holds a path, and the polygons once in each process.

    Attributes
    ----------
    path
        Path of the GML.
    grid
        Grid of the scene.
    fingerprint
        SHA-256 of the file.
    """

    path: str
    grid: Grid
    fingerprint: str

    @classmethod
    def open(cls, path: str, grid: Grid) -> Self:
        """Read a cloud mask and put its polygons onto a scene's grid.

        Raises
        ------
        SceneError
            The file cannot be read, or is no cloud mask.
        SaliencyError
            The scene lacks georeferencing, or no transformation exists from the mask's CRS.
        ResourceError
            The file is larger than any cloud mask.
        """
        path = os.path.abspath(path) if os.path.exists(path) else path
        polygons = cls(path=path, grid=grid, fingerprint=hashlib.sha256(read_bytes(path)).hexdigest())
        _laid(polygons)
        return polygons

    @property
    def bounds(self) -> Floats:
        """Return the bounds of each polygon, (polygon, 4): least x, least y, largest x, largest y, in pixels."""
        return _laid(self)[1]

    def read(self, block: Block) -> NDArray[np.uint8]:
        """Return the codes of a block, (y, x): bit 0 opaque, bit 1 cirrus.

        Raises
        ------
        SaliencyError
            The file has changed since it was opened.
        """
        out = np.zeros(block.shape, np.uint8)
        for code, outlines in _laid(self)[0].items():
            out[outlines.ranks(block) > 0] |= code
        return out


@lru_cache(maxsize=8)
def _laid(mask: CloudPolygons) -> tuple[dict[int, Outlines], Floats]:
    """Return the outlines of the polygons of each code, and the bounds of all."""
    import shapely

    content = read_bytes(mask.path)
    if hashlib.sha256(content).hexdigest() != mask.fingerprint:
        raise SaliencyError(f"{mask.path}: the cloud mask has changed since it was opened; leave it alone while used")
    rings: dict[tuple[int, int], list[Floats]] = {}
    for ring in _rings(mask.path, content):
        points = _in_pixels(mask.path, ring, mask.grid)
        rings.setdefault((ring.polygon, ring.code), []).append(np.vstack([points, points[:1]]))
    # The even-odd rule handles holes, so it does not matter which ring is the outer one.
    shapes = np.array([shapely.MultiPolygon([(line, ()) for line in lines]) for lines in rings.values()], object)
    codes = np.array([code for _, code in rings], np.uint8)
    outlines = {
        int(code): Outlines.of(shapes[codes == code], np.ones(int((codes == code).sum()), np.float32))
        for code in np.unique(codes)
    }
    return outlines, np.asarray(shapely.bounds(shapes)).reshape(-1, 4)


def read_bytes(path: str) -> bytes:
    """Read a small file, also one in a ``/vsizip/`` or ``/vsitar/``.

    Raises
    ------
    SceneError
        It cannot be read.
    ResourceError
        It is too large.
    """
    try:
        with _opened(path) as file:
            content = file.read(_MAX_BYTES + 1)
    except (*DAMAGE, tarfile.TarError) as error:
        cause = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise SceneError(f"{path}: the cloud mask cannot be read ({cause}); copy the product again") from error
    if len(content) > _MAX_BYTES:
        raise ResourceError(f"{path}: the cloud mask has more than {as_bytes(_MAX_BYTES)}; make a raster mask of it")
    return content


def _opened(path: str) -> IO[bytes]:
    if is_remote(path):
        return opened(path)
    match = _ARCHIVE.fullmatch(path)
    if match is None:
        if os.path.exists(path) and not os.path.isfile(path):
            raise OSError("it is no file")
        return open(path, "rb")
    form, archive, member = match[1].lower(), match[2], match[3]
    if form == "zip":
        with zipfile.ZipFile(archive) as bundle, open_member(bundle, member) as file:
            return io.BytesIO(file.read(_MAX_BYTES + 1))
    with tarfile.open(archive) as tape:
        found = tape.extractfile(member)
        if found is None:
            raise OSError(f"{member} in it is no file")
        return io.BytesIO(found.read(_MAX_BYTES + 1))


def _rings(path: str, content: bytes) -> Iterator[Ring]:
    """Read the rings of the GML."""
    crs, vertices, polygon = None, 0, 0
    for element in _elements(path, content):
        if _local(element) == "Envelope":
            crs = element.get("srsName")
            continue
        kind = next((inner.text or "" for inner in element.iter() if _local(inner) == "maskType"), "")
        code = _TYPES.get(kind.strip().upper(), 0)
        for shape in (inner for inner in element.iter() if _local(inner) == "Polygon") if code else ():
            polygon += 1
            for line in (inner for inner in shape.iter() if _local(inner) == "posList"):
                points = _points(path, line)
                vertices += len(points)
                if vertices > _MAX_VERTICES:
                    raise ResourceError(
                        f"{path}: the cloud mask has more than {_MAX_VERTICES} points; make a raster mask of it"
                    )
                yield Ring(polygon, code, shape.get("srsName") or crs, points)


def _elements(path: str, content: bytes) -> Iterator[Any]:
    """Parse the GML and yield each ``Envelope`` and ``MaskFeature`` as it ends; refuse a bomb."""
    from defusedxml import DefusedXmlException  # needed for such masks only
    from defusedxml.ElementTree import ParseError, iterparse

    check_xml(path, io.BytesIO(content), CLOUD_MASK)
    try:
        for _, element in iterparse(io.BytesIO(content), forbid_dtd=True):
            if _local(element) in {"Envelope", "MaskFeature"}:
                yield element
                element.clear()
    except (ParseError, DefusedXmlException, ValueError) as error:
        cause = " ".join(str(error).split())[:120]
        raise SceneError(f"{path}: the cloud mask is no GML that can be trusted ({cause}); copy it again") from error


def _local(element: Any) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _points(path: str, line: Any) -> Floats:
    """Return the positions of a ``posList``, (points, 2)."""
    try:
        size = int(line.get("srsDimension") or 2)
        points = np.array((line.text or "").split(), np.float64).reshape(-1, size)[:, [0, 1]]
    except (ValueError, IndexError) as error:
        raise SceneError(
            f"{path}: a polygon of the cloud mask cannot be read; the file is damaged, copy it again"
        ) from error
    if len(points) < 3 or not np.isfinite(points).all():
        raise SceneError(f"{path}: a polygon of the cloud mask has too few points; the file is damaged, copy it again")
    return points


def _in_pixels(path: str, ring: Ring, grid: Grid) -> Floats:
    """Return the points of a ring as column and row of the scene."""
    scene = grid.rasterio_crs
    if scene is None or not grid.georeferenced:
        raise SaliencyError(
            f"{path}: the scene lacks georeferencing, so its clouds have no place on it; give it one: {grid.placing}"
        )
    x, y = ring.points.T
    code = _CODE.search(ring.crs or "")
    if ring.crs and code is None:
        raise SceneError(f"{path}: its clouds are in a CRS {ring.crs[:60]!r}, which names no EPSG code; copy it again")
    with gdal_env():
        try:
            crs = CRS.from_epsg(int(code[1])) if code else scene
        except (RasterioError, ValueError) as error:
            raise SceneError(
                f"{path}: its clouds are in EPSG:{code and code[1]}, which is unknown; copy it again"
            ) from error
        if crs != scene:
            try:
                x, y = (np.asarray(values) for values in transform(crs, scene, x, y))
            except Exception as error:
                raise SaliencyError(
                    f"{path}: its clouds ({ring.crs}) cannot be brought to the scene's CRS; give a mask of this scene"
                ) from error
    back = ~grid.transform
    points = np.column_stack([back.a * x + back.b * y + back.c, back.d * x + back.e * y + back.f])
    if not (np.abs(points) < _FARTHEST).all():
        raise SaliencyError(f"{path}: its clouds lie where the scene's CRS has no place; give a mask of this scene")
    return points
