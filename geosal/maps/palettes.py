"""Colours for maps: functions from [0, 1] to red, green and blue."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_VIRIDIS = (
    (68, 1, 84), (72, 24, 106), (71, 45, 123), (66, 64, 134), (59, 82, 139), (51, 99, 141), (44, 114, 142),
    (38, 130, 142), (33, 145, 140), (31, 159, 136), (39, 173, 129), (61, 188, 116), (92, 200, 99), (129, 211, 77),
    (170, 220, 50), (213, 226, 26), (253, 231, 37),
)  # fmt: skip
"""Seventeen colours, at equal distances, of the palette that Smith and van der Walt made for matplotlib (CC0)."""
_MAGMA = (
    (0, 0, 4), (10, 8, 34), (29, 17, 71), (54, 16, 107), (81, 18, 124), (106, 28, 129), (131, 38, 129), (156, 46, 127),
    (183, 55, 121), (208, 65, 111), (231, 82, 99), (245, 107, 92), (252, 137, 97), (254, 167, 114), (254, 196, 136),
    (253, 226, 163), (252, 253, 191),
)  # fmt: skip
"""Likewise of their `magma` (CC0)."""


def jet(values: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Colours (…, 3) of saliency (…): blue, cyan, yellow, red, as heat maps in the literature are drawn.

    Each channel is ``1.5 - |4 s - c|`` cut to [0, 1], with c of 3, 2 and 1 for red, green and blue.
    """
    channels = 1.5 - np.abs(4 * np.asarray(values, np.float64)[..., np.newaxis] - (3, 2, 1))
    return np.asarray(np.rint(255 * np.clip(channels, 0, 1)).astype(np.uint8))


def viridis(values: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Colours (…, 3) of saliency (…): dark violet to yellow, of even lightness; safe for the colour-blind."""
    return _between(_VIRIDIS, values)


def magma(values: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Colours (…, 3) of errors (…): black by violet and orange to pale yellow; as even and as safe as `viridis`."""
    return _between(_MAGMA, values)


def _between(stops: Sequence[tuple[int, int, int]], values: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """Colours on straight lines between some at equal distances; values beyond [0, 1] have those of its ends."""
    places = np.linspace(0, 1, len(stops))
    channels = [np.interp(values, places, channel) for channel in zip(*stops, strict=True)]
    return np.asarray(np.rint(np.stack(channels, axis=-1)).astype(np.uint8))


USUAL = "viridis"
PALETTES = {USUAL: viridis, "magma": magma, "jet": jet}
"""Palettes of a saliency map by name; `jet` is no good for the colour-blind, and stays for those who compare."""
