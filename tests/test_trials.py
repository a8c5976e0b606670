"""Trials of whole jobs that belong to no room, and that each trial of docs/reference/trials.md has tests."""

import hashlib
import os
import resource
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC
from servers import Files
from trials import NUMBERS, TESTS, named, numbers_of, rows

import geosal
from geosal.errors import GeosalWarning, ResourceError, SceneError

PLACE = Affine(10, 0, 4e5, 0, -10, 49e5)
_ODD_FOLDER = "ein Ort %20 mit ümläuten, 場所 #1"


def test_each_trial_of_the_page_has_tests_and_they_lie_where_it_says() -> None:
    told, found = rows(), named()
    assert list(told) == NUMBERS
    assert set(found) == set(NUMBERS)
    assert [number for number in NUMBERS if not found[number]] == []
    for number, (_, _, where) in told.items():
        for name in where.replace("`", "").split("; ")[0].split(", "):
            there = TESTS / name
            assert there.exists(), f"{number}: no {name}"
            assert any((TESTS / file).is_relative_to(there) for file in found[number]), f"{number}: none in {name}"


def test_a_test_may_serve_two_trials() -> None:
    assert numbers_of("test_trial_1_2_a_full_disk") == ["1", "2"]
    assert numbers_of("test_trial_extra_a_clock") == ["extra"]
    assert numbers_of("test_trials_of_speed") == numbers_of("test_a_trial_4_x") == []


def scene_of(path: Path, pixels: np.ndarray[Any, Any], **more: Any) -> Path:
    count, height, width = pixels.shape
    profile = {"count": count, "height": height, "width": width, "dtype": pixels.dtype, "photometric": "MINISBLACK"}
    with rasterio.open(
        path, "w", driver="GTiff", **{**profile, "crs": "EPSG:32631", "transform": PLACE, "alpha": "NO", **more}
    ) as dataset:
        dataset.write(pixels)
        dataset.update_tags(SCENE="odd")
    return path


def noise(dtype: str = "uint16", shape: tuple[int, ...] = (2, 90, 130)) -> np.ndarray[Any, Any]:
    return np.random.default_rng(3).integers(1, 200, shape).astype(dtype)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_trial_10_a_tiff_that_is_cut_off_is_refused_and_leaves_nothing(
    uint16_scene: Path, tmp_path: Path, share: float
) -> None:
    content = uint16_scene.read_bytes()
    (tmp_path / "cut.tif").write_bytes(content[: int(share * len(content))])
    with pytest.raises(SceneError, match=r"cut\.tif"):
        geosal.compress(tmp_path / "cut.tif", tmp_path / "out.tif", saliency="half")
    assert [path.name for path in tmp_path.iterdir()] == ["cut.tif"]


def test_trial_14_what_a_mask_does_not_cover_stays_to_the_bit(tmp_path: Path) -> None:
    pixels = noise(shape=(2, 100, 200))
    scene_of(tmp_path / "scene.tif", pixels)
    mask = np.zeros((1, 100, 80), np.float32)
    mask[:, :9, :9] = 1
    scene_of(tmp_path / "mask.tif", mask)
    with pytest.warns(GeosalWarning, match=r"covers 40.0% of the scene; the rest is kept as it is"):
        job = geosal.compress(tmp_path / "scene.tif", tmp_path / "out.tif", saliency=tmp_path / "mask.tif")
    assert job.coverage == pytest.approx(0.4)
    with rasterio.open(tmp_path / "out.tif") as dataset:
        found = dataset.read()
    np.testing.assert_array_equal(found[..., 80:], pixels[..., 80:])
    assert (found[..., :80] != pixels[..., :80]).mean() > 0.5


def _with_points(dataset: rasterio.io.DatasetWriter) -> None:
    corners = [(0, 0, 3.0, 45.0), (0, 130, 3.1, 45.0), (90, 0, 3.0, 44.9), (90, 130, 3.1, 44.9)]
    dataset.gcps = [GroundControlPoint(*corner) for corner in corners], "EPSG:4326"


def _with_rpcs(dataset: rasterio.io.DatasetWriter) -> None:
    lines = [1.0] + [0.0] * 19
    dataset.rpcs = RPC(0, 100, 45, 1, lines, lines, 45, 45, 3, 1, lines, lines, 65, 65)


