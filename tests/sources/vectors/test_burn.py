import tracemalloc

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize

from geosal.core.grid import Block
from geosal.sources.vectors import burn
from geosal.sources.vectors.burn import Outlines

HEIGHT, WIDTH = 70, 90
WHOLE = Block(0, 0, HEIGHT, WIDTH)


def shapes(seed: int, count: int = 25) -> np.ndarray:
    """Valid polygons of all kinds, some with holes, some over the edge: blobs, slivers, boxes on pixel borders."""
    rng = np.random.default_rng(seed)
    centres, radii = rng.uniform(-10, 100, (count, 2)), rng.uniform(0.3, 25, count)
    angles = np.sort(rng.uniform(0, 2 * np.pi, (count, 9)), axis=1)
    reach = radii[:, None] * rng.uniform(0.2, 1, (count, 9))
    rings = centres[:, None] + np.stack([reach * np.cos(angles), reach * np.sin(angles)], axis=2)
    out = shapely.make_valid(shapely.polygons(rings), method="structure", keep_collapsed=False)
    out[::4] = shapely.difference(out[::4], shapely.buffer(shapely.centroid(out[::4]), 3))
    out[1::5] = shapely.box(*np.round(shapely.bounds(out[1::5])).T)
    return out[shapely.area(out) > 0]


@pytest.mark.parametrize("seed", range(6))
def test_a_pixel_is_filled_when_its_centre_is_inside(seed):
    """Against GEOS, pixel by pixel; a centre on an outline may go either way."""
    polygons = shapes(seed)
    outlines = Outlines.of(polygons, np.ones(polygons.size, np.float32))
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    union, centres = shapely.union_all(polygons), shapely.points(x, y)
    clear = shapely.distance(shapely.boundary(shapely.GeometryCollection(list(polygons)).geoms[0]), centres) > 1e-9
    clear &= np.all([shapely.distance(polygon.boundary, centres) > 1e-9 for polygon in polygons], axis=0)
    inside = shapely.contains_xy(union, x, y)
    filled = outlines.ranks(WHOLE) > 0
    assert 0 < filled.sum() < filled.size
    np.testing.assert_array_equal(filled[clear], inside[clear])


@pytest.mark.parametrize("seed", range(6))
def test_the_highest_saliency_wins_as_gdal_burns_it(seed):
    polygons = shapes(seed)
    values = np.random.default_rng(seed).integers(1, 9, polygons.size) / np.float32(8)
    outlines = Outlines.of(polygons, values.astype(np.float32))
    order = np.argsort(values, kind="stable")
    burned = rasterize(
        zip(polygons[order], values[order], strict=True), out_shape=(HEIGHT, WIDTH), dtype="float32", fill=0
    )
    ours = np.concatenate([[0], outlines.values])[outlines.ranks(WHOLE)]
    assert (ours != burned).mean() < 0.001, "only ties on pixel centres may differ"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("edges", "crossings", "often"), [(40, 30, 10**9), (40, 30, 0), (10**9, 10**9, 0)])
def test_however_much_is_done_at_once_the_bits_are_the_same(seed, edges, crossings, often, monkeypatch):
    polygons = shapes(seed, 60)
    values = np.random.default_rng(seed).integers(0, 30, polygons.size).astype(np.float32)
    outlines = Outlines.of(polygons, values)
    whole = outlines.ranks(WHOLE)
    for name, much in (("_MAX_EDGES", edges), ("_MAX_CROSSINGS", crossings), ("_OFTEN", often)):
        monkeypatch.setattr(burn, name, much)
    np.testing.assert_array_equal(outlines.ranks(WHOLE), whole)
    every = np.arange(polygons.size)
    np.testing.assert_array_equal(outlines.empty(every, WHOLE), [~burned(one).any() for one in polygons])
    np.testing.assert_array_equal(
        whole, np.max([burned(one) * rank for one, rank in zip(polygons, outlines.rank + 1, strict=True)], axis=0)
    )


def burned(polygon: shapely.Polygon) -> np.ndarray:
    return Outlines.of(np.array([polygon]), np.ones(1, np.float32)).ranks(WHOLE)


def test_features_that_lie_on_each_other_take_no_more_memory_than_is_told():
    block = Block(0, 0, 512, 300)
    reach = np.linspace(0, 400, 4000)
    outlines = Outlines.of(shapely.box(-reach, -reach, 300, 512 + reach), reach.astype(np.float32))
    tracemalloc.start()
    ranks = outlines.ranks(block)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(ranks, 4000)
    assert taken < outlines.work_bytes + 8 * ranks.nbytes < 40 * 2**20


def test_neighbours_leave_no_gap_and_no_overlap():
    """Triangles that share sides through pixel centres: each pixel belongs to exactly one."""
    rng = np.random.default_rng(1)
    places = np.concatenate([rng.integers(0, 41, (60, 2)) / 2, [[0, 0], [0, 20], [20, 0], [20, 20]]])
    triangles = np.array(shapely.delaunay_triangles(shapely.MultiPoint(places)).geoms)
    each = [Outlines.of(np.array([t]), np.ones(1, np.float32)).ranks(Block(0, 0, 20, 20)) for t in triangles]
    np.testing.assert_array_equal(np.sum(each, axis=0), 1)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 20),
    rows=st.tuples(st.integers(-20, 60), st.integers(1, 60)),
    cols=st.tuples(st.integers(-20, 80), st.integers(1, 60)),
)
def test_any_block_has_the_same_bits(seed, rows, cols):
    polygons = shapes(seed)
    outlines = Outlines.of(polygons, np.linspace(0, 1, polygons.size).astype(np.float32))
    wide = outlines.ranks(Block(-20, -20, 160, 200))
    part = outlines.ranks(Block(rows[0], cols[0], rows[1], cols[1]))
    top, left = rows[0] + 20, cols[0] + 20
    np.testing.assert_array_equal(part, wide[top : top + rows[1], left : left + cols[1]])


def test_pieces_joined_are_the_whole():
    polygons, values = shapes(3), np.random.default_rng(3).random(25).astype(np.float32)
    values = values[: polygons.size]
    whole = Outlines.of(polygons, values)
    joined = Outlines.joined([Outlines.of(polygons[a:b], values[a:b]) for a, b in [(0, 7), (7, 8), (8, 25)]])
    np.testing.assert_array_equal(joined.ranks(WHOLE), whole.ranks(WHOLE))
    np.testing.assert_array_equal(joined.values, whole.values)


def test_features_that_hold_no_pixel_centre_are_found():
    polygons = shapely.box([1.6, 3.2, 4.0], [1.6, 3.2, 4.0], [2.4, 3.6, 5.0], [2.4, 3.6, 5.0])
    outlines = Outlines.of(polygons, np.ones(3, np.float32))
    np.testing.assert_array_equal(outlines.empty(np.arange(3), WHOLE), [True, False, False])
    np.testing.assert_array_equal(outlines.empty(np.arange(3), Block(4, 0, 9, 9)), [True, True, False])
    assert outlines.empty(np.arange(0), WHOLE).size == 0
