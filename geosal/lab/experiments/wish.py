"""What every study is asked: images, how they are read, and where its report goes; every key of the YAML checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Self

from geosal.core.gdal_env import path_text
from geosal.core.option_values import refuse_unknown, require
from geosal.errors import UsageError
from geosal.scenes import Reading
from geosal.scenes.rules import ByteRule

Convert = Callable[[str, Any], Any]
"""Turns a value of the YAML into that of a field; its first argument is the key, for messages."""


@dataclass(frozen=True, kw_only=True)
class Collection:
    """Images that are read in one way.

    Attributes
    ----------
    places
        Folders and files; of a data set one folder.
    layout, parts
        The data set whose folders these are, and which parts of it; see `geosal.lab.datasets`. None for plain folders.
    bidx, bands, to_byte
        How images are read, instead of as all others.
    """

    places: tuple[str, ...]
    layout: str | None = None
    parts: tuple[str, ...] = ()
    bidx: tuple[int, ...] = ()
    bands: tuple[str, ...] = ()
    to_byte: str | None = None

    def __post_init__(self) -> None:
        if self.to_byte is not None:
            ByteRule.parse(self.to_byte)

    def to_plain(self) -> dict[str, Any]:
        """Return what is said, as plain data."""
        return {field.name: plain(value) for field in fields(self) if (value := getattr(self, field.name))}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """The keys that all studies share.

    Attributes
    ----------
    images
        Name of a collection -> its images.
    output
        Folder of the report.
    bidx, bands, to_byte
        See `geosal.Recipe`.
    limit
        Most images of a collection, the first ones; None for all.
    keep
        Keep the files that are made in the folder ``images`` of the output.
    """

    images: Mapping[str, Collection]
    output: str
    bidx: tuple[int, ...] = ()
    bands: tuple[str, ...] = ()
    to_byte: str | None = None
    limit: int | None = None
    keep: bool = False

    converts: ClassVar[Mapping[str, Convert]] = {}
    """Conversion of each key that only this study has."""
    needs: ClassVar[Mapping[str, str]] = {}
    """Keys without which this study cannot be -> an example."""

    def __post_init__(self) -> None:
        if not self.images or not all(collection.places for collection in self.images.values()):
            raise UsageError(
                "images: nothing to look at; name a folder, a list of files, or a mapping of names to them"
            )
        require(self.limit is None or self.limit >= 1, "limit", self.limit, "above 0")
        if self.to_byte is not None:
            ByteRule.parse(self.to_byte)

    def reading(self, collection: str) -> Reading:
        """Return how the images of a collection are read."""
        own = self.images[collection]
        bidx, bands = (own.bidx, own.bands) if own.bidx or own.bands else (self.bidx, self.bands)
        return Reading(bidx=bidx, bands=bands, to_byte=own.to_byte or self.to_byte)

    @classmethod
    def from_mapping(cls, wish: Mapping[str, Any]) -> Self:
        """Check and convert plain data.

        Raises
        ------
        UsageError
            An unknown key (with the nearest known one), no images, a key that lacks, or a value that cannot be.
        """
        refuse_unknown(wish, [field.name for field in fields(cls)], "no such option of an experiment")
        convert = {**_CONVERT, **cls.converts}
        given = {key: convert[key](key, value) for key, value in wish.items() if value is not None}
        if "images" not in given:
            raise UsageError(
                "images: nothing to look at; name a folder, in RECIPE (images: my-pictures) or on the command line "
                "(--images my-pictures)"
            )
        for name, example in cls.needs.items():
            if name not in given:
                raise UsageError(
                    f"{name}: RECIPE does not tell them, and this study needs them; write {name}: {example}"
                )
        return cls(**given)

    def to_plain(self) -> dict[str, Any]:
        """Return the wish as plain data, without the folder of the report."""
        return {field.name: plain(getattr(self, field.name)) for field in fields(self) if field.name != "output"}


def plain(value: Any) -> Any:
    """Return mappings and tuples as plain data."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value.to_plain() if hasattr(value, "to_plain") else value


