"""What sources share that look at the scene itself."""

import os
from collections.abc import Hashable
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from geosal.core.raster import Pixels
from geosal.errors import UsageError
from geosal.sources.base import Kind, OpenContext
from geosal.sources.text import SourceText


@dataclass(frozen=True, kw_only=True)
class Looking:
    """A source that reads the scene's own pixels; it says nothing (NaN) where they are not valid.

    Attributes
    ----------
    text
        The text as the user wrote it.
    scene
        With the bands that the source looks at.
    """

    kind: ClassVar[Kind] = "interest"
    fingerprint: ClassVar[None] = None

    text: str
    scene: Pixels

    @property
    def reach(self) -> int:
        """Return how many pixels around a block the source looks at."""
        return 0

    @property
    def pixel_bytes(self) -> int:
        """Return what reading a block takes for each of its pixels: samples, whether they count, and the saliency."""
        layout = self.scene.layout
        return layout.count * (np.dtype(layout.dtype).itemsize + 1) + 8

    def known(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.bool_]:
        """True everywhere, (rows, cols): which pixels of the scene hold nothing is not looked up beforehand."""
        return np.ones((rows.size, cols.size), dtype=bool)

    def __dask_tokenize__(self) -> Hashable:
        """Return the class, its parameters, and the scene: how it is read, and when and how large its file is."""
        from dask.base import normalize_token  # who asks has imported it

        settings = tuple(repr(getattr(self, field.name)) for field in fields(self) if field.name != "scene")
        path = self.scene.path
        stamp = (os.stat(path).st_mtime_ns, os.stat(path).st_size) if os.path.exists(path) else None
        return type(self).__qualname__, settings, stamp, repr(normalize_token(self.scene))


def require_scene(source: SourceText, context: OpenContext) -> Pixels:
    """Take the scene out of the context.

    Raises
    ------
    UsageError
        Only its grid is known.
    """
    if context.scene is None:
        raise UsageError(
            f"{source.text}: {source.target} looks at the scene's pixels, and only a grid is given; name the scene's "
            f"file, or write the map first: geosal saliency {source.target} map.tif --like SCENE"
        )
    return context.scene
