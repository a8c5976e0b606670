"""What is done to an image before it is encoded: nothing, smoothing by one kernel, or smoothing by a mask."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from geosal.core.grid import Block
from geosal.core.ladder import Ladder, effective_kernel
from geosal.errors import SaliencyError, SceneError, UsageError
from geosal.lab.experiments.images import Picture, contents_of
from geosal.lab.experiments.sweep.wish import NO_MASK, Sweep
from geosal.native import look_up
from geosal.sources import Saliency, open_saliency

_BLOCK = 1024
_ANNOTATIONS = "{annotations}"
"""What stands for the boxes or outlines of an image in the text of a SOURCE."""


class Look(NamedTuple):
    """One thing to do to an image.

    Attributes
    ----------
    mask
        Name of the mask, `NO_MASK` without one.
    kernel
        Width of the kernel where there is no mask; None with one.
    sources
        SOURCE texts of the mask.
    """

    mask: str
    kernel: int | None
    sources: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Tell it from the other looks of an image."""
        return self.mask if self.kernel is None else f"K{self.kernel}"


def looks_of(wish: Sweep) -> tuple[Look, ...]:
    """Return the looks of a wish: the unsmoothed image, each other kernel, and each mask."""
    kernels = (1, *(kernel for kernel in wish.kernels if kernel > 1))
    return (
        *(Look(NO_MASK, kernel) for kernel in kernels),
        *(Look(name, None, sources) for name, sources in wish.masks.items()),
    )


def keys_of(cases: Sequence[tuple[Picture, Look]], name_of: Callable[[Picture], str]) -> list[str]:
    """Return the key of the task that each look at an image is: it changes with the image and with the mask's files.

    Parameters
    ----------
    cases
        Images and what is done to them.
    name_of
        Tells an image from all others of the study.
    """
    known: dict[str, str] = {}

    def contents(picture: Picture, look: Look) -> str:
        with suppress(SaliencyError, UsageError):  # told when the task is done
            return contents_of([_of_image(text, picture) for text in look.sources], known)
        return ""

    return [f"{each.state}{contents(each, look)} {name_of(each)} {look.name}" for each, look in cases]


def check_masks(wish: Sweep, pictures: Sequence[Picture]) -> None:
    """Refuse a SOURCE that cannot be, before any work; a mask that some images do not have is no matter of the others.

    Raises
    ------
    UsageError
        The text of a SOURCE is wrong.
    SaliencyError
        A mask is of annotations, and no image has any.
    """
    for look in looks_of(wish):
        if not any("{" in text for text in look.sources):
            with suppress(SceneError, SaliencyError):
                Smoothing.of(wish, look, pictures[0])
        elif any(_ANNOTATIONS in text for text in look.sources) and not any(each.annotations for each in pictures):
            raise SaliencyError(
                f"masks: {look.mask}: no image has {_ANNOTATIONS}; name a data set that has some, by its layout "
                '(--images RarePlanes=FOLDER), or files of boxes: "boxes/{name}.geojson:saliency=0.8"'
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Smoothing:
    """How an image is smoothed, and what its levels are."""

    saliency: Saliency
    ladder: Ladder

    @classmethod
    def of(cls, wish: Sweep, look: Look, picture: Picture) -> Self:
        """Open the mask of an image, or the even saliency of one kernel.

        Raises
        ------
        GeosalError
            There is no such mask for this image, or it does not fit; see `geosal.sources.open_saliency`.
        """
        grid = picture.scene.grid
        if look.kernel is None:
            texts = [_of_image(text, picture) for text in look.sources]
            return cls(saliency=open_saliency(texts, grid, scene=picture.scene.original), ladder=wish.ladder)
        steps = look.kernel // 2
        text = f"uniform:saliency={0 if steps else 1}"
        return cls(saliency=open_saliency([text], grid), ladder=Ladder(max(steps, 1), wish.sigma))

    def levels(self) -> "Levels":
        """Count the pixels of each level and their saliency, block by block."""
        size = self.ladder.steps + 1
        pixels, sums = np.zeros(size, np.int64), np.zeros(size, np.float64)
        for block in self.saliency.grid.blocks(_BLOCK):
            saliency = self.saliency.read(block)
            levels = self.ladder.levels(saliency).ravel()
            pixels += np.bincount(levels, minlength=size)
            sums += np.bincount(levels, weights=saliency.ravel(), minlength=size)
        return Levels(pixels.tolist(), sums.tolist(), self.ladder.widths)

    def levels_of(self, block: Block) -> np.ndarray:
        """Return the level of each pixel of a block, (y, x)."""
        coded = self.saliency.read_coded(block)
        if coded is None:
            return self.ladder.levels(self.saliency.read(block))
        return look_up(coded.codes, self.ladder.levels(coded.table))[0]


class Levels(NamedTuple):
    """How the pixels of an image share in the levels of saliency."""

    pixels: Sequence[int]
    sums: Sequence[float]
    """Sum of the saliency over the pixels of each level."""
    widths: Sequence[int]

    @property
    def effective_kernel(self) -> float:
        """Return the mean width, equation 3 of the paper."""
        total = sum(self.pixels)
        return effective_kernel({width: n / total for width, n in zip(self.widths, self.pixels, strict=True)})

    def saliency(self, level: int) -> float:
        """Return the mean saliency of the pixels of a level."""
        return round(self.sums[level] / self.pixels[level], 6)


def _of_image(text: str, picture: Picture) -> str:
    """Put the name of an image, or its annotations, into the text of a SOURCE."""
    if _ANNOTATIONS in text and picture.annotations is None:
        raise SaliencyError(f"{picture.path}: its data set has no annotations of it; take another mask")
    try:
        return text.format(name=picture.name, annotations=picture.annotations)
    except (KeyError, IndexError, ValueError) as error:
        raise UsageError(f"masks: {text}: {{name}} and {{annotations}} alone can stand in braces") from error
