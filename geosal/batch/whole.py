"""A whole product: a job for each band at its own resolution, and one decision of what matters for all of them.

The saliency is decided once, on the grid of the finest multispectral bands, and written beside the bands. A coarser
band reads the largest value of that map that lies in its pixel, so what matters in one band does in all.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from geosal.batch.jobs import Job
from geosal.batch.names import ending_of, suffix_for, writes
from geosal.batch.rest import Rest, place_in, rest_of, top_of
from geosal.core.progress import ProgressCallback
from geosal.core.zarr.files import locate
from geosal.errors import GeosalError, OutputError, cause_of
from geosal.files.atomic import write_text
from geosal.files.names import stem_of
from geosal.files.swap import ITEM, beside
from geosal.formats.cog.format import Cog
from geosal.formats.jpeg2000.format import Jpeg2000
from geosal.job.recipe import Recipe
from geosal.maps.saliency_map import OPTIONS, write_saliency_map
from geosal.scenes.products.bands import ProductBand
from geosal.scenes.products.files import Files
from geosal.scenes.products.item import KEYS
from geosal.scenes.products.opening import is_item, read_product
from geosal.scenes.raster import Scene
from geosal.scenes.reading import NO_LIMIT
from geosal.stac.digests import read_item
from geosal.stac.together import Beside, item_together

MAP = "saliency.tif"
"""Name of the map beside the bands."""
_MEDIA_TYPES = {
    ".tif": "image/tiff; application=geotiff",
    ".tiff": "image/tiff; application=geotiff",
    ".jp2": Jpeg2000.media_type,
}
"""Ending of a quality band -> its media type; polygons are no raster, and no asset is one."""
_SNOW = "snow-ice"
_ROLES = {"cld": ("cloud",), "snw": (_SNOW,), "msk_classi": ("cloud", _SNOW)}
_ALL_ROLES = ("cloud", "cloud-shadow", _SNOW, "water-mask")
"""Roles of the assets of quality bands that tell all of it."""
_NOT_OF_THE_MAP = ("profile", "creation_options", "bands", "bidx", "resolution", "stack")
"""Options that are for the bands' files alone."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A product whose bands are written one by one, and its decision of saliency.

    Attributes
    ----------
    recipe
        Of the map: its input is the product, its output the map.
    folder
        In it all outputs lie.
    rest
        What goes along as it is once all bands are there; None for a store in Zarr, or where bands get other names than
        the metadata have.
    """

    recipe: Recipe
    folder: str
    rest: Rest | None = None

    def decide(self, progress: ProgressCallback, *, resume: bool = False) -> dict[str, Any]:
        """Write the map; returns what `write_saliency_map` does.

        To `resume` it is written again: the same decision has the same bytes, by which finished bands are known. An
        item of former bands goes before the first of them does, as not all may come again.

        Raises
        ------
        GeosalError
            See `write_saliency_map`.
        """
        usual = {each.name: each.default for each in fields(Recipe)}
        wish = {name: getattr(self.recipe, name) for name in OPTIONS if name not in _NOT_OF_THE_MAP}
        given = {name: value for name, value in wish.items() if value != usual[name]}
        recipe = self.recipe
        given |= {"overwrite": True} if resume else {}
        made = write_saliency_map(recipe.saliency, recipe.output, recipe.input, progress=progress, **given)
        if recipe.stac:
            self.item.unlink(missing_ok=True)
        return made

    @property
    def item(self) -> Path:
        """Path of the STAC item of all bands, if one is asked for: it has the name of its folder."""
        return Path(self.folder, _item_in(self.folder))

    def catalogue(self, outputs: Sequence[str]) -> None:
        """Write one STAC item of all bands, made of those beside the outputs; nothing where none is asked for.

        Quality bands are among its assets where they went along.

        Raises
        ------
        OutputError
            It cannot be written, or the item of a band cannot be read.
        """
        if not self.recipe.stac:
            return
        items = {}
        for path in (beside(Path(output), ITEM) for output in outputs):
            found = read_item(path)
            if isinstance(found, str):
                raise OutputError(f"{path}: {found}; make that band again, and the item of all bands will be made")
            items[str(path)] = found
        place = Path(self.recipe.output)
        maps = [Beside(place.stem, place, Cog.media_type)] if place.exists() else []
        quality = {} if self.rest is None else self.rest.quality
        others = [*maps, *_quality_assets(quality)]
        text = json.dumps(item_together(Path(self.folder), items, others), indent=2, ensure_ascii=False)
        try:
            write_text(self.item, f"{text}\n")
        except OSError as error:
            raise OutputError(f"{self.item}: cannot be written: {cause_of(error)}; the bands are complete") from error


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
    has_files = locate(product.path) is None and not is_item(
        wish.input
    )  # a store has arrays, and an item points anywhere
    files = Files.of(product.path) if has_files else None
    places = {band.name: _name(files, band) for band in bands}
    top = "" if files is None else top_of(files)
    folder = os.path.join(directory, top or _name_of(product.path))
    own = {name: place.removeprefix(f"{top}/") if top else place for name, place in places.items()}
    outputs = {
        name: os.path.join(folder, *_named(place, wish.profile, suffix).split("/")) for name, place in own.items()
    }
    is_one = all(_is_known(own[name], outputs[name].removeprefix(folder)[1:], product.path) for name in own)
    made = {MAP, _item_in(folder)}
    rest = rest_of(files, product, places.values(), folder, made) if files is not None and is_one else None
    decided = wish.patch(output=os.path.join(folder, MAP))
    source = f"{decided.output}:resampling=max"
    finest = min(band.resolution for band in bands)
    jobs = []
    for band in bands:
        unmade = wish.patch(output=outputs[band.name], bands=(band.name,))
        recipe = unmade.patch(saliency=(source,), combine=None, outside="keep", background=0.0)
        jobs.append(Job(recipe, (finest / band.resolution) ** 2, unmade))
    return Whole(decided, folder, rest), tuple(jobs)


def _quality_assets(quality: Mapping[str, str]) -> Iterator[Beside]:
    """Describe copies of quality bands by their kinds, so that the item is read with them."""
    for kind, path in quality.items():
        media_type = _MEDIA_TYPES.get(os.path.splitext(path)[1].lower())
        if media_type is None or kind not in KEYS:
            continue
        try:
            grid = Scene.open(path, max_pixels=NO_LIMIT).grid
        except GeosalError:  # it went along as it was, sound or not
            grid = None
        yield Beside(KEYS[kind], Path(path), media_type, _ROLES.get(kind, _ALL_ROLES), grid)


def _name(files: Files | None, band: ProductBand) -> str:
    """Return the name of a band's finest file in its product, with slashes; of an array in a store, one as in .SAFE.

    Nobody vouches for a name in an item: it leads into no folder.
    """
    file = band.there[0]
    plain = re.sub(r"[^\w.-]+", "_", band.name).lstrip(".")
    return f"{plain}_{file.resolution:g}m" if files is None else place_in(files, file.path or file.label)


def _item_in(folder: str) -> str:
    """Name the STAC item of all bands."""
    return os.path.basename(folder.rstrip("/")).removesuffix(".SAFE") + ".json"


def _name_of(root: str) -> str:
    name = os.path.basename(root.rstrip("/")) if os.path.isdir(root) else stem_of(root)
    return name.removesuffix(".zarr")


def _is_known(place: str, output: str, root: str) -> bool:
    """Return whether the metadata of a product speak of a band's output: those of a .SAFE name no ending."""
    (stem, own), (other, ending) = os.path.splitext(place), os.path.splitext(output)
    of_safe = ".SAFE" in root.upper() or "GRANULE/" in place
    return stem == other and (ending.lower() == own.lower() or (of_safe and ending.lower() in {".jp2", ".tif"}))


def _named(place: str, profile: str | None, suffix: str | None) -> str:
    """Name the output of a band as the product does, with another ending if one is asked for or needed."""
    stem, own = os.path.splitext(place)
    if suffix is not None:
        return stem + ending_of(suffix)
    return place if writes(profile, own) else stem + suffix_for(profile)
