"""Make saliency maps of images several times, compare them, and keep them as files."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.lab.experiments.images import Picture
from geosal.lab.experiments.jpegs.outcome import MapFacts
from geosal.lab.experiments.jpegs.wish import Experiment
from geosal.maps.saliency_map import write_saliency_map
from geosal.sources import Saliency, SourceText, open_saliency
from geosal.sources.base import Coded

_BLOCK = 1024
_GUARD = 1e-6
"""Tolerance that lets 0.5 pass, which a map of bytes holds as 127/255."""
_BYTE = 1 / 255


@dataclass(frozen=True, kw_only=True)
class SalientPart(Saliency):
    """1 in the salient part, 0 in the background.

    Attributes
    ----------
    threshold
        Saliency from which a pixel belongs to the salient part.
    """

    threshold: float

    def read_coded(self, block: Block) -> Coded | None:  # noqa: ARG002
        """Return None, so that pixels are read: codes would have the saliency itself."""
        return None

    def read_known(self, block: Block) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the saliency of each pixel, and the pixels about which a source says something."""
        saliency, known = super().read_known(block)
        return is_salient(saliency, self.threshold).astype(np.float32), known


def is_salient(saliency: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
    """Find the pixels of the salient part. The map has bytes, so its saliency is rounded down."""
    return np.asarray(saliency + np.float32(_BYTE - _GUARD) >= threshold)


def sources_for(wish: Experiment, picture: Picture) -> tuple[str, ...]:
    """Return SOURCE texts for an image: a network for colours gets a grey band three times."""
    if picture.bands > 1:
        return wish.saliency
    return tuple(_in_grey(text) for text in wish.saliency)


def _in_grey(text: str) -> str:
    source = SourceText.parse(text)
    if source.target != "cnn" or source.get("bands") is not None:
        return text
    return f"{text}{',' if source.params else ':'}bands=1;1;1"


def make_map(wish: Experiment, picture: Picture, path: Path) -> MapFacts:
    """Make the map of an image as often as asked, compare these passes, and write it to a file.

    Parameters
    ----------
    wish, picture
        What to look at, as a wish and a picture.
    path
        Path of the map, a GeoTIFF; a picture of it lies beside it, as ``.png``.

    Raises
    ------
    SceneError
        The image cannot be decoded.
    GeosalError
        See `geosal.sources.open_saliency`.
    """
    texts = sources_for(wish, picture)
    scene = picture.scene
    passes = [open_saliency(texts, scene.grid, scene=scene.original) for _ in range(wish.passes)]
    differences = _largest_differences(passes)
    reading: dict[str, Any] = {"bidx": picture.reading.bidx, "bands": picture.reading.bands}
    told = write_saliency_map(
        texts,
        str(path),
        picture.path,
        preview=str(path.with_suffix(".png")),
        overwrite=True,
        **{name: value for name, value in reading.items() if value},
    )
    part = open_part(wish, picture, path)
    salient = sum(int(np.count_nonzero(part.read(block))) for block in scene.grid.blocks(_BLOCK))
    return MapFacts(
        collection=picture.collection,
        image=picture.name,
        width=scene.grid.width,
        height=scene.grid.height,
        bands=picture.bands,
        passes=wish.passes,
        differing=int(np.count_nonzero(differences)),
        largest_difference=float(max(differences, default=0.0)),
        mean=told["mean"],
        salient=salient / (scene.grid.width * scene.grid.height),
    )


def map_source(path: Path) -> str:
    """Return the SOURCE text of a map that `make_map` wrote."""
    return f"{os.fspath(path)}:range=0-255"


def open_part(wish: Experiment, picture: Picture, path: Path) -> SalientPart:
    """Divide an image into its salient part and its background, by its map."""
    opened = open_saliency([map_source(path)], picture.scene.grid)
    return SalientPart(grid=opened.grid, sources=opened.sources, coverage=opened.coverage, threshold=wish.salient)


def _largest_differences(passes: list[Saliency]) -> list[float]:
    """Return how far each pass after the first is from it at most; 0 where every bit is the same."""
    largest = [0.0] * (len(passes) - 1)
    for values in _blocks(passes):
        for number, other in enumerate(values[1:]):
            if values[0].tobytes() != other.tobytes():
                apart = float(np.max(np.abs(values[0] - other)))
                largest[number] = max(largest[number], apart, float(np.finfo(np.float32).tiny))
    return largest


def _blocks(passes: list[Saliency]) -> Iterator[list[NDArray[np.float32]]]:
    for block in passes[0].grid.blocks(_BLOCK):
        yield [one.read(block) for one in passes]
