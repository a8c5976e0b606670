"""The creation options of a PNG."""

from geosal.formats.options import CreationOption
from geosal.formats.world_file import WORLDFILE

OPTIONS = (
    CreationOption(
        name="ZLEVEL",
        text="Effort of the compression: 1 is quick, 9 makes the smallest file.",
        default="6",
        limits=(1, 9),
    ),
    WORLDFILE,
)
"""All creation options that the user may set."""
