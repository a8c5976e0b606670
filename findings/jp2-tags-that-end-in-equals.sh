#!/usr/bin/env bash
# GDAL 3.12.2 (rasterio 1.5.2) writes a JPEG 2000 without those of its source's tags whose value ends in "=", and says
# nothing.
#
# A tag of the raster, default domain: "YWI=" is lost, "YWI" and "a=b" are kept; also "=" alone. The other writers (GTiff,
# COG, PNG, JPEG) keep all of them, and JP2OpenJPEG itself keeps those of bands. Base64 ends so in two of three
# cases: digests, signatures, packed masks. What helps: Base64 without padding, or the item written into the .aux.xml.
#
# Needs a Python of 3.12 or newer: wheels of this version begin there.
set -euo pipefail

python=""
for candidate in python3.14 python3.13 python3.12 python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then python=$candidate; break; fi
done
[ -n "$python" ] || { echo "no Python of 3.12 or newer here"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install -q rasterio==1.5.2 numpy==2.4.6 2>/dev/null
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np
import rasterio
import rasterio.shutil

TAGS = {"PADDED": "YWI=", "BARE": "YWI", "INSIDE": "a=b", "ALONE": "="}
with rasterio.open("source.tif", "w", driver="GTiff", width=64, height=64, count=1, dtype="uint8") as dataset:
    dataset.write(np.full((1, 64, 64), 7, np.uint8))
    dataset.update_tags(**TAGS)
    dataset.update_tags(1, PADDED="YWI=")
lost = {}
for driver in ("JP2OpenJPEG", "GTiff", "COG", "PNG", "JPEG"):
    rasterio.shutil.copy("source.tif", driver, driver=driver)
    with rasterio.open(driver) as dataset:
        lost[driver] = sorted(key for key, value in TAGS.items() if dataset.tags().get(key) != value)
        assert dataset.tags(1)["PADDED"] == "YWI="
print(f"GDAL {rasterio.__gdal_version__}: tags that are lost:", lost)
assert lost.pop("JP2OpenJPEG") == ["ALONE", "PADDED"], "the behaviour has changed"
assert set(map(tuple, lost.values())) == {()}, "the behaviour has changed"
PY
