"""The seed paper's `perlin` mask: gradient noise cut into four saliencies, made block by block.

The paper scales the noise to 0-255 and drops the six low bits, which leaves 0, 64, 128 and 192; these become the
saliencies 0.25, 0.5, 0.75 and 1. Table 3 fixes how much of the scene each gets, so the scaling is done by quantiles:
`SHARES` of the scene lie below the noise at 64, 128 and 192. The quantiles are taken once, when the source is opened,
at up to 512x512 positions spread over the scene; any seed and any size then has the shares of the paper to about 0.01.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.native import polynomials
from geosal.sources.base import Coded, OpenContext
from geosal.sources.patterns.synthetic import Synthetic
from geosal.sources.text import SourceText

SHARES = {0.25: 0.08, 0.5: 0.42, 0.75: 0.44, 1.0: 0.06}
"""Saliency -> share of the scene; with 8 steps these are the widths 13, 9, 5 and 1 of Table 3."""

_SAMPLES = 512
_WORD = 2**64 - 1
_TABLE = np.pad(np.array([0.25, 0.5, 0.75, 1.0], np.float32), (0, 252), constant_values=1)
"""Number of thresholds that the noise reaches -> saliency; other codes do not occur."""

_DIAGONAL = math.sqrt(0.5)
_GRADIENTS = np.array(
    [(1, 0), (-1, 0), (0, 1), (0, -1), *((x * _DIAGONAL, y * _DIAGONAL) for x in (1, -1) for y in (1, -1))]
)
"""Eight directions (x, y), picked by the three high bits of a lattice point's hash."""

