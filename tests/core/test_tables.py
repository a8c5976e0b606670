from xml.etree import ElementTree as ET

from geosal.core.tables import Table, Tabled

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

    assert (str(Result()), Result()._repr_html_()) == (TABLE.as_text(), TABLE.as_html())
