"""Make and read the tags that record how our files were made; all are in the default domain and begin with ``GEOSAL_``.

Tags of one format alone, such as the digest of a JPEG, are in that format's room.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from geosal.core.ladder import Ladder
from geosal.core.treatment import SMOOTH, Treatment
from geosal.errors import UsageError, warn
from geosal.version import __version__

PREFIX = "GEOSAL_"
TO_BYTE = f"{PREFIX}TO_BYTE"
"""Tag of a scene in 8 bits: the rule that made the bytes; each band has the physical values that are 1 and 255."""
VERSION = f"{PREFIX}VERSION"
TREATMENT = f"{PREFIX}TREATMENT"
LADDER = f"{PREFIX}LADDER"
EFFECTIVE_KERNEL = f"{PREFIX}EFFECTIVE_KERNEL"
SALIENCY = f"{PREFIX}SALIENCY"
SMOOTHED = f"{PREFIX}SMOOTHED"
"""Tag of an array that was smoothed, and attribute by which it knows: the ladder. Whether it was changed since, nobody
knows, so it is no promise that a check holds a file to."""
RECIPE = f"{PREFIX}RECIPE"
"""Tag of a job: all that its pixels depend on, as JSON in ASCII; see `recipe_text`."""
SEAL = f"{PREFIX}SEAL"
"""Tag of a sealed file: the root of its seal, see `geosal.seals`."""
SEAL_CLAIM = f"{PREFIX}SEAL_CLAIM"
"""Tag of the seal's head, as JSON in ASCII."""
SEAL_TILES = f"{PREFIX}SEAL_TILES"
"""Tag of its tiles, where they take little room; otherwise they lie in a file beside."""
OF_A_SEAL = (SEAL, SEAL_CLAIM, SEAL_TILES)
"""Tags of one file, which are not true of files made from it."""
UNTOLD_TAGS = (RECIPE, SEAL_CLAIM, SEAL_TILES)
"""Tags that are not for people's eyes."""
SCHEMA = 1
"""Number of the keys and meanings that `recipe_text` writes."""
_LONGEST_RECIPE = 2**16
"""Limit in characters: the longest that a job makes have a few thousand."""
_LARGEST = 2**53
"""Limit of numbers in it."""
_BREAKS = re.compile(r"[\t-\r\x1c-\x1f\x85]+")
"""White space that is control characters: of line breaks, and tabs."""
_UNTOLD = frozenset({"Cc", "Cs"})
"""Categories of characters that no recipe holds: control characters, which a terminal obeys, and halves of others."""
OF_A_JOB = (TREATMENT, LADDER, EFFECTIVE_KERNEL)
"""Tags that are only written together: without one of them, a check would test another promise than was made."""


class NewerRecipeError(UsageError):
    """A recipe of a newer geosal, which may be right."""


def of_any_file() -> dict[str, str]:
    """Make the tags of a file whose pixels came from the user."""
    return {VERSION: __version__}


def of_smoothing(ladder: Ladder, saliency: str) -> dict[str, str]:
    """Attributes of an array that was smoothed."""
    return {SMOOTHED: str(ladder), SALIENCY: saliency}


def of_an_array(attributes: Mapping[Any, Any]) -> dict[str, str]:
    """Tags of a file that an array is written to, with what its attributes tell of a smoothing."""
    noted = {key: attributes.get(key) for key in (SMOOTHED, SALIENCY)}
    return of_any_file() | {key: text for key, text in noted.items() if isinstance(text, str)}


def of_a_job(
    treatment: Treatment, ladder: Ladder, kernel: float, saliency: str, recipe: Mapping[str, Any]
) -> dict[str, str]:
    """Make the tags of a job's output.

    Parameters
    ----------
    treatment, ladder
        Treatment, with nothing left open, and ladder of the job.
    kernel
        Effective kernel over the valid pixels.
    saliency
        Label of the saliency.
    recipe
        What `recipe_text` takes.
    """
    return {
        **of_any_file(),
        TREATMENT: str(treatment),
        LADDER: str(ladder),
        EFFECTIVE_KERNEL: f"{kernel:.4f}",
        SALIENCY: saliency,
        **({} if (text := recipe_text(recipe)) is None else {RECIPE: text}),
    }


