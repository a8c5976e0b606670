"""A scene in 8 bits: stretch each band to 1 ... 255 by one rule for the whole scene; 0 is no data."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.core.provenance import TO_BYTE
from geosal.core.raster import BandMetadata, RasterLayout, Samples, without_scale, without_scale_tags
from geosal.errors import UsageError, warn
from geosal.scenes.base import AnyScene, Small, Wrapped
from geosal.scenes.decimate import decimate, sample
from geosal.scenes.rules import TCI_WHITE, ByteRule, Curve
from geosal.sizes import as_number

_LEVELS = {"l1c": ("MSIL1C", "MSI1C", "LEVEL-1C"), "l2a": ("MSIL2A", "MSI2A", "LEVEL-2A")}
"""Marks of the level in tags and paths of Sentinel-2 products, in capitals."""
_BRIGHTEST = 2.0
"""Reflectance that no half of a scene exceeds; clouds and snow under a low sun reach 1.5."""
_THIN = 0.02
"""Tolerance as a share of the limits' width: about five bytes."""
_QUANTIFICATION = 1e-4
"""Reflectance of one count in all Sentinel-2 products made since 2016."""
_OFFSET_SINCE = "0400"
"""First processing baseline whose counts have an offset, as names of products write it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ByteScene(Wrapped):
    """Another scene, stretched to uint8 as it is read.

    Samples that count become 1 to 255 (`Curve.apply`), all others 0, which is nodata where the scene has a nodata code
    or floats. What a rule calls values is physical: what the file holds times the band's scale plus its offset, which
    is reflectance where the agency says so (Sentinel-2 has an offset since baseline 04.00). Alpha is brought to 0 to
    255.

    Attributes
    ----------
    rule
        The wish.
    curves
        Curve of each band; that of alpha is not used.
    """

    rule: ByteRule
    curves: tuple[Curve, ...]

    @classmethod
    def wrap(cls, inner: AnyScene, rule: ByteRule | str) -> Self:
        """Find the limits of a scene, from a sample where the rule needs one, and wrap it.

        Parameters
        ----------
        inner
            A scene of any kind.
        rule
            ``percentile:2-98``, ``range:0-0.3``, ``tci``, ``gamma:2.2`` …, see `ByteRule.parse`.

        Raises
        ------
        UsageError
            The text is no rule, or the rule does not fit this scene.
        SceneError
            The scene cannot be decoded where it is sampled.

        Warns
        -----
        GeosalWarning
            A band is constant or empty, or lies outside the limits given.
        """
        if isinstance(rule, str):
            rule = ByteRule.parse(rule)
        if rule.name == "tci" and not rule.level:
            rule = ByteRule.parse(f"tci:{_level(inner)}")
        curves = _curves(inner, rule)
        return cls(inner=inner, layout=_layout(inner.layout, rule, curves), rule=rule, curves=curves)

    @property
    def has_statistics(self) -> bool:
        """Return False: the statistics of the file describe other samples."""
        return False

    def read(self, block: Block) -> Samples:
        """Read a block as bytes; errors are those of the scene within."""
        samples = self.inner.read(block)
        pixels = self._bytes(samples.pixels, samples.valid, range(len(self.curves)))
        return Samples(pixels, samples.valid, samples.mask)

    def having(self, *bands: str) -> Self:
        """Return the same scene and rule with other bands, in bytes too; limits are found again.

        It makes this a scene like any other (`geosal.core.raster.Pixels`); sources of saliency have `original` instead.

        Raises
        ------
        UsageError
            There is no such band.
        """
        return type(self).wrap(self.inner.having(*bands), self.rule)

    def decimate(self, factor: int, bands: Sequence[int] | None = None) -> Small:
        """Return the scene reduced, in bytes; see `geosal.scenes.decimate.decimate`."""
        chosen = range(len(self.curves)) if bands is None else bands
        small = decimate(self.inner, factor, chosen)
        return Small(self._bytes(small.pixels, small.valid, chosen), small.valid)

    def _bytes(self, pixels: NDArray[Any], valid: NDArray[np.bool_], bands: Sequence[int]) -> NDArray[np.uint8]:
        """Stretch (band, y, x), of which these are the positions; samples that do not count become 0."""
        stretched = np.empty(pixels.shape, np.uint8)
        for band, samples, counts, out in zip(bands, pixels, valid, stretched, strict=True):
            if band == self.inner.layout.alpha:
                out[:] = _alpha(samples)
            else:
                self.curves[band].apply(samples, out)
                out[~counts] = 0
        return stretched


def _alpha(samples: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale alpha to 0 ... 255; values other than 0 do not become 0."""
    most = 1 if samples.dtype.kind == "f" else np.iinfo(samples.dtype).max
    share = np.clip(np.nan_to_num(samples.astype(np.float64) / most), 0, 1)
    return np.ceil(share * 255).astype(np.uint8)


