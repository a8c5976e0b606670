"""GDAL's creation options of the drivers we write with; GDAL itself only warns of one that it does not know."""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from geosal.errors import UsageError

_NO_LIMITS = None

_COG: dict[str, tuple[float, float] | None] = {
    "LEVEL": (1, 22),  # less for most codecs, see LEVELS
    "QUALITY": (1, 100),
    "PREDICTOR": _NO_LIMITS,
    "MAX_Z_ERROR": (0, math.inf),
    "MAX_Z_ERROR_OVERVIEW": (0, math.inf),
    "BLOCKSIZE": (64, 16384),
    "BIGTIFF": _NO_LIMITS,
    "NUM_THREADS": _NO_LIMITS,
    "RESAMPLING": _NO_LIMITS,
    "OVERVIEW_RESAMPLING": _NO_LIMITS,
    "OVERVIEW_COMPRESS": _NO_LIMITS,
    "OVERVIEW_QUALITY": (1, 100),
    "OVERVIEW_PREDICTOR": _NO_LIMITS,
    "GEOTIFF_VERSION": _NO_LIMITS,
    "STATISTICS": _NO_LIMITS,
}
_JP2OPENJPEG: dict[str, tuple[float, float] | None] = {
    "QUALITY": (0.001, 100),
    "RESOLUTIONS": (1, 30),
    "BLOCKXSIZE": (64, 65536),
    "BLOCKYSIZE": (64, 65536),
    "PROGRESSION": _NO_LIMITS,
    "SOP": _NO_LIMITS,
    "EPH": _NO_LIMITS,
    "YCBCR420": _NO_LIMITS,
    "YCC": _NO_LIMITS,
    "PROFILE": _NO_LIMITS,
    "JPX": _NO_LIMITS,
    "GEOBOXES_AFTER_JP2C": _NO_LIMITS,
    "PRECINCTS": _NO_LIMITS,
    "TILEPARTS": _NO_LIMITS,
    "CODEBLOCK_WIDTH": (4, 1024),
    "CODEBLOCK_HEIGHT": (4, 1024),
    "CODEBLOCK_STYLE": _NO_LIMITS,
    "PLT": _NO_LIMITS,
    "COMMENT": _NO_LIMITS,
}

DRIVER_OPTIONS: Mapping[str, Mapping[str, tuple[float, float] | None]] = MappingProxyType(
    {
        "COG": _COG,
        "JP2OpenJPEG": _JP2OPENJPEG,
        "Zarr": {"LEVEL": (1, 9)},
        "JPEG": {"QUALITY": (1, 100), "SUBSAMPLING": _NO_LIMITS, "WORLDFILE": _NO_LIMITS},
    }
)
"""Driver -> option -> its limits, when it is a number or a list of them."""

HTJ2K_OPTIONS = frozenset({"BLOCKXSIZE", "BLOCKYSIZE", "RESOLUTIONS", "GEOBOXES_AFTER_JP2C", "JPX", "QUALITY"})
"""Of the options of JP2OpenJPEG, those that mean something for HTJ2K."""

_YES_NO = frozenset({"YES", "NO", "TRUE", "FALSE", "ON", "OFF", "1", "0"})
_PREDICTORS = _YES_NO | {"STANDARD", "FLOATING_POINT", "2", "3"}
_RESAMPLING = frozenset({"NEAREST", "AVERAGE", "BILINEAR", "CUBIC", "CUBICSPLINE", "LANCZOS", "MODE", "RMS"})
WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "BIGTIFF": frozenset({"YES", "NO", "IF_NEEDED", "IF_SAFER"}),
        "GEOTIFF_VERSION": frozenset({"AUTO", "1.0", "1.1"}),
        "PREDICTOR": _PREDICTORS,
        "OVERVIEW_PREDICTOR": _PREDICTORS,
        "RESAMPLING": _RESAMPLING,
        "OVERVIEW_RESAMPLING": _RESAMPLING,
        "STATISTICS": frozenset({"AUTO", "YES", "NO"}),
        "PROGRESSION": frozenset({"LRCP", "RLCP", "RPCL", "PCRL", "CPRL"}),
        "SUBSAMPLING": frozenset({"420", "444"}),
        **dict.fromkeys(("WORLDFILE", "SOP", "EPH", "YCBCR420", "YCC", "JPX", "GEOBOXES_AFTER_JP2C", "PLT"), _YES_NO),
    }
)
"""Option -> its values, where GDAL would take any other word for one of them, or find out at the end of the job."""
FLOATING_POINT = frozenset({"FLOATING_POINT", "3"})
"""Predictors of floats only."""
MULTIPLES = MappingProxyType({"BLOCKSIZE": 16})
"""Option -> what its value must be a multiple of."""
LEVELS: Mapping[str, tuple[float, float]] = MappingProxyType({"DEFLATE": (1, 12), "ZSTD": (1, 22)})
"""Codec of a COG -> what its LEVEL may be."""
FRACTIONS = frozenset({"MAX_Z_ERROR", "MAX_Z_ERROR_OVERVIEW", "QUALITY"})
"""Numbers that need not be whole; where GDAL has to write the file, QUALITY must. That of a JPEG2000 may be a list."""

