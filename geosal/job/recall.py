"""The recipe that a finished file tells, as a wish.

Nobody vouches for the file: what its recipe says opens masks of known digest and rasters of a stack, beside it or the
scene, and nothing else.
"""

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from geosal.core.gdal_env import gdal_env, is_local, path_text
from geosal.core.open_raster import open_raster
from geosal.core.provenance import read_recipe
from geosal.core.treatment import Quality, Treatment
from geosal.core.zarr.files import is_zarr
from geosal.errors import UsageError
from geosal.files.leftovers import settle
from geosal.job.merge import TARGETS, over
from geosal.job.trusted import compares_only, has_queries
from geosal.scenes import input_root
from geosal.scenes.zarr_store import tags_of_store
from geosal.sources import SourceText
from geosal.sources.files import find
from geosal.sources.plugins import plugin_names
from geosal.sources.registry import may_be_plugged

_FACTS = frozenset({"schema", "versions", "input", "input_bytes", "stack", "treated", "written_with", "saliency"})
"""Keys of a recipe that are no wishes as they stand."""
_DEPTH = 6
"""Folders above a band that may be its product's: GRANULE/L2A_T32TNR/IMG_DATA/R10m."""
_OPTIONS = {"creation_options": "co", "drivers": "allow-driver"}
"""Names of options on the command line, where they are not those of a recipe."""


@dataclass(frozen=True, kw_only=True)
class Recalled:
    """The wish that a finished file tells.

    Attributes
    ----------
    wish
        Plain data, as `geosal.Recipe.from_mapping` takes it: no input and no output; ``saliency`` where all of its
        sources can be had.
    lacking
        Why there is no saliency, and what to do; empty where there is one.
    stack
        Base names of the files whose bands followed those of the input.
    input
        Base name of the input; empty where it is not told.
    input_bytes
        Its size; None where it is not told.
    treated
        What was done to pixels, as texts of a treatment; empty where it is not told.
    """

    wish: Mapping[str, Any]
    lacking: str = ""
    stack: tuple[str, ...] = ()
    input: str = ""
    input_bytes: int | None = None
    treated: tuple[str, ...] = ()

    @property
    def apart(self) -> str:
        """What has to be named of the scene, as no file says where it is; empty where nothing has."""
        named = " ".join(f"--stack {shlex.quote(name)}" for name in self.stack)
        return f"its scene had more bands in {', '.join(self.stack)}; name them: {named}" if self.stack else ""


def recall(path: str, *beside: str) -> Recalled | None:
    """Read the wish from the recipe of a finished file.

    Files that it names are looked for in the folders of the file itself and of others, in the .SAFE around it, and
    nowhere else; they must have the digest that it tells. Sources of other packages are not taken from it.

    Parameters
    ----------
    path
        A file of any of our formats, or a copy that keeps its tags.
    *beside
        Paths of files and products in whose folders masks may lie.

    Returns
    -------
    Recalled or None
        None where the file tells no recipe.

    Raises
    ------
    SceneError
        The file cannot be opened, or a mask cannot be read.
    UsageError
        Its recipe is of a newer geosal, or was changed by other hands; the message tells the file as well.
    """
    recipe = recipe_in(path)
    if recipe is None:
        return None
    wish = {key: value for key, value in wish_of(recipe).items() if key != "saliency"}
    folders = [folder for each in (path, *beside) if (folder := _folder_of(each))]
    folders += [folder for folder in [_product_around(path)] if folder]
    texts, lacking = [], ""
    for told in recipe["saliency"]:
        text, why = _source(told, folders)
        texts.append(text)
        lacking = lacking or why
    if not lacking:
        wish["saliency"] = texts
    return Recalled(
        wish=wish,
        lacking=f"{lacking}; name it: --saliency PATH" if lacking else "",
        stack=tuple(recipe.get("stack", ())),
        input=recipe.get("input", ""),
        input_bytes=recipe.get("input_bytes"),
        treated=tuple(recipe.get("treated", ())),
    )


def find_stack(names: Sequence[str], scene: str, output: str) -> tuple[str, ...]:
    """Find the files whose bands followed those of a scene, by their names: beside the scene, or else the output.

    No digest is told of them, as they may be large. They are opened as any scene is, by the same drivers.

    Parameters
    ----------
    names
        Base names, see `Recalled`; a text with a folder in it is found nowhere.
    scene, output
        Paths of the first file of the scene, and of the file that tells the names.

    Returns
    -------
    tuple of str
        Paths in the order of the names; empty where one is not there.
    """
    folders = [folder for each in (scene, output) if (folder := _folder_of(each))]
    found = [_beside(name, folders) for name in names]
    return tuple(path for path in found if path) if all(found) else ()


def _beside(name: str, folders: Iterable[str]) -> str | None:
    if name != os.path.basename(name) or "\0" in name:
        return None
    return next((path for folder in folders if os.path.isfile(path := os.path.join(folder, name))), None)


def recipe_in(path: str) -> dict[str, Any] | None:
    """Read the recipe of a finished file, see `geosal.core.provenance.read_recipe`; None where it tells none.

    Raises
    ------
    SceneError, UsageError
        As `recall`.
    """
    try:
        return read_recipe(tags_in(path))
    except UsageError as error:
        raise type(error)(f"{path}: {error}") from error


def tags_in(path: str) -> Mapping[str, str]:
    """Read the tags of the default domain of a finished file.

    Raises
    ------
    SceneError
        It cannot be opened.
    """
    settle(path)
    if is_zarr(path):
        return tags_of_store(path)
    with gdal_env(), open_raster(path) as dataset:
        return dict(dataset.tags())


