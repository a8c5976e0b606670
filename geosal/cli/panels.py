"""Help in panels, what most people want first, and examples at the end.

click's own help is one list. Packages that have groups (cloup, click-option-group, rich-click) bring decorators of
their own, which every option that commands share would have to take; here a table beside the options says it all, and
any formatter can write it, such as that of the documents.
"""

import inspect
import re
from collections.abc import Mapping, Sequence

import click

PANELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Where to look", ("saliency", "combine", "outside", "background")),
    ("What it does to pixels", ("treatment", "steps", "sigma")),
    ("Codec", ("profile", "profiles", "quality", "creation_options")),
    (
        "Size or quality",
        (
            "target_size", "target_bpp", "target_ratio", "target_jpeg", "min_psnr", "min_ssim", "not_larger",
            "careful",
        ),
    ),
    ("The network", ("backbone", "recipe", "classes", "weights", "ground_resolution", "vgg16_weights", "notes")),
    (
        "How it learns",
        (
            "size", "epochs", "batch", "optimizer", "learning_rate", "weight_decay", "schedule", "label_smoothing",
            "average", "head_relu", "validation", "test", "seed",
        ),
    ),
    ("How pictures are varied", ("rotation", "zoom", "flips", "quarter_turns", "jitter", "mosaic")),
    (
        "What is read",
        (
            "against", "images", "scene", "bands", "bidx", "resolution", "resampling", "to_byte", "select", "stack",
            "data_range", "max_pixels", "drivers", "strict", "root",
        ),
    ),
    (
        "Files and recipes",
        (
            "path", "output", "names", "out_dir", "suffix", "table", "error_map", "picture", "levels", "preview",
            "palette", "side", "title", "index", "page", "stac", "datetime", "seal", "overwrite", "config", "like",
            "resume",
        ),
    ),
    (
        "How it runs",
        ("workers", "scheduler", "insecure_cluster", "max_memory", "block", "minutes", "device", "threads"),
    ),
)  # fmt: skip
"""Titles, and the names of their parameters; what is in none of them, such as --json, comes last."""
_OTHERS = "What is told"
COMMANDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Compress", ("compress", "plan", "demo")),
    ("Look at a file", ("info", "view", "saliency")),
    ("See what was lost", ("verify", "compare", "report")),
    ("What there is", ("sources", "profiles", "versions")),
    ("Research", ("train", "experiment", "figures")),
)
"""Titles, and the names of commands; what is in none of them comes last."""


class PanelledCommand(click.Command):
    """A command whose help shows its options in panels, and its examples at the end."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command does, without its examples."""
        del ctx
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text("\n\n".join(part for part in self._paragraphs() if not _is_verbatim(part)))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each panel that has options of this command."""
        named = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        _write(PANELS, _OTHERS, {str(option.name): option.get_help_record(ctx) for option in named}, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        r"""Write the examples: paragraphs of the docstring behind a \b, which click does not wrap."""
        super().format_epilog(ctx, formatter)
        if examples := [part for part in self._paragraphs() if _is_verbatim(part)]:
            with formatter.section("Examples"):
                formatter.write_text("\n\n".join(examples))

    def _paragraphs(self) -> Sequence[str]:
        return re.split(r"\n{2,}", inspect.cleandoc(self.help or ""))


def write_commands(group: click.Group, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """Write the commands of a group in panels, with as much of what they do as a line takes."""
    names = group.list_commands(ctx)
    room = formatter.width - 6 - max(map(len, names))
    records = {name: (name, group.commands[name].get_short_help_str(room)) for name in names}
    _write(COMMANDS, "Other commands", records, formatter)


def _write(
    panels: Sequence[tuple[str, Sequence[str]]],
    others: str,
    records: Mapping[str, tuple[str, str] | None],
    formatter: click.HelpFormatter,
) -> None:
    known = {name for _, names in panels for name in names}
    rest = (others, tuple(name for name in records if name not in known))
    for title, names in (*panels, rest):
        rows = [record for name in names if (record := records.get(name)) is not None]
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _is_verbatim(paragraph: str) -> bool:
    return paragraph.lstrip(" ").startswith("\b")
