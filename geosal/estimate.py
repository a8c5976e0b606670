"""How many bytes a plan's output will have, from a sample that is really smoothed and really encoded."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from affine import Affine

from geosal.grid import Block, Grid
from geosal.pipeline import task_of
from geosal.plan import Plan
from geosal.scenes.zarr_store import store_bytes
from geosal.writers.sink import open_sink

_TILE = 512
_ACROSS = 4


def estimate_bytes(plan: Plan) -> int:
    """Estimate the size of the output file: 4 x 4 tiles spread over the scene are smoothed and encoded.

    Scenes not larger than the sample are encoded whole.

    Returns
    -------
    int
        Bytes; header and metadata are not counted.

    Raises
    ------
    GeosalError
        As `geosal.compress`, for the part of the scene that is read.
    """
    grid = plan.layout.grid
    side = _TILE * _ACROSS
    shape = (min(side, grid.height), min(side, grid.width))
    task = task_of(plan)
    layout = replace(plan.layout, grid=Grid(None, Affine.identity(), *shape))
    with tempfile.TemporaryDirectory(prefix="geosal-") as folder:
        encoded = Path(folder) / f"sample{Path(plan.recipe.output).suffix}"
        with open_sink(encoded, plan.profile, layout, plan.target.encoder) as sink:
            for target in layout.grid.blocks(_TILE):
                result = task(_spread(target, shape, grid.shape))
                sink.take(sink.cutter.cut(target, result.pixels, result.mask if layout.has_mask else None))
            sink.finish({}, None)
        per_pixel = store_bytes(encoded) / (shape[0] * shape[1])
    return round(per_pixel * grid.height * grid.width)


def _spread(target: Block, sample: tuple[int, int], scene: tuple[int, int]) -> Block:
    """Find the block of the scene that stands for a tile of the sample: the same places, drawn apart."""
    offsets = [
        int(np.floor((offset + length / 2) / of * whole - length / 2))
        for offset, length, of, whole in zip((target.row_off, target.col_off), target.shape, sample, scene, strict=True)
    ]
    return Block(max(0, offsets[0]), max(0, offsets[1]), *target.shape)
