"""The tables of a study, read back, and the means that figures show."""

import csv
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geosal.errors import SceneError, cause_of
from geosal.files.atomic import open_plain
from geosal.files.journal import JOURNAL, Before
from geosal.sizes import listed

SWEEP, LEVELS, DETECTION = "sweep", "levels", "detection"
"""Names of tables: rows for files, for levels of saliency in files, and for runs of a detector."""
FILES = tuple(f"{name}.csv" for name in (SWEEP, LEVELS, DETECTION))
UNIFORM = "none"
"""Mask of a file whose image was smoothed by one kernel everywhere."""
TEXTS = frozenset({"dataset", "image", "mask", "encoder", "parameter", "detector", "baseline"})
"""Columns of text; all others hold numbers."""
_KEYS = ("dataset", "image", "detector", "mask", "kernel", "encoder", "parameter", "setting", "level")
"""Columns that tell rows apart."""
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    SWEEP: ("dataset", "image", "mask", "kernel", "effective_kernel", "encoder", "bpp", "reduction_of_original", "mse"),
    LEVELS: ("dataset", "image", "mask", "encoder", "level", "saliency", "mse", "reduction"),
    DETECTION: (),
}
"""Columns without which a table is not what its name says."""
_MADE_BY = {
    **dict.fromkeys((SWEEP, LEVELS), "a recipe of study: sweep, such as configs/paper/study.yaml"),
    DETECTION: "a recipe of study: detection, such as configs/paper/detection.yaml",
}


