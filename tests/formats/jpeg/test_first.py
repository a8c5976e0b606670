"""The first of two passes: the pixels of whole JPEGs, though boxes are coded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagecodecs import jpeg8_decode
from numpy.typing import NDArray

from geosal.formats.jpeg import first
from geosal.formats.jpeg.first import once_coded
from geosal.formats.jpeg.stream import Tables
from geosal.formats.jpeg.tables import steps
from geosal.formats.jpeg.whole import whole_jpeg
from geosal.formats.quality import ANNEX_K
from geosal.native.jpeg import quantised

QUALITIES = (70.0, 45.0, 10.0)


def picture(bands: int, shape: tuple[int, int], seed: int) -> NDArray[np.uint8]:
    """Colours that change from pixel to pixel: what chroma's neighbours do shows."""
    return np.random.default_rng(seed).integers(0, 256, (bands, *shape), np.uint8)


def by_whole_images(pixels: NDArray[np.uint8], levels: NDArray[np.uint8], subsampling: str) -> NDArray[np.uint8]:
    decoded = []
    for quality in QUALITIES:
        tables = steps(quality, ANNEX_K)
        found = quantised(pixels, tables, subsampling)
        image = jpeg8_decode(whole_jpeg(found, pixels.shape[1:], Tables(tables), subsampling))
        decoded.append(image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0))
    return np.choose(levels, decoded)


def spots(shape: tuple[int, int], seed: int) -> NDArray[np.uint8]:
    """Level 2, with some boxes of other levels in it."""
    rng, levels = np.random.default_rng(seed), np.full(shape, 2, np.uint8)
    for _ in range(rng.integers(1, 6)):
        row, col = (int(rng.integers(0, side)) for side in shape)
        levels[row : row + rng.integers(1, 60), col : col + rng.integers(1, 60)] = rng.integers(0, 3)
    return levels


@given(
    bands=st.sampled_from([1, 3]),
    shape=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    subsampling=st.sampled_from(["420", "444"]),
    seed=st.integers(0, 999),
)
def test_boxes_do_not_show(bands: int, shape: tuple[int, int], subsampling: str, seed: int) -> None:
    pixels, levels = picture(bands, shape, seed), spots(shape, seed)
    found = once_coded(pixels, levels, QUALITIES, subsampling)
    np.testing.assert_array_equal(found, by_whole_images(pixels, levels, subsampling))


def test_a_level_is_coded_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, levels = picture(3, (512, 512), 1), np.zeros((512, 512), np.uint8)
    levels[200:230, 300:310] = 1
    levels[:20, :20] = levels[-20:, -20:] = 2
    coded, work = [], first._coded

    def watched(part: NDArray[np.uint8], *rest: object) -> NDArray[np.uint8]:
        coded.append(part.shape[1:])
        return work(part, *rest)

    monkeypatch.setattr(first, "_coded", watched)
    found = once_coded(pixels, levels, QUALITIES, "420")
    assert coded[0] == (512, 512)  # most of it
    assert len(coded) == 4
    assert max(max(shape) for shape in coded[1:]) <= 96
    np.testing.assert_array_equal(found, by_whole_images(pixels, levels, "420"))


@given(seed=st.integers(0, 999), height=st.integers(1, 60), width=st.integers(1, 60))
def test_boxes_hold_all_that_is_wanted_once(seed: int, height: int, width: int) -> None:
    wanted = spots((height, width), seed) == 1
    times = np.zeros(wanted.shape, int)
    for box in first._boxes(wanted):
        times[box.slices_in(first.Block(0, 0, height, width))] += 1
    assert times.max() <= 1
    assert (times[wanted] == 1).all()


@pytest.mark.parametrize("subsampling", ["420", "444"])
def test_without_levels_all_is_of_the_last(subsampling: str) -> None:
    pixels = picture(3, (50, 61), 4)
    last = np.full((50, 61), 2, np.uint8)
    found = once_coded(pixels, None, QUALITIES, subsampling)
    np.testing.assert_array_equal(found, by_whole_images(pixels, last, subsampling))