BARE: dict[str, Any] = {"crs": None, "transform": None}


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
@pytest.mark.parametrize("output", ["out.tif", "out.jp2", "out.zarr"])
@pytest.mark.parametrize(
    ("profile", "change"),
    [
        ({"transform": PLACE @ Affine.rotation(30)}, None),
        ({"nodata": 0}, None),
        (BARE, _with_points),
        (BARE, _with_rpcs),
    ],
    ids=["turned", "all of a band is nodata", "points", "rpcs"],
)
def test_trial_24_odd_scenes_are_done_and_keep_what_they_have(
    tmp_path: Path, profile: dict[str, Any], change: Callable[[rasterio.io.DatasetWriter], None] | None, output: str
) -> None:
    pixels = noise()
    if "nodata" in profile:
        pixels[1] = 0
    scene = scene_of(tmp_path / "scene.tif", pixels, **profile)
    if change is not None:
        with rasterio.open(scene, "r+") as dataset:
            change(dataset)
    geosal.compress(scene, tmp_path / output, saliency="half", treatment="smooth")
    checks = geosal.verify(tmp_path / output, against=scene)
    assert [check for check in checks if not check.ok] == []
    opened = tmp_path / output / "image" if output == "out.zarr" else tmp_path / output
    with rasterio.open(scene) as before, rasterio.open(opened) as after:
        np.testing.assert_array_equal(before.read()[..., :65], after.read()[..., :65])
        if output != "out.zarr":
            assert (after.crs, after.transform, after.rpcs) == (before.crs, before.transform, before.rpcs)
            assert [point.asdict() for point in after.gcps[0]] == [point.asdict() for point in before.gcps[0]]
            assert after.tags()["SCENE"] == "odd"


def test_trial_19_a_tile_that_no_memory_holds_is_refused(tmp_path: Path) -> None:
    """A TIFF of 300 bytes: one pixel, in a tile of 2^30 x 2^30."""
    tags = [(256, 4, 1), (257, 4, 1), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1)]
    tags += [(322, 4, 2**30), (323, 4, 2**30), (324, 4, 8), (325, 4, 8)]
    directory = b"".join(struct.pack("<HHII", number, kind, 1, value) for number, kind, value in tags)
    (tmp_path / "tile.tif").write_bytes((b"II*\0" + struct.pack("<IH", 8, len(tags)) + directory).ljust(300, b"\0"))
    with pytest.raises(ResourceError, match="1073741824 x 1073741824 x 1 bands takes"):
        geosal.compress(tmp_path / "tile.tif", tmp_path / "out.tif", saliency="uniform:saliency=0")
    assert [path.name for path in tmp_path.iterdir()] == ["tile.tif"]


def test_trial_24_nan_and_infinity_stay_and_lend_nothing(tmp_path: Path) -> None:
    pixels = noise("float32")
    pixels[0, 20:40, 100:110], pixels[1, 5, 80] = np.nan, np.inf
    scene_of(tmp_path / "scene.tif", pixels)
    geosal.compress(tmp_path / "scene.tif", tmp_path / "out.tif", saliency="half", treatment="smooth")
    with rasterio.open(tmp_path / "out.tif") as dataset:
        found = dataset.read()
    odd = ~np.isfinite(pixels)
    np.testing.assert_array_equal(found[odd], pixels[odd])
    assert np.isfinite(found[~odd]).all()
    assert (found[~odd] <= pixels[~odd].max()).all()