def as_wished(wish: Mapping[str, Any], *beside: str) -> dict[str, Any]:
    """Lay a wish over the recipe of the file that it names by ``like``; as it is where it names none.

    Parameters
    ----------
    wish
        Plain data, as `geosal.Recipe.from_mapping` takes it.
    *beside
        Paths of files and products in whose folders masks may lie, as beside the input of the wish.

    Raises
    ------
    SceneError
        The file cannot be opened.
    UsageError
        It tells no recipe, or one that cannot be read; or a mask of it is not there and the wish names no other.
    """
    own = {key: value for key, value in wish.items() if key != "like"}
    if (like := wish.get("like")) is None:
        return own
    path = path_text("like", like)
    given = [] if own.get("input") is None else [path_text("input", own["input"])]
    recalled = recall(path, *given, *beside)
    if recalled is None:
        raise UsageError(f"like {path}: does not tell how it was made; give an output of this geosal, or the options")
    if recalled.lacking and not own.get("saliency"):
        raise UsageError(f"like {path}: {recalled.lacking}")
    if recalled.apart and not own.get("stack"):
        raise UsageError(f"like {path}: {recalled.apart}")
    return _with_treatment(over(own, recalled.wish), own, recalled)


def _with_treatment(both: dict[str, Any], own: Mapping[str, Any], recalled: Recalled) -> dict[str, Any]:
    """Let what was done be usual where nobody named a treatment, so that the default of another geosal changes nothing.

    Another codec or target has a default of its own. Qualities stay open where a target or an option finds them.
    """
    profile = recalled.wish.get("profile")
    asked = any(own.get(name) for name in TARGETS)
    if both.get("treatment") is not None or not recalled.treated or asked or both.get("profile") != profile:
        return both
    treatment = Treatment.parse(recalled.treated)
    is_jpeg = str(both.get("output", "")).lower().endswith((".jpg", ".jpeg"))  # its usual target is a size
    finds = is_jpeg or any(both.get(name) for name in TARGETS) or "QUALITY" in both.get("creation_options", {})
    if finds and isinstance(treatment.then, Quality):
        treatment = replace(treatment, then=Quality())
    return {**both, "as_usual": list(treatment.texts)}


def wish_of(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a recipe wishes, as it is told: masks have their names, and may lie anywhere."""
    saliency = [told["source"] for told in recipe["saliency"]]
    return {"saliency": saliency} | {key: value for key, value in recipe.items() if key not in _FACTS}


def words_of(wish: Mapping[str, Any]) -> str:
    """Write a wish as options of the command line, in the order of its keys."""
    return shlex.join(word for name, value in wish.items() for word in _words(name, value))


def _words(name: str, value: Any) -> Iterator[str]:
    option = f"--{_OPTIONS.get(name, name).replace('_', '-')}"
    if isinstance(value, Mapping):
        value = [f"{key}={text}" for key, text in value.items()]
    if name == "bands" and not isinstance(value, str):
        value = ",".join(value)
    if isinstance(value, bool):
        yield from [option] if value else []
        return
    for each in value if isinstance(value, list | tuple) else [value]:
        yield from (option, f"{each:.10g}" if isinstance(each, float) else str(each))


def _folder_of(path: str) -> str | None:
    """Return the folder in which a file or a product lies; None where it lies on no disk of this machine."""
    place = input_root(path)
    return os.path.dirname(os.path.abspath(place)) if is_local(place) and "\0" not in place else None


def _product_around(path: str) -> str | None:
    """Return the folder of the .SAFE in which a band lies: there the saliency of all bands is; None outside of one."""
    if not is_local(path) or "\0" in path:
        return None
    above = list(Path(os.path.abspath(path)).parents)[:_DEPTH]
    return next((str(folder) for folder in above if folder.name.upper().endswith(".SAFE")), None)


def _source(told: Mapping[str, str], folders: list[str]) -> tuple[str, str]:
    """Return a source's text for this machine, and why there is none: one of the two is empty."""
    text = SourceText.parse(told["source"])
    if why := _distrust(text, told):
        return "", why
    if not text.paths:
        return text.text, ""
    (name,) = text.paths
    found = find(name, told["sha256"], folders)
    if found is None:
        there = any(os.path.isfile(os.path.join(folder, name)) for folder in folders)
        what = "only another file of that name lies" if there else "no such file lies"
        return "", f"it was made with {name} (sha256 {told['sha256'][:12]}...), and {what} beside it or the scene"
    if has_queries(found):
        return "", f"{found} has views, and no recipe is trusted to run queries"
    moved = text.moved(lambda _: found)
    read = SourceText.parse(moved.text)
    if (read.target, read.params) != (moved.target, moved.params):
        return "", f"{found} has a name from which options would be read"
    return moved.text, ""


def _distrust(text: SourceText, told: Mapping[str, str]) -> str:
    """Return why a source is not taken from a recipe; empty where it is, if its file is found."""
    if text.bare != text:
        return f"its recipe names a folder ({text.text[:80]}), as no recipe of geosal does"
    if may_be_plugged(text) and text.target in plugin_names():
        return f"it was made with {text.target}, a source of another package"
    if not compares_only(text.get("where") or ""):
        return f"its recipe has a filter that does more than compare attributes ({text.text[:80]})"
    if len(text.paths) > 1 or (text.paths and "sha256" not in told):
        return f"it was made with {text.paths[0]} of another place, and its recipe has no digest of that"
    return ""
