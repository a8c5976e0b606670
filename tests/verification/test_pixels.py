"""Samples that differ are counted and the first is named, whatever the blocks."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from geosal.core.grid import Block, Grid
from geosal.core.ladder import Ladder
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata, Samples
from geosal.sources import open_saliency
from geosal.verification import pixels as room

SHAPE = 2, 50, 70
GRID = Grid(None, Affine.identity(), *SHAPE[1:])
LAYOUT = RasterLayout(
    grid=GRID,
    dtype="uint16",
    nodata=None,
    has_mask=True,
    metadata=RasterMetadata(bands=(BandMetadata(colorinterp=ColorInterp.gray),) * 2),
)


@dataclass
class Held:
    """A scene in memory."""

    pixels: NDArray[Any]
    valid: NDArray[np.bool_]
    mask: NDArray[np.bool_]
    layout: RasterLayout = LAYOUT
    grid: Grid = GRID

    def read(self, block: Block) -> Samples:
        inside = block.slices_in(GRID.whole())
        return Samples(self.pixels[:, *inside], self.valid[:, *inside], self.mask[inside])

    def read_mask(self, block: Block) -> NDArray[np.bool_]:
        return self.mask[block.slices_in(GRID.whole())]


@pytest.fixture
def scene() -> Held:
    rng = np.random.default_rng(0)
    valid = rng.random(SHAPE) < 0.8
    return Held(rng.integers(0, 4000, SHAPE, np.uint16), valid, valid.any(axis=0))


@pytest.fixture(params=[16, 1024], autouse=True)
def _block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_BLOCK", request.param)


def told(differs: NDArray[np.bool_], what: str) -> str:
    """What is to be said of samples that differ; the first is that of the first block."""
    places = np.argwhere(differs)
    order = np.lexsort((*places.T[::-1], places[:, 2] // room._BLOCK, places[:, 1] // room._BLOCK))
    band, row, col = places[order[0]]
    return f"{len(places):,} {what}, the first at band {band + 1}, row {row}, column {col}"


def test_samples_that_changed_are_counted_by_what_they_are(scene: Held) -> None:
    rng = np.random.default_rng(1)
    changed, turned = rng.random(SHAPE) < 0.02, rng.random(SHAPE) < 0.01
    found = replace(scene, pixels=scene.pixels + changed.astype(np.uint16), valid=scene.valid ^ turned)
    saliency = open_saliency(["half"], GRID)
    kept = np.broadcast_to(saliency.read(GRID.whole()) == 1, SHAPE)
    invalid, salient = room.check_pixels(found, scene, saliency, Ladder())  # type: ignore[arg-type]
    assert invalid.detail == "; ".join((
        told(changed & ~scene.valid, "invalid samples changed"),
        told(turned, "samples changed between valid and invalid"),
    ))  # fmt: skip
    assert salient.detail == told(changed & kept, "samples of saliency 1 changed")
    assert all(check.ok for check in room.check_pixels(scene, scene, saliency, Ladder()))  # type: ignore[arg-type]


def test_errors_are_held_to_those_of_their_levels(scene: Held) -> None:
    off = np.random.default_rng(2).integers(0, 12, SHAPE)
    found = replace(scene, pixels=scene.pixels + off.astype(np.uint16))
    saliency, ladder = open_saliency(["grid"], GRID), Ladder()
    levels = np.broadcast_to(ladder.levels(saliency.read(GRID.whole())), SHAPE)
    errors = [3.0, *[9.0] * 4, *[10.0] * 4]
    checks = room.check_errors(found, scene, saliency, ladder, errors, smoothed=False)  # type: ignore[arg-type]
    beyond = (off > np.array(errors)[levels]) & scene.valid
    assert checks["salient"].detail == told(beyond & (levels == 0), "valid samples of saliency 1 changed")
    worst = off[scene.valid & (levels > 0)].max()
    assert checks["bound"].detail == told(
        beyond & (levels > 0), f"samples off by more than the level allows, up to {worst}"
    )


def test_a_bound_tells_from_which_pixels_it_is_measured(scene: Held) -> None:
    saliency, ladder = open_saliency(["half"], GRID), Ladder()
    errors = [0.0, *[9999.0] * 8]
    plain, smoothed = (
        room.check_errors(scene, scene, saliency, ladder, errors, smoothed=smoothed)["bound"]  # type: ignore[arg-type]
        for smoothed in (False, True)
    )
    assert plain.detail == "no sample is off by more than its level allows, at most 0"
    assert smoothed.detail.endswith("from the scene smoothed again; against the scene itself nothing is bounded")


def test_masks_are_compared_pixel_by_pixel(scene: Held) -> None:
    turned = np.random.default_rng(3).random(SHAPE[1:]) < 0.01
    found = replace(scene, mask=scene.mask ^ turned)
    assert room.check_mask(found, scene).detail == told(turned[None], "pixels of the mask changed")  # type: ignore[arg-type]
    emptied = replace(scene, valid=scene.valid & ~turned)
    gone = scene.valid.any(axis=0) & turned
    check = room.check_validity(emptied, scene)  # type: ignore[arg-type]
    assert check.detail == told(gone[None], "pixels changed between valid and invalid")
