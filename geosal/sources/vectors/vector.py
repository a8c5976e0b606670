"""Saliency from the features of a vector file: pixels in them count, others are background."""

import os
import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, Self

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.errors import ShapelyError

from geosal.core.grid import Block, Grid
from geosal.errors import SaliencyError, UsageError, warn
from geosal.files.addresses import is_remote
from geosal.sizes import counted
from geosal.sources.base import Coded, Kind, OpenContext
from geosal.sources.files import digest, here
from geosal.sources.length import Length, middle_metres, parse_length, pixel_metres
from geosal.sources.text import SourceText
from geosal.sources.vectors.burn import Outlines
from geosal.sources.vectors.cutting import given_crs, require_place, scene_boxes, source_crs
from geosal.sources.vectors.detections import ImageFrame, read_coco, read_csv
from geosal.sources.vectors.feather import Feather, feathered, few_values
from geosal.sources.vectors.geoparquet import read_parquet
from geosal.sources.vectors.labels import read_labelme, read_voc, read_yolo
from geosal.sources.vectors.placing import no_overlap, to_pixels
from geosal.sources.vectors.reading import Boxes, FeatureQuery, Features, kind_of, read_ogr
from geosal.sources.vectors.shapes import covering, flat, polygons_of

_PARAMETERS = (
    "saliency", "attribute", "range", "buffer", "feather", "background", "layer", "where", "crs", "outline",
    "image", "category", "shape",
)  # fmt: skip
DETECTIONS = {"COCO": read_coco, "CSV": read_csv, "YOLO": read_yolo, "VOC": read_voc, "labelme": read_labelme}
"""Kinds of files whose shapes are drawn on an image, in its pixels, and what reads them."""
_CODES = 255
_PIECE = 10_000
_ROOM = 1.1
"""Factor of safety: pixels differ in size between the places looked at."""
_KEEP = 8
"""Number of files whose outlines a process keeps."""


