"""GDAL's creation options of the drivers we write with; GDAL itself only warns of one that it does not know."""

import math
from collections.abc import Mapping
from types import MappingProxyType

_NO_LIMITS = None

_COG: dict[str, tuple[float, float] | None] = {
    "LEVEL": (1, 22),
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


def number(text: str) -> float:
    """Read a number; NaN, which no limits hold, when `text` is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan
