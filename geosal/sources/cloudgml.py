"""Cloud masks of Sentinel-2 Level-1C before baseline 04.00: ``MSK_CLOUDS_B00.gml``, polygons in the tile's CRS.

A pixel is cloudy when its centre lies in a polygon (even-odd over its rings, so that holes are holes). Polygons are put
into pixels of the scene once; where an edge crosses a row of centres follows from the edge and the row alone, so that
blocks do not show.
"""

import hashlib
import io
import os
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import transform

from geosal.errors import ResourceError, SaliencyError, SceneError
from geosal.gdal_env import gdal_env
from geosal.grid import Block, Grid

Floats = NDArray[np.float64]

_MAX_BYTES = 16 * 2**20
_MAX_VERTICES = 2 * 10**6
_MAX_ELEMENTS = 250_000
_MAX_DEPTH = 32
_FARTHEST = 1e9
"""In pixels from the scene's corner; beyond, no float tells pixels apart well enough."""
_TYPES = {"OPAQUE": 1, "CIRRUS": 2}
"""Bits of `quality`'s ``clouds_gml``."""
_ARCHIVE = re.compile(r"/vsi(zip|tar)/\{?(.+?\.(?:zip|tar|tgz|tar\.gz|SAFE\.zip))\}?/(.+)", re.IGNORECASE)


class Ring(NamedTuple):
    """A closed line of a polygon."""

    polygon: int
    """Number of the polygon; its rings follow each other."""
    code: int
    crs: str | None
    """Name as written, such as ``urn:ogc:def:crs:EPSG:8.7:32632``."""
    points: Floats
    """(points, 2), x and y on the map."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CloudPolygons:
    """Polygons of a cloud mask, in pixels of a scene.

    Attributes
    ----------
    path
        Of the GML.
    codes
        (polygons,) uint8: 1 opaque, 2 cirrus.
    edges
        For each polygon (edges, 4): x, y of the start, x, y of the stop; column and row, 0 at the outer edge of the
        first pixel.
    bounds
        (polygons, 4): least x, least y, largest x, largest y.
    fingerprint
        SHA-256 of the file.
    """

    path: str
    codes: NDArray[np.uint8]
    edges: tuple[Floats, ...]
    bounds: Floats
    fingerprint: str

    @classmethod
    def open(cls, path: str, grid: Grid) -> Self:
        """Read a cloud mask and put its polygons onto a scene's grid.

        Raises
        ------
        SceneError
            It cannot be read, or is no cloud mask.
        SaliencyError
            The scene has no CRS, or there is no way to it from the mask's.
        ResourceError
            It is larger than any cloud mask.
        """
        content = read_bytes(path)
        codes, edges = [], []
        last = None
        for ring in _rings(path, content):
            points = _in_pixels(path, ring, grid)
            pieces = np.hstack([points, np.roll(points, -1, axis=0)])
            if ring.polygon == last:
                edges[-1] = np.vstack([edges[-1], pieces])
            else:
                codes.append(ring.code)
                edges.append(pieces)
            last = ring.polygon
        bounds = [[*piece[:, :2].min(axis=0), *piece[:, :2].max(axis=0)] for piece in edges]
        return cls(
            path=path,
            codes=np.array(codes, np.uint8),
            edges=tuple(edges),
            bounds=np.array(bounds, np.float64).reshape(-1, 4),
            fingerprint=hashlib.sha256(content).hexdigest(),
        )

    def read(self, block: Block) -> NDArray[np.uint8]:
        """Codes of a block, (y, x): bit 0 opaque, bit 1 cirrus."""
        out = np.zeros(block.shape, np.uint8)
        left, top, right, bottom = self.bounds.T
        meets = (left < block.col_stop) & (right > block.col_off) & (top < block.row_stop) & (bottom > block.row_off)
        for number in np.flatnonzero(meets):
            area = _cut(self.bounds[number], block)
            if area.height > 0 and area.width > 0:
                out[area.slices_in(block)] |= _inside(self.edges[number], area) * self.codes[number]
        return out


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
    except (OSError, KeyError, zipfile.BadZipFile, tarfile.TarError, RuntimeError, EOFError) as error:
        cause = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise SceneError(f"{path}: the cloud mask cannot be read ({cause}); copy the product again") from error
    if len(content) > _MAX_BYTES:
        raise ResourceError(f"{path}: the cloud mask has more than {_MAX_BYTES >> 20} MiB; make a raster mask of it")
    return content


def _opened(path: str) -> IO[bytes]:
    match = _ARCHIVE.fullmatch(path)
    if match is None:
        if os.path.exists(path) and not os.path.isfile(path):
            raise OSError("it is no file")
        return open(path, "rb")
    form, archive, member = match[1].lower(), match[2], match[3]
    if form == "zip":
        with zipfile.ZipFile(archive) as bundle, bundle.open(member) as file:
            return io.BytesIO(file.read(_MAX_BYTES + 1))
    with tarfile.open(archive) as tape:
        found = tape.extractfile(member)
        if found is None:
            raise OSError(f"{member} in it is no file")
        return io.BytesIO(found.read(_MAX_BYTES + 1))


def _rings(path: str, content: bytes) -> Iterator[Ring]:
    """Take the rings out of the GML."""
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
    """Parse the GML and give each ``Envelope`` and ``MaskFeature`` as it ends; a bomb is told long before its end."""
    from defusedxml import DefusedXmlException  # noqa: PLC0415 - only who has such a mask waits for it
    from defusedxml.ElementTree import ParseError, iterparse  # noqa: PLC0415

    depth, count = 0, 0
    try:
        for event, element in iterparse(io.BytesIO(content), ("start", "end"), forbid_dtd=True):
            name = _local(element)
            if event == "start":
                if count == 0 and name != "Mask":
                    raise SceneError(f"{path}: is no cloud mask, its root is {name[:40]}; give MSK_CLOUDS_B00.gml")
                depth, count = depth + 1, count + 1
                if depth > _MAX_DEPTH or count > _MAX_ELEMENTS:
                    raise ResourceError(f"{path}: the cloud mask has more elements than any; copy the product again")
                continue
            depth -= 1
            if name in {"Envelope", "MaskFeature"}:
                yield element
                element.clear()
    except (ParseError, DefusedXmlException, ValueError) as error:
        cause = " ".join(str(error).split())[:120]
        raise SceneError(f"{path}: the cloud mask is no GML that can be trusted ({cause}); copy it again") from error


def _local(element: Any) -> str:
    """Name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _points(path: str, line: Any) -> Floats:
    """Positions of a ``posList``, (points, 2)."""
    try:
        size = int(line.get("srsDimension") or 2)
        points = np.array((line.text or "").split(), np.float64).reshape(-1, size)[:, :2]
    except ValueError as error:
        raise SceneError(
            f"{path}: a polygon of the cloud mask cannot be read; the file is damaged, copy it again"
        ) from error
    if len(points) < 3 or not np.isfinite(points).all():
        raise SceneError(f"{path}: a polygon of the cloud mask has too few points; the file is damaged, copy it again")
    return points


