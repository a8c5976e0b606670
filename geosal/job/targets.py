"""Targets: bytes or a least quality that the user asks for, instead of a setting."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from geosal.core.option_values import parse_share
from geosal.errors import UsageError
from geosal.sizes import as_size

MEASURES = ("psnr", "ssim")
PARTS = ("whole", "salient", "background")
"""Parts of a scene whose quality can be asked for: all pixels that count, those of level 0, those of other levels."""
_HIGHEST_PSNR = 200.0
_RATES = ("bpp", "size", "ratio", "jpeg")
"""Keys that ask for a number of bytes."""
_BEST_JPEG = 100
_EXAMPLES = {"bpp": "0.5", "size": "5MB", "ratio": "20", "jpeg": "75", "psnr": "40", "ssim": "0.95"}
_UNITS = {"psnr": " dB", "ssim": ""}


@dataclass(frozen=True, slots=True)
class Floor:
    """A quality below which the result must not fall.

    Attributes
    ----------
    measure
        One of `MEASURES`; PSNR is in dB.
    part
        One of `PARTS`.
    least
        The lowest value.
    """

    measure: str
    part: str
    least: float

    @classmethod
    def parse(cls, measure: str, text: str) -> Self:
        """Read ``"40"``, ``"salient:45"`` and the like.

        Raises
        ------
        UsageError
            The text is no number, the number is out of range, or there is no such part.
        """
        part, colon, figure = text.rpartition(":")
        part = part.strip().lower() if colon else "whole"
        option = f"--min-{measure} {text}"
        if part not in PARTS:
            raise UsageError(f"{option}: no such part of the scene; say {', '.join(PARTS)}, as in salient:{figure}")
        highest = _HIGHEST_PSNR if measure == "psnr" else 1.0
        try:
            least = float(figure)
        except ValueError:
            least = math.nan
        if not 0 < least <= highest:
            raise UsageError(
                f"{option}: it must be a number above 0, at most {highest:g}{_UNITS[measure]}, such as "
                f"{_EXAMPLES[measure]}"
            )
        return cls(measure, part, least)

    def __str__(self) -> str:
        return f"--min-{self.measure} {self.part}:{self.least:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Bytes, or floors of quality, or neither.

    Attributes
    ----------
    bpp
        Bits per pixel: 8 * file bytes / (width * height), as the paper counts.
    size
        Bytes that the file may have at most; a text such as ``"50%"`` is a share of the input's, until a plan knows it.
    ratio
        Bytes of the uncompressed pixels of the output over bytes of the file.
    jpeg
        Bytes of a plain JPEG of this quality: the same scene, untreated, as libjpeg writes it.
    floors
        Floors of quality, all of which must hold.
    """

    bpp: float | None = None
    size: int | str | None = None
    ratio: float | None = None
    jpeg: float | None = None
    floors: tuple[Floor, ...] = ()

    def __post_init__(self) -> None:
        rates = [name for name in _RATES if getattr(self, name) is not None]
        if self.jpeg is not None and not _is_jpeg_quality(self.jpeg):
            raise UsageError(f"--target-jpeg {self.jpeg}: a quality of JPEG is a number from 1 to {_BEST_JPEG}")
        for name in rates:
            value = getattr(self, name)
            if name == "size" and isinstance(value, str) and parse_share("target_size", value) is not None:
                continue
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and 0 < value < math.inf):
                raise UsageError(f"--target-{name} {value}: it must be a number above 0, such as {_EXAMPLES[name]}")
        if len(rates) > 1:
            raise UsageError(f"--target-{rates[0]} and --target-{rates[1]}: one of them says how large; leave one out")
        if rates and self.floors:
            raise UsageError(f"--target-{rates[0]} and {self.floors[0]}: ask for bytes or for quality; leave one out")
        asked = [(floor.measure, floor.part) for floor in self.floors]
        for measure, part in asked:
            if asked.count((measure, part)) > 1:
                raise UsageError(f"--min-{measure} {part}: is asked for twice; leave one out")

    @classmethod
    def of(
        cls,
        *,
        bpp: float | None = None,
        size: int | str | None = None,
        ratio: float | None = None,
        jpeg: float | None = None,
        min_psnr: Sequence[str] = (),
        min_ssim: Sequence[str] = (),
    ) -> Self:
        """Make targets from the values of a recipe.

        Raises
        ------
        UsageError
            A value is wrong, or two contradict each other.
        """
        floors = [Floor.parse("psnr", text) for text in min_psnr] + [Floor.parse("ssim", text) for text in min_ssim]
        return cls(bpp=bpp, size=size, ratio=ratio, jpeg=jpeg, floors=tuple(floors))

    def __bool__(self) -> bool:
        return self.is_rate or bool(self.floors)

    @property
    def is_rate(self) -> bool:
        """Return whether bytes are asked for."""
        return any(getattr(self, name) is not None for name in _RATES)

    @property
    def is_limit(self) -> bool:
        """Return whether the bytes are a limit: fewer will do, not one more."""
        return self.size is not None

    def bytes_for(self, pixels: int, raw_bytes: int) -> int:
        """Return the bytes asked for; those of `jpeg` are known only from an encoder.

        Parameters
        ----------
        pixels
            Width times height.
        raw_bytes
            Bytes of all bands before any codec.

        Raises
        ------
        UsageError
            The target is less than a byte, or not one for bytes.
        """
        if isinstance(self.size, str):
            raise UsageError(f"--target-size {self.size}: nobody has told how many bytes the input has; write a size")
        if self.size is not None:
            wanted = float(self.size)
        elif self.bpp is not None:
            wanted = self.bpp * pixels / 8
        elif self.ratio is not None:
            wanted = raw_bytes / self.ratio
        else:
            raise UsageError("no --target-size, --target-bpp or --target-ratio is asked for")
        if wanted < 1:
            raise UsageError(f"{self}: that is less than a byte for {pixels} pixels; ask for more")
        return round(wanted)

    def __str__(self) -> str:
        given = {name: getattr(self, name) for name in _RATES}
        rates = [f"--target-{name} {_as_text(value)}" for name, value in given.items() if value is not None]
        return ", ".join([*rates, *map(str, self.floors)])


def _as_text(value: float | str) -> str:
    """A target as it may be asked for."""
    if isinstance(value, str):
        return value
    return as_size(value) if isinstance(value, int) else f"{value:.10g}"


def _is_jpeg_quality(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= _BEST_JPEG


def parse_ratio(text: str | float) -> float:
    """Read ``"20"``, ``"20:1"`` or a number.

    Raises
    ------
    UsageError
        The text is neither a number nor a ratio ``N:1``.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?::\s*1)?", str(text).strip(), re.ASCII)
    if match is None:
        raise UsageError(f"--target-ratio {text}: it is no ratio; write it like 20 or 20:1")
    return float(match[1])
