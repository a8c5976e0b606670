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
    CreationOption(
        name="LEVELS",
        text="ROOT puts the image into the root, where xarray and GDAL find it, and overviews into groups. GROUPS puts "
        "every level into a group of its own, 0 the image, 1 its half: so maps in a browser read it (OpenLayers), and "
        "xarray by group='0'.",
        default="ROOT",
        words=frozenset({"ROOT", "GROUPS"}),
    ),
)
"""All creation options that the user may set."""
