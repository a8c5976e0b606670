"""Write a saliency map as a file: the saliency on the grid of a scene, 255 = 1.0 = kept as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from geosal.core import provenance
from geosal.core.gdal_env import path_text
from geosal.core.grid import Block, Grid
from geosal.core.ladder import Ladder, effective_kernel
from geosal.core.option_values import refuse_unknown
from geosal.core.progress import ProgressCallback, ignore
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.errors import OutputError, UsageError
from geosal.files.publish import check_output
from geosal.formats.format import Profile
from geosal.formats.profiles import resolve_profile
from geosal.formats.table import has_world_file
from geosal.job.fit import BLOCK
from geosal.job.recipe import Recipe
from geosal.job.settings import inputs_of, saliency_of
from geosal.job.tally import warn_of_little_gain
from geosal.maps.palettes import USUAL
from geosal.maps.preview import Preview, check_preview, draw
from geosal.native import look_up
from geosal.produce import Labour, Work, produce, target_for
from geosal.scenes import AnyScene, open_input
from geosal.scenes.zarr_store import store_bytes
from geosal.sources import Saliency

SCALE = 255
"""The uint8 value of saliency 1."""
OPTIONS = (
    "combine", "outside", "background", "block", "max_pixels", "overwrite", "drivers", "profile", "creation_options",
    "workers", "steps", "bidx", "bands", "resolution", "resampling", "stack",
)  # fmt: skip
"""Fields of `geosal.Recipe` that apply to a map."""
_GUARD = 1e-4
"""Added before rounding, so that k/255 stays k and 1 stays 255 after float32, and halves between levels round up."""


@dataclass(frozen=True, eq=False)
class _Map:
    """The map to write; it holds paths and specs only."""

    saliency: Saliency
    levels: int | None = None

    @property
    def grid(self) -> Grid:
        """Grid of the scene."""
        return self.saliency.grid

    def read(self, block: Block) -> NDArray[np.float32]:
        """Return the saliency of a block, reduced to levels."""
        return self.read_known(block)[0]

    def read_known(self, block: Block) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the saliency of a block, reduced to levels, and where a source says something; both (y, x)."""
        saliency, known = self.saliency.read_known(block)
        return saliency if self.levels is None else to_levels(saliency, self.levels), known

    def __call__(self, block: Block) -> Work[tuple[NDArray[np.int64], int]]:
        """Read a block: its bytes, how often each byte occurs, and how many pixels a source covers."""
        saliency, known = self.read_known(block)
        values = quantise(saliency)
        return Work(values[np.newaxis], None, (look_up(values, None)[1], int(np.count_nonzero(known))))


