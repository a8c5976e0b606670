"""Draw the ground of the demo scene with NumPy and SciPy: fractal relief, a coast with its sea, fields and woods."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field = NDArray[np.float32]
"""A value for each pixel, (y, x)."""
Picture = NDArray[np.float32]
"""Red, green, blue in 0-255, shape (3, y, x)."""

_CROPS = np.array(
    [[74, 96, 52], [92, 112, 60], [58, 84, 46], [148, 132, 92], [168, 150, 108], [126, 104, 76], [112, 118, 72]],
    dtype=np.float32,
)
"""Colours of fields: meadow, young and ripe corn, stubble, bare soil."""


@dataclass(frozen=True, eq=False)
class Terrain:
    """The ground before people built on it.

    Attributes
    ----------
    picture
        Red, green, blue in 0-255, shape (3, y, x).
    sea
        Shape (y, x), True = water.
    height
        Height above the sea in arbitrary units, about -1 to 1, shape (y, x).
    """

    picture: Picture
    sea: NDArray[np.bool_]
    height: Field


def fractal(size: int, exponent: float, rng: np.random.Generator) -> Field:
    """Make a random field whose amplitude spectrum falls as 1 / frequency ** `exponent`; mean 0, deviation 1."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) / frequency**exponent
    spectrum[0, 0] = 0.0
    values = np.fft.irfft2(spectrum, s=(size, size))
    return np.asarray(values / values.std(), dtype=np.float32)


def make_terrain(size: int, rng: np.random.Generator) -> Terrain:
    """Make the ground: hills and woods in the north-west, fields in the plain, the sea in the south-east.

    Parameters
    ----------
    size
        Rows and columns.
    rng
        Source of all randomness.
    """
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    slope = 1.12 - 0.62 * x - 0.92 * y
    # The periodic noise would repeat the hills at the far edge; the slope keeps the sea in its corner.
    height = slope + 0.10 * fractal(size, 1.75, rng)
    sea = _only_the_largest(height < 0)
    shade = _hillshade(0.8 * slope * fractal(size, 1.9, rng) + 0.012 * fractal(size, 1.3, rng))
    woods = np.clip((height - 0.42 + 0.16 * fractal(size, 1.3, rng)) * 9, 0, 1)
    picture = _fields(size, rng)
    picture += (_forest(size, rng) - picture) * woods
    picture *= 1 + shade * (0.12 + 0.88 * woods)
    inland = ndimage.distance_transform_edt(~sea).astype(np.float32)
    beach = np.exp(-((inland / (2.2 * size / 1536 + 0.8)) ** 2))
    picture += (np.array([196, 182, 148], np.float32)[:, None, None] - picture) * (0.85 * beach)
    picture = np.where(sea, _water(sea, rng), picture)
    return Terrain(picture.astype(np.float32), sea, height)


def _only_the_largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Drop every connected part but the largest: no puddles in the fields."""
    labels, count = ndimage.label(mask)
    if count == 0:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == sizes.argmax())


def _hillshade(relief: Field) -> Field:
    """Return the light from the north-west on the relief, about -0.4 to 0.4."""
    down, right = np.gradient(ndimage.gaussian_filter(relief, 1.2))
    light = -(down + right)
    return np.asarray(0.5 * np.tanh(light / (2.2 * light.std())), dtype=np.float32)


def _fields(size: int, rng: np.random.Generator) -> Picture:
    """Draw parcels of arable land on a rotated, slightly bent grid, with furrows and hedges."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    bend = 22 * fractal(size, 2.2, rng)
    turn = np.deg2rad(24)
    along = x * np.cos(turn) + y * np.sin(turn) + bend
    across = -x * np.sin(turn) + y * np.cos(turn) + 0.6 * bend
    # Strips of unequal breadth: the warp is monotonic, so that no strip folds back.
    strip = np.floor((across + 17 * np.sin(across / 61) + 9 * np.sin(across / 23)) / 46).astype(np.int64)
    strips = strip - strip.min()
    shift = rng.uniform(0, 400, strips.max() + 1).astype(np.float32)[strips]
    length = rng.uniform(34, 150, strips.max() + 1).astype(np.float32)[strips]
    parcel = np.floor((along + shift) / length).astype(np.int64)
    ids = (parcel - parcel.min()) + (parcel.max() - parcel.min() + 1) * strips
    colours = _CROPS[rng.integers(0, len(_CROPS), ids.max() + 1)]
    colours = colours * rng.uniform(0.86, 1.12, (ids.max() + 1, 1))
    picture = np.moveaxis(colours[ids], -1, 0).astype(np.float32)
    furrows = np.sin(np.where(ids % 2 == 0, along, across) * 1.5) * (3 * (ids % 3 == 0))
    picture += furrows.astype(np.float32) + 5 * fractal(size, 0.7, rng)
    hedge = (ndimage.maximum_filter(ids, 2) != ndimage.minimum_filter(ids, 2)) & (ids % 5 != 0)
    return np.asarray(np.where(hedge, 0.72 * picture, picture), dtype=np.float32)


def _forest(size: int, rng: np.random.Generator) -> Picture:
    """Draw tree crowns: dark green with a fine grain."""
    grain = ndimage.gaussian_filter(rng.standard_normal((size, size)), 0.7).astype(np.float32)
    tone = 1 + 0.22 * grain / grain.std() + 0.10 * fractal(size, 1.2, rng)
    return np.asarray(np.array([40, 58, 36], np.float32)[:, None, None] * np.clip(tone, 0.4, 1.8), dtype=np.float32)


def _water(sea: NDArray[np.bool_], rng: np.random.Generator) -> Picture:
    """Draw the sea: deep blue, greener in the shallows, with swell and a broken line of surf along the shore."""
    size = sea.shape[0]
    offshore = ndimage.distance_transform_edt(sea).astype(np.float32)
    banks = np.exp(-offshore / (34 * size / 1536) * (1 + 0.5 * np.tanh(fractal(size, 1.8, rng))))
    deep = np.array([16, 38, 58], np.float32)[:, None, None]
    shallow = np.array([54, 104, 104], np.float32)[:, None, None]
    picture = deep + (shallow - deep) * banks
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    swell = np.sin((0.42 * x + 0.21 * y) + 2.2 * fractal(size, 1.6, rng)) + 0.8 * fractal(size, 0.5, rng)
    picture = picture + 0.9 * swell + 2.0 * fractal(size, 1.5, rng)
    surf = (offshore < 2) & (fractal(size, 1.1, rng) > 0.1)
    return np.asarray(picture + 80 * surf, dtype=np.float32)
