"""Tiles found in a JPEG 2000 without GDAL: GDAL and OpenJPEG are the oracles."""

import struct
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from imagecodecs import jpeg2k_decode

from geosal.core.jpeg2000 import SIZ, CodestreamError, Segment, Sizes, TilePlaces

PIXELS = np.random.default_rng(4).integers(0, 256, (3, 150, 131), dtype=np.uint8)
PROFILE = {"driver": "JP2OpenJPEG", "width": 131, "height": 150, "count": 3, "dtype": "uint8"}
TILES = {"blockxsize": 64, "blockysize": 64, "reversible": "YES", "quality": "100"}


@pytest.fixture(scope="module")
def tiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiled") / "a.jp2"
    with rasterio.open(path, "w", **PROFILE, **TILES) as dataset:
        dataset.write(PIXELS)
    return path


def test_each_tile_is_a_codestream_of_its_own(tiled: Path) -> None:
    places = TilePlaces.of(str(tiled))
    assert places.sizes.shape == PIXELS.shape
    assert places.sizes.across == (3, 3)
    for number in range(9):
        block = places.sizes.block(number)
        tile = jpeg2k_decode(places.codestream(number), planar=True)
        rows, cols = slice(block.row_off, block.row_stop), slice(block.col_off, block.col_stop)
        np.testing.assert_array_equal(tile, PIXELS[:, rows, cols])


def test_a_codestream_without_boxes(tiled: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.j2k"
    path.write_bytes(tiled.read_bytes().partition(b"jp2c")[2])
    assert TilePlaces.of(str(path)).codestream(4) == TilePlaces.of(str(tiled)).codestream(4)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.9999])
def test_a_file_that_is_cut_off(tiled: Path, tmp_path: Path, share: float) -> None:
    whole, path = tiled.read_bytes(), tmp_path / "cut.jp2"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(CodestreamError):
        TilePlaces.of(str(path))


def test_what_is_no_jpeg2000(tmp_path: Path) -> None:
    path = tmp_path / "a.jp2"
    path.write_bytes(b"II*\0" + bytes(200))
    with pytest.raises(CodestreamError, match="no JPEG 2000"):
        TilePlaces.of(str(path))


@given(noise=st.binary(min_size=1, max_size=8), share=st.floats(0, 1))
def test_noise_is_refused_or_harmless(tiled: Path, noise: bytes, share: float) -> None:
    text = bytearray(tiled.read_bytes())
    at = int(share * (len(text) - len(noise)))
    text[at : at + len(noise)] = noise
    path = tiled.with_name("noise.jp2")
    path.write_bytes(text)
    try:
        places = TilePlaces.of(str(path))
    except CodestreamError:
        return
    rows, cols = places.sizes.across
    assert len(places.parts) == rows * cols
    assert len(places.codestream(0)) > 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"first": (1, 0)}, "its first tile is cut"),
        ({"end": (0, 0)}, "no image"),
        ({"kinds": b"\x07\1\1\x07\1\1\x0f\1\1"}, "several kinds"),
        ({"kinds": b"\x87\1\1" * 3}, "with signs"),
        ({"kinds": b"\x07\2\2" * 3}, "several kinds"),
        ({"kinds": b"\x17\1\1" * 3}, "more than 16 bits"),
        ({"kinds": b""}, "several kinds"),
    ],
)
def test_sizes_that_are_left_to_gdal(change: dict[str, object], told: str) -> None:
    end, first = change.get("end", (131, 150)), change.get("first", (0, 0))
    head = struct.pack(">H8IH", 0, *end, *first, 64, 64, 0, 0, 3)
    with pytest.raises(CodestreamError, match=told):
        Sizes.of(head + change.get("kinds", b"\x07\1\1" * 3))


def test_a_tile_keeps_its_place() -> None:
    sizes = Sizes.of(struct.pack(">H8IH", 2, 231, 250, 100, 100, 64, 64, 100, 100, 1) + b"\x0b\1\1")
    assert sizes.dtype == "uint16"
    assert sizes.only(8) == Segment(SIZ, struct.pack(">H8IH", 2, 231, 250, 228, 228, 64, 64, 228, 228, 1) + b"\x0b\1\1")


def test_a_palette_is_left_to_gdal(tmp_path: Path) -> None:
    path = tmp_path / "palette.jp2"
    with rasterio.open(path, "w", **PROFILE | {"count": 1}, **TILES) as dataset:
        dataset.write(PIXELS[:1] % 4)
        dataset.write_colormap(1, {number: (number, 9, 9, 255) for number in range(4)})
    with pytest.raises(CodestreamError, match="palette"):
        TilePlaces.of(str(path))


@pytest.mark.parametrize(
    ("box", "told"),
    [
        (b"colr\1\0\0" + (18).to_bytes(4, "big"), "colour space"),
        (b"cdef" + struct.pack(">H6H", 2, 0, 0, 2, 1, 0, 1), "another order"),
        (b"colr\1\0\0" + (16).to_bytes(4, "big"), None),
        (b"cdef" + struct.pack(">H6H", 2, 0, 0, 1, 1, 1, 0), None),
    ],
)
def test_boxes_that_change_samples_are_left_to_gdal(tiled: Path, tmp_path: Path, box: bytes, told: str | None) -> None:
    text, path = tiled.read_bytes(), tmp_path / "boxes.jp2"
    at = text.index(b"jp2h") - 4
    length = int.from_bytes(text[at : at + 4], "big")
    longer = (length + 4 + len(box)).to_bytes(4, "big")
    more = (4 + len(box)).to_bytes(4, "big") + box
    path.write_bytes(text[:at] + longer + text[at + 4 : at + length] + more + text[at + length :])
    if told is None:
        assert len(TilePlaces.of(str(path)).parts) == 9
    else:
        with pytest.raises(CodestreamError, match=told):
            TilePlaces.of(str(path))
