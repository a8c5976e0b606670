"""The settings of a job, which a search may change: what a recipe makes of them for a scene."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from geosal.core.ladder import USUAL_SIGMA, Ladder
from geosal.core.option_values import parse_share
from geosal.core.treatment import Treatment
from geosal.errors import UsageError
from geosal.formats.profiles import Settled, resolve_treated
from geosal.formats.table import format_of
from geosal.formats.tuning import setting_for
from geosal.job.recipe import Recipe
from geosal.job.usual import in_units, usual_treatment, with_usual_tables
from geosal.scenes import AnyScene, input_places
from geosal.scenes.products.files import size_of
from geosal.scenes.zarr_store import ZarrScene, store_bytes
from geosal.smoothing.noise import NoiseLine
from geosal.sources import Saliency, SourceText, open_saliency

if TYPE_CHECKING:
    from geosal.stac.item import Basis


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a job that a search may change.

    Attributes
    ----------
    treatment
        Treatment as asked; what it leaves open is filled in for the codec.
    ladder
        Saliency to kernel width.
    options
        The user's creation options, by GDAL's names.
    noise
        Noise of the bands, where the treatment asks for it.
    """

    treatment: Treatment
    ladder: Ladder
    options: tuple[tuple[str, str], ...]
    noise: tuple[NoiseLine, ...] = ()

    def with_option(self, name: str, value: str) -> Self:
        """Return the same with a creation option set."""
        return replace(self, options=(*self.without_option(name).options, (name, value)))

    def without_option(self, name: str) -> Self:
        """Return the same with a creation option left to the codec."""
        return replace(self, options=tuple(pair for pair in self.options if pair[0].upper() != name))


def input_bytes(scene: AnyScene) -> int | None:
    """Size of a scene's files together, of those in an archive unpacked; None of an array, or where one is not local.

    A Zarr store that is read whole counts with all of its files, as `geosal info` counts them; else the arrays that are
    read, where no step of them was chosen.
    """
    original, files = scene.original, scene.original.files
    if isinstance(original, ZarrScene) and original.is_whole_file() and os.path.exists(original.path):
        return store_bytes(original.path)
    if files and all(map(os.path.isdir, files)) and not getattr(scene.original, "steps", ()):
        return sum(map(store_bytes, files))
    sizes = [size_of(path) for path in files]
    return sum(size for size in sizes if size is not None) if files and None not in sizes else None


def with_bytes_of(recipe: Recipe, scene: AnyScene) -> Recipe:
    """Turn a size that is a share of the input's into bytes.

    Raises
    ------
    UsageError
        The size of the input is not known.
    """
    share = None if recipe.target_size is None else parse_share("target_size", recipe.target_size)
    if share is None:
        return recipe
    size = input_bytes(scene)
    if size is None:
        raise UsageError(
            f"--target-size {recipe.target_size}: how many bytes {recipe.input} has is not known here; write a size "
            "such as 50MB"
        )
    return recipe.patch(target_size=max(1, int(share * size)))


def settings_of(recipe: Recipe, scene: AnyScene) -> Settings:
    """Take from a recipe the settings that a search may change, with the default treatment.

    Raises
    ------
    UsageError
        An option has no effect with this output or treatment, or see `geosal.job.usual.usual_treatment`.
    SceneError
        A piece of the scene cannot be read.
    """
    form = format_of(recipe.output)
    if recipe.target_jpeg is not None and not form.is_jpeg:
        raise UsageError(
            f"--target-jpeg {recipe.target_jpeg:g}: is for an output that ends in .jpg, not for {recipe.output}; use "
            "--target-size or --target-bpp"
        )
    treatment = usual_treatment(recipe, scene) if recipe.treatment is None else recipe.treated
    if recipe.sigma != USUAL_SIGMA and not treatment.smooth:
        raise UsageError(
            f"--sigma {recipe.sigma}: nothing is smoothed by treatment {treatment}; leave it out, or add "
            "--treatment smooth"
        )
    treatment, noise = in_units(treatment, scene)
    options = with_usual_tables(recipe, treatment, scene)
    return Settings(treatment=treatment, ladder=recipe.ladder, options=options, noise=noise)


def settle(recipe: Recipe, settings: Settings, scene: AnyScene) -> Settled:
    """Resolve profile, options and treatment for a scene, and refuse targets that nothing could meet.

    Raises
    ------
    UsageError
        Profile, options, treatment or targets do not go together, or not with the scene.
    """
    given, targets = dict(settings.options), recipe.targets
    settled = resolve_treated(recipe.output, recipe.profile, given, scene.layout, settings.treatment)
    if targets:
        setting_for(settled.profile, settled.treatment, given, for_bytes=targets.is_rate)
    if targets.is_rate and targets.jpeg is None:
        targets.bytes_for(scene.grid.height * scene.grid.width, scene.layout.raw_bytes)
    return settled


def basis_of(recipe: Recipe, scene: AnyScene) -> "Basis":
    """Find what the STAC item of a job tells of its scene.

    Raises
    ------
    UsageError
        See `geosal.stac.item.Basis.of`.
    """
    from geosal.stac.item import Basis  # most jobs write none

    return Basis.of(scene.path, scene.layout, recipe.datetime)


def inputs_of(recipe: Recipe) -> list[str]:
    """List the paths that a job reads: its input with all that belongs to it, and what its SOURCEs name.

    Raises
    ------
    UsageError
        A SOURCE text is wrong.
    """
    named = (path for source in recipe.sources for path in source.paths)
    return [*input_places(recipe.input), *recipe.stack, *named]


def saliency_of(recipe: Recipe, scene: AnyScene, sources: Sequence[SourceText] | None = None) -> Saliency:
    """Open a recipe's sources of saliency on a scene, or those that are given in their stead.

    Raises
    ------
    UsageError, SceneError, SaliencyError
        See `geosal.sources.open_saliency`.
    """
    return open_saliency(
        recipe.sources if sources is None else sources,
        scene.grid,
        combine=recipe.combine,
        outside=recipe.outside,
        drivers=recipe.drivers,
        background=recipe.background,
        scene=scene.original,
    )
