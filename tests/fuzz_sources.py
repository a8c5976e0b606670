"""Targets of `fuzz.py`: products, STAC items, and what tells where to look."""

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from fuzz_base import Seed, Target, put, replaced, scene_in, seeds_of
from mutations import Mutation, as_json, as_lines, as_xml, some

from geosal.core.grid import Block
from geosal.errors import GeosalError

# ---- Products and items.


def _sentinels(folder: Path) -> list[Seed]:
    from products import make_l1c, make_l2a

    make_l1c(folder)
    make_l2a(folder)
    return seeds_of(folder, {"MTD_*.xml": as_xml})


def _landsats(folder: Path) -> list[Seed]:
    from products import make_landsat_l1, make_landsat_l2

    make_landsat_l1(folder)
    text = next(make_landsat_l2(folder).glob("*_MTL.txt"))
    groups: dict[str, dict[str, str]] = {}
    inside = ""
    for line in text.read_text().splitlines():
        key, _, value = (part.strip().strip('"') for part in line.partition("="))
        inside = value if key == "GROUP" else inside
        if value and key not in {"GROUP", "END_GROUP"}:
            groups.setdefault(inside, {})[key] = value
    for suffix, content in ((".json", json.dumps({"LANDSAT_METADATA_FILE": groups})), (".xml", _xml(groups))):
        other = shutil.copytree(text.parent, folder / suffix[1:])
        (other / text.name).unlink()
        (other / text.with_suffix(suffix).name).write_text(content)
    return seeds_of(folder, {"*_MTL.txt": as_lines, "*_MTL.json": as_json, "*_MTL.xml": as_xml})


def _xml(groups: dict[str, dict[str, str]]) -> str:
    items = {name: "".join(f"<{key}>{value}</{key}>" for key, value in group.items()) for name, group in groups.items()}
    return f"<L>{''.join(f'<{name}>{inner}</{name}>' for name, inner in items.items())}</L>"


def _eopfs(folder: Path) -> list[Seed]:
    from eopf import make_eopf
    from products import make_l2a

    safe = make_l2a(folder.parent / "for-eopf")
    for version in (2, 3):
        make_eopf(folder / f"v{version}.zarr", safe, version=version)
    names = [*folder.glob("*/zarr.json"), *folder.glob("*/.zattrs"), *folder.glob("*/.zmetadata")]
    for inner in ("measurements/reflectance/r10m/b04", "conditions/geometry/mean_sun_angles"):
        names += [path for path in folder.glob(f"*/{inner}/*") if path.name in {"zarr.json", ".zarray", ".zattrs"}]
    return [Seed(str(path.relative_to(folder)), path.read_bytes(), as_json) for path in sorted(names)]


def _read_product(folder: Path, place: str, data: bytes) -> None:
    from geosal.scenes.products import open_product

    with replaced(folder, place, data):
        scene = open_product(str(folder / place.split("/", maxsplit=1)[0]))
        _ = scene.layout, scene.quality


def _items(folder: Path) -> list[Seed]:
    from stand_ins import _item

    scene_in(folder)
    _item(folder)
    return seeds_of(folder, {"*.json": as_json})


def _read_item(folder: Path, place: str, data: bytes) -> None:
    from geosal.scenes.products.item import Item
    from geosal.stac.digests import item_faults

    path = put(folder, place, data)
    put(folder, "scene.tif.stac.json", data)
    try:
        list(item_faults(str(folder / "scene.tif"), {}))
    finally:
        (folder / "scene.tif.stac.json").unlink()
    _ = Item.read(path).elsewhere


# ---- Where to look: vectors, labels, cloud masks, models.

