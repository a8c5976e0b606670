"""Where to look: vectors on maps that go round, formats of vectors and detections, masks, provenance."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyproj
import rasterio
import shapely
from cases.frame import case
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
