"""Saliency by a trained network: where the classes that matter are seen."""

import hashlib
import logging
import os
import time
import zlib
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.errors import ResourceError, SaliencyError, UsageError
from geosal.sizes import listed
from geosal.sources.base import Kind, OpenContext
from geosal.sources.looking.shared import require_scene
from geosal.sources.masks.interpolation import Footprint
from geosal.sources.network.activation import Canvas, by_probability, by_rank, seen, tile_starts
from geosal.sources.network.card import ModelCard
from geosal.sources.network.ground import Ground
from geosal.sources.network.model import Model
from geosal.sources.text import SourceText

logger = logging.getLogger(__name__)

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
Tile = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""Planes, (plane, y, x), and the cells that hold something, (y, x)."""
_TILE_PIXELS = 640
"""Rows and columns of a tile; the memory of a network grows with them: 120 MB for geosal's own."""
_SHARED = 4
"""Tiles share one part in this many with a neighbour."""
_THREADS = 4
_PATIENCE = 5.0
"""Seconds between two lines of progress in the log."""
_MAX_CELLS = 2**25
_MAX_PLANES = 2**27
"""Most cells of all planes together: half a GiB."""
_SCALE, _SILENT = 254, 255
"""Bytes of a map that mean saliency 1, and that nothing is said."""
_AT_ONCE = 2**18
"""Pixels interpolated at once."""
_VALUES = np.append(np.arange(_SILENT, dtype=np.float32) / np.float32(_SCALE), np.float32(np.nan))


