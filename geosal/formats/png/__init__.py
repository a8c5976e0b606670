"""PNG: lossless images of 8 and 16 bits that every program shows.

Index card
----------
- `format.Png`: what is particular to it; GDAL writes the file, for it is one stream that begins at the first row.
- `options.OPTIONS`: its creation options.
- `check.FinishedPng`: the chunks of a finished file.
"""
