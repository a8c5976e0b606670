"""A whole product: a job for each band at its own resolution, and one decision of what matters for all of them.

The saliency is decided once, on the grid of the finest multispectral bands, and written beside the bands. A coarser
band reads the largest value of that map that lies in its pixel, so what matters in one band does in all.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from geosal.batch.jobs import Job
from geosal.batch.names import ending_of, suffix_for, writes
from geosal.core.progress import ProgressCallback
from geosal.files.names import stem_of
from geosal.job.recipe import Recipe
from geosal.maps.saliency_map import OPTIONS, write_saliency_map
from geosal.scenes.products.bands import ProductBand
from geosal.scenes.products.opening import read_product

MAP = "saliency.tif"
"""Name of the map beside the bands."""
_NOT_OF_THE_MAP = ("profile", "creation_options", "bands", "bidx", "resolution", "stack")
"""Options that are for the bands' files alone."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A product whose bands are written one by one, and its decision of saliency.

    Attributes
    ----------
    recipe
        Of the map: its input is the product, its output the map.
    """

    recipe: Recipe

    def decide(self, progress: ProgressCallback) -> dict[str, Any]:
        """Write the map; returns what `write_saliency_map` does.

        Raises
        ------
        GeosalError
            See `write_saliency_map`.
        """
        usual = {each.name: each.default for each in fields(Recipe)}
        wish = {name: getattr(self.recipe, name) for name in OPTIONS if name not in _NOT_OF_THE_MAP}
        given = {name: value for name, value in wish.items() if value != usual[name]}
        recipe = self.recipe
        return write_saliency_map(recipe.saliency, recipe.output, recipe.input, progress=progress, **given)


def jobs_of_product(wish: Recipe, directory: str, suffix: str | None) -> tuple[Whole, tuple[Job, ...]]:
    """Make the jobs of all bands of a product, below a directory.

    Parameters
    ----------
    wish
        Recipe of a job with the product as its input; its output is not looked at.
    directory
        In it the outputs lie as the bands do in the product, in a folder of the product's name.
    suffix
        What names of outputs end with; None for the product's own, or that of the profile.

    Raises
    ------
    SceneError, UsageError
        The product cannot be read, or has none of its bands.
    """
    product = read_product(wish.input)
    bands = product.whole()
    inside = {band.name: _place_in(product.path, band) for band in bands}
    top = _top(product.path, inside.values())
    folder = os.path.join(directory, top or _name_of(product.path))
    own = {name: place.removeprefix(f"{top}/") if top else place for name, place in inside.items()}
    outputs = {
        name: os.path.join(folder, *_named(place, wish.profile, suffix).split("/")) for name, place in own.items()
    }
    decided = wish.patch(output=os.path.join(folder, MAP))
    source = f"{decided.output}:resampling=max"
    finest = min(band.resolution for band in bands)
    jobs = []
    for band in bands:
        unmade = wish.patch(output=outputs[band.name], bands=(band.name,))
        recipe = unmade.patch(saliency=(source,), combine=None, outside="keep", background=0.0)
        jobs.append(Job(recipe, (finest / band.resolution) ** 2, unmade))
    return Whole(decided), tuple(jobs)


def _place_in(root: str, band: ProductBand) -> str:
    """Return the path of a band's finest file in its product, with slashes."""
    file = band.there[0]
    path = file.path or ""
    place = path[path.find(root) + len(root) :].lstrip("}/") if root in path else file.label
    # An array of a store: a name as in .SAFE, as outputs are files.
    return place if os.path.splitext(place)[1] else f"{band.name}_{file.resolution:g}m"


def _top(root: str, places: Iterable[str]) -> str:
    """Return the folder that an archive has around all of its bands; empty for a folder, which has its own name."""
    heads = {place.partition("/")[0] if "/" in place else "" for place in places}
    return heads.pop() if len(heads) == 1 and os.path.isfile(root) else ""


def _name_of(root: str) -> str:
    name = os.path.basename(root.rstrip("/")) if os.path.isdir(root) else stem_of(root)
    return name.removesuffix(".zarr")


def _named(place: str, profile: str | None, suffix: str | None) -> str:
    """Name the output of a band as the product does, with another ending if one is asked for or needed."""
    stem, own = os.path.splitext(place)
    if suffix is not None:
        return stem + ending_of(suffix)
    return place if writes(profile, own) else stem + suffix_for(profile)
