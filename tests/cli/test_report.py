import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import Result
from rasters import PLACE, read, save

Call = Callable[..., Result]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pixels = np.random.default_rng(6).integers(1, 255, (3, 60, 70), dtype=np.uint8)
    return save(tmp_path_factory.mktemp("scene") / "scene.tif", pixels, photometric="RGB", nodata=0, **PLACE)


def test_a_report_of_a_job_and_one_made_later(scene: Path, tmp_path: Path, call: Call) -> None:
    page, later = tmp_path / "page.html", tmp_path / "later.html"
    result = call(
        "compress", scene, tmp_path / "out.tif", "-s", "half", "--report", page, "--json", tmp_path / "x.json"
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"report: {page}" in result.stdout
    told = json.loads((tmp_path / "x.json").read_text())["report"]
    assert (told["path"], told["bytes"]) == (str(page), page.stat().st_size)
    result = call("report", scene, tmp_path / "out.tif", "-o", later, "--json", tmp_path / "y.json")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.startswith(f"{later}: measures and draws 1 output of {scene}; ")
    assert result.stderr.count("\n") == 1
    assert f"report  {later}" in result.stdout
    assert "all checks hold" in result.stdout
    assert json.loads((tmp_path / "y.json").read_text())["outputs"][0]["proved"] is True
    assert later.read_text("utf-8") == page.read_text("utf-8")
    assert call("report", scene, tmp_path / "out.tif", "-o", later).exit_code == 5
    assert call("report", scene, tmp_path / "out.tif", "-o", later, "--overwrite", "-q").output == ""


def test_an_output_that_fails_its_checks_is_the_last_word(
    scene: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call("compress", scene, "out.tif", "-s", "uniform:saliency=1").exit_code == 0
    with rasterio.open("out.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        dataset.write(dataset.read() ^ 1)
    result = call("report", scene, "./out.tif", "-o", "page.html", "-q")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.splitlines()[-1].startswith("CHECKS FAILED: ./out.tif; page.html says which")
    result = call("report", scene, "./out.tif", "-o", "page.html", "--overwrite")
    assert "shows   ./out.tif: PSNR" in result.stdout  # as it was typed


def test_a_report_that_cannot_be_is_refused_before_the_job(scene: Path, tmp_path: Path, call: Call) -> None:
    for page, code in (("page.pdf", 2), ("missing/page.html", 5), ("out.tif", 2)):
        result = call("compress", scene, tmp_path / "out.tif", "-s", "half", "--report", tmp_path / page)
        assert (result.exit_code, result.stderr.count("\n")) == (code, 1), result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_fails_leaves_the_output(scene: Path, tmp_path: Path, call: Call, monkeypatch) -> None:
    from geosal.errors import ResourceError

    def fail(*_: object) -> None:
        raise ResourceError("no room")

    monkeypatch.setattr("geosal.reports.make_report", fail)
    words = ("compress", scene, tmp_path / "out.tif", "-s", "half", "--report", tmp_path / "page.html")
    result = call(*words, "--json", tmp_path / "x.json")
    assert result.exit_code == ResourceError.exit_code
    assert "cannot be made (no room)" in result.stderr
    assert "out.tif itself is complete" in result.stderr
    assert read(tmp_path / "out.tif").shape == (3, 60, 70)
    told = json.loads((tmp_path / "x.json").read_text())
    assert (told["report"], told["error"]["code"], told["bytes"] > 0) == (None, 7, True)


def test_several_jobs_have_a_page_each_and_an_index(scene: Path, tmp_path: Path, call: Call) -> None:
    other = save(tmp_path / "other.tif", read(scene) // 2 + 1, photometric="RGB", **PLACE)
    pages = tmp_path / "pages"
    result = call("compress", scene, other, "-s", "half", "--out-dir", tmp_path / "out", "--report", pages)
    assert result.exit_code == 0, result.stderr
    assert sorted(page.name for page in pages.iterdir()) == ["index.html", "other.tif.html", "scene.tif.html"]
    assert f"reports: {pages / 'index.html'}" in result.stdout
    (pages / "index.html").unlink()
    for words in (("--title", "T"), ("-s", "half"), ("--overwrite",), ("--max-pixels", "9")):
        result = call("report", "--index", pages, *words)
        assert result.exit_code == 2
        assert f"leave out {words[0].replace('-s', '--saliency')}, or" in result.stderr
    result = call("report", "--index", pages)
    assert (result.exit_code, result.stdout.split()) == (0, ["index", str(pages / "index.html"), "reports", "2"])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("{scene}",), 2),
        (("{scene}", "{scene}"), 2),
        (("{scene}", "-o", "{folder}/x.html"), 2),
        (("{scene}", "{scene}", "-o", "{folder}/x.html"), 3),
        (("{scene}", "none.tif", "-o", "{folder}/x.html"), 3),
        (("none.tif", "{other}", "-o", "{folder}/x.html"), 3),
        (("{scene}", "{other}", "-o", "{folder}/x.html"), 3),
        (("{scene}", "{text}", "-o", "{folder}/x.html"), 3),
        (("--index", "{folder}"), 2),
        (("--index", "{folder}", "{scene}"), 2),
    ],
)
def test_usage(scene: Path, tmp_path: Path, call: Call, words: tuple[str, ...], code: int) -> None:
    places = {"scene": scene, "folder": tmp_path / "empty", "text": tmp_path / "text.tif"}
    places["folder"].mkdir()
    places["text"].write_text("no raster")
    places["other"] = save(tmp_path / "other.tif", np.zeros((3, 5, 5), np.uint8))
    result = call("report", *(word.format(**places) for word in words))
    assert (result.exit_code, result.stderr.count("\n")) == (code, 1), result.output
    assert list(places["folder"].iterdir()) == []
