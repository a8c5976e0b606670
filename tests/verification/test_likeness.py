"""Files that are whole and carry all that they should, and show something else."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import from_origin
from scipy.ndimage import gaussian_filter

import geosal
from geosal.formats.coarseness import Coarseness
from geosal.verification import Check
from geosal.verification.likeness import Likeness, means


@cache
def pixels_of(seed: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).normal(size=(3, 600, 640))
    return np.clip(gaussian_filter(noise, (0, 9, 9)) * 900 + 120, 1, 255).astype(np.uint8)


def picture(path: Path, seed: int) -> str:
    profile = {"driver": "GTiff", "count": 3, "height": 600, "width": 640, "dtype": "uint8", "crs": "EPSG:32631"}
    with rasterio.open(path, "w", **profile, transform=from_origin(5e5, 45e5, 10, 10), photometric="RGB") as dataset:
        dataset.write(pixels_of(seed))
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
    assert told["smoothed"] == "every valid sample below saliency 1 is as in the scene smoothed again"
    told = {check.name: check.detail for check in geosal.verify(output, against=scene, saliency="grid")}
    assert told["smoothed"].startswith("not compared")


def test_the_same_mask_by_another_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene, output = picture(tmp_path / "a.tif", 0), tmp_path / "o.tif"
    write(tmp_path / "m.tif", (hills(1, 1, 0, 640) > 0).astype(np.uint8)[:, :600] * 255)
    monkeypatch.chdir(tmp_path)
    geosal.compress(scene, str(output), saliency="m.tif")
    mask = str(tmp_path / "m.tif")
    told = {check.name: check.detail for check in geosal.verify(str(output), against=scene, saliency=mask)}
    assert told["smoothed"] == "every valid sample below saliency 1 is as in the scene smoothed again"
    shutil.copy(output, tmp_path / "changed.tif")
    blank_background(tmp_path / "changed.tif")
    assert {"smoothed", "salient"} <= failed(tmp_path / "changed.tif", scene, mask)
    told = {
        check.name: check.detail for check in geosal.verify(str(output), against=scene, saliency=f"{mask}:range=0-256")
    }
    assert told["smoothed"].startswith("not compared")


def test_means_leave_out_what_does_not_count() -> None:
    values = np.arange(48.0).reshape(6, 8)
    counts = values % 2 == 0
    found = means(values, counts, (4, 4))
    assert found.shape == (2, 2)
    assert found[0, 0] == values[:4, :4][counts[:4, :4]].mean()
    assert np.isnan(means(values, np.zeros_like(counts), (4, 4))).all()


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([5, 6] * 20, [6, 5] * 20, None),  # no contrast that a codec would have to keep
        ([5] * 40, [0, 10] * 20, None),  # flattened, by no more than a codec may
        ([5, 5.5] * 20, [0, 10] * 20, 1),
        ([0, 10] * 4, [10, 0] * 4, None),  # too few
        ([0, 10] * 20, [10, 0] * 20, -1),
        ([100] * 40, [0, 10] * 20, 0),  # elsewhere
        ([150] * 40, [80, 160] * 20, 0),  # flat
        ([150, 150, 130, 130] * 10, [80, 160] * 20, 0),  # of less contrast
        ([0, 9] * 20, [1, 10] * 20, 1),
    ],
)
def test_likeness(ours: list[float], theirs: list[float], expected: float | None) -> None:
    likeness = Likeness()
    likeness.add(np.array(ours, float), np.array(theirs, float))
    found = likeness.correlation(Coarseness(8, 2))
    assert found == (None if expected is None else pytest.approx(expected))


def write(path: Path, pixels: NDArray[Any]) -> str:
    """Write bands (band, y, x)."""
    profile = {"driver": "GTiff", "count": len(pixels), "height": pixels.shape[1], "width": pixels.shape[2]}
    place = {"crs": "EPSG:32631", "transform": from_origin(5e5, 45e5, 10, 10)}
    with rasterio.open(path, "w", **profile, **place, dtype=pixels.dtype, tiled=True) as dataset:
        dataset.write(pixels)
    return str(path)


def hills(seed: int, contrast: float, mean: float, side: int = 512) -> NDArray[np.float64]:
    """One band with some noise, whose large shapes have the standard deviation `contrast`."""
    rng = np.random.default_rng(seed)
    shapes = gaussian_filter(rng.normal(size=(side, side)), 16)
    return np.asarray((shapes / shapes.std() * contrast + mean + rng.normal(size=shapes.shape) * contrast / 30)[None])


def check(output: Path, source: str, name: str = "picture") -> Check:
    return next(check for check in geosal.verify(str(output), against=source) if check.name == name)


KEPT: dict[str, Any] = {"saliency": "uniform:saliency=1", "workers": 1}


@pytest.mark.parametrize("other", [hills(2, 18, 125), np.full((1, 512, 512), 150.0)], ids=["scene", "flat"])
def test_a_picture_of_less_contrast_is_another_one(other: NDArray[np.float64], tmp_path: Path) -> None:
    source = write(tmp_path / "a.tif", np.clip(hills(1, 40, 120), 0, 255).astype(np.uint8))
    foreign = write(tmp_path / "b.tif", other.astype(np.uint8))
    for name in ("o.tif", "o.jpg", "o.jp2"):
        profile = {"o.tif": "jpeg", "o.jpg": "jpg", "o.jp2": "jp2"}[name]
        geosal.compress(foreign, str(tmp_path / name), profile=profile, **KEPT)
        assert not check(tmp_path / name, source).ok
        assert check(tmp_path / name, foreign).ok


@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e6])
def test_floats_of_any_size_are_told_apart(unit: float, tmp_path: Path) -> None:
    ours, other = (write(tmp_path / f"{seed}.tif", (hills(seed, 1, 3) * unit).astype(np.float32)) for seed in (1, 2))
    output = tmp_path / "o.tif"
    geosal.compress(ours, str(output), profile="lerc", creation_options={"MAX_Z_ERROR": f"{unit / 100}"}, **KEPT)
    assert not check(output, other).ok
    assert "correlate by 1.00" in check(output, ours).detail


@pytest.mark.parametrize(("contrast", "mean"), [(2.0, 100), (1.3, 12), (0.0, 60)])
@pytest.mark.parametrize("quality", ["1", "5"])
def test_a_faint_scene_at_the_worst_quality(contrast: float, mean: float, quality: str, tmp_path: Path) -> None:
    bands = np.concatenate([hills(3, contrast, mean + shift) for shift in (0, 25, 10)])
    source = write(tmp_path / "a.tif", bands.astype(np.uint8))
    for name, profile in (("o.tif", "jpeg"), ("o.jpg", "jpg"), ("w.tif", "webp")):
        geosal.compress(source, str(tmp_path / name), profile=profile, creation_options={"QUALITY": quality}, **KEPT)
        assert check(tmp_path / name, source).ok
    assert contrast > 0 or check(tmp_path / "o.jpg", source).detail.startswith("not told")


def test_a_faint_scene_with_worse_overviews(tmp_path: Path) -> None:
    source = write(tmp_path / "a.tif", hills(3, 1.6, 100, 1200).astype(np.uint8))
    options = {"QUALITY": "90", "OVERVIEW_QUALITY": "1"}
    geosal.compress(
        source, str(tmp_path / "o.tif"), profile="jpeg", treatment="smooth", creation_options=options, **KEPT
    )
    found = check(tmp_path / "o.tif", source, "overviews")
    assert found.ok
    assert "more cannot be told" in found.detail


@pytest.mark.filterwarnings("ignore::rasterio.errors.NodataShadowWarning")
def test_alpha_beside_a_nodata_code(tmp_path: Path) -> None:
    """Its samples that have the code, 0, count in its overviews: where it is valid it may be one value."""
    rows, cols = np.mgrid[:700, :1400]
    alpha = ((rows // 10 + cols // 10) % 2 * 255)[np.newaxis]
    pixels = np.concatenate([np.broadcast_to(hills(1, 40, 120, 1400), (3, 1400, 1400))[:, :700], alpha])
    profile = {"driver": "GTiff", "count": 4, "height": 700, "width": 1400, "dtype": "uint8", "crs": "EPSG:32631"}
    colours = {"nodata": 0, "photometric": "RGB", "alpha": "YES", "transform": from_origin(5e5, 45e5, 10, 10)}
    with rasterio.open(tmp_path / "a.tif", "w", **profile, **colours) as dataset:
        dataset.write(pixels.clip(0, 255).astype(np.uint8))
    geosal.compress(str(tmp_path / "a.tif"), str(tmp_path / "o.tif"), **KEPT)
    assert check(tmp_path / "o.tif", str(tmp_path / "a.tif"), "overviews").ok


@pytest.mark.parametrize("factors", [[2, 4], [4, 16], [3]])
def test_overviews_by_other_factors(factors: list[int], tmp_path: Path) -> None:
    """Other programs leave levels out; each is compared with what it was made of."""
    path = write(tmp_path / "a.tif", hills(1, 40, 120, 1100).clip(0, 255).astype(np.uint8))
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews(factors, Resampling.average)
    assert check(Path(path), path, "overviews").ok
    with rasterio.open(path, "r+", OVERVIEW_LEVEL=0) as dataset:
        dataset.write(dataset.read()[:, ::-1])
    assert not check(Path(path), path, "overviews").ok


def test_what_kernels_alone_have_flattened(tmp_path: Path) -> None:
    """Squares as wide as a cell: a kernel four times as wide leaves nothing of them."""
    row, col = np.mgrid[:1024, :1024] // 16
    source = write(tmp_path / "a.tif", np.where((row + col) % 2, 200, 60).astype(np.uint8)[None])
    other = write(tmp_path / "b.tif", hills(1, 40, 120, 1024).clip(0, 255).astype(np.uint8))
    output = tmp_path / "o.tif"
    wish = {"saliency": "uniform:saliency=0", "treatment": "smooth", "steps": 32, "sigma": "1*K", "profile": "jpeg"}
    geosal.compress(source, str(output), **wish)
    assert check(output, source).ok
    assert not check(output, other).ok
