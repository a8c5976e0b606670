"""A BPG of ours, read tile by tile, and at once by FFmpeg; and by bpgdec where there is one."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from rasters import read, save

from geosal.core.bpg import hevc, nal
from geosal.core.bpg.decoding import BpgPicture
from geosal.core.bpg.head import Head
from geosal.core.bpg.hevc import Coding, Parameters, Slice
from geosal.errors import ResourceError, SceneError, UsageError
from geosal.formats.bpg.tiles import BpgEncoder
from geosal.scenes import Scene

pytest.importorskip("av")


def _waves(bands: int, rows: int, cols: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[:rows, :cols]
    noise = np.random.default_rng(7).normal(0, 6, (bands, rows, cols))
    waves = [127 + 80 * np.sin(x / (7 + band)) + 30 * np.cos(y / (5 + band)) for band in range(bands)]
    return np.clip(waves + noise, 0, 255).astype(np.uint8)


def _write(path: Path, pixels: NDArray[np.uint8], encoder: BpgEncoder) -> Path:
    """Put a picture of tiles together by hand: the sample of the specification, beside what the container does."""
    _, *shape = pixels.shape
    size = shape[0], shape[1]
    tops, lefts = range(0, size[0], encoder.tile), range(0, size[1], encoder.tile)
    parts = [
        encoder(pixels[:, top : top + encoder.tile, left : left + encoder.tile], None) for top in tops for left in lefts
    ]
    units: list[bytes] = []
    codings = []
    for layer in range(1 + encoder.alpha):
        coding = Coding.of_unit(parts[0][3 * layer])
        alone = Parameters.of_unit(parts[0][3 * layer + 1])
        whole = alone.with_tiles(len(tops), len(lefts), encoder.tile // coding.side)
        across, blocks = -(-size[1] // coding.side), hevc.blocks_of(coding, size)
        units.insert(layer and 0, nal.in_layer(whole.unit(), layer))
        for number, part in enumerate(parts):
            row, col = divmod(number, len(lefts))
            tile = pixels[0, row * encoder.tile :, col * encoder.tile :][: encoder.tile, : encoder.tile]
            own = Slice.of_unit(part[3 * layer + 2], coding, alone, hevc.blocks_of(coding, tile.shape))
            place = (row * across + col) * (encoder.tile // coding.side)
            found = Slice(address=place, offsets=own.offsets, qp=own.qp, body=own.body)
            units.append(nal.in_layer(found.unit(coding, whole, blocks), layer))
        codings.append(coding)
    head = Head(
        shape=size,
        pixel_format=encoder.bpg_format,
        colour_space=int(encoder.pixel_format == "gbrp"),
        coding=codings[0],
        alpha=encoder.alpha,
        alpha_coding=codings[1] if encoder.alpha else None,
    )
    data = nal.join(units)[len(nal.START) :]
    path.write_bytes(head.written(len(data)) + data)
    return path


def _decoded(picture: BpgPicture) -> NDArray[np.uint8]:
    strips = list(picture.strips())
    alpha = [] if strips[0].alpha is None else [np.concatenate([strip.alpha for strip in strips])[None]]
    return np.concatenate([np.concatenate([strip.pixels for strip in strips], axis=1), *alpha])


_KINDS = [
    pytest.param(BpgEncoder(tile=128, bands=1, qp=30), 1, id="grey"),
    pytest.param(BpgEncoder(tile=128, bands=3, qp=30), 3, id="420"),
    pytest.param(BpgEncoder(tile=128, bands=3, qp=30, subsampling="444"), 3, id="444"),
    pytest.param(BpgEncoder(tile=128, bands=3, qp=None), 3, id="lossless"),
    pytest.param(BpgEncoder(tile=128, bands=3, qp=40, alpha=True), 4, id="alpha"),
]


@pytest.mark.parametrize(("encoder", "bands"), _KINDS)
def test_tiles_are_those_that_ffmpeg_decodes_at_once(
    tmp_path: Path, encoder: BpgEncoder, bands: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = _waves(bands, 203, 331)
    path = _write(tmp_path / "a.bpg", pixels, encoder)
    with BpgPicture(str(path)) as picture:
        by_tiles = _decoded(picture)
        assert picture.lossless is (encoder.qp is None)
        (last,) = picture.strips(whole=False)
        assert picture.qp == (encoder.qp or picture.qp)
    monkeypatch.setattr("geosal.core.bpg.decoding._Layer.tiles", lambda _: None)
    with BpgPicture(str(path)) as picture:
        at_once = _decoded(picture)
    np.testing.assert_array_equal(by_tiles, at_once)
    assert last.top == 128
    np.testing.assert_array_equal(last.pixels[:, 1:], by_tiles[: len(last.pixels), 129:])
    if encoder.alpha:
        np.testing.assert_array_equal(by_tiles[3], pixels[3])
    if encoder.qp is None:
        np.testing.assert_array_equal(by_tiles, pixels)
    assert np.sqrt(np.mean((by_tiles.astype(float) - pixels) ** 2)) < 12


def test_parameter_sets_in_the_stream_do_not_change_the_claimed_size(tmp_path: Path) -> None:
    """A BPG has none; one of them could make FFmpeg take memory for any number of pixels."""
    plain = _write(tmp_path / "a.bpg", _waves(1, 100, 140), BpgEncoder(tile=192, bands=1))
    with BpgPicture(str(plain)) as picture:
        head, pixels = picture.head, _decoded(picture)
    own = plain.read_bytes()[head.data :]
    data = nal.join([*head.coding.units((1024, 1024)), own])[len(nal.START) :]
    (tmp_path / "b.bpg").write_bytes(head.written(len(data)) + data)
    with BpgPicture(str(tmp_path / "b.bpg")) as picture:
        np.testing.assert_array_equal(_decoded(picture), pixels)


@pytest.mark.parametrize(("encoder", "bands"), _KINDS)
def test_bpgdec_decodes_the_same(tmp_path: Path, encoder: BpgEncoder, bands: int) -> None:
    program = shutil.which("bpgdec")
    if program is None:
        pytest.skip("there is no bpgdec")
    path = _write(tmp_path / "a.bpg", _waves(bands, 203, 331), encoder)
    subprocess.run([program, "-o", str(tmp_path / "a.png"), str(path)], check=True)
    theirs = read(tmp_path / "a.png")
    with BpgPicture(str(path)) as picture:
        ours = _decoded(picture)
    limit = 8 if encoder.pixel_format == "yuv420p" else 1  # it enlarges chroma by a filter of its own
    assert np.abs(theirs[: len(ours)].astype(int) - ours).max() <= limit


def test_gdal_reads_it_by_a_copy_under_its_own_name(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.bpg", _waves(3, 100, 140), BpgEncoder(tile=192, qp=20))
    scene = Scene.open(path)
    assert (scene.driver, scene.grid.shape, scene.layout.count) == ("BPG", (100, 140), 3)


def test_a_claim_beyond_the_limit_is_refused_before_anything_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _write(tmp_path / "a.bpg", _waves(1, 100, 140), BpgEncoder(tile=192, bands=1))
    monkeypatch.setattr("geosal.core.bpg.decoding.decoded", pytest.fail)
    with pytest.raises(ResourceError, match="140 x 100"):
        Scene.open(path, max_pixels=13_999)


def test_changed_bytes_are_read_or_refused(tmp_path: Path) -> None:
    data = _write(tmp_path / "a.bpg", _waves(3, 100, 140), BpgEncoder(tile=64, alpha=True)).read_bytes()
    random, told = np.random.default_rng(11), []
    for _ in range(60):
        changed = bytearray(data)
        for place in random.integers(4, 90, 3):
            changed[place] = random.integers(256)
        (tmp_path / "b.bpg").write_bytes(changed)
        try:
            Scene.open(tmp_path / "b.bpg")
        except SceneError as error:
            told.append(str(error))
    assert len(told) > 20
    assert not [message for message in told if "\n" in message]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[:-40], "cut off"),
        (lambda data: data[:26] + b"\xff" * (len(data) - 26), "damaged"),
        (lambda data: data[:12], "cut off"),
    ],
)
def test_damage_is_told_in_a_line(tmp_path: Path, damage: object, words: str) -> None:
    path = _write(tmp_path / "a.bpg", _waves(3, 100, 140), BpgEncoder(tile=192, qp=20))
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(SceneError, match=words) as told:
        Scene.open(path)
    assert "\n" not in str(told.value)


def test_what_is_decoded_is_followed_by_padding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg reads it where a stream ends early; what lies there must not depend on the memory of the process."""
    import av

    path = _write(tmp_path / "a.bpg", _waves(3, 128, 128), BpgEncoder(tile=128, bands=3, qp=30))
    given: list[bytes] = []
    packet = av.Packet

    def noted(stream: bytes) -> av.Packet:
        given.append(stream)
        return packet(stream)

    monkeypatch.setattr(av, "Packet", noted)
    with BpgPicture(str(path)) as picture:
        _decoded(picture)
    assert given
    assert all(stream.endswith(bytes(64)) for stream in given)


def test_pyav_is_named_where_it_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _write(tmp_path / "a.bpg", _waves(1, 64, 64), BpgEncoder(tile=64, bands=1))
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(UsageError, match=r"a\.bpg: is a BPG, which needs PyAV, .*pip install 'geosal\[bpg\]'$"):
        Scene.open(path)
    save(tmp_path / "b.tif", _waves(1, 64, 64))
    assert Scene.open(tmp_path / "b.tif").driver == "GTiff"
