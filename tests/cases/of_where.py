"""Where to look: vectors on maps that go round, formats of vectors and detections, masks, provenance."""

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyproj
import rasterio
import shapely
import tifffile
from cases.frame import case, geosal, refused
from rasterio.transform import from_origin

import geosal as package

SEA = shapely.box(177, -18, 184, -14)


def put(
    path: Path, pixels: np.ndarray, west: float, north: float, step: float, crs: str = "EPSG:4326", **more: Any
) -> str:
    """Write (y, x) or (band, y, x) as a GeoTIFF."""
    bands = pixels if pixels.ndim == 3 else pixels[None]
    profile = {"count": bands.shape[0], "height": bands.shape[1], "width": bands.shape[2], "dtype": bands.dtype}
    transform = from_origin(west, north, step, step)
    with rasterio.open(path, "w", driver="GTiff", crs=crs, transform=transform, **profile, **more) as file:
        file.write(bands)
    return str(path)


def pacific(folder: Path, west: float = 170, step: float = 0.1, shape: tuple[int, int] = (100, 200)) -> str:
    return put(folder / "scene.tif", np.arange(shape[0] * shape[1]).reshape(shape).astype("uint16"), west, -10, step)


def geojson(path: Path, *shapes: Any, **members: Any) -> str:
    features = [{"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(one)} for one in shapes]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features} | members))
    return str(path)


def found(source: str, scene: str, **more: Any) -> np.ndarray:
    """Saliency of a source on a scene, (y, x)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(package.saliency(source, like=package.open_scene(scene), **more))


@case("antimeridian-degrees", "a polygon split at 180 is found on scenes that count longitudes in any turn")
def antimeridian_degrees(folder: Path) -> None:
    split = shapely.MultiPolygon([shapely.box(177, -18, 180, -14), shapely.box(-180, -18, -176, -14)])
    for name, shape in (("split", split), ("over", SEA), ("west", shapely.box(-183, -18, -176, -14))):
        path = geojson(folder / f"{name}.geojson", shape)
        for west in (170, -190):
            map_ = found(path, pacific(folder, west))
            assert map_.sum() == 2800, f"{name} on {west}: {map_.sum():.0f} of 2800 pixels"


@case("antimeridian-projected", "a projected polygon over 180 is found on a geographic scene, and nothing else is")
def antimeridian_projected(folder: Path) -> None:
    way = pyproj.Transformer.from_crs(4326, 32701, always_xy=True)
    shape = shapely.transform(shapely.segmentize(SEA, 0.05), lambda p: np.stack(way.transform(*p.T), axis=1))
    pyogrio.raw.write(
        folder / "utm.gpkg",
        np.array([shapely.to_wkb(shape)], object),
        [],
        [],
        crs="EPSG:32701",
        geometry_type="Polygon",
    )
    map_ = found(str(folder / "utm.gpkg"), pacific(folder))
    assert map_[40:80, 70:140].mean() > 0.99, "the sea is not found"
    assert abs(map_.sum() - 2800) < 30, f"{map_.sum():.0f} of 2800 pixels"


@case("greenwich-on-0-to-360", "a polygon over Greenwich is found at both ends of a globe that counts from 0")
def greenwich(folder: Path) -> None:
    scene = put(folder / "scene.tif", np.zeros((180, 360), "uint8"), 0, 90, 1)
    map_ = found(geojson(folder / "a.geojson", shapely.box(-15, -40, 15, 40)), scene)
    assert map_.sum() == 30 * 80
    assert map_[:, :15].sum() == map_[:, 345:].sum() == 15 * 80


@case("mac-litter", "a product that went over a Mac is read with its quality masks")
def mac_litter(folder: Path) -> None:
    stem = "LC09_L2SP_201024_20230615_20230617_02_T1"
    product = folder / stem
    product.mkdir()
    for band in ("SR_B2", "SR_B3", "SR_B4"):
        put(product / f"{stem}_{band}.TIF", np.full((40, 40), 9000, "uint16"), 5e5, 5e6, 30, "EPSG:32633")
    quality = np.full((40, 40), 21824, "uint16")
    quality[:, :10] = 22280
    put(product / f"{stem}_QA_PIXEL.TIF", quality, 5e5, 5e6, 30, "EPSG:32633")
    for file in [*product.iterdir()]:
        (product / f"._{file.name}").write_bytes(b"\x00\x05\x16\x07" + bytes(4092))
    done = geosal("saliency", "clouds", folder / "map.tif", "--like", product)
    assert done.returncode == 0, done.stderr[-300:]


@case("mask-0-and-1-of-any-integers", "a mask of 0 and 1 is one whatever its integers")
def integer_masks(folder: Path) -> None:
    scene = pacific(folder)
    for dtype in ("int8", "int16", "uint16", "int64"):
        mask = np.zeros((100, 200), dtype)
        mask[:, :50] = 1
        assert found(put(folder / f"{dtype}.tif", mask, 170, -10, 0.1), scene).sum() == 5000


@case("tci-of-bytes", "--to-byte tci of a picture in 8 bits is refused")
def tci_of_bytes(folder: Path) -> None:
    scene = put(folder / "a.tif", np.full((3, 60, 60), 150, "uint8"), 5e5, 5e6, 10, "EPSG:32633")
    done = geosal("compress", scene, folder / "o.tif", "-s", "half", "--to-byte", "tci:l2a")
    refused(done, 2, "8 bits already")


@case("tci-of-percent", "--to-byte tci warns of values that are no reflectances")
def tci_of_percent(folder: Path) -> None:
    values = np.linspace(0, 100, 3600, dtype="float32").reshape(60, 60)
    scene = put(folder / "a.tif", values, 5e5, 5e6, 10, "EPSG:32633")
    done = geosal("plan", scene, folder / "o.tif", "-s", "half", "--to-byte", "tci:l2a")
    assert "reflectance" in done.stderr, done.stderr[-300:]


@case("label-tells-outside", "an exclusion hides neither what a mask does not cover nor what is done there")
def label_tells_outside(folder: Path) -> None:
    scene = package.open_scene(pacific(folder))
    mask = put(folder / "mask.tif", np.tile(np.array([0, 255], "uint8"), (100, 50)), 170, -10, 0.1)
    classes = put(folder / "scl.tif", np.full((100, 200), 4, "uint8"), 170, -10, 0.1)
    labels = []
    for outside in ("keep", "blur"):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            map_ = package.saliency([mask, f"clouds:from={classes},as=scl"], like=scene, outside=outside)
        assert any("covers 50" in str(one.message) for one in caught)
        labels.append(map_.attrs["source"])
    assert labels[0] != labels[1], labels[0]


@case("label-tells-background", "the background is told with the map")
def label_tells_background(folder: Path) -> None:
    scene = package.open_scene(pacific(folder))
    path = geojson(folder / "a.geojson", shapely.box(172, -15, 175, -12))
    labels = {package.saliency(path, like=scene, background=ground).attrs["source"] for ground in (0.0, 0.6)}
    assert len(labels) == 2, labels


@case("vectors-packed-and-by-line", "zipped shapefiles, .kmz and GeoJSON with a feature a line are read")
def vectors_packed(folder: Path) -> None:
    scene, box = pacific(folder), shapely.box(172, -15, 175, -12)
    wkb = np.array([shapely.to_wkb(box)], object)
    for name, driver in (("a.shp", "ESRI Shapefile"), ("doc.kml", "KML")):
        pyogrio.raw.write(folder / name, wkb, [], [], crs="EPSG:4326", geometry_type="Polygon", driver=driver)
    for name, parts in (("aoi.zip", ("a.shp", "a.shx", "a.dbf", "a.prj")), ("aoi.kmz", ("doc.kml",))):
        with zipfile.ZipFile(folder / name, "w") as file:
            for part in parts:
                file.write(folder / part, part)
    line = json.dumps({"type": "Feature", "properties": {"images": 1}, "geometry": shapely.geometry.mapping(box)})
    (folder / "b.geojson").write_text(line)
    for name in ("lines.geojson", "lines.geojsonl"):
        (folder / name).write_text(f"{line}\n{line}\n")
    for name in ("aoi.zip", "aoi.kmz", "b.geojson", "lines.geojson", "lines.geojsonl"):
        assert found(str(folder / name), scene).sum() == 900, name


@case("coco-results", "what a detector writes is read, and a missing box names the mend")
def coco_results(folder: Path) -> None:
    scene = pacific(folder)
    path = folder / "results.json"
    path.write_text(json.dumps([{"image_id": "scene", "category_id": 1, "bbox": [10, 20, 30, 40], "score": 0.5}]))
    assert found(f"{path}:attribute=score", scene).sum() == 600
    image = {"id": 1, "file_name": "scene.tif", "width": 200, "height": 100}
    one = {"id": 1, "image_id": 1, "segmentation": [[10, 20, 40, 20, 40, 60, 10, 60]], "bbox": []}
    path.write_text(json.dumps({"images": [image], "annotations": [one]}))
    refused(geosal("saliency", path, folder / "map.tif", "--like", scene), 4, "shape=polygons")


@case("crs-of-a-bare-geojson", "crs= tells where a GeoJSON lies that tells no CRS, as a code or as the scene's")
def crs_of_geojson(folder: Path) -> None:
    scene = put(folder / "scene.tif", np.zeros((100, 100), "uint8"), 5e5, 5e6, 10, "EPSG:32633")
    path = geojson(folder / "a.geojson", shapely.box(5e5 + 100, 5e6 - 300, 5e5 + 200, 5e6 - 100))
    for crs in ("32633", "EPSG:32633", "scene"):
        assert found(f"{path}:crs={crs}", scene).sum() == 200


@case("mask-with-an-odd-tag", "a mask whose Orientation libtiff minds is read")
def odd_mask(folder: Path) -> None:
    scene = pacific(folder)
    place = [(33550, "d", 3, (0.1, 0.1, 0.0), True), (33922, "d", 6, (0.0, 0.0, 0.0, 170.0, -10.0, 0.0), True)]
    keys = (1, 1, 0, 2, 1024, 0, 1, 2, 2048, 0, 1, 4326)
    mask = np.zeros((100, 200), "uint8")
    mask[:, :50] = 255
    tags = [*place, (34735, "H", 12, keys, True), (274, "H", 1, 9, True)]
    tifffile.imwrite(folder / "mask.tif", mask, extratags=tags, metadata=None)
    assert found(str(folder / "mask.tif"), scene).sum() == 5000


@case("map-of-quality-bands", "a saliency map of a quality band needs no other band than one")
def map_of_quality(folder: Path) -> None:
    stem = "LC09_L2SP_201024_20230615_20230617_02_T1"
    product = folder / stem
    product.mkdir()
    for end in ("SR_B4", "QA_PIXEL"):
        put(product / f"{stem}_{end}.TIF", np.full((40, 40), 21824, "uint16"), 5e5, 5e6, 30, "EPSG:32633")
    groups = {
        "PRODUCT_CONTENTS": {f"FILE_NAME_BAND_{n}": f"{stem}_SR_B{n}.TIF" for n in (2, 3, 4)},
        "IMAGE_ATTRIBUTES": {"SPACECRAFT_ID": "LANDSAT_9", "SENSOR_ID": "OLI_TIRS"},
    }
    (product / f"{stem}_MTL.json").write_text(json.dumps({"LANDSAT_METADATA_FILE": groups}))
    done = geosal("saliency", "clouds", folder / "map.tif", "--like", product)
    assert done.returncode == 0, done.stderr[-300:]


@case("baseline-without-advice", "a job that is meant to keep every pixel gets no advice to keep less")
def baseline(folder: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        package.compress(pacific(folder), str(folder / "o.tif"), saliency="uniform:saliency=1")
    assert not [one for one in caught if "little can be gained" in str(one.message)]


@case("coco-without-a-box", "an annotation without a box is read by its polygon, or names that mend")
def coco_without_box(folder: Path) -> None:
    scene, path = pacific(folder), folder / "a.json"
    image = {"id": 1, "file_name": "scene.tif", "width": 200, "height": 100}
    one = {"id": 1, "image_id": 1, "segmentation": [[10, 20, 40, 20, 40, 60, 10, 60]]}
    path.write_text(json.dumps({"images": [image], "annotations": [one]}))
    refused(geosal("saliency", path, folder / "map.tif", "--like", scene), 4, "shape=polygons")
    assert found(f"{path}:shape=polygons", scene).sum() == 30 * 40


@case("feature-with-images", "a Feature with a property called images is GeoJSON, not COCO")
def feature_with_images(folder: Path) -> None:
    box = shapely.geometry.mapping(shapely.box(172, -15, 175, -12))
    feature = {"type": "Feature", "properties": {"images": [1], "annotations": []}, "geometry": box}
    (folder / "a.geojson").write_text(json.dumps(feature))
    assert found(str(folder / "a.geojson"), pacific(folder)).sum() == 900


@case("source-none", "a source that is not there is not called a slip for a network")
def source_none(folder: Path) -> None:
    done = geosal("plan", pacific(folder), folder / "o.tif", "-s", "none")
    assert done.returncode != 0, done.stdout
    assert "cnn?" not in done.stderr, done.stderr[-300:]


@case("geojson-in-utf-16", "a GeoJSON in UTF-16, as Windows writes it, is read or refused for its encoding")
def geojson_utf16(folder: Path) -> None:
    scene, path = pacific(folder), Path(geojson(folder / "a.geojson", shapely.box(172, -15, 175, -12)))
    path.write_text(path.read_text(), encoding="utf-16")
    done = geosal("saliency", path, folder / "map.tif", "--like", scene)
    assert done.returncode == 0 or "UTF" in done.stderr, done.stderr[-300:]


@case("csv-decimal-commas", "a CSV with decimal commas is refused for them, or read")
def csv_commas(folder: Path) -> None:
    scene, path = pacific(folder), folder / "a.csv"
    path.write_text("xmin;ymin;xmax;ymax\n10,5;20,5;40,5;60,5\n")
    done = geosal("saliency", path, folder / "map.tif", "--like", scene)
    assert done.returncode == 0 or "comma" in done.stderr, done.stderr[-300:]
