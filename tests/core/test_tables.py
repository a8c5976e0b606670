from xml.etree import ElementTree as ET

from geosal.core.html import html_table


def test_a_table_is_well_formed_and_escaped() -> None:
    found = ET.fromstring(html_table("a < b", ("name", "<value>"), [("x & y", 1.23456), ("none", None)]))
    assert found.findtext("caption") == "a < b"
    assert [cell.text for cell in found.iter("th")] == ["name", "<value>"]
    assert [cell.text for cell in found.iter("td")] == ["x & y", "1.235", "none", None]
    assert ET.fromstring(html_table("", (), [])).find("thead") is None
