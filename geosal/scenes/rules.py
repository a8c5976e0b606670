"""Rules that reduce samples to 8 bits, and the curves that they make."""

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from geosal.errors import UsageError

RULES = "percentile[:LOW-HIGH], range:LOW-HIGH, tci[:l1c|l2a], gamma:G[,LOW-HIGH]"
TCI_WHITE = {"l1c": 0.3558, "l2a": 0.2}
"""Reflectance that is 255 in the true-colour image of a Sentinel-2 product.

ESA, Sentinel-2 MSI user guide, definitions: counts saturate at 3558 (Level-1C) and 2000 (Level-2A), which are
reflectances of 0.3558 and 0.2; 0 is no data and what is valid has 1 to 255."""
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})-({_NUMBER})")
_PERCENTILES = (2.0, 98.0)
_MOST_GAMMA = 10.0
_STRIP = 2**16
_TABLE_BYTES = 2


@dataclass(frozen=True, slots=True)
class ByteRule:
    """A rule as the user wrote it; `parse` checks it.

    Attributes
    ----------
    text
        The rule as written, without blanks, and with the percentiles where those are the default.
    name
        percentile, range, tci or gamma.
    ends
        Percentiles, or the values that become 1 and 255; None where the rule finds them itself.
    gamma
        1 is linear, more is brighter.
    level
        Level of a Sentinel-2 product, ``l1c`` or ``l2a``; empty where the product says it.
    """

    text: str
    name: str
    ends: tuple[float, float] | None = None
    gamma: float = 1.0
    level: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a rule.

        ``percentile:2-98``
            Each band from its 2nd to its 98th percentile (the default) over the scene.
        ``range:0-0.3``
            All bands from 0 to 0.3. Values are physical: what the file holds times its scale plus its offset.
        ``tci``
            The stretch of Sentinel-2's true-colour image; ``tci:l1c`` and ``tci:l2a`` for products that do not say it.
        ``gamma:2.2``
            Reflectance 0 to 1 by the power 1 / 2.2; ``gamma:2.2,0-0.5`` with other limits.

        Raises
        ------
        UsageError
            It is none of these.
        """
        text = "".join(text.split())
        name, colon, value = text.partition(":")
        name = name.lower()
        if name == "percentile":
            ends = _range(text, value) if colon else _PERCENTILES
            if not 0 <= ends[0] < ends[1] <= 100:
                raise UsageError(f"to_byte={text}: percentiles lie between 0 and 100; write percentile:2-98")
            return cls(text if colon else f"{name}:{ends[0]:g}-{ends[1]:g}", name, ends)
        if name == "range":
            return cls(text, name, _range(text, value))
        if name == "tci" and value.lower() in {"", *TCI_WHITE}:
            return cls(text, name, level=value.lower())
        if name == "gamma" and colon:
            power, comma, rest = value.partition(",")
            if not re.fullmatch(_NUMBER, power) or not 1 / _MOST_GAMMA <= float(power) <= _MOST_GAMMA:
                raise UsageError(
                    f"to_byte={text}: gamma is a number from {1 / _MOST_GAMMA:g} to {_MOST_GAMMA:g}; write gamma:2.2"
                )
            return cls(text, name, _range(text, rest) if comma else None, gamma=float(power))
        raise UsageError(f"to_byte={text}: no such rule; use {RULES}")

    def __str__(self) -> str:
        return self.text


def _range(text: str, value: str) -> tuple[float, float]:
    match = _RANGE.fullmatch(value)
    low, high = (float(match[1]), float(match[2])) if match else (math.nan, math.nan)
    if not (low < high and math.isfinite(high - low)):
        raise UsageError(
            f"to_byte={text}: {value or 'nothing'!r} where two limits are wanted, the lower first; "
            f"write {text.partition(':')[0].lower()}:{'2.2,' if text.lower().startswith('gamma') else ''}LOW-HIGH"
        )
    return low, high


@dataclass(frozen=True, slots=True)
class Curve:
    """Curve from the samples of one band to bytes.

    Attributes
    ----------
    low, high
        Physical values that become 1 and 255.
    gamma
        1 is linear.
    scale, offset
        Maps samples to physical values: ``value = sample * scale + offset``.
    """

    low: float
    high: float
    gamma: float = 1.0
    scale: float = 1.0
    offset: float = 0.0

    def apply(self, samples: NDArray[Any], out: NDArray[np.uint8]) -> None:
        """Map samples to 1 ... 255.

        The byte is ``1 + floor(254 * p ** (1 / gamma) + 0.5)`` with ``p = (value - low) / (high - low)`` cut to
        [0, 1]. The same sample gives the same byte wherever it stands.

        Parameters
        ----------
        samples
            (y, x); NaN may become any byte.
        out
            (y, x), written.
        """
        small = samples.dtype.kind in "ui" and samples.dtype.itemsize <= _TABLE_BYTES
        table = _table(self, samples.dtype.str) if small else None
        step = max(1, _STRIP // max(1, samples.shape[1]))
        for begin in range(0, len(samples), step):  # what is in work stays in the cache
            part = samples[begin : begin + step]
            if table is None:
                out[begin : begin + step] = self._bytes(part)
            else:
                # By wrapping, negative samples index the end of the table.
                out[begin : begin + step] = table.take(part, mode="wrap")

    def _bytes(self, samples: NDArray[Any]) -> NDArray[np.uint8]:
        with np.errstate(invalid="ignore", over="ignore"):
            place = samples.astype(np.float64)
            place *= self.scale
            place += self.offset
            place -= self.low
            place /= self.high - self.low
            np.clip(np.nan_to_num(place, copy=False, posinf=1, neginf=0), 0, 1, out=place)
        if self.gamma == 1:
            return (place * 254 + 1.5).astype(np.uint8)
        # Thresholds are exact: powers in NumPy may differ by a bit with the place in the array.
        return (1 + np.searchsorted(_thresholds(self.gamma), place, side="right")).astype(np.uint8)


@lru_cache(maxsize=64)
def _table(curve: Curve, dtype: str) -> NDArray[np.uint8]:
    """Return the byte of each value of a dtype, negative values after the others."""
    kind = np.dtype(dtype)
    codes = np.arange(2 ** (8 * kind.itemsize), dtype=np.int64).astype(kind)
    return curve._bytes(codes)  # noqa: SLF001  one room of its own class


@lru_cache(maxsize=64)
def _thresholds(gamma: float) -> NDArray[np.float64]:
    """Return where the byte steps up: ``p ** (1 / gamma) * 254`` at halves, (254,)."""
    return np.asarray([((step - 0.5) / 254) ** gamma for step in range(1, 255)])
