"""BPG: what a job writes is read again with its place, nodata, mask and tags; and x265 itself makes no less of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine, loadsw
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasters import save

import geosal
from geosal.core.grid import Block
from geosal.core.raster import Samples
from geosal.errors import UsageError
from geosal.formats.bpg.format import tile_side
from geosal.scenes import Scene

pytest.importorskip("av")

_PLACE = Affine(10.1, 0.25, 600000 + 1 / 3, 0.125, -10.1, 4600000.7)


def _scene(path: Path, bands: int = 3, shape: tuple[int, int] = (90, 130), **more: Any) -> NDArray[np.uint8]:
    y, x = np.mgrid[: shape[0], : shape[1]]
    waves = [127 + 80 * np.sin(x / (7 + band)) + 30 * np.cos(y / (5 + band)) for band in range(bands)]
    pixels = np.clip(waves + np.random.default_rng(bands).normal(0, 6, (bands, *shape)), 1, 255).astype(np.uint8)
    if bands in {2, 4}:
        pixels[-1] = np.where(pixels[-1] > 100, 255, 0)
        more["alpha"] = "YES"
    photometric = "RGB" if bands > 2 else "MINISBLACK"
    save(path, pixels, crs="EPSG:32633", transform=_PLACE, photometric=photometric, **more)
    return pixels


def _whole(path: Path) -> Samples:
    scene = Scene.open(path)
    return scene.read(Block(0, 0, *scene.grid.shape))


def _failed(output: Path, source: Path) -> list[str]:
    return [str(check) for check in geosal.verify(output, against=source) if not check.ok]


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize("profile", ["bpg", "bpg-lossless"])
def test_a_job_keeps_place_and_bands(tmp_path: Path, bands: int, profile: str) -> None:
    source, output = tmp_path / "a.tif", tmp_path / "a.bpg"
    pixels = _scene(source, bands)
    geosal.compress(source, output, saliency="uniform:saliency=1", profile=profile)
    found, scene = _whole(output).pixels, Scene.open(output)
    assert scene.grid.transform == _PLACE
    assert scene.grid.crs == Scene.open(source).grid.crs
    assert loadsw((tmp_path / "a.bgw").read_text()).almost_equals(_PLACE, 1e-6)
    assert _failed(output, source) == []
    if bands in {2, 4}:
        np.testing.assert_array_equal(found[-1], pixels[-1])
    if profile == "bpg-lossless":
        np.testing.assert_array_equal(found, pixels)
    else:
        assert np.sqrt(np.mean((found.astype(float) - pixels) ** 2)) < 8


@pytest.mark.parametrize("profile", ["bpg", "bpg-lossless"])
def test_the_same_pixels_are_valid(tmp_path: Path, profile: str) -> None:
    source, output = tmp_path / "a.tif", tmp_path / "a.bpg"
    pixels = _scene(tmp_path / "b.tif")
    pixels[:, 20:50, 30:90] = 0
    save(source, pixels, nodata=0, photometric="RGB", crs="EPSG:32633", transform=_PLACE)
    geosal.compress(source, output, saliency="half", profile=profile)
    np.testing.assert_array_equal(_whole(output).valid, _whole(source).valid)
    assert Scene.open(output).layout.nodata == (0 if profile == "bpg-lossless" else None)
    assert _failed(output, source) == []


def test_more_quality_is_less_qp(tmp_path: Path) -> None:
    source = tmp_path / "a.tif"
    pixels = _scene(source)
    errors, sizes = [], []
    for qp in (10, 28, 45):
        output = tmp_path / f"{qp}.bpg"
        geosal.compress(source, output, saliency="uniform:saliency=1", creation_options={"QUALITY": str(qp)})
        errors.append(float(np.mean((_whole(output).pixels.astype(float) - pixels) ** 2)))
        sizes.append(output.stat().st_size)
    assert errors == sorted(errors)
    assert sizes == sorted(sizes, reverse=True)


def test_what_matters_is_nearer_to_the_scene(tmp_path: Path) -> None:
    source, output = tmp_path / "a.tif", tmp_path / "a.bpg"
    pixels = _scene(source, 1, (128, 192))
    geosal.compress(source, output, saliency="half", treatment="quality:low=12,high=30")
    errors = (_whole(output).pixels[0].astype(float) - pixels[0]) ** 2
    salient = errors[:, :90].mean(), errors[:, 102:].mean()
    assert max(salient) > 4 * min(salient)


def test_blocks_and_workers_do_not_show(tmp_path: Path) -> None:
    source = tmp_path / "a.tif"
    _scene(source, 3, (1100, 1300))
    outputs = [tmp_path / "a.bpg", tmp_path / "b.bpg"]
    for output, block in zip(outputs, (None, 320), strict=True):
        geosal.compress(source, output, saliency="half", block=block, creation_options={"PRESET": "ultrafast"})
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


@pytest.mark.parametrize(
    ("bands", "dtype", "options", "words"),
    [
        (3, "uint16", {}, r"cannot hold uint16.*--to-byte"),
        (5, "uint8", {}, r"cannot hold 5 bands.*--bidx"),
        (3, "uint8", {"profile": "bpg-lossless", "creation_options": {"QUALITY": "3"}}, "keeps every sample"),
        (3, "uint8", {"creation_options": {"QUALITY": "52"}}, "from 0 to 51"),
        (3, "uint8", {"creation_options": {"PRESET": "quick"}}, "SLOW"),
    ],
)
def test_what_cannot_be_is_refused_before_any_work(
    tmp_path: Path, bands: int, dtype: str, options: dict[str, Any], words: str
) -> None:
    save(tmp_path / "a.tif", np.ones((bands, 20, 30), dtype))
    with pytest.raises(UsageError, match=words):
        geosal.compress(tmp_path / "a.tif", tmp_path / "a.bpg", saliency="half", **options)
    assert not list(tmp_path.glob("*.bpg*"))


def test_too_large_and_too_small_images_are_refused(tmp_path: Path) -> None:
    for shape, words in (((5, 100), "9 rows"), ((20000, 20000), "268 Mpx")):
        path = save(tmp_path / f"{shape[0]}.tif", np.ones((1, 5, 5), np.uint8))
        sparse = {"width": shape[1], "height": shape[0], "count": 1, "dtype": "uint8", "sparse_ok": True}
        __import__("rasterio").open(path, "w", "GTiff", **sparse).close()
        with pytest.raises(UsageError, match=words):
            geosal.compress(path, tmp_path / "a.bpg", saliency="half")


@given(st.tuples(st.integers(9, 16000), st.integers(9, 16000)))
def test_no_tile_is_too_narrow_for_hevc(shape: tuple[int, int]) -> None:
    """ITU-T H.265, A.4.2: columns of tiles have 256 pixels and rows 64; levels have at most 20 and 22 of them."""
    side = tile_side(shape)
    rows, cols = (length if length <= side else length % side or side for length in shape)
    assert side % 64 == 0
    assert rows >= min(64, shape[0])
    assert cols >= min(256, shape[1])
    assert max(shape) / side <= 20
