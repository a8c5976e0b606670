"""One MTL file in its three forms."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from geosal.errors import SceneError
from geosal.scenes.products.files import Files
from geosal.scenes.products.mtl import read_mtl

GROUPS = {
    "PRODUCT_CONTENTS": {"FILE_NAME_BAND_4": "LC08_B4.TIF", "PROCESSING_LEVEL": "L2SP"},
    "IMAGE_ATTRIBUTES": {"SPACECRAFT_ID": "LANDSAT_8", "CLOUD_COVER": "7.51"},
}
NAME = "LANDSAT_METADATA_FILE"


def odl(groups: dict[str, dict[str, str]]) -> str:
    lines = [f"GROUP = {NAME}"]
    for name, items in groups.items():
        lines += [f"  GROUP = {name}", *(f'    {key} = "{value}"' for key, value in items.items()), "  END_GROUP = x"]
    return "\n".join([*lines, f"END_GROUP = {NAME}", "END"])


def xml(groups: dict[str, dict[str, str]]) -> str:
    root = ET.Element(NAME)
    for name, items in groups.items():
        group = ET.SubElement(root, name)
        for key, value in items.items():
            ET.SubElement(group, key).text = value
    return ET.tostring(root, encoding="unicode")


@pytest.mark.parametrize(
    ("name", "form"),
    [("a_MTL.txt", odl), ("a_MTL.json", lambda groups: json.dumps({NAME: groups})), ("a_MTL.xml", xml)],
)
def test_all_forms_tell_the_same(name: str, form: Callable[[dict[str, dict[str, str]]], str], tmp_path: Path) -> None:
    (tmp_path / name).write_text(form(GROUPS))
    assert read_mtl(Files.of(str(tmp_path)), name) == GROUPS
    (tmp_path / name).write_text(form({"IMAGE_ATTRIBUTES": {"CLOUD_COVER": "7.51"}}))
    with pytest.raises(SceneError, match="tells no SPACECRAFT_ID"):
        read_mtl(Files.of(str(tmp_path)), name)


def test_the_first_of_two_values_counts(tmp_path: Path) -> None:
    (tmp_path / "a_MTL.txt").write_text("GROUP = A\nSPACECRAFT_ID = LANDSAT_5\nSPACECRAFT_ID = LANDSAT_7\nnoise\n")
    assert read_mtl(Files.of(str(tmp_path)), "a_MTL.txt") == {"A": {"SPACECRAFT_ID": "LANDSAT_5"}}
