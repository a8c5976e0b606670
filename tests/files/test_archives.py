"""Zips whose files are packed as no program packs them: each reader of zips refuses them in a line."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from geosal.core.zarr.files import Store
from geosal.errors import SceneError
from geosal.files.archives import open_member
from geosal.scenes.products.files import Files
from geosal.sources.classes.cloudgml import read_bytes
from geosal.sources.vectors.kinds import SHP, member_of

READERS: dict[str, Callable[[str], object]] = {
    "products": lambda path: Files.of(path).read("a.shp"),
    "Zarr": lambda path: Store(path).json("a.shp"),
    "vectors": member_of,
    "cloud masks": lambda path: read_bytes(f"/vsizip/{path}/a.shp"),
}


def _zipped(path: Path, method: int) -> str:
    with zipfile.ZipFile(path, "w", method) as bundle:
        bundle.writestr("a.shp", SHP + bytes(96))
    return str(path)


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_python_unpacks_without_a_limit_is_refused(
    tmp_path: Path, method: int, read: Callable[[str], object]
) -> None:
    with pytest.raises(SceneError, match="a.shp is compressed by another method than Deflate") as caught:
        read(_zipped(tmp_path / "a.zip", method))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
def test_damage_in_a_compressed_file_is_one_line(tmp_path: Path, read: Callable[[str], object]) -> None:
    path = tmp_path / "a.zip"
    content = bytearray(Path(_zipped(path, zipfile.ZIP_DEFLATED)).read_bytes())
    content[36:44] = b"\xff" * 8
    path.write_bytes(content)
    with pytest.raises(SceneError, match="read") as caught:
        read(str(path))
    assert "\n" not in str(caught.value)


def test_a_member_without_a_name_is_damage(tmp_path: Path) -> None:
    path = Path(_zipped(tmp_path / "a.zip", zipfile.ZIP_STORED))
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"a.shp")] + b"\0" + content[content.rindex(b"a.shp") + 1 :])
    with pytest.raises(SceneError) as caught:
        Files.of(str(path))
    assert "\n" not in str(caught.value)
    assert Store(str(path)).json("a.shp") is None


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_others_are_read(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(_zipped(tmp_path / "a.zip", method)) as bundle, open_member(bundle, "a.shp") as file:
        assert file.read() == SHP + bytes(96)