_REPROJECTS = "would move the pixels off their grid; warp the scene first with gdalwarp"
_NOT_OURS = "geosal carries all metadata itself; leave it out"

PROTECTED_OPTIONS: Mapping[str, str] = MappingProxyType({
    "COMPRESS": "the codec is the profile's choice; use --profile",
    "CODEC": "the codec is the profile's choice; use --profile",
    "REVERSIBLE": "the codec is the profile's choice; use --profile jp2 or jp2-lossless",
    "GEOJP2": "the georeferencing stays in the file; leave it out",
    "GMLJP2": "the georeferencing stays in the file; leave it out",
    "GMLJP2V2_DEF": "GMLJP2 version 1 is written; leave it out",
    "WRITE_METADATA": "makes a JPEG2000 that validators refuse; the .aux.xml beside it holds the metadata",
    "MAIN_MD_DOMAIN_ONLY": _NOT_OURS,
    "COPY_SRC_MDD": _NOT_OURS,
    "SRC_MDD": _NOT_OURS,
    "USE_SRC_CODESTREAM": "would keep the pixels as they were before smoothing; leave it out",
    **dict.fromkeys(("OVERVIEWS", "OVERVIEW_COUNT"), "a COG has overviews down to one tile; leave it out"),
    "SPARSE_OK": "a tile that is not there would look like damage; leave it out",
    "TLM": "a JPEG2000 of geosal has that index always; leave it out",
    "NBITS": "the precision is the scene's own; leave it out",
    **dict.fromkeys(("ALPHA", "1BIT_ALPHA", "INSPIRE_TG"), "would change what the bands mean; leave it out"),
    **dict.fromkeys(
        ("TILING_SCHEME", "ZOOM_LEVEL", "ZOOM_LEVEL_STRATEGY", "ALIGNED_LEVELS", "TARGET_SRS", "RES", "EXTENT",
         "ADD_ALPHA", "WARP_RESAMPLING"), _REPROJECTS,
    ),
})  # fmt: skip
"""Option -> why the user cannot set it, and what to do instead."""


_OF_CODEC: Mapping[str, frozenset[str]] = MappingProxyType({
    "LEVEL": frozenset({"DEFLATE", "ZSTD"}),
    "QUALITY": frozenset({"JPEG", "WEBP"}),
    "MAX_Z_ERROR": frozenset({"LERC"}),
    "PREDICTOR": frozenset({"DEFLATE", "ZSTD", "LZW"}),
})  # fmt: skip
"""Option of a COG -> the codecs that know it, beside its overviews' own."""
_IMPLIED = {"QUALITY": ("JPEG", "WEBP", "LERC"), "MAX_Z_ERROR": ("JPEG", "WEBP")}
"""Option -> codecs that are not lossless; what other codecs keep anyway may be asked of them."""
_NO = frozenset({"NO", "FALSE", "OFF", "0"})


def codec_options() -> frozenset[str]:
    """Options that mean something for some codecs of a COG only."""
    return frozenset(_OF_CODEC) | {f"OVERVIEW_{name}" for name in _OF_CODEC} | {"MAX_Z_ERROR_OVERVIEW"}


def _is_idle(option: str, value: str, compression: str) -> bool:
    """Whether an option of a COG says something that its codec neither does nor implies.

    Parameters
    ----------
    option
        In capitals.
    value
        As given: no predictor, no error and the best quality are implied where a codec has no such option.
    compression
        Of the pixels that it is about, in capitals.
    """
    name = "MAX_Z_ERROR" if option == "MAX_Z_ERROR_OVERVIEW" else option.removeprefix("OVERVIEW_")
    if name not in _OF_CODEC or compression in _OF_CODEC[name]:
        return False
    if name == "PREDICTOR":
        return value.upper() not in _NO
    best = {"QUALITY": 100.0, "MAX_Z_ERROR": 0.0}.get(name)
    return number(value) != best or compression in _IMPLIED[name]


def refuse_idle(option: str, value: str, name: str, compression: str, given: Mapping[str, str]) -> None:
    """Refuse an option of a COG that its codec does not have; overviews may have another codec.

    Parameters
    ----------
    option, value
        In capitals, and as given.
    name, compression
        Of the profile, and what it stands for in GDAL.
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
            f"--co {option}={value}: profile {name} would not heed it, {what} no such setting; leave it out, or choose "
            "another --profile"
        )


def with_resampling(given: Mapping[str, str]) -> dict[str, str]:
    """GDAL's RESAMPLING is that of overviews too, and nothing else is resampled here; names in capitals."""
    options = dict(given)
    if (wished := options.pop("RESAMPLING", None)) is None:
        return options
    return united([*options.items(), ("OVERVIEW_RESAMPLING", wished)])


def united(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Bring names of options to capitals.

    Raises
    ------
    UsageError
        One has two values.
    """
    options: dict[str, str] = {}
    for name, value in pairs:
        before = options.setdefault(name.upper(), value)
        if before.upper() != value.upper():
            raise UsageError(
                f"--co {name.upper()}={before} and {name}={value}: one option has one value; leave one out"
            )
    return options


def number(text: str) -> float:
    """Read a number; NaN, which no limits hold, when `text` is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan
