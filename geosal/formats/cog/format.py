"""A Cloud Optimized GeoTIFF."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from geosal.core.grid import level_shapes
from geosal.core.raster import RasterLayout
from geosal.core.treatment import BEST, Bound, Quality, Treatment
from geosal.errors import UsageError, warn
from geosal.formats.codec import Codec
from geosal.formats.cog.options import CODEC_OPTIONS, OPTIONS, is_of_codec, refuse_idle, with_resampling
from geosal.formats.format import ByGdal, Format, Profile
from geosal.formats.options import number
from geosal.formats.quality import ANNEX_K, FLAT, TABLES, Percent
from geosal.formats.treatments import refuse_gdal, settings_by_level
from geosal.sizes import as_number

if TYPE_CHECKING:
    from geosal.formats.cog.tiles import TiffEncoder
    from geosal.formats.container import Container
    from geosal.formats.finished import Finished
    from geosal.formats.gdal.domains import Item

_RGBA = 4
_WEBP_SIDE = 16383
"""WebP's limit of rows and columns."""
_GDALS_SMALLEST = 128
"""Rows and columns of the smallest tile that GDAL makes in a COG."""
_CLASSIC_BYTES = 2**32 - 1
"""Limit of a classic TIFF in bytes; BigTIFF has none."""
_INDEX_BYTES = 16
"""Bytes that a tile takes beside its own: offset and length in the directory, GDAL's leader and trailer."""
_GHOST_AREA = 1024
"""Bytes at the head of a file in which GDAL's marks stand."""
_REWRITTEN = b"KNOWN_INCOMPATIBLE_EDITION=YES"
"""GDAL's mark in the head of a COG where it had to move a tile."""


def _made_of(compress: str, *more: tuple[str, str], big: str = "IF_SAFER") -> tuple[tuple[str, str], ...]:
    return (
        ("COMPRESS", compress),
        *more,
        ("BLOCKSIZE", "512"),
        ("OVERVIEW_RESAMPLING", "AVERAGE"),
        ("NUM_THREADS", "ALL_CPUS"),
        ("BIGTIFF", big),
    )


_PREDICTOR = ("PREDICTOR", "YES")
_JXL = "jxl"
_EVERY_GIS = "every GIS; GDAL of any age"


