"""The creation options of a JPEG."""

from geosal.formats.options import CreationOption
from geosal.formats.quality import TABLES
from geosal.formats.world_file import WORLDFILE

OPTIONS = (
    CreationOption(
        name="QUALITY",
        text="Quality of the quantisation tables; a fraction makes sizes between those of whole numbers.",
        default="75",
        limits=(1, 100),
        whole=False,
    ),
    CreationOption(
        name="SUBSAMPLING",
        text="Whether chroma is halved in both directions.",
        default="420",
        words=frozenset({"420", "444"}),
    ),
    TABLES,
    WORLDFILE,
)
"""All creation options that the user may set."""
