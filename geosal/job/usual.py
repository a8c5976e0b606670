"""What saliency does where the user does not say: what makes the smaller file of the same worth."""

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from geosal.core import provenance
from geosal.core.grid import Block
from geosal.core.ladder import Ladder
from geosal.core.machine import cpu_count
from geosal.core.treatment import SMOOTH, Bound, Quality, Treatment, TwoPass
from geosal.errors import UsageError, warn
from geosal.formats.encoders import tile_encoder
from geosal.formats.format import Profile
from geosal.formats.options import number
from geosal.formats.profiles import resolve_treated
from geosal.formats.quality import ANNEX_K, TABLES
from geosal.formats.table import format_of
from geosal.job.recipe import Recipe
from geosal.produce import layout_for
from geosal.scenes import AnyScene
from geosal.smoothing.noise import Noise, NoiseLine
from geosal.smoothing.spare import Spare

if TYPE_CHECKING:
    from geosal.formats.jpeg.source import OldJpeg

_USUAL_JPEG = 75.0
"""Quality of the plain JPEG whose size a JPEG gets, where the user asks for no size and no quality."""
_QUALITY = Treatment(smooth=False, then=Quality())
_JPEGS = ("jpg", "jpeg")
"""Codecs whose tables are those of JPEG."""
_GAP_OF_COPIES = 40
"""Distance between the qualities of a JPEG made of a JPEG: the copy of an aerial photo of quality 75, half of it
salient, takes 0.88 of its bytes."""
_PIECES, _SIDE = 4, 64
"""Pieces along each side of a scene, and their rows and columns: what is learnt of 65 000 pixels holds for all."""
_NOISE_PIECES, _NOISE_SIDE = 8, 128
"""The same for the noise, which shows in few of them."""


def usual_treatment(recipe: Recipe, scene: AnyScene) -> Treatment:
    """Choose the treatment of a recipe that names none; what it calls usual goes first.

    Parameters
    ----------
    recipe
        The wish.
    scene
        What is read; of samples of more than 8 bits, pieces are looked at.

    Returns
    -------
    Treatment
        ``quality`` for a codec that loses anyway. For a lossless one ``smooth``, with a ``bound`` where samples of more
        than 8 bits have digits to spare, see `geosal.smoothing.spare`. ``smooth`` alone for 8 bits, for LERC and raw
        pixels, and where a target is to be met by the ladder.

    Raises
    ------
    UsageError
        Profile and options do not fit the scene.
    SceneError
        A piece of the scene cannot be read.
    """
    usual = Treatment.parse(recipe.as_usual) if recipe.as_usual else _QUALITY
    if usual != _QUALITY:  # which a scene that is a JPEG fills in
        return usual
    given = dict(recipe.creation_options)
    profile = resolve_treated(recipe.output, recipe.profile, given, scene.layout, SMOOTH).profile
    if not profile.lossless:
        return _of_lossy(profile, recipe, scene)
    codec = profile.codec
    if recipe.targets or codec.error_by_tile or codec.raw or np.dtype(scene.layout.dtype).itemsize == 1:
        return SMOOTH
    error = spare_error(scene, recipe.ladder)
    return Treatment(then=Bound(error)) if error > 0 else SMOOTH


