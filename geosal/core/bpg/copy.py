"""Write the pixels of a BPG into a TIFF, by which GDAL reads them."""

import html
import os
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from geosal.core.bpg.decoding import BpgPicture
from geosal.core.bpg.head import ALPHA, MASK
from geosal.core.bpg.library import pyav

_TILE = 512
_OPAQUE = 255
_MOST_SIDECAR = 2**24
"""Bytes of a sidecar in which the tag of the alpha plane is looked for."""


def write_copy(path: str, copy: Path, *, whole: bool = True) -> dict[str, str]:
    """Decode a BPG into a new TIFF without a place, and return the tags of its structure.

    Where not the `whole` is wanted, only the last row of tiles is decoded.

    Raises
    ------
    ValueError
        It is damaged, or of a kind that is not read.
    UsageError
        PyAV is not installed.
    """
    with BpgPicture(path) as picture:
        pyav(path)  # who lacks it is told of which file
        head = picture.head
        mask, (rows, cols) = head.alpha and _is_mask(path), head.shape
        bands = head.bands + (head.alpha and not mask)
        colours = [ColorInterp.gray] if head.bands == 1 else [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(
            copy, "w", driver="GTiff", width=cols, height=rows, count=bands, dtype="uint8", tiled=True,
            blockxsize=_TILE, blockysize=_TILE, bigtiff="IF_SAFER", sparse_ok=True,
        ) as target:  # fmt: skip
            target.colorinterp = [*colours, *[ColorInterp.alpha] * (bands - head.bands)]
            for strip in picture.strips(whole=whole):
                window = Window(0, strip.top, cols, strip.pixels.shape[1])
                target.write(strip.pixels, list(range(1, head.bands + 1)), window=window)
                if strip.alpha is None:
                    continue
                if mask:
                    target.write_mask(np.where(strip.alpha > 0, _OPAQUE, 0).astype(np.uint8), window=window)
                else:
                    target.write(strip.alpha, bands, window=window)
        return {
            "COMPRESSION": "HEVC",
            "COMPRESSION_REVERSIBILITY": "LOSSLESS" if picture.lossless else "LOSSY",
            "INTERLEAVE": "PIXEL",
        } | ({} if picture.qp is None else {"QP": str(picture.qp)})


def _is_mask(path: str) -> bool:
    """Return whether the sidecar says that the alpha plane is a mask."""
    aux = f"{path}.aux.xml"
    if not os.path.isfile(aux) or os.path.getsize(aux) > _MOST_SIDECAR:
        return False
    with open(aux, encoding="utf-8", errors="replace") as file:
        return f'<MDI key="{html.escape(ALPHA)}">{MASK}</MDI>' in file.read()
