"""Scenes from real satellites, aircraft and test suites: each gives a file that holds its promises, or a clear refusal.

The files lie beside the checkout where a machine has them (`shared_data`); elsewhere these tests skip.
"""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from oracle import smooth_reference
from rasterio.enums import ColorInterp

import geosal
from conftest import ROOT
from geosal import Ladder
from geosal.core.grid import Grid
from geosal.sources import Saliency, open_saliency

pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    # What is told about such files (no CRS, a nodata value that no pixel can have) is tested where it is told.
    pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning"),
]
ODD = ROOT.parent / "shared" / "data" / "odd"
LEFT_OUT = {
    "cogeotiff/sparse.tiff",  # 20480 px square in four bands: it alone would take longer than all the others
    "imagetiff_fuzz/oor_panic_120.tif",  # claims a strip of 1.3 GB, which GDAL gets one time and not the next
}
ODD_FILES = sorted(str(path.relative_to(ODD)) for path in ODD.rglob("*") if path.is_file())
REFUSALS = {2, 3, 4, 7}
"""Exit codes that a scene may end with: never "please report it", never a file that failed its verification."""
DTYPES = {"uint8", "uint16", "int16", "uint32", "int32", "float32", "float64"}


def saliency_of(scene: Path, *sources: str) -> Saliency:
    with rasterio.open(scene) as dataset:
        grid = Grid.from_crs(dataset.crs, dataset.transform, dataset.height, dataset.width)
    return open_saliency(sources, grid)


def samples_of(path: Path) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """Pixels and GDAL's own opinion on which are valid, both (band, y, x)."""
    with rasterio.open(path) as dataset:
        pixels, valid = dataset.read(), dataset.read_masks() > 0
    return pixels, valid & np.isfinite(pixels) if pixels.dtype.kind == "f" else valid


def assert_holds(scene: Path, output: Path, source: str) -> None:
    """Every check of `geosal verify`, and the two that matter most once more by GDAL and NumPy alone."""
    saliency = saliency_of(scene, source)
    checks = geosal.verify(str(output), against=str(scene), saliency=saliency)
    assert {check.name for check in checks} >= {"complete", "layout", "georeferenced", "bands", "invalid", "salient"}
    assert [check for check in checks if not check.ok] == []
    before, valid = samples_of(scene)
    after, valid_after = samples_of(output)
    kept = ~valid | (Ladder().levels(saliency.read(saliency.grid.whole())) == 0)
    np.testing.assert_array_equal(after[kept], before[kept])
    np.testing.assert_array_equal(valid_after, valid)


def assert_only(output: Path, *sidecars: str) -> None:
    """Nothing else was left in the directory of the output."""
    assert {path.name for path in output.parent.iterdir()} == {output.name, *(output.name + name for name in sidecars)}


@pytest.mark.parametrize("suffix", [".tif", ".jp2"])
@pytest.mark.parametrize(
    ("pattern", "refusal"),
    [
        ("landsat7/RGB.byte.tif", {}),
        ("sentinel2_safe/*.SAFE/GRANULE/*/IMG_DATA/*_TCI.jp2", {}),
        ("sentinel2_l1c/*.jp2", {}),
        ("naip/m_3607717_sw_18_1_20160620_subset.tif", {}),
        ("cog/cog_rgba.tif", {}),
        ("cog/cog_nodata_nan.tif", {".jp2": (geosal.UsageError, "cannot hold float32")}),
        ("landsat_c2/LC08_L2SP_008059*/*_SR_B4.TIF", {}),
        ("spacenet/sample_geotiff.tif", {}),
        ("sar/sar_hh.tif", dict.fromkeys((".tif", ".jp2"), (geosal.SceneError, "complex samples"))),
    ],
)
def test_a_scene_from_the_field(
    shared_data: Path, tmp_path: Path, pattern: str, refusal: dict[str, tuple[type[Exception], str]], suffix: str
) -> None:
    (scene,) = shared_data.glob(pattern)
    output = tmp_path / f"out{suffix}"
    if suffix in refusal:
        kind, words = refusal[suffix]
        with pytest.raises(kind, match=words):
            geosal.compress(str(scene), str(output), saliency="grid")
        assert list(tmp_path.iterdir()) == []
        return
    geosal.compress(str(scene), str(output), saliency="grid", block=512)
    assert_holds(scene, output, "grid")
    assert_only(output, *(() if suffix == ".tif" else (".aux.xml",)))


@pytest.mark.parametrize(
    ("pattern", "tolerance"),
    [
        ("landsat7/RGB.byte.tif", 1.5),  # half a step, and one for OpenCV's taps of 8 bits
        ("landsat_c2/LC08_L2SP_008059*/*_SR_B4.TIF", 0.75),
        ("cog/cog_nodata_nan.tif", 1e-6),
    ],
)
def test_what_is_not_there_lends_nothing(shared_data: Path, tmp_path: Path, pattern: str, tolerance: float) -> None:
    """All under the widest kernel: beside the wedges too each pixel is the mean of its valid neighbours alone."""
    (scene,) = shared_data.glob(pattern)
    output = tmp_path / "out.tif"
    geosal.compress(str(scene), str(output), saliency="uniform:saliency=0", treatment="smooth", block=208)
    before, valid = samples_of(scene)
    after, valid_after = samples_of(output)
    assert 0.2 < valid.mean() < 0.8  # there are wedges
    np.testing.assert_array_equal(valid_after, valid)
    np.testing.assert_array_equal(after[~valid], before[~valid])
    levels = np.full(before.shape[1:], 8, np.uint8)
    for band in range(len(before)):
        expected = smooth_reference(before[band], levels, valid[band])
        np.testing.assert_allclose(after[band][valid[band]], expected[valid[band]], rtol=0, atol=tolerance)
        ordinary = smooth_reference(np.where(valid[band], before[band], 0), levels)
        polluted = np.abs(ordinary - expected)[valid[band]] > 10 * tolerance
        assert polluted.sum() > 1000  # so the tolerance tells the two apart


@pytest.mark.skipif(not ODD_FILES, reason="no real scenes on this machine")
@pytest.mark.parametrize("name", [name for name in ODD_FILES if name not in LEFT_OUT])
def test_an_odd_file_is_done_or_refused(tmp_path: Path, name: str) -> None:
    scene, output = ODD / name, tmp_path / "out.tif"
    refusal = attempt(scene, output)
    if refusal is None:
        assert_holds(scene, output, "half")
        assert_only(output)
    else:
        assert refusal.exit_code in REFUSALS
        assert "\n" not in str(refusal)
        assert list(tmp_path.iterdir()) == []
        assert not is_smoothable(scene), refusal


def attempt(scene: Path, output: Path) -> geosal.GeosalError | None:
    """Do the job; tell how it was refused."""
    try:
        geosal.compress(str(scene), str(output), saliency="half")
    except geosal.GeosalError as error:
        return error
    return None


def is_smoothable(scene: Path) -> bool:
    """GDAL reads every pixel of it, from this one file, and they are numbers that can be averaged."""
    try:
        with rasterio.Env(GDAL_NUM_THREADS=1), rasterio.open(scene) as dataset:
            plain = ColorInterp.palette not in dataset.colorinterp and dataset.driver != "VRT"
            if not plain or not set(dataset.dtypes) <= DTYPES or dataset.width * dataset.height > 10**8:
                return False
            dataset.read()
    except (rasterio.errors.RasterioError, MemoryError):
        return False
    return True
