"""BPG: a picture coded by HEVC, in a small container; read without GDAL, which knows neither.

Index card
----------
- `bits`: bits and Exp-Golomb numbers, and the bytes that HEVC stuffs into its units.
- `head.Head`: what stands before the coded picture, read with distrust, and written.
- `nal`: the units that a stream of HEVC is made of.
- `hevc`: parameter sets and slice headers, as far as a still picture has them.
- `decoding.BpgPicture`: the pixels, row of tiles by row of tiles, by FFmpeg's decoder in PyAV.
- `colour`: from RGB to YCbCr and back.
"""
