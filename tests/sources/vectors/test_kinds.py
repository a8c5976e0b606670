"""What archives hold; kinds of plain files are tried in `test_vectorfile`."""

import zipfile

import pytest

from geosal.errors import ResourceError, SceneError
from geosal.sources.vectors.kinds import SHP, Member, by_magic, member_of


def packed(path, **members):
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name.replace("_", "."), content)
    return str(path)


def test_the_one_file_of_features_is_found(tmp_path):
    found = member_of(packed(tmp_path / "a.zip", a_shp=SHP + bytes(96), a_dbf=b"", __a_shp=b"litter"))
    assert found == Member("shp", "a.shp")
    kml = packed(tmp_path / "b.kmz", doc_kml="<kml/>", more_kml="<kml/>")
    assert member_of(kml) == Member("KML", "doc.kml")
    assert by_magic(kml, b"PK\x03\x04") == "KML"
    assert by_magic("a.gpkg", b"PK\x03\x04") is None, "not what it is called"


@pytest.mark.parametrize("members", [{}, {"a_tif": b"II"}, {"a_kml": "", "b_kml": ""}, {"a_shp": b"no"}])
def test_archives_of_anything_else_are_refused(tmp_path, members):
    with pytest.raises(SceneError, match="give an archive of one shapefile or one KML file"):
        member_of(packed(tmp_path / "a.zip", **members))


def test_what_unpacks_to_too_much_is_refused(tmp_path):
    with pytest.raises(ResourceError, match="unpacks to more than 50 bytes"):
        member_of(packed(tmp_path / "a.zip", a_shp=SHP + bytes(96)), 50)
