"""The format JPEG 2000: lossless, lossy and HTJ2K in a JP2 file."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geosal.core.raster import RasterLayout
from geosal.core.treatment import Quality, Treatment
from geosal.errors import UsageError
from geosal.formats.codec import INTEGERS_16, Codec
from geosal.formats.format import ByGdal, Format, Profile
from geosal.formats.jpeg2000.decibels import Decibels
from geosal.formats.jpeg2000.options import HIGH_THROUGHPUT, HTJ2K_OPTIONS, OPTIONS
from geosal.formats.jpeg2000.resolutions import LARGEST_THUMBNAIL, LEAST_SIDE, reaches_thumbnail
from geosal.formats.options import number
from geosal.formats.treatments import refuse_gdal, settings_by_level

if TYPE_CHECKING:
    from geosal.formats.container import Container
    from geosal.formats.finished import Finished
    from geosal.formats.jpeg2000.tiles import J2kEncoder

_TILE = 1024
_GAINFUL_HALVINGS = 5
"""Halvings of a wavelet. More gain nothing, fewer cost up to half of the bytes. GDAL and OpenJPEG make as many."""
_INDEX_BYTES = 6
"""Bytes of a tile's entry in the index (TLM)."""
_BEST_QUALITY = 100
_MADE_OF = (("CODEC", "JP2"), ("GeoJP2", "YES"), ("GMLJP2", "YES"))
"""Options that make a JP2. WRITE_METADATA is not among them: jpylyzer calls its boxes invalid."""
_EVERY_DRIVER = "GDAL with a driver for JPEG 2000 (OpenJPEG and others), most GIS"


