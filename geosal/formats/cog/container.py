"""A Cloud Optimized GeoTIFF that takes encoded tiles in any order."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import FileIO
from itertools import accumulate, compress
from pathlib import Path

import numpy as np

from geosal.core.grid import level_shapes
from geosal.core.raster import RasterLayout
from geosal.errors import OutputError
from geosal.formats.cog.colours import colours_in, tells_only_colours, with_colours
from geosal.formats.cog.directories import (
    COMPRESSION,
    IMAGE_LENGTH,
    IMAGE_WIDTH,
    JPEG_TABLES,
    MASK,
    OF_THE_PIXELS,
    PLANAR_CONFIGURATION,
    PREDICTOR,
    REDUCED,
    SUBFILE_TYPE,
    TILE_BYTE_COUNTS,
    TILE_LENGTH,
    TILE_OFFSETS,
    TILE_WIDTH,
    UNDEFINED,
    Directory,
    Image,
    Tag,
    read_directories,
    write_directories,
)
from geosal.formats.cog.spool import EDGE, Level, Spool, write_all
from geosal.formats.cog.tiles import NO_PREDICTOR, TiffEncoder
from geosal.formats.container import Claim, Container, TileIndex
from geosal.formats.format import Profile
from geosal.formats.gdal.sample import gdal_sample
from geosal.formats.pyramid import Tile

_CLASSIC_BYTES = 2**32 - 1
_STRUCTURE = (
    "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\nBLOCK_TRAILER=LAST_4_BYTES_REPEATED\n"
    "KNOWN_INCOMPATIBLE_EDITION=NO\n "
)
"""GDAL's ghost area: it tells how tiles lie in the file. The blank at its end makes room for an edit's mark."""
_JPEG_XL = 50002
"""TIFF's number that every GDAL with the codec reads; that of DNG 1.7, 52546, says nothing to those before 3.10."""
_MASKED = "MASK_INTERLEAVED_WITH_IMAGERY=YES\n"


