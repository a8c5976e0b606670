"""The creation options of a Zarr store."""

from geosal.formats.options import CreationOption

OPTIONS = (
    CreationOption(name="LEVEL", text="How hard Blosc tries: more is smaller and slower.", default="3", limits=(1, 9)),
    CreationOption(
        name="SHARDS",
        text="Chunks along each side of a file that holds several (a shard): 4 makes sixteen of 1024 px one file. "
        "zarr-python 3, xarray and GDAL 3.13 read shards; 1 makes a file of each chunk.",
        default="1",
        limits=(1, 16),
    ),
)
"""All creation options that the user may set."""
