"""The grammar of SOURCE: ``NAME-OR-PATH[:KEY=VALUE,...]``.

Paths hold colons of their own (``s3://bucket/x.tif``, ``https://host:80/x.tif``, a Windows drive), so only a tail that
reads ``:key=value(,key=value)*`` is taken as parameters, and a text that is an existing file is a path as it stands.
A comma begins a parameter if a key follows it: ``roads.gpkg:where=kind IN (1,2),buffer=5px``. After a name of the
table values may hold colons too: ``clouds:from=s3://bucket/qa.tif``.
"""

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, Self

from geosal.core.gdal_env import path_text
from geosal.core.option_values import as_told, in_folder
from geosal.errors import UsageError
from geosal.names import did_you_mean
from geosal.sizes import as_number
from geosal.sources.table import SOURCES

KEY = r"[A-Za-z_][A-Za-z0-9_]*="
"""Regular expression for a parameter's name and its sign."""
_TEXT = re.compile(rf"(?P<target>.+?):(?P<pairs>{KEY}(?:[^:]|(?<=crs=(?i:EPSG|ESRI)):)*)", re.DOTALL)
_NAMED = re.compile(rf"(?P<target>{'|'.join(SOURCES)}):(?P<pairs>{KEY}.*)", re.DOTALL)
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_INTERVAL = re.compile(rf"({_NUMBER})-({_NUMBER})")
_PATH_KEYS = ("from", "model")
"""Parameters whose values are paths."""
_PLACE = re.compile(r"(?:[/~]|\.{1,2}/|\w{1,20}://).*", re.DOTALL)
"""A value that is a path or a URL, in a parameter of a plug-in, which nobody here knows."""
_OF_MEMORY = (
    "what is in memory goes to the methods of arrays: geosal.open_scene(input).geosal.compress(output, saliency), and "
    "likewise compare and verify"
)


