"""Tiles of JPEG 2000 are decoded once, by whichever thread comes first, and to the bits that GDAL decodes."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio

import geosal
from geosal.core import decoded_tiles
from geosal.core.gdal_env import gdal_env
from geosal.core.grid import Block, Grid
from geosal.core.jpeg2000 import TilePlaces
from geosal.core.shared_raster import close_shared_rasters, read_bands
from geosal.errors import SceneError
from geosal.scenes.raster import Scene

HEIGHT, WIDTH, TILE = 700, 613, 128
ALL = 6 * 5
"""Tiles of the image."""
ROW = 5 * 3 * TILE**2
"""Bytes of a row of them."""
LOSSLESS = {"reversible": "YES", "quality": "100"}
LOSSY = {"reversible": "NO", "quality": "20"}


def write(path: Path, dtype: str = "uint8", count: int = 3, **options: object) -> str:
    rng = np.random.default_rng(6)
    levels = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) / 8 + rng.normal(0, 4, (count, HEIGHT, WIDTH))
    profile = {"driver": "JP2OpenJPEG", "width": WIDTH, "height": HEIGHT, "count": count, "dtype": dtype}
    options = {
        "blockxsize": TILE,
        "blockysize": TILE,
        "crs": "EPSG:32631",
        "transform": (10, 0, 5e5, 0, -10, 5e6),
    } | options
    with rasterio.open(path, "w", **profile, **options) as dataset:
        dataset.write(np.clip(levels, 0, 255).astype(dtype) * (1 if dtype == "uint8" else 37))
    return str(path)


def by_gdal(path: str) -> np.ndarray:
    with gdal_env(), rasterio.open(path) as dataset:
        return np.asarray(dataset.read())


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[bytes]]:
    """Count how often each codestream is decoded, of a process that has no tiles yet."""
    close_shared_rasters()
    counts: Counter[bytes] = Counter()
    decode = decoded_tiles.decode

    def counted(stream: bytes) -> np.ndarray:
        counts[stream] += 1
        return decode(stream)

    monkeypatch.setattr(decoded_tiles, "decode", counted)
    yield counts
    close_shared_rasters()


@pytest.fixture(scope="module")
def tiled(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(tmp_path_factory.mktemp("tiled") / "a.jp2", **LOSSLESS)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(
    "options",
    [
        LOSSLESS,
        LOSSY,
        LOSSY | {"quality": "5,20,50"},
        LOSSLESS | {"blockxsize": 96, "blockysize": 200},
        LOSSLESS | {"progression": "RPCL", "precincts": "{64,64},{32,32}", "tileparts": "RESOLUTIONS"},
        LOSSLESS | {"codeblock_width": 4, "codeblock_height": 4, "precincts": "{64,64}", "sop": "YES", "eph": "YES"},
    ],
)
def test_samples_are_those_of_gdal(
    tmp_path: Path, decoded: Counter[bytes], dtype: str, options: dict[str, object]
) -> None:
    path = write(tmp_path / "a.jp2", dtype, **options)
    expected = by_gdal(path)
    for block in (Block(0, 0, HEIGHT, WIDTH), Block(127, 100, 2, 300), Block(699, 612, 1, 1)):
        rows, cols = slice(block.row_off, block.row_stop), slice(block.col_off, block.col_stop)
        found = read_bands(path, (3, 1), block)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, expected[[2, 0], rows, cols])
    assert set(decoded.values()) == {1}


@pytest.mark.parametrize("size", [TILE, 2 * TILE, 100])
@pytest.mark.parametrize("workers", [1, 3])
def test_each_tile_is_decoded_once(
    tiled: str, decoded: Counter[bytes], monkeypatch: pytest.MonkeyPatch, size: int, workers: int
) -> None:
    """Blocks with halos, row by row, with room for the rows of tiles in work and one more."""
    monkeypatch.setattr(decoded_tiles, "TILE_CACHE_BYTES", 4 * ROW)
    monkeypatch.setattr(decoded_tiles, "_BORDER", 16)
    shape, expected = (HEIGHT, WIDTH), by_gdal(tiled)
    outer = [block.expand(16, shape) for block in Grid(None, rasterio.Affine.identity(), *shape).blocks(size)]
    with ThreadPoolExecutor(workers) as pool:
        for block, found in zip(outer, pool.map(lambda block: read_bands(tiled, (1, 2, 3), block), outer), strict=True):
            rows, cols = slice(block.row_off, block.row_stop), slice(block.col_off, block.col_stop)
            np.testing.assert_array_equal(found, expected[:, rows, cols])
    assert len(decoded) == ALL
    assert set(decoded.values()) == {1}


@pytest.mark.parametrize("workers", [1, 3])
def test_tiles_of_a_sample_leave_room_for_the_work(
    tmp_path: Path, decoded: Counter[bytes], monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """Two files, and pieces all over the first that nothing has read to its end, fill what may be kept."""
    monkeypatch.setattr(decoded_tiles, "TILE_CACHE_BYTES", 6 * ROW)
    monkeypatch.setattr(decoded_tiles, "_BORDER", 16)
    first, second = write(tmp_path / "a.jp2", **LOSSLESS), write(tmp_path / "b.jp2", **LOSSY)
    shape = (HEIGHT, WIDTH)
    places = TilePlaces.of(first)
    for number in range(ALL):
        block = places.sizes.block(number)
        read_bands(first, (1,), Block(block.row_off + 30, block.col_off + 30, 10, 10))
    outer = [block.expand(16, shape) for block in Grid(None, rasterio.Affine.identity(), *shape).blocks(TILE)]
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda block: [read_bands(path, (1, 2, 3), block) for path in (first, second)], outer))
    assert len(decoded) == 2 * ALL
    assert sum(decoded.values()) <= 3 * ALL  # each once; those of the sample that had to go, once more


def test_threads_that_want_one_tile_wait_for_it(tiled: str, decoded: Counter[bytes]) -> None:
    barrier = threading.Barrier(4)

    def read(_: int) -> np.ndarray:
        barrier.wait()
        return read_bands(tiled, (1,), Block(0, 0, 200, 200))

    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(read, range(4))
    assert all(np.array_equal(first, other) for other in others)
    assert list(decoded.values()) == [1] * 4


def test_what_is_kept_is_bounded_in_any_order(
    tiled: str, decoded: Counter[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 2 * ROW
    monkeypatch.setattr(decoded_tiles, "TILE_CACHE_BYTES", limit)
    expected, order = by_gdal(tiled), random.Random(1)
    for _ in range(300):
        row, col = order.randrange(HEIGHT - 90), order.randrange(WIDTH - 90)
        found = read_bands(tiled, (2,), Block(row, col, 90, 90))
        np.testing.assert_array_equal(found[0], expected[1, row : row + 90, col : col + 90])
        assert sum(tile.size for tile in decoded_tiles._cache._tiles.values()) <= limit
    assert sum(decoded.values()) > ALL
    close_shared_rasters()
    assert not decoded_tiles._cache._tiles


@pytest.mark.parametrize("options", [LOSSLESS, LOSSY])
@pytest.mark.parametrize("threads", [None, "ALL_CPUS"])
def test_a_damaged_tile_is_an_error_never_zeros(
    tmp_path: Path, options: dict[str, object], threads: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if threads:
        monkeypatch.setenv("GDAL_NUM_THREADS", threads)
    path = write(tmp_path / "a.jp2", **options)
    whole = Scene.open(path).read(Block(0, 0, TILE, TILE)).pixels
    begin, length = TilePlaces.of(path).parts[7][0]
    text = bytearray(Path(path).read_bytes())
    text[begin + 14 : begin + length] = b"\xff" * (length - 14)
    Path(path).write_bytes(text)
    scene = Scene.open(path)
    np.testing.assert_array_equal(scene.read(Block(0, 0, TILE, TILE)).pixels, whole)
    for _ in range(2):
        with pytest.raises(SceneError, match="damaged or cut off"):
            scene.read(Block(TILE, 2 * TILE - 1, TILE, 2))


def test_workers_change_nothing(tiled: str, tmp_path: Path, decoded: Counter[bytes]) -> None:
    made = []
    for workers in (1, 3):
        path = tmp_path / f"{workers}.tif"
        geosal.compress(
            tiled, path, saliency="perlin", workers=workers, block=256, creation_options={"BLOCKSIZE": "256"}
        )
        made.append(by_gdal(str(path)))
    np.testing.assert_array_equal(*made)
    assert len(decoded) == ALL


@pytest.mark.parametrize(
    "options",
    [
        {"driver": "GTiff", "blockxsize": 128, "blockysize": 128, "tiled": True},
        LOSSLESS | {"blockxsize": 1024, "blockysize": 1024},
        LOSSLESS | {"dtype": "int16"},
    ],
)
def test_what_is_left_to_gdal(tmp_path: Path, decoded: Counter[bytes], options: dict[str, object]) -> None:
    path = str(tmp_path / "a")
    profile = {"driver": "JP2OpenJPEG", "width": WIDTH, "height": HEIGHT, "count": 1, "dtype": "uint8"}
    pixels = np.arange(HEIGHT * WIDTH).reshape(1, HEIGHT, WIDTH) % 251
    profile = profile | {"blockxsize": TILE, "blockysize": TILE} | options
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(pixels.astype(profile["dtype"]))
    np.testing.assert_array_equal(read_bands(path, (1,), Block(0, 0, HEIGHT, WIDTH)), pixels)
    assert not decoded
