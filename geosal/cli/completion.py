"""What a shell offers for the values of options; each function imports what it needs when the shell asks."""

from collections.abc import Iterable
from contextlib import suppress

import click
from click.shell_completion import CompletionItem


def complete_profile(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the codecs of the output's format, or all of them while there is no output."""
    from geosal.errors import UsageError
    from geosal.formats.table import PROFILES, format_of

    names: Iterable[str] = PROFILES
    if len(context.args) == 2:  # what click has not taken yet: input and output
        with suppress(UsageError):
            names = [codec.name for codec in format_of(context.args[1]).codecs]
    return _starting(names, incomplete)


def complete_source(_context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the named sources, and files where no name begins so."""
    from geosal.sources.table import SOURCES

    return _starting(SOURCES, incomplete) or [CompletionItem(incomplete, type="file")]


def complete_treatment(_context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the treatments."""
    from geosal.core.treatment import KINDS

    return _starting(KINDS, incomplete)


def complete_file(_context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer files and folders."""
    return [CompletionItem(incomplete, type="file")]


def complete_folder(_context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer folders."""
    return [CompletionItem(incomplete, type="dir")]


def _starting(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete.lower())]