class Jpeg2000(Format["J2kEncoder"]):
    """The format JPEG 2000: a tile holds its own overviews, which are its resolutions."""

    name, driver, reader = "JPEG2000", "JP2OpenJPEG", "JP2OpenJPEG"
    suffixes = (".jp2",)
    dropped_ends = ("=",)  # findings/jp2-tags-that-end-in-equals.sh
    media_type = "image/jp2"
    codecs = (
        Codec(
            name="jp2-lossless",
            options=(*_MADE_OF, ("REVERSIBLE", "YES"), ("QUALITY", "100")),
            opens_in=_EVERY_DRIVER,
            dtypes=INTEGERS_16,
        ),
        Codec(
            name="jp2",
            options=(*_MADE_OF, ("REVERSIBLE", "NO"), ("QUALITY", "25")),
            opens_in=_EVERY_DRIVER,
            lossless=False,
            dtypes=INTEGERS_16,
            instead_of_alpha="--profile jp2-lossless",
            scale=Decibels(),
            best_is_lossless=True,
            quality_is_rate=True,
        ),
        Codec(
            name=HIGH_THROUGHPUT,
            options=(*_MADE_OF, ("REVERSIBLE", "YES"), ("QUALITY", "100")),
            opens_in="GDAL with OpenJPEG 2.5 or later, OpenJPH, Kakadu 8",
            dtypes=INTEGERS_16,
        ),
    )
    options = OPTIONS
    tile_sides = ("BLOCKXSIZE", "BLOCKYSIZE")
    bands_take_memory = True

    def treated_options(
        self, treatment: Treatment, codec: Codec, given: Mapping[str, str], layout: RasterLayout
    ) -> dict[str, str]:
        """Choose the resolutions of tiles that have a quality each."""
        if not isinstance(treatment.then, Quality) or codec.scale is None:
            return {}
        if "QUALITY" in given:
            raise UsageError(
                f"--co QUALITY={given['QUALITY']} and treatment quality: one is a rate, the other a PSNR in dB of each "
                "tile; leave the first out, and say quality:high="
            )
        return {"RESOLUTIONS": _resolutions(given.get("BLOCKXSIZE", str(codec.side)), layout)}

    def options_for(self, layout: RasterLayout, given: Mapping[str, str]) -> dict[str, str]:
        """Choose resolutions and precision: the coarsest resolution is a thumbnail, and small images have several."""
        rows, cols = layout.grid.shape
        sides = [number(given[name]) for name in self.tile_sides if name in given]
        tile = min([_TILE, *(side for side in sides if side >= 1)])
        longest = max(rows, cols)
        wanted = math.ceil(math.log2(longest / LARGEST_THUMBNAIL)) if longest > LARGEST_THUMBNAIL else 0
        least = min(rows, cols, tile)
        if least >= LEAST_SIDE:
            wanted = max(wanted, min(_GAINFUL_HALVINGS, int(math.log2(least / LEAST_SIDE))))
        possible = int(math.log2(least))  # a tile must not shrink below one pixel
        options = dict.fromkeys(self.tile_sides, str(_TILE)) | {"RESOLUTIONS": str(1 + min(wanted, possible))}
        if layout.nbits is not None and layout.nbits < 8 * np.dtype(layout.dtype).itemsize:
            options["NBITS"] = str(layout.nbits)
        return options

    def has_option(self, codec: Codec, option: str) -> bool:
        """Return whether a codec has an option: a lossless one has no rate, and HTJ2K takes few."""
        if option == "QUALITY":
            return not codec.lossless
        return codec.name != HIGH_THROUGHPUT or option in HTJ2K_OPTIONS

    def check_option(self, option: str, value: str, codec: Codec, given: Mapping[str, str]) -> None:
        """Refuse a rate for lossless files, and options that HTJ2K does not have."""
        del given
        if codec.lossless and option == "QUALITY" and number(value) != _BEST_QUALITY:
            raise UsageError(
                f"--co {option}={value}: profile {codec.name} keeps every sample; use --profile jp2 for less"
            )
        if not self.has_option(codec, option) and option != "QUALITY":
            raise UsageError(
                f"--co {option}={value}: HTJ2K tiles take {', '.join(sorted(HTJ2K_OPTIONS))} only; leave it out"
            )

    def check_options(self, codec: Codec, options: Mapping[str, str], layout: RasterLayout) -> None:
        """Refuse too few resolutions: they are the overviews."""
        del codec
        tile, found = min(int(options[name]) for name in self.tile_sides), int(options["RESOLUTIONS"])
        if not reaches_thumbnail(layout.grid.shape, tile, found):
            rows, cols = layout.grid.shape
            raise UsageError(
                f"--co RESOLUTIONS={found}: leaves a JPEG2000 of {cols} x {rows} px without a thumbnail; leave it out"
            )

    def encoder(
        self, profile: Profile, layout: RasterLayout, treatment: Treatment, steps: int
    ) -> "J2kEncoder | ByGdal":
        """Make the encoder of the tiles, or name the option that needs a single encoder for all of them."""
        from geosal.formats.jpeg2000.tiles import jpeg2000_encoder, option_of_gdal  # a job needs those of one format

        encoder = jpeg2000_encoder(profile, layout)
        settings = settings_by_level(treatment, profile.codec, steps, layout)
        if isinstance(encoder, ByGdal):
            if settings:
                raise refuse_gdal(treatment, encoder)
            return encoder
        if settings and (why := option_of_gdal(profile.options)) is not None:
            raise refuse_gdal(treatment, why)
        return replace(encoder, by_level=settings)

    def container(
        self, path: Path, profile: Profile, layout: RasterLayout, encoder: "J2kEncoder", threads: int | None
    ) -> "Container":
        """Make the file that takes the tiles."""
        del threads
        from geosal.formats.jpeg2000.container import Jp2Container  # a job needs that of one format

        return Jp2Container(path, profile, layout, encoder)

    def place(self, path: Path, profile: Profile, layout: RasterLayout) -> None:
        """Write into the sidecar where a file lies whose boxes cannot say it."""
        del profile
        from geosal.core.gdal_env import gdal_env
        from geosal.formats.gdal.domains import keep_place

        with gdal_env():
            keep_place(path, layout.grid)

    def fault_of_copy(self, path: Path) -> str | None:
        """Check whether the codestream is there up to its end."""
        from geosal.formats.jpeg2000.boxes import codestream_ends

        return None if codestream_ends(path) else "the file is cut off"

    def bytes_of_tile(self, parts: tuple[bytes, ...]) -> int:
        """Return the bytes of a tile without its main header, and of its entry in the index; masks lie elsewhere."""
        from geosal.formats.jpeg2000.tiles import START_OF_TILE

        return len(parts[0]) - parts[0].index(START_OF_TILE) + _INDEX_BYTES

    @property
    def finished(self) -> "Finished":
        """Return the checks of a finished file, by its codestream, its sidecars and jpylyzer."""
        from geosal.formats.jpeg2000.check import FinishedJpeg2000  # writing a file does not need it

        return FinishedJpeg2000()


def _resolutions(side: str, layout: RasterLayout) -> str:
    """Return the most resolutions that a tile can use: with few, small images take more bytes."""
    tile = number(side)
    least = min(tile, *layout.grid.shape)
    return str(max(1, int(math.log2(least / LEAST_SIDE)) + 1)) if least >= 1 else "1"
