"""Files that are whole and carry all that they should, and show something else."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from scipy.ndimage import gaussian_filter

import geosal
from geosal.verification.likeness import Likeness, means


def picture(path: Path, seed: int) -> str:
    noise = np.random.default_rng(seed).normal(size=(3, 600, 640))
    pixels = np.clip(gaussian_filter(noise, (0, 9, 9)) * 900 + 120, 1, 255).astype(np.uint8)
    profile = {"driver": "GTiff", "count": 3, "height": 600, "width": 640, "dtype": "uint8", "crs": "EPSG:32631"}
    with rasterio.open(path, "w", **profile, transform=from_origin(5e5, 45e5, 10, 10), photometric="RGB") as dataset:
        dataset.write(pixels)
    return str(path)


def failed(output: Path, source: str, saliency: str | None = "half") -> set[str]:
    return {check.name for check in geosal.verify(str(output), against=source, saliency=saliency) if not check.ok}


@pytest.mark.parametrize(
    ("output", "profile"), [("o.tif", "jpeg"), ("o.tif", "webp"), ("o.jp2", "jp2"), ("o.jpg", "jpg")]
)
def test_a_lossy_file_of_another_scene(output: str, profile: str, tmp_path: Path) -> None:
    ours, other = picture(tmp_path / "a.tif", 0), picture(tmp_path / "b.tif", 1)
    geosal.compress(ours, str(tmp_path / output), saliency="half", profile=profile)
    assert failed(tmp_path / output, ours) == set()
    assert failed(tmp_path / output, other) == {"picture"}
    assert failed(tmp_path / output, other, None) == {"picture"}


def blank_overview(path: Path) -> None:
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES", OVERVIEW_LEVEL=0) as dataset:
        dataset.write(np.zeros((3, *dataset.shape), np.uint8))


def swap_colours(path: Path) -> None:
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        dataset.colorinterp = [ColorInterp.blue, ColorInterp.green, ColorInterp.red]


def blank_background(path: Path) -> None:
    with rasterio.open(path, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        pixels = dataset.read()
        pixels[:, :, 320:] = 77
        dataset.write(pixels)


def add_rpcs(path: Path) -> None:
    names = ("LINE_OFF", "SAMP_OFF", "LAT_OFF", "LONG_OFF", "HEIGHT_OFF")
    lines = [f"{name}: 1" for name in names] + [f"{name.replace('OFF', 'SCALE')}: 2" for name in names]
    for name in ("LINE_NUM", "LINE_DEN", "SAMP_NUM", "SAMP_DEN"):
        lines += [f"{name}_COEFF_{number}: 1" for number in range(1, 21)]
    (path.parent / f"{path.stem}_RPC.TXT").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (blank_overview, "overviews"),
        (swap_colours, "bands"),
        (blank_background, "smoothed"),
        (add_rpcs, "georeferenced"),
    ],
)
def test_a_planted_lie(plant: Callable[[Path], None], found: str, tmp_path: Path) -> None:
    scene, output = picture(tmp_path / "a.tif", 0), tmp_path / "o.tif"
    geosal.compress(scene, str(output), saliency="half")
    assert failed(output, scene) == set()
    copy = tmp_path / "other" / "o.tif"
    copy.parent.mkdir()
    shutil.copy(output, copy)
    plant(copy)
    assert found in failed(copy, scene)


def test_what_was_proved_is_told(tmp_path: Path) -> None:
    scene, output = picture(tmp_path / "a.tif", 0), str(tmp_path / "o.tif")
    geosal.compress(scene, output, saliency="half")
    told = {check.name: check.detail for check in geosal.verify(output, against=scene, saliency="half")}
    assert told["smoothed"] == "smoothed again, every valid sample of the scene is the file's"
    told = {check.name: check.detail for check in geosal.verify(output, against=scene, saliency="grid")}
    assert told["smoothed"].startswith("not compared")


def test_means_leave_out_what_does_not_count() -> None:
    values = np.arange(48.0).reshape(6, 8)
    counts = values % 2 == 0
    found = means(values, counts, 4)
    assert found.shape == (2, 2)
    assert found[0, 0] == values[:4, :4][counts[:4, :4]].mean()
    assert np.isnan(means(values, np.zeros_like(counts), 4)).all()


@pytest.mark.parametrize(
    ("ours", "theirs", "least", "most"),
    [
        ([0, 1] * 20, [0, 10] * 20, 1.0, 1.0),  # flattened
        ([5] * 40, [7] * 40, 1.0, 1.0),  # no contrast
        ([0, 10] * 4, [10, 0] * 4, 1.0, 1.0),  # too few
        ([0, 10] * 20, [10, 0] * 20, -1.0, -0.9),
        ([100] * 40, [0, 10] * 20, 0.0, 0.0),  # elsewhere
        ([0, 9] * 20, [1, 10] * 20, 0.99, 1.0),
    ],
)
def test_likeness(ours: list[int], theirs: list[int], least: float, most: float) -> None:
    likeness = Likeness()
    likeness.add(np.array(ours, float), np.array(theirs, float))
    assert least <= round(likeness.correlation(), 9) <= most
