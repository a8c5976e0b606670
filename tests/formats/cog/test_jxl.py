"""Tiles in JPEG XL, decoded by libjxl: by imagecodecs' decoder and, where there is one, by `djxl`."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imagecodecs import jpegxl_decode, jpegxl_encode
from numpy.typing import NDArray

from geosal.formats.cog.jxl import codestream, joined, jxl_tile


def _tile(dtype: str, bands: int, shape: tuple[int, int] = (96, 130), bits: int = 3) -> NDArray[Any]:
    """Noise, a fifth of it exact, the rest rounded to multiples of a power of two; its edge is padded with zeros."""
    rng = np.random.default_rng(bands)
    tile = rng.integers(0, np.iinfo(dtype).max, (*shape, bands), dtype, endpoint=True)
    tile[:, shape[1] // 5 :] = tile[:, shape[1] // 5 :] >> bits << bits
    tile[-20:] = 0
    return tile


def _frames(samples: NDArray[Any], effort: int) -> int:
    """Bytes in one frame."""
    single = samples[..., 0] if samples.shape[2] == 1 else samples
    return len(codestream(jpegxl_encode(single, lossless=True, effort=effort)))


@pytest.mark.parametrize("effort", [1, 3, 5, 7])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_every_sample_comes_back_from_fewer_bytes(dtype: str, bands: int, effort: int) -> None:
    tile = _tile(dtype, bands, bits=3 if dtype == "uint8" else 8)
    made = jxl_tile(tile, effort)
    assert made.startswith(b"\xff\x0a")
    np.testing.assert_array_equal(jpegxl_decode(made).reshape(tile.shape), tile)
    # At effort 1, libjxl has no palettes.
    assert len(made) < _frames(tile, effort) * (1.001 if effort == 1 else 0.98), "it is not in layers"


@pytest.mark.parametrize("side", [8, 64, 100, 300, 512, 1040])
def test_layers_of_any_size_are_added(side: int) -> None:
    tile = _tile("uint16", 1, (side, side + 24), bits=6)
    np.testing.assert_array_equal(jpegxl_decode(jxl_tile(tile, 3)), tile[..., 0])


def test_sums_are_exact_over_the_whole_range() -> None:
    """Decoders add in floats."""
    values = np.arange(2**16, dtype=np.uint16).reshape(256, 256)
    for bits in range(1, 16):
        low = values & np.uint16((1 << bits) - 1)
        layers = (codestream(jpegxl_encode(each, lossless=True, effort=3)) for each in (values - low, low))
        made = joined(*layers)
        assert made is not None
        np.testing.assert_array_equal(jpegxl_decode(made), values)


@pytest.mark.parametrize("kind", ["exact", "rounded", "zeros", "few"])
def test_one_layer_is_enough_for_what_is_alike(kind: str) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 60000, (64, 64, 1), np.uint16)
    tile = {"exact": noise, "rounded": noise >> 6 << 6, "zeros": noise * 0, "few": noise // 30000 * 30001}[kind]
    assert len(jxl_tile(tile, 3)) <= _frames(tile, 3)
    np.testing.assert_array_equal(jpegxl_decode(jxl_tile(tile, 3)), tile[..., 0])


def test_unknown_headers_are_not_joined() -> None:
    lossy, lossless = (
        codestream(jpegxl_encode(_tile("uint8", 3), lossless=which, effort=3, level=None if which else 80))
        for which in (False, True)
    )
    assert joined(lossy, lossless) is None
    assert joined(lossless, lossy) is None
    assert joined(lossless, lossless) is not None


@pytest.mark.skipif(shutil.which("djxl") is None, reason="needs libjxl's djxl")
def test_djxl_adds_the_layers(tmp_path: Path) -> None:
    tile = _tile("uint16", 1)
    (tmp_path / "tile.jxl").write_bytes(jxl_tile(tile, 3))
    subprocess.run(["djxl", "tile.jxl", "tile.pgm"], cwd=tmp_path, check=True, capture_output=True)
    samples = np.frombuffer((tmp_path / "tile.pgm").read_bytes()[-tile.size * 2 :], ">u2")
    np.testing.assert_array_equal(samples.reshape(tile.shape), tile)
