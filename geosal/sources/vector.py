"""Features of a vector file as saliency: what lies in them counts, what does not is background."""

import os
import re
import threading
import warnings
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from geosal.errors import GeosalWarning, SaliencyError, UsageError
from geosal.grid import Block, Grid
from geosal.sources.base import Coded, Kind, Setting
from geosal.sources.burn import Outlines
from geosal.sources.detections import Frame, read_coco, read_csv
from geosal.sources.feather import Feather, feathered
from geosal.sources.geoparquet import read_parquet
from geosal.sources.text import SourceText
from geosal.sources.vectorfile import Features, Wish, fingerprint, kind_of, read_ogr
from geosal.sources.vectorplace import areal, around_points, grow, no_overlap, on_scene, pixel_metres, to_pixels

_PARAMETERS = (
    "saliency", "attribute", "range", "buffer", "feather", "background", "layer", "where", "crs", "outline",
    "image", "category", "shape",
)  # fmt: skip
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_SMALL = 4.0
"""Pixels; features of a larger area are taken to cover the centre of one."""
_CODES = 255
_COLLECTION = 7
_PIECE = 10_000
_KEEP = 8
"""Files whose outlines a process keeps."""


class Length(NamedTuple):
    """A distance."""

    amount: float
    pixels: bool
    """In pixels of the scene; else in metres on the ground."""


@dataclass(frozen=True, kw_only=True)
class Vector:
    """``FILE:saliency=S|attribute=NAME,range=LO-HI,buffer=120|5px,feather=…,background=B``: what lies in features.

    GeoJSON, GeoPackage, shapefile, FlatGeobuf, KML and GeoParquet in any CRS; COCO detections and CSV tables of boxes
    in pixels. Also ``layer=``, ``where=`` (SQL), ``crs=`` (EPSG code, for files that tell none), ``outline=yes`` (edges
    only), and of detections ``image=``, ``category=``, ``shape=boxes|polygons``.

    Attributes
    ----------
    text
        As the user wrote it.
    path
        Of the file, absolute.
    fingerprint
        SHA-256 of the file.
    grid
        Of the scene.
    scene
        Path of the scene, by which detections know their image.
    wish
        Which features, and which attribute.
    saliency
        Of all features, where there is no attribute.
    limits
        The attribute's values that mean 0 and 1.
    buffer, feather
        How far features are grown, and how far from there saliency falls to the background.
    background
        Saliency elsewhere.
    outline
        Only the edges of areas.
    crs
        EPSG code of a file that tells none.
    """

    kind: ClassVar[Kind] = "interest"

    text: str
    path: str
    fingerprint: str
    grid: Grid
    scene: str | None
    wish: Wish
    saliency: float
    limits: tuple[float, float]
    buffer: Length
    feather: Length
    background: float
    outline: bool
    crs: int | None

    @classmethod
    def open(cls, source: SourceText, setting: Setting) -> Self:
        """Read the features and lay them on the scene.

        Raises
        ------
        UsageError
            A parameter is unknown or makes no sense.
        SceneError
            The file cannot be read, or is of a kind that is not trusted.
        SaliencyError
            No feature lies on the scene, or the attribute holds what is no saliency.
        ResourceError
            The file has more features than any saliency needs.
        """
        source.only(*_PARAMETERS)
        if source.get("attribute") is not None and source.get("saliency") is not None:
            raise UsageError(f"{source.text}: saliency= and attribute= exclude each other; give one of them")
        if source.get("range") is not None and source.get("attribute") is None:
            raise UsageError(f"{source.text}: range= is for an attribute; add attribute=NAME or leave it out")
        kind_of(source.target)
        vector = cls(
            text=source.text,
            path=os.path.abspath(source.target),
            fingerprint=fingerprint(source.target),
            grid=setting.grid,
            scene=None if setting.scene is None else setting.scene.path,
            wish=Wish(
                layer=source.get("layer"),
                where=source.get("where"),
                attribute=source.get("attribute"),
                image=source.get("image"),
                category=source.get("category"),
                shape=source.choice("shape", "boxes", ("boxes", "polygons")),
            ),
            saliency=source.number("saliency", 1.0, 0, 1),
            limits=_parse_range(source),
            buffer=_parse_length(source, "buffer", setting.grid),
            feather=_parse_length(source, "feather", setting.grid),
            background=source.number("background", setting.background, 0, 1),
            outline=source.choice("outline", "no", ("no", "yes")) == "yes",
            crs=source.integer("crs", 0, 1024, 2**31) if source.get("crs") else None,
        )
        for note in vector._laid().notes:
            warnings.warn(f"{source.text}: {note}", GeosalWarning, stacklevel=2)
        return vector

    def read(self, block: Block) -> NDArray[np.float32]:
        """Saliency of a block, (y, x).

        Raises
        ------
        SceneError
            The file cannot be read here.
        SaliencyError
            It has changed since it was opened.
        """
        laid = self._laid()
        if laid.feather is not None:
            return feathered(laid.outlines, block, self.background, laid.feather)
        table = np.concatenate([np.array([self.background], np.float32), laid.outlines.values])
        return table[laid.outlines.ranks(block)]

    def read_coded(self, block: Block) -> Coded | None:
        """Saliency of a block by the rank of its features, where there are few values and no soft edges."""
        laid = self._laid()
        if laid.feather is not None or laid.outlines.values.size > _CODES:
            return None
        table = np.zeros(256, np.float32)
        table[0] = self.background
        table[1 : laid.outlines.values.size + 1] = laid.outlines.values
        return Coded(laid.outlines.ranks(block).astype(np.uint8), table)

    def known(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.bool_]:
        """True everywhere: what is no feature is background."""
        return np.ones((rows.size, cols.size), dtype=bool)

    def __dask_tokenize__(self) -> Hashable:
        """The class and its parameters, the file's hash among them."""
        return type(self).__qualname__, repr(self)

    def _laid(self) -> "_Laid":
        """Features on the grid, read once in each process; the source itself stays small when it travels."""
        key = replace(self, text="")
        with _lock:
            if key not in _kept:
                _kept[key] = _lay(self)
                while len(_kept) > _KEEP:
                    _kept.popitem(last=False)
            _kept.move_to_end(key)
            return _kept[key]


