"""Reference pages made from the code: a page for each command, and the lists of sources and profiles.

They are written before Sphinx reads its pages and are not kept: what the code says cannot be out of date.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from click.testing import CliRunner
from sphinx.application import Sphinx

from geosal.cli.main import geosal

MADE = "commands"
"""Folder under reference/ that holds nothing else; git ignores it."""


class MarkdownFormatter(click.HelpFormatter):
    """Takes what a command writes as its help, in whatever panels, and makes Markdown of it."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the usage line in a fence."""
        del prefix
        self.write(f"```text\n{prog} {args}\n```\n\n")

    def write_text(self, text: str) -> None:
        """Write paragraphs, and examples in fences."""
        for paragraph in _paragraphs(text):
            self.write(f"{paragraph}\n\n")

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write options as a list of definitions."""
        del col_max, col_spacing
        for term, told in rows:
            self.write(f"`{term}`\n: {' '.join(_escaped(told).split())}\n\n")

    @contextlib.contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Write a panel under a heading of its own."""
        self.write(f"## {name}\n\n")
        yield

    def write_paragraph(self) -> None:
        """Do nothing: paragraphs end themselves."""

    def indent(self) -> None:
        """Do nothing: Markdown needs none."""

    def dedent(self) -> None:
        """Do nothing, as above."""


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.replace("\r", "").split("\n\n"):
        if paragraph.lstrip().startswith("\b"):
            lines = paragraph.lstrip().removeprefix("\b").strip("\n")
            yield f"```sh\n{lines}\n```"
        elif paragraph.strip():
            yield " ".join(_escaped(paragraph).split())


def _escaped(text: str) -> str:
    for sign in "\\*_<>|$[]":
        text = text.replace(sign, f"\\{sign}")
    return text


def page_of(name: str) -> str:
    """Return the page of a command, as its own help has it."""
    command = geosal.commands[name]
    context = click.Context(command, info_name=f"geosal {name}")
    formatter = MarkdownFormatter()
    command.format_help(context, formatter)
    return f"# geosal {name}\n\n{formatter.getvalue()}"


def listing(*words: str) -> str:
    """Return what a command prints, in a fence."""
    result = CliRunner().invoke(geosal, words, catch_exceptions=False)
    return f"```text\n{result.output.strip()}\n```\n"


def write_pages(app: Sphinx) -> None:
    """Write all pages into the folder that Sphinx is about to read."""
    folder = Path(app.srcdir) / "reference" / MADE
    folder.mkdir(exist_ok=True)
    names = list(geosal.commands)
    pages = {name: page_of(name) for name in names}
    pages["index"] = _index(names)
    pages["catalogue"] = _catalogue()
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:  # an unchanged page is not read again
            path.write_text(text, encoding="utf-8")


def _index(names: Sequence[str]) -> str:
    rows = [
        f"| [geosal {name}]({name}.md) | {_escaped(geosal.commands[name].get_short_help_str(90))} |" for name in names
    ]
    entries = "\n".join([*names, "catalogue"])
    return (
        "# Commands\n\nThese pages are made from the code. All commands also work as `rio geosal …`.\n\n"
        "| command | does |\n|---|---|\n" + "\n".join(rows) + "\n\n"
        "[Sources and profiles](catalogue.md): what `geosal sources` and `geosal profiles` print.\n\n"
        f"```{{toctree}}\n:hidden:\n\n{entries}\n```\n"
    )


def _catalogue() -> str:
    return (
        "# Sources and profiles, as printed\n\n"
        f"## geosal sources\n\n{listing('sources')}\n## geosal profiles\n\n{listing('profiles')}"
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Take part in Sphinx."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
