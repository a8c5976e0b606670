import json
import re
from pathlib import Path

import numpy as np
import pytest
from rasters import PLACE, save

import geosal


def _data(page: Path) -> dict:
    (found,) = re.findall(r'<script type="application/json" id="data">([^<]*)</script>', page.read_text("utf-8"))
    return json.loads(found)


def test_what_comes_back_is_what_the_page_says(folder: Path, hostile: str, tmp_path: Path) -> None:
    found = geosal.report(folder / "scene.tif", folder / hostile, tmp_path / "page.html")
    assert found.bytes == (tmp_path / "page.html").stat().st_size
    assert [entry.name for entry in tmp_path.iterdir()] == ["page.html"]
    assert found.proved == (True,)
    (comparison,) = found.comparisons
    assert comparison.scores("salient").max_error == 0
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "every pixel there is exactly as it was" in text
    assert f"{comparison.scores('background').psnr:.2f} dB" in text
    assert f"{comparison.candidate_bytes / 1000:.1f} kB" in text
    assert "--saliency mask.tif" in text  # the command
    assert json.loads(json.dumps(found.to_dict()))["outputs"][0]["proved"] is True
    assert "all checks hold" in str(found)
    assert "<table>" in found._repr_html_()


def test_a_summary_stands_for_its_files(folder: Path, tmp_path: Path) -> None:
    summary = geosal.compress(folder / "scene.tif", tmp_path / "out.tif", saliency="half")
    found = geosal.report(summary, summary, tmp_path / "page.html")
    assert found.comparisons[0].candidate == str(tmp_path / "out.tif")


def _pair(folder: Path, first: np.ndarray, second: np.ndarray, **layout: object) -> tuple[Path, Path]:
    return tuple(save(folder / f"{name}.tif", one, **PLACE, **layout) for name, one in (("a", first), ("b", second)))


@pytest.mark.parametrize(
    ("shape", "dtype", "layout"),
    [
        ((1, 1, 1), "uint8", {}),
        ((13, 40, 50), "uint16", {}),
        ((2, 3, 300), "int16", {"nodata": -1}),
        ((1, 50, 40), "float32", {"nodata": np.nan}),
        ((1, 2500, 3), "uint8", {}),
    ],
)
def test_scenes_of_every_kind_make_a_page(tmp_path: Path, shape: tuple[int, ...], dtype: str, layout: dict) -> None:
    rng = np.random.default_rng(2)
    first = rng.integers(0, 90, shape).astype(dtype)
    second = (first + rng.integers(0, 3, shape)).astype(dtype)
    if dtype == "float32":
        first[0, :5] = second[0, :5] = np.nan
    original, output = _pair(tmp_path, first, second, **layout)
    found = geosal.report(original, output, tmp_path / "page.html")
    assert found.proved == (None,)  # no job of geosal
    data = _data(tmp_path / "page.html")
    assert (data["width"], data["height"]) == (shape[2], shape[1])
    assert data["exact"] == (shape[1] <= 2048)
    assert all(
        part["x"] + part["width"] <= shape[2] and part["y"] + part["height"] <= shape[1] for part in data["parts"]
    )


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        (lambda pixels: pixels[:, :-1], geosal.SceneError, "compare rasters of one size"),
        (lambda pixels: pixels.astype(np.uint16), geosal.SceneError, "uint16, not uint8"),
        (lambda pixels: pixels[:1], geosal.SceneError, "1 band beside alpha, not 3"),
        (lambda pixels: pixels * 0, geosal.SceneError, "no sample counts in both"),
    ],
)
def test_what_is_not_of_the_scene_is_refused(tmp_path: Path, change, error: type[Exception], told: str) -> None:
    pixels = np.random.default_rng(1).integers(1, 255, (3, 30, 40), dtype=np.uint8)
    original, output = _pair(tmp_path, pixels, change(pixels), nodata=0)
    with pytest.raises(error, match=told):
        geosal.report(original, output, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


def test_outputs_of_other_readings_need_pages_of_their_own(folder: Path, tmp_path: Path) -> None:
    geosal.compress(folder / "scene.tif", tmp_path / "one.tif", saliency="half", bidx=[1])
    with pytest.raises(geosal.UsageError, match="another bands|another type|make a report of each"):
        geosal.report(folder / "scene.tif", [folder / "out.jpg", tmp_path / "one.tif"], tmp_path / "page.html")


def test_a_large_scene_is_made_small_with_places_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geosal.reports.pictures._LONGEST", 100)
    monkeypatch.setattr("geosal.reports.pictures._SIDE", 32)
    rng = np.random.default_rng(4)
    first = rng.integers(1, 255, (1, 300, 260), dtype=np.uint8)
    second = first.copy()
    second[0, 100:150, 200:250] //= 2
    original, output = _pair(tmp_path, first, second)
    geosal.report(original, output, tmp_path / "page.html", saliency="half")
    data = _data(tmp_path / "page.html")
    assert (data["exact"], data["factor"]) == (False, 4)
    assert len(data["parts"]) == len(data["original"]["parts"]) >= 2
    assert all((part["width"], part["height"]) == (32, 32) for part in data["parts"])
    errors = data["outputs"][0]["maps"]["errors"]
    assert len(errors["parts"]) == len(data["parts"])


def test_a_scene_of_one_value_gets_a_page(tmp_path: Path) -> None:
    flat = save(tmp_path / "flat.tif", np.full((1, 64, 64), 3, np.float32), **PLACE)
    geosal.compress(flat, tmp_path / "out.tif", saliency="half")
    assert geosal.report(flat, tmp_path / "out.tif", tmp_path / "page.html").comparisons[0].data_range == 1


def test_what_is_no_recipe_and_no_plan_is_refused_by_name() -> None:
    with pytest.raises(geosal.UsageError, match="^recipe=None: it must be a Recipe"):
        geosal.make_plan(None)
    with pytest.raises(geosal.UsageError, match="^plan=None: it must be a Plan"):
        geosal.run(None)
