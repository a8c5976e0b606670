"""What is asked of a report, and what can be refused before any pixel is read."""

import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from geosal.core.option_values import require
from geosal.errors import SceneError, UsageError
from geosal.files.publish import WorkDirectory, check_output
from geosal.job.proof import require_output
from geosal.scenes import AnyScene
from geosal.sources import Saliency, SourceText, source_texts
from geosal.verification import Asked

MOST_OUTPUTS = 8
"""Outputs that one report can hold: more make it too large to open."""
SUFFIXES = (".html", ".htm")
_UNSHOWN = {"Cc", "Cs"}
"""Categories of characters that a title cannot have: control characters, and bytes that are no UTF-8."""


@dataclass(frozen=True, kw_only=True)
class ReportSpec:
    """What a report is to show.

    Attributes
    ----------
    original
        The scene, as `geosal.compare` takes it: a path, or opened.
    outputs
        Paths of what was made of it, at most `MOST_OUTPUTS`.
    path
        The page to write.
    saliency
        Of the jobs; by default as each output says.
    title
        Heading; by default the names of the files.
    overwrite
        Whether the page may replace a file.
    options
        How the scene is read and how sources unite: see `geosal.job.proof.hold`.
    """

    original: str | AnyScene
    outputs: tuple[str, ...]
    path: str
    saliency: Asked = None
    title: str | None = None
    overwrite: bool = False
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def check(self, *, unmade: bool = False) -> None:
        """Refuse what cannot be made.

        Parameters
        ----------
        unmade
            The outputs are still to come.

        Raises
        ------
        UsageError
            No output, too many, one twice, a page that does not end in ``.html``, or a title that is no text.
        SceneError
            An output is not there.
        OutputError
            The page cannot be written.
        """
        ok = self.title is None or (
            isinstance(self.title, str) and not _UNSHOWN & {*map(unicodedata.category, self.title)}
        )
        require(ok, "title", self.title, "text in UTF-8, without control characters")
        if not self.outputs:
            raise UsageError("a report without an output: name what was made of the scene")
        if len(self.outputs) > MOST_OUTPUTS:
            raise UsageError(f"{len(self.outputs)} outputs; a report holds {MOST_OUTPUTS} at most: make several")
        places = [os.path.realpath(path) for path in self.outputs]
        for path, place in zip(self.outputs, places, strict=True):
            if places.count(place) > 1:
                raise UsageError(f"{path}: is named twice; name each output once")
        if Path(self.path).suffix.lower() not in SUFFIXES:
            raise UsageError(f"report {self.path}: reports are HTML; give a name that ends in .html")
        check_output(self.path, overwrite=self.overwrite, inputs=[*self._inputs()])
        if not unmade:
            for path in self.outputs:
                require_output(path)
                if os.path.exists(path) and isinstance(self.original, str) and _is_same(path, self.original):
                    raise SceneError(f"{path}: is the original as well; name what was made of it")
        with WorkDirectory(self.path, overwrite=self.overwrite):
            pass  # tried before the work: permissions do not tell all that a file system refuses

    def _inputs(self) -> list[str]:
        original = self.original if isinstance(self.original, str) else self.original.path
        asked = self.saliency
        texts = () if asked is None or isinstance(asked, Saliency) else source_texts(asked)
        named = [path for text in texts for path in SourceText.parse(text).paths]
        return [original, *self.outputs, *named]


def _is_same(path: str, other: str) -> bool:
    return os.path.exists(other) and os.path.samefile(path, other)
