"""Baseline JPEG made step by step, so that blocks can differ by their saliency and tiles become one image.

Index card
----------
- `tables`: quantisation tables of any quality.
- `shaping`: how much each block gives up.
- `first`: the first of two passes.
- `encoder.JpegEncoder`: a tile's pixels to coefficients and counts of symbols.
- `huffman.HuffmanTables`: the best codes for such counts.
- `stream`: markers and headers; `whole.whole_jpeg`: all of it for one small image.
"""
