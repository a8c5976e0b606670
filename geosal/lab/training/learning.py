"""Learning: epochs over pictures; a run can stop after any of them and be resumed."""

import copy
import hashlib
import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from geosal.errors import GeosalError, OutputError, SceneError, UsageError, cause_of
from geosal.lab.training.accuracy import Judgement
from geosal.lab.training.augment import augment, mosaic, normalise, unmosaic
from geosal.lab.training.log import CHECKPOINT, LOG, Epoch, append
from geosal.lab.training.networks import MsRoi, make_network
from geosal.lab.training.pictures import Pictures, Split
from geosal.lab.training.settings import Settings
from geosal.lab.training.vgg16 import load_vgg16, read_torch
from geosal.sources.network.card import IMAGENET_MEAN, IMAGENET_STD

_MAY_CHANGE = {"epochs"}
"""Settings that may change when a run is resumed, unless the schedule depends on them."""
_KEPT = frozenset(
    {
        "settings",
        "classes",
        "pictures",
        "digest",
        "epoch",
        "step",
        "best_accuracy",
        "network",
        "average",
        "best",
        "optimizer",
    }
)
"""Keys of a checkpoint."""
_LOOKED_AT = 64
"""Number of pictures by which a checkpoint recognises those that it was made with."""
_WARM_SHARE = 0.2
_SAVE_SHARE = 10
"""A checkpoint is not written again before this many times the seconds that it took; VGG16's is 400 MB."""


