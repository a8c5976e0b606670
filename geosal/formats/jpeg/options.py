"""The creation options of a JPEG."""

from geosal.formats.options import YES_NO, CreationOption

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
    CreationOption(
        name="WORLDFILE",
        text="Whether the transform is also written as text, beside the image.",
        default="YES",
        words=YES_NO,
    ),
)
"""All that the user may set."""
