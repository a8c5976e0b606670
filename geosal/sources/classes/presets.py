"""Sources from a product's quality bands: clouds, shadow, snow and water take interest away."""

import os
from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.core.raster import THE_ARRAY, QualityBand
from geosal.errors import UsageError
from geosal.sources.base import Coded, Kind, OpenContext
from geosal.sources.classes.dilate import Disc, parse_radius
from geosal.sources.classes.flags import Flags
from geosal.sources.classes.quality import CONFIDENCES, KINDS, kind_of_name, theme_codes
from geosal.sources.masks.nearest import strips
from geosal.sources.text import SourceText

Ints = NDArray[np.int64]
_ONE_FILE = "open the product's folder (.SAFE, Landsat) instead of one of its files"
_NO_PRODUCT = "if it is of a product, open that by geosal.open_scene, or make the saliency of what that gave"


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A theme of a quality band: `saliency` there, 1 elsewhere.

    Attributes
    ----------
    text
        The text as the user wrote it.
    shape
        Rows, columns of the scene.
    flags
        The quality band.
    confidence
        One of `CONFIDENCES`.
    disc
        Disc by which the theme grows.
    saliency
        Saliency of the theme.
    fingerprint
        SHA-256 of the quality band; None for a URL.
    """

    kind: ClassVar[Kind] = "exclusion"
    theme: ClassVar[str]

    text: str
    shape: tuple[int, int]
    flags: Flags
    confidence: str
    disc: Disc
    saliency: float
    fingerprint: str | None

    @classmethod
    def open(cls, source: SourceText, context: OpenContext) -> Self:
        """Find the quality band, its place under the scene, and what values it has there.

        Raises
        ------
        UsageError
            A parameter makes no sense, or no quality band has the theme.
        SceneError
            The band cannot be read.
        SaliencyError
            The band lies elsewhere, or its values are none of its kind.
        """
        source.only("dilate", "confidence", "from", "as", "band", "align", "saliency")
        confidence = source.choice("confidence", "medium", CONFIDENCES)
        disc = parse_radius(source.text, "dilate", source.get("dilate"), context.grid)
        saliency = source.number("saliency", 0.0, 0, 1)
        band = _given(source) or _of_product(source, context, cls.theme)
        flags = Flags.open(source, context, band, cls.theme, confidence)
        return cls(
            text=source.text,
            shape=context.grid.shape,
            flags=flags,
            confidence=confidence,
            disc=disc,
            saliency=saliency,
            fingerprint=flags.fingerprint,
        )

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, (y, x); NaN off the quality band.

        Raises
        ------
        SceneError
            The band cannot be decoded there.
        """
        hit, said = self._hit(block)
        saliency = np.where(hit, np.float32(self.saliency), np.float32(1))
        saliency[~said] = np.nan
        return saliency

    def read_coded(self, block: Block) -> Coded | None:
        """Return the saliency of a block by codes 0 and 1; None where the band does not cover all of it."""
        hit, said = self._hit(block)
        if not said.all():
            return None
        table = np.ones(256, np.float32)
        table[1] = self.saliency
        return Coded(hit.astype(np.uint8), table)

    def known(self, rows: Ints, cols: Ints) -> NDArray[np.bool_]:
        """Return whether the quality band lies, (rows, cols), where these rows and columns of the scene cross."""
        return self.flags.covers(rows, cols)

    def __dask_tokenize__(self) -> Hashable:
        """Return the class and its parameters, with the hash of the band."""
        return (
            type(self).__qualname__, self.text, self.shape, self.flags.band, repr(self.flags.rasters), self.confidence,
            self.disc, self.saliency, self.fingerprint,
        )  # fmt: skip

    def _hit(self, block: Block) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return where the theme is, grown, and where the band lies; both (y, x)."""
        outer = block.expand(self.disc.halo, self.shape)
        codes, said = self.flags.read(outer)
        table = theme_codes(self.flags.band.kind, self.theme, self.confidence, self.flags.band.sensor)
        hit = np.empty(said.shape, np.bool_)
        for rows in strips(said.shape):  # values were checked in `open`; changed ones are no theme
            inside = said[rows] & (codes[rows] >= 0) & (codes[rows] < table.size)
            hit[rows] = table[np.where(inside, codes[rows], 0).astype(np.intp)] & inside
        within = block.slices_in(outer)
        return self.disc.grow(hit)[within], said[within]


class Clouds(Preset):
    """``clouds:dilate=60m,confidence=medium,saliency=0[,from=PATH,as=KIND]``: 0 where the product's band tells clouds.

    Elsewhere 1. ``confidence=high`` is opaque and sure clouds, ``medium`` (the default) also cirrus, probable ones and
    the agency's margin, ``low`` all doubts. ``dilate=`` grows them, in metres on the ground (``60m``) or pixels of the
    scene (``5px``); 0 unless given. ``saliency=`` is what they get. ``as=KIND`` chooses among the product's bands; one
    of another place is ``from=PATH,as=KIND``, with KIND scl, qa_pixel, fmask, fmask_python, fmask_hls, pixel_qa, bqa,
    bqa_pre, msk_classi, eopf_classi, cld, snw or clouds_gml (``as=`` may be left out where the file has its agency's
    name); ``band=`` and ``align=pixels`` go with it.
    """

    theme = "cloud"


class Shadow(Preset):
    """``shadow:dilate=60m,confidence=medium,saliency=0[,from=PATH,as=KIND]``: 0 where the product's band tells shadow.

    Elsewhere 1. It is the shadow of clouds; ``confidence=low`` takes dark areas with it. Parameters as of ``clouds``.
    """

    theme = "shadow"


class Snow(Preset):
    """``snow:dilate=60m,confidence=medium,saliency=0[,from=PATH,as=KIND]``: 0 where the product's band tells snow, ice.

    Elsewhere 1. Parameters as of ``clouds``.
    """

    theme = "snow"


class Water(Preset):
    """``water:dilate=60m,confidence=medium,saliency=0[,from=PATH,as=KIND]``: 0 where the product's band tells water.

    Elsewhere 1. Parameters as of ``clouds``.
    """

    theme = "water"


def _given(source: SourceText) -> QualityBand | None:
    """Return the band that ``from=`` names; None for the product's own."""
    path, kind = source.get("from"), source.get("as")
    if kind is not None:
        source.choice("as", "", tuple(KINDS))
    if path is None:
        for key in ("band", "align"):
            if source.get(key) is not None:
                raise UsageError(f"{source.text}: {key}= goes with from=PATH; leave it out, or give the path")
        return None
    if not path:
        raise UsageError(f"{source.text}: from= is empty; give the path of a quality band")
    kind = kind or kind_of_name(path)
    if kind is None:
        raise UsageError(f"{source.text}: what kind of band is {path}? add as= with one of {', '.join(KINDS)}")
    return QualityBand(kind=kind, path=path, sensor=os.path.basename(path))


