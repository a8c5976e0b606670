"""The creation options of a COG."""

import math
from collections.abc import Mapping
from types import MappingProxyType

from geosal.errors import UsageError
from geosal.formats.options import YES_NO, CreationOption, number, united
from geosal.formats.quality import TABLES

_FLOATING_POINT = frozenset({"FLOATING_POINT", "3"})
_PREDICTORS = YES_NO | {"STANDARD", "2"} | _FLOATING_POINT
_RESAMPLING = frozenset({"NEAREST", "AVERAGE", "BILINEAR", "CUBIC", "CUBICSPLINE", "LANCZOS", "MODE", "RMS"})

OPTIONS = (
    CreationOption(
        name="LEVEL",
        text="How hard DEFLATE (1 to 12), ZSTD (1 to 22), LZMA and JXL (1 to 9) try: more is smaller and slower.",
        default="5 for DEFLATE, 9 for ZSTD, 6 for LZMA, 5 for JXL",
        limits=(1, 22),
        limits_of={"DEFLATE": (1, 12), "ZSTD": (1, 22), "LZMA": (1, 9), "JXL": (1, 9)},
    ),
    CreationOption(
        name="QUALITY",
        text="Quality of JPEG and WEBP, which is lossless at 100; fractions make sizes between those of whole numbers.",
        default="75",
        limits=(1, 100),
        whole=False,
    ),
    TABLES,
    CreationOption(
        name="PREDICTOR",
        text="Whether differences of neighbours are coded; of floats, their bytes are sorted as well.",
        default="YES",
        words=_PREDICTORS,
        for_floats=_FLOATING_POINT,
    ),
    CreationOption(
        name="MAX_Z_ERROR",
        text="By how much LERC may be off, in units of the samples.",
        default="0",
        limits=(0, math.inf),
        whole=False,
    ),
    CreationOption(
        name="MAX_Z_ERROR_OVERVIEW",
        text="MAX_Z_ERROR of the overviews.",
        default="as MAX_Z_ERROR",
        limits=(0, math.inf),
        whole=False,
    ),
    CreationOption(
        name="BLOCKSIZE", text="Rows and columns of a tile.", default="512", limits=(64, 16384), multiple=16
    ),
    CreationOption(
        name="BIGTIFF",
        text="Whether the file is a BigTIFF, which may take more than 4 GB.",
        default="IF_SAFER",
        words=frozenset({"YES", "NO", "IF_NEEDED", "IF_SAFER"}),
    ),
    CreationOption(
        name="NUM_THREADS",
        text="Threads that encode, where GDAL writes the file.",
        default="ALL_CPUS",
        words=frozenset({"ALL_CPUS"}),
        or_whole=True,
    ),
    CreationOption(name="RESAMPLING", text="As OVERVIEW_RESAMPLING.", default="AVERAGE", words=_RESAMPLING),
    CreationOption(name="OVERVIEW_RESAMPLING", text="How overviews are made.", default="AVERAGE", words=_RESAMPLING),
    CreationOption(name="OVERVIEW_COMPRESS", text="Codec of the overviews.", default="the image's"),
    CreationOption(name="OVERVIEW_QUALITY", text="QUALITY of the overviews.", default="as QUALITY", limits=(1, 100)),
    CreationOption(
        name="OVERVIEW_PREDICTOR",
        text="PREDICTOR of the overviews.",
        default="as PREDICTOR",
        words=_PREDICTORS,
        for_floats=_FLOATING_POINT,
    ),
    CreationOption(
        name="GEOTIFF_VERSION",
        text="Version of the GeoTIFF standard.",
        default="AUTO",
        words=frozenset({"AUTO", "1.0", "1.1"}),
    ),
    CreationOption(
        name="STATISTICS",
        text="Whether GDAL computes statistics; those of the source are carried over anyway.",
        default="AUTO",
        words=frozenset({"AUTO", "YES", "NO"}),
    ),
)
"""All creation options that the user may set."""

_OF_CODEC: Mapping[str, frozenset[str]] = MappingProxyType({
    "LEVEL": frozenset({"DEFLATE", "ZSTD", "LZMA", "JXL"}),
    "QUALITY": frozenset({"JPEG", "WEBP"}),
    "TABLES": frozenset({"JPEG"}),
    "MAX_Z_ERROR": frozenset({"LERC"}),
    "PREDICTOR": frozenset({"DEFLATE", "ZSTD", "LZW"}),
})  # fmt: skip
"""Option of a COG -> the codecs that have it, apart from the options of overviews."""
_IMPLIED = {"QUALITY": ("JPEG", "WEBP", "LERC"), "MAX_Z_ERROR": ("JPEG", "WEBP")}
"""Option -> the codecs that are not lossless. A lossless codec accepts the option where it asks for no loss."""
_NO = frozenset({"NO", "FALSE", "OFF", "0"})
CODEC_OPTIONS = frozenset(_OF_CODEC) | {f"OVERVIEW_{name}" for name in _OF_CODEC} | {"MAX_Z_ERROR_OVERVIEW"}
"""Options that only some codecs of a COG have."""


def is_of_codec(option: str, compression: str) -> bool:
    """Return whether a codec, of the pixels or of the overviews, has an option; both are named in capitals."""
    return compression in _OF_CODEC.get(_of_pixels(option), {compression})


def _of_pixels(option: str) -> str:
    """Return the option that means the same for the pixels as this one for overviews."""
    return "MAX_Z_ERROR" if option == "MAX_Z_ERROR_OVERVIEW" else option.removeprefix("OVERVIEW_")


def _is_idle(option: str, value: str, compression: str) -> bool:
    """Return whether an option of a COG asks for something that its codec neither does nor implies.

    Parameters
    ----------
    option
        Its name, in capitals.
    value
        The value, as given. A codec without the option implies no predictor, no error and the best quality.
    compression
        Codec of the pixels that the option is about, in capitals.
    """
    name = _of_pixels(option)
    if is_of_codec(name, compression):
        return False
    if name == "TABLES":
        return True
    if name == "PREDICTOR":
        return value.upper() not in _NO
    best = {"QUALITY": 100.0, "MAX_Z_ERROR": 0.0}.get(name)
    return number(value) != best or compression in _IMPLIED[name]


def refuse_idle(option: str, value: str, name: str, compression: str, given: Mapping[str, str]) -> None:
    """Refuse an option of a COG that its codec does not have; overviews may have another codec.

    Parameters
    ----------
    option, value
        The name in capitals, and the value as given.
    name, compression
        Name of the profile, and the codec that it means in GDAL.
    given
        All options of the user, with names in capitals.

    Raises
    ------
    UsageError
        Nothing would heed it.
    """
    of_overviews = option.startswith("OVERVIEW_") or option.endswith("_OVERVIEW")
    wished = given.get("OVERVIEW_COMPRESS", "AUTO").upper() if of_overviews else "AUTO"
    if _is_idle(option, value, compression if wished == "AUTO" else wished):
        what = "its overviews have" if of_overviews else "it has"
        raise UsageError(
            f"--co {option}={value}: it has no effect with profile {name}: {what} no such setting; leave it out, or "
            "choose another --profile"
        )


def with_resampling(given: Mapping[str, str]) -> dict[str, str]:
    """Return the options with OVERVIEW_RESAMPLING for RESAMPLING, which has no other effect here; names in capitals."""
    options = dict(given)
    if (wished := options.pop("RESAMPLING", None)) is None:
        return options
    return united([*options.items(), ("OVERVIEW_RESAMPLING", wished)])
