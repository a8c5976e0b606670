"""The figures of Downes, Saltwick and Chen (2023), drawn from the tables of a study alone.

Index card
----------
- `FIGURES`: every figure by its number in the paper, with what it shows and the tables that it needs.
- `draw`: draws some or all of them into a folder, as SVG and PNG.
- `Tables`: the tables in a study's folder; `Table` has the few sums that figures need.

Figures 2 to 4 and 14 show pictures instead: they need a scene (and, for 14, a SOURCE).
"""

from geosal.lab.figures.drawing import FIGURES, Drawn, draw
from geosal.lab.figures.table import Table, Tables

__all__ = ["FIGURES", "Drawn", "Table", "Tables", "draw"]
