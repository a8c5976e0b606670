"""What goes along with the bands of a whole product as it is: its metadata and its quality bands."""

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from geosal.errors import OutputError, cause_of
from geosal.files.atomic import replacing
from geosal.scenes.products.bands import Product
from geosal.scenes.products.files import Files

_PICTURE = re.compile(r"_TCI(_10m|_20m|_60m)?$|(^|/)TCI$")
"""End of the name of a true-colour image, without its ending."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Files of a product that are copied.

    Attributes
    ----------
    files
        The product.
    copies
        Name in the product -> path of the copy.
    quality
        Kind of each quality band among them -> path of the copy.
    """

    files: Files
    copies: dict[str, str]
    quality: dict[str, str]

    def copy(self) -> int:
        """Copy all, each whole or not at all; returns their bytes.

        Raises
        ------
        SceneError
            One cannot be read.
        OutputError
            One cannot be written.
        """
        return sum(self._copy(name, path) for name, path in self.copies.items())

    def _copy(self, name: str, path: str) -> int:
        size = 0
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with replacing(Path(path)) as part, part.open("wb") as file:
                for chunk in self.files.chunks(name):
                    size += file.write(chunk)
        except OSError as error:
            if isinstance(error, OutputError) or not error.errno:  # ours, which says more
                raise
            raise OutputError(f"{path}: cannot be written: {cause_of(error)}; the bands are complete") from error
        return size


def rest_of(files: Files, product: Product, places: Collection[str], folder: str, own: Collection[str] = ()) -> Rest:
    """Find what goes along with the bands of a product.

    Coarser copies of bands, true-colour images, and what lies beside a band for GDAL do not: bands make them again, or
    they tell of samples that are no more. Of a Landsat folder, only files of the product's own name are taken.

    Parameters
    ----------
    files, product
        The product.
    places
        Names of the bands in `files`.
    folder
        In it the copies lie as in the product.
    own
        Names of what is made anew in the folder: of a product that geosal has written, what it made then stays behind.
    """
    bands = {os.path.splitext(place)[0] for place in (*places, *_copies(files, product))}
    granules = {found[0] for place in places if (found := re.search(r"(^|/)GRANULE/[^/]+/", place))}
    top = top_of(files)
    copies = {
        name: os.path.join(folder, *(name.removeprefix(f"{top}/") if top else name).split("/"))
        for name in files.names
        if name.removeprefix(f"{top}/" if top else "") not in own
        and not _PICTURE.search(os.path.splitext(name)[0])
        and not any(name.startswith(f"{stem}.") for stem in bands)
        and _is_own(name, product, granules)
    }
    names = {band.kind: place_in(files, band.path) for band in product.quality}
    return Rest(files, copies, {kind: copies[name] for kind, name in names.items() if name in copies})


def top_of(files: Files) -> str:
    """Return the folder that an archive has around all of its files; empty for a folder, which has its own name."""
    heads = {name.partition("/")[0] if "/" in name else "" for name in files.names}
    return heads.pop() if len(heads) == 1 and files.kind != "folder" else ""


def place_in(files: Files, path: str) -> str:
    """Return the name in a product of a file that GDAL opens by a path."""
    return path[path.find(files.root) + len(files.root) :].lstrip("}/")


def _copies(files: Files, product: Product) -> Iterator[str]:
    """Yield names of what repeats a band at a coarser resolution."""
    for band in product.bands:
        yield from (place_in(files, file.path) for file in band.there[0 if band.spectral else 1 :] if file.path)


def _is_own(name: str, product: Product, granules: Collection[str]) -> bool:
    """Return whether a file is of this product, and no other one in the folder."""
    if granules:
        granule = re.search(r"(^|/)GRANULE/[^/]+/", name)
        return granule is None or granule[0] in granules
    own = product.tags.get("LANDSAT_PRODUCT_ID")
    return own is None or name.rpartition("/")[2].lower().startswith(own.lower())
