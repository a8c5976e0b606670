"""Check that a file is a COG as geosal promises it.

Its layout is read from the TIFF's own directories (`tiff_faults`): that sees more than a validator that asks for the
first tile of each image, and needs none of its imports.
"""

import os
import re
from collections.abc import Iterator, Mapping
from itertools import islice

import rasterio
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from geosal.core.grid import Block
from geosal.core.provenance import read_treatment
from geosal.core.raster import RasterLayout
from geosal.core.treatment import SMOOTH, Bound, Treatment
from geosal.formats.coarseness import UNKNOWN, WITHOUT_LOSS, Coarseness, error_of_jpeg, has_integers, number_in
from geosal.formats.cog.tiff_faults import checksum_faults, directory_faults, read_directories, tile_faults
from geosal.formats.finished import Finished
from geosal.formats.gdal.completeness import missing_tiles
from geosal.formats.readback import fault_of_block, fault_of_last_tile, undecodable

_COG_LAYOUT = "LAYOUT=IFDS_BEFORE_DATA"
"""Mark in the head of every file that GDAL's COG driver writes; such files are always tiled."""
_FALSE_ALARMS = re.compile(r"Invalid Decimation 1 |512xH or 512xW, but is not tiled|index \d+ is not tiled")
"""Messages of rio-cogeo about good files. The overview of a single row or column is no narrower than that, and an image
whose tiles are as wide as itself looks to it as if it were in strips."""
_LISTED = 3
"""Number of faults of one kind that are listed."""


class FinishedCog(Finished):
    """A COG whose tiles and overviews are all there, in the order in which it is read over a network."""

    valid = "valid COG"
    overviews_apart = True

    def complete_faults(self, path: str, dataset: DatasetReader) -> list[str]:
        """Decode every tile of the image, of its mask and of its overviews."""
        faults = [*islice(_lost_tiles(path, dataset), 1), *undecodable(dataset)]
        if faults:
            return faults
        for level, factor in enumerate(dataset.overviews(1)):
            try:
                with rasterio.open(dataset.name, driver="GTiff", OVERVIEW_LEVEL=level) as overview:
                    faults += undecodable(overview, f"overview 1:{factor}, ")
            except RasterioError as error:
                faults.append(f"overview 1:{factor} cannot be opened ({error})")
        if not faults and os.path.isfile(path):
            faults += islice(checksum_faults(path, read_directories(path)), _LISTED)
        return faults

    def layout_faults(self, path: str, dataset: DatasetReader) -> list[str]:
        """Run the validator rio-cogeo, and check what it does not check."""
        faults = [*_validator_faults(dataset), *_overview_faults(dataset), *_local_faults(path)]
        return list(dict.fromkeys(faults))

    def quick_faults(self, path: str, dataset: DatasetReader, layout: RasterLayout) -> Iterator[str]:
        """Check a local GeoTIFF quickly, at the end of a job: its layout, that all tiles lie in it, its thumbnail."""
        del layout
        fault = fault_of_last_tile(dataset)
        if fault is not None:
            yield fault
        if dataset.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") != "COG":
            yield "GDAL does not read its layout as COG"
        try:
            directories = read_directories(path)
            yield from directory_faults(path, directories)
            yield from islice(tile_faults(path, directories), _LISTED)
        except (OSError, ValueError) as error:
            yield str(error)
            return
        levels, listed = dataset.overviews(1), sum(not one.is_mask for one in directories) - 1
        if len(levels) != listed:
            yield f"GDAL sees {len(levels)} overviews, the file lists {listed}"
        elif levels:
            yield from _thumbnail_faults(dataset.name, len(levels) - 1)

    def holds_every_sample(self, structure: Mapping[str, str], treatment: Treatment) -> bool:
        """Decide by the codec; where tiles differ in quality, GDAL describes only one of them."""
        compression = structure.get("COMPRESSION", "").lower()
        if "jpeg" in compression:
            return False
        if compression == "webp":
            return structure.get("COMPRESSION_REVERSIBILITY", "") == "LOSSLESS"
        if not compression.startswith("lerc"):
            return True
        return not isinstance(treatment.then, Bound) and float(structure.get("MAX_Z_ERROR", 0)) == 0

    def best_is_lossless(self, structure: Mapping[str, str]) -> bool:
        """Return whether the codec is WebP, which is lossless at its best quality."""
        return structure.get("COMPRESSION", "").lower() == "webp"

    def coarseness(self, dataset: DatasetReader, shown: DatasetReader) -> Coarseness:
        """Decide by the codec: LERC states its error, JPEG defines it by its tables."""
        structure = dataset.tags(ns="IMAGE_STRUCTURE") | shown.tags(ns="IMAGE_STRUCTURE")
        compression, whole = structure.get("COMPRESSION", "").lower(), has_integers(shown)
        if compression.startswith("lerc"):
            errors = (number_in(structure, name) or 0.0 for name in ("MAX_Z_ERROR", "MAX_Z_ERROR_OVERVIEW"))
            return Coarseness.of_largest(max(sum(errors), WITHOUT_LOSS if whole else 0.0))
        if whole and "jpeg" in compression:
            tables = bytes.fromhex(shown.get_tag_item("JPEGTABLES", "TIFF", bidx=1) or "")
            return Coarseness.of_largest(error_of_jpeg(tables, read_treatment(dataset.tags()) or SMOOTH))
        if whole and compression == "webp":
            return Coarseness.of_largest(UNKNOWN)
        return super().coarseness(dataset, shown)


