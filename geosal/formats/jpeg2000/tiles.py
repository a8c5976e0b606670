"""Tiles of a JPEG 2000: each of them a small codestream, to be joined to one.

Lossless Part 1 is encoded by imagecodecs, whose OpenJPEG is a sixth faster than that of rasterio's wheels. Lossy, with
other creation options, and where a tile at the edge has fewer pixels than resolutions need, GDAL (OpenJPEG) encodes a
tile as it would a whole image: size and quality are those of GDAL's own writer, whose rate control also works tile by
tile. Where each tile has a quality of its own, it is a PSNR, which only imagecodecs offers. Part 15
(HTJ2K) is encoded by OpenJPH.
"""

import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile

from geosal.core.gdal_env import gdal_env, with_options
from geosal.core.raster import RasterLayout
from geosal.core.treatment import BEST
from geosal.errors import OutputError, cause_of
from geosal.formats.format import ByGdal, Profile
from geosal.formats.jpeg2000.decibels import bits_of
from geosal.formats.jpeg2000.options import HIGH_THROUGHPUT
from geosal.sizes import counted

_TILE = "1024"
_SMALLEST_TILE = 32
"""Rows and columns of the smallest tile that GDAL makes."""
_MOST_TILES = 65535
_RGBA = 4
_RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
_COMMENT = b"\xff\x64"
START_OF_TILE = b"\xff\x90\x00\x0a"
_OF_THE_FILE = frozenset({
    "CODEC", "GEOJP2", "GMLJP2", "GEOBOXES_AFTER_JP2C", "JPX", "BLOCKXSIZE", "BLOCKYSIZE",
})  # fmt: skip
"""Creation options that do not change how one tile is encoded."""
_OF_LOSSLESS = _OF_THE_FILE | {"RESOLUTIONS", "NBITS", "REVERSIBLE", "QUALITY"}
"""Creation options that change nothing in a lossless tile but its resolutions and its bits."""
_PROFILE_1_TILE, _PROFILE_1_SMALLEST = 1024, 128
_LEAST_LEVEL = 8
"""Rows and columns below which imagecodecs leaves resolutions out."""
_ROUNDING = 0.3
"""Mean square error that a decoder adds by rounding samples and colours, with a little of the quantiser's."""
_LEAST_RATE, _TRIES = 0.05, 9
"""Least rate in percent of the raw bytes, and how often the interval up to 100 is halved, by its logarithm: the rate is
found to 1.5 %."""
_SIZ_PROFILE, _SIZ_DEPTHS = 6, 42
"""Offsets of Rsiz and of the first component's precision in a codestream: SIZ is always the first marker."""


