"""Chunks of any codec are decoded as zarr-python decodes them, in part where they are plain, each once."""

import zipfile
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, BytesCodec, GzipCodec, TransposeCodec, ZstdCodec

from geosal.core import decoded_tiles
from geosal.core.grid import Block
from geosal.core.shared_raster import close_shared_rasters, read_bands
from geosal.core.zarr import chunks, tiling
from geosal.core.zarr.raster import open_zarr
from geosal.errors import SceneError

RNG = np.random.default_rng(11)
PIXELS = np.cumsum(RNG.integers(-9, 10, (3, 70, 90)), axis=2).astype("int16")
DIMS = ("band", "y", "x")
SLASHES = {"name": "v2", "separator": "/"}


def write(path: Path, pixels: np.ndarray = PIXELS, dims: tuple[str, ...] = DIMS, **options: Any) -> str:
    """An array in a group of a store; `options` are those of zarr's create_array."""
    root = zarr.open_group(path, mode="w", zarr_format=options.pop("zarr_format", 3))
    named = {"dimension_names": dims} if root.metadata.zarr_format == 3 else {"attributes": {"_ARRAY_DIMENSIONS": dims}}
    options.setdefault("chunks", (1, 32, 40))
    made = root.create_array("a", shape=pixels.shape, dtype=options.pop("dtype", pixels.dtype), **named, **options)
    made[...] = pixels
    return str(path / "a")


def whole(path: str, bands: tuple[int, ...] = (1, 2, 3)) -> np.ndarray:
    return read_bands(path, bands, Block(0, 0, *open_zarr(path).planes.size), alone=True)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compressors": None},
        {"compressors": BloscCodec(cname="lz4", shuffle="bitshuffle")},
        {"compressors": BloscCodec(cname="zstd"), "chunks": (2, 70, 90)},
        {"compressors": BloscCodec(cname="zstd"), "serializer": BytesCodec(endian="big")},
        {"compressors": GzipCodec(), "filters": [TransposeCodec(order=(2, 1, 0))]},
        {"compressors": [ZstdCodec()], "shards": (3, 64, 80), "chunks": (1, 16, 40)},
        {"zarr_format": 2},
        {"zarr_format": 2, "compressors": None, "order": "F"},
        {"zarr_format": 2, "dtype": ">i2", "compressors": numcodecs.Blosc("zstd", shuffle=2), "chunks": (3, 32, 40)},
        {"zarr_format": 2, "filters": [numcodecs.Delta(dtype="i2")], "chunk_key_encoding": SLASHES},
    ],
    ids=lambda options: "-".join(options) or "default",
)  # fmt: skip
def test_as_zarr_decodes_them(tmp_path: Path, options: dict[str, Any]) -> None:
    path = write(tmp_path / "any.zarr", **options)
    np.testing.assert_array_equal(whole(path), PIXELS)
    np.testing.assert_array_equal(
        read_bands(path, (3, 1), Block(31, 39, 3, 50), alone=True), PIXELS[[2, 0], 31:34, 39:89]
    )


def test_a_large_chunk_is_decoded_strip_by_strip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiling, "_STRIP_BYTES", 10 * 90 * 2)
    path = write(tmp_path / "one.zarr", compressors=BloscCodec(cname="zstd", blocksize=512), chunks=(3, 70, 90))
    raster = open_zarr(path)
    assert (raster.block_shape, raster.tile_bytes) == ((10, 90), 1800)
    asked: list[int] = []
    decode = chunks.blosc_part
    monkeypatch.setattr(
        chunks, "blosc_part", lambda span, first, *rest: asked.append(first) or decode(span, first, *rest)
    )
    for row in range(0, 70, 14):
        block = Block(row, 0, 14, 90)
        np.testing.assert_array_equal(read_bands(path, (2,), block, alone=True)[0], PIXELS[1, row : row + 14])
    assert sorted(asked) == [(70 + row) * 180 for row in range(0, 70, 10)]  # each strip once
    close_shared_rasters()


