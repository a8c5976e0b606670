"""THE OPERATOR: Gaussian smoothing whose width follows the saliency. Arrays in, arrays out; no files."""

from geosal.smoothing.block import smooth_block
from geosal.smoothing.lazy import smooth

__all__ = ["smooth", "smooth_block"]
