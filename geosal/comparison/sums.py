"""Sums over the blocks of a comparison, and the rows of figures made from them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add

from geosal.comparison.judge import Facts
from geosal.comparison.pair import Pair
from geosal.comparison.result import ALL, BACKGROUND, SALIENT, WHOLE, Row
from geosal.metrics import ErrorSums, Scores, StructureSums


@dataclass
class Sums:
    """Sums over the blocks taken so far."""

    pair: Pair
    lost: int = 0
    """Samples that count in the original alone."""
    gained: int = 0
    """Samples that count in the candidate alone."""
    errors: list[list[ErrorSums]] = field(init=False)
    """Sums of errors of each band, for each level."""
    structure: list[list[StructureSums]] = field(init=False)
    """Sums of structure of each band, for each level."""

    def __post_init__(self) -> None:
        bands = len(self.pair.bands)
        self.errors = [[ErrorSums()] * self.pair.levels for _ in range(bands)]
        self.structure = [[StructureSums()] * self.pair.levels for _ in range(bands)]

    def take(self, facts: Facts) -> None:
        """Add a block; always in the same order, so that rounding is the same each time."""
        for band in range(len(self.errors)):
            self.errors[band] = list(map(add, self.errors[band], facts.errors[band]))
            self.structure[band] = list(map(add, self.structure[band], facts.structure[band]))

    def have(self, positions: Sequence[int], some: "Sums") -> None:
        """Take over the sums of some bands over all blocks, and count their lost and gained pixels as well."""
        for position, errors, structure in zip(positions, some.errors, some.structure, strict=True):
            self.errors[position], self.structure[position] = errors, structure
        self.lost += some.lost
        self.gained += some.gained

    def scores(self, data_range: float) -> dict[str, Scores]:
        """Return the figures of each part, over all bands."""
        return {row.part: row.scores for row in self.rows(data_range) if row.band == ALL}

    def rows(self, data_range: float) -> Iterator[Row]:
        """Return rows of the result."""
        levels = range(self.pair.levels)
        parts: list[tuple[str, int | None, Sequence[int]]] = [(WHOLE, None, levels)]
        if self.pair.saliency is not None:
            present = [level for level in levels if any(band[level].count for band in self.errors)]
            parts += [(SALIENT, None, levels[:1]), (BACKGROUND, None, levels[1:])]
            parts += [(f"level {level}", level, [level]) for level in present]
        totals = [sum((band[level].count for level in levels), 0) for band in self.errors]
        for part, level, members in parts:
            errors = [reduce(add, [band[member] for member in members], ErrorSums()) for band in self.errors]
            structure = [reduce(add, [band[member] for member in members], StructureSums()) for band in self.structure]
            for band, name in enumerate(("", *self.pair.bands)):
                chosen = slice(None) if band == ALL else slice(band - 1, band)
                scores = Scores.of(errors[chosen], structure[chosen], data_range)
                total = sum(totals[chosen])
                share = scores.samples / total if total else 0.0
                yield Row(part=part, level=level, band=band, name=name, share=share, scores=scores)
