"""A Zarr v3 store."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from geosal.core.raster import RasterLayout
from geosal.core.treatment import Treatment
from geosal.errors import UsageError, warn
from geosal.formats.codec import Codec
from geosal.formats.format import Format, Profile
from geosal.formats.zarr.options import OPTIONS

if TYPE_CHECKING:
    from geosal.formats.container import Container
    from geosal.formats.zarr.tiles import ZarrEncoder


class Zarr(Format["ZarrEncoder"]):
    """The format Zarr: a directory with metadata in JSON."""

    name, driver, reader = "Zarr", "Zarr", "Zarr"
    suffixes = (".zarr",)
    media_type = "application/vnd.zarr; version=3"
    codecs = (
        Codec(
            name="zarr",
            options=(("LEVEL", "3"),),
            opens_in="xarray with zarr 3; GDAL 3.11 with Blosc (3.4: folder image, no shards)",
        ),
    )
    options = OPTIONS
    is_store = True

    def refuse_layout(self, output: str, codec: Codec, layout: RasterLayout) -> None:
        """Refuse scales that JSON cannot express."""
        del output
        scaling = [number for band in layout.metadata.bands for number in (band.scale, band.offset)]
        if not all(map(math.isfinite, scaling)):
            raise UsageError(
                f"profile {codec.name}: cannot hold a scale or an offset that is NaN or infinite (JSON has none); "
                "write a .tif, or give the scene others with gdal_edit.py -scale 1 -offset 0"
            )

    def warn_of(self, output: str, codec: Codec, layout: RasterLayout) -> None:
        """Warn where bands have different scales, which one array cannot hold."""
        del codec
        scales = {(band.scale, band.offset) for band in layout.metadata.bands}
        if len(scales) > 1:
            warn(
                f"{output}: bands of a Zarr store have one scale and offset, and these have {len(scales)}; xarray "
                "shows the numbers as they are stored, and gdal_metadata tells the scales; choose bands that share one "
                "with --bidx, or write a .tif"
            )

    def encoder(self, profile: Profile, layout: RasterLayout, treatment: Treatment, steps: int) -> "ZarrEncoder":
        """Make the encoder of the tiles."""
        del treatment, steps
        from geosal.formats.zarr.tiles import zarr_encoder  # a job needs that of one format

        return zarr_encoder(profile, layout)

    def container(
        self, path: Path, profile: Profile, layout: RasterLayout, encoder: "ZarrEncoder", threads: int | None
    ) -> "Container":
        """Make the store that takes the tiles."""
        del profile, threads
        from geosal.formats.zarr.container import ZarrContainer  # a job needs that of one format

        return ZarrContainer(path, layout, encoder)
