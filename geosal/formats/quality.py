"""Scales of quality, for codecs whose tiles can have qualities of their own, and what a JPEG makes of a quality."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from geosal.core.raster import RasterLayout
from geosal.core.treatment import BEST, Quality
from geosal.formats.options import CreationOption, number

_GAP = 12
"""Distance of `low` from `high`, in units of quality, where only `high` is known.

It was the largest at which the rest of a scene gained as well, or hardly lost, beside a plain JPEG of the same bytes,
by the coder of annex K's tables. A JPEG with a target of bytes finds its own (`geosal.job.search.balance`).
"""


FLAT, ANNEX_K = "FLAT", "ANNEXK"
"""Kinds of a JPEG's quantisation tables."""
TABLES = CreationOption(
    name="TABLES",
    text="Quantisation tables: flat ones, the best for imagery, or those of ITU-T T.81, annex K, as in libjpeg.",
    default=FLAT,
    words=frozenset({FLAT, ANNEX_K}),
)
"""The creation option that formats with JPEGs share."""


class Scale(ABC):
    """A codec's scale of quality."""

    @abstractmethod
    def settled(self, wish: Quality, options: Mapping[str, str], layout: RasterLayout) -> Quality:
        """Fill in what the user has left open.

        Parameters
        ----------
        wish
            The quality that the treatment asks for.
        options
            Creation options, final, by their names in capitals.
        layout
            Layout of the output.
        """

    @abstractmethod
    def best(self, layout: RasterLayout) -> float:
        """Return the quality from which a tile is as good as it can be."""

    def by_level(self, quality: Quality, steps: int, layout: RasterLayout) -> tuple[float, ...]:
        """Return the qualities of levels 0, 1 …, evenly from `high` down to `low`; `BEST` for the best possible.

        Parameters
        ----------
        quality
            Settled.
        steps
            Steps of the ladder.
        layout
            Layout of the output.
        """
        if quality.low is None or quality.high is None:
            raise ValueError("a quality that is not settled")
        best = self.best(layout)
        top = min(quality.high, best)
        found = [top - (top - min(quality.low, top)) * level / steps for level in range(steps + 1)]
        return tuple(BEST if each >= best else each for each in found)


BEST_QP, WORST_QP = 0, 51
"""Limits of HEVC's QP for samples of 8 bits: the less, the better."""
_QP_GAP = 12
"""Distance of `low` from `high` on HEVC's scale, where only `high` is known."""


class QpScale(Scale):
    """HEVC's scale, counted upwards as a treatment does: 52 less its QP, from 1 to 52."""

    top = WORST_QP + 1

    def settled(self, wish: Quality, options: Mapping[str, str], layout: RasterLayout) -> Quality:
        """Take the creation option QUALITY where `high` is left open, and a `low` that lies `_QP_GAP` below it."""
        del layout
        high = self.top - number(options["QUALITY"]) if wish.high is None else min(wish.high, self.top)
        return Quality(min(max(1.0, high - _QP_GAP) if wish.low is None else wish.low, high), high)

    def best(self, layout: RasterLayout) -> float:
        """See `Scale.best`."""
        del layout
        return float(self.top)

    @classmethod
    def qp(cls, quality: float) -> float:
        """Return the QP of a quality."""
        return max(float(BEST_QP), cls.top - quality)


class Percent(Scale):
    """The scale of JPEG and WebP, from 1 to 100."""

    def settled(self, wish: Quality, options: Mapping[str, str], layout: RasterLayout) -> Quality:
        """Take the creation option QUALITY where `high` is left open, and a `low` that lies `_GAP` below it."""
        del layout
        high = number(options["QUALITY"]) if wish.high is None else wish.high
        if wish.low is not None:
            return Quality(min(wish.low, high), high)
        return Quality(round(max(1.0, high - _GAP), 3), high)

    def best(self, layout: RasterLayout) -> float:
        """See `Scale.best`."""
        del layout
        return BEST