class Learner:
    """A network, its optimizer, and the state of learning.

    Parameters
    ----------
    pictures, split
        Pictures to learn from, and their split.
    settings
        How.
    directory
        Directory of the checkpoint and the log.
    device
        ``cpu`` or ``cuda``.
    vgg16_weights
        State dict of torchvision's VGG16.
    """

    def __init__(
        self,
        pictures: Pictures,
        split: Split,
        settings: Settings,
        directory: str,
        *,
        device: str = "cpu",
        vgg16_weights: str | None = None,
    ) -> None:
        if vgg16_weights is not None and settings.backbone != "vgg16":
            raise UsageError(f"--vgg16-weights: the {settings.backbone} backbone has no place for them; leave them out")
        self.pictures, self.split, self.settings, self.device = pictures, split, settings, device
        self.directory = Path(directory)
        torch.manual_seed(settings.seed)
        self.network = make_network(settings.backbone, len(pictures.classes), head_relu=settings.head_relu)
        if vgg16_weights is not None:
            load_vgg16(self.network.features, vgg16_weights)
        self.network.to(device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network) if settings.average else self.network
        self.best = copy.deepcopy(self.average)
        self.best_accuracy = -1.0
        self.epoch = self.step = self.saved = 0
        self._next_save = 0.0
        self.optimizer = self._make_optimizer()

    def _make_optimizer(self) -> torch.optim.Optimizer:
        settings = self.settings
        if settings.optimizer == "adam":
            return torch.optim.Adam(self.network.parameters(), settings.learning_rate)
        matrices = [one for one in self.network.parameters() if one.dim() > 1]
        vectors = [one for one in self.network.parameters() if one.dim() <= 1]  # norms and biases do not decay
        groups = [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, settings.learning_rate, weight_decay=settings.weight_decay)

    @property
    def steps_per_epoch(self) -> int:
        """Return the steps of one epoch; remaining pictures wait for the next one."""
        return max(1, len(self.split.train) // self.settings.batch)

    def run(self, tell: Callable[[Epoch], None] | None, seconds: float | None = None) -> None:
        """Learn until all epochs are done, or the next would end after `seconds`; keep a checkpoint of the last."""
        began = time.monotonic()
        longest = 0.0
        while self.epoch < self.settings.epochs:
            if seconds is not None and time.monotonic() - began + longest > seconds and longest:
                break
            start = time.monotonic()
            line = self.learn_epoch()
            longest = max(longest, time.monotonic() - start)
            if tell is not None:
                tell(line)
        if self.saved != self.epoch:
            self.save()

    def learn_epoch(self) -> Epoch:
        """Learn from every picture once, validate, keep a checkpoint unless saving would take longer than learning."""
        began = time.monotonic()
        # All randomness of an epoch comes from its number: a resumed run continues as if it had not stopped.
        chance = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + self.epoch)
        order = torch.randperm(len(self.split.train), generator=chance).numpy()
        size = min(self.settings.batch, len(order))
        self.network.train()
        losses, hits = [], 0
        for number in range(self.steps_per_epoch):
            places = np.sort(self.split.train[order[number * size : (number + 1) * size]])
            loss, right = self._learn_step(places, chance)
            losses.append(loss)
            hits += right
        self.epoch += 1
        judged = self.judge(self.split.validation, self.average)
        if judged.accuracy >= self.best_accuracy:
            self.best_accuracy = judged.accuracy
            self.best.load_state_dict(self.average.state_dict())
        line = Epoch(
            self.epoch,
            float(np.mean(losses)),
            hits / (self.steps_per_epoch * size),
            judged.loss,
            judged.accuracy,
            float(self.optimizer.param_groups[0]["lr"]),
            round(time.monotonic() - began, 2),
        )
        if not np.isfinite(line.loss):
            raise GeosalError(f"epoch {self.epoch}: the loss is {line.loss}; learn with a lower --learning-rate")
        if time.monotonic() >= self._next_save:
            self.save()
        append(self.directory / LOG, line)
        return line

    def _learn_step(self, places: npt.NDArray[np.int64], chance: torch.Generator) -> tuple[float, int]:
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        pixels = augment(self._load(places), self.settings, chance)
        labels = torch.from_numpy(self.pictures.labels[places]).to(self.device)
        side_by_side = torch.rand(1, generator=chance).item() < self.settings.mosaic and len(places) >= 4
        if side_by_side:
            # Sorted places would lay pictures of one class beside each other.
            shuffled = torch.randperm(len(places), generator=chance)[: len(places) // 4 * 4]
            pixels, labels = mosaic(pixels[shuffled]), labels[shuffled]
        cam, logits = self.network(pixels.contiguous(memory_format=torch.channels_last))
        if side_by_side:
            logits = unmosaic(cam).mean((2, 3))
        loss = functional.cross_entropy(logits, labels, label_smoothing=self.settings.label_smoothing)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.step += 1
        if self.settings.average:
            _average(self.average, self.network, min(self.settings.average, self.step / (self.step + 10)))
        return loss.item(), int((logits.argmax(1) == labels).sum().item())

    def _rate(self) -> float:
        """Return the learning rate of a step: constant, or up for a fifth of the way and down in a cosine."""
        highest = self.settings.learning_rate
        if self.settings.schedule == "constant":
            return highest
        total = self.steps_per_epoch * self.settings.epochs
        warm = max(1.0, _WARM_SHARE * total)
        if self.step < warm:
            return highest * max(0.04, self.step / warm)
        return highest * max(1e-3, 0.5 * (1 + math.cos(math.pi * (self.step - warm) / max(1.0, total - warm))))

    def _load(self, places: npt.NDArray[np.int64]) -> torch.Tensor:
        samples = torch.from_numpy(np.ascontiguousarray(self.pictures.samples[places])).to(self.device)
        return normalise(samples, IMAGENET_MEAN, IMAGENET_STD)

    def judge(self, places: npt.NDArray[np.int64], network: MsRoi) -> Judgement:
        """Judge a network by unchanged pictures."""
        network.eval()
        answers = []
        with torch.inference_mode():
            for start in range(0, len(places), self.settings.batch):
                pixels = self._load(places[start : start + self.settings.batch])
                answers.append(network(pixels.contiguous(memory_format=torch.channels_last))[1].float().cpu().numpy())
        return Judgement.of(np.concatenate(answers), self.pictures.labels[places])

    def save(self) -> None:
        """Write the checkpoint; it takes its name when it is complete.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        state = {
            "settings": asdict(self.settings),
            "classes": list(self.pictures.classes),
            "pictures": len(self.pictures.labels),
            "digest": self._digest(),
            "epoch": self.epoch,
            "step": self.step,
            "best_accuracy": self.best_accuracy,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "best": self.best.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        path = self.directory / CHECKPOINT
        began = time.monotonic()
        try:
            torch.save(state, path.with_suffix(".part"))
            os.replace(path.with_suffix(".part"), path)
        except (OSError, RuntimeError) as error:
            raise OutputError(
                f"{path}: cannot be written: {cause_of(error)}; make room and run again with --resume"
            ) from error
        self.saved = self.epoch
        self._next_save = time.monotonic() + _SAVE_SHARE * (time.monotonic() - began)

    def resume(self) -> None:
        """Resume from the checkpoint in the directory.

        Raises
        ------
        SceneError
            There is no checkpoint, or it cannot be read.
        UsageError
            The checkpoint is from other pictures or settings.
        """
        path = str(self.directory / CHECKPOINT)
        state = read_torch(path, "the directory of a run of geosal train")
        if not isinstance(state, dict) or not state.keys() >= _KEPT or not isinstance(state["settings"], dict):
            raise UsageError(f"{path}: is no checkpoint of geosal train; start again without --resume")
        self._check_same(path, state)
        try:
            self._take_up(state)
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:  # torch's, one for each misfit
            reason = " ".join(str(error).split())[:200]
            raise SceneError(f"{path}: does not fit the network ({reason}); start again without --resume") from error

    def _take_up(self, state: Mapping[str, Any]) -> None:
        self.epoch, self.step = int(state["epoch"]), int(state["step"])
        self.saved = self.epoch
        self.best_accuracy = float(state["best_accuracy"])
        for network, name in ((self.network, "network"), (self.average, "average"), (self.best, "best")):
            network.load_state_dict(state[name])
        self.optimizer.load_state_dict(state["optimizer"])

    def _digest(self) -> str:
        """Identify pictures by some of them, evenly spread; to read all would take as long as learning begins."""
        places = np.unique(np.linspace(0, len(self.pictures.labels) - 1, _LOOKED_AT).astype(np.int64))
        found = hashlib.sha256(np.ascontiguousarray(self.pictures.labels, np.int64).tobytes())
        for place in places:
            found.update(np.ascontiguousarray(self.pictures.samples[place]).tobytes())
        return found.hexdigest()

    def _check_same(self, path: str, state: Mapping[str, Any]) -> None:
        free = _MAY_CHANGE if self.settings.schedule == "constant" else set()
        before, now = state["settings"], asdict(self.settings)
        for name, value in now.items():
            if name not in free and before.get(name) != value:
                option = "--" + name.replace("_", "-")
                raise UsageError(f"{path}: was made with {option} {before.get(name)}, not {value}; give the same")
        same = (state["classes"], state["pictures"]) == (list(self.pictures.classes), len(self.pictures.labels))
        if same and state["digest"] != self._digest():
            raise UsageError(f"{path}: was made with as many pictures, but others; give the same DATA")
        if not same:
            raise UsageError(
                f"{path}: was made with {state['pictures']} pictures of {len(state['classes'])} classes, not with "
                f"these {len(self.pictures.labels)} of {len(self.pictures.classes)}; give the same DATA and --classes"
            )


def _average(average: nn.Module, network: nn.Module, decay: float) -> None:
    with torch.no_grad():
        now = network.state_dict()
        for name, value in average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(now[name], 1 - decay)
            else:
                value.copy_(now[name])