def text(name: str, value: Any) -> str:
    """Read text."""
    require(isinstance(value, str) and value, name, value, "text")
    return path_text(name, value)


def texts(name: str, value: Any) -> tuple[str, ...]:
    """Read text, or a list of texts."""
    require(isinstance(value, str | list | tuple), name, value, "text, or a list of texts")
    return tuple(text(name, item) for item in ([value] if isinstance(value, str) else value))


def integer(name: str, value: Any) -> int:
    """Read a whole number."""
    require(isinstance(value, int) and not isinstance(value, bool), name, value, "a whole number")
    return int(value)


def integers(name: str, value: Any) -> tuple[int, ...]:
    """Read a whole number, or a list of them."""
    return tuple(integer(name, item) for item in (value if isinstance(value, list | tuple) else [value]))


def flag(name: str, value: Any) -> bool:
    """Read true or false."""
    require(isinstance(value, bool), name, value, "true or false")
    return bool(value)


def collections(name: str, value: Any) -> Mapping[str, Collection]:
    """Read collections of images: names with their images, or images alone; see `name_of_place`."""
    if isinstance(value, Mapping) and not _OF_ONE & set(value):
        return MappingProxyType({str(key): _collection(f"{name}.{key}", item) for key, item in value.items()})
    one = _collection(name, value)
    return MappingProxyType({name_of_place(one.places[0]) if len(one.places) == 1 else "images": one})


def name_of_place(place: str) -> str:
    """Return the name of a collection that is a single folder or file, and was given none: that of the folder."""
    return Path(place).resolve().name or "images"


def with_folders(recipe: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Put folders in the place of those of a recipe: what it says of how a collection of that name is read stays."""
    there = recipe if isinstance(recipe, Mapping) else {}
    return {
        name: {**there[name], "folder": places} if isinstance(there.get(name), Mapping) else places
        for name, places in given.items()
    }


_OF_ONE = frozenset({"folder", "layout"})


def _collection(name: str, value: Any) -> Collection:
    """Read a collection: folders and files, or a mapping that also says how they are read."""
    if not isinstance(value, Mapping):
        return Collection(places=texts(name, value))
    known = ("folder", "layout", "parts", "bidx", "bands", "to_byte")
    refuse_unknown(value, known, f"no such option of {name}")
    require(value.get("folder"), f"{name}.folder", value.get("folder"), "a folder, or a list of folders and files")
    given = {key: _OF_COLLECTION[key](f"{name}.{key}", item) for key, item in value.items() if item is not None}
    places = given.pop("folder")
    if "layout" in given:
        _refuse_layout(name, places, given)
    return Collection(places=places, **given)


def _refuse_layout(name: str, places: tuple[str, ...], given: Mapping[str, Any]) -> None:
    """Refuse a data set that is none, or that is read otherwise than as such."""
    from geosal.lab.datasets import LAYOUTS  # most recipes name none

    refuse_unknown([given["layout"]], list(LAYOUTS), f"{name}.layout: no such layout of a data set")
    require(len(places) == 1, f"{name}.folder", list(places), "one folder, as layout says what lies in it")
    own = [key for key in ("bidx", "bands", "to_byte") if key in given]
    if own:
        raise UsageError(f"{name}.{own[0]}: layout says how images are read; leave one of them out")


_CONVERT: Mapping[str, Convert] = MappingProxyType({
    "images": collections, "output": text, "bidx": integers, "bands": texts, "to_byte": text, "limit": integer,
    "keep": flag,
})  # fmt: skip
_OF_COLLECTION: Mapping[str, Convert] = MappingProxyType({
    "folder": texts, "layout": text, "parts": texts, "bidx": integers, "bands": texts, "to_byte": text,
})  # fmt: skip
