"""The format PNG, with its place in ``.aux.xml`` and a world file beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Never, assert_never

from geosal.core.raster import RasterLayout
from geosal.core.treatment import Treatment
from geosal.errors import UsageError
from geosal.formats.codec import Codec
from geosal.formats.format import ByGdal, Profile
from geosal.formats.pictures import Picture
from geosal.formats.png.options import OPTIONS
from geosal.formats.world_file import NO_WORLD_FILE, wants_world_file, write_world_file

if TYPE_CHECKING:
    from geosal.formats.finished import Finished

MOST_PIXELS = 1_000_000
"""Limit of rows and columns in libpng, and so in GDAL and most other programs, unless they raise it."""
_FEW_BITS = (2, 4)
"""Bits of a sample below eight that a PNG can have; one bit is too few for a scene."""


class Png(Picture[Never]):
    """The format PNG: one stream of rows, in which the number of bands defines colours and alpha."""

    name, driver, reader = "PNG", "PNG", "PNG"
    suffixes = (".png",)
    media_type = "image/png"
    codecs = (
        Codec(
            name="png",
            options=(("ZLEVEL", "6"), ("WORLDFILE", "YES")),
            opens_in="every program for pictures; every GIS by the files beside it",
            dtypes=("uint8", "uint16"),
            counts=(1, 2, 3, 4),
        ),
    )
    options = OPTIONS
    made_at_end = True
    reads_by_line = True
    own_tags = frozenset({NO_WORLD_FILE})

    def refuse_layout(self, output: str, codec: Codec, layout: RasterLayout) -> None:
        """Refuse an image that most programs cannot read, and bands that they would read as alpha or as a colour."""
        rows, cols = layout.grid.shape
        if max(rows, cols) > MOST_PIXELS:
            raise UsageError(
                f"{output}: {cols} x {rows} px, and programs read PNGs up to {MOST_PIXELS} a side; write a .tif"
            )
        self.refuse_other_alpha(codec, layout)

    def options_for(self, layout: RasterLayout, given: Mapping[str, str]) -> dict[str, str]:
        """Keep the significant bits of grey samples if a PNG can have so few."""
        del given
        return {"NBITS": str(layout.nbits)} if layout.count == 1 and layout.nbits in _FEW_BITS else {}

    def gdal_options(self, profile: Profile) -> dict[str, str]:
        """Let GDAL write the transform into ``.aux.xml``, with all its digits; a world file comes with `place`."""
        return {**profile.options, "WORLDFILE": "NO"}

    def says_nodata(self, layout: RasterLayout) -> bool:
        """Return whether it has a single band: in three, a PNG means pixels that have the code in all of them."""
        return layout.count == 1

    def encoder(self, profile: Profile, layout: RasterLayout, treatment: Treatment, steps: int) -> ByGdal:
        """Return the reason why GDAL writes the file."""
        del profile, layout, treatment, steps
        return ByGdal("a PNG is one stream of rows")

    def container(
        self, path: Path, profile: Profile, layout: RasterLayout, encoder: Never, threads: int | None
    ) -> Never:
        """Never called, since there is no encoder."""
        del path, profile, layout, threads
        assert_never(encoder)

    def place(self, path: Path, profile: Profile, layout: RasterLayout) -> None:
        """Write the world file, under a name of its own: GDAL's, ``.wld``, may be that of another raster as well.

        Significant bits are only in the file itself.
        """
        if "NBITS" in profile.options:
            from geosal.formats.gdal.domains import without_bits

            without_bits(path)
        if wants_world_file(profile.options, layout.grid.transform):
            write_world_file(path, layout.grid.transform)

    @property
    def finished(self) -> "Finished":
        """Return the checks of a finished file, by its chunks, its sidecars and libpng."""
        from geosal.formats.png.check import FinishedPng  # writing a file does not need it

        return FinishedPng()
