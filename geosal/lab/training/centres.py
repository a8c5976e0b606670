"""A small detector: at each cell how likely an object's centre lies there, and how far the sides of its box are.

After X. Zhou, D. Wang and P. Kraehenbuehl, "Objects as Points" (2019), for the centres and their loss, and Z. Tian et
al., "FCOS" (2019), for the distances. It has a single scale: objects of a satellite scene have few sizes.
"""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from geosal.lab.training.networks import Residual, separable

STRIDE = 4
"""Pixels of the input for a cell, along a side."""
MULTIPLE = 16
"""Rows and columns of the input are multiples of this."""
_SPREAD = 0.09
"""Deviation of the bell around a centre, as a share of the box's side."""
_NEAR = 0.3
"""Height of the bell from which a cell learns the box."""
_RARE = -4.0
"""Logit of a centre before anything is learned: most cells have none."""
_FARTHEST = 8.0
"""Limit of the logarithm of a distance, in cells."""


class Targets(NamedTuple):
    """What a batch of pictures should give."""

    bells: torch.Tensor
    """(batch, class, y, x): 1 in the cell of a centre, a bell around it."""
    sides: torch.Tensor
    """(batch, 4, y, x): left, top, right and bottom of the box, in cells of the picture."""
    weights: torch.Tensor
    """(batch, y, x): how much the box of a cell counts, 0 for most."""
    counted: torch.Tensor
    """(batch, y, x): 0 where it is not known what lies there."""


class CentreNet(nn.Module):
    """Some 40 000 numbers: three halvings of separable convolutions, back up to a quarter, two heads.

    Parameters
    ----------
    classes
        Number of classes.
    width
        Channels of the first layer.
    """

    def __init__(self, classes: int, width: int = 12) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 3, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            separable(width, 2 * width, 2), Residual(2 * width),
        )  # fmt: skip
        self.middle = nn.Sequential(separable(2 * width, 4 * width, 2), Residual(4 * width), Residual(4 * width))
        self.deep = nn.Sequential(separable(4 * width, 5 * width, 2), *(Residual(5 * width) for _ in range(4)))
        self.from_deep = nn.Conv2d(5 * width, 3 * width, 1)
        self.from_middle = nn.Conv2d(4 * width, 3 * width, 1)
        self.from_stem = nn.Conv2d(2 * width, 3 * width, 1)
        self.joined = separable(3 * width, 3 * width)
        self.head = separable(3 * width, 3 * width)
        self.centres = nn.Conv2d(3 * width, classes, 1)
        self.distances = nn.Conv2d(3 * width, 4, 1)
        nn.init.constant_(self.centres.bias, _RARE)
        nn.init.constant_(self.distances.bias, 1.0)

    def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits of centres (batch, class, y, x), and sides of boxes (batch, 4, y, x) in cells."""
        stem = self.stem(pixels)
        middle = self.middle(stem)
        up = self.from_middle(middle) + _twice(self.from_deep(self.deep(middle)))
        features = self.head(self.joined(self.from_stem(stem) + _twice(up)))
        away = torch.exp(self.distances(features).clamp(max=_FARTHEST))
        rows = torch.arange(away.shape[2], device=away.device, dtype=away.dtype).view(1, 1, -1, 1) + 0.5
        cols = torch.arange(away.shape[3], device=away.device, dtype=away.dtype).view(1, 1, 1, -1) + 0.5
        left, top, right, bottom = away.split(1, dim=1)
        return self.centres(features), torch.cat((cols - left, rows - top, cols + right, rows + bottom), dim=1)


class Exported(nn.Module):
    """The network as a raw head of YOLO's, (batch, 4 + class, cells): middle, size, and a score for each class.

    A cell that is not the highest of its 3 x 3 neighbours scores 0, so few boxes are left to compare.
    """

    def __init__(self, network: CentreNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return boxes in pixels of the input, and scores."""
        logits, sides = self.network(pixels)
        scores = logits.sigmoid()
        peaks = scores * (scores == functional.max_pool2d(scores, 3, 1, 1)).to(scores.dtype)
        left, top, right, bottom = (STRIDE * sides).split(1, dim=1)
        boxes = torch.cat(((left + right) / 2, (top + bottom) / 2, right - left, bottom - top), dim=1)
        return torch.cat((boxes, peaks), dim=1).flatten(2)


