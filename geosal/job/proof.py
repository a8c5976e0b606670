"""Outputs held against their scenes, which are read as the outputs say, unless the caller says otherwise."""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, replace
from typing import Any, NamedTuple, Unpack

from geosal.comparison import Comparison, Pair, judge, pair_with
from geosal.core.bars import Reporting, reporter
from geosal.core.gdal_env import is_local, path_text
from geosal.core.ladder import Ladder
from geosal.core.provenance import NewerRecipeError
from geosal.core.treatment import Treatment
from geosal.core.zarr.files import locate
from geosal.errors import GeosalError, SceneError, UsageError, redact, warn
from geosal.files.leftovers import settle
from geosal.job.merge import over
from geosal.job.recall import Recalled, find_stack, recall, recipe_in, wish_of, words_of
from geosal.job.recipe import Recipe
from geosal.scenes import MAX_PIXELS, NO_LIMIT, AnyScene, Reading, ReadingOptions, open_input, read_as
from geosal.scenes.products.opening import is_product
from geosal.sources import Saliency, source_texts
from geosal.sources.text import base_name
from geosal.verification import Asked, Check, Checks, Pinned, saliency_on, verify_opened

_LIMITS = frozenset({"drivers", "max_pixels"})
_READING = tuple(field.name for field in fields(Reading) if field.name not in _LIMITS)
"""Options that say what is read of a scene, and not what is trusted."""
_RULES = ("combine", "outside", "background")
_ANY = "uniform"
"""A source for the checks of a recipe, where there is none."""


class Held(NamedTuple):
    """The scene of a finished file, opened as the file says where the caller says nothing."""

    source: AnyScene
    limits: Reading
    """What is trusted, and how many pixels; of the file as well."""
    saliency: Saliency | None
    said: Mapping[str, Any]
    """Options that were taken from the file, as `geosal.Recipe.from_mapping` takes them."""
    lacking: str
    """Why there is no saliency; empty where there is one."""

    @property
    def line(self) -> str:
        """What was taken from the file, in a line for people; empty where nothing was."""
        return f"read as the file says: {words_of(self.said)}" if self.said else ""

    def pair(self, candidate: str, ladder: Ladder | None = None) -> Pair:
        """Open the file itself beside its scene, to compare the two.

        Raises
        ------
        GeosalError
            As `compare`.
        """
        return pair_with(self.source, candidate, self.limits, self.saliency, ladder)


def hold(
    output: str, original: str | AnyScene, saliency: Asked = None, *, unread: Collection[str] = (), **options: Any
) -> Held:
    """Open the scene of a finished file, and the saliency of its job.

    Parameters
    ----------
    output
        The file. A recipe in it that cannot be read is left alone, with a warning.
    original
        The scene: a path, or opened.
    saliency
        Of the job; by default that of the file's recipe, if its masks lie beside the file or the scene. So do the files
        of a stack.
    unread
        Options that are not taken from the file, such as those by which the scene was opened.
    **options
        Fields of `Reading`, and the rules by which sources unite. They go before what the file says.

    Raises
    ------
    GeosalError
        The scene cannot be read, or an option or a saliency that the caller names cannot be.
    """
    Reading.of({name: value for name, value in options.items() if name not in _RULES})  # refuses what is no option
    recalled = _recalled(output, original)
    wanted = {*_READING, *_RULES, "saliency"} - {*unread}
    told = {name: value for name, value in recalled.wish.items() if name in wanted}
    if recalled.stack and not options.get("stack") and "stack" in wanted:
        if stack := _stack(output, original, recalled):
            told["stack"] = list(stack)
        else:
            warn(f"{output}: {recalled.apart}")
    limits = {name: options[name] for name in _LIMITS if name in options}
    trust = _recipe(output, limits).reading
    given = {name: value for name, value in options.items() if name not in _LIMITS}
    if _tells_the_same_reading(_file_of(original), recalled, told):  # it is an output itself, and was read so already
        told = {name: value for name, value in told.items() if name not in _READING}
    if isinstance(saliency, Saliency):
        told = {name: value for name, value in told.items() if name in _READING}
    elif saliency is not None:
        given["saliency"] = source_texts(saliency)
    wish = over(given, told)
    source, wish = _opened(original, wish, told, trust)
    said = {name: value for name, value in told.items() if wish.get(name) == value and name not in given}
    if isinstance(saliency, Saliency) or "saliency" not in wish:
        opened = saliency if isinstance(saliency, Saliency) else None
        return Held(source, trust, opened, said, "" if opened else recalled.lacking)
    rules = {name: wish[name] for name in _RULES if name in wish}
    try:
        opened = saliency_on(source, wish["saliency"], trust.drivers, **rules)
    except GeosalError as error:
        if saliency is not None or given.keys() & set(_RULES):
            raise
        said = {name: value for name, value in said.items() if name in _READING}
        return Held(source, trust, None, said, f"its saliency cannot be had: {error}")
    return Held(source, trust, opened, said, "")