class Cog(Format["TiffEncoder"]):
    """The format COG: tiles of many codecs, and overviews that are tiles too."""

    name, driver, reader = "COG", "COG", "GTiff"
    suffixes = (".tif", ".tiff")
    media_type = "image/tiff; application=geotiff; profile=cloud-optimized"
    codecs = (
        Codec(name="deflate", options=_made_of("DEFLATE", _PREDICTOR), opens_in=_EVERY_GIS),
        Codec(
            name="zstd",
            options=_made_of("ZSTD", _PREDICTOR),
            # Before, GDAL's own libtiff had another number for it, which was not final.
            opens_in="GDAL 2.4 or later, libtiff 4.0.10, where built with ZSTD",
        ),
        Codec(name="lzw", options=_made_of("LZW", _PREDICTOR), opens_in=_EVERY_GIS),
        Codec(
            name="lzma",
            options=_made_of("LZMA"),
            opens_in="GDAL 1.8 or later, libtiff 4.0, where built with LZMA",
        ),
        Codec(name="raw", options=_made_of("NONE"), opens_in=_EVERY_GIS, raw=True),
        Codec(
            name="jpeg",
            options=_made_of("JPEG", ("QUALITY", "75"), ("TABLES", FLAT)),
            opens_in=_EVERY_GIS,
            lossless=False,
            dtypes=("uint8",),
            counts=(1, 3, 4),
            fourth_is_alpha=True,
            scale=Percent(),
            side=256,  # blocks within a tile follow saliency too
        ),
        Codec(
            name="webp",
            options=_made_of("WEBP", ("QUALITY", "75")),
            opens_in="GDAL 2.4 or later, libtiff 4.0.10, where built with WebP",
            lossless=False,
            dtypes=("uint8",),
            counts=(3, 4),
            fourth_is_alpha=True,
            scale=Percent(),
            best_is_lossless=True,
        ),
        Codec(
            name="lerc",
            options=_made_of("LERC", ("MAX_Z_ERROR", "0")),
            opens_in="GDAL 3.3 or later, libtiff 4.3, where built with LERC",
            one_float_band=True,
            error_by_tile=True,
            instead_of_alpha="--profile lerc without an error",
        ),
        Codec(
            name=_JXL,
            options=_made_of("JXL", big="YES"),
            opens_in="GDAL 3.4 where built with libjxl, unlike rasterio's wheels; tifffile",
            dtypes=("uint8", "uint16"),
            counts=(1, 2, 3, 4),
        ),
    )
    options = OPTIONS
    codec_options = CODEC_OPTIONS
    tile_sides = ("BLOCKSIZE",)
    has_spool = True
    kept_by_gdal = frozenset({"", "xml:XMP", "COLOR_PROFILE"})
    otherwise_of_dtype = "use --profile deflate, or bring it to 8 bits: --to-byte percentile:2-98"

    def treated_options(
        self, treatment: Treatment, codec: Codec, given: Mapping[str, str], layout: RasterLayout
    ) -> dict[str, str]:
        """Ask LERC for the largest error of a bound."""
        bound = treatment.then
        if not isinstance(bound, Bound) or not codec.error_by_tile:
            return {}
        _refuse_what_lerc_cannot(bound.error, layout)
        if "MAX_Z_ERROR" in given:
            raise UsageError(
                f"--co MAX_Z_ERROR={given['MAX_Z_ERROR']} and treatment bound: they mean the same; say bound:error="
            )
        return {"MAX_Z_ERROR": f"{max(bound.errors(1, layout.dtype)):.17g}"}

    def united(self, given: Mapping[str, str]) -> dict[str, str]:
        """Merge RESAMPLING and OVERVIEW_RESAMPLING, which mean the same."""
        return with_resampling(given)

    def has_option(self, codec: Codec, option: str) -> bool:
        """Return whether a codec has an option; overviews may have another codec (OVERVIEW_COMPRESS)."""
        return is_of_codec(option, dict(codec.options)["COMPRESS"])

    def check_option(self, option: str, value: str, codec: Codec, given: Mapping[str, str]) -> None:
        """Refuse an option that the codec, or that of the overviews, does not have."""
        refuse_idle(option, value, codec.name, dict(codec.options)["COMPRESS"], given)

    def check_options(self, codec: Codec, options: Mapping[str, str], layout: RasterLayout) -> None:
        """Refuse a classic TIFF that would be too large, as far as the bytes of raw tiles are known before the job.

        So has the copy by which JPEG XL is read where GDAL lacks the codec, see `geosal.core.stand_in`.
        """
        wish = options["BIGTIFF"].upper()
        if wish == "YES" or (codec.name != _JXL and not (codec.raw and wish == "NO")):
            return
        side = int(options["BLOCKSIZE"])
        shapes = level_shapes(layout.grid.shape, side)
        tiles = sum(math.ceil(rows / side) * math.ceil(cols / side) for rows, cols in shapes)
        taken = tiles * side**2 * layout.count * np.dtype(layout.dtype).itemsize
        if taken > _CLASSIC_BYTES:
            raise UsageError(
                f"--co BIGTIFF={wish}: the tiles take {taken} bytes, a file without BigTIFF holds {_CLASSIC_BYTES}; "
                "leave it out, or choose a codec with --profile"
            )

    def is_lossless(self, codec: Codec, options: Mapping[str, str]) -> bool:
        """Return whether every sample comes back; for WebP and LERC it depends on their options."""
        if options["COMPRESS"] == "WEBP":
            return number(options["QUALITY"]) == BEST  # GDAL then switches WebP to lossless
        if codec.error_by_tile:
            return number(options["MAX_Z_ERROR"]) == 0
        return codec.lossless

    def warn_of(self, output: str, codec: Codec, layout: RasterLayout) -> None:
        """Warn of JPEG XL, which few programs read in a TIFF."""
        del layout
        if codec.name == _JXL:
            warn(f"{output}: opens in {codec.opens_in}; --profile lzma makes one that opens in many more programs")

    def refuse_treatment(self, treatment: Treatment, codec: Codec, layout: RasterLayout) -> None:
        """Refuse lossless tiles of WebP with alpha."""
        best = isinstance(treatment.then, Quality) and treatment.then.high == BEST
        if codec.name == "webp" and best and layout.count == _RGBA:
            raise UsageError(
                "treatment quality:high=100 with profile webp and alpha: a lossless tile would lose the colours under "
                "alpha 0; say high=99, or leave alpha out with --bidx"
            )

    def encoder(
        self, profile: Profile, layout: RasterLayout, treatment: Treatment, steps: int
    ) -> "TiffEncoder | ByGdal":
        """Make the encoder of the tiles, or name the option that needs GDAL."""
        from geosal.formats.cog.tiles import tiff_encoder  # a job needs that of one format

        options = profile.options
        side = number(options.get("BLOCKSIZE", "0"))
        if options["COMPRESS"] == "WEBP" and side > _WEBP_SIDE:
            raise UsageError(f"BLOCKSIZE={as_number(side)}: WEBP ends at {_WEBP_SIDE} pixels; make tiles smaller")
        encoder = tiff_encoder(profile, layout)
        settings = settings_by_level(treatment, profile.codec, steps, layout)
        if isinstance(encoder, ByGdal):
            _refuse_what_gdal_cannot(options, side, encoder.because)
            if settings:
                raise refuse_gdal(treatment, encoder)
            return encoder
        bound = treatment.then
        if settings and isinstance(bound, Bound) and bound.finer:
            fine = bound.fine_errors(steps, layout.dtype)
            return replace(encoder, by_level=settings, finer=bound.finer, fine_by_level=fine)
        return replace(encoder, by_level=settings)

    def gdal_options(self, profile: Profile) -> dict[str, str]:
        """Return the creation options for GDAL's writer, which has tables of its own."""
        return {name: value for name, value in profile.creation_options if name.upper() != TABLES.name}

    def plain(self, encoder: "TiffEncoder", quality: float) -> "TiffEncoder | None":
        """Return the encoder of plain JPEG tiles, where tiles are JPEGs."""
        if encoder.compression != "JPEG":
            return None
        return replace(encoder, level=quality, tables=ANNEX_K, by_level=())

    def container(
        self, path: Path, profile: Profile, layout: RasterLayout, encoder: "TiffEncoder", threads: int | None
    ) -> "Container":
        """Make the file that takes the tiles."""
        del threads
        from geosal.formats.cog.container import CogContainer  # a job needs that of one format

        return CogContainer(path, profile, layout, encoder)

    def room_for(self, items: "tuple[Item, ...]") -> str:
        """Make the value of a tag as long as the items that GDAL drops, which later replace it."""
        from geosal.formats.gdal.domains import filler_for

        return filler_for(items)

    def put_back(self, path: Path, items: "tuple[Item, ...]") -> None:
        """Put the items that GDAL has dropped into the file, or into its sidecar if GDAL has put the metadata there."""
        from geosal.formats.gdal.domains import restore_in_tiff

        if items and not restore_in_tiff(path, items):
            super().put_back(path, items)

    def fault_of_copy(self, path: Path) -> str | None:
        """Look for tiles that GDAL could not write, or not at the first attempt."""
        with path.open("rb") as file:
            head = file.read(_GHOST_AREA)
        return "a tile could not be written at first" if _REWRITTEN in head else super().fault_of_copy(path)

    def with_finer_tiles(self, encoder: "TiffEncoder", share: float) -> "TiffEncoder":
        """Choose those tiles by their checksum."""
        return replace(encoder, finer=share)

    def bytes_of_tile(self, parts: tuple[bytes, ...]) -> int:
        """Return the bytes of a tile and of its mask, each with its entry in the index."""
        return sum(len(part) + _INDEX_BYTES for part in parts)

    @property
    def finished(self) -> "Finished":
        """Return the checks of a finished file, by its directories, its tiles and rio-cogeo."""
        from geosal.formats.cog.check import FinishedCog  # writing a file does not need it

        return FinishedCog()


