"""The creation options of a BPG."""

from geosal.formats.options import CreationOption
from geosal.formats.quality import BEST_QP, WORST_QP
from geosal.formats.world_file import WORLDFILE

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
"""x265's words for how long it looks for fewer bytes."""
QUALITY = CreationOption(
    name="QUALITY",
    text="HEVC's QP, as bpgenc's -q: less is better, and 6 less is about twice the bytes.",
    default="28",
    limits=(BEST_QP, WORST_QP),
)
PRESET = CreationOption(
    name="PRESET",
    text="How long x265 looks for fewer bytes; slow takes twice the time of medium, and saves 5 %.",
    default="medium",
    words=frozenset(word.upper() for word in PRESETS),
)
X265, BPGENC = "x265", "bpgenc"
ENCODER = CreationOption(
    name="ENCODER",
    text="Who encodes: x265 in geosal, in tiles; or libbpg's program bpgenc on PATH, the whole picture at one QP.",
    default=X265,
    words=frozenset({X265.upper(), BPGENC.upper()}),
)
OPTIONS = (
    QUALITY,
    CreationOption(
        name="SUBSAMPLING",
        text="Whether chroma is halved in both directions.",
        default="420",
        words=frozenset({"420", "444"}),
    ),
    PRESET,
    ENCODER,
    WORLDFILE,
)
"""All creation options that the user may set."""
