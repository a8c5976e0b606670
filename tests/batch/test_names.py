from pathlib import Path

import pytest

from geosal.batch.names import output_for, paths_meant, suffix_for, writes
from geosal.errors import UsageError


@pytest.mark.parametrize(
    ("inputs", "suffix", "outputs"),
    [
        (("x/a.tif", "b"), ".tif", ("a.tif", "b.tif")),
        (("S2B_X.SAFE.zip", "LC08_T1.tar", "S2B_Y.SAFE"), "jp2", ("S2B_X.jp2", "LC08_T1.jp2", "S2B_Y.jp2")),
        (("https://host/a.tif?key=1", "s3://b/c.jp2"), "_s.jpg", ("a_s.jpg", "c_s.jpg")),
    ],
)
def test_an_output_has_the_name_of_its_input(inputs: tuple[str, ...], suffix: str, outputs: tuple[str, ...]) -> None:
    assert [output_for(path, "out", suffix) for path in inputs] == [f"out/{name}" for name in outputs]


def test_the_name_of_a_folder_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "LC08_v1.0"
    folder.mkdir()
    assert output_for(str(folder), "out", ".tif") == "out/LC08_v1.0.tif"


def test_a_profile_has_its_suffix() -> None:
    assert [suffix_for(name) for name in (None, "zstd", "htj2k", "jpg", "none such")] == [
        ".tif",
        ".tif",
        ".jp2",
        ".jpg",
        ".tif",
    ]
    assert [writes(None, ".JP2"), writes("jp2", ".jp2"), writes("zstd", ".jp2"), writes(None, ".img")] == [
        True,
        True,
        False,
        False,
    ]


def test_a_pattern_means_the_files_that_fit(tmp_path: Path) -> None:
    for name in ("b.tif", "a.tif", "[c].tif"):
        (tmp_path / name).touch()
    assert paths_meant(f"{tmp_path}/?.tif") == [f"{tmp_path}/a.tif", f"{tmp_path}/b.tif"]
    for text in (f"{tmp_path}/[c].tif", "https://host/*.tif", "/vsicurl/*.tif"):
        assert paths_meant(text) == [text]
    with pytest.raises(UsageError, match="no file fits"):
        paths_meant(f"{tmp_path}/*.jp2")