def _lost_tiles(path: str, dataset: DatasetReader) -> Iterator[str]:
    """Report tiles that are not in the file: of every image of a local TIFF, of the scene alone in a remote one.

    Strips, which other programs write, are looked for by GDAL as well; that they are no COG, the layout tells.
    """
    try:
        directories = read_directories(path) if os.path.isfile(path) else []
        if directories and all(one.tile is not None for one in directories):
            yield from tile_faults(path, directories)
        else:
            yield from missing_tiles(dataset)
    except (OSError, ValueError) as error:
        yield str(error)


def _thumbnail_faults(path: str, level: int) -> Iterator[str]:
    """Decode the coarsest overview, which is one tile at most in a valid file, and its mask."""
    try:
        with rasterio.open(path, driver="GTiff", OVERVIEW_LEVEL=level) as overview:
            height, width = overview.block_shapes[0]
            fault = fault_of_block(overview, Block(0, 0, min(height, overview.height), min(width, overview.width)))
    except RasterioError as error:
        fault = f"cannot be opened ({error})"
    if fault is not None:
        yield f"overview {level + 1}, {fault}"


def _validator_faults(dataset: DatasetReader) -> list[str]:
    from rio_cogeo.cogeo import cog_validate  # heavy, and needed here only

    try:
        # In strict mode, the validator returns its advice both as advice and as faults.
        _, errors, advice = cog_validate(dataset.name, strict=True, quiet=True)
    except Exception as error:  # noqa: BLE001  a validator may stumble over a broken file in any way
        return [f"the COG validator gives up ({error})"]
    found = dict.fromkeys([*errors, *advice])
    if max(dataset.shape) <= min(dataset.block_shapes[0]):  # one tile needs no overview
        found = {fault: None for fault in found if "recommended to include internal overviews" not in fault}
    if _COG_LAYOUT in (dataset.get_tag_item("GDAL_STRUCTURAL_METADATA", "TIFF") or ""):
        return [fault for fault in found if not _FALSE_ALARMS.search(fault)]
    return list(found)


def _local_faults(path: str) -> list[str]:
    """Check the directories of a local GeoTIFF: masks of overviews, the order of tiles, their frames."""
    if not os.path.isfile(path):
        return []
    try:
        return list(directory_faults(path, read_directories(path)))
    except (OSError, ValueError) as error:
        return [str(error)]


def _overview_faults(dataset: DatasetReader) -> Iterator[str]:
    """Check that overviews reach down to a single tile; the validator accepts any.

    GDAL describes overviews by the ratio of widths, which is useless for a scene of a few columns.
    """
    tile, levels, coarsest = max(dataset.block_shapes[0]), len(dataset.overviews(1)), max(dataset.shape)
    if levels:
        try:
            with rasterio.open(dataset.name, driver="GTiff", OVERVIEW_LEVEL=levels - 1) as overview:
                coarsest = max(overview.shape)
        except RasterioError as error:
            yield f"the coarsest overview cannot be opened ({error})"
            return
    if coarsest > tile:
        yield f"overviews reach 1:{max(dataset.shape) / coarsest:.0f} only, {coarsest} px, a tile has {tile}"
