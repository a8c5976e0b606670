"""What all containers share: which tiles are refused, and that our own fault is never blamed on the disk."""

from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from geosal.core.grid import Grid
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.errors import OutputError
from geosal.formats.container import Container, TileIndex
from geosal.formats.encoders import tile_encoder
from geosal.formats.format import ByGdal
from geosal.formats.profiles import resolve_profile
from geosal.formats.pyramid import Cutter, Tile

SIDE = 1500
"""Pixels: several tiles of each format, and an overview in those whose overviews are tiles."""
OUTPUTS = ("a.tif", "a.jp2", "a.zarr", "a.jpg")


def opened(folder: Path, name: str) -> tuple[Container, list[Tile]]:
    grid = Grid(None, Affine(10, 0, 600000, 0, -10, 5200000), SIDE, SIDE)
    metadata = RasterMetadata(bands=(BandMetadata(),))
    layout = RasterLayout(grid=grid, dtype="uint8", nodata=None, has_mask=False, metadata=metadata)
    profile = resolve_profile(name, None, {}, layout)
    encoder = tile_encoder(profile, layout)
    assert not isinstance(encoder, ByGdal)
    pixels = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE), dtype=np.uint8)
    tiles = Cutter.of(encoder, layout).cut(grid.whole(), pixels, None).tiles
    return profile.format.container(folder / name, profile, layout, encoder, None), list(tiles)


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_tile_that_comes_twice_or_has_no_place_is_our_fault(name: str, tmp_path: Path) -> None:
    container, tiles = opened(tmp_path, name)
    first = tiles[0]
    wrong = (first, first._replace(row=70), first._replace(col=-1), first._replace(level=9), first._replace(level=-1))
    with container:
        container.append(first)
        for tile in wrong:
            with pytest.raises(OutputError, match="came twice or has no place; report this as a fault of geosal") as it:
                container.append(tile)
            assert str(it.value).startswith(f"{name}: tile {tile.col}, {tile.row} of level {tile.level} ")
            assert "room" not in str(it.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_tile_that_is_missing_is_our_fault(name: str, tmp_path: Path) -> None:
    container, tiles = opened(tmp_path, name)
    missing = max(tiles, key=lambda tile: (-tile.level, tile.row, tile.col))
    told = f"1 of {len(tiles)} tiles are missing, the first is {missing.col}, {missing.row} of level 0; report this as"
    with container:
        for tile in tiles:
            if tile is not missing:
                container.append(tile)
        with pytest.raises(OutputError, match=told) as it:
            container.finish({}, None)
    assert "room" not in str(it.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", OUTPUTS)
def test_it_is_used_in_a_with_statement_and_finished_once(name: str, tmp_path: Path) -> None:
    container, tiles = opened(tmp_path, name)
    with pytest.raises(OutputError, match="is not open"):
        container.append(tiles[0])
    with container:
        for tile in tiles:
            container.append(tile)
        container.finish({}, None)
        with pytest.raises(OutputError, match="is not open"):
            container.finish({}, None)
    with pytest.raises(OutputError, match="is not open"):
        container.append(tiles[0])
    assert (tmp_path / name).exists()


@pytest.mark.parametrize("name", OUTPUTS)
def test_what_an_exception_leaves_is_deleted(name: str, tmp_path: Path) -> None:
    container, tiles = opened(tmp_path, name)
    with pytest.raises(KeyboardInterrupt), container:  # noqa: PT012
        container.append(tiles[0])
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_name_that_is_taken_stays(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    container, _ = opened(tmp_path, name)
    with pytest.raises(OutputError, match="File exists"), container:
        pass
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_tiles_are_numbered_row_by_row() -> None:
    index = TileIndex([(5, 7), (3, 4)], 2)
    assert index.counts == [(3, 4), (2, 2)]
    assert index.take(Tile(0, 2, 1, ())) == 9
    assert index.take(Tile(1, 1, 0, ())) == 2
    with pytest.raises(ValueError, match="14 of 16 tiles are missing, the first is 0, 0 of level 0"):
        index.refuse_missing()