_COCO = {
    "images": [{"id": 1, "file_name": "scene.tif", "height": 96, "width": 96}],
    "categories": [{"id": 1, "name": "ship"}],
    "annotations": [
        {"id": n, "image_id": 1, "category_id": 1, "bbox": [n, 2, 9, 9.5], "segmentation": [[1, 1, 9, 1, 9, 9]]}
        for n in range(3)
    ],
}
_LABELME = {
    "imagePath": "scene.tif", "imageHeight": 96, "imageWidth": 96,
    "shapes": [
        {"label": "ship", "points": [[1, 1], [5, 9], [8, 2]], "shape_type": "polygon"},
        {"label": "ship", "points": [[1, 1], [5, 9]], "shape_type": "circle"},
    ],
}  # fmt: skip
_VOC = (
    "<annotation><filename>scene.tif</filename><size><width>96</width><height>96</height></size><object><name>ship"
    "</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>"
)
_GEOJSON = {
    "type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "EPSG:32631"}},
    "features": [{"type": "Feature", "properties": {"a": 1}, "geometry": {"type": "Point", "coordinates": [1, 2]}}],
}  # fmt: skip
_KML = '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>a</name></Placemark></Document></kml>'
_DETECTIONS: dict[str, tuple[bytes, Mutation]] = {
    "coco.json": (json.dumps(_COCO).encode(), as_json),
    "results.json": (json.dumps(_COCO["annotations"]).encode(), as_json),
    "labelme.json": (json.dumps(_LABELME).encode(), as_json),
    "voc.xml": (_VOC.encode(), as_xml),
    "yolo.txt": (b"0 0.5 0.5 0.25 0.25\n1 .1 .1 .2 .1 .2 .2\n0 0.5 0.5 0.25 0.25 0.9\n", as_lines),
    "boxes.csv": (b"image,xmin,ymin,xmax,ymax,class\nscene.tif,1,2,3,4,ship\nscene.tif,5,5,9,9,ship\n", as_lines),
    "sizes.csv": (b"x;y;width;height;label\n1;2;3;4;ship\n5;5;9;9;ship\n", as_lines),
    "a.geojson": (json.dumps(_GEOJSON).encode(), as_json),
    "a.kml": (_KML.encode(), as_xml),
}


def _vectors(folder: Path) -> list[Seed]:
    for name, (data, _) in _DETECTIONS.items():
        put(folder, name, data)
    return [Seed(name, data, some(mutate, noise=0.1)) for name, (data, mutate) in _DETECTIONS.items()]


def _read_vector(folder: Path, place: str, data: bytes) -> None:
    from geosal.sources.vectors import detections, labels, trust
    from geosal.sources.vectors.reading import FeatureQuery, kind_of

    path = put(folder, place, data)
    ours = {
        "COCO": detections.read_coco, "CSV": detections.read_csv, "YOLO": labels.read_yolo, "VOC": labels.read_voc,
        "labelme": labels.read_labelme,
    }  # fmt: skip
    kind = kind_of(path)
    if kind in ours:
        frame = detections.ImageFrame(str(folder / "scene.tif"), (96, 96))
        for query in (FeatureQuery(image="all"), FeatureQuery(shape="polygons", category="ship")):
            with suppress(GeosalError):
                ours[kind](path, path, query, frame)
    elif kind.startswith("GeoJSON"):
        trust.tells_crs(path)
        trust.check_geojson(path)
    elif kind == "KML":
        with open(path, "rb") as file:
            trust.check_xml(path, file, trust.KML)


def _wkbs(folder: Path) -> list[Seed]:
    del folder
    import shapely

    texts = ("POINT (1 2)", "LINESTRING (0 0, 1 1)", "POLYGON ((0 0, 9 0, 9 9, 0 0))", "MULTIPOINT (0 0, 1 1)")
    texts += ("GEOMETRYCOLLECTION (POINT (1 2), GEOMETRYCOLLECTION (LINESTRING (0 0, 1 1), POINT Z (1 2 3)))",)
    return [Seed("", shapely.from_wkt(text).wkb, some(_deep_wkb)) for text in texts]


def _deep_wkb(data: bytes, chance: Any) -> bytes:
    return b"\1\7\0\0\0\1\0\0\0" * chance.randrange(100) + data


