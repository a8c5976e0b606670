"""The data sets of Downes, Saltwick and Chen (2023), section 3, read from the folders in which their makers give them.

Index card
----------
- `find_images`: the images in a folder of a known layout, each with its `Reading` as RGB of 8 bits and its annotations.
- `DatasetImage`: one of them.
- `LAYOUTS`: the layouts by name: ``rareplanes``, ``spacenet``, ``sentinel2``, ``landsat``, ``plain``.
- `TABLE_1`, `TABLE_2`: what the paper took of each.

How each data set becomes 8 bits, which the paper does not say, is in `geosal.lab.datasets.conversion`.
"""

from geosal.lab.datasets.image import DatasetImage, Layout
from geosal.lab.datasets.layouts import LAYOUTS, find_images
from geosal.lab.datasets.paper import TABLE_1, TABLE_2, TableRow

__all__ = ["LAYOUTS", "TABLE_1", "TABLE_2", "DatasetImage", "Layout", "TableRow", "find_images"]
