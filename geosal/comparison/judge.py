"""The work on one block of a pair: read it, judge the pixels that are ready, map the errors."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geosal.comparison.pair import Pair, Samples, in_colours
from geosal.comparison.seams import Ready
from geosal.core.grid import Block
from geosal.metrics import ErrorSums, StructureSums, sum_by_level
from geosal.produce import Work
from geosal.scenes import AnyScene


class Facts(NamedTuple):
    """Sums of each band for each level."""

    errors: tuple[tuple[ErrorSums, ...], ...]
    structure: tuple[tuple[StructureSums, ...], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadTask:
    """Read a block of both."""

    pair: Pair

    def __call__(self, block: Block) -> tuple[Block, Samples]:
        """Read a block without a halo."""
        return block, self.pair.read(block)


@dataclass(frozen=True, kw_only=True, eq=False)
class JudgeTask:
    """Compare pixels whose windows are complete."""

    pair: Pair
    data_range: float

    def __call__(self, ready: Ready) -> Facts:
        """Sum up."""
        levels = self.pair.levels_of(ready.block)
        errors, structure = [], []
        for band, (original, candidate) in enumerate(zip(ready.original, ready.candidate, strict=True)):
            of_errors, of_structure = sum_by_level(
                original,
                candidate,
                self.data_range,
                ready.inside,
                valid=None if ready.valid is None else ready.valid[band],
                levels=levels,
                count=self.pair.levels,
            )
            errors.append(of_errors)
            structure.append(of_structure)
        return Facts(tuple(errors), tuple(structure))


@dataclass(frozen=True, kw_only=True, eq=False)
class MapTask:
    """Map the errors of one block."""

    pairs: tuple[Pair, ...]
    """Pairs of scenes, each with some of the bands."""

    def __call__(self, block: Block) -> Work[None]:
        """The largest error of each pixel over the bands where it counts."""
        shown = np.zeros(block.shape, np.bool_)
        largest = np.zeros((1, *block.shape), error_dtype(self.pairs[0].original.layout.dtype))
        for pair in self.pairs:
            samples = pair.read(block)
            sizes, valid = error_sizes(samples.original, samples.candidate), samples.valid
            if valid is not None:
                sizes[~valid] = 0
            shown |= True if valid is None else np.asarray(valid.any(axis=0))
            np.maximum(largest, sizes.max(axis=0, keepdims=True), out=largest)
        return Work(largest, shown, None)


@dataclass(frozen=True, kw_only=True, eq=False)
class RangeTask:
    """Find the least and the greatest valid sample in a block of a scene."""

    scene: AnyScene

    def __call__(self, block: Block) -> tuple[float, float] | None:
        """Return the least and the greatest valid sample; None without one."""
        pixels, valid = in_colours(self.scene.read(block), self.scene.layout)
        counting = pixels if valid is None else pixels[valid]
        return (float(counting.min()), float(counting.max())) if counting.size else None


def error_dtype(dtype: str) -> str:
    """Return the type of an error map for samples of a type; for integers it holds every error."""
    kind = np.dtype(dtype)
    return "float32" if kind.kind == "f" else f"uint{8 * kind.itemsize}"


def error_sizes(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    """Return absolute differences in the type of `error_dtype`; any shape."""
    kind = error_dtype(first.dtype.name)
    if first.dtype.kind == "f":
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(np.abs(first.astype(np.float64) - second), kind)
    # The difference of signed samples may wrap; read as an unsigned number it is right again.
    return np.asarray((np.maximum(first, second) - np.minimum(first, second)).view(kind))
