"""What a file shows by itself: every tile is there and decodes, and its layout is valid."""

import os
import re
from collections.abc import Iterator
from contextlib import redirect_stderr
from io import StringIO
from itertools import islice
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from geosal.codecs.profiles import LARGEST_THUMBNAIL, reaches_thumbnail
from geosal.grid import Block, Grid
from geosal.raster import RasterLayout
from geosal.verification import cog, jpeg
from geosal.verification.check import Check
from geosal.writers.tiles import codestream_ends, missing_tiles

WRITTEN_DRIVERS = {"GTiff": "COG", "JP2OpenJPEG": "JPEG2000", "JPEG": "JPEG"}
"""GDAL's driver for reading -> what we call the format."""
_BLOCK_BYTES = 64 * 2**20
_COG_LAYOUT = "LAYOUT=IFDS_BEFORE_DATA"
"""In the head of what GDAL's COG driver wrote; that is always tiled."""
_FALSE_ALARMS = re.compile(r"Invalid Decimation 1 |512xH or 512xW, but is not tiled|index \d+ is not tiled")
"""What rio-cogeo says of good files: the overview of a single row or column is no narrower than that, and a tiled image
as wide as its tiles looks to it as if in strips."""
_PART_15 = {"brandIsValid", "compatibilityListIsValid", "rsizIsValid"}
"""What jpylyzer, which knows Part 1 only, finds wrong with every HTJ2K file."""
_LISTED = 3


def check_complete(path: str, dataset: DatasetReader) -> Check:
    """Decode every tile of the image, of its mask and of its overviews."""
    if dataset.driver == "JPEG":
        return Check.of("complete", jpeg.undecodable(dataset), "every block decodes")
    faults = [*islice(_lost_tiles(path, dataset), 1), *_undecodable(dataset, "")]
    if dataset.driver == "GTiff" and not faults:
        for level, factor in enumerate(dataset.overviews(1)):
            try:
                with rasterio.open(path, driver="GTiff", OVERVIEW_LEVEL=level) as overview:
                    faults += _undecodable(overview, f"overview 1:{factor}, ")
            except RasterioError as error:
                faults.append(f"overview 1:{factor} cannot be opened ({error})")
        if not faults and os.path.isfile(path):
            faults += islice(cog.checksum_faults(path, cog.read_directories(path)), _LISTED)
    if dataset.driver == "JP2OpenJPEG" and not ends_properly(path):
        faults.append("the codestream does not end in EOC: the file is cut off")
    return Check.of("complete", faults[:_LISTED], "every tile decodes")


def check_layout(path: str, dataset: DatasetReader) -> Check:
    """Ask the validators, rio-cogeo for a GeoTIFF and jpylyzer for a JPEG2000, and look at what they do not look at.

    Of a JPEG those are all its markers.
    """
    if dataset.driver == "GTiff":
        faults = [*_cog_faults(path, dataset), *_overview_faults(path, dataset), *_directory_faults(path)]
        return Check.of("layout", list(dict.fromkeys(faults)), "valid COG")
    if dataset.driver == "JPEG":
        return Check.of("layout", jpeg.layout_faults(path, dataset), "valid baseline JPEG")
    return Check.of("layout", _jp2_faults(path, dataset), "valid JPEG2000")


def quick_cog_faults(path: str, dataset: DatasetReader) -> Iterator[str]:
    """Look at a local GeoTIFF as the end of a job does: its layout, that all tiles lie in it, and its thumbnail."""
    if dataset.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") != "COG":
        yield "GDAL does not read its layout as COG"
    try:
        directories = cog.read_directories(path)
        yield from cog.layout_faults(path, directories)
        yield from islice(cog.tile_faults(path, directories), _LISTED)
    except (OSError, ValueError) as error:
        yield str(error)
        return
    levels, listed = dataset.overviews(1), sum(not one.is_mask for one in directories) - 1
    if len(levels) != listed:
        yield f"GDAL sees {len(levels)} overviews, the file lists {listed}"
    elif levels:
        yield from _thumbnail_faults(path, len(levels) - 1)


def quick_faults(path: str, dataset: DatasetReader, layout: RasterLayout) -> Iterator[str]:
    """Look at a file as the end of a job does; a JPEG is decoded wholly, which takes less than its making."""
    if dataset.driver == "JPEG":
        yield from jpeg.layout_faults(path, dataset)
        yield from jpeg.undecodable(dataset)
        yield from jpeg.world_faults(path, layout.grid.transform, needed=False)
        return
    fault = decode_last_tile(dataset)
    if fault is not None:
        yield fault
    if dataset.driver == "JP2OpenJPEG" and not ends_properly(path):
        yield "the codestream is cut off"
    if dataset.driver == "GTiff":
        yield from quick_cog_faults(path, dataset)


def ends_properly(path: str) -> bool:
    """Whether the codestream of a JPEG2000 file is whole; decoding has to tell where the file is remote."""
    return not os.path.isfile(path) or codestream_ends(path)


def decode_last_tile(dataset: DatasetReader) -> str | None:
    """Decode the tile at the lower right, which is written last; tells what is wrong."""
    height, width = dataset.block_shapes[0]
    row, col = (dataset.height - 1) // height * height, (dataset.width - 1) // width * width
    return _decode(dataset, Block(row, col, dataset.height - row, dataset.width - col))