@dataclass(frozen=True, kw_only=True, eq=False)
class Cnn:
    """``cnn:model=PATH,top=5,weights=prob,classes=A=1;B=0,low=2,high=90``: 1 where a trained network sees what matters.

    Without ``model`` it is the one that comes with geosal: ten kinds of land at 10 m; buildings 1, roads 0.8, crops
    0.3, the sea 0 (``geosal/sources/network/models``). ``classes`` changes what a class is worth, 0 to 1.
    Needs ``geosal[cnn]``.

    The network gives a map for each class, a cell for some pixels (8, which are 80 m, for geosal's own). Around each
    cell lies a picture as large as those it learned from; the means of the maps over it are its logits. With p the
    softmax of the `top` greatest and w what the classes are worth,

        A = sum(p max(map, 0)),
        saliency = clip((A - P_low) / (P_high - P_low)) * sum(p w max(map, 0)) / A

    where P are percentiles of A in the whole scene. ``weights=paper`` is the map of Selimovic and Hladnik (2018) as
    the code of MS-ROI draws it: the `top` classes of the whole image, the map of each from 0 to 1, by rank (1/2, 1/4,
    1/8, 1/16, 1.2/16) times w, brought from 0 to 1. What fills most of an image is high there: try it on pictures.

    A scene with georeferencing is brought to the metres per pixel that the network was trained at; another is looked
    at as it is. Bands are red, green and blue by role, by ``bands=4;3;2``, or the first three. Bytes are taken as they
    are; others become 1 to 255: from ``range=0-0.3`` (physical values: number times scale plus offset), else from
    reflectance 0 to 0.275 where the bands have a scale, else from 0 to the 99th percentile of all three bands. Nothing
    is said where no pixel is valid.

    The scene is looked at once, when the source is opened, in tiles that overlap and fade into each other; the map is
    small, so it travels itself: a file would have to be seen by all workers, and to be removed by someone.
    """

    kind: ClassVar[Kind] = "interest"

    text: str
    fingerprint: str
    """SHA-256 of the model and of all parameters."""
    cell: tuple[float, float]
    """Rows and columns of the scene in a cell of the map."""
    shape: tuple[int, int]
    packed: bytes
    """The map, a byte a cell, compressed by zlib."""

    @classmethod
    def open(cls, source: SourceText, context: OpenContext) -> Self:
        """Look at the scene.

        Raises
        ------
        UsageError
            A parameter is unknown or makes no sense, only a grid is known, or onnxruntime is missing.
        SceneError
            The file is no model, or the scene cannot be decoded.
        SaliencyError
            The scene has fewer than three bands, is smaller than a cell, far too coarse, or holds no valid pixel.
        ResourceError
            The map would be too large.
        """
        source.only("model", "top", "weights", "classes", "low", "high", "bands", "range")
        scene = require_scene(source, context)
        low, high = source.number("low", 2, 0, 100), source.number("high", 90, 0, 100)
        if low >= high:
            raise UsageError(f"{source.text}: low={low:g} and high={high:g} are percentiles; low has to be below high")
        top = source.integer("top", 5, 1, 1000)
        by_paper = source.choice("weights", "prob", ("prob", "paper")) == "paper"
        if by_paper and (source.get("low") or source.get("high")):
            raise UsageError(f"{source.text}: low and high are for weights=prob; leave them out")
        model = Model.load(source.get("model"))
        worth = _worth(source, model.card)
        ground = Ground.open(source, scene, model.card.ground_resolution)
        look = _Look(model, ground, worth, min(top, worth.size), by_paper=by_paper)
        _check_size(source, scene.path, look)
        canvas = look.paint()
        if not canvas.known.any():
            raise SaliencyError(f"{source.text}: {scene.path} holds no valid pixel; give a scene that does")
        planes = canvas.finish()
        if by_paper:
            saliency = by_rank(planes, canvas.known, worth, look.top)
        else:
            saliency = by_probability(planes, canvas.known, low, high)
        cells = np.where(canvas.known, np.rint(saliency * np.float32(_SCALE)), _SILENT).astype(np.uint8)
        settings = repr((model.digest, look.top, by_paper, worth.tolist(), low, high, ground.factors, ground.curve))
        stride = model.card.stride
        return cls(
            text=source.text,
            fingerprint=hashlib.sha256(settings.encode()).hexdigest(),
            cell=(ground.factors[0] * stride, ground.factors[1] * stride),
            shape=look.shape,
            packed=zlib.compress(cells.tobytes(), 6),
        )

    def __post_init__(self) -> None:
        object.__setattr__(self, "_cells", np.frombuffer(zlib.decompress(self.packed), np.uint8).reshape(self.shape))

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "_cells"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.__post_init__()

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, (y, x), between the four nearest cells; NaN if none has a valid pixel."""
        saliency = np.empty(block.shape, np.float32)
        cols = np.arange(block.col_off, block.col_stop)
        step = max(1, _AT_ONCE // block.width)
        for start in range(0, block.height, step):
            stop = min(start + step, block.height)
            saliency[start:stop] = self._at(np.arange(block.row_off + start, block.row_off + stop), cols)
        return saliency

    def known(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether a valid pixel is in a cell nearby, (rows, cols), where these rows and columns cross."""
        return ~np.isnan(self._at(rows, cols))

    def __dask_tokenize__(self) -> Hashable:
        """Return the class and its map."""
        return type(self).__qualname__, self.text, self.cell, self.shape, hashlib.sha256(self.packed).hexdigest()

    def _at(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.float32]:
        y, x = (rows[:, np.newaxis] + 0.5) / self.cell[0], (cols[np.newaxis] + 0.5) / self.cell[1]
        # Rounding may put the last pixel of a scene after the last cell.
        y, x = np.minimum(y, self.shape[0] - 0.01), np.minimum(x, self.shape[1] - 0.01)
        footprint = Footprint.of(x, y, self.shape)
        assert footprint is not None  # noqa: S101  every position lies on the map
        window = footprint.window
        cells: NDArray[np.uint8] = vars(self)["_cells"]
        part = cells[window.row_off : window.row_stop, window.col_off : window.col_stop]
        return footprint.bilinear(_VALUES[part])


