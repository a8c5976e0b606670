import hashlib

import pytest

from geosal.errors import SceneError
from geosal.sources.files import digest, find


def test_the_digest_is_that_of_the_file(tmp_path):
    (tmp_path / "mask.tif").write_bytes(b"mask")
    assert digest(str(tmp_path / "mask.tif")) == hashlib.sha256(b"mask").hexdigest()
    with pytest.raises(SceneError, match="cannot be read"):
        digest(str(tmp_path / "none.tif"))


def test_that_of_a_shapefile_covers_its_table(tmp_path):
    for suffix in ("shp", "dbf", "shx"):
        (tmp_path / f"a.{suffix}").write_text(suffix)
    before = digest(str(tmp_path / "a.shp"))
    (tmp_path / "a.dbf").write_text("another")
    assert digest(str(tmp_path / "a.shp")) != before


def test_that_of_labels_covers_the_names_of_their_classes(tmp_path):
    for name in ("a.txt", "a.csv", "classes.txt"):
        (tmp_path / name).write_text("plane")
    before = {name: digest(str(tmp_path / name)) for name in ("a.txt", "a.csv")}
    (tmp_path / "classes.txt").write_text("ship")
    assert digest(str(tmp_path / "a.txt")) != before["a.txt"]
    assert digest(str(tmp_path / "a.csv")) == before["a.csv"]
    assert digest(str(tmp_path / "classes.txt")) == hashlib.sha256(b"ship").hexdigest()


def test_a_file_is_found_by_name_and_digest_in_the_folders_themselves(tmp_path):
    for name in ("first", "second", "first/within"):
        (tmp_path / name).mkdir()
    folders = [str(tmp_path / name) for name in ("first", "second", "nowhere")]
    for name, content in (("first", "another"), ("second", "mask"), ("first/within", "deep")):
        (tmp_path / name / "mask.tif").write_text(content)
    known = {content: hashlib.sha256(content.encode()).hexdigest() for content in ("mask", "deep", "none")}
    assert find("mask.tif", known["mask"], folders) == str(tmp_path / "second" / "mask.tif")
    assert find("mask.tif", known["deep"], folders) is None
    assert find("mask.tif", known["none"], folders) is None
    for name in ("within/mask.tif", "../second/mask.tif", str(tmp_path / "second/mask.tif"), "..", "", "mask.tif\0"):
        assert find(name, known["mask"], folders) is None
        assert find(name, known["deep"], folders) is None
