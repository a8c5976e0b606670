"""Pictures in which there is something to see, and what noise makes of them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]


def picture(shape: tuple[int, ...], dtype: str = "uint8", seed: int = 0, *, low: bool = False) -> Image:
    """Waves, edges and noise over most of the range of a type."""
    rng = np.random.default_rng(seed)
    row, col = np.mgrid[: shape[-2], : shape[-1]]
    light = np.sin(row / 5 + col / 9) + np.sin(col / 31) + ((row // 37 + col // 53) % 2)
    light = (light + rng.normal(0, 0.2, shape) + 3) / 8
    if dtype.startswith("float"):
        return (0.5 * light).astype(dtype)
    limits = np.iinfo(dtype)
    width = float(limits.max) - float(limits.min)
    return np.clip(limits.min + light * (width / 16 if low else width), limits.min, limits.max).astype(dtype)


def damaged(image: Image, seed: int = 1) -> Image:
    rng = np.random.default_rng(seed)
    noisy = image + rng.normal(0, float(image.std()) / 3, image.shape) * (np.indices(image.shape)[-1] % 90 > 30)
    if image.dtype.kind == "f":
        return noisy.astype(image.dtype)
    limits = np.iinfo(image.dtype)
    return np.clip(np.rint(noisy), limits.min, limits.max).astype(image.dtype)


def patchwork(shape: tuple[int, int], count: int = 3, seed: int = 1) -> NDArray[np.uint8]:
    """Patches of 20 pixels and grain."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(1, 200, (count, shape[0] // 20 + 1, shape[1] // 20 + 1))
    patches = coarse.repeat(20, 1).repeat(20, 2)[:, : shape[0], : shape[1]]
    return (patches + rng.integers(0, 55, patches.shape)).astype(np.uint8)


def landscape(bands: int, height: int, width: int, seed: int = 0, fall: float = 1.4) -> NDArray[np.uint8]:
    """Noise as nature has it: the finer the weaker, by a power of the frequency, and bands alike."""
    rng = np.random.default_rng(seed)
    rows, cols = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)
    shares = 1 / np.maximum(np.hypot(rows, cols), 0.5 / max(height, width)) ** fall
    waves = np.stack(
        [np.fft.irfft2(np.fft.rfft2(rng.normal(size=(height, width))) * shares, (height, width)) for _ in range(bands)]
    )
    mixed = waves[:1] + 0.1 * waves
    return np.clip(mixed / mixed.std() * 45 + 120, 0, 255).astype(np.uint8)
