"""The format JPEG, with its mask after the image."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geosal.core.raster import RasterLayout
from geosal.core.treatment import Quality, Treatment, TwoPass
from geosal.errors import UsageError
from geosal.formats.codec import Codec
from geosal.formats.digest import DIGEST
from geosal.formats.format import Profile
from geosal.formats.jpeg.options import OPTIONS
from geosal.formats.options import number
from geosal.formats.pictures import Picture
from geosal.formats.quality import ANNEX_K, FLAT, Percent
from geosal.formats.treatments import settings_by_level
from geosal.formats.world_file import NO_WORLD_FILE

if TYPE_CHECKING:
    from geosal.formats.container import Container
    from geosal.formats.finished import Finished
    from geosal.formats.jpeg.tiles import JpegEncoder

MOST_PIXELS = 65500
"""Limit of rows and columns in libjpeg, and so in GDAL and most other programs; the format allows 65535."""
_ROWS_AT_END = 2
"""Rows of tiles that lie in memory while the file is coded."""


class Jpeg(Picture["JpegEncoder"]):
    """The format JPEG: its bits depend on the whole image, so tiles wait as coefficients."""

    name, driver, reader = "JPEG", "JPEG", "JPEG"
    suffixes = (".jpg", ".jpeg")
    media_type = "image/jpeg"
    codecs = (
        Codec(
            name="jpg",
            options=(("QUALITY", "75"), ("SUBSAMPLING", "420"), ("TABLES", FLAT), ("WORLDFILE", "YES")),
            opens_in="every program for pictures; every GIS by the files beside it",
            lossless=False,
            dtypes=("uint8",),
            counts=(1, 3, 4),
            fourth_is_alpha=True,
            scale=Percent(),
            two_passes=True,
        ),
    )
    options = OPTIONS
    has_spool = True
    made_at_end = True
    is_jpeg = True
    own_tags = frozenset({DIGEST, NO_WORLD_FILE})

    def refuse_layout(self, output: str, codec: Codec, layout: RasterLayout) -> None:
        """Refuse an image that most programs cannot read."""
        del codec
        rows, cols = layout.grid.shape
        if max(rows, cols) > MOST_PIXELS:
            raise UsageError(
                f"{output}: {cols} x {rows} px, and programs read JPEGs up to {MOST_PIXELS} a side; write a COG, a "
                ".tif with --profile jpeg"
            )

    def encoder(self, profile: Profile, layout: RasterLayout, treatment: Treatment, steps: int) -> "JpegEncoder":
        """Make the encoder of the tiles; its tables are those of the best quality, or of the last pass.

        Two passes are those of the paper: plain JPEGs, with the tables of annex K.
        """
        from geosal.formats.jpeg.tiles import JpegEncoder  # a job needs that of one format

        options = profile.options
        alpha, twice = layout.alpha is not None, isinstance(treatment.then, TwoPass)
        best = treatment.then.high if isinstance(treatment.then, Quality) else None
        qualities = settings_by_level(treatment, profile.codec, steps, layout)
        return JpegEncoder(
            quality=number(options["QUALITY"]) if best is None else best,
            subsampling=options["SUBSAMPLING"],
            bands=layout.count - alpha,
            alpha_as_mask=alpha,
            tables=ANNEX_K if twice else options["TABLES"].upper(),
            by_level=() if twice else qualities,
            first_pass=qualities if twice else (),
        )

    def plain(self, encoder: "JpegEncoder", quality: float) -> "JpegEncoder":
        """Return the encoder of a plain JPEG of a quality, as libjpeg makes it with the best Huffman tables."""
        return replace(encoder, quality=quality, tables=ANNEX_K, by_level=(), first_pass=())

    def container(
        self, path: Path, profile: Profile, layout: RasterLayout, encoder: "JpegEncoder", threads: int | None
    ) -> "Container":
        """Make the file that takes the tiles."""
        from geosal.formats.jpeg.container import JpegContainer  # a job needs that of one format

        return JpegContainer(path, profile, layout, encoder, threads)

    def bytes_of(self, tiles: Sequence[tuple[bytes, ...]]) -> int:
        """Return the bytes of all tiles: their symbols with the best tables for all of them, and their masks."""
        from geosal.formats.jpeg.coder import coded_bytes
        from geosal.formats.jpeg.tiles import HUFFMAN_TABLES, SYMBOLS, JpegEncoder

        counts = np.zeros((HUFFMAN_TABLES, SYMBOLS), np.int64)
        for tile in tiles:
            counts += JpegEncoder.counts(tile[1])
        return coded_bytes(counts) + sum(len(part) for tile in tiles for part in tile[2:])

    def first_pass(self, encoder: "JpegEncoder", pixels: NDArray[Any], levels: NDArray[np.uint8] | None) -> None:
        """Encode and decode the bands once, each pixel at the quality of its level."""
        pixels[: encoder.bands] = encoder.once_coded(pixels[: encoder.bands], levels)

    def second_pass(self, encoder: "JpegEncoder") -> "JpegEncoder":
        """Leave out the first pass."""
        return replace(encoder, first_pass=())

    def counting(self, encoder: "JpegEncoder", quality: float) -> "JpegEncoder":
        """Return an encoder that counts the bytes of the plain JPEG of a quality beside its own."""
        return replace(encoder, beside=quality)

    def shown(self, path: Path) -> NDArray[Any]:
        """Decode a file by libjpeg-turbo, as browsers and most builds of GDAL do.

        The GDAL in rasterio's wheels has the IJG's library, which enlarges halved chroma in another way: single samples
        differ by up to 37, PSNR by 0.1 dB.
        """
        from imagecodecs import jpeg8_decode  # loads its library

        decoded = jpeg8_decode(path.read_bytes())
        return decoded[None] if decoded.ndim == 2 else np.moveaxis(decoded, -1, 0)

    def quality_of(self, encoder: "JpegEncoder") -> float:
        """Return the quality of its quantisation tables."""
        return encoder.quality

    def bytes_at_end(self, encoder: "JpegEncoder", width: int) -> int:
        """Return the memory that coefficients take while the file is coded."""
        return _ROWS_AT_END * encoder.row_bytes(width)

    @property
    def finished(self) -> "Finished":
        """Return the checks of a finished file, by its markers, its sidecars and libjpeg."""
        from geosal.formats.jpeg.check import FinishedJpeg  # writing a file does not need it

        return FinishedJpeg()
