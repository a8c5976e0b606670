"""A saliency map as a file: what the sources say on the grid of a scene, 255 = 1.0 = kept as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from geosal.codecs.profiles import resolve_profile
from geosal.errors import UsageError
from geosal.fit import BLOCK
from geosal.grid import Block
from geosal.plan import target_for
from geosal.produce import Labour, ProgressCallback, Work, ignore, produce
from geosal.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.recipe import Recipe
from geosal.scenes import Scene
from geosal.scenes.zarr_store import store_bytes
from geosal.sources import Saliency, SourceText, open_saliency
from geosal.version import __version__
from geosal.writers.publish import check_output

SCALE = 255
"""The uint8 value of saliency 1."""
OPTIONS = (
    "combine", "outside", "block", "max_pixels", "overwrite", "drivers", "profile", "creation_options", "workers",
)  # fmt: skip
"""Fields of `geosal.Recipe` that mean something for a map."""
_GUARD = 1e-4
"""Keeps k/255 at k and 1 at 255 after float32."""


@dataclass(frozen=True, eq=False)
class _MapTask:
    """The work on one block; holds paths and specs only."""

    saliency: Saliency

    def __call__(self, block: Block) -> Work:
        """Read a block: its quantised map, the sum of that, and how many of its pixels a source covers."""
        saliency, known = self.saliency.read_known(block)
        values = quantise(saliency)
        return Work(values[np.newaxis], None, (int(values.sum(dtype=np.int64)), int(np.count_nonzero(known))))


def quantise(saliency: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Turn saliency in [0, 1] into ``floor(255 * saliency)``.

    Rounded down, not to the nearest: equation 2 cuts at values such as 0.5 and 0.75, of which 255 is no multiple. A
    hair above would keep the pixel a level sharper than the source asked for; a hair below stays in its level.
    """
    return (saliency.astype(np.float64) * SCALE + _GUARD).astype(np.uint8)


def write_saliency_map(
    sources: Sequence[str], output: str, like: str, *, progress: ProgressCallback | None = None, **options: Any
) -> dict[str, Any]:
    """Write the saliency of a scene as a uint8 raster on the scene's grid, block by block.

    Parameters
    ----------
    sources
        As the `saliency` of `geosal.Recipe`.
    output
        ``.tif`` makes a COG, ``.jp2`` a JPEG2000; the codec must be lossless.
    like
        The scene whose grid the map gets.
    progress
        Called in this thread after each block and at each stage.
    **options
        Fields of `geosal.Recipe`: ``combine``, ``outside``, ``block``, ``overwrite``, ``drivers`` …

    Returns
    -------
    dict
        JSON-ready: output, driver, profile, bytes, width, height, mean (of the saliency), coverage.

    Raises
    ------
    GeosalError
        A leaf that says why; then no output exists under that name, or the one that was there is untouched.
    """
    unknown = sorted(options.keys() - set(OPTIONS))
    if unknown:
        raise UsageError(f"{unknown[0]}: means nothing for a saliency map; known: {', '.join(OPTIONS)}")
    recipe = Recipe.from_mapping({"input": like, "output": output, "saliency": list(sources), **options})
    masks = [SourceText.parse(text).target for text in recipe.saliency]
    check_output(output, overwrite=recipe.overwrite, inputs=[like, *masks])
    scene = Scene.open(like, drivers=recipe.drivers, max_pixels=recipe.max_pixels)
    saliency = open_saliency(
        recipe.saliency, scene.grid, combine=recipe.combine, outside=recipe.outside, drivers=recipe.drivers
    )
    layout = _layout(scene, saliency)
    profile = resolve_profile(output, recipe.profile, dict(recipe.creation_options), layout)
    if not profile.lossless:
        raise UsageError(f"profile {profile.name}: a saliency map must keep its values; use a lossless one")
    total, known = 0, 0

    def take(facts: tuple[int, int]) -> None:
        nonlocal total, known
        total += facts[0]
        known += facts[1]

    labour = Labour(
        stage="saliency",
        task=_MapTask(saliency),
        blocks=list(scene.grid.blocks(recipe.block or BLOCK)),
        workers=recipe.workers,
    )
    target = target_for(output, profile, layout, overwrite=recipe.overwrite)
    finished = produce(target, labour, take=take, tags=lambda: ({}, None), report=progress or ignore)
    return _outcome(output, finished, layout, (profile.driver, profile.name), (total, known))


def _layout(scene: Scene, saliency: Saliency) -> RasterLayout:
    of_scene = scene.layout.metadata
    tags = {
        "GEOSAL_VERSION": __version__,
        "GEOSAL_SALIENCY": saliency.label,
        "GEOSAL_SALIENCY_SCALE": f"{SCALE} = 1.0 (kept as it is), 0 = 0.0 (matters least)",
    }
    if "AREA_OR_POINT" in of_scene.tags.get("", {}):
        tags["AREA_OR_POINT"] = of_scene.tags[""]["AREA_OR_POINT"]
    metadata = RasterMetadata(
        bands=(BandMetadata(description="saliency", colorinterp=ColorInterp.gray),),
        tags={"": tags},
        gcps=of_scene.gcps,
        gcp_crs=of_scene.gcp_crs,
        rpcs=of_scene.rpcs,
    )
    return RasterLayout(grid=scene.grid, dtype="uint8", nodata=None, has_mask=False, metadata=metadata)


def _outcome(
    output: str, finished: Path, layout: RasterLayout, codec: tuple[str, str], sums: tuple[int, int]
) -> dict[str, Any]:
    pixels = layout.grid.width * layout.grid.height
    return {
        "output": output,
        "driver": codec[0],
        "profile": codec[1],
        "bytes": store_bytes(finished),
        "width": layout.grid.width,
        "height": layout.grid.height,
        "mean": sums[0] / (SCALE * pixels),
        "coverage": sums[1] / pixels,
    }