@dataclass(frozen=True, kw_only=True)
class J2kEncoder:
    """Encodes one tile as a codestream of its own; the last tile of the codestream counts.

    Attributes
    ----------
    name
        Name of the codec, for messages.
    options
        Creation options.
    high_throughput
        Whether tiles are HTJ2K (Part 15) instead of JPEG 2000 Part 1.
    tile
        Rows and columns of a tile.
    resolutions
        Number of resolutions that every tile has, however small.
    nbits
        Significant bits of a sample.
    colours
        Colour interpretation of the bands.
    tiles
        Number of tiles in the image.
    header_bytes
        Length of a main header where the number of bytes is limited, as in lossy profiles; 0 elsewhere.
    plain
        Whether tiles are lossless, and imagecodecs encodes them as GDAL would.
    overviews
        False: a tile holds its own reduced resolutions.
    by_level
        PSNR in dB of a tile whose least level of saliency is 0, 1 …, over all bands and ``2**nbits - 1``; 100 for
        lossless. Empty where all tiles are alike.
    """

    name: str
    options: tuple[tuple[str, str], ...]
    high_throughput: bool
    tile: int
    resolutions: int
    nbits: int
    colours: tuple[ColorInterp, ...]
    tiles: int
    header_bytes: int = 0
    plain: bool = False
    overviews: bool = False
    by_level: tuple[float, ...] = ()

    def __call__(
        self, pixels: NDArray[Any], mask: NDArray[np.bool_] | None, levels: NDArray[np.uint8] | None = None
    ) -> tuple[bytes, ...]:
        """Encode a tile.

        Parameters
        ----------
        pixels
            (band, y, x); cropped at the right and lower edge of the image.
        mask
            (y, x), True = valid; None when the output has none.
        levels
            (y, x), levels of saliency, of which the least counts; None stands for the last.

        Returns
        -------
        tuple of bytes
            The codestream, and with a mask its bits row by row, deflated.

        Raises
        ------
        OutputError
            The codec refuses.
        """
        stream = self._part_15(pixels) if self.high_throughput else self._part_1(pixels, levels)
        return (stream,) if mask is None else (stream, zlib.compress(np.packbits(mask).tobytes(), 1))

    def _part_1(self, pixels: NDArray[Any], levels: NDArray[np.uint8] | None) -> bytes:
        wanted = None
        if self.by_level:
            wanted = self.by_level[-1 if levels is None else levels.min()]
            if self._has_all_resolutions(pixels.shape[1:]):
                return self._by_imagecodecs(pixels, wanted)
        elif self.plain:
            return self._by_imagecodecs(pixels, BEST)
        # A small tile has too few pixels for GDAL to give it all resolutions, and a file whose tiles differ in that
        # has no overviews. As the last tile of an image of several it gets them.
        smallest = max(2**self.resolutions, _SMALLEST_TILE)
        shape = pixels.shape[1:]
        sides = [max(side, smallest) for side in shape]
        pads = [0 if side >= smallest else smallest for side in shape]
        options = {name: value for name, value in self.options if name.upper() not in _OF_THE_FILE}
        options |= {"BLOCKXSIZE": str(sides[1]), "BLOCKYSIZE": str(sides[0]), "RESOLUTIONS": str(self.resolutions)}
        padded = np.pad(pixels, ((0, 0), (pads[0], 0), (pads[1], 0))) if any(pads) else pixels
        if wanted is not None:
            return self._at_least(pixels, padded, options, wanted)
        if self.header_bytes and options.get("REVERSIBLE", "NO") == "NO":
            tiles = math.prod(2 if pad else 1 for pad in pads)
            options["QUALITY"] = self._fair_quality(options["QUALITY"], pixels.size, tiles)
        return self._encode(padded, options)

    def _has_all_resolutions(self, shape: tuple[int, ...]) -> bool:
        """Return whether imagecodecs gives a tile all of them; it leaves out those that would be small."""
        return min(shape) >> (self.resolutions - 1) >= _LEAST_LEVEL

    def _at_least(self, pixels: NDArray[Any], padded: NDArray[Any], options: dict[str, str], wanted: float) -> bytes:
        """Find the least rate at which GDAL's tile reaches a PSNR; used for the few narrow tiles at the edge."""
        if wanted == BEST:
            return self._encode(padded, options | {"QUALITY": repr(BEST), "REVERSIBLE": "YES"})
        from imagecodecs import jpeg2k_decode  # loads its library

        height, width = pixels.shape[1:]
        most = (2**self.nbits - 1) ** 2 / 10 ** (wanted / 10)
        best, low, high = b"", math.log2(_LEAST_RATE), math.log2(BEST)
        for _ in range(_TRIES):
            rate = (low + high) / 2
            stream = self._encode(padded, options | {"QUALITY": repr(2**rate), "REVERSIBLE": "NO"})
            found = np.atleast_3d(jpeg2k_decode(stream))[-height:, -width:]
            if np.mean((np.moveaxis(found, -1, 0).astype(np.float64) - pixels) ** 2) <= most:
                best, high = stream, rate
            else:
                low = rate
        return best or self._encode(padded, options | {"QUALITY": repr(BEST), "REVERSIBLE": "NO"})

    def _fair_quality(self, quality: str, samples: int, tiles: int) -> str:
        """Give a tile the bytes that it would get in the whole image.

        The encoder takes the main header's bytes from what the tiles may have. A tile that is encoded alone would bear
        them all.
        """
        excess = self.header_bytes * (1 / tiles - 1 / self.tiles)
        more = 100 * excess / (samples * self.nbits / 8)
        return ",".join(repr(min(100.0, float(part) + more)) for part in quality.split(","))

    def _without_rounding(self, quality: float) -> float:
        """Return the PSNR to ask the encoder for, which does not count the error that rounding adds."""
        peak = (2**self.nbits - 1) ** 2
        return 10 * math.log10(peak / (peak / 10 ** (quality / 10) - _ROUNDING))

    def _by_imagecodecs(self, pixels: NDArray[Any], quality: float) -> bytes:
        from imagecodecs import jpeg2k_encode  # loads its library

        colours, lossless = len(pixels) == len(_RGB), quality == BEST
        try:
            stream = bytes(
                jpeg2k_encode(
                    np.ascontiguousarray(pixels),
                    level=0 if lossless else self._without_rounding(quality),
                    codecformat="J2K",
                    colorspace="SRGB" if colours else "GRAY",
                    planar=True,
                    bitspersample=self.nbits,
                    resolutions=self.resolutions,
                    reversible=lossless,
                    mct=colours,
                )
            )
        except (RuntimeError, ValueError) as error:
            raise _failure(self.name, pixels, error) from error
        return _with_gdals_marks(stream, self.tile, self.resolutions, lossless=lossless)

    def _encode(self, pixels: NDArray[Any], options: dict[str, str]) -> bytes:
        count, height, width = pixels.shape
        source = {
            "driver": "GTiff", "width": width, "height": height, "count": count, "dtype": pixels.dtype,
            "interleave": "band", "photometric": "RGB" if self.colours[:3] == _RGB else "MINISBLACK",
            "transform": Affine.scale(2),  # without any, rasterio warns
        }  # fmt: skip
        try:
            # Copying releases the GIL; closing a dataset of this driver, which also encodes, does not.
            with gdal_env(), with_options(GDAL_PAM_ENABLED=False), MemoryFile() as raw, MemoryFile(ext=".j2k") as coded:
                with raw.open(**source) as dataset:
                    dataset.colorinterp = self.colours
                    dataset.write(pixels)
                rasterio.shutil.copy(raw.name, coded.name, driver="JP2OpenJPEG", CODEC="J2K", **options)
                return bytes(coded.read())
        except Exception as error:  # rasterio raises GDAL's errors as private classes
            raise _failure(self.name, pixels, error) from error

    def _part_15(self, pixels: NDArray[Any]) -> bytes:
        from imagecodecs import htj2k_encode  # needed by this profile only

        bits = 8 * pixels.dtype.itemsize
        if self.nbits < bits:
            # OpenJPH encodes all bits of the dtype. Unsigned samples are coded as their distance from the middle of
            # their range: from that of the dtype, unless samples are moved by as much as the two lie apart.
            pixels = pixels + pixels.dtype.type(2 ** (bits - 1) - 2 ** (self.nbits - 1))
        colours = len(pixels) in {3, 4}
        # imagecodecs 2026.10 gives a small image fewer resolutions. As the last tile of several it gets them all.
        shape = pixels.shape[1:]
        smallest = 2**self.resolutions
        pads = [self.tile if side < smallest else 0 for side in shape]
        padded = np.pad(pixels, ((0, 0), (pads[0], 0), (pads[1], 0))) if any(pads) else pixels
        tile = (self.tile, self.tile) if any(pads) else None
        samples = np.ascontiguousarray(np.moveaxis(padded, 0, -1)) if len(padded) > 1 else padded[0]
        try:
            stream = bytearray(
                htj2k_encode(
                    samples, reversible=True, rgb=colours, resolutions=self.resolutions - 1, planar=False, tile=tile
                )
            )
        except (RuntimeError, ValueError) as error:
            raise _failure(self.name, pixels, error) from error
        if self.nbits < bits:
            for band in range(len(pixels)):
                stream[_SIZ_DEPTHS + 3 * band] = self.nbits - 1
        return bytes(stream)