def _read_wkb(folder: Path, place: str, data: bytes) -> None:
    del folder, place
    from geosal.sources.vectors.wkb import check_wkb

    check_wkb(data)


def _parquets(folder: Path) -> list[Seed]:
    column = {"encoding": "WKB", "geometry_types": ["Point"], "crs": {"id": {"authority": "EPSG", "code": 32631}}}
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
    put(folder, "x.parquet", b"")
    return [Seed("x.parquet", json.dumps(geo).encode(), as_json)]


def _read_parquet(folder: Path, place: str, data: bytes) -> None:
    import pyarrow as pa
    import shapely
    from pyarrow import parquet

    from geosal.sources.vectors.geoparquet import read_parquet
    from geosal.sources.vectors.reading import FeatureQuery

    table = pa.table({"geometry": [shapely.Point(1, 2).wkb]}).replace_schema_metadata({b"geo": data})
    path = str(folder / place)
    parquet.write_table(table, path)
    read_parquet(path, path, FeatureQuery())


_GML = (
    '<eop:Mask xmlns:eop="e" xmlns:gml="g"><gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG:8.7:32631">'
    "</gml:Envelope></gml:boundedBy><eop:maskMembers><eop:MaskFeature><eop:maskType>OPAQUE</eop:maskType><eop:extentOf>"
    '<gml:Polygon><gml:exterior><gml:LinearRing><gml:posList srsDimension="2">500000 4000000 500100 4000000 500100 '
    "3999900 500000 3999900</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></eop:extentOf>"
    "</eop:MaskFeature></eop:maskMembers></eop:Mask>"
)


def _gmls(folder: Path) -> list[Seed]:
    put(folder, "x.gml", _GML.encode())
    return [Seed("x.gml", _GML.encode(), some(as_xml))]


def _read_gml(folder: Path, place: str, data: bytes) -> None:
    from affine import Affine
    from rasterio.crs import CRS

    from geosal.core.grid import Grid
    from geosal.sources.classes.cloudgml import CloudPolygons

    grid = Grid(CRS.from_epsg(32631).to_wkt(), Affine(10, 0, 5e5, 0, -10, 4e6), 96, 96)
    CloudPolygons.open(put(folder, place, data), grid).read(Block(0, 0, 96, 96))


def _cards(folder: Path) -> list[Seed]:
    del folder
    from onnx_file import card_metadata

    return [Seed("", json.dumps(card_metadata(["a", "b"], notes={"a": "b"})).encode(), some(as_json, _inner_json))]


def _inner_json(data: bytes, chance: Any) -> bytes:
    """Change the JSON inside the texts of JSON."""
    told = json.loads(data)
    key = chance.choice([key for key, text in told.items() if key not in {"format", "version"}])
    return json.dumps(told | {key: as_json(told[key].encode(), chance).decode("utf-8", "replace")}).encode()


def _read_card(folder: Path, place: str, data: bytes) -> None:
    del folder, place
    from geosal.sources.network.card import ModelCard

    try:
        told = {str(key): str(text) for key, text in json.loads(data).items()}
    except (ValueError, AttributeError, RecursionError):  # no file has such metadata
        return
    ModelCard.from_metadata(told, "x.onnx")


TARGETS: dict[str, Target] = {
    "Sentinel-2 XML": Target(_sentinels, _read_product, cost=8),
    "Landsat MTL": Target(_landsats, _read_product, cost=4),
    "EOPF Zarr": Target(_eopfs, _read_product, cost=8),
    "STAC items": Target(_items, _read_item),
    "detections and vectors": Target(_vectors, _read_vector),
    "WKB": Target(_wkbs, _read_wkb, (ValueError,)),
    "GeoParquet metadata": Target(_parquets, _read_parquet),
    "cloud masks in GML": Target(_gmls, _read_gml),
    "cards of models": Target(_cards, _read_card),
}
"""Name of a reader -> how it is tried."""
