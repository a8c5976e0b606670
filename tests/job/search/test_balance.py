"""The gap between salient pixels and the rest: as wide as costs the rest nothing beside a plain JPEG of its bytes."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image
from rasterio.transform import from_origin
from skimage.metrics import structural_similarity

import geosal
from geosal.job.plan import make_plan
from geosal.job.recipe import Recipe
from geosal.job.search.balance import BalancedSearch

_SIDE = 256


def _fields() -> NDArray[np.uint8]:
    """RGB with texture of many contrasts, as land has it: patches of noise with a falling spectrum."""
    rng = np.random.default_rng(3)
    waves = np.hypot(*np.meshgrid(np.fft.fftfreq(_SIDE), np.fft.rfftfreq(_SIDE), indexing="ij"))
    spectrum = np.fft.rfft2(rng.normal(size=(_SIDE, _SIDE))) / np.maximum(waves, 1 / _SIDE) ** 1.1
    texture = np.fft.irfft2(spectrum, (_SIDE, _SIDE))
    contrast = np.kron(rng.uniform(4, 40, (8, 8)), np.ones((_SIDE // 8, _SIDE // 8)))
    luma = texture / texture.std() * contrast + 120
    colours = np.array([1.0, 0.9, 0.7])[:, None, None] * luma + rng.normal(0, 2, (3, _SIDE, _SIDE))
    return np.clip(colours, 0, 255).astype(np.uint8)


def _saved(path: Path, bands: NDArray[np.uint8]) -> Path:
    profile = {"driver": "GTiff", "crs": "EPSG:32631", "transform": from_origin(5e5, 45e5, 10, 10), "dtype": "uint8"}
    with rasterio.open(path, "w", count=len(bands), height=_SIDE, width=_SIDE, **profile) as dataset:
        dataset.write(bands)
    return path


@pytest.fixture(scope="module")
def salient() -> NDArray[np.bool_]:
    """A disc of about a twentieth of the image."""
    row, col = np.ogrid[:_SIDE, :_SIDE]
    return np.asarray((row - 100) ** 2 + (col - 140) ** 2 < 32**2)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, salient: NDArray[np.bool_]) -> Path:
    folder = tmp_path_factory.mktemp("balance")
    _saved(folder / "mask.tif", np.where(salient, 255, 0).astype(np.uint8)[None])
    return _saved(folder / "scene.tif", _fields())


def _plain(pixels: NDArray[np.uint8], quality: int) -> bytes:
    stream = io.BytesIO()
    picture = Image.fromarray(np.moveaxis(pixels, 0, -1))
    picture.save(stream, "JPEG", quality=quality, optimize=True, subsampling="4:2:0")
    return stream.getvalue()


def _decoded(stream: bytes) -> NDArray[np.uint8]:
    return np.moveaxis(np.asarray(Image.open(io.BytesIO(stream))), -1, 0)


def _psnr(found: NDArray[np.uint8], pixels: NDArray[np.uint8], where: NDArray[np.bool_]) -> float:
    errors = (found.astype(float) - pixels)[:, where]
    return float(10 * np.log10(255**2 / np.mean(errors**2)))


@pytest.mark.parametrize("quality", [50, 75])
def test_what_matters_gains_and_the_rest_loses_nothing(
    scene: Path, salient: NDArray[np.bool_], tmp_path: Path, quality: int
) -> None:
    pixels = _fields()
    plain = _plain(pixels, quality)
    output = tmp_path / "out.jpg"
    summary = geosal.compress(
        str(scene), str(output), saliency=str(scene.with_name("mask.tif")), target_size=len(plain)
    )
    assert output.stat().st_size <= len(plain)
    ours, theirs = _decoded(output.read_bytes()), _decoded(plain)
    gains = {
        "salient_db": _psnr(ours, pixels, salient) - _psnr(theirs, pixels, salient),
        "background_db": _psnr(ours, pixels, ~salient) - _psnr(theirs, pixels, ~salient),
    }
    assert gains["salient_db"] > 2
    assert gains["background_db"] > 0
    structure = [structural_similarity(each, pixels, channel_axis=0) for each in (ours, theirs)]
    assert structure[0] > structure[1] - 0.001  # the search has another window
    assert summary.search is not None
    for name, gain in gains.items():
        assert summary.search["beside_plain"][name] == pytest.approx(gain, abs=0.1)
    assert summary.search["beside_plain"]["ssim"] >= 0


def test_tiles_of_a_cog_too(scene: Path, tmp_path: Path) -> None:
    summary = geosal.compress(
        str(scene), str(tmp_path / "out.tif"), saliency=str(scene.with_name("mask.tif")), profile="jpeg", target_bpp=2.0
    )
    assert summary.search is not None
    assert summary.search["beside_plain"]["salient_db"] > 2
    assert summary.search["beside_plain"]["background_db"] > 0


def test_nothing_salient_needs_no_finer_tables(scene: Path, tmp_path: Path) -> None:
    summary = geosal.compress(str(scene), str(tmp_path / "out.jpg"), saliency="uniform:saliency=0", target_bpp=2.0)
    low, high = summary.treatment.removeprefix("quality:").split(",")
    assert low.removeprefix("low=") == high.removeprefix("high=")
    assert summary.search is not None
    assert summary.search["beside_plain"]["salient_db"] is None


@pytest.mark.parametrize(
    ("options", "suits"),
    [
        ({}, True), ({"target_bpp": 2.0}, True), ({"treatment": "quality", "target_size": 9000}, True),
        ({"treatment": "quality:low=20"}, False), ({"treatment": "quality:high=90"}, False),
        ({"creation_options": {"QUALITY": "80"}}, False), ({"treatment": "twopass"}, False),
        ({"min_psnr": ("40",)}, False),
    ],
)  # fmt: skip
def test_it_is_for_bytes_where_both_qualities_are_open(
    scene: Path, tmp_path: Path, options: dict[str, Any], suits: bool
) -> None:
    wish = {"input": str(scene), "output": str(tmp_path / "out.jpg"), "saliency": ["half"], **options}
    assert BalancedSearch.suits(make_plan(Recipe.from_mapping(wish))) is suits
