"""Change pictures at random: rotate, zoom, mirror and relight whole batches at once."""

import math

import torch
from torch.nn import functional

from geosal.lab.training.settings import Settings


def normalise(samples: torch.Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> torch.Tensor:
    """Convert uint8 ``(batch, y, x, 3)`` to the input of networks: float32 ``(batch, 3, y, x)``."""
    pixels = samples.permute(0, 3, 1, 2).to(torch.float32).div_(255)
    shift = torch.tensor(mean, device=pixels.device).view(1, 3, 1, 1)
    return pixels.sub_(shift).div_(torch.tensor(std, device=pixels.device).view(1, 3, 1, 1))


def augment(pixels: torch.Tensor, settings: Settings, chance: torch.Generator) -> torch.Tensor:
    """Change each normalised picture of a batch by `settings`; pixels from outside are reflected ones."""
    count = len(pixels)
    angle = _spread(count, math.radians(settings.rotation), chance)
    scale = 1 + _spread(count, settings.zoom, chance)
    mirror_x, mirror_y = (_signs(count, chance) if settings.flips else torch.ones(count) for _ in range(2))
    if settings.quarter_turns:
        angle = angle + torch.randint(4, (count,), generator=chance) * (math.pi / 2)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    nothing = torch.zeros(count)
    matrix = torch.stack((cos * mirror_x, -sin * mirror_y, nothing, sin * mirror_x, cos * mirror_y, nothing), 1)
    grid = functional.affine_grid(matrix.view(count, 2, 3), list(pixels.shape), align_corners=False).to(pixels.device)
    moved = functional.grid_sample(pixels, grid, padding_mode="reflection", align_corners=False)
    return _relight(moved, settings.jitter, chance) if settings.jitter else moved


def _relight(pixels: torch.Tensor, most: float, chance: torch.Generator) -> torch.Tensor:
    """Change contrast and brightness of the whole picture, and a little of each band."""
    shape = (len(pixels), 1, 1, 1)
    contrast = 1 + _spread(len(pixels), most, chance).view(shape)
    offset = 2 * _spread(len(pixels), most, chance).view(shape)  # samples span some 4 units once they are normalised
    tint = (most * (2 * torch.rand((len(pixels), 3), generator=chance) - 1)).view(len(pixels), 3, 1, 1)
    return pixels * contrast.to(pixels.device) + (offset + tint).to(pixels.device)


def mosaic(pixels: torch.Tensor) -> torch.Tensor:
    """Lay pictures side by side, two by two; their count is a multiple of four."""
    count, bands, height, width = pixels.shape
    squares = pixels.view(count // 4, 2, 2, bands, height, width)
    return squares.permute(0, 3, 1, 4, 2, 5).reshape(count // 4, bands, 2 * height, 2 * width)


def unmosaic(cam: torch.Tensor) -> torch.Tensor:
    """Divide the maps of a mosaic again, in the order of the pictures."""
    count, classes, height, width = cam.shape
    squares = cam.view(count, classes, 2, height // 2, 2, width // 2)
    return squares.permute(0, 2, 4, 1, 3, 5).reshape(4 * count, classes, height // 2, width // 2)


def _spread(count: int, most: float, chance: torch.Generator) -> torch.Tensor:
    return most * (2 * torch.rand(count, generator=chance) - 1)


def _signs(count: int, chance: torch.Generator) -> torch.Tensor:
    return torch.randint(2, (count,), generator=chance).to(torch.float32) * 2 - 1
