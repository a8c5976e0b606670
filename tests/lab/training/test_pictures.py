import io
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from geosal.errors import ResourceError, SceneError, UsageError
from geosal.lab.training.folders import Listing
from geosal.lab.training.pictures import Pictures, Split, decode


def _tiff(pixels: np.ndarray) -> bytes:
    profile = {"driver": "GTiff", "count": pixels.shape[0], "height": pixels.shape[1], "width": pixels.shape[2]}
    with rasterio.MemoryFile() as file:
        with file.open(**profile, dtype=pixels.dtype) as dataset:
            dataset.write(pixels)
        return file.read()


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_all_kinds_become_rgb():
    pixels = np.random.default_rng(0).integers(0, 255, (4, 8, 8), np.uint8)
    rgb = np.moveaxis(pixels[:3], 0, 2)
    assert np.array_equal(decode(_png(Image.fromarray(rgb)), "a.png", None), rgb)
    assert np.array_equal(decode(_tiff(pixels), "a.TIF", None), rgb)
    grey = np.repeat(pixels[0][..., None], 3, 2)
    assert np.array_equal(decode(_png(Image.fromarray(pixels[0])), "a.png", None), grey)
    assert np.array_equal(decode(_tiff(pixels[:1]), "a.tif", None), grey)


def test_size():
    picture = Image.fromarray(np.full((30, 50, 3), 7, np.uint8))
    assert np.array_equal(decode(_png(picture), "a.png", 16), np.full((16, 16, 3), 7))


def test_refusals():
    with pytest.raises(SceneError, match=r"a\.png: is no picture"):
        decode(b"nothing", "a.png", 8)
    with pytest.raises(SceneError, match=r"a\.tif: is no TIFF"):
        decode(b"nothing", "a.tif", 8)
    with pytest.raises(SceneError, match="samples of uint16 and learning takes 8 bits"):
        decode(_tiff(np.zeros((3, 8, 8), np.uint16)), "a.tif", 8)
    deep = Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000)
    with pytest.raises(SceneError, match=r"a\.png: has samples of more than 8 bits"):
        decode(_png(deep), "a.png", 8)
    with pytest.raises(SceneError, match="8000 x 8000 pixels"):
        decode(_png(Image.new("1", (8000, 8000))), "a.png", 8)


@given(cut=st.integers(0, 200), noise=st.binary(max_size=8), place=st.integers(0, 200))
def test_a_damaged_picture_is_a_scene_error_or_a_picture(cut: int, noise: bytes, place: int):
    pixels = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
    whole = _png(Image.fromarray(pixels))
    content = whole[:place] + noise + whole[place + len(noise) :]
    found = None
    with suppress(SceneError):  # and nothing else
        found = decode(content[: len(content) - cut], "a.png", 8)
    assert found is None or (found.dtype, found.shape) == (np.uint8, (8, 8, 3))
    assert found is not None or cut > 0 or content != whole


def test_loading_keeps_the_order_of_the_listing(class_tar: Path, tmp_path: Path):
    listing = Listing.of(str(class_tar))
    pictures = Pictures.load(listing, 16, tmp_path / "cache.npy")
    assert pictures.samples.shape == (36, 16, 16, 3)
    for place, content in listing.read():
        assert np.array_equal(pictures.samples[place], decode(content, "a.png", None))


def test_a_disk_that_is_too_small(class_tar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=100))
    with pytest.raises(ResourceError, match=r"36 pictures of 64 px need 442.4 kB .* where 100 bytes are free"):
        Pictures.load(Listing.of(str(class_tar)), 64, tmp_path / "samples.npy")
    assert list(tmp_path.iterdir()) == []


def test_last_pictures_are_set_aside():
    labels = np.repeat([0, 1], 10)
    split = Split.last(labels, ("a", "b"), validation=2, test=3)
    assert split.train.tolist() == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]
    assert split.validation.tolist() == [5, 6, 15, 16]
    assert split.test.tolist() == [7, 8, 9, 17, 18, 19]
    with pytest.raises(UsageError, match="class 'a' has 10 pictures, which leaves none"):
        Split.last(labels, ("a", "b"), validation=5, test=5)