class CogContainer(Container):
    """A COG that is being written.

    Tiles wait in a spool beside the file. When all are there, their places are known, and header, directories and tiles
    are written in the order of a COG: overviews first, each row by row, with GDAL's leaders and trailers. The
    directories are those of a small COG that GDAL writes with the same metadata; only sizes and places are ours.

    Parameters
    ----------
    path
        See `Container`.
    profile, layout
        Profile and layout of the output.
    encoder
        Encoder of the tiles.
    """

    _DONE = "encoded"

    def __init__(self, path: Path, profile: Profile, layout: RasterLayout, encoder: TiffEncoder) -> None:
        self._shapes = level_shapes(layout.grid.shape, encoder.tile)
        super().__init__(path, layout, TileIndex(self._shapes, encoder.tile))
        self._profile = profile
        self._masked = layout.has_mask or encoder.alpha_as_mask
        self._tile, self._predictor, self._jpeg_tables = encoder.tile, encoder.predictor, encoder.jpeg_tables

    def _begin(self) -> None:
        self._spool = Spool(self.path.with_name(self.data[0]), self._index.counts, kept=self._kept)
        self._closing.callback(self._spool.close)

    @property
    def data(self) -> tuple[str, ...]:
        """Name of the spool."""
        return (f"{self.path.name}.spool",)

    def _restore(self, claims: Sequence[Claim]) -> list[bool]:
        held = self._spool.restore(claims)
        for claim in compress(claims, held):
            self._adopt(self._index.place(level, number) for level, number, *_ in claim["tiles"])
        return held

    def _claim(self) -> Claim:
        return self._spool.claim()

    def sync(self) -> None:
        """Flush the spool."""
        self._spool.sync()

    def _take(self, tile: Tile, number: int) -> None:
        if len(tile.parts) != 1 + self._masked:
            raise ValueError(f"a tile of {len(tile.parts)} parts, with a mask: {self._masked}")
        self._spool.append(tile.level, number, tile.parts)

    def _complete(self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None) -> None:
        spool = self._spool
        head = self._head(spool, self._model(tags, band_statistics))
        with FileIO(self.path, "x") as file:
            write_all(file, head)
            spool.copy_to(file, masked=self._masked)
            whole = len(head) + sum(int(level.lengths(masked=self._masked).sum()) for level in spool.levels)
            if file.tell() != whole:
                raise OSError(f"{file.tell()} bytes were written, not {whole}")

    def _model(
        self, tags: Mapping[str, str], band_statistics: Sequence[Mapping[str, str]] | None
    ) -> list[dict[int, Tag]]:
        """Read the directories of a small COG with the same metadata: its image, and its mask if it has one.

        A ``.aux.xml`` that GDAL puts beside it, with metadata too long for it, goes beside the output. One that only
        tells colours comes into the directory.
        """
        profile = _for_gdal(self._profile)
        with gdal_sample(self.path, ".tif", profile, self._layout, tags, band_statistics) as sample:
            model = read_directories(sample.path.read_bytes())
            if not sample.sidecar.exists():
                return model
            text = sample.sidecar.read_text(encoding="utf-8")
            if not tells_only_colours(text):
                sample.sidecar.rename(self.path.with_name(f"{self.path.name}.aux.xml"))
                return model
        return [with_colours(model[0], colours_in(text, self._layout)), *model[1:]]

    def _head(self, spool: Spool, model: list[dict[int, Tag]]) -> bytes:
        """Make all that precedes the tiles: header, ghost area, directories."""
        structure = _STRUCTURE + (_MASKED if self._masked else "")
        ghost = f"GDAL_STRUCTURAL_METADATA_SIZE={len(structure):06d} bytes\n{structure}".encode("ascii")
        tiles = sum(int(level.lengths(masked=self._masked).sum()) for level in spool.levels)
        wish = self._profile.options.get("BIGTIFF", "IF_SAFER").upper()
        big = wish == "YES" or (wish != "NO" and self._length(model, spool, ghost, big=False) + tiles > _CLASSIC_BYTES)
        begin = self._length(model, spool, ghost, big=big)
        if not big and begin + tiles > _CLASSIC_BYTES:
            raise OutputError(
                f"{self.path.name}: takes {begin + tiles} bytes, BIGTIFF=NO allows {_CLASSIC_BYTES}; leave it out"
            )
        lengths = [int(level.lengths(masked=self._masked).sum()) for level in reversed(spool.levels)]
        begins = list(accumulate(lengths, initial=begin))[:-1][::-1]
        return write_directories(self._images(model, spool.levels, begins), ghost, big=big)

    def _length(self, model: list[dict[int, Tag]], spool: Spool, ghost: bytes, *, big: bool) -> int:
        nowhere = [0] * len(spool.levels)
        return len(write_directories(self._images(model, spool.levels, nowhere), ghost, big=big))

    def _images(self, model: list[dict[int, Tag]], levels: Sequence[Level], begins: Sequence[int]) -> list[Image]:
        """Make the directories in GDAL's order: the image, its mask, the overviews, their masks."""
        pictures, masks = [], []
        for number, (level, begin) in enumerate(zip(levels, begins, strict=True)):
            lengths = level.lengths(masked=self._masked)
            offsets = begin + EDGE + np.cumsum(lengths) - lengths
            pictures.append(Image(self._tags(model[0], number, 0), offsets, level.sizes[0]))
            if self._masked:
                after = offsets + level.sizes[0] + 2 * EDGE
                masks.append(Image(self._tags(model[1], number, MASK), after, level.sizes[1]))
        return [pictures[0], *masks[:1], *pictures[1:], *masks[1:]]

    def _tags(self, model: Directory, level: int, subfile: int) -> Directory:
        rows, cols = self._shapes[level]
        tags = {number: tag for number, tag in model.items() if level == 0 or number in OF_THE_PIXELS}
        tags |= {IMAGE_WIDTH: Tag.of_longs(cols), IMAGE_LENGTH: Tag.of_longs(rows)}
        tags |= {TILE_WIDTH: Tag.of_longs(self._tile), TILE_LENGTH: Tag.of_longs(self._tile)}
        if not subfile:
            tags[PLANAR_CONFIGURATION] = Tag.of_shorts(1)  # whatever GDAL does, our bands are interleaved by pixel
            if self._predictor != NO_PREDICTOR:
                tags[PREDICTOR] = Tag.of_shorts(self._predictor)
            if self._profile.options["COMPRESS"] == "JXL":
                tags[COMPRESSION] = Tag.of_shorts(_JPEG_XL)
            tags.pop(JPEG_TABLES, None)
            if self._jpeg_tables is not None:
                tags[JPEG_TABLES] = Tag(UNDEFINED, len(self._jpeg_tables), self._jpeg_tables)
        if subfile or level:
            tags[SUBFILE_TYPE] = Tag.of_longs(subfile | (REDUCED if level else 0))
        return {number: tag for number, tag in tags.items() if number not in {TILE_OFFSETS, TILE_BYTE_COUNTS}}


def _for_gdal(profile: Profile) -> Profile:
    """Return a profile that GDAL accepts for the small file: whole QUALITY, tiles of 128 or more, no JXL."""
    options = {name: value for name, value in profile.options.items() if name != "BLOCKSIZE"}
    if "QUALITY" in options:
        options["QUALITY"] = str(int(float(options["QUALITY"])))
    if options["COMPRESS"] == "JXL":
        options |= {"COMPRESS": "DEFLATE", "LEVEL": "1"}
    return replace(profile, creation_options=tuple(options.items()))
