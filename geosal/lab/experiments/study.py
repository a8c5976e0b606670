"""What a study is: the recipe's key ``study`` names one, and the command carries any of them out in the same way.

Index card of the engine
------------------------
- `wish.Wish`: the keys that every recipe has (``images``, ``output``, ``limit`` …); a study adds its own in a subclass.
- `images.find_pictures`: opens the images of all collections, in their order.
- `desk.Desk`: where the files of each image lie.
- `engine.work_off`: does tasks in parallel, notes each in the journal, goes on where a run was killed.
- `rows.write_rows`: a tidy table as CSV, and as Parquet where pyarrow is.
- `reported`: the report's name and its parts that are the same everywhere.

A new study is a room ``experiments/NAME`` (or ``lab/NAME``) with a module ``study`` that has a `Study` named ``STUDY``,
and a line in `STUDIES`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from geosal.core.yaml_file import read_yaml
from geosal.errors import GeosalError, UsageError
from geosal.lab.experiments.engine import Course
from geosal.lab.experiments.wish import Wish, with_folders
from geosal.names import did_you_mean

AnyWish = TypeVar("AnyWish", bound=Wish)
Outcome = TypeVar("Outcome")
STUDIES: Mapping[str, str] = MappingProxyType({
    "detection": "geosal.lab.experiments.detection.study",
    "jpegs": "geosal.lab.experiments.jpegs.study",
    "sweep": "geosal.lab.experiments.sweep.study",
})  # fmt: skip
"""Name of a study -> module that has it."""
USUAL = "jpegs"
"""Study of a recipe without the key ``study``."""


@dataclass(frozen=True, kw_only=True)
class Study(Generic[AnyWish, Outcome]):
    """The parts of a study.

    Attributes
    ----------
    wish
        Class of its recipe.
    run
        Carries a recipe out.
    write
        Writes the report and the tables into the folder of the wish, and returns their paths.
    told
        The outcome in some lines, for people.
    document
        The outcome as plain data, for programs.
    fault
        The error that the command ends with although the report is written, such as for images that were left out; None
        where all went well.
    files
        Names of what `write` writes, as far as they do not depend on the outcome.
    """

    wish: type[AnyWish]
    run: Callable[[AnyWish, Course], Outcome]
    write: Callable[[Outcome], list[str]]
    told: Callable[[Outcome], str]
    document: Callable[[Outcome], dict[str, Any]]
    fault: Callable[[Outcome], GeosalError | None]
    files: tuple[str, ...]


def study_named(name: Any) -> Study[Any, Any]:
    """Find a study.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    if not isinstance(name, str) or name not in STUDIES:
        hint = did_you_mean(str(name), STUDIES) or f"known: {', '.join(STUDIES)}"
        raise UsageError(f"study: {name}: no such study; {hint}")
    study: Study[Any, Any] = import_module(STUDIES[name]).STUDY
    return study


def read_study(path: str, **overrides: Any) -> tuple[Study[Any, Any], Any]:
    """Read a recipe; `overrides` that are not None go before what it says.

    Returns
    -------
    study
        The study that the recipe names.
    wish
        The recipe, checked.

    Raises
    ------
    SceneError
        The file cannot be read.
    UsageError
        It is no YAML mapping, names no study, or has a key or a value that the study does not take.
    """
    recipe = read_yaml(path)
    if overrides.get("images") is not None:
        overrides["images"] = with_folders(recipe.get("images"), overrides["images"])
    recipe |= {name: value for name, value in overrides.items() if value is not None}
    study = study_named(recipe.pop("study", USUAL))
    return study, study.wish.from_mapping(recipe)