def verify(
    output: str | os.PathLike[str],
    *,
    against: str | os.PathLike[str] | None = None,
    saliency: Asked = None,
    ladder: Ladder | None = None,
    steps: int | None = None,
    seal: str | os.PathLike[str] | None = None,
    root: str | None = None,
    **reading: Unpack[ReadingOptions],
) -> Checks:
    """Check everything that can be checked about a finished file.

    Parameters
    ----------
    output
        A COG, a JPEG2000, a JPEG or a Zarr store.
    against
        The scene it was made of: georeferencing, bands, tags and invalid pixels are compared with it.
    saliency
        The job's saliency: pixels of saliency 1 are compared with `against`. One SOURCE text or several, combined as
        a job does by default, or an opened saliency on the grid of `against`. By default as the recipe in `output`
        says, if its masks lie beside `output` or `against`.
    ladder
        The job's ladder; by default the one in the file's provenance.
    steps
        Of the ladder, if nothing else specifies it. A file that records another number fails the check ``ladder``.
    seal
        The seal to hold `output` against, where it does not lie beside it: its file, or the sealed output of the job.
    root
        The root of the seal, known from elsewhere. Without it, whoever changed the file may have sealed it anew.
    **reading
        The reading of `against`: fields of `geosal.scenes.Reading` such as ``bidx``, ``bands`` and ``to_byte``. By
        default as the recipe in `output` says.

    Returns
    -------
    Checks
        A tuple of them, in the order they were made; ``.ok`` where none fails, ``.proved`` where all could be made as
        well, ``.unproved`` for those that could not, ``.get("sealed")`` for one of them, of a sealed file with its
        ``.facts``, ``.as_the_file_says`` for the options that
        the recipe in `output` gave, ``.to_dict()``. A broken file gives failed checks, not an exception.

    Raises
    ------
    UsageError
        `saliency` is given without `against`, or a SOURCE is wrong.
    SceneError
        There is no file `output`, or `against` or a mask cannot be read.
    SaliencyError
        A mask does not fit the scene.

    Warns
    -----
    GeosalWarning
        The recipe in `output` cannot be read.

    Examples
    --------
    >>> smaller = geosal.compress("scene.tif", "smaller.tif", saliency="mask.tif")
    >>> checks = geosal.verify("smaller.tif", against="scene.tif", saliency="mask.tif")
    >>> checks.ok
    True
    >>> [check.name for check in checks if not check.ok]
    []
    """
    Reading.of(reading, ("output", "against", "saliency", "ladder", "steps", "seal", "root"))
    output, against = path_text("output", output), None if against is None else path_text("against", against)
    pinned = Pinned(None if seal is None else path_text("seal", seal), root)
    settle(output)
    require_output(output)
    if against is None:
        if saliency is not None:
            raise UsageError("a saliency without the scene it belongs to: name it (against, --against)")
        return checked(output, None, ladder=ladder, steps=steps, pinned=pinned)
    options: dict[str, Any] = {"max_pixels": NO_LIMIT, **reading}
    held = hold(output, against, saliency, **options)
    return checked(output, held, ladder=ladder, steps=steps, pinned=pinned)


