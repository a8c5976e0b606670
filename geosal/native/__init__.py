"""The inner loops, in C: arrays in, arrays out. Each releases the GIL while it works.

Index card
----------
- `smooth`: one band, all levels in one pass (``smooth.h``).
- `halve`: the next overview of some bands (``halve.h``).
- `quantise`: one band, each sample to a multiple of its level's step (``quantise.h``).
- `interleave`: bands to pixels, for TIFF (``arrays.c``).
- `look_up`: codes by a table, and a count of them (``arrays.c``).
- `polynomials`: the noise of the pattern `perlin` (``patterns.c``).
- `sum_errors`, `sum_windows`, `pool`: two images compared pixel by pixel and window by window (``compare.c``).
- `jpeg.quantised`, `jpeg.symbols`, `jpeg.code`: pixels to a JPEG's coefficients, and those to its bits (``jpeg.c``).
- `jpeg.huffman_lengths`, `jpeg.huffman_codes`: its best Huffman tables (``jpeg_huffman.h``).

A function with more than a few arguments takes a structure of `jobs`.
"""

from geosal.native.differences import pool, sum_errors, sum_windows
from geosal.native.loops import halve, interleave, look_up, polynomials, quantise, smooth

__all__ = [
    "halve",
    "interleave",
    "look_up",
    "polynomials",
    "pool",
    "quantise",
    "smooth",
    "sum_errors",
    "sum_windows",
]