def jpeg2000_encoder(profile: Profile, layout: RasterLayout) -> J2kEncoder | ByGdal:
    """Make the encoder of a JPEG 2000's tiles, or tell why GDAL has to write the file.

    Parameters
    ----------
    profile
        A profile of the driver JP2OpenJPEG.
    layout
        Layout of the output.

    Returns
    -------
    J2kEncoder or ByGdal
        The latter when the creation options need a single encoder for all tiles. HTJ2K, which GDAL does
        not write, is never refused that way.

    Raises
    ------
    OutputError
        The image has more tiles than JPEG 2000 can count, or there are creation options that HTJ2K does not have.
    """
    options, is_part_15 = profile.options, profile.name == HIGH_THROUGHPUT
    width, height = (int(options.get(f"BLOCK{axis}SIZE", _TILE)) for axis in "XY")
    rows, cols = layout.grid.shape
    count = -(-rows // height) * -(-cols // width)
    if count > _MOST_TILES:
        raise OutputError(
            f"profile {profile.name}: {rows} x {cols} pixels are {count} tiles of {height} x {width}, JPEG 2000 has "
            f"{_MOST_TILES} at most; give larger ones with --co BLOCKXSIZE={2 * width} --co BLOCKYSIZE={2 * height}"
        )
    resolutions = int(options.get("RESOLUTIONS", "1"))
    reason = _tiling_fault(width, height, resolutions) or _option_fault(options, layout)
    if is_part_15:
        reason = _tiling_fault(width, height, resolutions) or _part_15_fault(options)
        if reason:
            raise OutputError(f"profile {profile.name}: {reason}; leave that creation option out")
    if reason:
        return ByGdal(reason)
    nbits = bits_of(layout)
    colours = tuple(ColorInterp(band.colorinterp) for band in layout.metadata.bands)
    encoder = J2kEncoder(
        name=profile.name,
        options=profile.creation_options,
        high_throughput=is_part_15,
        tile=width,
        resolutions=resolutions,
        nbits=nbits,
        colours=colours,
        tiles=count,
        plain=_is_plain(profile, layout, resolutions, width),
    )
    if profile.lossless:
        return encoder
    blank = encoder(np.zeros((layout.count, 1, 1), layout.dtype), None)[0]
    return replace(encoder, header_bytes=blank.index(START_OF_TILE))


def _is_plain(profile: Profile, layout: RasterLayout, resolutions: int, tile: int) -> bool:
    """Return whether imagecodecs encodes every tile as GDAL would.

    It does not decorrelate the colours of four bands, and gives small tiles fewer resolutions.
    """
    least = min(side % tile or tile for side in layout.grid.shape)
    return (
        profile.lossless
        and profile.options.keys() <= _OF_LOSSLESS
        and layout.count != _RGBA
        and least >> (resolutions - 1) >= _LEAST_LEVEL
    )


def _with_gdals_marks(stream: bytes, tile: int, resolutions: int, *, lossless: bool) -> bytes:
    """Write into the headers what GDAL writes for such a codestream.

    They say that it keeps the limits of Profile-1 (ISO/IEC 15444-1, table A.45), and, in a comment that GDAL looks for,
    whether it is lossless.
    """
    limited = tile <= _PROFILE_1_TILE and tile >> (resolutions - 1) <= _PROFILE_1_SMALLEST
    end = stream.index(START_OF_TILE)
    begin = stream.rindex(_COMMENT, 0, end)
    text = stream[begin + 4 : end] + (b". LOSSLESS settings used" if lossless else b"")
    comment = _COMMENT + struct.pack(">H", len(text) + 2) + text
    return b"".join(
        [stream[:_SIZ_PROFILE], struct.pack(">H", 2 * limited), stream[_SIZ_PROFILE + 2 : begin], comment, stream[end:]]
    )


def option_of_gdal(options: Mapping[str, str]) -> ByGdal | None:
    """Return the option that only GDAL has, which encodes no tile by its PSNR."""
    unknown = [f"{name}={value}" for name, value in options.items() if name.upper() not in _OF_LOSSLESS]
    return ByGdal(f"{unknown[0]} is GDAL's") if unknown else None


def _tiling_fault(width: int, height: int, resolutions: int) -> str | None:
    if width != height or width.bit_count() != 1:
        return f"tiles of {width} x {height} are no squares whose side is a power of two"
    if width < 2**resolutions:
        return f"tiles of {width} have no {resolutions} resolutions"
    return None


def _option_fault(options: dict[str, str], layout: RasterLayout) -> str | None:
    for name, harmless in (("TILEPARTS", "DISABLED"), ("PROFILE", "AUTO")):
        if options.get(name, harmless).upper() != harmless:
            return f"{name}={options[name]} is for one encoder of the whole image"
    odd = any(side % 2 for side in layout.grid.shape)
    if odd and options.get("YCBCR420", "NO").upper() not in {"NO", "FALSE", "OFF", "0"}:
        return "YCBCR420 of an image with an odd side"
    return None


def _part_15_fault(options: dict[str, str]) -> str | None:
    unknown = [f"{name}={value}" for name, value in options.items() if name not in _OF_LOSSLESS]
    return f"{unknown[0]} is not for HTJ2K" if unknown else None


def _failure(name: str, pixels: NDArray[Any], error: Exception) -> OutputError:
    return OutputError(
        f"profile {name}: a tile of {counted(len(pixels), 'band')} of {pixels.dtype}, {pixels.shape[1]} x "
        f"{pixels.shape[2]} pixels, cannot be encoded ({cause_of(error)}); write a .tif"
    )