class _Laid(NamedTuple):
    outlines: Outlines
    feather: Feather | None
    notes: tuple[str, ...]


_kept: OrderedDict[Vector, _Laid] = OrderedDict()
_lock = threading.Lock()


def _lay(vector: Vector) -> _Laid:
    """Read the file and lay its features on the grid."""
    from shapely.errors import ShapelyError  # noqa: PLC0415

    if fingerprint(vector.path) != vector.fingerprint:
        raise SaliencyError(f"{vector.text}: the file has changed since it was opened; leave it alone while it is used")
    features = _read(vector)
    notes = list(features.notes)
    if features.geometries.size == 0:
        raise SaliencyError(f"{vector.text}: there is no feature in it, or none that is asked for; check the file")
    values, noted = _saliency(vector, features)
    notes += noted
    feather = _feather(vector)
    pieces, lost, mended = [], 0, 0
    # Piece by piece: geometries as objects take several times the memory of their outlines.
    for start in range(0, values.size, _PIECE):
        piece = replace(features, geometries=features.geometries[start : start + _PIECE])
        try:
            placed, off = to_pixels(vector.text, piece, vector.grid, vector.crs)
            polygons, owner, invalid = _polygons(vector, placed, 0.0 if feather is None else feather.width)
        except ShapelyError as error:
            cause = " ".join(str(error).split())[:200]
            raise SaliencyError(f"{vector.text}: geometries cannot be worked with ({cause}); mend the file") from error
        lost, mended = lost + off, mended + invalid
        if polygons.size:
            pieces.append(_covering(polygons, values[start : start + _PIECE][owner].astype(np.float32)))
    if not pieces:
        raise no_overlap(vector.text, features, vector.grid)
    if lost:
        notes.append(f"{lost} features lie where the scene's CRS has no place and are left out")
    if mended:
        notes.append(f"{mended} geometries are not valid (they cross themselves) and were mended")
    return _Laid(Outlines.joined(pieces), feather, tuple(notes))


def _read(vector: Vector) -> Features:
    kind = kind_of(vector.path)
    wish = vector.wish
    if kind in {"COCO", "CSV"}:
        if wish.where is not None or wish.layer is not None:
            raise UsageError(f"{vector.text}: where= and layer= are not for detections; use category= and image=")
        frame = Frame(vector.scene, vector.grid.shape)
        return (read_coco if kind == "COCO" else read_csv)(vector.text, vector.path, wish, frame)
    if wish.image is not None or wish.category is not None:
        raise UsageError(f"{vector.text}: image= and category= are for detections (COCO, CSV); use where= here")
    if kind == "parquet":
        return read_parquet(vector.text, vector.path, wish)
    return read_ogr(vector.text, vector.path, kind, wish)


