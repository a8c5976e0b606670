"""Map pixels of the scene to a mask, with the same result in every block.

In the same CRS the map is affine. In another CRS the projection is exact at the nodes of a fixed lattice over the scene
and linear between them. Nodes lie `LatticeAlignment.step` pixels apart: 64, or half of that and so on down to 1 if the
error would be more than `TOLERANCE` mask pixels. Nodes are projected in fixed patches that do not depend on the block.
Near a place that the mask's CRS cannot show, a pixel may lie outside although its own projection exists: the cell that
holds it has a corner that cannot be projected.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Protocol

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.warp import transform

from geosal.core.gdal_env import gdal_env
from geosal.core.grid import Grid
from geosal.errors import SaliencyError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOLERANCE = 0.02
"""Largest error of a position between lattice nodes, in pixels of the mask, at the places probed."""

_STEPS = (64, 32, 16, 8, 4, 2, 1)
_PROBES = 12
"""Lattice cells probed along each axis to choose the step."""
_PATCH = 32
"""Nodes projected together, along each axis."""


class Alignment(Protocol):
    """A map from scene pixels to mask pixels."""

    @property
    def step(self) -> int:
        """Scene pixels over which the map is almost linear."""

    @property
    def shift(self) -> tuple[int, int] | None:
        """Offset in rows and columns from a scene pixel to the identical mask pixel; None without one."""

    def positions(self, rows: Ints, cols: Ints) -> tuple[Floats, Floats]:
        """Find the centres of scene pixels in the mask.

        Parameters
        ----------
        rows, cols
            1-D, of the scene.

        Returns
        -------
        x, y
            Column and row in the mask, 0 at the outer edge of its first pixel; not finite where the mask's CRS has no
            such place. Each broadcasts to (rows, cols): an axis on which it does not depend has length 1.
        """


@dataclass(frozen=True, slots=True)
class AffineAlignment:
    """Alignment of two grids with the same CRS, or aligned by pixels.

    Attributes
    ----------
    matrix
        Maps (column, row) in the scene to (column, row) in the mask.
    period
        Mask pixels around the globe, where x is a longitude; None elsewhere.
    """

    step: ClassVar[int] = 64

    matrix: Affine
    period: float | None = None

    @property
    def shift(self) -> tuple[int, int] | None:
        """See `Alignment.shift`."""
        m = self.matrix
        same = (m.a, m.b, m.d, m.e) == (1, 0, 0, 1) and m.c == int(m.c) and m.f == int(m.f) and self.period is None
        return (int(m.f), int(m.c)) if same else None

    def positions(self, rows: Ints, cols: Ints) -> tuple[Floats, Floats]:
        """See `Alignment.positions`."""
        across = cols[None, :].astype(np.float64) + 0.5
        down = rows[:, None].astype(np.float64) + 0.5
        m = self.matrix
        x = across * m.a + m.c if m.b == 0 else across * m.a + down * m.b + m.c
        y = down * m.e + m.f if m.d == 0 else across * m.d + down * m.e + m.f
        return _around(x, self.period), y


@dataclass(frozen=True, slots=True)
class LatticeAlignment:
    """Alignment of two grids with different CRSs.

    Attributes
    ----------
    scene_transform, scene_crs
        Transform and CRS of the scene, the CRS as WKT.
    mask_transform, mask_crs
        Transform and CRS of the mask.
    step
        Scene pixels between nodes; node (0, 0) is the centre of pixel (0, 0).
    period
        Mask pixels around the globe, where x is a longitude; None elsewhere.
    """

    scene_transform: Affine
    scene_crs: str
    mask_transform: Affine
    mask_crs: str
    step: int
    period: float | None = None
    shift: ClassVar[None] = None

    def positions(self, rows: Ints, cols: Ints) -> tuple[Floats, Floats]:
        """See `Alignment.positions`."""
        node_rows, down = np.divmod(rows, self.step)
        node_cols, across = np.divmod(cols, self.step)
        top, left = int(node_rows.min()), int(node_cols.min())
        nodes = self._nodes(range(top, int(node_rows.max()) + 2), range(left, int(node_cols.max()) + 2))
        right = _difference(nodes, 2, self.period)
        at_node_rows = nodes[:, :, node_cols - left] + right[:, :, node_cols - left] * (across / self.step)
        below = _difference(at_node_rows, 1, self.period)
        x, y = (
            start[node_rows - top] + slope[node_rows - top] * (down / self.step)[:, None]
            for start, slope in zip(at_node_rows, below, strict=True)
        )
        return _around(x, self.period), y

    def project(self, rows: Floats, cols: Floats) -> Floats:
        """Project pixel centres exactly: (2, ...) x and y in the mask; NaN where the mask's CRS has no such place."""
        shape = rows.shape
        easting, northing = _apply(self.scene_transform, cols.ravel() + 0.5, rows.ravel() + 0.5)
        projected = _transform(_crs(self.scene_crs), _crs(self.mask_crs), easting, northing)
        with np.errstate(invalid="ignore"):
            x, y = _apply(~self.mask_transform, projected[0], projected[1])
        found = np.stack([x, y]).reshape(2, *shape)
        return np.where(np.isfinite(found).all(axis=0), found, np.nan)

    def _nodes(self, rows: range, cols: range) -> Floats:
        """Return the positions of a rectangle of nodes, (2, rows, cols)."""
        nodes = np.empty((2, len(rows), len(cols)))
        for patch_row in range(rows.start // _PATCH, (rows.stop - 1) // _PATCH + 1):
            for patch_col in range(cols.start // _PATCH, (cols.stop - 1) // _PATCH + 1):
                to_row, from_row = _overlap(rows, patch_row)
                to_col, from_col = _overlap(cols, patch_col)
                nodes[:, to_row, to_col] = _patch(self, patch_row, patch_col)[:, from_row, from_col]
        return nodes


def align(scene: Grid, mask: Grid) -> Alignment:
    """Map a scene onto a mask by their georeferencing; both must have one.

    Raises
    ------
    SaliencyError
        No transformation exists from one CRS to the other (another planet, a local CRS).
    """
    source, target = scene.rasterio_crs, mask.rasterio_crs
    if source is None or target is None or scene.crs is None or mask.crs is None:
        raise SaliencyError("aligning by the map needs a CRS on both sides; one has none; align by pixels instead")
    period = None
    if target.is_geographic and mask.transform.b == 0:
        period = 2 * math.pi / target.units_factor[1] / abs(mask.transform.a)
    if source == target:
        s, m = scene.transform, mask.transform
        # The difference of the origins comes first: both are large, and their difference is small.
        relative = Affine(s.a, s.b, s.c - m.c, s.d, s.e, s.f - m.f)
        return AffineAlignment(_compose(~Affine(m.a, m.b, 0, m.d, m.e, 0), relative), period)
    for step in _STEPS:
        lattice = LatticeAlignment(scene.transform, scene.crs, mask.transform, mask.crs, step, period)
        if _lattice_error(lattice, scene) <= TOLERANCE:
            break
    return lattice


def align_by_pixels(scene: Grid, mask: Grid) -> AffineAlignment:
    """Stretch a mask over a scene, corner to corner, whatever their georeferencing says."""
    return AffineAlignment(Affine.scale(mask.width / scene.width, mask.height / scene.height))


def spread(size: int, count: int) -> Ints:
    """Return at most `count` places over an axis of `size` pixels, with the first and the last."""
    return np.linspace(0, size - 1, min(size, count)).round().astype(np.int64)  # they are at least a pixel apart


def coarse(places: Ints, step: int) -> Ints:
    """Return every `step`-th of a run of rows or columns, and the last."""
    return np.append(places[:-1:step], places[-1])


def _lattice_error(lattice: LatticeAlignment, scene: Grid) -> float:
    """Return the largest error between nodes, in mask pixels, at middles and edges of cells all over the scene."""
    if lattice.step == 1:
        return 0.0
    half = lattice.step // 2
    rows = spread((scene.height - 1) // lattice.step + 1, _PROBES) * lattice.step
    cols = spread((scene.width - 1) // lattice.step + 1, _PROBES) * lattice.step
    worst = 0.0
    for down, across in ((0, half), (half, 0), (half, half)):
        exact = lattice.project(*np.meshgrid(rows + down * 1.0, cols + across * 1.0, indexing="ij"))
        off = np.stack(lattice.positions(rows + down, cols + across)) - exact
        if lattice.period is not None:
            off[0] -= lattice.period * np.round(off[0] / lattice.period)
        worst = max(worst, float(np.nanmax(np.abs(off), initial=0.0)))
    return worst


@lru_cache(maxsize=256)
def _patch(lattice: LatticeAlignment, patch_row: int, patch_col: int) -> Floats:
    """Project a patch of nodes together, (2, _PATCH, _PATCH); 16 KiB each."""
    places = np.arange(_PATCH, dtype=np.float64)
    rows, cols = (places + patch_row * _PATCH) * lattice.step, (places + patch_col * _PATCH) * lattice.step
    return lattice.project(*np.meshgrid(rows, cols, indexing="ij"))


def _apply(matrix: Affine, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    return matrix.a * x + matrix.b * y + matrix.c, matrix.d * x + matrix.e * y + matrix.f


def _compose(outer: Affine, inner: Affine) -> Affine:
    """Compose two transforms, `inner` first; written out, because affine 2 writes ``*`` and affine 3 ``@``."""
    c, f = outer.a * inner.c + outer.b * inner.f + outer.c, outer.d * inner.c + outer.e * inner.f + outer.f
    a, b = outer.a * inner.a + outer.b * inner.d, outer.a * inner.b + outer.b * inner.e
    d, e = outer.d * inner.a + outer.e * inner.d, outer.d * inner.b + outer.e * inner.e
    return Affine(a, b, c, d, e, f)


def _overlap(wanted: range, patch: int) -> tuple[slice, slice]:
    """Return which of the nodes in `wanted` a patch holds, and where in the patch."""
    first, stop = max(wanted.start, patch * _PATCH), min(wanted.stop, (patch + 1) * _PATCH)
    return (
        slice(first - wanted.start, stop - wanted.start),
        slice(first - patch * _PATCH, stop - patch * _PATCH),
    )


def _difference(positions: Floats, axis: int, period: float | None) -> Floats:
    """Return steps between positions along an axis, the short way around the globe; 0 after the last."""
    last = np.take(positions, [-1], axis=axis)
    step = np.diff(positions, axis=axis, append=last)
    if period is not None:
        step[0] -= period * np.round(step[0] / period)
    return step


def _around(x: Floats, period: float | None) -> Floats:
    """Move x into the mask's first turn around the globe; positions just left of its edge stay there."""
    if period is None or (x.min() >= 0 and x.max() < period - 1e-6):
        return x
    return x - period * np.floor((x + 1e-6) / period)


@lru_cache(maxsize=16)
def _crs(wkt: str) -> CRS:
    return CRS.from_wkt(wkt)


def _transform(source: CRS, target: CRS, x: Floats, y: Floats) -> Floats:
    """Project points, (2, points); infinite where that is impossible.

    Raises
    ------
    SaliencyError
        No transformation exists from one CRS to the other.
    """
    with gdal_env():
        try:
            return np.asarray(transform(source, target, x, y), dtype=np.float64)
        except Exception as error:  # rasterio lets GDAL's own exceptions through, which have no public base
            if "Cannot find coordinate operations" in str(error):
                raise SaliencyError(
                    "the mask's CRS cannot be reached from the scene's (another planet, or a local CRS); "
                    "give a mask in the scene's CRS, or add align=pixels"
                ) from error
            # One point outside the projection's domain makes the call fail for all: find it by halving.
            if x.size == 1:
                return np.full((2, 1), np.inf)
    return np.concatenate([_transform(source, target, *half) for half in _halves(x, y)], axis=1)


def _halves(x: Floats, y: Floats) -> Iterator[tuple[Floats, Floats]]:
    middle = x.size // 2
    yield x[:middle], y[:middle]
    yield x[middle:], y[middle:]
