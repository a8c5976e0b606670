"""Measure how good a candidate is: read original and candidate block by block, judge them by `geosal.metrics`.

Index card
----------
- `Comparison`: what it returns; as a dictionary, rows of a table, or an xarray Dataset.
- `pair_with`, `Pair`, `judge`: a comparison in steps; `geosal.compare` is all of them, path against path.
- `sum_up`, `JudgeTask`, `Ready`, `Sums`: its parts, for the search of a setting.
- `bits_of`, `ends_of`: the range of values by which a scene is judged.
"""

from geosal.comparison.judge import JudgeTask
from geosal.comparison.pair import Pair, colours, in_colours, pair_with
from geosal.comparison.result import Comparison, Row
from geosal.comparison.run import bits_of, ends_of, judge, sum_up
from geosal.comparison.seams import Ready
from geosal.comparison.sums import Sums

__all__ = [
    "Comparison", "JudgeTask", "Pair", "Ready", "Row", "Sums", "bits_of", "colours", "ends_of", "in_colours",
    "judge", "pair_with", "sum_up",
]  # fmt: skip
