"""Meaning of the values in agencies' quality bands: clouds, shadow, snow and water, each with a confidence.

A band is a number per pixel in which fields of bits are packed; a plain class map is one field of eight bits. Figures
are the agencies':

- ``scl``: scene classification of Sentinel-2 Level-2A. Sentinel-2 Products Specification Document
  (S2-PDGS-TAS-DI-PSD), scene classification; 2 is dark features, from baseline 04.00 on topographic shadow; 7 is
  unclassified, in early versions clouds of low probability.
- ``msk_classi``: Sentinel-2 Level-1C and 2A from baseline 04.00, same document, ``MSK_CLASSI_B00``: one band each for
  opaque clouds, cirrus, snow. Packed here as bits 0, 1, 2. ``clouds_gml``: its predecessor ``MSK_CLOUDS_B00.gml``,
  polygons ``OPAQUE`` and ``CIRRUS``, packed likewise.
- ``eopf_classi``: the same three flags of a product in EOPF Zarr, packed by the agency.
- ``cld``, ``snw``: Sentinel-2's probabilities of cloud and of snow, in percent. The limits are ours: 80 is high,
  50 medium, 20 low.
- ``qa_pixel``: Landsat Collection 2. USGS LSDS-1328 and LSDS-1619 (OLI/TIRS), LSDS-1618 (TM, ETM+), which have no
  cirrus band: bits 2, 14, 15 are unused. Clear land is given *low* confidence of everything, so ``low`` is no cloud.
- ``bqa``: Landsat Collection 1 Level-1. USGS LSDS-1656, and the Landsat 8 Data Users Handbook LSDS-1574.
- ``bqa_pre``: Landsat 8 before the collections. LSDS-1574, version 1: bits 4-5 water, 10-11 snow, 12-13 cirrus, 14-15
  cloud; bits 6-7 were kept for shadow and never set.
- ``pixel_qa``: Landsat Collection 1 surface reflectance. USGS LSDS-1368 (OLI), LSDS-1370 (TM, ETM+).
- ``fmask``: Zhu and Woodcock (2012), Qiu et al. (2019), and CFMask: 0 land, 1 water, 2 shadow, 3 snow, 4 cloud.
- ``fmask_python``: python-fmask and Digital Earth Australia: 1 clear, 2 cloud, 3 shadow, 4 snow, 5 water.
- ``fmask_hls``: Harmonized Landsat Sentinel-2 (HLS) Product User Guide, version 2.0.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

CONFIDENCES = ("high", "medium", "low")
"""*high*: opaque and sure. *medium*: also cirrus, what is probable, and the agency's own margin. *low*: all doubts."""
THEMES = ("cloud", "shadow", "snow", "water")
_NO_CIRRUS_BAND = re.compile(r"(?i)(landsat[ _-]?[1-7]|(?<![a-z])l[etm]0?[1-7])")


