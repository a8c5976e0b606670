"""What a shell offers for the values of options; it knows the words without what they name."""

from collections.abc import Iterable
from itertools import chain

import click
from click.shell_completion import CompletionItem

from geosal.names import CONFIGS, OF_FILES, PROFILES, SOURCES, TREATMENTS


def complete_profile(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the codecs of the output's format, or all of them while there is no output."""
    written = context.args[1].lower() if len(context.args) == 2 else ""  # what click has not taken yet: both paths
    fitting = next((names for suffixes, names in PROFILES.items() if written.endswith(suffixes)), None)
    return _starting(fitting or chain(*PROFILES.values()), incomplete)


def complete_source(_context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the named sources, and files where no name begins so."""
    return _starting(SOURCES, incomplete) or [CompletionItem(incomplete, type="file")]


def complete_kind(_context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer all that ``geosal sources`` tells of: named sources, and those that read files."""
    return _starting((*SOURCES, *OF_FILES), incomplete)


def complete_codec(_context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer all codecs."""
    return _starting(chain(*PROFILES.values()), incomplete)


def complete_config(_context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the recipes that come with geosal, and files where no name begins so."""
    return _starting(CONFIGS, incomplete) or [CompletionItem(incomplete, type="file")]


def complete_treatment(_context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the treatments."""
    return _starting(TREATMENTS, incomplete)


def complete_file(_context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer files and folders."""
    return [CompletionItem(incomplete, type="file")]


def complete_folder(_context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer folders."""
    return [CompletionItem(incomplete, type="dir")]


def _starting(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete.lower())]
