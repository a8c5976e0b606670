"""The result of a comparison: rows of figures, and the forms in which they are handed out."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from geosal.comparison.pair import Pair
from geosal.core.gdal_env import is_local
from geosal.core.tables import Picture, Table, Tabled
from geosal.metrics import Scores
from geosal.scenes.glance import is_too_dear

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

ALL = 0
"""Number of a row that is over all bands."""
WHOLE, SALIENT, BACKGROUND = "whole", "salient", "background"
_FIGURES = tuple(field.name for field in fields(Scores))
_SHOWN = ("psnr", "ssim", "ms_ssim", "rmse", "mae", "max_error")
"""Figures that a notebook shows."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """Figures of one part of the scene in one band, or in all.

    Attributes
    ----------
    part
        ``whole``, ``salient`` (level 0), ``background`` (all others), or ``level 3``.
    level
        Level of a part that is one level; None otherwise.
    band, name
        Number from 1, 0 over all bands; and its name, "" where that is unknown.
    share
        Share of the samples that were compared in this band.
    scores
        The figures.
    """

    part: str
    level: int | None
    band: int
    name: str
    share: float
    scores: Scores

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; unknown figures are None."""
        own = {"part": self.part, "level": self.level, "band": self.band, "name": self.name, "share": self.share}
        figures = {name: _known(value) for name, value in asdict(self.scores).items()}
        return own | figures


