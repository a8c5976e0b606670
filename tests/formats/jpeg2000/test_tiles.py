"""Which jobs get an encoder of tiles, and what it makes of a tile."""

import pickle
import struct
import threading
import time
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from imagecodecs import htj2k_decode, jpeg2k_decode

from geosal.core.grid import Grid
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.errors import OutputError
from geosal.formats.format import ByGdal
from geosal.formats.jpeg2000.tiles import J2kEncoder, jpeg2000_encoder
from geosal.formats.profiles import resolve_profile
from geosal.formats.table import PROFILES

LEVELS_IN_COD = 5


def encoder_of(
    shape: tuple[int, int, int] = (3, 2000, 3000),
    dtype: str = "uint8",
    name: str = "jp2-lossless",
    nbits: int | None = None,
    **options: str,
) -> J2kEncoder | ByGdal:
    grid = Grid.from_crs(rasterio.CRS.from_epsg(32617), Affine(10, 0, 5e5, 0, -10, 4e6), *shape[1:])
    metadata = RasterMetadata(bands=(BandMetadata(),) * shape[0], nbits=nbits)
    layout = RasterLayout(grid=grid, dtype=dtype, nodata=None, has_mask=False, metadata=metadata)
    profile = resolve_profile("out.jp2", "jp2-lossless" if name == "htj2k" else name, options, layout)
    return jpeg2000_encoder(replace(profile, codec=PROFILES[name]), layout)


def segment(stream: bytes, marker: int) -> bytes:
    place = 2
    while True:
        found, length = struct.unpack_from(">HH", stream, place)
        if found == marker:
            return stream[place + 4 : place + 2 + length]
        place += 2 + length


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"BLOCKXSIZE": "512"}, "no squares"),
        ({"BLOCKXSIZE": "1000", "BLOCKYSIZE": "1000"}, "power of two"),
        ({"BLOCKXSIZE": "64", "BLOCKYSIZE": "64", "RESOLUTIONS": "8"}, "no 8 resolutions"),
        ({"TILEPARTS": "RESOLUTIONS"}, "TILEPARTS=RESOLUTIONS"),
        ({"PROFILE": "PROFILE_1"}, "PROFILE=PROFILE_1"),
    ],
)
def test_what_needs_one_encoder_of_the_whole_image(options: dict[str, str], reason: str) -> None:
    found = encoder_of(**options)
    assert isinstance(found, ByGdal)
    assert reason in found.because


def test_halved_colours_need_even_sides() -> None:
    assert isinstance(encoder_of((3, 2001, 3000), name="jp2", YCBCR420="YES"), ByGdal)
    assert isinstance(encoder_of((3, 2000, 3000), name="jp2", YCBCR420="YES"), J2kEncoder)
    assert isinstance(encoder_of((3, 2001, 3000), name="jp2", YCBCR420="NO"), J2kEncoder)


@pytest.mark.parametrize("name", ["jp2-lossless", "jp2", "htj2k"])
def test_too_many_tiles_are_refused_with_the_mend(name: str) -> None:
    options = {"BLOCKXSIZE": "64", "BLOCKYSIZE": "64", "RESOLUTIONS": "4"}
    assert isinstance(encoder_of((1, 64, 64 * 65535), name=name, **options), J2kEncoder)
    with pytest.raises(OutputError, match="65536 tiles .* --co BLOCKXSIZE=128 --co BLOCKYSIZE=128"):
        encoder_of((1, 128, 64 * 32768), name=name, **options)


def test_htj2k_has_few_options() -> None:
    assert isinstance(encoder_of(name="htj2k", BLOCKXSIZE="512", BLOCKYSIZE="512", RESOLUTIONS="4"), J2kEncoder)
    for options in ({"PROGRESSION": "RPCL"}, {"BLOCKXSIZE": "512"}):
        with pytest.raises(OutputError, match="profile htj2k: .*leave that creation option out"):
            encoder_of(name="htj2k", **options)


@pytest.mark.parametrize("name", ["jp2-lossless", "jp2", "htj2k"])
@pytest.mark.parametrize(
    "shape", [(1, 1), (3, 200), (64, 64), (1024, 4), (300, 37), (256, 256), (255, 1024), (257, 300)]
)
def test_every_tile_has_all_resolutions(name: str, shape: tuple[int, int]) -> None:
    """Files whose tiles differ in that cannot be read reduced."""
    encoder = encoder_of((3, 9 * 1024 + shape[0], 9 * 1024 + shape[1]), name=name)
    assert isinstance(encoder, J2kEncoder)
    whole = encoder(np.zeros((3, 1024, 1024), np.uint8), None)[0]
    pixels = np.random.default_rng(0).integers(0, 255, (3, *shape), np.uint8)
    tile = encoder(pixels, None)[0]
    for marker in (0xFF52, 0xFF5C):
        assert segment(tile, marker) == segment(whole, marker)
    assert segment(tile, 0xFF52)[LEVELS_IN_COD] == encoder.resolutions - 1 == 5
    if name == "jp2-lossless":
        np.testing.assert_array_equal(np.moveaxis(jpeg2k_decode(tile), -1, 0)[:, -shape[0] :, -shape[1] :], pixels)


