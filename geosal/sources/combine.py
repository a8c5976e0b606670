"""Combine several sources to one map of saliency, on a scene's grid, block by block."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block, Grid
from geosal.core.raster import Pixels
from geosal.errors import SaliencyError, UsageError, warn
from geosal.sources.base import Coded, CodedSource, OpenContext, Source
from geosal.sources.labels import is_said, label_of, told_of
from geosal.sources.masks.alignment import spread
from geosal.sources.patterns.synthetic import Uniform
from geosal.sources.registry import entry_for, is_plugged, opener_of
from geosal.sources.table import FILES, SOURCES
from geosal.sources.text import SourceText

COMBINATIONS = ("max", "min", "mean", "product", "weighted")
OUTSIDE = {"keep": 1.0, "blur": 0.0}
"""Word of ``outside`` -> saliency where no source says anything."""
_USUAL_OUTSIDE = "keep"
_EVERYWHERE = frozenset({*(SOURCES[name] for name in ("half", "grid", "uniform", "perlin", "detail")), FILES["vector"]})
"""Classes of sources that say something about every pixel."""
_LEAST_WEIGHT = 1e-6
_SOURCE_BYTES, _UNION_BYTES, _MEAN_BYTES = 12, 8, 40
"""Bytes for each pixel: while a source reads that does not tell; while two are united; sums and weights in float64."""
_SAMPLES = 1024
_SEARCH_BLOCK = 1024


@dataclass(frozen=True, kw_only=True)
class Saliency:
    """Saliency of a scene; reads any block by itself, here or on a worker (it holds paths, not handles).

    Attributes
    ----------
    grid
        Grid of the scene.
    sources
        Opened on that grid.
    combine
        None combines sources of interest by max, then exclusions by min. Otherwise max, min, mean, product or weighted
        mean of all sources that say something about a pixel.
    outside
        ``"keep"`` is 1 where no source says anything, ``"blur"`` is 0.
    coverage
        Share of the scene's pixels about which at least one source says what matters, from at most 1024x1024 of them.
        Without `combine`, an exclusion does not count beside sources of interest.
    """

    grid: Grid
    sources: tuple[Source, ...]
    combine: str | None = None
    outside: str = "keep"
    coverage: float = 1.0
    weights: tuple[float, ...] = ()
    """Weight of each source, above 0; used by ``weighted`` alone."""

    @property
    def label(self) -> str:
        """One line for people and provenance: the sources without folders and secrets, and the hash of each file.

        All that changes the map is in it.
        """
        return " + ".join(map(label_of, self.sources)) + self._rules

    @property
    def told(self) -> tuple[dict[str, str], ...]:
        """The sources for a file's recipe: of each its text as in `label`, and what tells its content."""
        return tuple(map(told_of, self.sources))

    def is_labelled(self, label: str) -> bool:
        """Return whether a label names the same map: files may have lain elsewhere, where their hashes are the same."""
        parts = label.removesuffix(self._rules).split(" + ")
        same_rules = label.endswith(self._rules) and len(parts) == len(self.sources)
        return label == self.label or (same_rules and all(map(is_said, parts, self.sources)))

    @property
    def _rules(self) -> str:
        rule = f"; combine={self.combine}" if self.combine else ""
        # Gaps may be smaller than the sample of `coverage`.
        outside = f"; outside={self.outside}" if self.coverage < 1 or self.outside != "keep" else ""
        unsaid = {
            ground
            for source in self.sources
            if (ground := float(getattr(source, "background", 0))) and _says_no_background(source.text)
        }
        return rule + outside + "".join(f"; background={ground:g}" for ground in unsaid)

    @property
    def even(self) -> bool:
        """Return whether all sources are ``uniform``: the map is a baseline, the same everywhere by intention."""
        return all(isinstance(source, Uniform) for source in self.sources)

    @property
    def untried(self) -> tuple[str, ...]:
        """Return advice: options, apart from other sources, that would make less matter."""
        speaks = any(source.kind == "interest" for source in self.sources)
        outside = speaks and self.coverage < 1 and self.outside == "keep"
        ground = any(getattr(source, "background", 0) > 0 for source in self.sources)
        wishes = {"--outside blur": outside, "--background 0": ground}
        return tuple(wish for wish, helps in wishes.items() if helps)

    @property
    def pixel_bytes(self) -> int:
        """Return the most bytes that `read_known` takes per pixel of a block: the maps of all sources, and their union.

        A source that takes more than a few bytes while it reads tells how many by `pixel_bytes`, what does not grow
        with the block by `work_bytes`, and what it holds for all readers of a process by `shared_bytes`.
        """
        said = 4 * len(self.sources)
        reading = max(int(getattr(source, "pixel_bytes", _SOURCE_BYTES)) for source in self.sources)
        uniting = _MEAN_BYTES if self.combine in {"mean", "weighted", "product"} else _UNION_BYTES
        return said + max(reading, uniting)

    @property
    def work_bytes(self) -> int:
        """Return the bytes that one reader takes besides the block: those of the source that takes most."""
        return max(int(getattr(source, "work_bytes", 0)) for source in self.sources)

    @property
    def shared_bytes(self) -> int:
        """Return the bytes that the sources hold once in each process, for all readers."""
        return sum(int(getattr(source, "shared_bytes", 0)) for source in self.sources)

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, (y, x), each value in [0, 1].

        Raises
        ------
        SceneError
            A mask cannot be decoded there.
        """
        return self.read_known(block)[0]

    def read_known(self, block: Block) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the saliency of a block, and where at least one source says what matters; both (y, x)."""
        said = [source.read(block) for source in self.sources]
        telling = _telling(self.sources, self.combine)
        known = reduce(np.logical_or, (~np.isnan(values) for values, tells in zip(said, telling, strict=True) if tells))
        saliency = self._by_kind(said) if self.combine is None else self._by_rule(said)
        self._fill(saliency)
        return saliency, known

    def read_coded(self, block: Block) -> Coded | None:
        """Return the saliency of a block as codes, if a single source knows it so; else None."""
        if len(self.sources) > 1 or self.combine is not None or not isinstance(self.sources[0], CodedSource):
            return None
        return self.sources[0].read_coded(block)

    def _fill(self, saliency: NDArray[np.float32]) -> None:
        """Fill pixels about which no source says anything, as `outside` says."""
        silent = np.isnan(saliency)
        if silent.any():
            np.copyto(saliency, OUTSIDE[self.outside], where=silent)

    def __dask_tokenize__(self) -> Hashable:
        """Return all that the pixels depend on."""
        tokens = tuple(source.__dask_tokenize__() for source in self.sources)
        return type(self).__qualname__, repr(self.grid), tokens, self.combine, self.outside, self.weights

    def _by_rule(self, said: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        if self.combine == "weighted":
            return _mean(said, self.weights)
        if self.combine == "mean":
            return _mean(said, (1.0,) * len(said))
        return _product(said) if self.combine == "product" else reduce(_EXTREMES[str(self.combine)], said)

    def _by_kind(self, said: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Combine interest by max and fill its gaps; exclusions then lower it, and stay NaN where all are silent."""
        interest = [values for values, source in zip(said, self.sources, strict=True) if source.kind == "interest"]
        exclusions = [values for values, source in zip(said, self.sources, strict=True) if source.kind == "exclusion"]
        if interest:
            united = reduce(np.fmax, interest)
            self._fill(united)
            exclusions.insert(0, united)
        return reduce(np.fmin, exclusions)


def open_saliency(
    sources: Sequence[str | SourceText],
    grid: Grid,
    *,
    combine: str | None = None,
    outside: str = "keep",
    drivers: tuple[str, ...] = (),
    background: float = 0.0,
    scene: Pixels | None = None,
) -> Saliency:
    """Open saliency sources on a scene's grid; every check is made here, before any work.

    Parameters
    ----------
    sources
        SOURCE texts, ``name-or-path[:key=value,...]``: ``half``, ``perlin:seed=7``, ``mask.tif:range=0-100``, or
        parsed ones. At least one.
    grid
        Grid of the scene.
    combine
        None: interest by max, then exclusions by min. ``max``, ``min``, ``mean``, ``product`` or ``weighted`` for all;
        the last is a mean in which a SOURCE has the weight of its parameter ``weight=W`` (1 by default).
    outside
        Saliency of pixels about which no source says anything: ``keep`` them as they are, or ``blur`` them most.
    drivers
        GDAL drivers trusted for mask files beyond the usual ones, such as ``("VRT",)``.
    background
        Saliency where vectors and classes name nothing.
    scene
        The scene itself, for sources that look at its pixels or at what came with it.

    Raises
    ------
    UsageError
        A name, a parameter, `combine` or `outside` is unknown.
    SceneError
        A mask file cannot be read.
    SaliencyError
        A mask does not lie under the scene, or its values are no saliency.

    Warns
    -----
    GeosalWarning
        Part of the scene is not covered, a mask is constant, or it was aligned by pixels for lack of georeferencing.
    """
    if isinstance(sources, str):
        raise UsageError(f"saliency {sources!r}: one text where a list of them is wanted; write [{sources!r}]")
    if not sources:
        raise UsageError("saliency: no source given; give a name such as perlin, or the path of a raster mask")
    if combine is not None and combine not in COMBINATIONS:
        raise UsageError(f"combine={combine}: no such rule; use {', '.join(COMBINATIONS)}")
    if outside not in OUTSIDE:
        raise UsageError(f"outside={outside}: no such rule; use keep or blur")
    texts = [SourceText.parse(text) if isinstance(text, str) else text for text in sources]
    if idle := idle_rules(texts, combine=combine, outside=outside, background=background):
        name, why = next(iter(idle.items()))
        given = {"combine": combine, "outside": outside, "background": f"{background:g}"}[name]
        raise UsageError(f"{name}={given}: {why}; leave it out")
    weights = tuple(_weight(text, combine) for text in texts)
    context = OpenContext(grid=grid, drivers=drivers, background=background, scene=scene)
    opened = tuple(opener_of(text).open(text.without("weight"), context) for text in texts)
    telling = _telling(opened, combine)
    coverage = _coverage(opened, telling, grid)
    if coverage < 1:
        share = f"{coverage:.1%}" if coverage >= 0.001 else "less than 0.1%"
        names = " and ".join(source.text for source, tells in zip(opened, telling, strict=True) if tells)
        warn(
            f"{names}: covers {share} of the scene; the rest is "
            + ("kept as it is (outside=keep)" if outside == "keep" else "blurred most (outside=blur)")
        )
    return Saliency(grid=grid, sources=opened, combine=combine, outside=outside, coverage=coverage, weights=weights)


def idle_rules(
    sources: Sequence[SourceText], *, combine: str | None, outside: str, background: float
) -> dict[str, str]:
    """Return the rules that no source follows, whatever its data hold, and why; plug-ins may follow them all."""
    entries = [None if is_plugged(source) else entry_for(source) for source in sources]
    idle = {}
    if combine is not None and len(sources) == 1 and sources[0].get("weight") is None:
        idle["combine"] = "there is one source, so nothing unites"
    if outside != _USUAL_OUTSIDE and all(entry in _EVERYWHERE for entry in entries):
        idle["outside"] = "the sources speak of every pixel, wherever that lies"
    knows = (FILES["vector"], FILES["classes"], None)
    if background and not any(
        entry in knows and source.get("background") is None for entry, source in zip(entries, sources, strict=True)
    ):
        idle["background"] = "no source has one: it is where vectors and classes name nothing"
    return idle


def _weight(source: SourceText, combine: str | None) -> float:
    """Return the weight of a source in a weighted mean."""
    if source.get("weight") is not None and combine != "weighted":
        raise UsageError(f"{source.text}: weight= is for the weighted mean of sources; add --combine weighted")
    return source.number("weight", 1, _LEAST_WEIGHT, 1 / _LEAST_WEIGHT)


def _says_no_background(text: str) -> bool:
    return SourceText.parse(text).get("background") is None


def _telling(sources: tuple[Source, ...], combine: str | None) -> list[bool]:
    """Return which sources say what matters: an exclusion does so only where there is no interest that it lowers."""
    interest = [source.kind == "interest" for source in sources]
    return interest if combine is None and any(interest) else [True] * len(sources)


def _coverage(sources: tuple[Source, ...], telling: list[bool], grid: Grid) -> float:
    """Return the share of the scene about which a source says what matters; each source must speak somewhere."""
    rows, cols = spread(grid.height, _SAMPLES), spread(grid.width, _SAMPLES)
    covered = np.zeros((rows.size, cols.size), dtype=bool)
    for source, tells in zip(sources, telling, strict=True):
        known = source.known(rows, cols)
        if not known.any() and all(np.isnan(source.read(block)).all() for block in grid.blocks(_SEARCH_BLOCK)):
            raise SaliencyError(f"{source.text}: says nothing where the scene lies, all is nodata; give one that does")
        covered |= known & tells
    return float(covered.mean())


def _mean(said: list[NDArray[np.float32]], weights: Sequence[float]) -> NDArray[np.float32]:
    """Return the weighted mean of the sources that speak, sum(w s) / sum(w) in float64; NaN where none does."""
    total, weight = np.zeros(said[0].shape), np.zeros(said[0].shape)
    for values, counts in zip(said, weights, strict=True):
        speaks = ~np.isnan(values)
        np.add(total, values * np.float64(counts), out=total, where=speaks)
        weight += speaks * counts
    with np.errstate(invalid="ignore"):
        return (total / weight).astype(np.float32)


def _product(said: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    total, silent = np.ones(said[0].shape), np.ones(said[0].shape, dtype=bool)
    for values in said:
        speaks = ~np.isnan(values)
        np.multiply(total, values, out=total, where=speaks)
        silent &= ~speaks
    total[silent] = np.nan
    return total.astype(np.float32)


_EXTREMES = {"max": np.fmax, "min": np.fmin}
