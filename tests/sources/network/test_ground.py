"""Pixels on the ground as a network sees them: brought to its metres, and to bytes."""

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from pictures import patchwork

from geosal.core.grid import Block
from geosal.sources.network.ground import Ground
from geosal.sources.text import SourceText


def test_finer_pixels_are_averaged(make_scene):
    pixels = patchwork((40, 60))
    ground = Ground.open(SourceText.parse("cnn"), make_scene(pixels, metres=5), 10.0)
    got, valid = ground.read(Block(2, 3, 11, 20))
    expected = pixels.reshape(3, 20, 2, 30, 2).mean((2, 4))[:, 2:13, 3:23]
    assert valid.all()
    assert got == pytest.approx(expected, abs=1e-3)
    assert ground.shape == (20, 30)


@pytest.mark.parametrize("metres", [3, 7, 16, 40])
def test_a_slope_stays_where_it_is(make_scene, metres):
    """Whatever the scale, a linear ramp has the same values at the same places on the ground."""
    ramp = np.broadcast_to(np.arange(150, dtype=np.uint8), (3, 60, 150))
    ground = Ground.open(SourceText.parse("cnn"), make_scene(ramp, metres=metres), 10.0)
    rows, cols = ground.shape
    assert ground.factors == pytest.approx((10 / metres, 10 / metres), rel=0.06)
    got, valid = ground.read(Block(1, 6, rows - 2, cols - 12))
    expected = (np.arange(6, cols - 6) + 0.5) * ground.factors[1] - 0.5
    assert valid.all()
    assert got == pytest.approx(np.broadcast_to(expected, got.shape), abs=0.2)


def test_metres_are_those_on_the_ground(make_scene):
    """A pixel of 20 m of Web Mercator at 60 degrees north has about 10 m."""
    scene = make_scene(patchwork((80, 80)), metres=20, crs="EPSG:3857", transform=Affine(20, 0, 0, 0, -20, 8399738))
    assert Ground.open(SourceText.parse("cnn"), scene, 10.0).factors == (1, 1)


def test_sixteen_bits_come_to_eight_by_one_rule(make_scene):
    pixels = (patchwork((60, 60)).astype(np.uint16) + 1) * 10
    values = pixels.astype(float)
    block = Block(0, 0, 60, 60)

    def read(text: str, scale: float = 1) -> NDArray[np.float32]:
        return Ground.open(SourceText.parse(text), make_scene(pixels, scale=scale), 10.0).read(block)[0]

    assert read("cnn:range=500-1500") == pytest.approx(np.clip(1 + 254 * (pixels - 500.0) / 1000, 1, 255), abs=1e-3)
    assert read("cnn", 1e-4) == pytest.approx(np.clip(1 + 254 * values / 2750, 1, 255), abs=1e-3)
    top = np.percentile(pixels, 99)
    assert read("cnn") == pytest.approx(np.clip(1 + 254 * values / top, 1, 255), abs=1e-3)


def test_samples_without_end_do_not_set_the_stretch(make_scene):
    pixels = patchwork((60, 60)).astype(np.float32)
    pixels[:, :2, :30] = np.inf
    got, valid = Ground.open(SourceText.parse("cnn"), make_scene(pixels), 10.0).read(Block(0, 0, 60, 60))
    assert np.isfinite(got).all()
    assert np.ptp(got[:, 10:]) > 200
    assert valid[10:].all()
