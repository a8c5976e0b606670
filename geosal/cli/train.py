"""``geosal train``: a network for saliency, learned from pictures sorted into classes."""

import sys
from typing import TYPE_CHECKING, Any

import click

from geosal.cli import options
from geosal.cli.guard import say
from geosal.cli.output import Report, grid, pairs
from geosal.cli.panels import PanelledCommand
from geosal.errors import UsageError
from geosal.lab.training.settings import BACKBONES, OPTIMIZERS, RECIPES, SCHEDULES, Settings
from geosal.sizes import as_bytes, counted

if TYPE_CHECKING:
    from geosal.lab.training.log import Epoch

DIRECTORY = "msroi-run"
_MOST_CLASSES = 12
"""Most classes whose confusion matrix a terminal shows."""

_knobs = options.together(
    click.option("--size", type=int, metavar="PX", help="Edge of the resized pictures, in pixels: 224; compact 64."),
    click.option("--epochs", type=int, metavar="N", help="Rounds over the pictures: 100; brisk 40."),
    click.option("--batch", type=int, metavar="N", help="Pictures of a step: 32; brisk 64."),
    click.option("--optimizer", type=click.Choice(OPTIMIZERS), help="adam; brisk adamw."),
    click.option("--learning-rate", type=float, metavar="RATE", help="0.0001; brisk 0.004, the highest."),
    click.option("--weight-decay", type=float, metavar="DECAY", help="Of adamw."),
    click.option("--schedule", type=click.Choice(SCHEDULES), help="Of the learning rate: constant; brisk one-cycle."),
    click.option("--label-smoothing", type=float, metavar="SHARE", help="0; brisk 0.05."),
    click.option("--average", type=float, metavar="DECAY", help="Moving average of the weights: 0; brisk 0.98."),
    click.option("--rotation", type=float, metavar="DEGREES", help="Augmentation: turned up to 30 degrees."),
    click.option("--zoom", type=float, metavar="SHARE", help="Augmentation: zoomed by up to 0.3."),
    click.option("--flips/--no-flips", default=None, help="Augmentation: mirrored both ways."),
    click.option("--quarter-turns/--no-quarter-turns", default=None, help="Augmentation: turned by 90 degrees; brisk."),
    click.option("--jitter", type=float, metavar="SHARE", help="Augmentation: light and colour; brisk 0.1."),
    click.option("--mosaic", type=float, metavar="SHARE", help="Steps with pictures side by side; brisk 0.5."),
    click.option(
        "--validation",
        type=int,
        metavar="N",
        help="Last N of a class, before --test, choose the epoch: 15.",
    ),
    click.option("--test", type=int, metavar="N", help="Last N pictures of a class only judge the outcome: 0."),
    click.option("--head-relu/--no-head-relu", default=None, help="ReLU after VGG16's three added convolutions."),
    click.option("--seed", type=int, metavar="N", help="Seed of all randomness: 0."),
)


