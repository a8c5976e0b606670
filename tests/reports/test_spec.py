from pathlib import Path

import pytest

import geosal
from geosal.reports import ReportSpec


def _spec(folder: Path, **changed: object) -> ReportSpec:
    usual = {
        "original": str(folder / "scene.tif"),
        "outputs": (str(folder / "out.jpg"),),
        "path": str(folder / "x.html"),
    }
    return ReportSpec(**{**usual, **changed})


def test_what_can_be_made_passes(folder: Path) -> None:
    _spec(folder).check()
    _spec(folder, outputs=("to-come.tif",)).check(unmade=True)


@pytest.mark.parametrize(
    ("changed", "error", "told"),
    [
        ({"outputs": ()}, geosal.UsageError, "without an output"),
        ({"outputs": tuple("123456789")}, geosal.UsageError, "holds 8 at most"),
        ({"outputs": ("a.tif", "./a.tif")}, geosal.UsageError, "named twice"),
        ({"outputs": ("a.tif",)}, geosal.SceneError, "no such file"),
        ({"title": "a\udcff"}, geosal.UsageError, r"title='a\\udcff': it must be text in UTF-8"),
        ({"title": "a\x1b"}, geosal.UsageError, "without control characters"),
        ({"title": 5}, geosal.UsageError, "title=5"),
        ({"title": b"x"}, geosal.UsageError, "title=b'x'"),
        ({"path": "page.pdf"}, geosal.UsageError, "ends in .html"),
        ({"path": "missing/page.html"}, geosal.OutputError, "missing"),
    ],
)
def test_what_cannot_is_refused(folder: Path, changed: dict, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        _spec(folder, **changed).check()


def test_no_file_is_replaced_unasked_and_no_input_ever(folder: Path, tmp_path: Path) -> None:
    there = tmp_path / "page.html"
    there.write_text("mine")
    with pytest.raises(geosal.OutputError, match="exists already"):
        _spec(folder, path=str(there)).check()
    _spec(folder, path=str(there), overwrite=True).check()
    with pytest.raises(geosal.OutputError, match="is also an input"):
        _spec(folder, path=str(there), outputs=(str(there),), overwrite=True).check()
    with pytest.raises(geosal.SceneError, match="is the original as well"):
        _spec(folder, outputs=(str(folder / "scene.tif"),)).check()


def test_a_folder_that_takes_no_file_is_found_before_the_work(folder: Path) -> None:
    with pytest.raises(geosal.OutputError, match="cannot write in /proc"):
        _spec(folder, path="/proc/x.html").check(unmade=True)
