"""Learn a detector from annotated scenes, and export it with its card."""

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from geosal.errors import GeosalError, OutputError, SceneError
from geosal.files.atomic import write_text
from geosal.lab.detection.card import DetectorCard
from geosal.lab.detection.looking import picture_of
from geosal.lab.detection.truth import Truth
from geosal.lab.training.augment import normalise
from geosal.lab.training.centres import CentreNet, Targets, loss_of, targets_of
from geosal.lab.training.crops import Crop, Scene, draw_crop
from geosal.lab.training.export import export_detector
from geosal.scenes import Reading, open_input
from geosal.sources.network.card import IMAGENET_MEAN, IMAGENET_STD

_WARM = 0.1
"""Share of the steps in which the learning rate rises."""
_FAINT, _SAME = 0.05, 0.5
"""Least score that a detector returns, and the share of their union from which two boxes are one object."""
_TOLD = 50
"""Steps between two reports."""


@dataclass(frozen=True)
class DetectorSettings:
    """How a detector learns.

    Attributes
    ----------
    steps, batch, seed
        Steps, pictures of a step, and what all chance comes from.
    side
        Rows and columns of a picture.
    zoom
        Pixels of the network's input for one of the scene, along a side: 2 for things of few pixels.
    learning_rate, weight_decay
        The highest rate of a one-cycle, and the decay of AdamW.
    average
        Decay of the moving average of the weights, which is what is exported.
    jitter
        Share by which light and colour change.
    width
        Channels of the first layer.
    """

    steps: int = 500
    batch: int = 4
    seed: int = 0
    side: int = 192
    zoom: float = 1.0
    learning_rate: float = 4e-3
    weight_decay: float = 0.02
    average: float = 0.98
    jitter: float = 0.25
    width: int = 12


def train_detector(
    truth: Truth,
    output: str,
    settings: DetectorSettings,
    *,
    size: int = 512,
    tell: Callable[[int, float], None] | None = None,
    seconds: float | None = None,
) -> DetectorCard:
    """Learn from annotated images, and write an ONNX file with its card beside it.

    Parameters
    ----------
    truth
        Images and objects to learn from: `Truth.read`, with `only` to hold some images out.
    output
        Path of the ONNX file; the card has its name with ``.json``.
    settings
        How.
    size
        Rows and columns of the network's input, a multiple of 16.
    tell
        Called every 50 steps with the step and the mean loss since the last call.
    seconds
        Time after which learning ends, whatever is left of the steps.

    Raises
    ------
    SceneError
        An image cannot be decoded, or holds no bytes.
    OutputError
        A file cannot be written.
    """
    scenes = []
    for marked in truth.images:
        scene = open_input(marked.path, Reading())
        if scene.layout.dtype != "uint8":
            raise SceneError(f"{marked.path}: {scene.layout.dtype}, and detectors learn from bytes; bring it to 8 bits")
        scenes.append(Scene(picture_of(scene, scene.grid.whole()), marked))
    card = DetectorCard(
        classes=truth.classes, layout="yolo", input=size, zoom=settings.zoom, mean=IMAGENET_MEAN, std=IMAGENET_STD,
        score=_FAINT, iou=_SAME,
    )  # fmt: skip
    export_detector(learn(scenes, len(truth.classes), settings, tell, seconds), output)
    path = Path(output).with_suffix(".json")
    try:
        write_text(path, card.to_json())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}; choose another place") from error
    return card


def learn(
    scenes: Sequence[Scene],
    classes: int,
    settings: DetectorSettings,
    tell: Callable[[int, float], None] | None = None,
    seconds: float | None = None,
) -> CentreNet:
    """Learn from pictures drawn out of scenes, and return the mean of the last weights.

    Raises
    ------
    GeosalError
        The loss is no number.
    """
    torch.manual_seed(settings.seed)
    chance = np.random.default_rng(settings.seed)
    network = CentreNet(classes, settings.width)
    network.to(memory_format=torch.channels_last)
    average = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    network.train()
    began, recent = time.monotonic(), 0.0
    for step in range(settings.steps):
        share = step / settings.steps
        if seconds is not None:  # the rate falls with the time that is left, whichever ends first
            share = max(share, (time.monotonic() - began) / seconds)
        if share >= 1:
            break
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * _rate(share)
        crops = [
            draw_crop(scenes, settings.side, settings.zoom, settings.jitter, chance) for _ in range(settings.batch)
        ]
        pixels, targets = _as_batch(crops, settings.side, classes)
        loss = loss_of(network(pixels.contiguous(memory_format=torch.channels_last)), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
        _follow(average, network, min(settings.average, step / (step + 10)))
        recent += loss.item()
        if not math.isfinite(recent):
            raise GeosalError(f"step {step + 1}: the loss is {loss.item()}; learn with a lower learning_rate")
        if (step + 1) % _TOLD == 0:
            if tell is not None:
                tell(step + 1, recent / _TOLD)
            recent = 0.0
    average.eval()
    return average


def _rate(share: float) -> float:
    """Return the learning rate at a share of the way, as a share of the highest."""
    if share < _WARM:
        return max(0.02, share / _WARM)
    return max(1e-3, 0.5 * (1 + math.cos(math.pi * (share - _WARM) / (1 - _WARM))))


def _as_batch(crops: Sequence[Crop], side: int, classes: int) -> tuple[torch.Tensor, Targets]:
    samples = torch.from_numpy(np.stack([np.ascontiguousarray(crop.pixels) for crop in crops]))
    boxes, unknown = (
        [torch.from_numpy(getattr(crop, name)).float() for crop in crops] for name in ("boxes", "unknown")
    )
    labels = [torch.from_numpy(crop.labels) for crop in crops]
    return normalise(samples, IMAGENET_MEAN, IMAGENET_STD), targets_of(boxes, labels, unknown, side, classes)


def _follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    with torch.no_grad():
        now = network.state_dict()
        for name, value in average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(now[name], 1 - decay)
            else:
                value.copy_(now[name])