def quantise(saliency: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Turn saliency in [0, 1] into ``floor(255 * saliency)``.

    It is rounded down, not to the nearest: equation 2 cuts at values such as 0.5 and 0.75, which are no multiples of
    1/255. Slightly above, a pixel would be a level sharper than the source asks for; slightly below, it stays in its
    level.
    """
    return (saliency.astype(np.float64) * SCALE + _GUARD).astype(np.uint8)


def to_levels(saliency: NDArray[np.float32], levels: int) -> NDArray[np.float32]:
    """Round saliency in [0, 1] to the nearest of `levels` values, evenly spaced from 0 to 1; halves go up.

    Raises
    ------
    UsageError
        There are fewer than 2 levels, or more than a byte has values.
    """
    _check_levels(levels)
    steps = levels - 1
    return np.asarray((np.floor(saliency.astype(np.float64) * steps + 0.5 + _GUARD) / steps).astype(np.float32))


def _check_levels(levels: int) -> None:
    if isinstance(levels, bool) or not isinstance(levels, int) or not 2 <= levels <= SCALE + 1:
        raise UsageError(f"levels={levels!r}: a map has a whole number of levels from 2 to {SCALE + 1}")


@dataclass(slots=True)
class MapStatistics:
    """Histogram of a map: how often each byte occurs, over all pixels of the grid."""

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    known: int = 0
    """Pixels about which a source said something."""

    def add(self, counts: NDArray[np.int64], known: int) -> None:
        """Add one block."""
        self.counts += counts
        self.known += known

    @property
    def mean(self) -> float:
        """Mean saliency."""
        return int(np.dot(self.counts, np.arange(256))) / (SCALE * self.pixels)

    @property
    def pixels(self) -> int:
        """Pixels counted."""
        return int(self.counts.sum())

    @property
    def coverage(self) -> float:
        """Share of the pixels about which a source said something."""
        return self.known / self.pixels

    def shares(self, ladder: Ladder) -> dict[int, float]:
        """Return the share of each kernel width that a ladder makes of the map."""
        counts = np.zeros(ladder.steps + 1, np.int64)
        saliency = (np.arange(256) / SCALE).astype(np.float32)
        np.add.at(counts, ladder.levels(saliency), self.counts)
        return {width: int(n) / self.pixels for width, n in zip(ladder.widths, counts, strict=True) if n}


def write_saliency_map(
    sources: Sequence[str],
    output: str,
    like: str,
    *,
    levels: int | None = None,
    preview: str | None = None,
    palette: str | None = None,
    progress: ProgressCallback | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Write the saliency of a scene as a uint8 raster on the scene's grid, block by block.

    Parameters
    ----------
    sources
        See `saliency` of `geosal.Recipe`.
    output
        ``.tif`` makes a COG, ``.jp2`` a JPEG2000, ``.zarr`` a Zarr store, ``.png`` a PNG; the codec must
        be lossless.
    like
        The scene whose grid the map gets.
    levels
        Number of values to reduce the map to, see `to_levels`; None keeps all.
    preview, palette
        Path of a PNG of the map over the scene, and its colours: ``viridis`` (the default), ``magma`` or
        ``jet``.
    progress
        Called in this thread after each block and at each stage.
    **options
        Fields of `geosal.Recipe`: ``combine``, ``outside``, ``block``, ``overwrite``, ``drivers`` …; ``steps`` is that
        of the ladder whose kernel shares are returned.

    Returns
    -------
    dict
        JSON-ready: output, driver, profile, bytes, width, height, mean (of the saliency), coverage, levels, ladder,
        kernel_shares and effective_kernel (equation 3) over all pixels, as a job with this map would have them, and
        preview, the result of `geosal.maps.preview.write_preview`, or None.

    Raises
    ------
    GeosalError
        A subclass and its message say why. Then no map exists under that name, or the old one is untouched; only if the
        disk refuses the picture, which takes its name last, the new map is already there.

    Warns
    -----
    GeosalWarning
        The saliency is so high that little can be gained.
    """
    recipe = _recipe(sources, output, like, levels, options)
    preview = None if preview is None else path_text("preview", preview)
    _check_files(recipe, preview, palette)
    # Quality bands alone make a map, and an area of interest none at all.
    scene = open_input(like, recipe.reading, partial=True)
    saliency = saliency_of(recipe, scene)
    layout = _layout(scene, saliency, levels)
    profile = _profile(recipe, layout)
    statistics, made = MapStatistics(), _Map(saliency, levels)
    picture = None if preview is None else draw(scene, made, palette=palette or USUAL, workers=recipe.workers)
    blocks = list(scene.grid.blocks(recipe.block or BLOCK))
    finished = produce(
        target_for(output, profile, layout, overwrite=recipe.overwrite),
        Labour(stage="saliency", task=made, blocks=blocks, workers=recipe.workers),
        take=lambda facts: statistics.add(*facts),
        tags=lambda: (provenance.of_map_pixels(statistics.mean), None),
        report=progress or ignore,
    )
    told = None if picture is None else _write_picture(picture, str(preview), recipe)
    shares = statistics.shares(recipe.ladder)
    if not saliency.even:
        warn_of_little_gain(output, shares, statistics.mean, saliency.untried)
    return {
        "output": output,
        "driver": profile.driver,
        "profile": profile.name,
        "bytes": store_bytes(finished),
        "width": scene.grid.width,
        "height": scene.grid.height,
        "mean": statistics.mean,
        "coverage": statistics.coverage,
        "levels": levels,
        "ladder": {"steps": recipe.ladder.steps, "sigma": recipe.ladder.sigma},
        "kernel_shares": {str(width): share for width, share in shares.items()},
        "effective_kernel": effective_kernel(shares),
        "preview": told,
    }


def _recipe(sources: Sequence[str], output: str, like: str, levels: int | None, options: Mapping[str, Any]) -> Recipe:
    """Make a recipe; options that do not apply to a map are refused."""
    if levels is not None:
        _check_levels(levels)
    refuse_unknown(options, OPTIONS, "means nothing for a saliency map")
    return Recipe.from_mapping({"input": like, "output": output, "saliency": list(sources), **options})


def _profile(recipe: Recipe, layout: RasterLayout) -> Profile:
    profile = resolve_profile(recipe.output, recipe.profile, dict(recipe.creation_options), layout)
    if not profile.lossless:
        raise UsageError(f"profile {profile.name}: a saliency map must keep its values; use a lossless one")
    return profile


def _write_picture(picture: Preview, path: str, recipe: Recipe) -> dict[str, Any]:
    try:
        return picture.write(path, overwrite=recipe.overwrite)
    except OutputError as error:
        raise OutputError(f"{error}; the map itself is complete and stays: {recipe.output}") from error


def _check_files(recipe: Recipe, preview: str | None, palette: str | None) -> None:
    """Refuse outputs that cannot be written, or would replace an input."""
    inputs = inputs_of(recipe)
    check_output(
        recipe.output, overwrite=recipe.overwrite, inputs=inputs, with_world_file=has_world_file(recipe.output)
    )
    if preview is not None:
        if Path(preview).resolve() == Path(recipe.output).resolve():
            raise UsageError(f"preview {preview}: is the name of the map as well; give one of them another")
        check_preview(preview, overwrite=recipe.overwrite, palette=palette or USUAL, inputs=[*inputs, recipe.output])
    elif palette is not None:
        raise UsageError(f"palette={palette}: colours a preview, and none is asked for; add preview (--preview PNG)")


def _layout(scene: AnyScene, saliency: Saliency, levels: int | None) -> RasterLayout:
    of_scene = scene.layout.metadata
    tags = provenance.of_a_map(saliency.label, SCALE, levels)
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