def test_imagecodecs_encodes_what_it_encodes_as_gdal_does() -> None:
    """In the bytes of GDAL's tile, or less, and with the colours of three bands decorrelated."""
    cases = {
        "plain": encoder_of(),
        "12 bits": encoder_of((1, 2000, 3000), "uint16", nbits=12),
        "4 bands": encoder_of((4, 2000, 3000)),
        "small": encoder_of((3, 9 * 1024 + 255, 9 * 1024)),
        "not small": encoder_of((3, 9 * 1024 + 256, 9 * 1024)),
        "option": encoder_of(PROGRESSION="RPCL"),
        "lossy": encoder_of(name="jp2"),
    }
    assert {name for name, encoder in cases.items() if encoder.plain} == {"plain", "12 bits", "not small"}
    ramp = np.add.outer(np.arange(3), np.add.outer(np.arange(256), np.arange(256)) // 3).astype(np.uint8)
    ours, gdals = (len(replace(cases["plain"], plain=plain)(ramp, None)[0]) for plain in (True, False))
    assert ours <= gdals


@pytest.mark.parametrize("name", ["jp2-lossless", "htj2k"])
@pytest.mark.parametrize(
    ("count", "dtype", "nbits"),
    [
        (1, "uint8", None),
        (3, "uint8", 7),
        (4, "uint16", 12),
        (2, "int16", None),
        (3, "int16", None),
        (13, "uint16", 15),
    ],
)
def test_a_tile_comes_back_as_it_was(name: str, count: int, dtype: str, nbits: int | None) -> None:
    encoder = pickle.loads(pickle.dumps(encoder_of((count, 1024, 1024), dtype, name, nbits)))
    limits = np.iinfo(dtype)
    high = limits.max if nbits is None else 2**nbits - 1
    pixels = np.random.default_rng(1).integers(limits.min, high, (count, 256, 90), dtype=dtype, endpoint=True)
    before = pixels.copy()
    (stream,) = encoder(pixels, None)
    np.testing.assert_array_equal(pixels, before)
    decoders: list[Any] = [jpeg2k_decode, htj2k_decode] if name == "htj2k" else [jpeg2k_decode]
    for decode in decoders:
        found = np.atleast_3d(decode(stream))
        found = found if found.shape == pixels.shape else np.moveaxis(found, -1, 0)
        np.testing.assert_array_equal(found, pixels)
    depth = segment(stream, 0xFF51)[36]
    assert (depth & 0x7F) + 1 == (nbits or limits.bits)
    assert depth >> 7 == (limits.min < 0)


def test_a_mask_is_packed_beside_the_pixels() -> None:
    encoder = encoder_of((1, 100, 100))
    assert isinstance(encoder, J2kEncoder)
    mask = np.random.default_rng(1).random((13, 21)) > 0.3
    _, packed = encoder(np.zeros((1, 13, 21), np.uint8), mask)
    bits = np.unpackbits(np.frombuffer(zlib.decompress(packed), np.uint8), count=mask.size)
    np.testing.assert_array_equal(bits.reshape(mask.shape), mask)


def test_a_tile_that_openjpeg_cannot_encode_is_an_error() -> None:
    """Noise of one bit takes more bytes than OpenJPEG expects; GDAL's own writer fails as well."""
    encoder = encoder_of((1, 1024, 1024), nbits=1)
    assert isinstance(encoder, J2kEncoder)
    pixels = np.random.default_rng(1).integers(0, 2, (1, 1024, 1024), dtype=np.uint8)
    with pytest.raises(OutputError, match=r"a tile of 1 band of uint8, 1024 x 1024 pixels, cannot be encoded \(.+\)"):
        encoder(pixels, None)


@pytest.mark.parametrize("name", ["jp2-lossless", "htj2k"])
def test_threads_run_side_by_side(name: str) -> None:
    """Nothing holds the interpreter while a tile is encoded."""
    encoder = encoder_of(name=name)
    assert isinstance(encoder, J2kEncoder)
    pixels = np.random.default_rng(1).integers(0, 256, (3, 1024, 1024), dtype=np.uint8)
    done: list[bytes] = []
    thread = threading.Thread(target=lambda: done.extend(encoder(pixels, None)))
    thread.start()
    began, steps = time.perf_counter(), 0
    while thread.is_alive():
        time.sleep(0.001)
        steps += 1
    assert done
    assert steps > 10 * (time.perf_counter() - began)
    assert steps > 5