def checked(
    output: str,
    held: Held | None,
    *,
    ladder: Ladder | None = None,
    steps: int | None = None,
    pinned: Pinned | None = None,
) -> Checks:
    """Check a finished file, against its opened scene if there is one; see `verify`."""
    place = locate(output)
    if place is not None and place.node:
        raise SceneError(f"{output}: is an array of an output; name the store: {place.store.root}")
    if held is None:
        found = verify_opened(output, ladder=ladder, steps=steps, pinned=pinned)
    else:
        found = verify_opened(
            output, held.source, held.saliency, ladder=ladder, steps=steps, lacking=held.lacking, pinned=pinned
        )
    recipe = _recipe_check(output)
    before = [check.name for check in found].index("provenance") + 1 if recipe is not None else 0
    every = found if recipe is None else (*found[:before], recipe, *found[before:])
    return Checks(every, held.said if held else None)


def require_output(path: str) -> None:
    """Refuse the path of an output that is not there.

    Raises
    ------
    SceneError
        There is no such file on this machine, or it is a whole product.
    """
    if is_local(path) and not os.path.exists(path):
        raise SceneError(f"{path}: no such file; give the path of an output of geosal")
    if os.path.isdir(path) and is_product(path):
        raise SceneError(f"{path}: is a product, and each of its bands is an output; give them one by one")


def compare(
    original: str | os.PathLike[str],
    candidate: str | os.PathLike[str],
    saliency: Asked = None,
    *,
    ladder: Ladder | None = None,
    data_range: float | None = None,
    error_map: str | os.PathLike[str] | None = None,
    progress: Reporting = None,
    **reading: Unpack[ReadingOptions],
) -> Comparison:
    """Measure how good a candidate is: MSE, RMSE, MAE, PSNR, SSIM, MS-SSIM, the largest error, and bits per pixel.

    Both are read block by block. Besides the blocks in work, only 160 rows over the width of the scene are kept; where
    that is too much for all bands at once, some are compared after the others.
    Samples that are not valid in both are left out, and for SSIM every window that holds such a sample.

    Parameters
    ----------
    original
        A raster, a product or a Zarr store.
    candidate
        A raster of the same size, type and number of bands, alpha aside; any format that GDAL reads, or a store.
    saliency
        Divides the scene into parts: the salient part (level 0), the background, and each level. One SOURCE text or
        several, combined as a job does by default, or an opened saliency on the grid of `original`. By default as the
        recipe in `candidate` says, if its masks lie beside `candidate` or `original`.
    ladder
        Ladder from saliency to levels; by default the one in the candidate's provenance, or else geosal's own.
    data_range
        Width of the range of values, for PSNR and SSIM. By default ``2 ** bits - 1`` for integers, and for floats the
        range of the original's valid samples.
    error_map
        Write a raster of the largest error of each pixel over the bands, such as ``errors.tif``; not over another file.
    progress
        Called in this thread after each block; True for a bar.
    **reading
        The reading of `original` when `candidate` was made: fields of `geosal.scenes.Reading` such as ``bidx``,
        ``bands`` and ``to_byte``; ``drivers`` and ``max_pixels`` apply to both. By default as the recipe in
        `candidate` says.

    Returns
    -------
    Comparison
        All figures; ``.to_dict()``, ``.to_dataset()``, ``.scores("salient").psnr``; ``.as_the_file_says`` for the
        options that the recipe in `candidate` gave.

    Raises
    ------
    UsageError
        A SOURCE or an option is wrong.
    SceneError
        A file cannot be read; the files differ in size, type or number of bands; or no sample is valid in both.
    SaliencyError
        A mask does not fit the scene, or the georeferencing differs where both have one.
    OutputError
        The error map cannot be written.

    Warns
    -----
    GeosalWarning
        Samples that are valid in the original are not valid in the candidate; or the recipe in `candidate` cannot be
        read.

    Examples
    --------
    >>> smaller = geosal.compress("scene.tif", "smaller.jp2", saliency="mask.tif")
    >>> comparison = geosal.compare("scene.tif", "smaller.jp2", "mask.tif")
    >>> comparison.scores("salient").psnr
    inf
    >>> comparison.scores("background").psnr > 20
    True
    >>> comparison.parts[:3]
    ('whole', 'salient', 'background')

    ``comparison.to_frame()`` is a table of all figures, ``comparison.plot()`` a drawing of them.
    """
    Reading.of(reading, ("saliency", "ladder", "data_range", "error_map", "progress"))
    original, candidate = path_text("original", original), path_text("candidate", candidate)
    error_map = None if error_map is None else path_text("error_map", error_map)
    held = hold(candidate, original, saliency, **reading)
    pair = held.pair(candidate, ladder)
    found = judge(pair, data_range=data_range, error_map=error_map, progress=reporter(progress))
    return replace(found, as_the_file_says=held.said)