def recipe_text(recipe: Mapping[str, Any]) -> str | None:
    """Write a recipe for a tag: one line of JSON, the same for the same recipe, with a space for each line break.

    Parameters
    ----------
    recipe
        Keys of `_SHAPES` but for ``schema``; those that are left out have the default of `geosal.Recipe`.

    Returns
    -------
    str or None
        None, with a warning, where `read_recipe` would refuse it, such as a filter of 70 000 characters.

    Warns
    -----
    GeosalWarning
        The file will not tell its recipe.
    """
    told = _unbroken({"schema": SCHEMA, **recipe})
    text = json.dumps(told, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    try:
        read_recipe({RECIPE: text})
    except UsageError as error:
        warn(f"the file will not tell how it was made, so keep the options: {error}")
        return None
    return text


def _unbroken(value: Any) -> Any:
    """Return plain data with a space for each line break in its texts."""
    if isinstance(value, str):
        return _BREAKS.sub(" ", value)
    if isinstance(value, Mapping):
        return {_unbroken(key): _unbroken(each) for key, each in value.items()}
    return [_unbroken(each) for each in value] if isinstance(value, list | tuple) else value


def of_a_map(saliency: str, scale: int, levels: int | None) -> dict[str, str]:
    """Make the tags of a saliency map that are known before its pixels.

    Parameters
    ----------
    saliency
        Label of the saliency.
    scale
        The value of saliency 1.
    levels
        Number of values it was reduced to; None for all.
    """
    tags = {
        **of_any_file(),
        SALIENCY: saliency,
        f"{PREFIX}SALIENCY_SCALE": f"{scale} = 1.0 (kept as it is), 0 = 0.0 (matters least)",
    }
    return tags if levels is None else {**tags, f"{PREFIX}LEVELS": str(levels)}


def of_map_pixels(mean: float) -> dict[str, str]:
    """Make the tag of a saliency map that depends on its pixels: the mean saliency."""
    return {f"{PREFIX}MEAN_SALIENCY": f"{mean:.4f}"}


def of_an_error_map(candidate: str, original: str) -> dict[str, str]:
    """Make the tags of a raster of errors: the names of the two files that were compared."""
    return {**of_any_file(), f"{PREFIX}ERROR_OF": candidate, f"{PREFIX}ERROR_AGAINST": original}


def read_ladder(tags: Mapping[str, str]) -> Ladder | None:
    """Read the ladder from tags of the default domain; None when there is none that can be read."""
    try:
        fields = dict(part.split("=", 1) for part in tags.get(LADDER, "").split())
        return Ladder(steps=int(fields["steps"]), sigma=fields["sigma"])
    except (KeyError, ValueError, UsageError):
        return None


def read_treatment(tags: Mapping[str, str]) -> Treatment | None:
    """Read the treatment from tags of the default domain; `SMOOTH` without one, None when it cannot be read."""
    text = tags.get(TREATMENT)
    try:
        return SMOOTH if text is None else Treatment.parse(text.split())
    except UsageError:
        return None


def tells_of_loss(tags: Mapping[str, str]) -> bool:
    """Return whether tags of the default domain are of a job that has changed pixels."""
    nothing = (str(SMOOTH), f"{1:.4f}")
    return TREATMENT in tags and (tags[TREATMENT], tags.get(EFFECTIVE_KERNEL)) != nothing


def read_saliency(tags: Mapping[str, str]) -> str | None:
    """Read the label of the saliency from tags of the default domain; None where there is none."""
    return tags.get(SALIENCY)


def read_recipe(tags: Mapping[str, str]) -> dict[str, Any] | None:
    """Read the recipe from tags of the default domain, whoever wrote them: its keys and their types are checked.

    What the values mean nobody has looked at; no text in it is to be taken for a path of this machine.

    Returns
    -------
    dict or None
        As `recipe_text` took it, with ``schema``; None where there is none.

    Raises
    ------
    UsageError
        It is of a newer geosal, or no recipe. The message is the cause alone.
    """
    text = tags.get(RECIPE)
    if text is None:
        return None
    if len(text) > _LONGEST_RECIPE:
        raise UsageError(f"{RECIPE}: {len(text)} characters are no recipe")
    try:
        recipe = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{RECIPE}: is no JSON ({' '.join(str(error).split())[:100]})") from error
    schema = recipe.get("schema") if isinstance(recipe, dict) else None
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        raise UsageError(f"{RECIPE}: has no schema number")
    if schema > SCHEMA:
        raise NewerRecipeError(f"{RECIPE}: schema {str(schema)[:20]} is newer than {SCHEMA}, the newest that is known")
    unknown = [key for key in recipe if key not in _SHAPES]
    wrong = [key for key, shape in _SHAPES.items() if key in recipe and not shape(recipe[key])]
    if faults := [*unknown, *wrong, *([] if recipe.get("saliency") else ["saliency"])]:
        raise UsageError(f"{RECIPE}: {faults[0][:40]!a} is not as geosal writes it")
    return dict(recipe)


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of JSON in which no key stands twice."""
    items = list(pairs)
    if len(found := dict(items)) < len(items):
        raise ValueError("a key stands twice")
    return found


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _is_told(value: object) -> bool:
    return isinstance(value, str) and not any(unicodedata.category(each) in _UNTOLD for each in value)


def _is_text(value: object) -> bool:
    return _is_told(value) and value != ""


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST


def _is_number(value: object) -> bool:
    return (isinstance(value, float) and abs(value) < _LARGEST) or _is_whole(value)


def _list_of(shape: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(map(shape, value))


def _is_texts(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_told, (*value, *value.values())))


def _is_source(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() <= {"source", "sha256", "place"}
        and _is_text(value.get("source"))
        and all(re.fullmatch("[0-9a-f]{64}", str(value[key])) for key in value.keys() - {"source"})
    )


_SHAPES: Mapping[str, Callable[[object], bool]] = {
    "schema": _is_whole, "versions": _is_texts,
    "input": _is_text, "input_bytes": _is_whole, "stack": _list_of(_is_text),
    "bidx": _list_of(_is_whole), "bands": _list_of(_is_text), "resolution": _is_number, "resampling": _is_text,
    "to_byte": _is_text, "select": _list_of(_is_text),
    "saliency": _list_of(_is_source), "combine": _is_text, "outside": _is_text, "background": _is_number,
    "steps": _is_whole, "sigma": _is_text, "treatment": _list_of(_is_text),
    "profile": _is_text, "creation_options": _is_texts, "written_with": _is_texts,
    "treated": _list_of(_is_text),
    "target_bpp": _is_number, "target_size": lambda value: _is_whole(value) or _is_text(value),
    "target_ratio": _is_number, "target_jpeg": _is_number,
    "min_psnr": _list_of(_is_text), "min_ssim": _list_of(_is_text),
}  # fmt: skip
"""Keys of a recipe, and what their values are: fields of `geosal.Recipe`, and beside them ``versions`` of what made the
file, base names of the ``input`` and its ``stack``, the size of an input that is one file, of each ``saliency`` its
text without folders and its digest, and what came of the wish in the end: how pixels were ``treated``, and the creation
options ``written_with``."""


def all_of(tags: Mapping[str, str]) -> dict[str, str]:
    """Return geosal's own tags among those of the default domain."""
    return {key: value for key, value in tags.items() if key.startswith(PREFIX)}
