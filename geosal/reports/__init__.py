"""Show what became of a scene: one page of HTML that needs no network, to open, to zoom, to print and to hand on.

Index card
----------
- `report`: makes the page of one scene and its outputs; `geosal.report`.
- `ReportSpec`, `make_report`: the same in two steps, for the command line.
- `write_index`: a page that lists the reports of a folder.

Rooms: `spec` is what was asked, `measured` the numbers of one output, `pictures` what is drawn of it, `spread` where
its bytes lie, `counts` what is counted while it is drawn, `words` and `sections` what is said, `render` the page; its
parts lie in the folder `page`. `make` goes through them; `index` lists pages.
"""

from geosal.reports.index import write_index
from geosal.reports.make import Report, make_report, report
from geosal.reports.spec import ReportSpec

__all__ = ["Report", "ReportSpec", "make_report", "report", "write_index"]