@click.command(cls=PanelledCommand, short_help="Learn a source of saliency from pictures.")
@click.argument("data", metavar="DATA")
@click.option("-o", "--output", default=DIRECTORY, show_default=True, metavar="DIRECTORY", help="Where the run lives.")
@click.option("--backbone", type=click.Choice(BACKBONES), default="vgg16", show_default=True, help="The architecture.")
@click.option("--recipe", type=click.Choice(list(RECIPES)), default="paper", show_default=True, help="How to learn.")
@click.option("--classes", metavar="NAMES", help="Classes to learn, with commas between; all by default.")
@click.option("--weight", "weights", multiple=True, metavar="NAME=W", help="How much a class matters in maps, 0 to 1.")
@click.option("--ground-resolution", type=float, metavar="METRES", help="Size of a pixel of the pictures.")
@click.option("--vgg16-weights", metavar="FILE", help="torchvision's VGG16 state dict, to start from.")
@click.option("--note", "notes", multiple=True, metavar="KEY=TEXT", help="For the model card: data=..., licence=...")
@_knobs
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Stop after the last epoch that fits in.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", help="Where to compute.")
@click.option("--threads", type=click.IntRange(1), metavar="N", help="Threads on the CPU.")
@click.option("--resume", is_flag=True, help="Resume from the checkpoint in the directory.")
@options.overwrite
@options.report_options
def train(data: str, output: str, backbone: str, recipe: str, report: Report, quiet: bool, **given: Any) -> None:
    """Learn classes and where they are from DATA: a folder, or a .tar.gz, with a folder of pictures for each class.

    \b
    geosal train 101_ObjectCategories --vgg16-weights vgg16-397923af.pth
    geosal train EuroSAT_RGB.tar.gz --backbone compact --recipe brisk

    The directory gets model.onnx, log.csv, report.json, confusion.csv and checkpoint.pt. Needs geosal[train].
    """
    from geosal.lab.training.log import CHECKPOINT, LOG  # heavy, and the help does not need it
    from geosal.lab.training.train import CONFUSION, MODEL, REPORT, Wish, parse_weights
    from geosal.lab.training.train import train as run_training

    made = (f"{output}/{name}" for name in (MODEL, LOG, REPORT, CONFUSION, CHECKPOINT))
    report.keep_apart(data, given["vgg16_weights"], *made)
    changes = {name: value for name, value in given.items() if value is not None}
    classes = tuple(name.strip() for name in (given["classes"] or "").split(",") if name.strip())
    if given["classes"] is not None and not classes:
        raise UsageError(f"--classes {given['classes']!r}: names no class; name some, or leave it out for all")
    wish = Wish(
        data=data,
        directory=output,
        settings=Settings.of(backbone, recipe, changes),
        classes=classes,
        class_weights=parse_weights(given["weights"]),
        ground_resolution=given["ground_resolution"],
        vgg16_weights=given["vgg16_weights"],
        notes=dict(_pair(text) for text in given["notes"]),
    )
    outcome = run_training(
        wish,
        None if quiet else _tell,
        resume=given["resume"],
        overwrite=given["overwrite"],
        device=given["device"],
        threads=given["threads"],
        seconds=None if given["minutes"] is None else 60 * given["minutes"],
    )
    report.summarise(_as_table(outcome))
    report.write(outcome)


def _pair(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    if not key or not value:
        raise click.BadParameter(f"{text!r} is no KEY=TEXT", param_hint="--note")
    return key, value


def _tell(epoch: "Epoch") -> None:
    """Print a line for an epoch, on stderr."""
    if epoch.epoch == 1 or sys.stderr.isatty() or epoch.epoch % 5 == 0:
        say(
            f"epoch {epoch.epoch}: loss {epoch.loss:.3f}, accuracy {100 * epoch.accuracy:.1f} %, validation "
            f"{epoch.validation_loss:.3f}, {100 * epoch.validation_accuracy:.1f} % ({epoch.seconds:.0f} s)"
        )


def _as_table(outcome: Any) -> str:
    judged = outcome["test"] or outcome["validation"]
    by = "test" if outcome["test"] else "validation"
    rows = [
        ("model", f"{outcome['model']} ({as_bytes(outcome['bytes'])}, {outcome['parameters']:,} parameters)"),
        ("epochs", f"{outcome['epochs']} of {outcome['settings']['epochs']}"),
        ("accuracy", f"{100 * judged['accuracy']:.1f} % on {counted(judged['pictures'], f'{by} picture')}"),
        ("top 5", f"{100 * judged['top5_accuracy']:.1f} %"),
    ]
    table = pairs(rows)
    classes = outcome["classes"]
    if len(classes) > _MOST_CLASSES:
        return table
    header = ("class", *(name[:6] for name in classes), "recall")
    lines = [
        (name, *map(str, row), f"{100 * judged['recall'][name]:.1f} %")
        for name, row in zip(classes, judged["confusion"], strict=True)
    ]
    return f"{table}\n\n{grid(header, lines)}"
