import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
from click.testing import Result


def test_map_and_its_table(rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    out = tmp_path / "map.tif"
    result = call("saliency", "half", "uniform:saliency=0.2", out, "--like", rgb_scene, "--combine", "mean")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "mean saliency  0.349" in result.stdout  # (1 + .2) / 2 and .2 / 2, rounded down to a 255th
    with rasterio.open(out) as dataset:
        assert sorted({*dataset.read(1).ravel().tolist()}) == [25, 153]


def test_json(rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    out = tmp_path / "map.tif"
    result = call("saliency", "half", out, "--like", rgb_scene, "--json", "-")
    document = json.loads(result.stdout)
    assert document["mean"] == 0.5
    assert (document["output"], document["bytes"], document["coverage"]) == (str(out), out.stat().st_size, 1)


def test_refusals(rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    out = tmp_path / "map.tif"
    assert call("saliency", "half", out).exit_code == 2  # no --like
    assert call("saliency", out, "--like", rgb_scene).exit_code == 2  # no source
    assert call("saliency", "hlaf", out, "--like", rgb_scene).exit_code == 2
    assert call("saliency", "half", out, "--like", tmp_path / "missing.tif").exit_code == 3
    assert call("saliency", "half", rgb_scene, "--like", rgb_scene, "--overwrite").exit_code == 5
    assert call("saliency", "half", out, "--like", rgb_scene, "--max-pixels", "10").exit_code == 7
    assert list(tmp_path.iterdir()) == []


def test_bands_and_workers_as_a_job_has_them(rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    maps = []
    for name, words in (("all", ()), ("one", ("--bidx", "2", "--workers", "1")), ("named", ("--bands", "B03"))):
        out = tmp_path / f"{name}.tif"
        assert call("saliency", "detail", out, "--like", rgb_scene, *words).exit_code == 0
        with rasterio.open(out) as dataset:
            maps.append(dataset.read(1))
    assert (maps[0] != maps[1]).any()
    assert (maps[1] == maps[2]).all()


def test_a_product_is_resampled_as_in_a_job(tmp_path: Path, call: Callable[..., Result]) -> None:
    name = "LC08_L1TP_008059_20221201_20221225_02_T1"
    (tmp_path / name).mkdir()
    rng = np.random.default_rng(3)
    for number, cell, size in ((4, 30, 40), (5, 30, 40), (8, 15, 80)):
        with rasterio.open(
            tmp_path / name / f"{name}_B{number}.TIF", "w", driver="GTiff", count=1, height=size, width=size,
            dtype="uint16", crs="EPSG:32632", transform=rasterio.transform.from_origin(6e5, 5e6, cell, cell),
        ) as dataset:  # fmt: skip
            dataset.write(rng.integers(5000, 9000, (1, size, size), dtype=np.uint16))
    maps = {}
    for resampling in ("nearest", "bilinear"):
        out = tmp_path / f"{resampling}.tif"
        result = call(
            "saliency", "spectral:index=ndvi", out, "--like", tmp_path / name, "--resolution", "15",
            "--resampling", resampling, "--bands", "red",
        )  # fmt: skip
        assert result.exit_code == 0, result.stderr
        with rasterio.open(out) as dataset:
            maps[resampling] = dataset.read(1)
            assert dataset.shape == (80, 80)
    assert (maps["nearest"] != maps["bilinear"]).any()


def test_a_palette_needs_a_preview(rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]) -> None:
    result = call("saliency", "half", tmp_path / "map.tif", "--like", rgb_scene, "--palette", "viridis")
    assert result.exit_code == 2
    assert "--preview" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_picture_and_the_share_of_what_are_told(
    rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    words = ("saliency", "half", tmp_path / "map.tif", "--like", rgb_scene)
    plain = call(*words).stdout
    assert "effective 9.00 px of all pixels" in plain
    assert "preview" not in plain
    picture = tmp_path / "map.png"
    assert f"preview        {picture}" in call(*words, "--overwrite", "--preview", picture).stdout
