"""Baseline JPEG made step by step, so that the quality of blocks follows saliency, and tiles become one image.

Index card
----------
- `tiles.JpegEncoder`: turns the pixels of a tile into coefficients and counts of symbols; `container.JpegContainer`
  takes them.
- `tables`: quantisation tables of any quality.
- `shaping`: lowers the quality of each block to that of its level.
- `first`: the first of two passes.
- `huffman.HuffmanTables`: the best codes for the counts of all tiles; `coder.Coder` codes with them.
- `stream`: markers and headers; `whole.whole_jpeg`: a complete JPEG of one small image.
- `spool`: holds tiles until all are there; `sidecars`: metadata inside the file and beside it; `tags`: tags that
  describe one file only.
- `source.old_jpeg`: the JPEG that a scene is or was, by `heads` of streams, or by `traces` in pixels.
- `check.FinishedJpeg`: a finished file: its markers, and the mask after the image.
"""
