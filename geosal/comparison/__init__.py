"""How good a candidate is: original and candidate read block by block, judged by `geosal.metrics`.

Index card
----------
- `compare`: path against path, all figures.
- `Comparison`: what it returns; as a dictionary, rows of a table, or an xarray Dataset.
- `open_any`, `Pair`, `judge`: the same in steps, for the command line.
"""

from geosal.comparison.pair import Pair, open_any
from geosal.comparison.result import Comparison, Row
from geosal.comparison.run import compare, judge

__all__ = ["Comparison", "Pair", "Row", "compare", "judge", "open_any"]