@dataclass(frozen=True, kw_only=True)
class Vector:
    """``FILE:saliency=S|attribute=NAME,range=LO-HI,buffer=120m|5px,feather=…,background=B``: what lies in features.

    GeoJSON, GeoPackage, shapefile, FlatGeobuf, KML and GeoParquet in any CRS; detections in pixels: COCO, CSV tables of
    boxes, YOLO's .txt, Pascal VOC's .xml, labelme's .json. Also ``layer=``, ``where=`` (SQL), ``crs=EPSG:CODE|scene``
    (for files that tell none), ``outline=yes`` (edges only), and of detections ``image=``, ``category=``,
    ``shape=boxes|polygons`` (COCO).

    Attributes
    ----------
    text
        The text as the user wrote it.
    path
        Absolute path of the file.
    fingerprint
        SHA-256 of the file, as `geosal.sources.files.digest` gives it.
    grid
        Grid of the scene.
    scene
        Path of the scene, by which detections find their image.
    query
        Selection of features and of their attribute.
    saliency
        Saliency of all features, where there is no attribute.
    limits
        The attribute's values that mean 0 and 1.
    buffer, feather
        Growth of features, and distance over which saliency falls to the background. With soft edges, more than
        32 different saliencies are rounded to 1/32.
    background
        Saliency elsewhere.
    outline
        Only the edges of areas.
    """

    kind: ClassVar[Kind] = "interest"

    text: str
    path: str
    fingerprint: str
    grid: Grid
    scene: str | None
    query: FeatureQuery
    saliency: float
    limits: tuple[float, float]
    buffer: Length
    feather: Length
    background: float
    outline: bool

    @classmethod
    def open(cls, source: SourceText, context: OpenContext) -> Self:
        """Read the features and put them on the scene's grid.

        Raises
        ------
        UsageError
            A parameter is unknown or makes no sense.
        SceneError
            The file cannot be read, or is of a kind that is not trusted.
        SaliencyError
            No feature lies on the scene, or values of the attribute are no saliency.
        ResourceError
            The file has too many features.
        """
        source.only(*_PARAMETERS)
        if source.get("attribute") is not None and source.get("saliency") is not None:
            raise UsageError(f"{source.text}: saliency= and attribute= exclude each other; give one of them")
        if source.get("range") is not None and source.get("attribute") is None:
            raise UsageError(f"{source.text}: range= is for an attribute; add attribute=NAME or leave it out")
        with here(source.target, anew=True) as local:
            kind_of(local)
            fingerprint = digest(local)
        vector = cls(
            text=source.text,
            path=source.target if is_remote(source.target) else os.path.abspath(source.target),
            fingerprint=fingerprint,
            grid=context.grid,
            scene=None if context.scene is None else context.scene.path,
            query=FeatureQuery(
                layer=source.get("layer"),
                where=source.get("where"),
                attribute=source.get("attribute"),
                image=source.get("image"),
                category=source.get("category"),
                shape=source.choice("shape", "boxes", ("boxes", "polygons")),
                crs=given_crs(source.text, source.get("crs"), context.grid),
            ),
            saliency=source.number("saliency", 1.0, 0, 1),
            limits=source.interval("range") or (0.0, 1.0),
            buffer=parse_length(source.text, "buffer", source.get("buffer"), context.grid, bare=True),
            feather=parse_length(source.text, "feather", source.get("feather"), context.grid, bare=True),
            background=source.number("background", context.background, 0, 1),
            outline=source.choice("outline", "no", ("no", "yes")) == "yes",
        )
        for note in vector._laid().notes:
            warn(f"{source.text}: {note}")
        return vector

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, (y, x).

        Raises
        ------
        SceneError
            The file cannot be read here.
        SaliencyError
            The file has changed since it was opened.
        """
        laid = self._laid()
        if laid.feather is not None:
            return feathered(laid.outlines, block, self.background, laid.feather)
        table = np.concatenate([np.array([self.background], np.float32), laid.outlines.values])
        return table[laid.outlines.ranks(block)]

    def read_coded(self, block: Block) -> Coded | None:
        """Return the saliency of a block by ranks of features, where there are few values and no soft edges."""
        laid = self._laid()
        if laid.feather is not None or laid.outlines.values.size > _CODES:
            return None
        table = np.zeros(256, np.float32)
        table[0] = self.background
        table[1 : laid.outlines.values.size + 1] = laid.outlines.values
        return Coded(laid.outlines.ranks(block).astype(np.uint8), table)

    def known(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return True everywhere: pixels outside features are background."""
        return np.ones((rows.size, cols.size), dtype=bool)

    def __dask_tokenize__(self) -> Hashable:
        """Return the class and its parameters, with the hash of the file."""
        return type(self).__qualname__, repr(self)

    @property
    def work_bytes(self) -> int:
        """Return the bytes of one reader besides the block: the outlines it fills, and a tile with its soft edges."""
        laid = self._laid()
        return laid.outlines.work_bytes + (0 if laid.feather is None else laid.feather.work_bytes)

    @property
    def shared_bytes(self) -> int:
        """Return the bytes of the outlines, which all readers of a process share."""
        return self._laid().outlines.nbytes

    def _laid(self) -> "_Laid":
        """Return the features on the grid, read once in each process; so the pickled source stays small."""
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
    """Read the file and put its features on the grid."""
    feather = _feather(vector)
    reach = _reach(vector, feather)
    with here(vector.path) as local:
        if digest(local) != vector.fingerprint:
            raise SaliencyError(
                f"{vector.text}: the file has changed since it was opened; leave it alone while it is used"
            )
        features = _read(replace(vector, path=local), reach)
    notes = list(features.notes)
    if features.geometries.size == 0:
        raise SaliencyError(
            f"{vector.text}: there is no feature with a place in it, or none that is asked for; check the file"
        )
    features, placeless = _with_numbers(vector, features)
    notes += placeless
    values, noted = _saliency(vector, features)
    notes += noted
    if feather is not None:
        values, rounded = few_values(values)
        notes += [] if rounded is None else [rounded]
    soft = 0.0 if feather is None else feather.width
    pieces, lost, mended = [], 0, 0
    # They are read piece by piece: geometries as objects take several times the memory of their outlines.
    for start in range(0, values.size, _PIECE):
        try:
            single, part = flat(features.geometries[start : start + _PIECE])
            placed = to_pixels(vector.text, replace(features, geometries=single), vector.grid, vector.query.crs, reach)
            polygons, owner, invalid = polygons_of(
                placed.geometries, vector.grid, soft, vector.buffer, outline=vector.outline
            )
            lost, mended = lost + placed.lost, mended + placed.mended + invalid
            if polygons.size:
                saliency = values[start : start + _PIECE][part[owner]].astype(np.float32)
                pieces.append(covering(polygons, saliency, _around(vector.grid, feather)))
        except ShapelyError as error:
            cause = " ".join(str(error).split())[:200]
            raise SaliencyError(f"{vector.text}: geometries cannot be worked with ({cause}); mend the file") from error
    if not pieces:
        raise no_overlap(vector.text, features, vector.grid)
    if lost:
        notes.append(f"{lost} features lie where the scene's CRS has no place and are left out")
    if mended:
        notes.append(f"{mended} geometries are not valid (they cross themselves) and were mended")
    return _Laid(Outlines.joined(pieces), feather, tuple(notes))