def _saliency(vector: Vector, features: Features) -> tuple[NDArray[np.float64], list[str]]:
    """Saliency of each feature, and what the user should be warned of."""
    if features.values is None:
        return np.full(features.geometries.size, vector.saliency), []
    low, high = vector.limits
    there = np.isfinite(features.values)
    given = features.values[there]
    if given.size and not low <= given.min() <= given.max() <= high:
        raise SaliencyError(
            f"{vector.text}: attribute {vector.wish.attribute} has values {given.min():.9g} to {given.max():.9g}, "
            f"outside {low:g} to {high:g}; add range=LO-HI with the values that mean 0 and 1"
        )
    values = np.where(there, (features.values - low) / (high - low), 1.0)
    if there.all():
        return values, []
    return values, [f"{int((~there).sum())} features have no {vector.wish.attribute}; they are kept as they are (1)"]


def _polygons(vector: Vector, placed: NDArray[Any], reach: float) -> tuple[NDArray[Any], NDArray[np.int64], int]:
    """Make valid polygons of geometries in pixel coordinates, grown: those that come within `reach` of the scene.

    Returns
    -------
    polygons
        (polygon,).
    owner
        (polygon,), which of the geometries each is of.
    mended
        How many geometries were not valid.
    """
    import shapely  # noqa: PLC0415

    sides = np.ones((placed.size, 2)) if vector.buffer.pixels else pixel_metres(_middles(placed), vector.grid)
    grown = vector.buffer.amount / sides.min(axis=1)
    owner = np.flatnonzero(on_scene(placed, vector.grid, reach + grown + 1))
    placed = placed[owner]
    invalid = ~shapely.is_valid(placed)
    if invalid.any():
        placed[invalid] = shapely.make_valid(placed[invalid], method="structure", keep_collapsed=True)
    while (shapely.get_type_id(placed) == _COLLECTION).any():
        placed, of_part = shapely.get_parts(placed, return_index=True)
        owner = owner[of_part]
    if vector.outline:
        areas = np.isin(shapely.get_type_id(placed), (3, 6))
        placed = np.where(areas, shapely.boundary(placed), placed)
    if vector.buffer.amount > 0:
        placed = grow(placed, vector.buffer.amount, sides[owner])
    there = ~shapely.is_empty(placed)
    polygons, owner = areal(placed[there]), owner[there]
    near = ~shapely.is_empty(polygons) & on_scene(polygons, vector.grid, reach)
    return polygons[near], owner[near], int(invalid.sum())


def _middles(placed: NDArray[Any]) -> NDArray[np.float64]:
    import shapely  # noqa: PLC0415

    bounds = shapely.bounds(placed)
    return np.asarray(np.nan_to_num((bounds[:, :2] + bounds[:, 2:]) / 2), np.float64)


def _covering(polygons: NDArray[Any], values: NDArray[np.float32]) -> Outlines:
    """Outlines in which a feature that is too small for a pixel centre has the pixel it lies in."""
    import shapely  # noqa: PLC0415

    outlines = Outlines.of(polygons, values)
    small = np.flatnonzero(shapely.area(polygons) < _SMALL)
    empty = small[outlines.empty(small)]
    if empty.size == 0:
        return outlines
    polygons = polygons.copy()
    polygons[empty] = around_points(shapely.get_coordinates(shapely.point_on_surface(polygons[empty])))
    return Outlines.of(polygons, values)


def _feather(vector: Vector) -> Feather | None:
    width = vector.feather.amount
    if width == 0:
        return None
    if vector.feather.pixels:
        return Feather.of(vector.text, width, (1.0, 1.0))
    middle = np.array([[vector.grid.width / 2, vector.grid.height / 2]])
    across, down = pixel_metres(middle, vector.grid)[0].tolist()
    return Feather.of(vector.text, width, (down, across))


def _parse_length(source: SourceText, key: str, grid: Grid) -> Length:
    value = source.get(key)
    if value is None:
        return Length(0.0, pixels=True)
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)(px|m|)", value)
    if match is None or float(match[1]) > 1e7:
        raise UsageError(f"{source.text}: {key}={value}; write metres such as {key}=120, or pixels such as {key}=5px")
    length = Length(float(match[1]), match[2] == "px")
    if not length.pixels and not grid.georeferenced:
        raise UsageError(
            f"{source.text}: {key}={value} is in metres and the scene lacks georeferencing; write pixels "
            f"such as {key}=5px"
        )
    return length


def _parse_range(source: SourceText) -> tuple[float, float]:
    value = source.get("range")
    if value is None:
        return 0.0, 1.0
    match = re.fullmatch(rf"({_NUMBER})-({_NUMBER})", value)
    if match is None or not float(match[1]) < float(match[2]):
        raise UsageError(f"{source.text}: range={value}; write the values that mean 0 and 1, such as range=0-255")
    return float(match[1]), float(match[2])