@pytest.mark.parametrize("fault", ["500", "drop"])
def test_trial_25_a_job_of_a_flaky_server_makes_the_same_bytes(
    web: Files, rgb_corner: Path, tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geosal.core.patience._WAITS", (0.05, 0.05, 0.05))
    monkeypatch.setenv("GDAL_HTTP_RETRY_DELAY", "0.05")
    for folder in (web.folder, tmp_path):
        (folder / f"{fault}.tif").write_bytes(rgb_corner.read_bytes())
    wish: dict[str, Any] = {"saliency": "half", "block": 128, "workers": 1}
    geosal.compress(tmp_path / f"{fault}.tif", tmp_path / "here.tif", **wish)
    web.plan(3, fault)
    geosal.compress(f"{web.url}/{fault}.tif", tmp_path / "there.tif", **wish)
    assert len(web.requests) >= 3
    with rasterio.open(tmp_path / "here.tif") as here, rasterio.open(tmp_path / "there.tif") as there:
        np.testing.assert_array_equal(here.read(), there.read())


def test_trial_25_a_server_that_dies_amid_the_job_ends_it(
    web: Files, rgb_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geosal.core.patience._WAITS", (0.01,))
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "1")
    monkeypatch.setenv("GDAL_HTTP_RETRY_DELAY", "0.01")
    (web.folder / "dies.tif").write_bytes(rgb_scene.read_bytes())
    plan = geosal.make_plan(
        geosal.Recipe.from_mapping(
            {"input": f"{web.url}/dies.tif", "output": str(tmp_path / "out.tif"), "saliency": "half", "block": 128}
        )
    )
    web.plan(1, "500")
    with pytest.raises(SceneError, match=r"dies\.tif"):
        geosal.run(plan)
    assert list(tmp_path.iterdir()) == []


def pixels_of(path: Path) -> str:
    with rasterio.open(path) as dataset:
        return hashlib.sha256(dataset.read().tobytes()).hexdigest()


def in_a_process(scene: Path, output: Path, *words: object, before: tuple[str, ...] = (), **environment: str) -> None:
    """Run a job in a process whose environment is changed."""
    command = [*before, sys.executable, "-P", "-m", "geosal", "compress", str(scene), str(output), "-s", "perlin"]
    done = subprocess.run(
        [*command, "--quiet", *map(str, words)], env=os.environ | environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert done.stderr == b""


@pytest.fixture(scope="module")
def whole(uint16_scene: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of the job that the trials below do elsewhere."""
    output = tmp_path_factory.mktemp("whole") / "out.tif"
    geosal.compress(uint16_scene, output, saliency="perlin", block=1008, workers=1)
    return output.read_bytes()


def test_trial_extra_hash_seed_threads_and_blocks_change_no_byte(
    uint16_scene: Path, tmp_path: Path, whole: bytes
) -> None:
    in_a_process(uint16_scene, tmp_path / "out.tif", "--block", 256, "--workers", 2, PYTHONHASHSEED="77")
    assert (tmp_path / "out.tif").read_bytes() == whole


@pytest.mark.skipif(shutil.which("faketime") is None, reason="needs faketime")
def test_trial_extra_another_date_changes_no_byte(uint16_scene: Path, tmp_path: Path, whole: bytes) -> None:
    """Long before the files were written; and seconds that take an hour."""
    in_a_process(
        uint16_scene,
        tmp_path / "out.tif",
        "--resume",
        "--block",
        256,
        before=("faketime", "-f", "@1999-12-31 23:59:58 x3600"),
    )
    assert (tmp_path / "out.tif").read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["out.tif"]


def test_trial_extra_no_home_a_c_locale_and_odd_names_change_no_byte(
    uint16_scene: Path, tmp_path: Path, whole: bytes
) -> None:
    folder = tmp_path / _ODD_FOLDER
    folder.mkdir()
    shutil.copy2(uint16_scene, folder / "uint16.tif")
    bare = {"HOME": "/proc/nowhere", "LC_ALL": "C", "LANG": "C", "PYTHONCOERCECLOCALE": "0"}
    in_a_process(folder / "uint16.tif", folder / "ö %s out.tif", **bare)
    assert (folder / "ö %s out.tif").read_bytes() == whole
    assert {path.name for path in folder.iterdir()} == {"uint16.tif", "ö %s out.tif"}


def test_trial_extra_300_bands_in_75_files_with_64_open_files(tmp_path: Path) -> None:
    pixels = noise("uint8", (75, 4, 40, 50))
    files = [scene_of(tmp_path / f"{number}.tif", bands) for number, bands in enumerate(pixels)]
    stack = [word for file in files[1:] for word in ("--stack", str(file))]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    in_a_process(files[0], tmp_path / "out.tif", *stack, before=("prlimit", f"--nofile=64:{hard}"))
    with rasterio.open(tmp_path / "out.tif") as dataset:
        assert dataset.count == 300
    assert geosal.verify(tmp_path / "out.tif", against=files[0]).ok
