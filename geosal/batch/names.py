"""Which inputs are meant, and what their outputs are called."""

import glob
import os

from geosal.errors import UsageError
from geosal.files.names import stem_of
from geosal.names import PROFILES

USUAL_SUFFIX = ".tif"


def is_pattern(text: str) -> bool:
    """Return whether a text is a pattern of names such as ``scenes/*.tif``; URLs may hold its signs."""
    return glob.has_magic(text) and "://" not in text and not text.startswith("/vsi") and not os.path.exists(text)


def paths_meant(text: str) -> list[str]:
    """List the paths that a path or a pattern means.

    Raises
    ------
    UsageError
        No file fits the pattern.
    """
    if not is_pattern(text):
        return [text]
    found = sorted(glob.glob(text, recursive=True))
    if not found:
        raise UsageError(f"{text}: no file fits this pattern; look at it with ls")
    return found


def output_for(path: str, directory: str, suffix: str) -> str:
    """Name the output of an input: its name without the ending, and a suffix, in a directory.

    Parameters
    ----------
    path
        The input.
    directory
        Of the output.
    suffix
        What comes after the name: ``.tif``, ``_small.jp2``, or just ``jp2``.
    """
    return os.path.join(directory, stem_of(path) + ending_of(suffix))


def ending_of(suffix: str) -> str:
    """Return a suffix with its dot."""
    return suffix if "." in suffix else f".{suffix}"


def suffix_for(profile: str | None) -> str:
    """Return the suffix of the files that a profile writes; the usual one without a profile, or of an unknown one."""
    return next((suffixes[0] for suffixes, names in PROFILES.items() if profile in names), USUAL_SUFFIX)


def writes(profile: str | None, suffix: str) -> bool:
    """Return whether a file with this suffix can be written, by a profile where one is named."""
    return any(
        suffix.lower() in suffixes and (profile is None or profile in names) for suffixes, names in PROFILES.items()
    )
