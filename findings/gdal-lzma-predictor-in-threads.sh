#!/usr/bin/env bash
# GDAL reads a TIFF in LZMA with a predictor wrongly, without an error, where it decodes in several threads.
#
# libtiff's LZMA codec knows TIFF's predictor (tag 317), and GDAL reads such a file rightly in one thread. With
# GDAL_NUM_THREADS above 1, a read of several tiles returns the differences themselves. tifffile reads the same file rightly.
# Seen with rasterio 1.4.4 (GDAL 3.10.3). GDAL itself writes no predictor in LZMA, so only files of other programs are met.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install -q rasterio==1.4.4 tifffile==2026.3.3 imagecodecs==2026.3.6 numpy==2.4.6
cd "$place"
"$place/venv/bin/python" - <<'PY'
import numpy as np, rasterio, tifffile, warnings

warnings.simplefilter("ignore")
pixels = np.add.outer(np.arange(256), np.arange(256)).astype("uint16")
tifffile.imwrite("a.tif", pixels, tile=(64, 64), compression="lzma", predictor=2)
assert (tifffile.imread("a.tif") == pixels).all()
found = {}
for threads in ("1", "2"):
    with rasterio.Env(GDAL_NUM_THREADS=threads), rasterio.open("a.tif") as dataset:
        found[threads] = bool((dataset.read(1) == pixels).all())
print("GDAL", rasterio.__gdal_version__, "right with threads:", found)
assert found == {"1": True, "2": False}
PY
