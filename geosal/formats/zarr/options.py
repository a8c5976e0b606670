"""The creation options of a Zarr store."""

from geosal.formats.options import CreationOption

OPTIONS = (
    CreationOption(name="LEVEL", text="How hard Blosc tries: more is smaller and slower.", default="3", limits=(1, 9)),
)
"""All creation options that the user may set."""
