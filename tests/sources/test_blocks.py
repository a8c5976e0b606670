"""Any cutting of the scene into blocks gives the same bits as the scene at once."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from geosal.core.grid import Block, Grid
from geosal.errors import GeosalWarning
from geosal.sources import Saliency, open_saliency

HEIGHT, WIDTH = 150, 2300
"""Wide enough for two patches of projected nodes."""
UTM = CRS.from_epsg(32633)
NORTH_UP = Grid.from_crs(UTM, Affine(10, 0, 400000, 0, -10, 5000000), HEIGHT, WIDTH)
ROTATED = Grid.from_crs(UTM, Affine(9, 3, 400000, 3, -9, 5000000), HEIGHT, WIDTH)

PLACES = {
    "same": ("EPSG:32633", Affine(97, 0, 399900, 0, -97, 5000100)),
    "same-finer": ("EPSG:32633", Affine(4, 0, 400200, 0, -4, 4999900)),
    "same-turned": ("EPSG:32633", Affine(60, 21, 399000, 21, -60, 5000500)),
    "other": ("EPSG:4326", Affine(0.0012, 0, 13.715, 0, -0.001, 45.165)),
    "other-finer": ("EPSG:3857", Affine(4, 0, 1.5282e6, 0, -4, 5.6428e6)),
    "other-turned": ("EPSG:3035", Affine(95, 10, 4.612e6, 10, -95, 2.4575e6)),
}
SYNTHETIC = ["half", "grid", "uniform", "perlin", "perlin:seed=5,octaves=5,cells=31"]
MASKS = [
    *(f"{place}:resampling={how}" for place in PLACES for how in ("nearest", "bilinear")),
    "half + other:resampling=bilinear + same",
    "perlin + other + same-finer (mean)",
    "perlin + same-turned + other-turned (product)",
]


LARGEST = [f"{place}:resampling=max" for place in ("same", "same-finer")]
CASES = [(texts, NORTH_UP) for texts in SYNTHETIC + MASKS + LARGEST] + [(texts, ROTATED) for texts in MASKS]


@pytest.fixture(params=CASES, ids=[f"{texts}-{'rotated' if grid is ROTATED else 'north up'}" for texts, grid in CASES])
def saliency(request: pytest.FixtureRequest, make_mask) -> Saliency:
    wish, scene = request.param
    texts, _, combine = wish.partition(" (")
    sources = []
    for text in texts.split(" + "):
        name, _, parameters = text.partition(":")
        if name in PLACES:
            crs, matrix = PLACES[name]
            cells = np.random.default_rng(len(name)).integers(0, 256, (400, 600), dtype=np.uint8)
            path = make_mask(cells, crs=crs, transform=matrix, nodata=13, name=f"{name}.tif")
            sources.append(f"{path}:{parameters}" if parameters else path)
        else:
            sources.append(text)
    with warnings.catch_warnings(action="ignore", category=GeosalWarning):
        return open_saliency(sources, scene, combine=combine.rstrip(")") or None)


@pytest.fixture
def whole(saliency: Saliency):
    """Values of the whole scene, and where they are known."""
    return saliency.read_known(saliency.grid.whole())


cuts = st.tuples(
    st.sets(st.integers(1, HEIGHT - 1), max_size=3).map(sorted),
    st.sets(st.integers(1, WIDTH - 1), max_size=3).map(sorted),
)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts)
def test_any_cutting_gives_the_same_bits(saliency, whole, cuts):
    expected, known = whole
    assert 0 <= expected.min() <= expected.max() <= 1
    assert known.any()
    rows, cols = ([0, *inner, size] for inner, size in zip(cuts, saliency.grid.shape, strict=True))
    for top, bottom in pairwise(rows):
        for left, right in pairwise(cols):
            values, spoken = saliency.read_known(Block(top, left, bottom - top, right - left))
            np.testing.assert_array_equal(values, expected[top:bottom, left:right])
            np.testing.assert_array_equal(spoken, known[top:bottom, left:right])


def test_single_pixels_give_the_same_bits(saliency, whole):
    expected, _ = whole
    for row, col in [(0, 0), (HEIGHT - 1, WIDTH - 1), (63, 64), (64, 63), (77, 2047), (77, 2048)]:
        assert saliency.read(Block(row, col, 1, 1)).item() == expected[row, col]
