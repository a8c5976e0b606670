"""Small folders in the layouts of the first paper's data sets, from any pictures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from products import make_l1c, make_landsat_l1, tile_xml, write

Pixels = NDArray[Any]
TILE_OF_BUCKET = "tiles/17/S/LA/2023/1/3/0"
ETM = "LE07_L1TP_016034_20230103_20230129_02_T1"
_BOX = [[9, 9], [9, 30], [30, 30], [30, 9], [9, 9]]


def outlines(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = {"type": "Polygon", "coordinates": [_BOX]}
    feature = {"type": "Feature", "properties": {}, "geometry": shape}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))


def coco(path: Path, *names: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [{"id": n, "file_name": name, "width": 64, "height": 64} for n, name in enumerate(names, 1)]
    boxes = [{"id": n, "image_id": n, "category_id": 1, "bbox": [9, 9, 20, 20]} for n in range(1, len(names) + 1)]
    path.write_text(json.dumps({"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "aircraft"}]}))


def png(path: Path, rgb: Pixels) -> None:
    write(path, rgb, 0.3, driver="PNG")


def make_rareplanes(folder: Path, rgb: Pixels) -> Path:
    """Two scenes for training, one with a tile as well; a test scene of which there is only a tile; a computed one."""
    real = folder / "real"
    for name in ("100_1040010029990A00", "12_104001003108D900"):
        write(real / f"train/PS-RGB_cog/{name}.tif", rgb, 0.3)
        outlines(real / f"train/geojson_aircraft/{name}.geojson")
    png(real / "train/PS-RGB_tiled/100_1040010029990A00_tile_7.png", rgb)
    png(real / "test/PS-RGB_tiled/56_104001003108D900_tile_3.png", rgb)
    outlines(real / "test/geojson_aircraft_tiled/56_104001003108D900_tile_3.geojson")
    coco(real / "metadata_annotations/instances_train_aircraft.json", "100_1040010029990A00_tile_7.png")
    png(folder / "synthetic/train/images/Adelaide_Airport_0_0_101.png", rgb)
    coco(folder / "synthetic/metadata_annotations/instances_train_aircraft.json", "Adelaide_Airport_0_0_101.png")
    return folder


def make_spacenet(folder: Path, rgb: Pixels, counts: Pixels) -> Path:
    """Source scenes of Rio and Vegas, and tiles of all three generations; `counts` are of uint16."""
    write(folder / "AOI_1_Rio/srcData/rasterData/3-Band/013022223103.tif", rgb, 0.5)
    write(folder / "AOI_2_Vegas/srcData/rasterData/RGB-PanSharpen/056155973080_01_P001-WV03.tif", counts, 0.3)
    write(folder / "SN1_buildings/train/AOI_1_Rio/3band/3band_AOI_1_RIO_img1.tif", rgb, 0.5)
    outlines(folder / "SN1_buildings/train/AOI_1_Rio/geojson/Geo_AOI_1_RIO_img1.geojson")
    write(folder / "AOI_3_Paris_Train/RGB-PanSharpen/RGB-PanSharpen_AOI_3_Paris_img3.tif", counts, 0.3)
    outlines(folder / "AOI_3_Paris_Train/geojson/buildings/buildings_AOI_3_Paris_img3.geojson")
    vegas, name = folder / "SN2_buildings/train/AOI_2_Vegas", "SN2_buildings_train_AOI_2_Vegas"
    write(vegas / f"PS-RGB/{name}_PS-RGB_img1.tif", counts, 0.3)
    outlines(vegas / f"geojson_buildings/{name}_geojson_buildings_img1.geojson")
    write(vegas / f"MS/{name}_MS_img1.tif", counts, 1.2)
    return folder


def make_sentinel2(folder: Path, bands: dict[str, Pixels] | None = None) -> Path:
    """A .SAFE of baseline 04.00, and a tile of the bucket with `bands`, by default noise."""
    make_l1c(folder)
    tile = folder / TILE_OF_BUCKET
    noise = np.random.default_rng(4).integers(1000, 5000, (120, 120), dtype=np.uint16)
    bands = bands or dict.fromkeys(("B02", "B03", "B04"), noise)
    for band, counts in bands.items():
        write(tile / f"{band}.jp2", counts, 10)
    side = len(next(iter(bands.values())))
    xml = tile_xml("1C", {10: side, 20: side // 2, 60: side // 6}).replace("N04.00", "N05.09")
    (tile / "metadata.xml").write_text(xml)
    return folder


def make_landsat(folder: Path, bands: dict[str, Pixels] | None = None) -> Path:
    """A product of ETM+ of 2023, whose `bands` (by default noise) are of uint8 and (40, 50)."""
    made = make_landsat_l1(folder)
    noise = np.random.default_rng(7).integers(1, 255, (40, 50), dtype=np.uint8)
    for path in sorted(made.iterdir()):
        band = path.stem.rpartition("_")[2]
        if band in {"B1", "B2", "B3"}:
            path.unlink()
            write(path, (bands or {}).get(band, noise), None)
        path.rename(path.with_name(path.name.replace(made.name, ETM)))
    text = made / f"{ETM}_MTL.txt"
    text.write_text(text.read_text().replace(made.name, ETM))
    made.rename(folder / ETM)
    return folder
