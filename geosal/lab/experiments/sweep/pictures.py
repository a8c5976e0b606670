"""Plain pictures: pixels without georeferencing, nodata and tags, copied, smoothed, cut out and encoded by blocks.

Each function works in the thread that calls it alone, since many of them work side by side.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from affine import Affine
from rasterio.enums import ColorInterp

from geosal.core.grid import Block, Grid
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.formats.format import Profile
from geosal.formats.profiles import resolve_profile
from geosal.formats.table import PROFILES, format_with
from geosal.job.task import BlockTask
from geosal.lab.experiments.images import Picture
from geosal.lab.experiments.sweep.looks import Smoothing
from geosal.lab.experiments.sweep.wish import RATE, EncoderWish
from geosal.produce import Labour, Work, produce, target_for
from geosal.scenes import AnyScene, Reading, open_input
from geosal.scenes.zarr_store import store_bytes

_BLOCK = 2048
_COLOURS = {1: (ColorInterp.gray,), 3: (ColorInterp.red, ColorInterp.green, ColorInterp.blue)}
PLAIN_SUFFIX = ".tif"
"""Suffix of files on the way: uncompressed, so that they cost no time."""


def plain_layout(height: int, width: int, bands: int) -> RasterLayout:
    """Make the layout of a plain picture of bytes."""
    metadata = RasterMetadata(bands=tuple(BandMetadata(colorinterp=each) for each in _COLOURS[bands]))
    grid = Grid(None, Affine.identity(), height, width)
    return RasterLayout(grid=grid, dtype="uint8", nodata=None, has_mask=False, metadata=metadata)


def make_plain(picture: Picture, path: Path) -> AnyScene:
    """Copy an image to a plain picture, and open it.

    Raises
    ------
    GeosalError
        The image cannot be decoded, or the file not be written.
    """
    layout = plain_layout(*picture.scene.grid.shape, picture.bands)
    return _make(path, _raw(path, layout), layout, _Copy(picture.scene))


def smoothed(plain: AnyScene, smoothing: Smoothing, path: Path) -> AnyScene:
    """Smooth a plain picture, and open the result; errors as of `make_plain`."""
    task = BlockTask(scene=plain, saliency=smoothing.saliency, ladder=smoothing.ladder)
    return _make(path, _raw(path, plain.layout), plain.layout, _WithoutMask(task))


def encoded(scene: AnyScene, profile: Profile, path: Path, part: "Part | None" = None) -> int:
    """Encode a plain picture, or a part of it with all else black, and return the bytes of the file.

    What lies beside the file does not count.
    """
    task = _Copy(scene) if part is None else _CutOut(scene, part)
    _write(path, profile, scene.layout, task)
    return store_bytes(str(path))


def suffix_of(encoder: EncoderWish) -> str:
    """Return the suffix of an encoder's files."""
    return format_with(PROFILES[encoder.profile]).suffixes[0]


def profile_of(encoder: EncoderWish, value: float | None, path: str, layout: RasterLayout) -> Profile:
    """Answer a setting of an encoder for a picture.

    ImageMagick's ``rate`` of JPEG 2000 is raw bytes over bytes of the file, by OpenJPEG's reversible wavelet, and 1 is
    lossless. Ours is the profile ``jp2-lossless`` then, and else ``jp2`` with ``QUALITY=100/rate``, which is percent of
    the raw bytes, and the same wavelet. ImageMagick makes a single tile of an image, and here each tile of 1024 pixels
    gets its share of the bytes.

    Raises
    ------
    UsageError
        See `geosal.formats.profiles.resolve_profile`.
    """
    name, options = encoder.profile, dict(encoder.options)
    if value is not None and encoder.parameter == RATE:
        if value == 1:
            return resolve_profile(path, "jp2-lossless", options, layout)
        profile = resolve_profile(path, name, options | {"QUALITY": f"{100 / value:.6g}"}, layout)
        return replace(profile, creation_options=_reversible(profile))
    if value is not None:
        options[encoder.parameter.upper()] = f"{value:g}"
    return resolve_profile(path, name, options, layout)


def check_encoder(encoder: EncoderWish, value: float | None, layout: RasterLayout) -> None:
    """Refuse, before any work, an encoder that is not there, or cannot hold such pictures.

    Raises
    ------
    UsageError
        See `profile_of`.
    """
    name = f"a{suffix_of(encoder)}"
    target_for(name, profile_of(encoder, value, name, layout), layout, overwrite=True)


@dataclass(frozen=True, eq=False)
class Part:
    """The pixels of one level."""

    smoothing: Smoothing
    level: int


@dataclass(frozen=True, eq=False)
class _Copy:
    scene: AnyScene

    def __call__(self, block: Block) -> Work[None]:
        bands = [band for band in range(self.scene.layout.count) if band != self.scene.layout.alpha]
        return Work(np.ascontiguousarray(self.scene.read(block).pixels[bands]), None, None)


@dataclass(frozen=True, eq=False)
class _CutOut:
    scene: AnyScene
    part: Part

    def __call__(self, block: Block) -> Work[None]:
        pixels = self.scene.read(block).pixels
        here = self.part.smoothing.levels_of(block) == self.part.level
        return Work(np.where(here, pixels, pixels.dtype.type(0)), None, None)


@dataclass(frozen=True, eq=False)
class _WithoutMask:
    task: BlockTask

    def __call__(self, block: Block) -> Work[None]:
        return Work(self.task(block).pixels, None, None)


def _raw(path: Path, layout: RasterLayout) -> Profile:
    return resolve_profile(str(path), "raw", {}, layout)


def _make(path: Path, profile: Profile, layout: RasterLayout, task: Callable[[Block], Work[None]]) -> AnyScene:
    _write(path, profile, layout, task)
    return open_input(str(path), Reading())


def _write(path: Path, profile: Profile, layout: RasterLayout, task: Callable[[Block], Work[None]]) -> None:
    target = replace(target_for(str(path), profile, layout, overwrite=True), threads=1)
    blocks = list(layout.grid.blocks(_BLOCK))
    produce(
        target,
        Labour(stage="encode", task=task, blocks=blocks, workers=1),
        take=lambda _: None,
        tags=lambda: ({}, None),
    )


def _reversible(profile: Profile) -> tuple[tuple[str, str], ...]:
    return tuple((key, "YES" if key == "REVERSIBLE" else value) for key, value in profile.creation_options)