def _in_pixels(path: str, ring: Ring, grid: Grid) -> Floats:
    """Points of a ring as column and row of the scene."""
    scene = grid.rasterio_crs
    if scene is None:
        raise SaliencyError(f"{path}: the scene has no CRS, so its clouds have no place on it; give the scene its CRS")
    x, y = ring.points.T
    code = re.search(r"EPSG:[^:]*:?(\d{4,6})$", ring.crs or "")
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


def _cut(bounds: Floats, block: Block) -> Block:
    """Pixels of a block whose centres may lie in these bounds."""
    left, top = (
        int(max(low, off)) for low, off in zip(np.floor(bounds[:2]), (block.col_off, block.row_off), strict=True)
    )
    right, bottom = (
        int(min(high, stop)) for high, stop in zip(np.ceil(bounds[2:]), (block.col_stop, block.row_stop), strict=True)
    )
    return Block(top, left, bottom - top, right - left)


def _inside(edges: Floats, area: Block) -> NDArray[np.uint8]:
    """Which pixel centres of an area lie in a polygon, (y, x): 1 where an odd number of edges is left of them."""
    low, high = np.minimum(edges[:, 1], edges[:, 3]), np.maximum(edges[:, 1], edges[:, 3])
    first = np.clip(np.ceil(low - 0.5), area.row_off, area.row_stop).astype(np.int64)
    stop = np.clip(np.ceil(high - 0.5), area.row_off, area.row_stop).astype(np.int64)
    count = stop - first
    which = np.repeat(np.arange(len(edges)), count)
    rows = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[which]
    x0, y0, x1, y1 = edges[which].T
    crossing = x0 + (rows + 0.5 - y0) * ((x1 - x0) / (y1 - y0))
    cols = np.clip(np.ceil(crossing - 0.5), area.col_off, area.col_stop).astype(np.int64)
    flat = (rows - area.row_off) * (area.width + 1) + cols - area.col_off
    turns = np.bincount(flat, minlength=area.height * (area.width + 1)).reshape(area.height, area.width + 1)
    return (np.cumsum(turns, axis=1)[:, :-1] & 1).astype(np.uint8)
