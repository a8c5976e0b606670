"""A seal as a document: written, read again, and refused where it is not as it was written."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasters import PLACE

from geosal.core.grid import Grid
from geosal.seals import SIDE, Head, Seal, SealError, read_file, seal_tiles
from geosal.seals.document import is_root, is_seal_file, seal_file_of

HEAD = Head(700, 1200, 2, "uint8", whole=True, claim={"treatment": "smooth"})


@pytest.fixture(scope="module")
def seal() -> Seal:
    pixels = np.random.default_rng(5).integers(0, 255, (2, 700, 1200), np.uint8)
    (block,) = Grid(None, PLACE["transform"], 700, 1200).blocks(2048)
    tiles = seal_tiles(block, pixels, None, pixels[0] // 64 == np.arange(1200) // 400, whole=True)
    return Seal.of(HEAD, reversed(tiles))


def _tree(leaves: list[bytes]) -> bytes:
    """The definition in RFC 6962, section 2.1, over leaves that are hashed already."""
    if len(leaves) == 1:
        return leaves[0]
    cut = 1
    while cut * 2 < len(leaves):
        cut *= 2
    return hashlib.sha256(b"\1" + _tree(leaves[:cut]) + _tree(leaves[cut:])).digest()


def test_the_root_is_that_of_rfc_6962(seal: Seal) -> None:
    head = hashlib.sha256(b"\0" + seal.head_text.encode()).digest()
    assert len(seal.tiles) == 6
    for number in range(7):
        some = Seal(seal.head_text, seal.head, seal.tiles[:number])
        assert some.root == _tree([head, *(tile.leaf for tile in seal.tiles[:number])]).hex()
    assert is_root(seal.root)
    assert not is_root(seal.root[1:])


def test_it_comes_back_from_tags_and_from_a_file(seal: Seal, tmp_path: Path) -> None:
    assert [(tile.row, tile.col) for tile in seal.tiles] == sorted((tile.row, tile.col) for tile in seal.tiles)
    tags = seal.to_tags(tiles=True)
    again = Seal.of_tags(tags, HEAD)
    assert again is not None
    assert (again.root, again.tiles, again.head) == (seal.root, [*seal.tiles], HEAD)
    assert Seal.of_tags(seal.to_tags(tiles=False), HEAD) is None
    path = tmp_path / "out.tif.seal"
    path.write_text(seal.to_text())
    assert read_file(str(path), HEAD).tiles == [*seal.tiles]
    assert is_seal_file(str(path))
    assert seal_file_of(str(tmp_path / "out.tif")) == str(path)


@pytest.mark.parametrize("name", ["width", "height", "count", "dtype"])
def test_it_is_of_one_image(seal: Seal, name: str) -> None:
    other = replace(HEAD, **{name: "int16" if name == "dtype" else getattr(HEAD, name) + 1})
    with pytest.raises(SealError, match=f"another image: {name}"):
        Seal.of_tags(seal.to_tags(tiles=True), other)


def test_a_line_that_was_changed_is_found(seal: Seal, tmp_path: Path) -> None:
    for number in (0, 1, 2, 7):
        lines = seal.to_text().splitlines()
        lines[number] = lines[number].replace("smooth", "bound") if number == 0 else "A" + lines[number][1:]
        path = tmp_path / "out.seal"
        path.write_text("\n".join(lines))
        with pytest.raises(SealError, match="not what its root was made of"):
            read_file(str(path), HEAD)


@pytest.mark.parametrize(
    "change",
    [
        {"geosal_seal": 2}, {"geosal_seal": True}, {"geosal_seal": None}, {"side": 2**40}, {"side": 0},
        {"height": -1}, {"width": 0}, {"count": "2"}, {"dtype": None}, {"whole": 1}, {"claim": []}, {"more": 1},
        {"claim": {"a": [[[[[1]]]]]}}, {"width": 2**60}, {"height": 1e9},
    ],
)  # fmt: skip
def test_a_hostile_head_is_refused(seal: Seal, change: dict[str, object]) -> None:
    text = json.dumps(json.loads(seal.head_text) | change)
    with pytest.raises(SealError):
        Seal.parse(text, seal.root, seal.lines, HEAD)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", "[" * 30000, "x" * 2**17, '{"geosal_seal":1}', "\x1b"])
def test_what_is_no_head_is_refused(seal: Seal, text: str) -> None:
    with pytest.raises(SealError):
        Seal.parse(text, seal.root, seal.lines, HEAD)


def test_other_lines_are_refused(seal: Seal) -> None:
    lines = seal.lines
    for wrong in (lines[:-1], [*lines, lines[0]], [], ["", *lines[1:]], ["é", *lines[1:]], [lines[0][:-4], *lines[1:]],
                  ["AAAA", *lines[1:]]):  # fmt: skip
        with pytest.raises(SealError):
            Seal.parse(seal.head_text, seal.root, wrong, HEAD)


@settings(max_examples=60)
@given(st.data())
def test_any_change_of_a_file_is_refused(
    seal: Seal, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    text = bytearray(seal.to_text().encode())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 2))  # the line break at the end may be missing
        text[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))
    path = tmp_path_factory.mktemp("changed") / "out.seal"
    path.write_bytes(text)
    try:
        found = read_file(str(path), HEAD)
    except SealError:
        return
    assert (found.root, found.tiles) == (seal.root, [*seal.tiles])


def test_a_file_larger_than_a_seal_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.seal"
    with path.open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(SealError, match="are no seal of this image"):
        read_file(str(path), HEAD)
    assert SIDE == 512


def test_no_pipe_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for read in (is_seal_file, lambda path: read_file(path, HEAD)):
        with pytest.raises(OSError, match="pipe or a device"):
            read(str(tmp_path / "pipe"))
