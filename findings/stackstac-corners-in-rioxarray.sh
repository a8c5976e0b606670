#!/usr/bin/env bash
# An array of stackstac 0.5.1 that rioxarray 0.23.0 writes lies half a pixel off, to the north-west.
#
# stackstac's coordinates are by default those of a pixel's top left corner; xarray's users, and rioxarray, take them for
# centres. stackstac says the true transform beside it, as the attribute `transform`, which rioxarray does not look at: it
# makes one of the coordinates. So `stack(...).rio.to_raster(...)`, which many notebooks have, moves a scene of 10 m by 5 m
# each way without a word. What helps: stack(..., xy_coords="center"), or rio.write_transform(array.attrs["transform"]).
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
"$work/venv/bin/pip" install -q stackstac==0.5.1 rioxarray==0.23.0 rasterio==1.5.2 xarray==2026.9.0 dask==2026.8.0 \
    numpy==2.4.6 2>/dev/null
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PY'
import numpy as np
import rasterio
import rioxarray  # noqa: F401  the accessor
import stackstac
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds

place = from_origin(600000, 5000040, 10, 10)
layout = {"driver": "GTiff", "width": 64, "height": 64, "count": 1, "dtype": "uint16", "crs": "EPSG:32632"}
with rasterio.open("band.tif", "w", transform=place, **layout) as dataset:
    dataset.write(np.arange(64 * 64, dtype=np.uint16).reshape(1, 64, 64))
    bounds = list(transform_bounds(dataset.crs, "EPSG:4326", *dataset.bounds))
asset = {"href": "band.tif", "type": "image/tiff", "proj:shape": [64, 64], "proj:transform": [*place][:6]}
item = {
    "type": "Feature", "stac_version": "1.0.0", "id": "scene", "bbox": bounds, "geometry": None, "links": [],
    "properties": {"datetime": "2024-05-01T00:00:00Z", "proj:epsg": 32632}, "assets": {"red": asset},
}
options = {"dtype": "uint16", "fill_value": np.uint16(0), "rescale": False}
corners = {}
for words in ({}, {"xy_coords": "center"}):
    array = stackstac.stack(item, **options, **words).isel(time=0)
    assert tuple(array.attrs["transform"])[:6] == tuple(place)[:6]
    array.rio.write_crs(32632).rio.to_raster("out.tif")
    with rasterio.open("out.tif") as dataset:
        corners[words.get("xy_coords", "default")] = (dataset.transform.c, dataset.transform.f)
print("the source's corner:", (place.c, place.f), "- as written:", corners)
assert corners == {"default": (599995.0, 5000045.0), "center": (600000.0, 5000040.0)}, "the behaviour has changed"
PY
