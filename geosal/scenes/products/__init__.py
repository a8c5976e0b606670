"""Open whole products as scenes: Sentinel-2 (.SAFE, old and new, zipped, AWS) and Landsat (folder or .tar)."""

from geosal.scenes.products.opening import is_product, open_product
from geosal.scenes.products.scene import ProductScene

__all__ = ["ProductScene", "is_product", "open_product"]