_DEGREE = 6
_FADE = (0.0, 0.0, 0.0, 10.0, -15.0, 6.0, 0.0)
"""Coefficients of 6 t^5 - 15 t^4 + 10 t^3, from 0 to 1 with flat ends; lowest power first, as all polynomials here."""
_UNFADE = (1.0, 0.0, 0.0, -10.0, 15.0, -6.0, 0.0)
"""Coefficients of 1 - fade."""
_WEIGHTS = (
    (_UNFADE, (0.0, *_UNFADE[:-1])),
    (_FADE, tuple(before - here for before, here in zip((0.0, *_FADE[:-1]), _FADE, strict=True))),
)
"""For the lattice points above and below: the weight, and the weight times the distance in y from that point."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Perlin(Synthetic):
    """``perlin:seed=0,octaves=3,cells=8``: the seed paper's smooth random pattern of 0.25, 0.5, 0.75 and 1.

    Attributes
    ----------
    seed
        Another seed is another pattern.
    octaves
        Layers of noise; each has twice the cells and half the weight of the one before.
    cells
        Cells of the first octave along the longer side of the scene; they are square.
    thresholds
        Noise at the scaled values 64, 128 and 192.
    """

    seed: int
    octaves: int
    cells: int
    thresholds: tuple[float, ...] = ()

    @classmethod
    def open(cls, source: SourceText, context: OpenContext) -> Self:
        """Take ``seed=``, ``octaves=`` (1-8) and ``cells=`` (1-256), and find the thresholds."""
        source.only("seed", "octaves", "cells")
        field = cls(
            text=source.text,
            shape=context.grid.shape,
            seed=source.integer("seed", 0, 0, 2**63 - 1),
            octaves=source.integer("octaves", 3, 1, 8),
            cells=source.integer("cells", 8, 1, 256),
        )
        sample = field.noise(_spread(context.grid.height), _spread(context.grid.width)).ravel()
        ranks = [int(share * sample.size) for share in np.cumsum(list(SHARES.values()))[:-1]]
        ordered = np.partition(sample, ranks)
        return replace(field, thresholds=tuple(float(ordered[rank]) for rank in ranks))

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, (y, x): 0.25, 0.5, 0.75 or 1."""
        coded = self.read_coded(block)
        return coded.table[coded.codes]

    def read_coded(self, block: Block) -> Coded:
        """Return the same as codes: how many thresholds the noise reaches."""
        codes = np.empty(block.shape, np.uint8)
        rows, cols = np.arange(block.row_off, block.row_stop), np.arange(block.col_off, block.col_stop)
        self._evaluate(rows, cols, codes, np.array(self.thresholds, np.float32))
        return Coded(codes, _TABLE)

    def noise(self, rows: Ints, cols: Ints) -> NDArray[np.float32]:
        """Gradient noise where these rows and columns of the scene cross, (rows, cols), about [-1, 1]; ascending."""
        out = np.empty((rows.size, cols.size), dtype=np.float32)
        self._evaluate(rows, cols, out)
        return out

    def _evaluate(
        self, rows: Ints, cols: Ints, out: NDArray[Any], thresholds: NDArray[np.float32] | None = None
    ) -> None:
        """Write the noise, or how many of the thresholds it reaches, into `out`, (rows, cols).

        Inside one row of the finest lattice the noise of all octaves together is one polynomial in y, whose
        coefficients are functions of x. They are made in float64 from the global position; the polynomial is evaluated
        in float32, in one order, so that neither blocks nor processors change a bit.
        """
        scale = self.cells / max(self.shape)
        finest = (rows + 0.5) * scale * 2 ** (self.octaves - 1)
        axes = [_Axis.of((cols + 0.5) * scale * 2**octave) for octave in range(self.octaves)]
        # The rows of a coarse lattice serve many rows of the finest, and each row serves the cells above and below it.
        tables = lru_cache(maxsize=4 * self.octaves)(lambda octave, row: self._along(octave, row, axes[octave]))
        cuts = [0, *(np.flatnonzero(np.diff(np.floor(finest))) + 1).tolist(), rows.size]
        for start, stop in pairwise(cuts):
            lattice_row = math.floor(finest[start])
            inside = (finest[start:stop] - lattice_row).astype(np.float32)
            polynomials(self._coefficients(lattice_row, tables), inside, out[start:stop], thresholds)

    def _coefficients(
        self, finest_row: int, tables: Callable[[int, int], tuple[Floats, Floats]]
    ) -> NDArray[np.float32]:
        """Return coefficients of 1, y, y^2 … y^6 for y from 0 to 1 across one row of the finest lattice, (7, cols)."""
        total = np.zeros((_DEGREE + 1, 1))
        for octave in range(self.octaves):
            finer = 2 ** (self.octaves - 1 - octave)
            lattice_row, place = divmod(finest_row, finer)
            for corner, weights in enumerate(_WEIGHTS):
                for of_y, of_x in zip(weights, tables(octave, lattice_row + corner), strict=True):
                    moved = _move(of_y, place / finer, 1 / finer)
                    total = total + np.array(moved)[:, None] * (of_x * 0.5**octave)
        return total.astype(np.float32)

    def _along(self, octave: int, row: int, axis: "_Axis") -> tuple[Floats, Floats]:
        """Return the terms of one row of lattice points along x, (cols,): constant, and linear in the distance in y."""
        left, right = self._gradients(octave, row, axis.cell), self._gradients(octave, row, axis.cell + 1)
        return (
            _lerp(left[:, 0] * axis.inside, right[:, 0] * (axis.inside - 1), axis.fade),
            _lerp(left[:, 1], right[:, 1], axis.fade),
        )

    def _gradients(self, octave: int, row: int, cols: Ints) -> Floats:
        """Return the gradient of each lattice point, (cols, 2), by a hash of seed, octave, row, column (splitmix64)."""
        key = _mix(_mix(_mix(self.seed) + octave) + row)
        mixed = (cols.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return _GRADIENTS[(mixed >> np.uint64(61)).astype(np.intp)]


@dataclass(frozen=True, slots=True, eq=False)
class _Axis:
    """Columns in the lattice of one octave: the cell, the place inside it, and that place faded."""

    cell: Ints
    inside: Floats
    fade: Floats

    @classmethod
    def of(cls, x: Floats) -> Self:
        cell = np.floor(x)
        return cls(cell.astype(np.int64), x - cell, _fade(x - cell))


def _mix(value: int) -> int:
    """Scramble 64 bits (the finaliser of splitmix64)."""
    value = (value + 0x9E3779B97F4A7C15) & _WORD
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _WORD
    return value ^ (value >> 31)


def _fade(t: Floats) -> Floats:
    return t * t * t * (t * (t * _FADE[5] + _FADE[4]) + _FADE[3])


def _lerp(a: Floats, b: Floats, t: Floats) -> Floats:
    return a + t * (b - a)


@lru_cache(maxsize=1024)
def _move(polynomial: tuple[float, ...], start: float, width: float) -> tuple[float, ...]:
    """Return the coefficients in t of a polynomial in y, where y = start + width * t."""
    return tuple(
        width**power
        * sum(math.comb(n, power) * start ** (n - power) * polynomial[n] for n in range(power, len(polynomial)))
        for power in range(len(polynomial))
    )


def _spread(size: int) -> Ints:
    """Return at most `_SAMPLES` positions over an axis: one in each of equal parts, at a golden-ratio place within.

    In the middle of each part they would all fall on the same place of a lattice cell, for some numbers of cells.
    """
    count = min(_SAMPLES, size)
    steps = np.arange(count)
    return ((steps + steps * 0.6180339887498949 % 1) * (size / count)).astype(np.int64)