def _recalled(output: str, original: str | AnyScene) -> Recalled:
    """Read the wish of a finished file, and look through it; an empty one, with a warning, where it cannot be."""
    beside = (original,) if isinstance(original, str) else original.original.files
    try:
        recalled = recall(output, *beside)
        if recalled is not None:
            _recipe(output, recalled.wish)
    except UsageError as error:
        told = str(error) if str(error).startswith(output) else f"{output}: its recipe says {error}"
        warn(f"{told}; nothing is taken from it, so name the options of the job")
        return Recalled(wish={}, lacking="the recipe of the file cannot be followed")
    except SceneError:  # whoever opens the file will tell
        pass
    else:
        return recalled or Recalled(wish={})
    return Recalled(wish={})


def _stack(output: str, original: str | AnyScene, recalled: Recalled) -> tuple[str, ...]:
    """Find the further files of a scene; none for another scene than that of the job, which may have all bands."""
    is_first = isinstance(original, str) and redact(base_name(original)) == recalled.input
    return find_stack(recalled.stack, str(original), output) if is_first else ()


def _recipe_check(output: str) -> Check | None:
    """Check that the recipe in a file is one that a job can have; None where it tells none, or is no file of ours."""
    try:
        told = recipe_in(output)
        if told is None:
            return None
        _recipe(output, wish_of(told))
        Treatment.parse(told.get("treated", []))
    except NewerRecipeError as error:
        return Check.skip("recipe", str(error).removeprefix(f"{output}: "))
    except UsageError as error:
        return Check.of("recipe", [f"was changed by other hands: {str(error).removeprefix(f'{output}: ')}"])
    except SceneError:
        return None
    return Check.of("recipe", [], "one that a job can have")


def _recipe(output: str, wish: Mapping[str, Any]) -> Recipe:
    return Recipe.from_mapping({"saliency": _ANY, **wish, "input": "scene", "output": output})


def _opened(
    original: str | AnyScene, wish: dict[str, Any], told: Mapping[str, Any], trust: Reading
) -> tuple[AnyScene, dict[str, Any]]:
    """Open the scene as wished; as it is, with a warning, where only the file told how, and it cannot be read so."""
    asked = {name: value for name, value in wish.items() if name in _READING}
    open_as: Callable[..., AnyScene] = open_input if isinstance(original, str) else read_as
    try:
        reading = _recipe("out.tif", asked).reading
        # A resolution that only a file tells may be one that no machine can hold.
        pixels = min(trust.max_pixels, MAX_PIXELS) if "resolution" in told else trust.max_pixels
        return open_as(original, replace(reading, drivers=trust.drivers, max_pixels=pixels)), wish
    except GeosalError as error:
        if not asked or any(told.get(name) != value for name, value in asked.items()):
            raise
        scene = open_as(original, trust)
        warn(f"read as it is, not as the file says ({words_of(asked)}): {error}")
        return scene, {name: value for name, value in wish.items() if name not in _READING}


def _file_of(original: str | AnyScene) -> str:
    """Path of the one file that a scene is; empty where it is none."""
    if isinstance(original, str):
        return original
    return original.path if original.original.files == (original.path,) else ""


def _tells_the_same_reading(original: str, recalled: Recalled, told: Mapping[str, Any]) -> bool:
    """Return whether a scene is an output of the same input and reading, to which that is not done again.

    An output of an output is another matter: there the scene itself has the name and the size of the `input`.
    """
    asked = {name: told[name] for name in _READING if name in told}
    if not asked or not original or os.path.isdir(original):
        return False
    size = os.path.getsize(original) if os.path.isfile(original) else None
    is_input = size is None or recalled.input_bytes in {None, size}
    if is_input and recalled.input == redact(base_name(original)):
        return False
    try:
        recipe = recipe_in(original)
    except GeosalError:
        return False
    if recipe is None or recipe.get("input", "") != recalled.input:
        return False
    if (recipe.get("input_bytes"), tuple(recipe.get("stack", ()))) != (recalled.input_bytes, recalled.stack):
        return False
    return asked == {name: recipe[name] for name in _READING if name in recipe and name != "stack"}
