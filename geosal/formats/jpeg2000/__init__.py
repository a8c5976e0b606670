"""JPEG 2000 files made of tiles that were encoded one by one.

Index card
----------
- `tiles.J2kEncoder`: a tile's pixels to a codestream of its own.
- `codestream`: one codestream of many, each of them a tile of it.
- `boxes`: what stands around the codestream in the file; GDAL makes it, here it gets the true size.
- `container.Jp2Container`: the file that takes tiles in any order, and what lies beside it; `masks`: its ``.msk``.
- `check.FinishedJpeg2000`: a finished file.
"""
