"""Prepare a scene for a trained network: red, green and blue, 0 to 255, at its ground resolution."""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geosal.core.grid import Block
from geosal.core.raster import BandMetadata, Pixels
from geosal.errors import SaliencyError, UsageError
from geosal.sources.length import middle_metres
from geosal.sources.text import SourceText

Floats = NDArray[np.float32]
WHITE = 0.275
"""Reflectance that is 255 in the pictures of EuroSAT, and about the 99th percentile of many scenes."""
_PERCENTILE = 99
_SAME = 0.05
"""Tolerance of the ground resolution, as a share."""
_COARSEST = 5
"""Largest ratio of the pixel size to that of the training pictures."""
_STRIP = 2**20
"""Pixels read at once."""
_PATCHES, _PATCH = 8, 128


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Reads a scene by rectangles of another grid, whose pixels have the network's size on the ground.

    Attributes
    ----------
    scene
        The original scene.
    positions
        Positions of red, green and blue in it.
    factors
        Pixels of the scene along one new pixel, down and across.
    curve
        Curve of each band: samples become ``1 + sample * factor + offset``, cut to 1 to 255; None where they are bytes.
    """

    scene: Pixels
    positions: tuple[int, ...]
    factors: tuple[float, float]
    curve: tuple[tuple[float, float], ...] | None

    @classmethod
    def open(cls, source: SourceText, scene: Pixels, resolution: float | None) -> Self:
        """Find the bands, the scale and the stretch.

        Parameters
        ----------
        source
            SOURCE, of which the parameters `bands` and `range` are used.
        scene
            Any.
        resolution
            Metres of a new pixel; None takes the scene's own pixels.

        Raises
        ------
        UsageError
            A parameter makes no sense.
        SaliencyError
            There are fewer than three bands, or the pixels are far too coarse.
        SceneError
            The scene cannot be decoded where it is sampled.
        """
        scene, positions = _colours(source, scene)
        factors = _factors(source, scene, resolution)
        bands = [scene.layout.metadata.bands[position] for position in positions]
        ends = _ends(source, scene, positions, bands, trained_from_above=resolution is not None)
        curve = None
        if ends is not None:
            low, high = ends
            curve = tuple((254 * band.scale / (high - low), 254 * (band.offset - low) / (high - low)) for band in bands)
        return cls(scene=scene, positions=positions, factors=factors, curve=curve)

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns of the new grid."""
        rows, cols = (
            max(1, math.ceil(size / factor - 1e-6))
            for size, factor in zip(self.scene.layout.grid.shape, self.factors, strict=True)
        )
        return rows, cols

    def read(self, block: Block) -> tuple[Floats, NDArray[np.bool_]]:
        """Read pixels (3, y, x) from 0 to 255 of a block of the new grid, and which of them have data, (y, x).

        Raises
        ------
        SceneError
            The scene cannot be decoded there.
        """
        if self.factors == (1.0, 1.0):
            return self._bytes(block)
        height, width = self.scene.layout.grid.shape
        top, down = _weights(block.row_off, block.row_stop, self.factors[0], height)
        left, across = _weights(block.col_off, block.col_stop, self.factors[1], width)
        sums = np.zeros((4, *block.shape))
        rows = max(1, _STRIP // across.shape[1])
        for start in range(0, down.shape[1], rows):
            part = down[:, start : start + rows]
            pixels, valid = self._bytes(Block(top + start, left, part.shape[1], across.shape[1]))
            for number, plane in enumerate((*(pixels * valid), valid.astype(np.float32))):
                sums[number] += part @ (across @ plane.T).T
        valid = sums[3] > 0
        return (sums[:3] / np.where(valid, sums[3], 1)).astype(np.float32), valid

    def _bytes(self, block: Block) -> tuple[Floats, NDArray[np.bool_]]:
        """Read the same for a block of the scene."""
        samples = self.scene.read(block)
        valid = np.asarray(samples.valid[list(self.positions)].all(axis=0))
        pixels = np.empty((len(self.positions), *block.shape), np.float32)
        for number, position in enumerate(self.positions):
            if self.curve is None:
                pixels[number] = samples.pixels[position]
            else:
                factor, offset = self.curve[number]
                plane = np.where(valid, samples.pixels[position], 0) * factor + (1 + offset)
                pixels[number] = np.clip(plane, 1, 255)
        return pixels, valid


def _colours(source: SourceText, scene: Pixels) -> tuple[Pixels, tuple[int, ...]]:
    """Return the scene with red, green and blue, and their positions."""
    text = source.get("bands")
    if text is not None:
        names = [name.strip() for name in text.split(";")]
        if len(names) != 3 or not all(names):
            raise UsageError(f"{source.text}: bands={text}; name red, green and blue: bands=red;green;blue or 4;3;2")
        each = list(dict.fromkeys(names))  # a grey image is given three times: 1;1;1
        return scene.having(*each), tuple(each.index(name) for name in names)
    try:
        return scene.having("red", "green", "blue"), (0, 1, 2)
    except UsageError:
        found = tuple(band for band in range(scene.layout.count) if band != scene.layout.alpha)
    if len(found) < 3:
        bands = "one band" if len(found) == 1 else f"{len(found)} bands"
        raise SaliencyError(
            f"{source.text}: looks at red, green and blue, and {scene.path} has {bands}; use detail, or give a colour "
            "image"
        )
    return scene, found[:3]


def _factors(source: SourceText, scene: Pixels, resolution: float | None) -> tuple[float, float]:
    """Return the pixels of the scene along one of the network's."""
    grid = scene.layout.grid
    if resolution is None or not grid.georeferenced:
        return 1.0, 1.0
    across, down = (resolution / metres for metres in middle_metres(grid))
    if not min(down, across) * _COARSEST >= 1:
        raise SaliencyError(
            f"{source.text}: a pixel of {scene.path} has {resolution / min(down, across):.0f} m, the model was trained "
            f"at {resolution:g} m; give a finer scene or a model for such pixels"
        )
    return _round(down), _round(across)


def _round(factor: float) -> float:
    """Round a ratio to a whole number, or one over a whole number, if it is close: pixels are then only summed."""
    near = float(round(factor)) if factor >= 1 else 1 / round(1 / factor)
    return near if abs(factor / near - 1) <= _SAME else factor


def _ends(
    source: SourceText,
    scene: Pixels,
    positions: tuple[int, ...],
    bands: list[BandMetadata],
    *,
    trained_from_above: bool,
) -> tuple[float, float] | None:
    """Return the values that become 1 and 255, the same in all bands to keep colours; None where samples are bytes."""
    text = source.get("range")
    if text is not None:
        low, dash, high = text.partition("-")
        try:
            ends = float(low), float(high)
        except ValueError:
            ends = (0.0, 0.0)
        if not dash or not ends[0] < ends[1] < math.inf:
            raise UsageError(f"{source.text}: range={text}; write the values that are black and white: range=0-2750")
        return ends
    if scene.layout.dtype == "uint8":
        return None
    if trained_from_above and all(band.scale != 1 for band in bands):
        return 0.0, WHITE
    seen = [_sample(scene, position, band) for position, band in zip(positions, bands, strict=True)]
    values = np.concatenate(seen)
    values = values[np.isfinite(values)]
    high_end = float(np.percentile(values, _PERCENTILE)) if values.size else 1.0
    return 0.0, high_end if high_end > 0 else 1.0


def _sample(scene: Pixels, position: int, band: BandMetadata) -> NDArray[np.float64]:
    """Yield values of a band in patches spread over the scene, or the whole of a small one."""
    height, width = scene.layout.grid.shape
    side = _PATCHES * _PATCH
    if height <= side and width <= side:
        blocks = [Block(0, 0, height, width)]
    else:
        rows, cols = (
            sorted({max(0, (2 * n + 1) * size // (2 * _PATCHES) - _PATCH // 2) for n in range(_PATCHES)})
            for size in (height, width)
        )
        blocks = [Block(row, col, min(_PATCH, height - row), min(_PATCH, width - col)) for row in rows for col in cols]
    read = (scene.read(block) for block in blocks)
    samples = np.concatenate([one.pixels[position][one.valid[position]].astype(np.float64) for one in read])
    return samples * band.scale + band.offset


def _weights(start: int, stop: int, factor: float, size: int) -> tuple[int, Any]:
    """Return the first pixel that pixels `start` to `stop` of the new grid need along an axis, and their weights.

    Larger pixels take the mean of those they cover, smaller ones interpolate the two nearest. The matrix is (new, old).
    """
    rows, cols, values = [], [], []
    for number in range(start, stop):
        if factor >= 1:
            low, high = number * factor, min((number + 1) * factor, size)
            under = range(min(int(low), size - 1), max(min(math.ceil(high), size), min(int(low), size - 1) + 1))
            lent = [max(min(high, one + 1) - max(low, one), 1e-9) for one in under]
        else:
            middle = (number + 0.5) * factor - 0.5
            under = range(math.floor(middle), math.floor(middle) + 2)
            lent = [1 - (middle - under[0]), middle - under[0]]
        rows += [number - start] * len(under)
        cols += [min(max(one, 0), size - 1) for one in under]
        values += [one / math.fsum(lent) for one in lent]
    first, last = min(cols), max(cols)
    places = (rows, [col - first for col in cols])
    return first, sparse.csr_matrix((values, places), shape=(stop - start, last - first + 1))