@dataclass(frozen=True, kw_only=True, repr=False)
class Comparison(Tabled):
    """Figures on the quality and the size of a candidate.

    Attributes
    ----------
    original, candidate
        Paths of the two scenes.
    data_range, data_range_from
        Width of the range of values on which PSNR and SSIM are based, and where it comes from.
    saliency, steps
        Origin of the levels; None where only the whole was compared.
    made_with
        The saliency that the candidate's provenance names; None when it names none.
    georeferenced
        Whether both have a georeferencing; it agrees then.
    original_bytes
        Size of the original's file; None where it holds more than was compared, or is remote.
    raw_bytes
        Bytes of the samples that were compared, as they lie in memory.
    candidate_bytes, bits_per_pixel
        Size of the candidate's file, and ``8 * bytes / (width * height)``; None when it is remote.
    reduction, reduction_of_raw
        Reduction in percent, from `original_bytes` and `raw_bytes`.
    lost, gained
        Samples that count in the original alone, or in the candidate alone. They are left out of all figures.
    rows
        Rows for the whole, the salient part, the background and each level; each over all bands, then band by band.
    seconds
        Wall-clock time.
    as_the_file_says
        Options that nobody gave and that were taken from the candidate's own recipe, by name.
    pair
        What was compared, to look at it once more; None where a lazy array was.
    """

    original: str
    candidate: str
    width: int
    height: int
    count: int
    dtype: str
    data_range: float
    data_range_from: str
    saliency: str | None
    steps: int | None
    made_with: str | None
    georeferenced: bool
    original_bytes: int | None
    raw_bytes: int
    candidate_bytes: int | None
    bits_per_pixel: float | None
    reduction: float | None
    reduction_of_raw: float | None
    lost: int
    gained: int
    rows: tuple[Row, ...]
    error_map: str | None
    seconds: float
    as_the_file_says: Mapping[str, Any] = field(default_factory=dict, hash=False)
    pair: Pair | None = field(default=None, compare=False)

    def scores(self, part: str = WHOLE, band: int = ALL) -> Scores:
        """Return the figures of a part, in a band from 1 or over all.

        Raises
        ------
        KeyError
            The comparison has no such part or band.
        """
        for row in self.rows:
            if (row.part, row.band) == (part, band):
                return row.scores
        raise KeyError(f"no part {part!r} in band {band}; there are {', '.join(self.parts)}, bands 0 to {self.count}")

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the names of the parts that were compared."""
        return tuple(dict.fromkeys(row.part for row in self.rows))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; infinite figures stay infinite."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "pair"}
        return own | {"rows": [row.to_dict() for row in self.rows], "as_the_file_says": dict(self.as_the_file_says)}

    def _table(self) -> Table:
        """Return the figures of the parts over all bands, one a row."""
        size = "" if self.bits_per_pixel is None else f", {self.bits_per_pixel:.3f} bits per pixel"
        of_all = (row for row in self.rows if row.band == ALL)
        rows = [(row.part, f"{row.share:.1%}", *(_figure(row, name) for name in _SHOWN)) for row in of_all]
        title = f"{self.candidate} against {self.original}{size}"
        return Table(title, ("part", "share", *_SHOWN), rows, self.as_the_file_says)

    def _pictures(self) -> Sequence[Picture]:
        """Return original and candidate side by side, at real pixels, where they are files of this machine."""
        paths = () if self.pair is None else (self.pair.original.path, self.pair.candidate.path)
        if self.pair is None or not all(map(is_local, paths)):
            return ()
        if any(is_too_dear(path, self.width * self.height) for path in paths):
            return ()
        from geosal.comparison.look import look_at  # noqa: PLC0415  who looks at no picture needs none

        look = look_at(self.pair, side=256, part=128)
        return Picture("original", look.original), Picture("candidate", look.candidate)

    def plot(self, figure: Any = None) -> "dict[str, Axes]":
        """Draw the figures of each part, and what was lost, with matplotlib.

        Little is read for it: overviews, or a scene of at most 4 million pixels, and one part at real pixels, where
        most was lost near what matters as far as those tell.

        Parameters
        ----------
        figure
            A figure of matplotlib, or a part of one, to draw in; by default a new one.

        Returns
        -------
        dict of matplotlib.axes.Axes
            ``psnr`` and ``max_error`` of each part; and ``scene``, ``original``, ``candidate`` and ``error``, unless a
            lazy array was compared.

        Raises
        ------
        UsageError
            matplotlib is not installed.
        SceneError
            A file is not there any more.

        Examples
        --------
        >>> smaller = geosal.compress("scene.tif", "smaller.tif", saliency="mask.tif")
        >>> axes = geosal.compare("scene.tif", smaller.output, "mask.tif").plot()
        >>> axes["psnr"].get_title()
        'PSNR (dB)'
        """
        from geosal.comparison.plot import plot  # noqa: PLC0415  an extra

        return plot(self, figure)

    def to_frame(self) -> Any:
        """Return all figures as a pandas.DataFrame, a row for each part and band; band 0 is over all bands.

        Examples
        --------
        >>> smaller = geosal.compress("scene.tif", "smaller.tif", saliency="mask.tif", overwrite=True)
        >>> frame = geosal.compare("scene.tif", smaller.output, "mask.tif").to_frame()
        >>> int(frame.loc[("salient", 0), "max_error"])
        0
        """
        return self.to_dataset().to_dataframe()

    def table(self) -> tuple[Sequence[str], list[Mapping[str, Any]]]:
        """Return the columns and rows of a CSV file; each row names the compared files."""
        about = {
            "original": self.original,
            "candidate": self.candidate,
            "bits_per_pixel": self.bits_per_pixel,
            "reduction": self.reduction,
            "data_range": self.data_range,
        }
        rows: list[Mapping[str, Any]] = [about | row.to_dict() for row in self.rows]
        return tuple(rows[0]), rows

    def to_dataset(self) -> "xr.Dataset":
        """Return all figures as an xarray Dataset with the dimensions (part, band); band 0 is over all bands."""
        import numpy as np  # noqa: PLC0415  with xarray
        import xarray as xr  # noqa: PLC0415  slow

        bands = list(range(self.count + 1))
        shape = (len(self.parts), len(bands))
        names = ("share", *_FIGURES)
        values = {name: np.reshape([_figure(row, name) for row in self.rows], shape) for name in names}
        labels = {row.band: row.name for row in self.rows}
        coords = {
            "part": list(self.parts),
            "band": bands,
            "name": ("band", [labels[band] for band in bands]),
        }
        about = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in {"rows", "pair"}}
        about["as_the_file_says"] = json.dumps(dict(self.as_the_file_says)) if self.as_the_file_says else None
        attrs = {name: int(value) if isinstance(value, bool) else value for name, value in about.items()}
        return xr.Dataset(
            {name: (("part", "band"), array) for name, array in values.items()},
            coords=coords,
            attrs={name: value for name, value in attrs.items() if value is not None},
        )


def _figure(row: Row, name: str) -> float:
    return row.share if name == "share" else getattr(row.scores, name)


def _known(value: float) -> float | None:
    return None if isinstance(value, float) and math.isnan(value) else value
