"""Chunks are what zarr-python would have made: its own pipeline, told the same codecs, reads them."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import zarr
from numpy.typing import NDArray
from stores import layout_of

from geosal.formats.format import Profile
from geosal.formats.table import PROFILES, format_of
from geosal.formats.zarr.tiles import TILE, ZarrEncoder, zarr_encoder
from geosal.scenes.raster import DTYPES

RNG = np.random.default_rng(3)
BLOSC_TYPESIZE = 3
"""Position in a Blosc header."""


def noise(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    return RNG.integers(0, 250, shape).astype(dtype)


def read_by_zarr(directory: Path, encoder: ZarrEncoder, chunk: bytes, dtype: str) -> NDArray[Any]:
    side = encoder.tile
    serializer, compressor = encoder.codecs(dtype)
    array = zarr.create_array(
        str(directory), shape=(side, side), chunks=(side, side), dtype=dtype, serializer=serializer,
        compressors=[compressor], zarr_format=3, fill_value=7,
    )  # fmt: skip
    assert array.metadata.to_dict()["codecs"] == tuple(encoder.codecs(dtype))
    (directory / "c" / "0").mkdir(parents=True)
    (directory / "c" / "0" / "0").write_bytes(chunk)
    return np.asarray(array[:])


@pytest.mark.parametrize("dtype", DTYPES)
def test_zarr_python_reads_a_chunk_by_the_codecs_we_name(tmp_path: Path, dtype: str) -> None:
    encoder = ZarrEncoder(fill=9, tile=32)
    pixels = noise((2, 20, 32), dtype)
    for band, chunk in zip(pixels, encoder(pixels, None), strict=True):
        found = read_by_zarr(tmp_path / f"{band[0, 0]}{id(band)}", encoder, chunk, dtype)
        np.testing.assert_array_equal(found[:20], band)
        assert (found[20:] == 9).all(), "beyond the edge lies the fill value"


@pytest.mark.parametrize("dtype", DTYPES)
def test_v2_names_the_same_codec(dtype: str) -> None:
    encoder = ZarrEncoder(fill=0, tile=16)
    pixels = noise((1, 16, 16), dtype)
    (chunk,) = encoder(pixels, None)
    found = numcodecs.get_codec(encoder.compressor()).decode(chunk)
    assert np.frombuffer(found, dtype).reshape(16, 16).tolist() == pixels[0].tolist()
    assert chunk[BLOSC_TYPESIZE] == np.dtype(dtype).itemsize, "else the shuffle is of no use"


def test_the_mask_is_the_last_chunk() -> None:
    encoder = ZarrEncoder(fill=0, tile=16)
    mask = RNG.random((10, 16)) > 0.5
    chunk = encoder(noise((3, 10, 16), "uint8"), mask)[3]
    found = np.frombuffer(numcodecs.Blosc().decode(chunk), np.uint8).reshape(16, 16)
    assert found[:10].tolist() == mask.astype(int).tolist()
    assert not found[10:].any()


def test_big_endian_pixels_become_little() -> None:
    encoder = ZarrEncoder(fill=0, tile=8)
    pixels = noise((1, 8, 8), "uint16")
    assert encoder(pixels.astype(">u2"), None) == encoder(pixels, None)


def test_threads_and_a_pickled_copy_make_the_same_bytes() -> None:
    encoder = ZarrEncoder(fill=0, tile=512)
    pixels = noise((1, 500, 512), "uint16")
    expected = encoder(pixels, None)
    copy = pickle.loads(pickle.dumps(encoder))
    assert copy == encoder
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: copy(pixels, None), range(12))) == {expected}


def test_strided_pixels_are_not_mixed_up() -> None:
    encoder = ZarrEncoder(fill=0, tile=16)
    pixels = noise((1, 32, 32), "uint16")[:, ::2, ::2]
    assert encoder(pixels, None) == encoder(pixels.copy(), None)


def profile_of(*options: tuple[str, str]) -> Profile:
    return Profile(format=format_of("a.zarr"), codec=PROFILES["zarr"], lossless=True, creation_options=options)


@pytest.mark.parametrize(
    ("dtype", "nodata", "fill"), [("uint16", 5.0, 5.0), ("uint16", None, 0.0), ("float32", -9999.0, -9999.0)]
)
def test_made_of_a_profile(dtype: str, nodata: float | None, fill: float) -> None:
    profile = profile_of(("LEVEL", "7"))
    encoder = zarr_encoder(profile, layout_of(np.zeros((1, 4, 4), dtype), nodata))
    assert encoder == ZarrEncoder(fill=fill, level=7)
    assert (encoder.tile, encoder.overviews) == (TILE, True)


def test_floats_without_a_code_are_filled_with_nan() -> None:
    profile = profile_of()
    assert np.isnan(zarr_encoder(profile, layout_of(np.zeros((1, 4, 4), "float32"))).fill)


def test_a_higher_level_is_smaller() -> None:
    pixels = (np.add.outer(np.arange(512), np.arange(512)) // 3 + RNG.integers(0, 9, (512, 512))).astype("uint16")
    small, large = (ZarrEncoder(fill=0, tile=512, level=level)(pixels[np.newaxis], None) for level in (9, 1))
    assert len(small[0]) < len(large[0])