class LackError(SceneError):
    """A table lacks what a figure shows."""


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a table by column.

    Attributes
    ----------
    path
        Of the file, for messages.
    columns
        Name -> values, text or float64 (rows,); NaN where a number is unknown.
    """

    path: str
    columns: Mapping[str, NDArray[Any]]

    @classmethod
    def read(cls, path: str, wanted: Sequence[str]) -> Self:
        """Read a CSV with a line of names.

        Parameters
        ----------
        path
            Of the file.
        wanted
            Columns that must be there.

        Raises
        ------
        SceneError
            It cannot be read, lacks a column, or holds text where a number is wanted.
        """
        try:
            with TextIOWrapper(open_plain(path), encoding="utf-8", newline="") as file:
                head, *rows = list(csv.reader(file)) or [[]]
        except FileNotFoundError as error:
            folder, name = os.path.split(path)
            raise LackError(_no_table(folder or ".", name)) from error
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise SceneError(f"{path}: cannot be read: {cause_of(error)}; name a table of a study") from error
        lacking = [name for name in wanted if name not in head]
        if lacking:
            raise LackError(f"{path}: has no column {listed(lacking)}; it has {listed(head) or 'none'}")
        if any(len(row) != len(head) for row in rows):
            line = next(number for number, row in enumerate(rows, 2) if len(row) != len(head))
            raise SceneError(f"{path}: line {line} does not have the {len(head)} values of the first; write it again")
        return cls(path, {name: _typed(path, name, [row[n] for row in rows]) for n, name in enumerate(head)})

    @classmethod
    def together(cls, tables: "Sequence[Table]") -> "Table":
        """Put tables one below the other, with the columns that all have; of rows about the same, the first stays."""
        first = tables[0]
        if len(tables) == 1:
            return first
        names = [name for name in first.columns if all(name in table.columns for table in tables)]
        whole = cls(first.path, {name: np.concatenate([table[name] for table in tables]) for name in names})
        keys = zip(*(map(str, whole[name]) for name in _KEYS if name in names), strict=True)
        places: dict[tuple[str, ...], int] = {}
        for place, key in enumerate(keys):
            places.setdefault(key, place)
        return whole.take(np.isin(np.arange(len(whole)), list(places.values())))

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, column: str) -> NDArray[Any]:
        return self.columns[column]

    def take(self, rows: NDArray[np.bool_]) -> Self:
        """Return the rows that are True."""
        return type(self)(self.path, {name: values[rows] for name, values in self.columns.items()})

    def where(self, **equal: Any) -> Self:
        """Return the rows whose columns have these values; a NaN stands for unknown."""
        rows = np.ones(len(self), bool)
        for name, value in equal.items():
            unknown = isinstance(value, float) and math.isnan(value)
            rows &= np.isnan(self[name]) if unknown else self[name] == value
        return self.take(rows)

    def unlike(self, **values: Any) -> Self:
        """Return the rows whose columns have other values than these."""
        rows = np.ones(len(self), bool)
        for name, value in values.items():
            rows &= self[name] != value
        return self.take(rows)

    def row(self, number: int) -> Self:
        """Return one row, counted from 0."""
        return self.take(np.arange(len(self)) == number)

    def order(self, column: str) -> Self:
        """Return the rows by the numbers in a column, the least first."""
        order = np.argsort(self[column], kind="stable")
        return type(self)(self.path, {name: values[order] for name, values in self.columns.items()})

    def kinds(self, column: str) -> list[Any]:
        """Return the values of a column: text in the order of the rows, numbers sorted; unknown ones left out."""
        values = self[column]
        if values.dtype.kind == "f":
            return [float(value) for value in np.unique(values[~np.isnan(values)])]
        return list(dict.fromkeys(str(value) for value in values))

    def mean(self, column: str) -> float:
        """Return the mean of what is known in a column; NaN of nothing."""
        values = self[column]
        known = values[~np.isnan(values)]
        return float(known.mean()) if known.size else math.nan

    def means(self, by: str, *columns: str) -> NDArray[np.float64]:
        """Return a row for each value of `by`, (values, 1 + columns): that value, and the means of the columns.

        Values of which all is unknown are left out.
        """
        found = [
            (value, *(part.mean(column) for column in columns))
            for value in self.kinds(by)
            for part in [self.where(**{by: value})]
        ]
        known = [row for row in found if not any(map(math.isnan, row))]
        return np.asarray(known, np.float64).reshape(-1, 1 + len(columns))

    def some(self, what: str) -> Self:
        """Return the table itself, or refuse it where it is empty.

        Raises
        ------
        LackError
            It has no rows.
        """
        if not len(self):
            raise LackError(f"{self.path}: has no rows {what}")
        return self


def _no_table(folder: str, name: str) -> str:
    """Tell that a folder has no table of that name: which study makes it, and which has made what lies there."""
    journal = Before.read(Path(folder, JOURNAL))
    here = None if journal is None else journal.identity.get("study")
    told = f"{folder}: has no {name}; geosal experiment makes it of {_MADE_BY.get(Path(name).stem, 'a recipe')}"
    return told if here is None else f"{told}; what lies here is of study: {here}"


def _typed(path: str, name: str, texts: Sequence[str]) -> NDArray[Any]:
    if name in TEXTS:
        return np.asarray(texts, object)
    try:
        return np.asarray([float(text) if text else math.nan for text in texts], np.float64)
    except ValueError:
        line = next(number for number, text in enumerate(texts, 2) if text and not _is_number(text))
        raise SceneError(
            f"{path}: line {line}: {name} is no number: {texts[line - 2]!r}; write the table again"
        ) from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@dataclass(eq=False)
class Tables:
    """The tables in the folders of studies, each read once, when a figure asks for it.

    Tables of the same name are put together. Of rows about the same file the first folder's counts.

    Attributes
    ----------
    folders
        Of the studies, at least one.
    known
        What has been read.
    """

    folders: tuple[str, ...]
    known: dict[str, Table] = field(default_factory=dict)

    def read(self, name: str) -> Table:
        """Return a table.

        Raises
        ------
        SceneError
            See `Table.read`; or it has no rows at all.
        """
        if name not in self.known:
            paths = [os.path.join(folder, f"{name}.csv") for folder in self.folders]
            there = [path for path in paths if os.path.exists(path)] or paths[:1]
            read = Table.together([Table.read(path, _COLUMNS[name]) for path in there])
            self.known[name] = read.some("at all")
        return self.known[name]

    @property
    def sweep(self) -> Table:
        """Rows for files."""
        return self.read(SWEEP)

    @property
    def levels(self) -> Table:
        """Rows for levels of saliency in files."""
        return self.read(LEVELS)

    @property
    def original(self) -> str:
        """Encoder of the originals: the first whose files of unsmoothed images are what reductions count from.

        Raises
        ------
        LackError
            There is none.
        """
        plain = self.sweep.where(mask=UNIFORM, kernel=1.0).some("of unsmoothed images (mask none, kernel 1)")
        for encoder in plain.kinds("encoder"):
            if (plain.where(encoder=encoder)["reduction_of_original"] == 0).all():
                return str(encoder)
        raise LackError(f"{self.sweep.path}: no encoder's unsmoothed images have a reduction_of_original of 0")

    @property
    def stored(self) -> Table:
        """Files of the encoder that originals are in."""
        return self.sweep.where(encoder=self.original)

    @property
    def uniform(self) -> Table:
        """Of these, the files of images that were smoothed by one kernel, or not at all."""
        return self.stored.where(mask=UNIFORM)

    @property
    def driven(self) -> Table:
        """Of these, the files of images that were smoothed by a mask, as far as all images have that mask.

        Raises
        ------
        LackError
            There are none.
        """
        return shared_masks(self.stored)


def shared_masks(table: Table) -> Table:
    """Return files that were smoothed by a mask, of the masks that all images have; of all masks where none is shared.

    A mean over the images of one mask and one over those of another would differ by the images.

    Raises
    ------
    LackError
        No file was smoothed by a mask.
    """
    masked = table.unlike(mask=UNIFORM).some("of images smoothed by a mask")
    every = len(images_of(table))
    masks = [mask for mask in masked.kinds("mask") if len(images_of(masked.where(mask=mask))) == every]
    return masked.take(np.isin(masked["mask"], masks)) if masks else masked


def images_of(table: Table) -> list[tuple[str, str]]:
    """Return dataset and name of each image."""
    return list(dict.fromkeys(zip(table["dataset"], table["image"], strict=True)))