@pytest.mark.parametrize("how", ["one block of all bands", "one block of a band", "deflated in a zip", "zstd"])
def test_a_chunk_without_parts_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(tiling, "_STRIP_BYTES", 10 * 90 * 2)
    monkeypatch.setattr(decoded_tiles, "TILE_CACHE_BYTES", 0)
    of_blosc = BloscCodec(cname="zstd", blocksize=512 if "zip" in how else 2**20)
    several = how == "one block of all bands"
    path = write(
        tmp_path / "one.zarr",
        compressors=ZstdCodec() if how == "zstd" else of_blosc,
        chunks=(3 if several else 1, 70, 90),
    )
    if "zip" in how:
        path = deflated(tmp_path / "one.zarr") + "/a"
    raster, size = open_zarr(path), 70 * 90 * 2
    assert (raster.block_shape, raster.tile_bytes) == ((70, 90), 3 * size if several else size)
    assert (raster.kept_bytes((1, 3)), raster.kept_bytes((2,))) == (
        (3 * size, 3 * size) if several else (2 * size, size)
    )
    calls: list[object] = []
    for name in ("whole", "strip"):
        decode = getattr(chunks.ZarrTiles, name)
        monkeypatch.setattr(
            chunks.ZarrTiles, name, lambda *args, decode=decode: calls.append(args[1:]) or decode(*args)
        )
    for row in range(0, 70, 14):
        block = Block(row, 0, 14, 90)
        np.testing.assert_array_equal(read_bands(path, (1, 2, 3), block, alone=True), PIXELS[:, row : row + 14])
    assert len(calls) == (1 if several else 3)
    close_shared_rasters()


def deflated(store: Path) -> str:
    bundle = store.with_suffix(".zarr.zip")
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as file:
        for each in sorted(store.rglob("*")):
            file.write(each, str(each.relative_to(store)))
    return str(bundle)


@pytest.mark.parametrize("compressors", [BloscCodec(), ZstdCodec()])
def test_a_chunk_that_was_written_anew(tmp_path: Path, compressors: Any) -> None:
    path = write(tmp_path / "anew.zarr", compressors=compressors)
    np.testing.assert_array_equal(whole(path), PIXELS)
    zarr.open_array(path)[0, :5] = 77
    expected = PIXELS.copy()
    expected[0, :5] = 77
    np.testing.assert_array_equal(whole(path), expected)
    close_shared_rasters()


def test_a_missing_chunk_is_full_of_the_fill_value(tmp_path: Path) -> None:
    path = write(tmp_path / "sparse.zarr", fill_value=-7, compressors=BloscCodec())
    (tmp_path / "sparse.zarr/a/c/1/2/2").unlink()
    found = whole(path)
    assert (found[1, 64:, 80:] == -7).all()
    found[1, 64:, 80:] = PIXELS[1, 64:, 80:]
    np.testing.assert_array_equal(found, PIXELS)


@pytest.mark.parametrize("compressors", [BloscCodec(), ZstdCodec(), None])
@pytest.mark.parametrize("how", ["empty", "cut off", "noise"])
def test_a_damaged_chunk_is_named(tmp_path: Path, how: str, compressors: Any) -> None:
    path = write(tmp_path / "bad.zarr", compressors=compressors)
    chunk = tmp_path / "bad.zarr/a/c/1/0/1"
    content = chunk.read_bytes()
    if (how, compressors) == ("noise", None):
        pytest.skip("any bytes are samples there")
    chunk.write_bytes({"empty": b"", "cut off": content[:-9], "noise": bytes(range(256)) * 4}[how])
    with pytest.raises(SceneError, match="a/c/1/0/1 cannot be read .*; the store is damaged, copy it again") as caught:
        whole(path)
    assert "\n" not in str(caught.value)
    np.testing.assert_array_equal(whole(path, (1, 3)), PIXELS[[0, 2]])


@pytest.mark.parametrize("compressors", [BloscCodec(), ZstdCodec()])
def test_a_link_out_of_the_store(tmp_path: Path, compressors: Any) -> None:
    path = write(tmp_path / "link.zarr", compressors=compressors)
    chunk = tmp_path / "link.zarr/a/c/0/0/0"
    chunk.rename(tmp_path / "elsewhere")
    chunk.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SceneError, match="leads out of the store"):
        whole(path)
