#!/usr/bin/env bash
# tifffile 2026.11.8 reads NaN in LERC tiles of floats, as GDAL 3.12.2 writes them, as 0, and says nothing.
#
# LERC 2 has no NaN: GDAL (rasterio 1.5.2) marks such samples in LERC's own mask of valid samples, and takes them for NaN
# when it reads. tifffile asks imagecodecs for samples alone; under the mask they are 0, a value like any other. Who reads
# elevations or reflectances with it gets sea level for gaps. What helps: imagecodecs.lerc_decode(tile, masks=True) gives
# the mask; or write floats with gaps in another codec, or with a nodata code that is a number.
#
# Needs a Python of 3.12 or newer: wheels of these versions begin there.
set -euo pipefail

python=""
for candidate in python3.14 python3.13 python3.12 python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then python=$candidate; break; fi
done
[ -n "$python" ] || { echo "no Python of 3.12 or newer here"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install -q rasterio==1.5.2 tifffile==2026.11.8 imagecodecs==2026.10.10 numpy==2.4.6 2>/dev/null
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import imagecodecs
import numpy as np
import rasterio
import tifffile

heights = np.arange(1, 4097, dtype=np.float32).reshape(1, 64, 64)
heights[0, :5, :7] = np.nan
layout = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "float32", "nodata": np.nan}
found = {}
for codec in ("LERC", "DEFLATE"):
    with rasterio.open("h.tif", "w", **layout, tiled=True, blockxsize=64, blockysize=64, compress=codec) as dataset:
        dataset.write(heights)
    with rasterio.open("h.tif") as dataset:
        theirs = dataset.read(1)
    with tifffile.TiffFile("h.tif") as tiff:
        page = tiff.pages[0]
        ours = page.asarray()
        tile = next(iter(page.parent.filehandle.read_segments(page.dataoffsets, page.databytecounts)))[0]
    found[codec] = (int(np.isnan(theirs).sum()), int(np.isnan(ours).sum()), int((ours == 0).sum()))
    if codec == "LERC":
        samples, mask = imagecodecs.lerc_decode(tile, masks=True)
        assert (np.squeeze(mask) == 0).sum() == 35, "the mask is elsewhere now"
print(f"GDAL {rasterio.__gdal_version__}, tifffile {tifffile.__version__}: NaN by GDAL, NaN and zeros by tifffile:", found)
assert found == {"LERC": (35, 0, 35), "DEFLATE": (35, 35, 0)}, "the behaviour has changed"
PY
