"""Small stand-ins for all files that the documents name, in one folder."""

import json
import tarfile
from pathlib import Path

import numpy as np
from products import make_l2a, make_landsat_l2
from rasters import PLACE, save
from scipy.ndimage import gaussian_filter

HEIGHT, WIDTH = 130, 160
SAFE, NEXT_SAFE, TAR = "S2B_MSIL2A_….SAFE", "S2A_MSIL2A_….SAFE", "LC08_L2SP_….tar"


def make_world(folder: Path, configs: Path) -> None:
    """Make every file that a command of the documents reads."""
    rng = np.random.default_rng(7)
    texture = gaussian_filter(rng.normal(size=(3, HEIGHT, WIDTH)), (0, 1.5, 1.5)) * 3
    scene = np.clip(texture * 40 + 120, 1, 255).astype(np.uint8)
    row, col = np.mgrid[:HEIGHT, :WIDTH]
    disc = np.hypot(row - 60, col - 80) < 20
    (folder / "scenes").mkdir()
    for name in ("scene.tif", "other.tif", "crop.tif", "scenes/a.tif", "scenes/b.tif"):
        save(folder / name, scene, photometric="RGB", **PLACE)
    save(folder / "scene16.tif", np.clip(texture * 400 + 2500, 1, 9000).astype(np.uint16), **PLACE)
    for band in (2, 3, 4):
        save(folder / f"B{band}.tif", scene[band - 2 : band - 1], **PLACE)
    for name in ("mask.tif", "town.tif", "ships.tif", "a.tif"):
        save(folder / name, disc[None].astype(np.uint8) * 255, **PLACE)
    save(folder / "mask16.tif", np.stack([disc, disc]).astype(np.uint16) * 100, **PLACE)
    save(folder / "worldcover.tif", np.where(disc, 50, 10).astype(np.uint8)[None], **PLACE)
    save(folder / "qa.tif", np.where(disc, 1 << 3, 1 << 6).astype(np.uint16)[None], **PLACE)
    save(folder / "scan.png", disc[None].astype(np.uint8) * 255, driver="PNG")
    _vectors(folder)
    _products(folder)
    _item(folder)
    (folder / "configs").symlink_to(configs)


def _vectors(folder: Path) -> None:
    left, top = 399960 + 600, 4900020 - 600
    ring = [[left, top], [left + 300, top], [left + 300, top - 300], [left, top - 300], [left, top]]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    buildings = {"type": "FeatureCollection", "crs": crs, "features": [feature]}
    (folder / "buildings.geojson").write_text(json.dumps(buildings))
    image = {"id": 1, "width": WIDTH, "height": HEIGHT, "file_name": "scene.tif"}
    boxes = [{"id": n, "image_id": 1, "category_id": 1, "bbox": [30 * n, 22 * n, 10, 16]} for n in (1, 2, 3)]
    coco = {"images": [image], "annotations": boxes, "categories": [{"id": 1, "name": "ship"}]}
    (folder / "ships.json").write_text(json.dumps(coco))


def _item(folder: Path) -> None:
    """Make a STAC item of the bands in files of their own."""
    assets = {
        f"B{band}": {"href": f"./B{band}.tif", "type": "image/tiff", "bands": [{"eo:common_name": common}]}
        for band, common in ((2, "blue"), (3, "green"), (4, "red"))
    }
    told = {"type": "Feature", "stac_version": "1.1.0", "id": "item", "geometry": None, "links": [], "assets": assets}
    (folder / "item.json").write_text(json.dumps(told | {"properties": {"datetime": "2024-05-01T10:40:21Z"}}))


def _products(folder: Path) -> None:
    """Make products; the documents leave out what stands in the middle of their names."""
    for name in (SAFE, NEXT_SAFE):
        make_l2a(folder / "products").rename(folder / name)
    landsat = make_landsat_l2(folder / "products")
    with tarfile.open(folder / TAR, "w") as tar:
        for file in landsat.iterdir():
            tar.add(file, file.name)