def _layout(layout: RasterLayout, rule: ByteRule, curves: tuple[Curve, ...]) -> RasterLayout:
    """Layout of a stretched scene: bytes, with tags about their rule instead of scale and offset."""
    bands = tuple(
        band if number == layout.alpha else _band(band, curve)
        for number, (band, curve) in enumerate(zip(layout.metadata.bands, curves, strict=True))
    )
    power = f" ** {rule.gamma:g}" if rule.gamma != 1 else ""
    formula = f"{rule}; value = low + (high - low) * ((byte - 1) / 254){power}, limits with each band"
    tags = without_scale_tags(layout.metadata.tags)
    tags = {**tags, "": {**tags.get("", {}), TO_BYTE: formula}}
    metadata = replace(layout.metadata, bands=bands, tags=tags, nbits=None)
    coded = layout.nodata is not None or np.dtype(layout.dtype).kind == "f"
    return replace(layout, dtype="uint8", nodata=0.0 if coded else None, metadata=metadata)


def _band(band: BandMetadata, curve: Curve) -> BandMetadata:
    band = without_scale(band)
    tags = {**band.tags.get("", {}), TO_BYTE: f"{curve.low:.10g} to {curve.high:.10g}"}
    return replace(band, unit=None, tags={**band.tags, "": tags})


def _curves(scene: AnyScene, rule: ByteRule) -> tuple[Curve, ...]:
    bands = scene.layout.metadata.bands
    if rule.name == "tci":
        white = TCI_WHITE[rule.level]
        counts = np.dtype(scene.layout.dtype).kind in "ui"
        if counts and not all(map(_is_scaled, _colours(scene.layout))):
            _refuse_bytes(scene, rule)
            _refuse_offset(scene, rule)
        curves = tuple(
            Curve(0.0, white, 1.0, _QUANTIFICATION)
            if counts and not _is_scaled(band)
            else Curve(0.0, white, 1.0, band.scale, band.offset)
            for band in bands
        )
        return _of_reflectance(scene, rule, curves)
    if rule.name == "gamma" and rule.ends is None:
        if np.dtype(scene.layout.dtype).kind in "ui" and not all(map(_is_scaled, _colours(scene.layout))):
            raise UsageError(
                f"to_byte={rule}: {scene.path} does not say how its numbers become reflectance; "
                f"give limits, such as gamma:{rule.gamma:g},0-10000"
            )
        curves = tuple(Curve(0.0, 1.0, rule.gamma, band.scale, band.offset) for band in bands)
        return _of_reflectance(scene, rule, curves)
    samples = _samples(scene)
    if rule.name == "percentile":
        return tuple(_percentile_curve(scene, number, values, rule) for number, values in enumerate(samples))
    low, high = rule.ends or (0.0, 1.0)
    curves = tuple(Curve(low, high, rule.gamma, band.scale, band.offset) for band in bands)
    _warn_if_beyond(scene, rule, curves, samples)
    return curves


def _samples(scene: AnyScene) -> Iterator[NDArray[np.float64]]:
    """Yield valid samples, of one band after the other, from places all over the scene."""
    pixels, valid = sample(scene)
    return (band[counts].astype(np.float64) for band, counts in zip(pixels, valid, strict=True))


def _of_reflectance(scene: AnyScene, rule: ByteRule, curves: tuple[Curve, ...]) -> tuple[Curve, ...]:
    """Make the curves of a rule for reflectances, after a check that the scene has reflectances."""
    samples = list(_samples(scene))
    for number, (curve, values) in enumerate(zip(curves, samples, strict=True)):
        if number == scene.layout.alpha or values.size == 0:
            continue
        middle = float(np.median(values)) * curve.scale + curve.offset
        if middle > _BRIGHTEST:
            warn(
                f"{scene.path}: to_byte={rule} is for reflectances from 0 to 1, but half of band {number + 1} is above "
                f"{as_number(middle)}, so most of it becomes white; give limits in those, such as "
                f"range:0-{as_number(math.ceil(middle * 2))}"
            )
            return curves
    _warn_if_beyond(scene, rule, curves, iter(samples))
    return curves


