"""Metadata of a JPEG: segments before its tables, ``.aux.xml`` and the world file.

GDAL writes a tiny JPEG with the same metadata, from which these are copied: an ICC profile and EXIF in segments of the
file; CRS, transform, control points, RPCs, names and tags in ``.aux.xml``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from geosal.core.raster import RasterLayout
from geosal.formats.digest import DIGEST, NO_DIGEST
from geosal.formats.format import Profile
from geosal.formats.gdal.sample import gdal_sample
from geosal.formats.jpeg.stream import segments

_OPTIONS = (("QUALITY", "75"), ("WORLDFILE", "NO"))
"""Options of the small file: without a world file GDAL writes the transform into ``.aux.xml``, with all its digits."""
_COMMENT = 0xFE
_APPLICATIONS = range(0xE0, 0xF0)


@dataclass(frozen=True)
class GdalSurroundings:
    """What GDAL puts around the pixels of a JPEG.

    Attributes
    ----------
    segments
        Application segments, such as JFIF and an ICC profile, and comments, as they stand in the file.
    xml
        The ``.aux.xml``, without the digest of the image; empty where there is none.
    """

    segments: bytes
    xml: bytes

    @classmethod
    def of(
        cls,
        path: Path,
        profile: Profile,
        layout: RasterLayout,
        tags: Mapping[str, str],
        band_statistics: Sequence[Mapping[str, str]] | None,
    ) -> "GdalSurroundings":
        """Read a small JPEG that GDAL writes with the metadata of the output.

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
        layout = _without_mask(layout)
        profile, tags = replace(profile, creation_options=_OPTIONS), {**tags, DIGEST: NO_DIGEST}
        of_bands = None if band_statistics is None else band_statistics[: layout.count]
        with gdal_sample(path, ".jpg", profile, layout, tags, of_bands) as sample:
            found = segments(sample.path.read_bytes())
            kept = b"".join(body for marker, body in found if marker in _APPLICATIONS or marker == _COMMENT)
            return cls(kept, sample.sidecar.read_bytes() if sample.sidecar.exists() else b"")


def _without_mask(layout: RasterLayout) -> RasterLayout:
    """Return the layout without its mask, and without alpha, which becomes the mask."""
    metadata = layout.metadata
    if layout.alpha is not None:
        bands = tuple(band for number, band in enumerate(metadata.bands) if number != layout.alpha)
        metadata = replace(metadata, bands=bands)
    return replace(layout, has_mask=False, metadata=metadata)