@dataclass(frozen=True, slots=True)
class Field:
    """Some values of some bits.

    Attributes
    ----------
    first, width
        The lowest bit, from 0, and how many there are.
    values
        Values of these bits that mean the flag.
    cirrus
        Whether the field exists only where the sensor has a cirrus band.
    """

    first: int
    width: int
    values: tuple[int, ...]
    cirrus: bool = False

    def holds(self, codes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether the bits have one of the values; same shape as `codes`."""
        return np.isin(codes >> self.first & (1 << self.width) - 1, self.values)


Degrees = tuple[tuple[Field, ...], ...]
"""Fields of confidence high; those added at medium; those added at low."""


@dataclass(frozen=True, kw_only=True)
class QualityKind:
    """How to read one kind of quality band.

    Attributes
    ----------
    themes
        Themes that it tells, of `THEMES`.
    bits
        Bits of a code: 8 or 16.
    fill
        Field that marks pixels where nothing was seen; such a pixel is none of the themes.
    values
        Values that may occur; empty when all numbers of so many bits may.
    bands
        Bands of the raster, packed to bits in this order; 1 where the code is the pixel.
    """

    themes: Mapping[str, Degrees]
    bits: int = 8
    fill: Field | None = None
    values: frozenset[int] = field(default_factory=frozenset)
    bands: int = 1


def _flag(bit: int, *, cirrus: bool = False) -> Field:
    return Field(bit, 1, (1,), cirrus)


def _pair(first: int, *values: int, cirrus: bool = False) -> Field:
    return Field(first, 2, values, cirrus)


def _value(*values: int) -> Field:
    return Field(0, 8, values)


_OPAQUE_AND_CIRRUS: Degrees = ((_flag(0),), (_flag(1),))
_PERCENT: Degrees = ((_value(*range(80, 101)),), (_value(*range(50, 80)),), (_value(*range(20, 50)),))
KINDS: Mapping[str, QualityKind] = MappingProxyType({
    "scl": QualityKind(
        themes={
            "cloud": ((_value(9),), (_value(8, 10),), (_value(7),)),
            "shadow": ((_value(3),), (), (_value(2),)),
            "snow": ((_value(11),),),
            "water": ((_value(6),),),
        },
        fill=_value(0),
        values=frozenset(range(12)),
    ),
    "qa_pixel": QualityKind(
        themes={
            "cloud": (
                (_flag(3), _pair(8, 3)),
                (_flag(1), _flag(2, cirrus=True), _pair(8, 2), _pair(14, 3, cirrus=True)),
            ),
            "shadow": ((_flag(4), _pair(10, 3)),),
            "snow": ((_flag(5), _pair(12, 3)),),
            "water": ((_flag(7),),),
        },
        bits=16,
        fill=_flag(0),
    ),
    "fmask": QualityKind(
        themes={
            "cloud": ((_value(4),),),
            "shadow": ((_value(2),),),
            "snow": ((_value(3),),),
            "water": ((_value(1),),),
        },
        fill=_value(255),
        values=frozenset((*range(5), 255)),
    ),
    "fmask_python": QualityKind(
        themes={
            "cloud": ((_value(2),),),
            "shadow": ((_value(3),),),
            "snow": ((_value(4),),),
            "water": ((_value(5),),),
        },
        fill=_value(0, 255),
        values=frozenset((*range(6), 255)),
    ),
    "fmask_hls": QualityKind(
        themes={
            "cloud": ((_flag(1),), (_flag(0),), (_flag(2),)),
            "shadow": ((_flag(3),), (), (_flag(2),)),
            "snow": ((_flag(4),),),
            "water": ((_flag(5),),),
        },
        fill=_value(255),
    ),
    "pixel_qa": QualityKind(
        themes={
            "cloud": ((_flag(5), _pair(6, 3)), (_pair(6, 2), _pair(8, 3, cirrus=True)), (_pair(8, 2, cirrus=True),)),
            "shadow": ((_flag(3),),),
            "snow": ((_flag(4),),),
            "water": ((_flag(2),),),
        },
        bits=16,
        fill=_flag(0),
    ),
    "bqa": QualityKind(
        themes={
            "cloud": (
                (_flag(4), _pair(5, 3)),
                (_pair(5, 2), _pair(11, 3, cirrus=True)),
                (_pair(11, 2, cirrus=True),),
            ),
            "shadow": ((_pair(7, 3),), (_pair(7, 2),)),
            "snow": ((_pair(9, 3),), (_pair(9, 2),)),
        },
        bits=16,
        fill=_flag(0),
    ),
    "bqa_pre": QualityKind(
        themes={
            "cloud": ((_pair(14, 3),), (_pair(14, 2), _pair(12, 3)), (_pair(12, 2),)),
            "snow": ((_pair(10, 3),), (_pair(10, 2),)),
            "water": ((_pair(4, 3),), (_pair(4, 2),)),
        },
        bits=16,
        fill=_flag(0),
    ),
    "msk_classi": QualityKind(themes={"cloud": _OPAQUE_AND_CIRRUS, "snow": ((_flag(2),),)}, bands=3),
    "clouds_gml": QualityKind(themes={"cloud": _OPAQUE_AND_CIRRUS}),
    "eopf_classi": QualityKind(
        themes={"cloud": _OPAQUE_AND_CIRRUS, "snow": ((_flag(2),),)}, values=frozenset(range(8))
    ),
    "cld": QualityKind(themes={"cloud": _PERCENT}, values=frozenset(range(101))),
    "snw": QualityKind(themes={"snow": _PERCENT}, values=frozenset(range(101))),
})  # fmt: skip
"""Kinds of quality bands, the best first, where a product has several."""

BQA_LAST = 0x1FFF
"""Highest value of Collection 1's 13 bits; before it, each pixel that was seen has one of the bits above."""

_NAMES = (
    (r"_SCL(_\d+m)?\.", "scl"),
    (r"(^|/)SCL(_\d+m)?\.", "scl"),
    (r"QA_PIXEL", "qa_pixel"),
    (r"pixel_qa", "pixel_qa"),
    (r"BQA", "bqa"),
    (r"MSK_CLASSI", "msk_classi"),
    (r"MSK_CLOUDS.*\.gml$", "clouds_gml"),
    (r"MSK_CLDPRB", "cld"),
    (r"MSK_SNWPRB", "snw"),
    (r"^HLS\..*\.Fmask\.", "fmask_hls"),
)


def kind_of_name(path: str) -> str | None:
    """Return the kind of a quality band, from the name that its agency gives to the file; None for other files."""
    name = re.split(r"[/\\]", path)[-1]
    for pattern, kind in _NAMES:
        if re.search(pattern, name, re.IGNORECASE):
            return kind
    return None


def has_cirrus(sensor: str) -> bool:
    """Return whether a sensor (``LANDSAT_8``, or the name of a Landsat file) has a cirrus band; True where unknown."""
    return _NO_CIRRUS_BAND.search(sensor) is None


@lru_cache(maxsize=64)
def theme_codes(kind: str, theme: str, confidence: str = "medium", sensor: str = "") -> NDArray[np.bool_]:
    """Return which codes of a quality band mean a theme.

    Parameters
    ----------
    kind
        A kind in `KINDS`.
    theme
        A theme of that kind.
    confidence
        One of `CONFIDENCES`; each includes the surer ones.
    sensor
        Sensor such as ``LANDSAT_7``; bits that it does not have are ignored.

    Returns
    -------
    ndarray
        (2**bits,), True where the code means it; read-only.
    """
    quality = KINDS[kind]
    codes = np.arange(1 << quality.bits)
    degrees = quality.themes[theme][: CONFIDENCES.index(confidence) + 1]
    hit = np.zeros(codes.shape, np.bool_)
    for bits in (bits for degree in degrees for bits in degree):
        if not bits.cirrus or has_cirrus(sensor):
            hit |= bits.holds(codes)
    if quality.fill is not None:
        hit &= ~quality.fill.holds(codes)
    hit.flags.writeable = False
    return hit
