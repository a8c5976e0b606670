"""The format BPG, with its place in ``.aux.xml`` and a world file beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from geosal.core.bpg import head
from geosal.core.bpg.head import ALPHA, MASK
from geosal.core.raster import RasterLayout
from geosal.core.treatment import Quality, Treatment
from geosal.errors import UsageError
from geosal.formats.bpg.options import BPGENC, ENCODER, OPTIONS, PRESET, QUALITY
from geosal.formats.codec import Codec
from geosal.formats.digest import DIGEST, NO_DIGEST
from geosal.formats.format import ByGdal, Profile
from geosal.formats.options import number
from geosal.formats.pictures import Picture
from geosal.formats.quality import QpScale
from geosal.formats.treatments import settings_by_level
from geosal.formats.world_file import NO_WORLD_FILE

if TYPE_CHECKING:
    from geosal.formats.bpg.tiles import BpgEncoder
    from geosal.formats.container import Container
    from geosal.formats.finished import Finished

_TILE, _LARGEST_TILE = 1024, 2048
"""Rows and columns of a tile, least and most; edges of the first take 0.7 % of the bytes at half a bit a pixel."""
_BLOCK = 64
"""Rows and columns of a coding tree block."""
_LEAST_WIDTH = 256
"""Least width of a column of tiles (H.265, A.4.2); a row of them needs 64."""
_LEAST = 9
"""Least rows and columns that x265 takes."""
_OPENS_IN = "bpgdec, bpgview, programs with libbpg; geosal; no GIS"


class Bpg(Picture["BpgEncoder"]):
    """The format BPG: HEVC by x265, in tiles that stand alone."""

    name, driver, reader = "BPG", "BPG", "BPG"
    copied_as = "GTiff"
    suffixes = (".bpg",)
    media_type = "image/bpg"
    codecs = (
        Codec(
            name="bpg",
            options=(
                ("QUALITY", QUALITY.default), ("SUBSAMPLING", "420"), ("PRESET", PRESET.default), ("WORLDFILE", "YES"),
            ),
            opens_in=_OPENS_IN,
            lossless=False,
            dtypes=("uint8",),
            counts=(1, 2, 3, 4),
            scale=QpScale(),
        ),
        Codec(
            name="bpg-lossless",
            options=(("PRESET", PRESET.default), ("WORLDFILE", "YES")),
            opens_in=_OPENS_IN,
            dtypes=("uint8",),
            counts=(1, 2, 3, 4),
        ),
    )  # fmt: skip
    options = OPTIONS
    codec_options = frozenset({"QUALITY", "SUBSAMPLING"})
    has_spool = True
    reads_by_line = True
    own_tags = frozenset({ALPHA, DIGEST, NO_WORLD_FILE})

    def refuse_layout(self, output: str, codec: Codec, layout: RasterLayout) -> None:
        """Refuse an image that decoders cannot read, and bands that they would read as alpha or as a colour."""
        rows, cols = layout.grid.shape
        if min(rows, cols) < _LEAST:
            raise UsageError(
                f"{output}: {cols} x {rows} px, and x265 takes {_LEAST} rows and columns or more; write a .tif"
            )
        if head.too_large(rows, cols):
            raise UsageError(
                f"{output}: {cols} x {rows} px, and programs read BPGs up to {head.MOST_PIXELS // 10**6} Mpx; write a "
                ".tif, or cut the scene: gdal_translate -srcwin"
            )
        self.refuse_other_alpha(codec, layout)

    def has_option(self, codec: Codec, option: str) -> bool:
        """Return whether a codec loses samples, where the option says how many."""
        return option not in self.codec_options or not codec.lossless

    def check_option(self, option: str, value: str, codec: Codec, given: Mapping[str, str]) -> None:
        """Refuse a quality of what is without loss."""
        del given
        if not self.has_option(codec, option):
            raise UsageError(f"--co {option}={value}: profile {codec.name} keeps every sample; use --profile bpg")

    def encoder(
        self, profile: Profile, layout: RasterLayout, treatment: Treatment, steps: int
    ) -> "BpgEncoder | ByGdal":
        """Make the encoder of the tiles; where bpgenc is asked for, return why it needs a stage."""
        from geosal.core.bpg.library import pyav
        from geosal.formats.bpg.tiles import BpgEncoder  # a job needs that of one format

        pyav()  # who lacks it is told before any work
        if _by_bpgenc(profile):
            from geosal.formats.bpg.external import refuse  # a job needs one encoder

            refuse(profile, layout, treatment)
            return ByGdal("it codes a whole picture, from a PNG", BPGENC)
        options, lossless = profile.options, profile.codec.lossless
        by_level = tuple(map(QpScale.qp, settings_by_level(treatment, profile.codec, steps, layout)))
        by_quality = isinstance(treatment.then, Quality)
        qp = by_level[0] if by_quality and by_level else number(options.get("QUALITY", "0"))
        return BpgEncoder(
            tile=tile_side(layout.grid.shape),
            bands=layout.count - (layout.alpha is not None),
            alpha=layout.alpha is not None or layout.has_mask,
            qp=None if lossless else qp,
            subsampling=options.get("SUBSAMPLING", "444"),
            preset=options["PRESET"].lower(),
            by_level=by_level,
        )

    def container(
        self, path: Path, profile: Profile, layout: RasterLayout, encoder: "BpgEncoder", threads: int | None
    ) -> "Container":
        """Make the file that takes the tiles."""
        del threads
        from geosal.formats.bpg.container import BpgContainer  # a job needs that of one format

        return BpgContainer(path, profile, layout, encoder)

    def encode_stage(
        self, stage: Path, output: Path, profile: Profile, layout: RasterLayout, threads: int | None
    ) -> None:
        """Make the file by bpgenc."""
        from geosal.formats.bpg.external import encode  # a job needs one encoder

        encode(stage, output, profile, layout, threads)

    def more_tags(self, profile: Profile, layout: RasterLayout) -> dict[str, str]:
        """Make the tags for the digest, of a file whose alpha plane is a mask, and of one that has no world file."""
        tags = super().more_tags(profile, layout) | {DIGEST: NO_DIGEST}
        return tags | {ALPHA: MASK} if layout.has_mask and layout.alpha is None else tags

    def bytes_of_tile(self, parts: tuple[bytes, ...]) -> int:
        """Return the bytes of its slices: the parameter sets are those of all tiles."""
        return sum(len(part) for part in parts[2::3])

    @property
    def finished(self) -> "Finished":
        """Return the checks of a finished file, by its units, its digest and its sidecars."""
        from geosal.formats.bpg.check import FinishedBpg  # writing a file does not need it

        return FinishedBpg()


def _by_bpgenc(profile: Profile) -> bool:
    return profile.options.get(ENCODER.name, ENCODER.default).lower() == BPGENC


def tile_side(shape: tuple[int, int]) -> int:
    """Choose the rows and columns of tiles: no column is too narrow for HEVC, and no row lower than a block."""
    whole = -(-max(shape) // _BLOCK) * _BLOCK
    if whole <= _TILE:
        return whole

    def narrowest(side: int) -> int:
        rows, cols = (side if length <= side else length % side or side for length in shape)
        return 0 if rows < min(_BLOCK, shape[0]) else min(cols, _LEAST_WIDTH, shape[1])

    return max(range(_TILE, _LARGEST_TILE + 1, _BLOCK), key=narrowest)
