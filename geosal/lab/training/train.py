"""One training run: from a folder of pictures to an exported model and its report."""

import json
import math
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geosal.errors import GeosalError, OutputError, ResourceError, UsageError
from geosal.files.atomic import write_text
from geosal.lab.training.folders import Listing
from geosal.lab.training.log import CHECKPOINT, LOG
from geosal.lab.training.pictures import Pictures, Split
from geosal.lab.training.settings import Settings
from geosal.sources.network.card import ModelCard
from geosal.version import __version__

if TYPE_CHECKING:
    from geosal.lab.training.learning import Learner
    from geosal.lab.training.log import Epoch

MODEL, REPORT, CONFUSION = "model.onnx", "report.json", "confusion.csv"


@dataclass(frozen=True)
class Wish:
    """What to train on what.

    Attributes
    ----------
    data
        A folder of class folders, or a tar of one.
    directory
        Directory of checkpoint, log, model and report.
    settings
        Settings of the run.
    classes
        Names of the chosen classes, in their order; all when empty.
    class_weights
        Weight of a class in maps, 0 to 1, by name; 1 by default.
    ground_resolution
        Metres of a pixel, where the pictures have one.
    vgg16_weights
        State dict of torchvision's VGG16.
    notes
        Text for the model card: data, licence.
    """

    data: str
    directory: str
    settings: Settings
    classes: tuple[str, ...] = ()
    class_weights: Mapping[str, float] = field(default_factory=dict)
    ground_resolution: float | None = None
    vgg16_weights: str | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, weight in self.class_weights.items():
            if not 0 <= weight <= 1:
                raise UsageError(f"--weight {name}={weight}: give a weight in 0..1")
        if self.ground_resolution is not None and not 0 < self.ground_resolution < math.inf:
            raise UsageError(f"--ground-resolution {self.ground_resolution}: give metres above 0")


def train(
    wish: Wish,
    tell: Callable[["Epoch"], None] | None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    device: str = "auto",
    threads: int | None = None,
    seconds: float | None = None,
) -> Mapping[str, Any]:
    """Train, judge and export; return the report.

    Raises
    ------
    UsageError
        Torch or onnx is not installed, or an option is wrong.
    SceneError
        A picture, the weights or the checkpoint cannot be read.
    OutputError
        The directory holds another run, or cannot be written.
    """
    chosen = _prepare_torch(device, threads)
    listing = Listing.of(wish.data, wish.classes)
    if unknown := sorted(set(wish.class_weights) - set(listing.classes)):
        raise UsageError(f"--weight {unknown[0]}: no class has that name; there are {', '.join(listing.classes[:12])}")
    _make_room(wish.directory, resume=resume, overwrite=overwrite)
    with tempfile.TemporaryDirectory(prefix=".pictures-", dir=wish.directory) as place:
        try:
            pictures = Pictures.load(listing, wish.settings.size, os.path.join(place, "samples.npy"))
            learner = _make_learner(wish, pictures, chosen, resume=resume)
            learner.run(tell, seconds)
            return _finish(wish, learner)
        except (MemoryError, RuntimeError) as error:
            # Torch reports it as a RuntimeError, only in words.
            if isinstance(error, GeosalError) or (isinstance(error, RuntimeError) and "memory" not in str(error)):
                raise
            raise ResourceError("out of memory; learn with a smaller --batch or --size") from error


def _prepare_torch(device: str, threads: int | None) -> str:
    try:
        import onnx  # noqa: F401
        import torch
    except ImportError as error:
        raise UsageError(f"training needs {error.name}, which is not installed; pip install 'geosal[train]'") from error
    torch.set_num_threads(threads or torch.get_num_threads())
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: torch finds no GPU here; use --device cpu")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def _make_room(directory: str, *, resume: bool, overwrite: bool) -> None:
    place = Path(directory)
    for name in (MODEL, REPORT, CONFUSION, LOG):
        if (place / name).exists() and not (place / CHECKPOINT).exists() and not overwrite:
            raise OutputError(
                f"{directory}: holds a {name} and no run that it belongs to; name another directory, or --overwrite"
            )
    if (place / CHECKPOINT).exists() and not (resume or overwrite):
        raise OutputError(f"{directory}: holds a run; go on with --resume, start again with --overwrite")
    if resume and not (place / CHECKPOINT).exists():
        raise UsageError(f"--resume: {directory} holds no {CHECKPOINT}; leave --resume out to start")
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{directory}: cannot be made: {error.strerror}; name another directory") from error
    if not os.access(place, os.W_OK):
        raise OutputError(f"{directory}: may not be written; name another directory")


def _make_learner(wish: Wish, pictures: Pictures, device: str, *, resume: bool) -> "Learner":
    from geosal.lab.training.learning import Learner

    settings = wish.settings
    split = Split.last(pictures.labels, pictures.classes, settings.validation, settings.test)
    learner = Learner(
        pictures, split, settings, wish.directory, device=device, vgg16_weights=None if resume else wish.vgg16_weights
    )
    if resume:
        learner.resume()
    return learner


def _finish(wish: Wish, learner: "Learner") -> Mapping[str, Any]:
    """Judge the best epoch, by pictures that did not choose it where there are some, and write model and report."""
    from geosal.lab.training.export import export
    from geosal.lab.training.networks import count_parameters

    classes = learner.pictures.classes
    validation = learner.judge(learner.split.validation, learner.best)
    test = learner.judge(learner.split.test, learner.best) if len(learner.split.test) else None
    judged, by = (test, "test") if test is not None else (validation, "validation")
    place = Path(wish.directory)
    card = ModelCard(
        classes=classes,
        weights=tuple(float(wish.class_weights.get(name, 1.0)) for name in classes),
        stride=learner.best.stride,
        size=wish.settings.size,
        ground_resolution=wish.ground_resolution,
        backbone=wish.settings.backbone,
        notes={
            **wish.notes,
            "accuracy": f"{judged.accuracy:.4f} on {judged.count} {by} pictures",
            "made_by": f"geosal {__version__}, epoch {learner.epoch} of {wish.settings.epochs}",
        },
    )
    export(learner.best, card, str(place / MODEL))
    report = {
        "model": str(place / MODEL),
        "bytes": (place / MODEL).stat().st_size,
        "parameters": count_parameters(learner.best),
        "epochs": learner.epoch,
        "complete": learner.epoch >= wish.settings.epochs,
        "pictures": {name: len(getattr(learner.split, name)) for name in ("train", "validation", "test")},
        "classes": list(classes),
        "settings": asdict(wish.settings),
        "validation": validation.to_document(classes),
        "test": test.to_document(classes) if test is not None else None,
    }
    _write(place / CONFUSION, judged.to_csv(classes))
    _write(place / REPORT, json.dumps(report, indent=2) + "\n")
    return report


def _write(path: Path, text: str) -> None:
    try:
        write_text(path, text)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}; the model itself is there") from error


def parse_weights(texts: Sequence[str]) -> dict[str, float]:
    """Read ``NAME=WEIGHT`` from the command line.

    Raises
    ------
    UsageError
        A text is no such pair.
    """
    weights = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            weights[name] = float(number)
        except ValueError:
            name = ""
        if not name:
            raise UsageError(f"--weight {text}: is no NAME=WEIGHT, such as Residential=1")
    return weights
