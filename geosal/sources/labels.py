"""What one source is called in the files that it makes: no folders, no secrets, and a digest of what it reads."""

import hashlib
import os

from geosal.errors import UsageError, redact
from geosal.sources.base import Source
from geosal.sources.files import digest
from geosal.sources.registry import is_plugged
from geosal.sources.text import SourceText


def told_of(source: Source) -> dict[str, str]:
    """Tell a source: its text as ``source``, and the digest of the file that it names, or of what it reads.

    Where there is none to be had, as of a file on a server, ``place`` is the digest of where that lies.
    """
    text = SourceText.parse(source.text)
    told = {"source": redact(text.bare.text)}
    if source.fingerprint:
        model = text.get("model")
        return told | {"sha256": digest(model) if model and os.path.isfile(model) else source.fingerprint}
    if not text.paths or is_plugged(text):
        return told
    return told | {"place": hashlib.sha256(redact(source.text).encode()).hexdigest()}


def label_of(source: Source) -> str:
    """Return a source in one line for people."""
    told = told_of(source)
    marks = (("sha256", source.fingerprint), ("place", told.get("place")))
    return told["source"] + "".join(f" ({name} {value})" for name, value in marks if value)


def is_said(part: str, source: Source) -> bool:
    """Return whether a part of a label is of the same source, by its hash and its parameters, whatever the folder."""
    mark = f" (sha256 {source.fingerprint})" if source.fingerprint else ""
    if not mark or not part.endswith(mark):
        return part == label_of(source)
    try:
        ours, theirs = (_without_folders(SourceText.parse(one)) for one in (source.text, part.removesuffix(mark)))
    except UsageError:
        return False
    return ours == theirs


def _without_folders(source: SourceText) -> tuple[str, list[tuple[str, str]]]:
    """What a text says beside the contents of its file; the suffix decides how the file is read."""
    params = [(key, _suffix(value) if key in {"from", "model"} else value) for key, value in source.params]
    return _suffix(source.target), sorted(params)


def _suffix(path: str) -> str:
    return os.path.splitext(path)[1].lower() or path
