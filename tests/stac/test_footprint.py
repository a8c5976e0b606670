"""Outlines on the globe, over the antimeridian and the poles; GDAL and shapely are the oracles."""

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform
from shapely.geometry import Point, shape

from geosal.core.grid import Grid
from geosal.errors import UsageError
from geosal.stac.footprint import Footprint, footprint_of

LOCAL = 'LOCAL_CS["local",UNIT["m",1]]'


def grid(crs: str, place: tuple[float, ...], height: int, width: int) -> Grid:
    return Grid.from_crs(CRS.from_user_input(crs), Affine(*place), height, width)


CASES = {
    "utm": grid("EPSG:32631", (10, 0, 399960, 0, -10, 4900020), 10980, 10980),
    "a town": grid("EPSG:32632", (10, 0, 600000, 0, -10, 5000040), 120, 120),
    "a roof": grid("EPSG:32632", (0.01, 0, 600000, 0, -0.01, 5000040), 120, 120),
    "rotated": grid("EPSG:32631", (8, 6, 399960, 6, -8, 4900020), 500, 700),
    "south up": grid("EPSG:4326", (0.1, 0, 10, 0, 0.1, -20), 50, 70),
    "over the antimeridian": grid("EPSG:32601", (1000, 0, 100000, 0, -1000, 7000000), 600, 400),
    "beyond 180 degrees": grid("EPSG:4326", (1, 0, 170, 0, -1, 10), 20, 20),
    "all beyond": grid("EPSG:4326", (1, 0, 190, 0, -1, 10), 20, 20),
    "Pacific": grid("EPSG:3832", (10000, 0, -1000000, 0, -10000, 3000000), 600, 600),
    "south pole": grid("EPSG:3031", (10000, 0, -3000000, 0, -10000, 3000000), 600, 600),
    "north pole, aside": grid("EPSG:3413", (1000, 0, -200000, 0, -1000, 100000), 300, 600),
    "world": grid("EPSG:4326", (1, 0, -180, 0, -1, 90), 180, 360),
    "world from 0": grid("EPSG:4326", (1, 0, 0, 0, -1, 80), 160, 360),
}


@pytest.mark.parametrize("name", CASES)
def test_pixels_lie_in_the_outline_and_others_do_not(name: str) -> None:
    found, on = footprint_of(CASES[name], "scene.tif"), CASES[name]
    area = shape(found.geometry)
    assert area.is_valid
    rng = np.random.default_rng(4)
    for col, row, inside in (
        *((*(rng.random(2) * (0.98 * on.width, 0.98 * on.height) + 0.01), True) for _ in range(40)),
        (-0.05 * on.width, 0.5 * on.height, False), (0.5 * on.width, 1.05 * on.height, False),
    ):  # fmt: skip
        x, y = on.transform @ (col, row)
        (lon,), (lat,) = transform(on.rasterio_crs, "OGC:CRS84", [x], [y])
        if inside or not name.startswith("world"):
            assert area.contains(Point((lon + 180) % 360 - 180, lat)) == inside, (col, row, lon, lat)
            assert _in_box(found, lon, lat) or not inside


def _in_box(found: Footprint, lon: float, lat: float) -> bool:
    west, south, east, north = found.bbox
    lon = (lon + 180) % 360 - 180
    return south <= lat <= north and (west <= lon <= east if west <= east else lon >= west or lon <= east)


@pytest.mark.parametrize(
    ("name", "kind", "bbox"),
    [
        ("south up", "Polygon", (10, -20, 17, -15)),
        ("beyond 180 degrees", "MultiPolygon", (170, -10, -170, 10)),
        ("all beyond", "Polygon", (-170, -10, -150, 10)),
        ("world", "Polygon", (-180, -90, 180, 90)),
        ("world from 0", "Polygon", (-180, -80, 180, 80)),
    ],
)
def test_boxes_are_those_of_rfc_7946(name: str, kind: str, bbox: tuple[float, ...]) -> None:
    found = footprint_of(CASES[name], "scene.tif")
    assert (found.geometry["type"], found.bbox) == (kind, bbox)


def test_a_pole_is_within_the_box_and_rings_turn_left() -> None:
    for name, at in (("south pole", 1), ("north pole, aside", 3)):
        found = footprint_of(CASES[name], "scene.tif")
        assert (found.bbox[0], found.bbox[2], abs(found.bbox[at])) == (-180, 180, 90)
    for on in CASES.values():
        shapes = shapely.get_parts(shape(footprint_of(on, "scene.tif").geometry))
        assert all(part.exterior.is_ccw for part in shapes)


@pytest.mark.parametrize(
    ("on", "why"),
    [
        (Grid(None, Affine.identity(), 8, 8), "no place on the map"),
        (grid("EPSG:32631", (1e6, 0, -9e8, 0, -1e6, 9e8), 10, 10), "not defined"),
        (grid("EPSG:4326", (1, 0, 0, 0, -1, 120), 10, 10), "not defined"),
        (grid(LOCAL, (1, 0, 10, 0, -1, 10), 10, 10), "leads to no longitude"),
    ],
    ids=["none", "too far", "beyond the pole", "local"],
)
def test_what_has_no_place_on_the_globe_is_refused(on: Grid, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        footprint_of(on, "scene.tif")
