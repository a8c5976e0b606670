"""JPEG coders to compare with: what is plain, and what others have.

libjpeg-turbo comes with Pillow. The peers are no part of any extra: ``pip install pyvips pyvips-binary pyjpegli``; what
is not installed is left out.
"""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
import tifffile
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
"""(height, width, 3)."""
COG_TILE = 256
AtQuality = Callable[[Pixels, int], bytes]
"""A coder that takes a quality from 1 to 100."""


def turbo(pixels: Pixels, quality: int) -> bytes:
    """Encode by libjpeg-turbo: baseline, 4:2:0, Annex K, optimised Huffman tables."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling="4:2:0", optimize=True)
    return file.getvalue()


def _mozjpeg(pixels: Pixels, quality: int, *, quant_table: int, trellis: bool) -> bytes:
    import pyvips

    height, width, count = pixels.shape
    image = pyvips.Image.new_from_memory(pixels.tobytes(), width, height, count, "uchar")
    options = {"optimize_coding": True, "interlace": False, "subsample_mode": "on", "keep": "none"}
    return bytes(image.jpegsave_buffer(Q=quality, quant_table=quant_table, trellis_quant=trellis, **options))


def moz_flat(pixels: Pixels, quality: int) -> bytes:
    """Encode by mozjpeg with flat tables and trellis: baseline, 4:2:0."""
    return _mozjpeg(pixels, quality, quant_table=1, trellis=True)


def moz_annexk(pixels: Pixels, quality: int) -> bytes:
    """Encode by mozjpeg with Annex K and trellis: baseline, 4:2:0."""
    return _mozjpeg(pixels, quality, quant_table=0, trellis=True)


def flat(pixels: Pixels, quality: int) -> bytes:
    """Encode by mozjpeg with flat tables alone: baseline, 4:2:0."""
    return _mozjpeg(pixels, quality, quant_table=1, trellis=False)


def jpegli(pixels: Pixels, quality: int) -> bytes:
    """Encode by jpegli as pyjpegli sets it."""
    import pyjpegli

    height, width, _ = pixels.shape
    return bytes(pyjpegli.encode(pixels.tobytes(), width, height, quality))


PEERS: dict[str, AtQuality] = {
    "mozjpeg flat+trellis": moz_flat,
    "mozjpeg AnnexK+trellis": moz_annexk,
    "mozjpeg flat": flat,
    "jpegli": jpegli,
}


DECODERS = ("turbo", "gdal")
"""libjpeg-turbo, which Pillow and imagecodecs have and most builds of GDAL, takes a triangle filter to make 4:2:0
chroma large again; the libjpeg 9 in rasterio's wheels an inverse DCT of 16 x 16. They differ by a tenth of a dB."""


def decode(file: bytes, decoder: str) -> Pixels:
    """Decode a JPEG by Pillow, or by rasterio's GDAL."""
    if decoder == "turbo":
        return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
    with rasterio.MemoryFile(file) as memory, memory.open() as dataset:
        return np.asarray(dataset.read().transpose(1, 2, 0))


def read_cog(path: Path, decoder: str) -> Pixels:
    """Decode the full-size tiles by tifffile with imagecodecs, or by rasterio's GDAL."""
    if decoder == "turbo":
        with tifffile.TiffFile(path) as file:
            return np.asarray(file.pages.first.asarray())
    with rasterio.open(path) as dataset:
        return np.asarray(dataset.read().transpose(1, 2, 0))


def gdal_cog(scene: Path, path: Path, quality: int) -> None:
    """Write GDAL's JPEG COG without overviews; libtiff optimises the Huffman tables of each tile."""
    options = {"COMPRESS": "JPEG", "QUALITY": str(quality), "OVERVIEWS": "NONE", "BLOCKSIZE": str(COG_TILE)}
    rasterio.shutil.copy(scene, path, driver="COG", **options)


def tile_bytes(path: Path) -> int:
    """Bytes of a TIFF's full-size tiles, with the tables that they share."""
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        return sum(page.databytecounts) + len(page.jpegtables or b"")