@dataclass(frozen=True, slots=True)
class SourceText:
    """A parsed SOURCE; its parameters are still text.

    Attributes
    ----------
    text
        The text as the user wrote it.
    target
        A name of `SOURCES`, or a path or URL.
    params
        Key and value, in the order written.
    """

    text: str
    target: str
    params: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take a SOURCE apart.

        Raises
        ------
        UsageError
            The text is empty or none that a path can have, or a parameter is written twice.
        """
        path_text("saliency", text)
        if not text.strip():
            raise UsageError("saliency '': empty; give a name such as perlin, or the path of a mask")
        match = None if os.path.exists(text) else _NAMED.fullmatch(text) or _TEXT.fullmatch(text)
        if match is None:
            return cls(text, text)
        pairs = [pair.partition("=") for pair in re.split(rf",(?={KEY})", match["pairs"])]
        keys = [key for key, _, _ in pairs]
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise UsageError(f"{text}: {twice[0]} is given twice; give it once")
        return cls(text, match["target"], tuple((key, value.strip()) for key, _, value in pairs))

    @classmethod
    def parse_in(cls, text: str, folder: str | Path) -> Self:
        """Take apart a SOURCE whose paths count from a folder, such as that of a recipe; `text` has them as they are.

        Raises
        ------
        UsageError
            As `parse`.
        """
        if text not in SOURCES and os.path.exists(whole := in_folder(text, folder)):
            return cls.parse(whole)

        def place(path: str) -> str:
            placed = in_folder(path, folder)
            # Other names are those of plug-ins, or mistyped.
            return placed if any(mark in path for mark in "/\\.") or os.path.exists(placed) else path

        return cls.parse(text).moved(place)

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the paths that it names, which no output may replace: its target, ``from=`` and ``model=``."""
        given = (self.get(key) for key in _PATH_KEYS)
        return (*(() if self.target in SOURCES else (self.target,)), *(path for path in given if path))

    @property
    def bare(self) -> Self:
        """The same without the folders of its paths, and without what may be secret: as others may read it."""
        foreign = self.target not in SOURCES
        return self._moved(base_name, lambda key, value: key in _PATH_KEYS or (foreign and _PLACE.fullmatch(value)))

    def moved(self, place: Callable[[str], str]) -> Self:
        """The same with each of its paths replaced by what `place` makes of it."""
        return self._moved(place, lambda key, _: key in _PATH_KEYS)

    def _moved(self, place: Callable[[str], str], is_path: Callable[[str, str], object]) -> Self:
        """The same with paths replaced; the text stays as the user wrote it where they stay."""
        target = self.target if self.target in SOURCES else place(self.target)
        params = tuple((key, place(value) if value and is_path(key, value) else value) for key, value in self.params)
        if (target, params) == (self.target, self.params):
            return self
        pairs = ",".join(f"{key}={value}" for key, value in params)
        return type(self)(f"{target}:{pairs}" if pairs else target, target, params)

    def without(self, key: str) -> Self:
        """Return the same without a parameter; `text` stays as the user wrote it."""
        return replace(self, params=tuple(pair for pair in self.params if pair[0] != key))

    def only(self, *known: str) -> None:
        """Refuse parameters that are not in `known`.

        Raises
        ------
        UsageError
            Naming the known ones.
        """
        for key, _ in self.params:
            if key not in known:
                takes = f"takes {', '.join(known)}" if known else "takes no parameters"
                raise UsageError(
                    f"{self.text}: unknown parameter {key}; {self.target} {takes}{did_you_mean(key, known, '; ')}"
                )

    def get(self, key: str) -> str | None:
        """Return the value as text, None when not given."""
        return dict(self.params).get(key)

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """Return a whole number within [low, high].

        Raises
        ------
        UsageError
            The value is no whole number, or out of range.
        """
        value = self.get(key)
        if value is None:
            return default
        if not re.fullmatch(r"[+-]?\d{1,19}", value) or not low <= int(value) <= high:
            raise UsageError(f"{self.text}: {key}={value}; {key} is a whole number from {low} to {high}")
        return int(value)

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """Return a number within [low, high].

        Raises
        ------
        UsageError
            The value is no number, or out of range.
        """
        value = self.get(key)
        if value is None:
            return default
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise UsageError(
                f"{self.text}: {key}={value}; {key} is a number from {as_number(low)} to {as_number(high)}"
            )
        return number

    def interval(self, key: str) -> tuple[float, float] | None:
        """Return two numbers from ``LO-HI``, the values that mean 0 and 1; None when not given.

        Raises
        ------
        UsageError
            The value is no interval, or the first number is not below the second.
        """
        value = self.get(key)
        if value is None:
            return None
        match = _INTERVAL.fullmatch(value)
        if match is None or not float(match[1]) < float(match[2]) or math.isinf(float(match[2]) - float(match[1])):
            raise UsageError(f"{self.text}: {key}={value}; write the values that mean 0 and 1, such as {key}=0-255")
        return float(match[1]), float(match[2])

    def choice(self, key: str, default: str, choices: tuple[str, ...]) -> str:
        """Return one of `choices`.

        Raises
        ------
        UsageError
            The value is none of `choices`.
        """
        value = self.get(key)
        if value is None:
            return default
        if value not in choices:
            raise UsageError(
                f"{self.text}: {key}={value}; {key} is {' or '.join(choices)}{did_you_mean(value, choices, '; ')}"
            )
        return value


class Opener(Protocol):
    """Opens what a caller gives as a source, where that is no text; see `geosal.sources.base.Source.open`."""

    def open(self, source: SourceText, context: Any) -> Any:
        """Open it for what a context tells."""


@dataclass(frozen=True, slots=True)
class Given(SourceText):
    """A source that a caller has in memory; `text` is what to call it.

    Attributes
    ----------
    opener
        Opens it.
    """

    opener: Opener = field(kw_only=True)

    @property
    def paths(self) -> tuple[str, ...]:
        """No paths."""
        return ()


def base_name(path: str) -> str:
    """Return the last part of a path or a URL, without what is asked of a server."""
    asked = "://" in path or path.startswith("/vsi")
    bare = path.partition("?")[0] if asked else path
    return os.path.basename(bare.rstrip("/")) or path


def source_texts(sources: Any) -> list[str]:
    """Take one SOURCE or several, given as texts or path objects, for what reads files.

    Raises
    ------
    UsageError
        One of them is neither.
    """
    several = sources if isinstance(sources, list | tuple) else [sources]
    for source in several:
        if not isinstance(source, str | os.PathLike):
            mend = _OF_MEMORY if _is_data(source) else "geosal sources lists the names"
            raise UsageError(f"saliency={as_told(source)}: a source of saliency is a name or a path; {mend}")
    return [path_text("saliency", source) for source in several]


def _is_data(source: object) -> bool:
    """Return whether a source is an array, a table or a geometry."""
    return any(hasattr(source, name) for name in ("__geo_interface__", "geometry", "dtype", "data_vars"))