def in_units(treatment: Treatment, scene: AnyScene) -> tuple[Treatment, tuple[NoiseLine, ...]]:
    """Turn a largest error in sigmas of the scene's noise into its units: those of the least noisy band.

    Returns
    -------
    tuple
        The treatment, and the noise of each band that tells; as it was and none where it speaks of no sigma.

    Raises
    ------
    UsageError
        The noise cannot be told, or integers cannot have so small an error.
    SceneError
        A piece of the scene cannot be read.
    """
    bound, layout = treatment.then, scene.layout
    if not isinstance(bound, Bound) or bound.sigmas is None:
        return treatment, ()
    noise = Noise(layout.alpha)
    for piece in _pieces(scene.grid.shape, _NOISE_PIECES, _NOISE_SIDE):
        samples = scene.read(piece)
        noise.add(samples.pixels, samples.valid)
    lines = noise.lines()
    wish, mend = f"treatment bound:error={bound.sigmas:g}sigma", "say error= in units of the samples"
    if not lines:
        raise UsageError(f"{wish}: too few pixels are valid and vary to tell their noise; {mend}")
    error = bound.sigmas * min(line.sigma for line in lines)
    error = float(f"{error:.2g}") if layout.dtype.startswith("float") else float(math.floor(error))
    if error <= 0:
        told = ", ".join(f"{line.sigma:.3g}" for line in lines)
        raise UsageError(f"{wish}: sigma is {told}, so no sample could change; say more sigmas, or {mend}")
    return replace(treatment, then=replace(bound, error=error, sigmas=None)), lines


def with_usual_bytes(recipe: Recipe, treatment: Treatment) -> Recipe:
    """Fill in how many bytes a JPEG is to have, where a wish says neither that nor how good it is."""
    by_quality = isinstance(treatment.then, TwoPass) or treatment.then == Quality()
    if (
        format_of(recipe.output).is_jpeg
        and by_quality
        and not recipe.targets
        and "QUALITY" not in {name.upper() for name, _ in recipe.creation_options}
    ):
        return recipe.patch(target_jpeg=_USUAL_JPEG)
    return recipe


def with_usual_tables(recipe: Recipe, treatment: Treatment, scene: AnyScene) -> tuple[tuple[str, str], ...]:
    """Return the creation options of a wish, with libjpeg's tables where a scene is a JPEG of the asked quality.

    With the tables that it was made by, and on its grid, its blocks come out as they were.
    """
    options = recipe.creation_options
    given = {name.upper(): value for name, value in options}
    if not isinstance(treatment.then, Quality) or TABLES.name in given:
        return options
    high = given.get("QUALITY") if treatment.then.high is None else treatment.then.high
    if high is None:
        return options
    profile = resolve_treated(recipe.output, recipe.profile, dict(options), scene.layout, treatment).profile
    if profile.codec.name not in _JPEGS or _quality_of_old(scene) != float(high):
        return options
    from geosal.formats.jpeg.source import old_jpeg  # other jobs need none of it

    old, more = old_jpeg(scene), [(TABLES.name, ANNEX_K)]
    if profile.format.is_jpeg and old is not None and old.subsampling == "444" and scene.layout.count > 2:
        more += [("SUBSAMPLING", "444")] if "SUBSAMPLING" not in given else []  # else chroma would lose once more
    return (*options, *more)


def spare_error(scene: AnyScene, ladder: Ladder) -> float:
    """Learn from pieces spread over a scene how far its smoothed samples may be rounded; always the same for a scene.

    Raises
    ------
    SceneError
        A piece cannot be read.
    """
    shape, spare = scene.grid.shape, Spare(ladder, scene.layout.alpha)
    pieces = _pieces(shape)
    outer = [piece.expand(ladder.halo, shape) for piece in pieces]
    with ThreadPoolExecutor(cpu_count(), thread_name_prefix="geosal-sample") as pool:
        for piece, around, samples in zip(pieces, outer, pool.map(scene.read, outer), strict=True):
            spare.add(samples.pixels, samples.valid, piece.slices_in(around))
    return spare.error()


def _of_lossy(profile: Profile, recipe: Recipe, scene: AnyScene) -> Treatment:
    given = dict(recipe.creation_options)
    says_quality = "QUALITY" in {name.upper() for name in given}
    if profile.codec.scale is None or (profile.codec.quality_is_rate and says_quality):
        return SMOOTH
    try:
        settled = resolve_treated(recipe.output, recipe.profile, given, scene.layout, _QUALITY)
        layout = layout_for(settled.profile, scene.layout)
        tile_encoder(settled.profile, layout, settled.treatment, recipe.ladder.steps)
    except UsageError as error:
        tile_encoder(profile, layout_for(profile, scene.layout))  # refuses what no treatment mends
        warn(f"{error}; pixels are smoothed instead")
        return SMOOTH
    own = None if recipe.targets or says_quality or profile.codec.name not in _JPEGS else _quality_of_old(scene)
    if own is None or own > _USUAL_JPEG:
        return _QUALITY
    low = max(1.0, own - _GAP_OF_COPIES)
    return Treatment(smooth=False, then=Quality(low=low, high=own))