def _lost_tiles(path: str, dataset: DatasetReader) -> Iterator[str]:
    """Tell of tiles that are not in the file: of every image of a local TIFF, of the scene alone in a remote one."""
    if dataset.driver != "GTiff" or not os.path.isfile(path):
        yield from missing_tiles(dataset)
        return
    try:
        yield from cog.tile_faults(path, cog.read_directories(path))
    except (OSError, ValueError) as error:
        yield str(error)


def _thumbnail_faults(path: str, level: int) -> Iterator[str]:
    """Decode the coarsest overview, of a tile at most where the file is as it should be, and its mask."""
    try:
        with rasterio.open(path, driver="GTiff", OVERVIEW_LEVEL=level) as overview:
            height, width = overview.block_shapes[0]
            fault = _decode(overview, Block(0, 0, min(height, overview.height), min(width, overview.width)))
    except RasterioError as error:
        fault = f"cannot be opened ({error})"
    if fault is not None:
        yield f"overview {level + 1}, {fault}"


def _undecodable(dataset: DatasetReader, where: str) -> Iterator[str]:
    sample_bytes = dataset.count * np.dtype(dataset.dtypes[0]).itemsize
    size = max(512, int((_BLOCK_BYTES / sample_bytes) ** 0.5) // 1024 * 1024)
    for block in Grid(None, dataset.transform, dataset.height, dataset.width).blocks(size):
        fault = _decode(dataset, block)
        if fault is not None:
            yield where + fault
            return


def _decode(dataset: DatasetReader, block: Block) -> str | None:
    try:
        dataset.read(window=block.window)
        dataset.read_masks(1, window=block.window)
    except (RasterioError, OSError, SystemError) as error:
        return f"{block} cannot be decoded ({error})"
    return None


def _cog_faults(path: str, dataset: DatasetReader) -> list[str]:
    from rio_cogeo.cogeo import cog_validate  # noqa: PLC0415  heavy, and needed here only

    try:
        # Strict makes its advice a fault, and then returns it among both.
        _, errors, advice = cog_validate(path, strict=True, quiet=True)
    except Exception as error:  # noqa: BLE001  a validator may stumble over a broken file in any way
        return [f"the COG validator gives up ({error})"]
    found = dict.fromkeys([*errors, *advice])
    if max(dataset.shape) <= min(dataset.block_shapes[0]):  # one tile needs no overview
        found = {fault: None for fault in found if "recommended to include internal overviews" not in fault}
    if _COG_LAYOUT in (dataset.get_tag_item("GDAL_STRUCTURAL_METADATA", "TIFF") or ""):
        return [fault for fault in found if not _FALSE_ALARMS.search(fault)]
    return list(found)


def _directory_faults(path: str) -> list[str]:
    """Look at the directories of a local GeoTIFF: masks of overviews, the order of tiles, their frames."""
    if not os.path.isfile(path):
        return []
    try:
        return list(cog.layout_faults(path, cog.read_directories(path)))
    except (OSError, ValueError) as error:
        return [str(error)]


def _overview_faults(path: str, dataset: DatasetReader) -> Iterator[str]:
    """Overviews must reach down to a single tile; the validator is content with any.

    GDAL tells of overviews by the ratio of the widths, which says nothing when a scene is a few columns wide.
    """
    tile, levels, coarsest = max(dataset.block_shapes[0]), len(dataset.overviews(1)), max(dataset.shape)
    if levels:
        try:
            with rasterio.open(path, driver="GTiff", OVERVIEW_LEVEL=levels - 1) as overview:
                coarsest = max(overview.shape)
        except RasterioError as error:
            yield f"the coarsest overview cannot be opened ({error})"
            return
    if coarsest > tile:
        yield f"overviews reach 1:{max(dataset.shape) / coarsest:.0f} only, {coarsest} px, a tile has {tile}"


def _brand(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(24)[20:]


def _jp2_faults(path: str, dataset: DatasetReader) -> list[str]:
    from jpylyzer import jpylyzer  # noqa: PLC0415  slow to import, and needed here only

    if not Path(path).is_file():
        return []
    try:
        with redirect_stderr(StringIO()):  # it warns of boxes newer than the standard's first part, as GMLJP2 needs
            report = jpylyzer.checkOneFile(path)
        valid = report.findtext("isValid")
        failed = [test.tag for test in report.find("tests").iter() if test.text == "False"]
        halvings = report.findtext("properties/contiguousCodestreamBox/cod/levels")
    except (Exception, SystemExit) as error:  # noqa: BLE001  as above; it may even want to leave the program
        return [f"jpylyzer gives up ({error})"]
    faults = [] if halvings is None else list(_resolution_faults(dataset, int(halvings)))
    if valid == "True" or (set(failed) == _PART_15 and _brand(path) == b"jph "):
        return faults
    return [f"jpylyzer: {', '.join(failed) or 'not valid'}", *faults]


def _resolution_faults(dataset: DatasetReader, halvings: int) -> Iterator[str]:
    """The resolutions of a codestream are its overviews; they must reach down to a thumbnail, as far as tiles go."""
    if not reaches_thumbnail(dataset.shape, min(dataset.block_shapes[0]), halvings + 1):
        coarsest = -(-max(dataset.shape) // 2**halvings)
        yield f"overviews reach 1:{2**halvings} only, {coarsest} px, a thumbnail has {LARGEST_THUMBNAIL}"
