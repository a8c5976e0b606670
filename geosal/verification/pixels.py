"""Check the samples of an output that must be the source's own, bit for bit."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.core.ladder import Ladder
from geosal.core.raster import any_colour
from geosal.scenes import AnyScene
from geosal.sizes import as_number, counted
from geosal.smoothing.block import SampleRules, smooth_block
from geosal.sources import Saliency
from geosal.verification.check import Check

_BLOCK = 1024
_CHANGED = "changed between valid and invalid"


def check_pixels(found: AnyScene, source: AnyScene, saliency: Saliency | None, ladder: Ladder) -> tuple[Check, ...]:
    """Compare the pixels of an output in a lossless codec with those of its source.

    Parameters
    ----------
    found, source
        Two rasters of the same grid, bands and dtype.
    saliency, ladder
        Saliency and ladder of the job: pixels of level 0 must be untouched. Without a saliency, only invalid samples
        are compared.

    Returns
    -------
    tuple of Check
        Two checks: ``invalid``, that these samples and no others are invalid; ``salient``, that pixels are unchanged.
    """
    invalid, validity, salient = _Differences(), _Differences(), _Differences()
    kept = 0
    for block in _blocks(source):
        theirs, theirs_valid, _ = source.read(block)
        ours, ours_valid, _ = found.read(block)
        differs = _bits(ours) != _bits(theirs)
        invalid.add(differs & ~theirs_valid, block)
        validity.add(ours_valid != theirs_valid, block)
        if saliency is not None:
            keep = ladder.levels(saliency.read(block)) == 0
            kept += int(np.count_nonzero(keep))
            salient.add(differs & keep, block)
    faults = [*invalid.tell("invalid sample", "changed"), *validity.tell("sample", _CHANGED)]
    checks = [Check.of("invalid", faults, "every invalid sample is as it was")]
    if saliency is not None:
        fine = "every sample of saliency 1 is as it was" if kept else "no pixel has saliency 1, so none had to stay"
        checks.append(Check.of("salient", salient.tell("sample", "of saliency 1 changed"), fine))
    return tuple(checks)


def check_errors(
    found: AnyScene, source: AnyScene, saliency: Saliency, ladder: Ladder, errors: Sequence[float], *, smoothed: bool
) -> dict[str, Check]:
    """Check that no valid sample is off by more than its level allows.

    Parameters
    ----------
    found, source
        Two rasters of the same grid, bands and dtype.
    saliency, ladder
        Saliency and ladder of the job.
    errors
        Largest error of each level.
    smoothed
        Whether the job has smoothed the pixels first: errors are then measured from the smoothed pixels.

    Returns
    -------
    dict
        ``salient``: pixels of level 0; ``bound``: all others.
    """
    salient, others, worst = _off(found, source, saliency, ladder, errors, smoothed=smoothed)
    fine = "every valid sample of saliency 1 is as it was"
    return {
        "salient": Check.of("salient", salient.tell("valid sample", "of saliency 1 changed"), fine),
        "bound": _bound_check(others, worst, smoothed=smoothed),
    }


def check_operator(found: AnyScene, source: AnyScene, saliency: Saliency, ladder: Ladder) -> Check:
    """Smooth the source again, all of it: the operator is exact, so a lossless file holds just that.

    Returns
    -------
    Check
        ``smoothed``: of the pixels below saliency 1, as the others are checked by `check_pixels`.
    """
    exact = [0.0] * (ladder.steps + 1)
    _, others, worst = _off(found, source, saliency, ladder, exact, smoothed=True)
    faults = others.tell(
        "sample", f"below saliency 1 not as in the scene smoothed again, off by up to {as_number(worst)}"
    )
    return Check.of("smoothed", faults, "every valid sample below saliency 1 is as in the scene smoothed again")


def _bound_check(others: "_Differences", worst: float, *, smoothed: bool) -> Check:
    """Tell of the largest error, and from which pixels it is measured."""
    beyond = f"off by more than the level allows, up to {as_number(worst)}"
    if not smoothed:
        fine = f"no sample is off by more than its level allows, at most {as_number(worst)}"
        return Check.of("bound", others.tell("sample", beyond), fine)
    fine = f"no sample is off by more than its level allows, at most {as_number(worst)}, from the scene smoothed again"
    itself = "; against the scene itself nothing is bounded"
    return Check.of("bound", others.tell("sample", f"{beyond}, from the scene smoothed again"), fine + itself)


def _off(
    found: AnyScene, source: AnyScene, saliency: Saliency, ladder: Ladder, errors: Sequence[float], *, smoothed: bool
) -> tuple["_Differences", "_Differences", float]:
    """Find samples of level 0, and of all others, that are off by more than `errors`; and by how much others are."""
    salient, others, most = _Differences(), _Differences(), np.asarray(errors, np.float64)
    rules = SampleRules(source.layout.nodata, source.layout.alpha)
    worst = 0.0
    for block in _blocks(source):
        levels = ladder.levels(saliency.read(block))
        outer = block.expand(int(levels.max()) if smoothed else 0, source.grid.shape)
        theirs, valid, _ = source.read(outer)
        ours, ours_valid, _ = found.read(block)
        inner = block.slices_in(outer)
        if smoothed:
            levels_outer = np.zeros(outer.shape, np.uint8)
            levels_outer[inner] = levels
            theirs = smooth_block(theirs, levels_outer, valid, ladder, rules)
        with np.errstate(invalid="ignore"):
            off = np.abs(ours.astype(np.float64) - theirs[:, *inner].astype(np.float64))
        off[~(valid[:, *inner] & ours_valid)] = 0
        beyond = off > most[levels]
        salient.add(beyond & (levels == 0), block)
        others.add(beyond & (levels > 0), block)
        worst = max(worst, float(off.max(initial=0, where=levels > 0)))
    return salient, others, worst


def check_validity(found: AnyScene, source: AnyScene) -> Check:
    """Compare which pixels are valid: a lossy codec has to keep only that."""
    differences = _Differences()
    for block in _blocks(source):
        ours, theirs = (any_colour(scene.read(block).valid, scene.layout.alpha) for scene in (found, source))
        differences.add((ours != theirs)[np.newaxis], block)
    return Check.of("invalid", differences.tell("pixel", _CHANGED), "the same pixels are valid")


def check_mask(found: AnyScene, source: AnyScene) -> Check:
    """Compare the masks themselves, which may call a pixel valid that is nodata."""
    differences = _Differences()
    for block in _blocks(source):
        differences.add((found.read_mask(block) != source.read_mask(block))[np.newaxis], block)
    return Check.of("mask", differences.tell("pixel", "of the mask changed"), "as the source's")


class _Differences:
    """Count the samples that differ, and find the first one."""

    def __init__(self) -> None:
        self.count = 0
        self.first = ""

    def add(self, differs: NDArray[np.bool_], block: Block) -> None:
        number = int(np.count_nonzero(differs))
        if number and not self.count:
            band, row, col = (int(index[0]) for index in np.nonzero(differs))
            self.first = f"band {band + 1}, row {block.row_off + row}, column {block.col_off + col}"
        self.count += number

    def tell(self, thing: str, what: str) -> list[str]:
        """Say how many of a thing there are, in words that fit one and many, and where the first is."""
        return [f"{counted(self.count, thing)} {what}, the first at {self.first}"] if self.count else []


def _blocks(scene: AnyScene) -> Iterator[Block]:
    return scene.grid.blocks(_BLOCK)


def _bits(pixels: NDArray[Any]) -> NDArray[Any]:
    """Look at samples as integers: NaN then equals itself, and 0.0 is not -0.0."""
    return pixels.view(f"u{pixels.dtype.itemsize}")
