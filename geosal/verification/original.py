"""Open the saliency of a job on the scene that an output is compared with."""

import os
from collections.abc import Sequence
from typing import Any

from geosal.scenes import AnyScene
from geosal.sources import Saliency, open_saliency, source_texts

Asked = Saliency | str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None
"""Ways to give a saliency: an opened one, one SOURCE text or several, or none."""


def saliency_on(scene: AnyScene, asked: Asked, drivers: tuple[str, ...], **rules: Any) -> Saliency | None:
    """Open a saliency on a scene, unless it is open or not asked for.

    Parameters
    ----------
    scene
        The original.
    asked
        The wish.
    drivers
        GDAL drivers trusted for masks beyond the usual ones.
    **rules
        `combine`, `outside` and `background`, see `geosal.sources.open_saliency`.

    Raises
    ------
    UsageError, SceneError, SaliencyError
        See `geosal.sources.open_saliency`.
    """
    if asked is None or isinstance(asked, Saliency):
        return asked
    return open_saliency(source_texts(asked), scene.grid, drivers=drivers, scene=scene.original, **rules)
