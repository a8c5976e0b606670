"""Help of commands with many options, in panels: what most people want comes first."""

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
    (
        "What is read",
        ("bands", "bidx", "resolution", "resampling", "to_byte", "select", "stack", "max_pixels", "drivers"),
    ),
    ("Files and recipes", ("out_dir", "suffix", "overwrite", "config", "like", "page")),
    ("How it runs", ("workers", "scheduler", "max_memory", "block")),
)  # fmt: skip
"""Titles, and the names of their parameters; what is in none of them, such as --json, comes last."""
_OTHERS = "What is told"


class PanelledCommand(click.Command):
    """A command whose help shows its options in panels."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each panel that has options of this command."""
        named = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        records = {option.name: option.get_help_record(ctx) for option in named}
        known = {name for _, names in PANELS for name in names}
        others = tuple(str(name) for name in records if name not in known)
        for title, names in (*PANELS, (_OTHERS, others)):
            rows = [record for name in names if (record := records.get(name)) is not None]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
