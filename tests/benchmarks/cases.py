"""What is measured: codecs with their options for geosal and for GDAL, masks, and who else runs."""

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

TILE_JP2 = 1024
_THUMBNAIL = 512
BASELINES = {
    "gdal": "GDAL copies the finished pixels",
    "source": "GDAL copies the JPEG 2000 itself",
    "memory": "script in memory: rasterio, OpenCV, GDAL",
    "dask": "rioxarray + dask-image, GDAL",
}
"""Name of a baseline -> what the table calls it."""
NAMED_MASKS = {"half": "half", "grid": "grid", "perlin": "perlin", "uniform": "uniform:saliency=0"}
"""Masks that geosal makes itself -> its SOURCE."""
GOAL_CODECS = ("deflate7", "deflate", "zstd1", "jpeg", "jpeg-quality", "jpg", "jp2-lossless", "htj2k")


@dataclass(frozen=True)
class Codec:
    """A profile of ours, and what GDAL is asked for when it does the same.

    Attributes
    ----------
    name
        As on the command line.
    profile, options
        geosal's ``--profile`` and ``--co``.
    treatment
        geosal's ``--treatment``.
    suffix
        Of the output.
    driver, gdal_options
        GDAL's driver, None when there is nothing to compare with, and its creation options.
    """

    name: str
    profile: str
    options: tuple[str, ...]
    suffix: str
    driver: str | None
    gdal_options: tuple[str, ...]
    treatment: str = "smooth"

    @property
    def smooths(self) -> bool:
        """Others do as much: smooth the pixels first, or have them smoothed for them."""
        return self.treatment == "smooth"


def codec(name: str, size: int) -> Codec:
    """Look up a codec for a scene of `size` rows or columns, whichever are more.

    ``deflate``, ``zstd``, ``lzw``, ``raw``, ``jpeg``, ``webp``, ``lerc``, ``jp2-lossless``, ``jp2``, ``htj2k``,
    ``zarr``; a number after ``deflate`` or ``zstd`` is the level, after the lossy ones the quality. ``deflate7`` is
    compared with GDAL's level 6, which is the same level of libdeflate by another name. ``jpeg-quality`` is a COG with
    the treatment `quality`, ``jpg`` a JPEG file at its usual target. Any other name is taken for a profile of a COG
    that has no counterpart in GDAL.
    """
    if name == "jpg":
        return Codec(name, name, (), ".jpg", "JPEG", ("QUALITY=75",), "quality")
    if name == "jpeg-quality":
        return replace(codec("jpeg75", size), name=name, treatment="quality")
    if name.startswith("jp2") or name == "htj2k":
        return _jpeg2000(name, size)
    if name == "zarr":
        return Codec(name, name, (), ".zarr", None, ())
    match = re.fullmatch(r"([a-z]+)(\d+)?", name)
    base, level = (match[1], match[2]) if match else (name, None)
    compress = {"raw": "NONE"}.get(base, base.upper())
    key = "QUALITY" if base in {"jpeg", "webp"} else "LEVEL"
    default = {"deflate": "6", "zstd": "9", "jpeg": "75", "webp": "75"}.get(base)
    theirs = "6" if (base, level) == ("deflate", "7") else level or default
    options = [f"COMPRESS={compress}", "OVERVIEW_RESAMPLING=AVERAGE", "BLOCKSIZE=512", "NUM_THREADS=ALL_CPUS"]
    options += ["BIGTIFF=IF_SAFER"]
    options += [f"{key}={theirs}"] if theirs else []
    options += ["PREDICTOR=YES"] if base in {"deflate", "zstd", "lzw"} else []
    options += ["MAX_Z_ERROR=0"] if base == "lerc" else []
    known = base in {"deflate", "zstd", "lzw", "raw", "jpeg", "webp", "lerc"}
    ours = (f"{key}={level}",) if level else ()
    return Codec(name, base, ours, ".tif", "COG" if known else None, tuple(options))


def _jpeg2000(name: str, size: int) -> Codec:
    """HTJ2K, which GDAL does not write, is compared with GDAL's lossless JPEG2000."""
    match = re.fullmatch(r"jp2(\d+)", name)
    quality = match[1] if match else "25"
    lossy = name == "jp2" or match is not None
    resolutions = 1 + max(0, math.ceil(math.log2(size / _THUMBNAIL)))
    options = (
        f"QUALITY={quality if lossy else 100}",
        f"REVERSIBLE={'NO' if lossy else 'YES'}",
        f"BLOCKXSIZE={TILE_JP2}",
        f"BLOCKYSIZE={TILE_JP2}",
        f"RESOLUTIONS={resolutions}",
    )
    ours = (f"QUALITY={quality}",) if match else ()
    return Codec(name, "jp2" if lossy else name, ours, ".jp2", "JP2OpenJPEG", options)


@dataclass(frozen=True)
class Scene:
    """A scene on disk; `label` names size and dtype."""

    path: Path
    size: int
    dtype: str

    @property
    def label(self) -> str:
        """Size, dtype and that it is a JPEG 2000, as the table has it."""
        return f"{self.size}² {self.dtype}{' jp2' if self.path.suffix == '.jp2' else ''}"

    @property
    def raw_bytes(self) -> int:
        """Bytes of the pixels of three bands."""
        return self.size**2 * 3 * (1 if self.dtype == "uint8" else 2)


@dataclass(frozen=True)
class Mask:
    """A mask: how geosal is told of it, and the file of it that the baselines read.

    The file holds 8 - level, so geosal reads it with ``range=0-8`` and comes to the same levels.
    """

    name: str
    path: Path

    @property
    def source(self) -> str:
        """Geosal's SOURCE."""
        return NAMED_MASKS.get(self.name, f"{self.path}:range=0-8")
