"""What a file shows by itself: every tile is there and decodes, and its layout is valid."""

import os
from collections.abc import Iterator
from contextlib import redirect_stderr
from io import StringIO
from itertools import islice
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from geosal.grid import Block, Grid
from geosal.verification.check import Check
from geosal.writers.tiles import missing_tiles

WRITTEN_DRIVERS = {"GTiff": "COG", "JP2OpenJPEG": "JPEG2000"}
"""GDAL's driver for reading -> what we call the format."""
_BLOCK_BYTES = 64 * 2**20
_END_OF_CODESTREAM = b"\xff\xd9"
_LISTED = 3


def check_complete(path: str, dataset: DatasetReader) -> Check:
    """Decode every tile of the image, of its mask and of its overviews."""
    faults = [*islice(missing_tiles(dataset), 1), *_undecodable(dataset, "")]
    if dataset.driver == "GTiff" and not faults:
        for level, factor in enumerate(dataset.overviews(1)):
            try:
                with rasterio.open(path, driver="GTiff", OVERVIEW_LEVEL=level) as overview:
                    faults += _undecodable(overview, f"overview 1:{factor}, ")
            except RasterioError as error:
                faults.append(f"overview 1:{factor} cannot be opened ({error})")
    if dataset.driver == "JP2OpenJPEG" and not ends_properly(path):
        faults.append("the codestream does not end in EOC: the file is cut off")
    return Check.of("complete", faults[:_LISTED], "every tile decodes")


def check_layout(path: str, dataset: DatasetReader) -> Check:
    """Ask the validators: rio-cogeo for a GeoTIFF, jpylyzer for a JPEG2000."""
    if dataset.driver == "GTiff":
        return Check.of("layout", [*_cog_faults(path), *_overview_faults(dataset)], "valid COG")
    return Check.of("layout", _jp2_faults(path), "valid JPEG2000")


def ends_properly(path: str) -> bool:
    """Whether a JPEG2000 file ends where its codestream ends; files we write have no box after it."""
    if not os.path.isfile(path):  # remote: decoding has to tell
        return True
    with open(path, "rb") as file:
        file.seek(-min(2, os.path.getsize(path)), os.SEEK_END)
        return file.read(2) == _END_OF_CODESTREAM


def decode_last_tile(dataset: DatasetReader) -> str | None:
    """Decode the tile at the lower right, which is written last; tells what is wrong."""
    height, width = dataset.block_shapes[0]
    row, col = (dataset.height - 1) // height * height, (dataset.width - 1) // width * width
    return _decode(dataset, Block(row, col, dataset.height - row, dataset.width - col))


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


def _cog_faults(path: str) -> list[str]:
    from rio_cogeo.cogeo import cog_validate  # noqa: PLC0415  heavy, and needed here only

    try:
        # Strict makes its advice a fault, and then returns it among both.
        _, errors, advice = cog_validate(path, strict=True, quiet=True)
    except Exception as error:  # noqa: BLE001  a validator may stumble over a broken file in any way
        return [f"the COG validator gives up ({error})"]
    return list(dict.fromkeys([*errors, *advice]))


def _overview_faults(dataset: DatasetReader) -> Iterator[str]:
    """Overviews must reach down to a single tile; the validator is content with any."""
    tile = max(dataset.block_shapes[0])
    coarsest = max(dataset.overviews(1), default=1)
    if max(dataset.shape) / coarsest > tile:
        yield f"overviews reach 1:{coarsest} only, {max(dataset.shape) / coarsest:.0f} px, a tile has {tile}"


def _jp2_faults(path: str) -> list[str]:
    from jpylyzer import jpylyzer  # noqa: PLC0415  slow to import, and needed here only

    if not Path(path).is_file():
        return []
    try:
        with redirect_stderr(StringIO()):  # it warns of boxes newer than the standard's first part, as GMLJP2 needs
            report = jpylyzer.checkOneFile(path)
        valid = report.findtext("isValid")
        failed = [test.tag for test in report.find("tests").iter() if test.text == "False"]
    except (Exception, SystemExit) as error:  # noqa: BLE001  as above; it may even want to leave the program
        return [f"jpylyzer gives up ({error})"]
    return [] if valid == "True" else [f"jpylyzer: {', '.join(failed) or 'not valid'}"]