def _quality_of_old(scene: AnyScene) -> float | None:
    """Return the quality of a scene that is a JPEG, or was one on the same grid; None of any other.

    A plain JPEG of that quality repeats the rounding of the source: at its bytes nothing could gain, so the background
    gives up some of them.
    """
    from geosal.formats.jpeg.source import old_jpeg  # other jobs need none of it

    old = old_jpeg(scene)
    return None if old is None or old.own_tables is None else old.quality


def warn_of_old_jpeg(recipe: Recipe, profile: Profile, treatment: Treatment, scene: AnyScene) -> None:
    """Warn where a JPEG is made of a JPEG with other tables or on another grid, and say what would lose less.

    Parameters
    ----------
    recipe
        The wish, with what is usual.
    profile
        Codec of the output, with its options.
    treatment
        As asked: what it leaves open, a search may set.
    scene
        What is read; pieces of it are looked at.
    """
    if profile.codec.name not in _JPEGS:
        return
    from geosal.formats.jpeg.source import old_jpeg  # other jobs need none of it

    old = old_jpeg(scene)
    if old is None or _has_tables_of(old, recipe, profile, treatment):
        return
    if old.offset != (0, 0):
        (row, col), (height, width) = old.offset, scene.grid.shape
        what = f"whose blocks begin at row {row}, column {col}"
        mend = f"cut it there first: gdal_translate -srcwin {col} {row} {width - col} {height - row} IN OUT"
    elif old.quality is not None:
        what, mend = "on the same grid", f"take its tables: --treatment quality:high={old.quality:g}"
    else:
        what, mend = "with tables of its own", "make this one of what that was made of, or keep it as it is"
    warn(f"{scene.path}: is or was {old} {what}, and loses once more in a JPEG of other blocks or tables; {mend}")


def warn_of_a_second_loss(profile: Profile, scene: AnyScene) -> None:
    """Warn where the input is an output that has lost something; `warn_of_old_jpeg` does it for JPEGs made of JPEGs."""
    tags = scene.layout.metadata.tags.get("", {})
    if not provenance.tells_of_loss(tags):
        return
    made = tags[provenance.TREATMENT]
    if profile.codec.name not in _JPEGS or "quality" not in made:
        warn(f"{scene.path}: geosal made it ({made}), and a second job loses more; start from its input if you have it")


def _has_tables_of(old: "OldJpeg", recipe: Recipe, profile: Profile, treatment: Treatment) -> bool:
    """Return whether a JPEG will have the grid and luma's table of an old one; not where a search finds its quality."""
    from geosal.formats.jpeg.tables import steps

    if isinstance(treatment.then, Quality) and treatment.then.high is not None:
        quality = treatment.then.high
    elif recipe.targets:
        return False
    else:
        quality = number(profile.options["QUALITY"])
    if old.offset != (0, 0) or old.tables is None:
        return False
    return np.array_equal(old.tables[0], steps(quality, profile.options[TABLES.name].upper())[0])


def _pieces(shape: tuple[int, int], pieces: int = _PIECES, side: int = _SIDE) -> list[Block]:
    """Squares in the middle of the cells of a coarse raster over the scene; of a small one all that there is."""
    starts = (sorted({max(0, (2 * n + 1) * each // (2 * pieces) - side // 2) for n in range(pieces)}) for each in shape)
    rows, cols = starts
    return [Block(row, col, min(side, shape[0] - row), min(side, shape[1] - col)) for row in rows for col in cols]
