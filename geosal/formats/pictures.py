"""The common base of the formats whose files every program shows: JPEG, PNG and BPG."""

from typing import ClassVar

from rasterio.enums import ColorInterp

from geosal.core.raster import RasterLayout
from geosal.errors import UsageError, warn
from geosal.formats.codec import Codec
from geosal.formats.format import Encoder, Format, Profile
from geosal.formats.world_file import tags_without

_SHOWN = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
"""Colours that readers assume for three bands."""
_WITH_ALPHA = (2, 4)
"""Numbers of bands of which the last is alpha."""


class Picture(Format[Encoder]):
    """A format with one codec, a world file, and bands whose colours follow from their order."""

    has_world_file: ClassVar[bool] = True
    otherwise_of_dtype: ClassVar[str] = "write a .tif, or bring it to 8 bits: --to-byte percentile:2-98"

    @property
    def otherwise(self) -> str:
        """Advice: another format, since this one has no other codec."""
        return "write a .tif"

    def refuse_other_alpha(self, codec: Codec, layout: RasterLayout) -> None:
        """Refuse bands that readers would take for alpha or for a colour, where two or four bands end in alpha.

        Raises
        ------
        UsageError
            The message says which band it is.
        """
        alphas = [n for n, band in enumerate(layout.metadata.bands, 1) if band.colorinterp == ColorInterp.alpha]
        if layout.count in _WITH_ALPHA and alphas != [layout.count]:
            raise UsageError(
                f"profile {codec.name}: the last of {layout.count} bands must be alpha, and no other one; choose "
                f"{layout.count - 1} with --bidx, or {self.otherwise}"
            )
        if layout.count not in _WITH_ALPHA and alphas:
            raise UsageError(
                f"profile {codec.name}: of {layout.count} bands none can be alpha, and band {alphas[0]} is; choose "
                f"bands with --bidx, or {self.otherwise}"
            )

    def warn_of(self, output: str, codec: Codec, layout: RasterLayout) -> None:
        """Warn where readers will show blue as red: the file cannot say which band is which colour."""
        del codec
        colours = [band.colorinterp for band in layout.metadata.bands if band.colorinterp != ColorInterp.alpha]
        if colours != _SHOWN and sorted(colours) == sorted(_SHOWN):
            warn(
                f"{output}: its bands are {', '.join(colour.name for colour in colours)}, and a {self.name} shows the "
                "first as red and the last as blue; choose them in the order red, green, blue (--bidx), or write a .tif"
            )

    def more_tags(self, profile: Profile, layout: RasterLayout) -> dict[str, str]:
        """Make the tag of a file that has no world file."""
        return tags_without(profile.options, layout.grid.transform)