def _of_product(source: SourceText, context: OpenContext, theme: str) -> QualityBand:
    """Return the product's best band for a theme."""
    mend = "give one with from=PATH,as=KIND, or a raster or vector mask of your own"
    if context.scene is None:
        raise UsageError(f"{source.text}: needs a product's quality band, and only a grid is known; {mend}")
    wanted = source.get("as")
    there = [band for band in context.scene.quality if band.kind in KINDS and wanted in {None, band.kind}]
    telling = [band for band in there if theme in KINDS[band.kind].themes]
    if telling:
        return min(telling, key=lambda band: list(KINDS).index(band.kind))
    path = context.scene.path
    if not context.scene.quality:
        whole = os.path.isdir(path) or path.lower().endswith((".zip", ".tar"))
        of_one = _NO_PRODUCT if path == THE_ARRAY else _ONE_FILE
        cause = "it was delivered or copied without; copy it again" if whole else of_one
        raise UsageError(f"{source.text}: {path} has no quality band; {cause}, or {mend}")
    have = ", ".join(dict.fromkeys(band.kind for band in context.scene.quality))
    if wanted is not None and not there:
        raise UsageError(
            f"{source.text}: {path} has no {wanted}, its quality bands are {have}; leave as= out, or {mend}"
        )
    raise UsageError(f"{source.text}: {path} has the quality band {have}, which does not tell {theme}; {mend}")
