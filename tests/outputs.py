"""Files as geosal writes them, by stage and conversion, with a defect where one is wished."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray

from geosal.core.grid import Block
from geosal.core.ladder import Ladder
from geosal.formats.gdal.convert import convert
from geosal.formats.gdal.stage import Stage
from geosal.formats.profiles import resolve_profile
from geosal.job.proof import verify
from geosal.scenes import Scene
from geosal.smoothing.block import SampleRules, smooth_block
from geosal.sources import Saliency, open_saliency

SHAPE = 520, 780
PROVENANCE = {
    "GEOSAL_VERSION": "0.1.0",
    "GEOSAL_TREATMENT": "smooth",
    "GEOSAL_LADDER": "steps=8 sigma=opencv",
    "GEOSAL_EFFECTIVE_KERNEL": "9.0",
    "GEOSAL_SALIENCY": "half",
}
AS_IT_WAS = PROVENANCE | {"GEOSAL_SALIENCY": "uniform:saliency=1"}
Change = Callable[[NDArray[Any], NDArray[np.bool_]], None]


def write_source(path: Path, pixels: NDArray[Any], **options: Any) -> Path:
    profile = {
        "driver": "GTiff", "width": SHAPE[1], "height": SHAPE[0], "count": len(pixels), "dtype": pixels.dtype.name,
        "crs": "EPSG:32617", "transform": Affine(10, 0, 5e5, 0, -10, 4e6), "compress": "zstd", **options,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.update_tags(SCENE="S2A")
        dataset.update_tags(ns="ACQUISITION", CLOUDS="5")
        dataset.descriptions = [f"B{band}" for band in dataset.indexes]
        for band in dataset.indexes:
            dataset.update_tags(band, WAVELENGTH=str(band))
        dataset.write(pixels)
    return path


def saliency_of(source: Path) -> Saliency:
    return open_saliency(["half"], Scene.open(str(source)).grid)


def make(
    source: Path, output: Path, *, profile: str | None = None, change: Change | None = None, **replaced: Any
) -> Path:
    """Write what geosal would write; `change` plants a defect in the pixels, `replaced` one in the layout."""
    if change is not None or replaced:
        return make_anew(source, output, profile, change, **replaced)
    good = make_good(source, output.suffix, profile)
    for file in good.parent.iterdir():
        shutil.copy(file, output.with_name(output.name + file.name.removeprefix(good.name)))
    return output


@cache
def make_good(source: Path, suffix: str, profile: str | None) -> Path:
    """Write what geosal would write, once, into a folder beside its source."""
    folder = source.parent / f"good-{profile}{suffix}"
    folder.mkdir()
    return make_anew(source, folder / f"good{suffix}", profile)


def make_anew(
    source: Path, output: Path, profile: str | None = None, change: Change | None = None, **replaced: Any
) -> Path:
    """Write it now."""
    scene = Scene.open(str(source))
    layout = scene.layout
    chosen = resolve_profile(str(output), profile, {}, layout)
    fields = {name: replaced.get(name, getattr(layout, name)) for name in ("grid", "dtype", "nodata", "metadata")}
    layout = type(layout)(has_mask=replaced.get("has_mask", chosen.needs_mask(layout)), **fields)
    whole = scene.grid.whole()
    pixels, valid, _ = scene.read(whole)
    levels = Ladder().levels(saliency_of(source).read(whole))
    pixels = smooth_block(pixels, levels, valid, Ladder(), SampleRules(scene.layout.nodata, scene.layout.alpha))
    salient = levels == 0
    if change is not None:
        change(pixels, salient & valid.all(axis=0))
    stage_path = output.with_name("stage.tif")
    with Stage(stage_path, layout) as stage:
        stage.write(Block(0, 0, *SHAPE), pixels, np.asarray(valid.any(axis=0)) if layout.has_mask else None)
        stage.finish(replaced.get("tags", PROVENANCE), None)
    convert(stage_path, output, chosen, layout)
    stage_path.unlink()
    return output


def write(scene: Scene, output: Path, mask: NDArray[np.bool_] | None = None) -> Path:
    """Write a scene as it is, perhaps with another mask."""
    samples = scene.read(scene.grid.whole())
    stage_path = output.with_name("stage.tif")
    with Stage(stage_path, scene.layout) as stage:
        stage.write(scene.grid.whole(), samples.pixels, samples.mask if mask is None else mask)
        stage.finish(AS_IT_WAS, None)
    convert(stage_path, output, resolve_profile(str(output), None, {}, scene.layout), scene.layout)
    stage_path.unlink()
    return output


def failed(output: Path, source: Path | None, *, salient: bool = True) -> dict[str, str]:
    """Names and details of the checks that do not hold."""
    saliency = saliency_of(source) if source is not None and salient else None
    checks = verify(str(output), against=str(source) if source else None, saliency=saliency)
    return {check.name: check.detail for check in checks if not check.ok}
