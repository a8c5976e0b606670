"""PNG: what a job writes is what GDAL and libpng read, with its place, its nodata and its checksums."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine, loadsw
from numpy.typing import NDArray

import geosal
from geosal.errors import UsageError
from geosal.scenes import Scene

_PLACE = Affine(10.1, 0.25, 600000 + 1 / 3, 0.125, -10.1, 4600000.7)


def _scene(path: Path, bands: int, dtype: str, nodata: float | None = None, **more: Any) -> NDArray[Any]:
    """Write a scene of noise, so that a wrong order of bands, rows or bytes shows, and return its pixels."""
    top = np.iinfo(dtype).max
    pixels = np.random.default_rng(bands).integers(0, top, (bands, 70, 130), dtype, endpoint=True)
    if bands in {2, 4}:
        pixels[-1] = np.where(pixels[-1] > top // 2, top, 0)
        more["alpha"] = "YES"
    photometric = "RGB" if bands > 2 else "MINISBLACK"
    with rasterio.open(
        path, "w", "GTiff", 130, 70, bands, "EPSG:32633", _PLACE, dtype, nodata, photometric=photometric, **more
    ) as sink:
        sink.write(pixels)
        sink.set_band_description(1, "first")
        sink.update_tags(SENSOR="of a test")
    return pixels


def _failed(output: Path, source: Path) -> list[str]:
    return [str(check) for check in geosal.verify(output, against=source) if not check.ok]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_every_sample_is_there_for_gdal_and_libpng(tmp_path: Path, bands: int, dtype: str) -> None:
    source, output = tmp_path / "a.tif", tmp_path / "a.png"
    pixels = _scene(source, bands, dtype)
    geosal.compress(source, output, saliency="uniform:saliency=1")
    with rasterio.open(output) as found:
        assert found.driver == "PNG"
        assert found.crs.to_epsg() == 32633
        assert found.transform == _PLACE  # from the sidecar, with all digits
        assert found.descriptions[0] == "first"
        assert found.tags()["SENSOR"] == "of a test"
        np.testing.assert_array_equal(found.read(), pixels)
    decoded = pytest.importorskip("imagecodecs").png_decode(output.read_bytes())
    np.testing.assert_array_equal(np.moveaxis(np.atleast_3d(decoded), -1, 0), pixels)
    assert _failed(output, source) == []


@pytest.mark.parametrize("treatment", ["smooth", "bound:error=64"])
def test_what_matters_little_takes_few_bytes(rgb_scene: Path, tmp_path: Path, treatment: str) -> None:
    exact, treated = tmp_path / "exact.png", tmp_path / "treated.png"
    geosal.compress(rgb_scene, exact, saliency="uniform:saliency=1")
    geosal.compress(rgb_scene, treated, saliency="half", treatment=treatment)
    assert treated.stat().st_size < 0.8 * exact.stat().st_size
    assert _failed(treated, rgb_scene) == []


def test_nodata_is_that_of_each_band(tmp_path: Path) -> None:
    """A PNG of three bands would call a pixel no data only where all of them have the code."""
    source, output = tmp_path / "a.tif", tmp_path / "a.png"
    pixels = _scene(source, 3, "uint8", nodata=7)
    assert (pixels == 7).any()
    assert not (pixels == 7).all(axis=0).any()
    geosal.compress(source, output, saliency="uniform:saliency=1")
    with rasterio.open(output) as found:
        assert found.nodatavals == (7, 7, 7)
        assert "NODATA_VALUES" not in found.tags()
        np.testing.assert_array_equal(found.read_masks(), np.where(pixels == 7, 0, 255))
    assert _failed(output, source) == []


def test_nodata_of_one_band_is_in_the_file(tmp_path: Path) -> None:
    source, output = tmp_path / "a.tif", tmp_path / "a.png"
    _scene(source, 1, "uint16", nodata=300)
    geosal.compress(source, output, saliency="half")
    (tmp_path / "a.png.aux.xml").unlink()
    with rasterio.open(output) as found:
        assert found.nodata == 300


def test_a_mask_lies_beside(tmp_path: Path) -> None:
    source, output = tmp_path / "a.tif", tmp_path / "a.png"
    _scene(source, 3, "uint8")
    valid = np.eye(70, 130) == 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(source, "r+") as sink:
        sink.write_mask(valid)
    geosal.compress(source, output, saliency="half")
    with rasterio.open(output) as found:
        np.testing.assert_array_equal(found.read_masks(1) > 0, valid)
    assert _failed(output, source) == []


def test_the_world_file_is_its_own(tmp_path: Path) -> None:
    source, output = tmp_path / "a.tif", tmp_path / "a.png"
    _scene(source, 1, "uint8")
    geosal.compress(source, output, saliency="half")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pgw", "a.png", "a.png.aux.xml", "a.tif"]
    assert loadsw((tmp_path / "a.pgw").read_text()).almost_equals(_PLACE, 1e-6)
    options = (("WORLDFILE", "NO"),)
    geosal.compress(source, output, saliency="half", creation_options=options, overwrite=True)
    assert not (tmp_path / "a.pgw").exists()  # that of the old file went with it
    with rasterio.open(output) as found:
        assert found.transform == _PLACE


def test_a_world_file_that_says_another_place_is_a_fault(tmp_path: Path) -> None:
    source, output = tmp_path / "a.tif", tmp_path / "a.png"
    _scene(source, 1, "uint8")
    geosal.compress(source, output, saliency="half")
    world = tmp_path / "a.pgw"
    world.write_text(world.read_text().replace("10.1", "20.2"))
    assert "a.pgw places the image elsewhere" in " ".join(_failed(output, source))


@pytest.mark.parametrize(("wished", "faults"), [("YES", ["sidecar"]), ("NO", [])])
def test_a_world_file_that_is_lost_is_a_fault(tmp_path: Path, wished: str, faults: list[str]) -> None:
    source, output = tmp_path / "a.tif", tmp_path / "a.png"
    _scene(source, 1, "uint8")
    geosal.compress(source, output, saliency="half", creation_options=(("WORLDFILE", wished),))
    (tmp_path / "a.pgw").unlink(missing_ok=True)
    assert [check.name for check in geosal.verify(output, against=source) if not check.ok] == faults
    assert [check.name for check in geosal.verify(output) if not check.ok] == faults


@pytest.mark.parametrize(
    ("bands", "dtype", "bits", "nodata", "kept"),
    [
        (1, "uint8", 4, None, 4),
        (1, "uint8", 2, 3, 2),
        (1, "uint8", 4, 255, None),
        (1, "uint8", 3, None, None),
        (3, "uint8", 4, None, None),
        (1, "uint16", 12, None, None),
    ],
)
def test_few_bits_of_grey_samples_are_kept(
    tmp_path: Path, bands: int, dtype: str, bits: int, nodata: float | None, kept: int | None
) -> None:
    source, output = tmp_path / "a.tif", tmp_path / "a.png"
    pixels = np.random.default_rng(bits).integers(0, 2**bits, (bands, 60, 90)).astype(dtype)
    with rasterio.open(source, "w", "GTiff", 90, 60, bands, "EPSG:32633", _PLACE, dtype, nodata, nbits=bits) as sink:
        sink.write(pixels)
    geosal.compress(source, output, saliency="uniform:saliency=1")
    with rasterio.open(output) as found:
        assert found.tags(1, ns="IMAGE_STRUCTURE").get("NBITS") == (None if kept is None else str(kept))
        assert found.nodata == nodata
        np.testing.assert_array_equal(found.read(), pixels)
    assert Scene.open(str(output)).layout.metadata.nbits == kept
    assert _failed(output, source) == []


@pytest.mark.parametrize(
    ("bands", "more", "dtype", "words"),
    [
        (2, {"alpha": "NO"}, "uint8", "the last of 2 bands must be alpha"),
        (4, {"alpha": "NO"}, "uint16", "the last of 4 bands must be alpha"),
        (5, {}, "uint8", "cannot hold 5 bands, only 1, 2, 3 or 4"),
        (1, {}, "int16", "cannot hold int16, only uint8, uint16"),
    ],
)
def test_what_it_cannot_hold_is_refused_first(
    tmp_path: Path, bands: int, more: dict[str, str], dtype: str, words: str
) -> None:
    source, output = tmp_path / "a.tif", tmp_path / "a.png"
    with rasterio.open(source, "w", "GTiff", 40, 40, bands, "EPSG:32633", _PLACE, dtype, **more) as sink:
        sink.write(np.ones((bands, 40, 40), dtype))
    with pytest.raises(UsageError, match=words):
        geosal.compress(source, output, saliency="half")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize("treatment", ["quality", "twopass"])
def test_it_has_no_quality(rgb_scene: Path, tmp_path: Path, treatment: str) -> None:
    with pytest.raises(UsageError, match=f"treatment {treatment}"):
        geosal.compress(rgb_scene, tmp_path / "a.png", saliency="half", treatment=treatment)


def test_a_flat_scene_makes_a_tiny_file(tmp_path: Path) -> None:
    source, output = tmp_path / "a.tif", tmp_path / "a.png"
    with rasterio.open(source, "w", "GTiff", 8, 8, 1, "EPSG:32633", _PLACE, "uint8") as sink:
        sink.write(np.ones((1, 8, 8), "uint8"))
    geosal.compress(source, output, saliency="half")
    assert output.stat().st_size < 100
    assert _failed(output, source) == []


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_bands_that_will_be_shown_as_other_colours_are_told(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "a.tif"
    _scene(source, 3, "uint8")
    with rasterio.open(source, "r+") as sink:
        sink.colorinterp = tuple(reversed(sink.colorinterp))
    with pytest.warns(geosal.GeosalWarning, match="bands are blue, green, red"):
        geosal.compress(source, tmp_path / f"o.{suffix}", saliency="half")
