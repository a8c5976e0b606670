"""JPEG 2000 files made of tiles that were encoded one by one.

Index card
----------
- `tiles.J2kEncoder`: encodes the pixels of a tile as a codestream of its own.
- `codestream`: joins codestreams of tiles to one, and writes its index (TLM).
- `boxes`: the boxes around the codestream; GDAL makes them for a small image, here they get the true size.
- `container.Jp2Container`: the file, which takes tiles in any order, and its sidecars; `masks`: the ``.msk``.
- `check.FinishedJpeg2000`: a finished file.
"""
