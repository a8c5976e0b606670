"""Baseline JPEG made step by step, so that blocks can differ by their saliency and tiles become one image.

Index card
----------
- `tiles.JpegEncoder`: a tile's pixels to coefficients and counts of symbols, for `container.JpegContainer`.
- `tables`: quantisation tables of any quality.
- `shaping`: how much each block gives up.
- `first`: the first of two passes.
- `huffman.HuffmanTables`: the best codes for the counts of all tiles; `coder.Coder` codes with them.
- `stream`: markers and headers; `whole.whole_jpeg`: all of it for one small image.
- `spool`: where tiles wait; `sidecars`: what goes with the pixels; `tags`: those that are true of one file.
- `check.FinishedJpeg`: the markers of a finished file, and what lies behind the image.
"""