def targets_of(boxes: list[torch.Tensor], labels: list[torch.Tensor], unknown: list[torch.Tensor], side: int,
               classes: int) -> Targets:  # fmt: skip
    """Lay a bell over the centre of each box; (n, 4) corners in pixels of a picture of `side` rows and columns."""
    cells = side // STRIDE
    at = torch.arange(cells, dtype=torch.float32) + 0.5
    made = Targets(
        torch.zeros(len(boxes), classes, cells, cells),
        torch.zeros(len(boxes), 4, cells, cells),
        torch.zeros(len(boxes), cells, cells),
        torch.ones(len(boxes), cells, cells),
    )
    for number, (here, names, hidden) in enumerate(zip(boxes, labels, unknown, strict=True)):
        for left, top, right, bottom in (hidden / STRIDE).tolist():
            inside = ((at > top) & (at < bottom))[:, None] & ((at > left) & (at < right))[None]
            made.counted[number][inside] = 0
        for (left, top, right, bottom), name in zip((here / STRIDE).tolist(), names.tolist(), strict=True):
            # The bell stands on the middle of the centre's cell, so that one cell reaches 1.
            y, x = (min(int((low + high) / 2), cells - 1) + 0.5 for low, high in ((top, bottom), (left, right)))
            down, across = (max(_SPREAD * size, 0.5) for size in (bottom - top, right - left))
            bell = torch.exp(-((at - y) ** 2) / (2 * down**2))[:, None] * torch.exp(-((at - x) ** 2) / (2 * across**2))
            made.bells[number, name] = torch.maximum(made.bells[number, name], bell)
            nearest = (bell > _NEAR) & (bell > made.weights[number])
            made.sides[number][:, nearest] = torch.tensor([left, top, right, bottom])[:, None]
            made.weights[number][nearest] = bell[nearest]
    return made


def loss_of(found: tuple[torch.Tensor, torch.Tensor], targets: Targets) -> torch.Tensor:
    """Focal loss of the centres, and 1 - GIoU of the boxes around them."""
    logits, sides = found
    likely = logits.sigmoid()
    sure, unsure = functional.logsigmoid(logits), functional.logsigmoid(-logits)
    is_centre = (targets.bells > 0.999).to(logits.dtype)
    hit = is_centre * (1 - likely) ** 2 * sure
    miss = (1 - is_centre) * (1 - targets.bells) ** 4 * likely**2 * unsure
    centres = -((hit + miss) * targets.counted[:, None]).sum() / is_centre.sum().clamp(min=1)
    weights = targets.weights * targets.counted
    boxes = ((1 - _giou(sides, targets.sides)) * weights).sum() / weights.sum().clamp(min=1e-6)
    return centres + 2 * boxes


def _giou(ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
    """Generalised intersection over union (H. Rezatofighi et al., 2019), of boxes along axis 1."""
    (left, top, right, bottom), (wanted_left, wanted_top, wanted_right, wanted_bottom) = (
        ours.unbind(1),
        theirs.unbind(1),
    )
    across = (torch.minimum(right, wanted_right) - torch.maximum(left, wanted_left)).clamp(min=0)
    down = (torch.minimum(bottom, wanted_bottom) - torch.maximum(top, wanted_top)).clamp(min=0)
    both = across * down
    area = (right - left) * (bottom - top) + (wanted_right - wanted_left) * (wanted_bottom - wanted_top) - both
    hull = (torch.maximum(right, wanted_right) - torch.minimum(left, wanted_left)) * (
        torch.maximum(bottom, wanted_bottom) - torch.minimum(top, wanted_top)
    )
    return both / area.clamp(min=1e-6) - (hull - area) / hull.clamp(min=1e-6)


def _twice(pixels: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(pixels, scale_factor=2.0, mode="nearest")
