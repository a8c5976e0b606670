"""Colours of a BPG, beside Pillow's YCbCr, and chroma that is halved and enlarged again."""

import numpy as np
import pytest
from PIL import Image

from geosal.core.bpg import colour
from geosal.core.bpg.head import YCBCR_601, YCBCR_709, YCBCR_2020

_PIXELS = np.random.default_rng(3).integers(0, 256, (3, 40, 50), np.uint8)


def test_luma_and_chroma_are_those_of_jpeg() -> None:
    ours = colour.rounded(colour.to_ycbcr(_PIXELS))
    theirs = np.moveaxis(np.asarray(Image.fromarray(np.moveaxis(_PIXELS, 0, -1)).convert("YCbCr")), -1, 0)
    assert np.abs(ours.astype(int) - theirs).max() <= 1  # Pillow rounds down
    luma = np.tensordot((0.299, 0.587, 0.114), _PIXELS, 1)
    assert np.abs(ours[0] - luma).max() <= 0.5 + 1e-4


def test_colours_come_back() -> None:
    planes = list(colour.rounded(colour.to_ycbcr(_PIXELS)))
    found = colour.to_rgb(planes, YCBCR_601, limited=False)
    assert np.abs(found.astype(int) - _PIXELS).max() <= 2


@pytest.mark.parametrize("space", [YCBCR_601, YCBCR_709, YCBCR_2020])
@pytest.mark.parametrize("limited", [False, True])
def test_grey_is_grey_in_every_space(space: int, limited: bool) -> None:
    grey = np.arange(16, 236, dtype=np.uint8)[None]
    middle = np.full_like(grey, 128)
    found = colour.to_rgb([grey, middle, middle], space, limited=limited)
    assert (found == found[:1]).all()
    expected = colour.unlimited(grey) if limited else grey
    assert np.abs(found[0].astype(int) - expected).max() <= int(limited)


def test_even_chroma_survives_halving() -> None:
    even = np.full((6, 8), 77, np.float32)
    small = colour.rounded(colour.halved(even))
    np.testing.assert_array_equal(colour.doubled(small, (6, 8), 0), 77)


def test_strips_are_enlarged_like_the_whole() -> None:
    chroma = np.random.default_rng(5).integers(0, 256, (9, 7), np.uint8)
    whole = colour.doubled(chroma, (17, 13), 0)
    upper = colour.doubled(chroma[:5], (8, 13), 0)
    lower = colour.doubled(chroma[3:], (9, 13), 1)
    np.testing.assert_array_equal(np.concatenate([upper, lower]), whole)
