"""THE OPERATOR: Gaussian smoothing whose width follows the saliency. Arrays in, arrays out; no files."""

from geosal.smoothing.block import smooth_block

__all__ = ["smooth_block"]
