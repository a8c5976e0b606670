"""Check that original and candidate can be compared, and read them side by side."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block, Grid
from geosal.core.ladder import Ladder
from geosal.core.provenance import read_ladder, read_recipe
from geosal.core.raster import RasterLayout, conversion
from geosal.core.raster import Samples as AllSamples
from geosal.errors import SaliencyError, SceneError, UsageError
from geosal.native import look_up
from geosal.scenes import AnyScene, Reading, open_input
from geosal.sizes import counted
from geosal.sources.base import AnySaliency
from geosal.verification import Asked, saliency_on
from geosal.verification.carried import grid_faults


def pair_with(
    source: AnyScene,
    candidate: str,
    reading: Reading,
    saliency: Asked = None,
    ladder: Ladder | None = None,
    **rules: Any,
) -> "Pair":
    """Open the candidate of an opened scene.

    Parameters
    ----------
    source
        The original, as it was read when the candidate was made.
    candidate
        Path.
    reading
        Its drivers and its limit of pixels hold for the candidate too.
    saliency, ladder
        They divide the scene into parts; see `geosal.compare`.
    **rules
        How several SOURCEs unite, as `geosal.sources.open_saliency`.

    Raises
    ------
    GeosalError
        See `geosal.compare`.
    """
    found = open_input(candidate, Reading(drivers=reading.drivers, max_pixels=reading.max_pixels))
    return Pair.of(source, found, saliency_on(source, saliency, reading.drivers, **rules), ladder)


class Samples(NamedTuple):
    """Samples of both scenes in the compared bands, (band, y, x); validity is None where all of them count."""

    original: NDArray[Any]
    candidate: NDArray[Any]
    original_valid: NDArray[np.bool_] | None
    candidate_valid: NDArray[np.bool_] | None

    @property
    def valid(self) -> NDArray[np.bool_] | None:
        """Return which samples count in both; None when all do."""
        if self.original_valid is None or self.candidate_valid is None:
            return self.candidate_valid if self.original_valid is None else self.original_valid
        return self.original_valid & self.candidate_valid

    @property
    def lost(self) -> int:
        """Return how many count in the original and not in the candidate."""
        return _left_out(self.candidate_valid, self.original_valid)

    @property
    def gained(self) -> int:
        """Return how many count in the candidate and not in the original."""
        return _left_out(self.original_valid, self.candidate_valid)

    def squared_error(self, band: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the squared difference of each pixel in a band, 0 where it counts in one alone, and where it counts.

        Both are (y, x).
        """
        error = self.original[band].astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            error -= self.candidate[band]
            error *= error
        both = np.ones(error.shape, np.bool_) if self.valid is None else self.valid[band]
        error[~both] = 0
        return error, both


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """Two scenes of one size, type and number of bands. It pickles, and any thread may read.

    Attributes
    ----------
    original, candidate
        The two scenes; their alpha bands are not compared, but define which pixels count.
    saliency
        Saliency on the original's grid; None compares the whole only.
    ladder
        Ladder from saliency to levels.
    """

    original: AnyScene
    candidate: AnyScene
    saliency: AnySaliency | None
    ladder: Ladder

    @classmethod
    def of(
        cls, original: AnyScene, candidate: AnyScene, saliency: AnySaliency | None = None, ladder: Ladder | None = None
    ) -> Self:
        """Check that two scenes can be compared.

        Parameters
        ----------
        original, candidate, saliency
            See the attributes.
        ladder
            By default the ladder in the candidate's provenance, or else geosal's own.

        Raises
        ------
        SceneError
            The scenes differ in size, type or number of bands.
        SaliencyError
            The georeferencing differs where both have one, or the saliency lies on another grid.
        """
        ours, theirs = candidate.layout, original.layout
        where = f"{candidate.path} against {original.path}"
        if ours.grid.shape != theirs.grid.shape:
            raise SceneError(
                f"{where}: {_size(ours.grid)}, not {_size(theirs.grid)}; compare rasters of one size: gdalwarp -ts "
                f"{theirs.grid.width} {theirs.grid.height} IN OUT"
            )
        has, wanted = len(colours(ours)), len(colours(theirs))
        if has != wanted:
            mend = (
                "name those of the original that the candidate holds: --bidx or --bands"
                if has < wanted
                else _less_of(ours.metadata.tags.get("", {}))
            )
            raise SceneError(f"{where}: {counted(has, 'band')} beside alpha, not {wanted}; {mend}")
        if ours.dtype != theirs.dtype:
            raise SceneError(
                f"{where}: {ours.dtype}, not {theirs.dtype}; read the original as the candidate was made (--to-byte), "
                f"or convert the candidate: {conversion(theirs.dtype)}"
            )
        if faults := list(grid_faults(_located(ours.grid, theirs.grid), theirs.grid)):
            raise SaliencyError(
                f"{where}: {'; '.join(faults)}; give the candidate the place of the original: gdal_edit.py "
                "-a_srs SRS -a_ullr LEFT TOP RIGHT BOTTOM CANDIDATE"
            )
        if saliency is not None and saliency.grid.shape != theirs.grid.shape:
            raise SaliencyError(
                f"{saliency.label}: made for {_size(saliency.grid)}, not {_size(theirs.grid)}; open it for the original"
            )
        ladder = ladder or read_ladder(ours.metadata.tags.get("", {})) or Ladder()
        return cls(original=original, candidate=candidate, saliency=saliency, ladder=ladder)

    @property
    def grid(self) -> Grid:
        """Grid of the original, which the candidate shares."""
        return self.original.grid

    @property
    def bands(self) -> tuple[str, ...]:
        """Return the names of the compared bands, "" where unknown."""
        described = self.original.layout.metadata.bands
        return tuple(described[band].description or described[band].role for band in colours(self.original.layout))

    @property
    def located(self) -> bool:
        """Return whether both scenes have a georeferencing, which then agrees."""
        return self.original.grid.georeferenced and self.candidate.grid.georeferenced

    @property
    def levels(self) -> int:
        """Return the number of levels."""
        return 1 if self.saliency is None else self.ladder.steps + 1

    def read(self, block: Block) -> Samples:
        """Read a block of both.

        Raises
        ------
        SceneError
            A scene cannot be decoded.
        """
        original, original_valid = in_colours(self.original.read(block), self.original.layout)
        candidate, candidate_valid = in_colours(self.candidate.read(block), self.candidate.layout)
        return Samples(original, candidate, original_valid, candidate_valid)

    def levels_of(self, block: Block) -> NDArray[np.uint8] | None:
        """Return the levels (y, x) of a block; None without a saliency."""
        if self.saliency is None:
            return None
        coded = self.saliency.read_coded(block)
        if coded is None:
            return self.ladder.levels(self.saliency.read(block))
        return look_up(coded.codes, self.ladder.levels(coded.table))[0]


