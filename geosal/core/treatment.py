"""What saliency does to a scene: smooth its pixels, bound their errors, or choose the quality of its tiles.

A treatment is written ``smooth``, ``bound:error=32``, ``bound:error=0.5sigma``, ``quality:low=40,high=90`` or
``twopass:low=30,high=70``; several are combined. All of them depend on the ladder's levels: level 0 (saliency 1)
stays as it is or gets the best quality, the last level is changed most.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from geosal.errors import UsageError

KINDS = ("smooth", "bound", "quality", "twopass")
_KEYS = {"smooth": (), "bound": ("error", "finer"), "quality": ("low", "high"), "twopass": ("low", "high")}
_ERRORS = {"uint8": 4.0, "uint16": 32.0, "int16": 32.0, "uint32": 32.0, "int32": 32.0}
"""Default of the largest error by sample type; there is none for floats, whose units are unknown."""
_SIGMA = "sigma"
"""Unit of an error that depends on the noise."""
_GUARD = 1e-9
"""Added before rounding down, so that E * level / steps stays whole where it is."""
BEST = 100.0
"""Quality at which a codec is lossless, if it can be."""
_WORST = 1.0


@dataclass(frozen=True, slots=True)
class Bound:
    """The largest error.

    Attributes
    ----------
    error
        Largest error of the last level, in the units of the samples; None for a default by dtype.
    finer
        Share of the scene, spread evenly, where the largest error is one less: integers have whole ones, and between
        two of them may lie a fifth of the bytes. None for nowhere.
    sigmas
        The largest error in standard deviations of the scene's noise, until a job has learnt it and fills in `error`.
    """

    error: float | None = None
    finer: float | None = None
    sigmas: float | None = None

    def settled(self, dtype: str) -> Self:
        """Fill in the default of the largest error, and check that `dtype` can have it.

        Raises
        ------
        UsageError
            The samples are floats and no error is given, or the error is too small or too large for the dtype.
        """
        if self.sigmas is not None:
            raise UsageError(
                f"treatment bound:error={self.sigmas:g}{_SIGMA}: the noise is learnt from a scene that is compressed; "
                "say error= in units of the samples here"
            )
        error = _ERRORS.get(dtype) if self.error is None else self.error
        if error is None:
            raise UsageError(
                f"treatment bound: no largest error is usual for {dtype}; say one in units of its samples, such as "
                "bound:error=0.01"
            )
        if np.dtype(dtype).kind != "f":
            most = (int(np.iinfo(dtype).max) - int(np.iinfo(dtype).min)) // 2
            if not 1 <= error <= most:
                raise UsageError(f"treatment bound:error={error:g}: for {dtype} it is a number from 1 to {most}")
        elif self.finer is not None:
            raise UsageError(
                f"treatment bound:finer={self.finer:g}: {dtype} can have any error, not whole ones "
                "alone; leave out finer= and say error= itself"
            )
        return replace(self, error=error)

    def errors(self, steps: int, dtype: str) -> tuple[float, ...]:
        """Return the largest error of each level, ``error * level / steps``; whole numbers for integers.

        Raises
        ------
        UsageError
            As `settled`.
        """
        largest = self.settled(dtype).error or 0.0
        errors = [largest * level / steps for level in range(steps + 1)]
        if np.dtype(dtype).kind != "f":
            errors = [float(math.floor(error + _GUARD)) for error in errors]
        return tuple(errors)

    def fine_errors(self, steps: int, dtype: str) -> tuple[float, ...]:
        """Largest error of each level in the share of the scene that `finer` says; empty without one.

        Raises
        ------
        UsageError
            As `settled`.
        """
        largest = self.settled(dtype).error or 0.0
        if not self.finer:
            return ()
        if largest - 1 < 1:
            return (0.0,) * (steps + 1)
        return Bound(largest - 1).errors(steps, dtype)


@dataclass(frozen=True, slots=True)
class Quality:
    """Qualities of tiles, in the codec's own numbers; of JPEG 2000 the PSNR of a tile in dB.

    Attributes
    ----------
    low, high
        Qualities of a tile whose most salient pixel is of the last level, and of level 0; None for the codec's default.
    """

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class TwoPass:
    """Qualities of the first of two passes of JPEG; the second is that of the whole file.

    Attributes
    ----------
    low, high
        Qualities of pixels of the last level, and of level 0.
    """

    low: float = 30.0
    high: float = 70.0


_NAMES = {Bound: "bound", Quality: "quality", TwoPass: "twopass"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Treatment:
    """All that saliency does to one scene.

    Attributes
    ----------
    smooth
        Pixels are smoothed by the kernel of their level.
    then
        The second step. `Bound`: pixels are off by at most the error of their level. `Quality`: tiles are
        encoded at the quality of their least level; in a JPEG file, each of its smallest units. `TwoPass`: pixels are
        encoded as JPEG at the quality of their level, decoded, and encoded again. None: nothing.
    """

    smooth: bool = True
    then: Bound | Quality | TwoPass | None = None

    @classmethod
    def parse(cls, texts: Sequence[str]) -> Self:
        """Read treatments as they are written in a recipe.

        Raises
        ------
        UsageError
            There is no treatment, an unknown one or one that is given twice; a parameter is wrong; or two of `bound`,
            `quality` and `twopass` are given together.
        """
        given: dict[str, dict[str, float]] = {}
        for text in texts:
            name, parameters = _parse(text)
            if name in given:
                raise UsageError(f"treatment {name}: is given twice; write all its parameters in one")
            given[name] = parameters
        if not given:
            raise UsageError(f"no treatment: leave it out for smooth, or say one of {', '.join(KINDS)}")
        if "bound" in given and "quality" in given:
            raise UsageError(
                "treatments bound and quality: one needs a codec that keeps every sample, the other one that does not; "
                "choose one of them"
            )
        if "twopass" in given and (other := next((name for name in ("bound", "quality") if name in given), None)):
            raise UsageError(
                f"treatments {other} and twopass: each says what becomes of the pixels between the levels; choose one "
                "of them"
            )
        then: Bound | Quality | TwoPass | None = None
        if "bound" in given:
            then = _bound(**given["bound"])
        elif "quality" in given:
            then = Quality(*_qualities("quality", **given["quality"]))
        elif "twopass" in given:
            then = _twopass(**given["twopass"])
        return cls(smooth="smooth" in given, then=then)

    @property
    def name(self) -> str:
        """Name of the second step, or of the first where there is none."""
        return "smooth" if self.then is None else _NAMES[type(self.then)]

    @property
    def texts(self) -> tuple[str, ...]:
        """The same as `parse` reads it."""
        smooth = ("smooth",) if self.smooth else ()
        if self.then is None:
            return smooth
        name = _NAMES[type(self.then)]
        said = [(key, getattr(self.then, key)) for key in _KEYS[name]]
        words = [f"{key}={value!r}".removesuffix(".0") for key, value in said if value is not None]
        if isinstance(self.then, Bound) and self.then.sigmas is not None:
            words.insert(0, f"error={self.then.sigmas!r}".removesuffix(".0") + _SIGMA)
        listed = ",".join(words)
        return (*smooth, f"{name}:{listed}" if listed else name)

    def __str__(self) -> str:
        return " ".join(self.texts)


NOTHING = Treatment(smooth=False)
"""The treatment that leaves pixels as they are; nothing then depends on saliency."""
SMOOTH = Treatment()
"""The default treatment."""


def _parse(text: str) -> tuple[str, dict[str, float]]:
    name, _, rest = text.strip().partition(":")
    if name not in KINDS:
        raise UsageError(f"treatment {text!r}: unknown; it is {', '.join(KINDS)}, such as bound:error=32")
    parameters: dict[str, float] = {}
    for part in rest.split(",") if rest else ():
        key, equals, value = part.partition("=")
        twice = key in parameters or (key == "error" and "sigmas" in parameters)
        if key not in _KEYS[name] or not equals or twice:
            known = ", ".join(f"{known}=" for known in _KEYS[name])
            takes = f"it takes {known} once" if known else "it takes none"
            raise UsageError(f"treatment {text!r}: {part!r} is no parameter of {name}; {takes}")
        if key == "error" and value.endswith(_SIGMA):
            parameters["sigmas"] = _number(text, key, value.removesuffix(_SIGMA))
        else:
            parameters[key] = _number(text, key, value)
    return name, parameters


def _number(text: str, key: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise UsageError(f"treatment {text!r}: {key}={value} is no number above 0")
    return number


def _bound(error: float | None = None, finer: float | None = None, sigmas: float | None = None) -> Bound:
    if finer is not None and finer > 1:
        raise UsageError(f"treatment bound: finer={finer:g} is a share of the scene; say 1 at most")
    return Bound(error, finer, sigmas)


def _twopass(low: float | None = None, high: float | None = None) -> TwoPass:
    """Fill in the defaults, as far as the given values leave room for them."""
    _qualities("twopass", low, high)
    usual = TwoPass()
    best = max(usual.high, low or 0.0) if high is None else high
    return TwoPass(min(usual.low, best) if low is None else low, best)


def _qualities(kind: str, low: float | None = None, high: float | None = None) -> tuple[float | None, float | None]:
    for name, value in (("low", low), ("high", high)):
        if value is not None and value > BEST:
            raise UsageError(f"treatment {kind}: {name}={value:g}, the best there is is {BEST:g}; say less")
        if value is not None and value < _WORST:
            raise UsageError(f"treatment {kind}: {name}={value:g}, the worst there is is {_WORST:g}; say more")
    if low is not None and high is not None and low > high:
        raise UsageError(f"treatment {kind}: low={low:g} is above high={high:g}; exchange them")
    return low, high