@dataclass(frozen=True)
class _Look:
    """A fixed raster of tiles by which the network looks at a scene, independent of blocks."""

    model: Model
    ground: Ground
    worth: NDArray[np.float32]
    top: int
    by_paper: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns of the map."""
        rows, cols = (-(-size // self.model.card.stride) for size in self.ground.shape)
        return rows, cols

    @property
    def planes(self) -> int:
        """Return the number of maps that are kept until all of the scene was seen."""
        return self.worth.size if self.by_paper else 2

    @property
    def window(self) -> int:
        """Return the cells along an edge of a picture that the network learned from."""
        return max(1, self.model.card.size // self.model.card.stride)

    def paint(self) -> Canvas:
        """Look at all tiles, on a few threads, and join them in order."""
        tile = max(_TILE_PIXELS // self.model.card.stride, 2 * self.window, _SHARED)
        canvas = Canvas(self.planes, self.shape, tile // _SHARED)
        starts = [tile_starts(size, tile, tile // _SHARED) for size in self.shape]
        blocks = [
            Block(row, col, min(tile, self.shape[0] - row), min(tile, self.shape[1] - col))
            for row in starts[0]
            for col in starts[1]
        ]
        path, told = self.ground.scene.path, time.monotonic()
        logger.info("cnn: looks at %s, %d tiles", path, len(blocks))
        for done, (block, (planes, known)) in enumerate(zip(blocks, _in_order(self.see, blocks), strict=True), start=1):
            canvas.add(block.row_off, block.col_off, planes, known)
            if time.monotonic() - told >= _PATIENCE:
                told = time.monotonic()
                logger.info("cnn: has looked at %d of %d tiles of %s", done, len(blocks), path)
        return canvas

    def see(self, cells: Block) -> Tile:
        """Look at one tile, given in cells."""
        card, stride = self.model.card, self.model.card.stride
        inside = Block(cells.row_off * stride, cells.col_off * stride, cells.height * stride, cells.width * stride)
        pixels, valid = self.ground.read(inside.expand(0, self.ground.shape))
        pixels /= 255
        pixels -= np.asarray(card.mean, np.float32)[:, np.newaxis, np.newaxis]
        pixels /= np.asarray(card.std, np.float32)[:, np.newaxis, np.newaxis]
        pixels[:, ~valid] = 0  # as what lies around the pictures that it learned from
        missing = [(0, wanted - got) for wanted, got in zip(inside.shape, valid.shape, strict=True)]
        cam = self.model(np.pad(pixels, [(0, 0), *missing], mode="symmetric"))
        whole = np.pad(valid, missing).reshape(cells.height, stride, cells.width, stride)
        known = np.asarray(whole.any(axis=(1, 3)))
        return (cam if self.by_paper else seen(cam, self.worth, self.top, self.window)), known


def _check_size(source: SourceText, path: str, look: _Look) -> None:
    stride, (rows, cols) = look.model.card.stride, look.ground.shape
    if min(rows, cols) < stride:
        raise SaliencyError(
            f"{source.text}: {path} has {cols} x {rows} pixels at the model's resolution, and a cell of its map takes "
            f"{stride} x {stride}; give a larger image"
        )
    cells = look.shape[0] * look.shape[1]
    if cells > _MAX_CELLS or cells * look.planes > _MAX_PLANES:
        less = "; take weights=prob, or" if look.by_paper else "; give"
        raise ResourceError(
            f"{source.text}: the map would have {look.planes} x {cells} cells, more than are held{less} a smaller part "
            "of the scene"
        )


def _worth(source: SourceText, card: ModelCard) -> NDArray[np.float32]:
    """Return the weight of each class: the card's, except for those that the user gives."""
    worth = dict(zip(card.classes, card.weights, strict=True))
    text = source.get("classes")
    for pair in [] if text is None else text.split(";"):
        name, _, value = (part.strip() for part in pair.partition("="))
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if name not in worth:
            raise UsageError(f"{source.text}: the model has no class {name!r}; it has {listed(card.classes)}")
        if not 0 <= number <= 1:
            raise UsageError(f"{source.text}: {pair.strip()}; a class is worth 0 to 1: classes={name}=0.5")
        worth[name] = number
    return np.array(list(worth.values()), np.float32)


def _in_order(task: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Run a task on items, a few at once, and yield the results in their order; only few wait."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers = min(_THREADS, cores)
    waiting: deque[Future[_Result]] = deque()
    executor = ThreadPoolExecutor(workers, thread_name_prefix="geosal-cnn")
    try:
        for item in items:
            waiting.append(executor.submit(task, item))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