def _refuse_what_gdal_cannot(options: Mapping[str, str], side: float, because: str) -> None:
    quality = number(options.get("QUALITY", "0"))
    if quality != int(quality):
        raise UsageError(f"--co QUALITY={options['QUALITY']}: {because}, and it takes whole numbers; give one")
    if options["COMPRESS"] == "JXL":
        raise UsageError(f"profile jxl: {because}, which may have no JPEG XL; leave the option out")
    if 0 < side < _GDALS_SMALLEST:
        raise UsageError(
            f"BLOCKSIZE={as_number(side)}: {because}, and its tiles begin at {_GDALS_SMALLEST}; make them larger"
        )


def _refuse_what_lerc_cannot(error: float | None, layout: RasterLayout) -> None:
    """Refuse floats and alpha: GDAL encodes their tiles (`tiff_encoder`), and gives all tiles one error."""
    if layout.alpha is not None or layout.dtype.startswith("float"):
        found = layout.dtype if layout.alpha is None else f"{layout.dtype} with alpha"
        wish = "X" if error is None else f"{error:g}"
        raise UsageError(
            f"treatment bound with profile lerc: its tiles have errors of their own in integers without alpha only, "
            f"this is {found}; use --profile zstd, or --treatment smooth --co MAX_Z_ERROR={wish} for one error"
        )
