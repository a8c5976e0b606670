"""A scene in 8 bits: each band mapped to 1 ... 255 by one rule for the whole scene; 0 is no data."""

import math
import warnings
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geosal.errors import GeosalWarning, UsageError
from geosal.grid import Block
from geosal.raster import BandMetadata, RasterLayout, Samples
from geosal.scenes.decimate import Small, decimate, sample
from geosal.scenes.raster import Scene
from geosal.scenes.rules import ByteRule, Limits, bends

_STRIP = 2**16
_LUT_BYTES = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class ByteScene(Scene):
    """Another scene, stretched to uint8 when it is read.

    A valid sample ``v`` becomes ``1 + round(254 * clip((v - low) / (high - low), 0, 1) ** (1 / gamma))``, halves up,
    where ``v`` is what the file holds times the band's scale plus its offset: reflectance, where an agency says so
    (Sentinel-2 from baseline 04.00 has an offset). All else becomes 0, which is nodata where the scene has nodata or
    is of floats. Alpha bands are brought to 0 ... 255.

    Attributes
    ----------
    inner
        The scene as it is. Sources of saliency that look at pixels should look at this one.
    rule
        The wish.
    limits
        Of each band; those of alpha mean nothing.
    """

    inner: Scene
    rule: ByteRule
    limits: tuple[Limits, ...]

    @classmethod
    def wrap(cls, inner: Scene, rule: ByteRule | str) -> Self:
        """Find the limits of a scene, from a sample where the rule needs one, and wrap it.

        Parameters
        ----------
        inner
            A scene of any kind.
        rule
            As `ByteRule.parse` takes it: ``percentile:2-98``, ``range:0-0.3``, ``tci``, ``gamma:2.2``.

        Raises
        ------
        UsageError
            The rule is none, or does not fit this scene.
        SceneError
            The scene cannot be decoded where it is sampled.

        Warns
        -----
        GeosalWarning
            A band is constant or empty, or lies outside the limits given.
        """
        if isinstance(rule, str):
            rule = ByteRule.parse(rule)
        limits = _limits(inner, rule)
        known = {field.name: getattr(inner, field.name) for field in fields(Scene) if hasattr(inner, field.name)}
        known.update(layout=_layout(inner.layout, rule, limits), has_statistics=False)
        return cls(**known, inner=inner, rule=rule, limits=limits)

    def read(self, block: Block) -> Samples:
        """Read a block as bytes; errors as those of the scene within."""
        samples = self.inner.read(block)
        return Samples(self._bytes(samples.pixels, samples.valid), samples.valid, samples.mask)

    def read_mask(self, block: Block) -> NDArray[np.bool_]:
        """Read which pixels of a block mask and alpha say are valid, (y, x), as the scene within."""
        return self.inner.read_mask(block)

    def having(self, *bands: str) -> Self:
        """The same scene and rule with other bands, in bytes as well; limits are theirs.

        Raises
        ------
        UsageError
            There is no such band.
        """
        return type(self).wrap(self.inner.having(*bands), self.rule)

    def decimate(self, factor: int) -> Small:
        """The scene made small, in bytes; see `geosal.scenes.decimate.decimate`."""
        small = decimate(self.inner, factor)
        return Small(self._bytes(small.pixels, small.valid), small.valid)

    def _bytes(self, pixels: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Stretch (band, y, x); samples that do not count become 0."""
        stretched = np.empty(pixels.shape, np.uint8)
        for number, (band, limits) in enumerate(zip(self.inner.layout.metadata.bands, self.limits, strict=True)):
            if number == self.inner.layout.alpha:
                stretched[number] = _alpha(pixels[number])
                continue
            _stretch(pixels[number], (band.scale, band.offset), limits, stretched[number])
            stretched[number] *= valid[number]
        return stretched


def _stretch(
    samples: NDArray[Any], scaling: tuple[float, float], limits: Limits, out: NDArray[np.uint8]
) -> None:
    """Map samples (y, x) to 1 ... 255; by a table where the dtype has few values."""
    dtype = samples.dtype
    if dtype.kind in "ui" and dtype.itemsize <= _LUT_BYTES:
        # Negative samples find themselves at the end of the table.
        np.take(_table(dtype.str, scaling, limits), samples, out=out, mode="wrap")
        return
    for row, line in enumerate(samples):
        for begin in range(0, line.size, _STRIP):
            out[row, begin : begin + _STRIP] = _curve(line[begin : begin + _STRIP], scaling, limits)


@lru_cache(maxsize=64)
def _table(dtype: str, scaling: tuple[float, float], limits: Limits) -> NDArray[np.uint8]:
    kind = np.dtype(dtype)
    codes = np.arange(2 ** (8 * kind.itemsize), dtype=np.int64).astype(kind)  # 32768 ... become negative
    table = _curve(codes, scaling, limits)
    table.setflags(write=False)
    return table


def _curve(samples: NDArray[Any], scaling: tuple[float, float], limits: Limits) -> NDArray[np.uint8]:
    """Map samples of one dimension. NaN comes to any byte; the caller overwrites it.

    Gamma is made of thresholds, not of powers: those of numpy may differ by a bit with the place in the array.
    """
    scale, offset = scaling
    with np.errstate(invalid="ignore", over="ignore"):
        place = samples.astype(np.float64)
        place *= scale
        place += offset
        place -= limits.low
        place /= limits.high - limits.low
        np.clip(place, 0, 1, out=place)
        np.nan_to_num(place, copy=False)
        if limits.gamma == 1:
            return (place * 254 + 1.5).astype(np.uint8)
        return (1 + np.searchsorted(bends(limits.gamma), place, side="right")).astype(np.uint8)


def _alpha(samples: NDArray[Any]) -> NDArray[np.uint8]:
    """Bring alpha to 0 ... 255; what is not 0 does not become 0."""
    most = 1 if samples.dtype.kind == "f" else np.iinfo(samples.dtype).max
    with np.errstate(invalid="ignore"):
        share = np.nan_to_num(np.clip(samples.astype(np.float64) / most, 0, 1))
    return np.ceil(share * 255).astype(np.uint8)


def _limits(scene: Scene, rule: ByteRule) -> tuple[Limits, ...]:
    """Limits of each band, in physical values."""
    layout = scene.layout
    if rule.low is not None and rule.high is not None:
        fixed = Limits(rule.low, rule.high, rule.gamma)
        _warn_if_outside(scene, fixed, rule)
        return (fixed,) * layout.count
    if rule.name == "tci":
        return (_tci(scene),) * layout.count
    if rule.name == "gamma":
        if not any(_is_scaled(band) for band in layout.metadata.bands) and np.dtype(layout.dtype).kind != "f":
            raise UsageError(
                f"to_byte={rule}: {scene.path} does not say how its numbers come to reflectance; "
                f"give its limits, such as gamma:{rule.gamma:g},0-10000"
            )
        return (Limits(0.0, 1.0, rule.gamma),) * layout.count
    pixels, valid = sample(scene)
    return tuple(
        Limits(0.0, 1.0) if number == layout.alpha else _percentiles(scene, number, pixels[number][valid[number]], rule)
        for number in range(layout.count)
    )


def _percentiles(scene: Scene, number: int, samples: NDArray[Any], rule: ByteRule) -> Limits:
    band = scene.layout.metadata.bands[number]
    if samples.size == 0:
        low = high = 0.0
    else:
        ends = np.percentile(samples.astype(np.float64), rule.percentiles) * band.scale + band.offset
        low, high = sorted(map(float, ends))
    if high > low and math.isfinite(high - low):
        return Limits(low, high)
    warnings.warn(
        f"{scene.path}: band {number + 1} "
        + ("has no valid sample" if samples.size == 0 else f"is {low:g} nearly everywhere")
        + f" in the sample for to_byte={rule}, which leaves it nothing to stretch; give range:LOW-HIGH",
        GeosalWarning,
        stacklevel=5,
    )
    return Limits(low, low + max(abs(low), 1.0))


def _tci(scene: Scene) -> Limits:
    """Limits of the Sentinel-2 true-colour image, for a product that says its level."""
    tags = scene.layout.metadata.tags.get("", {})
    said = " ".join([*(tags.get(key, "") for key in ("PROCESSING_LEVEL", "PRODUCT_TYPE", "PRODUCT_URI")), scene.path])
    levels = {level for level, marks in _LEVELS.items() if any(mark in said for mark in marks)}
    if len(levels) != 1:
        raise UsageError(
            f"to_byte=tci: {scene.path} does not say whether it is Sentinel-2 Level-1C or Level-2A; "
            "say it: tci:l1c or tci:l2a"
        )
    return Limits(0.0, TCI_WHITE[levels.pop()])
