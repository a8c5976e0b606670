"""Digests of tiles."""

import hashlib

import numpy as np
import pytest
from rasters import PLACE

from geosal.core.grid import Grid
from geosal.seals.bitmaps import unpack
from geosal.seals.tiles import SIDE, digest_of, digest_where, leaf_of, seal_tiles

SHAPE = (600, 700)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 60000, (2, *SHAPE), np.uint16)


@pytest.fixture(scope="module")
def salient(pixels: np.ndarray) -> np.ndarray:
    found = pixels[0] > 30000
    found[:SIDE, :SIDE] = True
    found[SIDE:, SIDE:] = False
    return found


def test_digests_are_those_of_the_samples_in_their_order(pixels: np.ndarray, salient: np.ndarray) -> None:
    expected = hashlib.sha256(b"".join(band[salient].astype("<u2").tobytes() for band in pixels)).digest()
    assert digest_where(pixels, None, salient) == expected
    assert digest_of(pixels) == hashlib.sha256(pixels.astype("<u2").tobytes()).digest()
    assert digest_of(pixels.astype(">u2")) == digest_of(pixels)
    assert digest_where(np.moveaxis(np.moveaxis(pixels, 0, -1).copy(), -1, 0), None, salient) == expected


def test_validity_counts_where_it_matters(pixels: np.ndarray, salient: np.ndarray) -> None:
    valid = np.ones(pixels.shape, np.bool_)
    valid[1, ~salient] = False
    plain = digest_where(pixels, None, salient)
    assert digest_where(pixels, valid, salient) == plain
    valid[1, 0, 0] = False
    assert digest_where(pixels, valid, salient) != plain


def test_blocks_do_not_show(pixels: np.ndarray, salient: np.ndarray) -> None:
    grid = Grid("EPSG:32631", PLACE["transform"], *SHAPE)
    (whole,) = grid.blocks(1024)
    at_once = seal_tiles(whole, pixels, None, salient, whole=True)
    by_block = [
        tile
        for block in grid.blocks(SIDE)
        for tile in seal_tiles(
            block, pixels[:, *block.slices_in(whole)], None, salient[block.slices_in(whole)], whole=True
        )
    ]
    assert [*at_once] == by_block
    assert [(tile.row, tile.col) for tile in at_once] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert len(at_once[0].bitmap) == 1  # all of it
    assert at_once[3].bitmap == b""  # nothing
    for tile in at_once:
        shape = (min(SIDE, 600 - tile.row * SIDE), min(SIDE, 700 - tile.col * SIDE))
        top, left = tile.row * SIDE, tile.col * SIDE
        which = unpack(tile.bitmap, shape)
        np.testing.assert_array_equal(which, salient[top : top + SIDE, left : left + SIDE])
        assert tile.leaf == leaf_of(which, tile.salient, tile.whole)


def test_without_the_background_only_what_matters_counts(pixels: np.ndarray, salient: np.ndarray) -> None:
    (block,) = Grid(None, PLACE["transform"], *SHAPE).blocks(1024)
    changed = np.where(salient, pixels, 7)
    tiles = [seal_tiles(block, each, None, salient, whole=False) for each in (pixels, changed)]
    assert tiles[0] == tiles[1]
    assert {tile.whole for tile in tiles[0]} == {b""}
    assert seal_tiles(block, changed, None, salient, whole=True)[1].salient == tiles[0][1].salient
