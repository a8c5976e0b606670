import base64
import io
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from geosal import SceneError, UsageError
from geosal.core.tables import Picture, Table, Tabled, require_matplotlib

TABLE = Table("a < b", ("name", "<value>"), [("x & y", 1.23456), ("none", None)])


def test_a_table_is_well_formed_and_escaped() -> None:
    found = ET.fromstring(TABLE.as_html())
    assert found.findtext("caption") == "a < b"
    assert [cell.text for cell in found.iter("th")] == ["name", "<value>"]
    assert [cell.text for cell in found.iter("td")] == ["x & y", "1.235", "none", None]
    assert ET.fromstring(Table("", (), []).as_html()).find("thead") is None


def test_its_columns_stand_below_one_another() -> None:
    assert TABLE.as_text() == "a < b\nname   <value>\nx & y  1.235\nnone"
    assert Table("t", (), [("a", 1)], {"bidx": [1]}).as_text() == "t; read as the file says: bidx=[1]\na  1"
    assert Table("t", (), []).as_text() == "t"


def test_a_result_is_its_table() -> None:
    class Result(Tabled):
        def _table(self) -> Table:
            return TABLE

    assert (str(Result()), repr(Result())) == (TABLE.as_text(), "<Result: a < b>")
    assert Result()._repr_html_() == f"<div>{TABLE.as_html()}</div>"


def test_a_picture_is_in_the_page() -> None:
    pixels = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)

    class Result(Tabled):
        def _table(self) -> Table:
            return TABLE

        def _pictures(self) -> list[Picture]:
            return [Picture("a < b.tif", pixels)]

    page = ET.fromstring(Result()._repr_html_())
    image = page.find(".//img")
    assert (image.get("alt"), page.findtext(".//figcaption")) == ("a < b.tif", "a < b.tif")
    kind, data = image.get("src").split(",")
    assert kind == "data:image/png;base64"
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), pixels)


def test_a_picture_that_cannot_be_had_leaves_the_table() -> None:
    class Result(Tabled):
        def _table(self) -> Table:
            return TABLE

        def _pictures(self) -> list[Picture]:
            raise SceneError("gone")

    assert Result()._repr_html_() == f"<div>{TABLE.as_html()}</div>"


def test_matplotlib_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    require_matplotlib("plot")
    monkeypatch.setattr("geosal.core.tables.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"plot: needs matplotlib.*geosal\[figures\]"):
        require_matplotlib("plot")
