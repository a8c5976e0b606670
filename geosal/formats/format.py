"""The interface of a format: one object that knows everything particular to it.

To add a format, write a folder beside this file with a class like this in its `format.py`, and one line in
`geosal.formats.table`. Every command reads the table, so a `format.py` imports what makes a file, and what looks at it,
where it is needed.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from geosal.core.raster import RasterLayout
from geosal.core.treatment import Treatment
from geosal.formats.codec import Codec
from geosal.formats.options import CreationOption

if TYPE_CHECKING:
    from geosal.formats.container import Container
    from geosal.formats.finished import Finished
    from geosal.formats.gdal.domains import Item
    from geosal.formats.pyramid import TileEncoder


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A format and its codec, with all options.

    Attributes
    ----------
    format, codec
        Format and codec of the output.
    lossless
        Whether every sample comes back as it was written.
    creation_options
        GDAL's names and values, final.
    """

    format: "Format[Any]"
    codec: Codec
    lossless: bool
    creation_options: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        """The word for ``--profile``."""
        return self.codec.name

    @property
    def driver(self) -> str:
        """GDAL's short name of the driver that writes such files."""
        return self.format.driver

    @property
    def options(self) -> dict[str, str]:
        """The creation options by their names in capitals."""
        return {name.upper(): value for name, value in self.creation_options}

    def needs_mask(self, layout: RasterLayout) -> bool:
        """Return whether validity must travel as a mask: a lossy codec blurs the nodata code itself."""
        has_code = layout.nodata is not None and not math.isnan(layout.nodata)
        return not self.lossless and has_code


@dataclass(frozen=True)
class ByGdal:
    """Stands in for an encoder where GDAL, or another program, has to write the file from a stage.

    Attributes
    ----------
    because
        The reason, as a sentence without a full stop.
    program
        The program that writes it in GDAL's stead, from the same stage; see `Format.encode_stage`.
    """

    because: str
    program: str = "GDAL"
    overviews: ClassVar[bool] = False
    """GDAL makes the overviews itself, not from our tiles."""


Encoder = TypeVar("Encoder", bound="TileEncoder")