def _left_out(by: NDArray[np.bool_] | None, of: NDArray[np.bool_] | None) -> int:
    """Count the samples that are valid by one mask and not by another."""
    if by is None:
        return 0
    return int(np.count_nonzero(~by if of is None else of & ~by))


def colours(layout: RasterLayout) -> list[int]:
    """Return the positions of the compared bands: all but alpha."""
    return [band for band in range(layout.count) if band != layout.alpha] or [0]


def in_colours(samples: AllSamples, layout: RasterLayout) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Return the samples of the compared bands, and which of them count, None when all do."""
    chosen = colours(layout)
    pixels, valid = samples.pixels, samples.valid
    if len(chosen) < len(pixels):
        pixels, valid = pixels[chosen], valid[chosen]
    return pixels, None if valid.all() else valid


def _located(found: Grid, source: Grid) -> Grid:
    """Return a grid with the place of another where one of the two has none."""
    unknown = found.transform.is_identity or source.transform.is_identity
    crs = source.crs if found.crs is None or source.crs is None else found.crs
    return replace(found, crs=crs, transform=source.transform if unknown else found.transform)


def _less_of(tags: Mapping[str, str]) -> str:
    """Return what to do about a candidate that has more bands than the original, by the tags of the candidate."""
    try:
        stack = (read_recipe(tags) or {}).get("stack", ())
    except UsageError:
        stack = ()
    if stack:
        named = " ".join(f"--stack {shlex.quote(name)}" for name in stack)
        return f"it was made with the bands of further files; name them: {named}"
    return "take those of the original out of the candidate first: gdal_translate -b NUMBER IN OUT"


def _size(grid: Grid) -> str:
    return f"{grid.width} x {grid.height} px"