def _with_numbers(vector: Vector, features: Features) -> tuple[Features, list[str]]:
    """Leave out features with coordinates that are no numbers, and warn of their number."""
    good = np.ones(features.geometries.size, np.bool_)
    for start in range(0, good.size, _PIECE):
        places, owner = shapely.get_coordinates(features.geometries[start : start + _PIECE], return_index=True)
        good[start + owner[~np.isfinite(places).all(axis=1)]] = False
    if good.all():
        return features, []
    if not good.any():
        raise SaliencyError(f"{vector.text}: all features have coordinates that are NaN or infinite; mend the file")
    values = None if features.values is None else features.values[good]
    bad = counted(int((~good).sum()), "feature")
    note = f"{bad} with coordinates that are NaN or infinite, left out; mend the file"
    return replace(features, geometries=features.geometries[good], values=values), [note]


def _around(grid: Grid, feather: Feather | None) -> Block:
    """Return the scene with the surroundings that soft edges look at."""
    halo = 0 if feather is None else feather.halo
    return Block(-halo, -halo, grid.height + 2 * halo, grid.width + 2 * halo)


def _read(vector: Vector, reach: float) -> Features:
    kind = kind_of(vector.path)
    query = vector.query
    if kind in DETECTIONS:
        if query.where is not None or query.layer is not None:
            raise UsageError(f"{vector.text}: where= and layer= are not for detections; use category= and image=")
        frame = ImageFrame(vector.scene, vector.grid.shape)
        return DETECTIONS[kind](vector.text, vector.path, query, frame)
    if query.image is not None or query.category is not None:
        raise UsageError(f"{vector.text}: image= and category= are for detections (COCO, CSV ...); use where= here")
    if kind == "parquet":
        features = read_parquet(vector.text, vector.path, query)
    else:

        def near(told: str | None) -> Boxes | None:
            require_place(vector.text, vector.grid)
            return scene_boxes(source_crs(vector.text, told, vector.query.crs), vector.grid, reach)

        features = read_ogr(vector.text, vector.path, kind, query, near)
    return features if features.crs is not None else replace(features, crs=query.crs)


def _saliency(vector: Vector, features: Features) -> tuple[NDArray[np.float64], list[str]]:
    """Return the saliency of each feature, and warnings for the user."""
    if features.values is None:
        return np.full(features.geometries.size, vector.saliency), []
    low, high = vector.limits
    there = np.isfinite(features.values)
    given = features.values[there]
    if given.size and not low <= given.min() <= given.max() <= high:
        raise SaliencyError(
            f"{vector.text}: attribute {vector.query.attribute} has values {given.min():.9g} to {given.max():.9g}, "
            f"outside {low:g} to {high:g}; add range=LO-HI with the values that mean 0 and 1"
        )
    values = np.where(there, (features.values - low) / (high - low), 1.0)
    if there.all():
        return values, []
    lacking = counted(int((~there).sum()), "feature")
    return values, [f"{lacking} without {vector.query.attribute}, kept as it is (1)"]


def _feather(vector: Vector) -> Feather | None:
    width = vector.feather.amount
    if width == 0:
        return None
    if vector.feather.pixels:
        return Feather.of(vector.text, width, (1.0, 1.0))
    across, down = middle_metres(vector.grid)
    return Feather.of(vector.text, width, (down, across))


def _reach(vector: Vector, feather: Feather | None) -> float:
    """Return the pixels around the scene from which a feature may count."""
    reach = 0.0 if feather is None else feather.width
    if vector.buffer.pixels or vector.buffer.amount == 0:
        return reach + vector.buffer.amount
    across, down = (np.linspace(0, size, 5) for size in (vector.grid.width, vector.grid.height))
    places = np.stack(np.meshgrid(across, down), axis=2).reshape(-1, 2)
    return reach + _ROOM * vector.buffer.amount / float(pixel_metres(places, vector.grid).min())