def _refuse_bytes(scene: AnyScene, rule: ByteRule) -> None:
    """Refuse bytes: a picture that was stretched before, such as a product's TCI, holds no counts of reflectance."""
    if scene.layout.dtype == "uint8":
        raise UsageError(
            f"to_byte={rule}: {scene.path} has 8 bits already and no scale to reflectance, as a picture has; leave "
            "--to-byte out, or give limits: range:LOW-HIGH"
        )


def _refuse_offset(scene: AnyScene, rule: ByteRule) -> None:
    """Refuse counts without scale and offset of a product that has an offset, as its name tells."""
    said = f"{scene.layout.metadata.tags.get('', {}).get('PRODUCT_URI', '')} {scene.path}"
    baselines = re.findall(r"_N(\d{4})_", said)
    if baselines and max(baselines) >= _OFFSET_SINCE:
        raise UsageError(
            f"to_byte={rule}: {scene.path} is of processing baseline {max(baselines)}, whose reflectances have an "
            "offset that one file does not tell; give the product's folder (.SAFE), or a range: range:1000-3000"
        )


def _percentile_curve(scene: AnyScene, number: int, samples: NDArray[np.float64], rule: ByteRule) -> Curve:
    band = scene.layout.metadata.bands[number]
    if number == scene.layout.alpha:
        return Curve(0.0, 1.0)
    low = high = 0.0
    if samples.size:
        ends = np.percentile(samples, rule.ends or ()) * band.scale + band.offset
        low, high = sorted(float(end) for end in ends)
    if high > low and math.isfinite(high - low):
        return Curve(low, high, 1.0, band.scale, band.offset)
    what = f"is {as_number(low)} from end to end" if samples.size else "holds no valid sample"
    warn(
        f"{scene.path}: to_byte={rule}, and band {number + 1} {what} where it was looked at; "
        "if it is not empty, give limits: range:LOW-HIGH"
    )
    return Curve(low, low + max(abs(low), 1.0), 1.0, band.scale, band.offset)


def _warn_if_beyond(
    scene: AnyScene, rule: ByteRule, curves: tuple[Curve, ...], samples: Iterator[NDArray[np.float64]]
) -> None:
    """Warn of limits that leave nothing of a band, most likely in other units than the scene's."""
    for number, (curve, values) in enumerate(zip(curves, samples, strict=True)):
        if number == scene.layout.alpha or values.size == 0:
            continue
        least, most = sorted(float(end) * curve.scale + curve.offset for end in (values.min(), values.max()))
        if most - least > 0 and (
            most <= curve.low or least >= curve.high or most - least < _THIN * (curve.high - curve.low)
        ):
            scaled = f" after scale {curve.scale:g} and offset {curve.offset:g}" if _is_scaled(curve) else ""
            warn(
                f"{scene.path}: to_byte={rule}, but values of band {number + 1} lie from {as_number(least)} to "
                f"{as_number(most)}{scaled}, so little is left of it; give limits in those"
            )
            return


def _is_scaled(band: BandMetadata | Curve) -> bool:
    return band.scale != 1 or band.offset != 0


def _colours(layout: RasterLayout) -> list[BandMetadata]:
    return [band for number, band in enumerate(layout.metadata.bands) if number != layout.alpha]


def _level(scene: AnyScene) -> str:
    """Find the level of a Sentinel-2 product, from its tags or its name."""
    tags = scene.layout.metadata.tags.get("", {})
    said = " ".join([*(tags.get(key, "") for key in ("PROCESSING_LEVEL", "PRODUCT_TYPE", "PRODUCT_URI")), scene.path])
    levels = [level for level, marks in _LEVELS.items() if any(mark in said.upper() for mark in marks)]
    if len(levels) != 1:
        raise UsageError(
            f"to_byte=tci: {scene.path} does not say whether it is Sentinel-2 Level-1C or Level-2A; "
            "say it: tci:l1c or tci:l2a"
        )
    return levels[0]