class Format(ABC, Generic[Encoder]):
    """One format.

    Attributes
    ----------
    name
        What we call it.
    driver, reader
        GDAL's short names of the drivers that write and read it.
    copied_as
        GDAL's short name of the driver that reads a copy of its files, where GDAL knows the format itself not.
    suffixes
        Suffixes of its files, in small letters, the usual one first.
    media_type
        What a catalogue calls its files.
    codecs
        Ways to code pixels, the usual one first.
    options
        Creation options that the user may set.
    codec_options
        Names of the options that only some of its codecs have.
    tile_sides
        Creation options for the size of tiles.
    has_spool
        Whether tiles wait beside the output until all are there.
    made_at_end
        Whether most of the work on the file is done when all tiles are there.
    is_jpeg
        Whether a file can have the size of a plain JPEG of some quality, as it has by default.
    is_store
        Whether it is a directory.
    bands_take_memory
        Whether its encoder takes memory for each band of a tile, however many there are.
    reads_by_line
        Whether GDAL's writer takes an image line by line.
    kept_by_gdal
        Domains of metadata that GDAL's writer keeps.
    dropped_ends
        Ends of values of the raster's tags in these domains that it drops all the same.
    has_world_file
        Whether the transform lies in a world file as well, as text.
    own_tags
        Tags that describe one file, and are not true of files made from it.
    otherwise_of_dtype
        Advice where no codec of the format holds samples of a type.
    """

    name: ClassVar[str]
    driver: ClassVar[str]
    reader: ClassVar[str]
    copied_as: ClassVar[str] = ""
    suffixes: ClassVar[tuple[str, ...]]
    media_type: ClassVar[str] = "application/octet-stream"
    codecs: ClassVar[tuple[Codec, ...]]
    options: ClassVar[tuple[CreationOption, ...]]
    codec_options: ClassVar[frozenset[str]] = frozenset()
    tile_sides: ClassVar[tuple[str, ...]] = ()
    has_spool: ClassVar[bool] = False
    made_at_end: ClassVar[bool] = False
    is_jpeg: ClassVar[bool] = False
    is_store: ClassVar[bool] = False
    bands_take_memory: ClassVar[bool] = False
    reads_by_line: ClassVar[bool] = False
    kept_by_gdal: ClassVar[frozenset[str]] = frozenset({""})
    dropped_ends: ClassVar[tuple[str, ...]] = ()
    has_world_file: ClassVar[bool] = False
    own_tags: ClassVar[frozenset[str]] = frozenset()
    otherwise_of_dtype: ClassVar[str] = "write a .tif, or convert the scene first"

    @property
    def usual(self) -> Codec:
        """The codec of files for which the user names none."""
        return self.codecs[0]

    @property
    def otherwise(self) -> str:
        """Advice where a codec cannot hold an image."""
        return f"use --profile {self.usual.name}"

    def refuse_layout(self, output: str, codec: Codec, layout: RasterLayout) -> None:
        """Refuse an image that such a file cannot hold, whatever the options.

        Raises
        ------
        UsageError
            The message says what the file cannot hold, and what to do instead.
        """

    def treated_options(
        self, treatment: Treatment, codec: Codec, given: Mapping[str, str], layout: RasterLayout
    ) -> dict[str, str]:
        """Return the creation options that a treatment needs; the user's own override them.

        Parameters
        ----------
        treatment
            The wish.
        codec
            Codec of the output.
        given
            The user's creation options, with names in capitals.
        layout
            Layout of the output.

        Raises
        ------
        UsageError
            The treatment and the user's options say different things, or the samples cannot have the error.
        """
        del treatment, codec, given, layout
        return {}

    def united(self, given: Mapping[str, str]) -> dict[str, str]:
        """Merge options that mean the same; names in capitals."""
        return dict(given)

    def options_for(self, layout: RasterLayout, given: Mapping[str, str]) -> dict[str, str]:
        """Return creation options that depend on the image; those of the user, `given`, override them."""
        del layout, given
        return {}

    def has_option(self, codec: Codec, option: str) -> bool:
        """Return whether a creation option of the format, named in capitals, has an effect for one of its codecs."""
        del codec, option
        return True

    def check_option(self, option: str, value: str, codec: Codec, given: Mapping[str, str]) -> None:
        """Refuse one of the user's options that the format has and the codec does not.

        Parameters
        ----------
        option, value
            The name in capitals, and the value as given.
        codec
            Codec of the output.
        given
            All options of the user, with names in capitals.

        Raises
        ------
        UsageError
            The option has no effect, or contradicts the codec.
        """

    def check_options(self, codec: Codec, options: Mapping[str, str], layout: RasterLayout) -> None:
        """Refuse options that suit the codec but not the image.

        Raises
        ------
        UsageError
            The message says why.
        """

    def is_lossless(self, codec: Codec, options: Mapping[str, str]) -> bool:
        """Return whether every sample comes back as it was written."""
        del options
        return codec.lossless

    def refuse_treatment(self, treatment: Treatment, codec: Codec, layout: RasterLayout) -> None:
        """Refuse a settled treatment that the codec cannot have with this image.

        Raises
        ------
        UsageError
            The message says why.
        """

    def warn_of(self, output: str, codec: Codec, layout: RasterLayout) -> None:
        """Warn of what readers of such a file will misread."""

    @abstractmethod
    def encoder(self, profile: Profile, layout: RasterLayout, treatment: Treatment, steps: int) -> Encoder | ByGdal:
        """Make the encoder of the tiles, or return the reason why GDAL has to write the file.

        Parameters
        ----------
        profile
            A profile of this format.
        layout
            Layout of the output.
        treatment
            The treatment, with nothing left open.
        steps
            Steps of the ladder, where the treatment depends on levels.

        Raises
        ------
        UsageError, OutputError
            The format cannot hold such a file.
        """

    @abstractmethod
    def container(
        self, path: Path, profile: Profile, layout: RasterLayout, encoder: Encoder, threads: int | None
    ) -> "Container":
        """Make the file that takes the tiles.

        Parameters
        ----------
        path
            See `Container`.
        profile, layout
            See `encoder`.
        encoder
            The result of `encoder`. Where GDAL writes all files of a format its type is `Never`: there is none.
        threads
            Number of threads that may work at its end.
        """

    def more_tags(self, profile: Profile, layout: RasterLayout) -> dict[str, str]:
        """Make tags of the default domain about how a file was written, some of `own_tags`."""
        del profile, layout
        return {}

    @property
    def finished(self) -> "Finished":
        """Return the checks of a finished file."""
        from geosal.formats.finished import Finished

        return Finished()

    def encode_stage(
        self, stage: Path, output: Path, profile: Profile, layout: RasterLayout, threads: int | None
    ) -> None:
        """Make the file from a finished stage where `encoder` has returned `ByGdal`.

        Parameters
        ----------
        stage, output, profile, layout, threads
            See `geosal.formats.gdal.convert.convert`.

        Raises
        ------
        OutputError
            The file cannot be encoded or written.
        """
        from geosal.formats.gdal.convert import convert  # slow to import, and rarely needed

        convert(stage, output, profile, layout, threads)

    def room_for(self, items: "tuple[Item, ...]") -> str:
        """Make the value of a tag that keeps room in a file for what GDAL drops; empty where a sidecar takes it."""
        del items
        return ""

    def put_back(self, path: Path, items: "tuple[Item, ...]") -> None:
        """Put items that GDAL has dropped into a file that it has just written, or beside it."""
        from geosal.formats.gdal.domains import restore_in_sidecar

        restore_in_sidecar(path, items)

    def gdal_options(self, profile: Profile) -> dict[str, str]:
        """Return the creation options for GDAL's writer; by default those of the profile."""
        return dict(profile.creation_options)

    def says_nodata(self, layout: RasterLayout) -> bool:
        """Return whether a nodata code that GDAL writes into a file means the same there; else a sidecar holds it."""
        del layout
        return True

    def place(self, path: Path, profile: Profile, layout: RasterLayout) -> None:
        """Write the place into the sidecar of a file that GDAL has just written, where GDAL could not."""

    def fault_of_copy(self, path: Path) -> str | None:
        """Return what is wrong with a file that GDAL has just written and cut short: GDAL may ignore a full disk."""
        from geosal.formats.gdal.completeness import fault_of_tiles

        return fault_of_tiles(path)

    def bytes_of(self, tiles: Sequence[tuple[bytes, ...]]) -> int:
        """Return the bytes that tiles take in a file together, with their entries in its index."""
        return sum(map(self.bytes_of_tile, tiles))

    def bytes_of_tile(self, parts: tuple[bytes, ...]) -> int:
        """Return the bytes that a tile takes in a file, with its entry in the index."""
        return sum(map(len, parts))

    def first_pass(self, encoder: Encoder, pixels: NDArray[Any], levels: NDArray[np.uint8] | None) -> None:
        """Apply to pixels of a tile, in place, what an encoder with two passes does to them in the first."""

    def second_pass(self, encoder: Encoder) -> Encoder:
        """Return the encoder of pixels that are through the first pass."""
        return encoder

    def with_finer_tiles(self, encoder: Encoder, share: float) -> Encoder:
        """Return an encoder that gives a share of its tiles an error that is less by one."""
        del share
        return encoder

    def plain(self, encoder: Encoder, quality: float) -> Encoder | None:
        """Return the encoder of a plain JPEG of a quality, as libjpeg makes it; None where tiles are not JPEGs."""
        del encoder, quality
        return None

    def counting(self, encoder: Encoder, quality: float) -> Encoder:
        """Return an encoder that counts the bytes of the plain JPEG of a quality beside its own, where it can."""
        del quality
        return encoder

    def shown(self, path: Path) -> NDArray[Any] | None:
        """Decode a small file as most programs show it, (band, y, x); None where all decode it alike."""
        del path
        return None

    def quality_of(self, encoder: Encoder) -> float | None:
        """Return the quality of the tables that all tiles share; None where there are none."""
        del encoder
        return None

    def bytes_at_end(self, encoder: Encoder, width: int) -> int:
        """Return the memory to complete a file of that width, when no block is worked on."""
        del encoder, width
        return 0
