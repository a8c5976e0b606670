"""The ``.aux.xml`` of a BPG, as GDAL writes it for a PNG of the same bands: GDAL knows no BPG."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from geosal.core.raster import RasterLayout
from geosal.formats.bpg.format import Bpg
from geosal.formats.format import Profile
from geosal.formats.gdal.sample import gdal_sample


class AsPng(Bpg):
    """A BPG as a PNG, whose transform, nodata and tags GDAL writes beside it."""

    driver = "PNG"

    def gdal_options(self, profile: Profile) -> dict[str, str]:
        """Let GDAL write no world file: it would leave the transform out of ``.aux.xml``."""
        del profile
        return {"WORLDFILE": "NO", "ZLEVEL": "1"}

    def says_nodata(self, layout: RasterLayout) -> bool:
        """Return False: a PNG holds some codes itself."""
        del layout
        return False


def aux_xml(
    path: Path,
    profile: Profile,
    layout: RasterLayout,
    tags: Mapping[str, str],
    band_statistics: Sequence[Mapping[str, str]] | None,
) -> bytes:
    """Return the ``.aux.xml``, without the digest of the image.

    Parameters
    ----------
    path
        Path of the output; temporary files are made beside it and deleted.
    profile, layout
        Profile and layout of the output.
    tags, band_statistics
        See `geosal.formats.gdal.stage.Stage.finish`.

    Raises
    ------
    OutputError
        The disk is full, or GDAL cannot write.
    """
    of_bands = None if band_statistics is None else band_statistics[: layout.count]
    plain = replace(profile, format=AsPng(), creation_options=())
    with gdal_sample(path, ".png", plain, replace(layout, has_mask=False), tags, of_bands) as made:
        return made.sidecar.read_bytes()
