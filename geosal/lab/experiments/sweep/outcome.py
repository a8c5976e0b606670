"""The outcome of a sweep, and its two tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from geosal.lab.experiments.engine import Skipped
from geosal.lab.experiments.rows import Row
from geosal.lab.experiments.sweep.looks import Look
from geosal.lab.experiments.sweep.wish import NO_MASK, Setting, Sweep

_FIGURES = ("mse", "psnr", "ssim")


class Seen(NamedTuple):
    """An image with one look, and what its task has found: plain data."""

    dataset: str
    image: str
    width: int
    height: int
    look: Look
    found: Mapping[str, Any]

    @property
    def pixels(self) -> int:
        """Pixels of the image."""
        return self.width * self.height


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """All that was found out.

    Attributes
    ----------
    wish
        The wish that was carried out.
    seen
        Each image with each look, in the order of the recipe.
    skipped
        What was left out, and why.
    resumed
        Number of looks that were taken over from the run before.
    """

    wish: Sweep
    seen: tuple[Seen, ...]
    skipped: tuple[Skipped, ...]
    resumed: int

    def files(self) -> Iterator[Row]:
        """Return the rows of ``sweep.csv``; see `geosal.lab.experiments.sweep`."""
        settings = tuple(self.wish.settings)
        original = [setting.encoder for setting in settings].index(self.wish.original)
        for seen, plain in self._with_unsmoothed():
            for number, setting in enumerate(settings):
                file = seen.found["files"][number]
                bpp = 8 * file["bytes"] / seen.pixels
                yield {
                    **_about(seen, setting), "width": seen.width, "height": seen.height, "kernel": seen.look.kernel,
                    "effective_kernel": seen.found["effective_kernel"], "bytes": file["bytes"], "bpp": bpp,
                    "reduction_of_original": _reduction(file, plain, original),
                    "reduction_of_unsmoothed": _reduction(file, plain, number),
                    **{name: file[name] for name in _FIGURES},
                }  # fmt: skip

    def levels(self) -> Iterator[Row]:
        """Return the rows of ``levels.csv``."""
        for seen in self.seen:
            if seen.look.mask == NO_MASK:
                continue
            for number, setting in enumerate(self.wish.settings):
                of_levels = seen.found["files"][number]["levels"]
                for level, figures in zip(seen.found["levels"], of_levels, strict=True):
                    sizes = level["bytes"] if setting.encoder == self.wish.original else None
                    yield {
                        **_about(seen, setting),
                        **{name: level[name] for name in ("level", "saliency", "kernel", "pixels")},
                        **{name: figures[name] for name in _FIGURES},
                        "bpp": None if sizes is None else 8 * sizes[1] / level["pixels"],
                        "reduction": None if sizes is None else 100 * (1 - sizes[1] / sizes[0]),
                    }

    def _with_unsmoothed(self) -> Iterator[tuple[Seen, Sequence[Mapping[str, Any]] | None]]:
        """Return each image and look with the files of the unsmoothed image; None where that was left out."""
        plain = {(seen.dataset, seen.image): seen.found["files"] for seen in self.seen if seen.look.kernel == 1}
        for seen in self.seen:
            yield seen, plain.get((seen.dataset, seen.image))


def _about(seen: Seen, setting: Setting) -> Row:
    return {
        "dataset": seen.dataset, "image": seen.image, "mask": seen.look.mask, "encoder": setting.encoder,
        "parameter": setting.parameter, "setting": setting.value,
    }  # fmt: skip


def _reduction(file: Mapping[str, Any], plain: Sequence[Mapping[str, Any]] | None, number: int) -> float | None:
    return None if plain is None else 100 * (1 - file["bytes"] / plain[number]["bytes"])
