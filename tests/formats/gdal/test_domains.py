"""What GDAL's copy drops is put where GDAL finds it."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from geosal.core.metadata import read_metadata
from geosal.core.raster import BandMetadata, RasterMetadata
from geosal.formats.gdal.domains import Item, filler_for, missing_items
from geosal.formats.table import format_of

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
ITEMS = (
    Item("OTHER", 0, "a < b", 'x & "y"'),
    Item("json:J", 0, "json:J", '{"a": "<1>"}'),
    Item("xml:X", 0, "xml:X", '<?xml version="1.0"?><p:zoo xmlns:p="u"><p:b/>&lt;</p:zoo>'),
    Item("BANDS", 2, "K", "v"),
)


def tiff(path: Path, **options: object) -> Path:
    with rasterio.open(path, "w", driver="GTiff", width=9, height=9, count=2, dtype="uint8", **options) as dataset:
        dataset.write(np.ones((2, 9, 9), "uint8"))
        dataset.update_tags(A="1")
    return path


def check(path: Path) -> None:
    with rasterio.open(path) as dataset:
        assert dataset.tags(ns="OTHER") == {"a < b": 'x & "y"'}
        assert dataset.tags(2, ns="BANDS") == {"K": "v"}
        assert dataset.tags(1, ns="BANDS") == {}
        assert "p:zoo" in dataset.tags(ns="xml:X")["xml:X"]
        assert dataset.tags()["A"] == "1"
        assert dataset.read().min() == 1


def test_what_each_driver_drops() -> None:
    bands = (BandMetadata(), BandMetadata(tags={"": {"W": "1"}, "BANDS": {"K": "v"}}))
    domains = ("", "xml:XMP", "COLOR_PROFILE", "OTHER")
    metadata = RasterMetadata(bands=bands, tags={domain: {"K": domain} for domain in domains})
    assert {(i.domain, i.band) for i in missing_items(metadata, format_of("a.tif").kept_by_gdal, ())} == {
        ("OTHER", 0),
        ("BANDS", 2),
    }
    assert {(i.domain, i.band) for i in missing_items(metadata, format_of("a.jp2").kept_by_gdal, ("=",))} == {
        ("xml:XMP", 0), ("COLOR_PROFILE", 0), ("OTHER", 0), ("BANDS", 2)
    }  # fmt: skip
    ends = RasterMetadata(bands=bands, tags={"": {"K": "YWI=", "L": "a=b"}})
    assert [i.key for i in missing_items(ends, frozenset({"", "BANDS"}), ("=",))] == ["K"]


@pytest.mark.parametrize("bigtiff", ["YES", "NO"])
@pytest.mark.parametrize("endianness", ["LITTLE", "BIG"])
def test_in_place_of_the_filler(tmp_path: Path, bigtiff: str, endianness: str) -> None:
    path = tiff(tmp_path / "a.tif", bigtiff=bigtiff, endianness=endianness)
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(GEOSAL_FILLER=filler_for(ITEMS))
    size = path.stat().st_size
    format_of("a.tif").put_back(path, ITEMS)
    assert path.stat().st_size == size
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]
    check(path)
    with rasterio.open(path) as dataset:
        assert "GEOSAL_FILLER" not in dataset.tags()
        # As JSON: rasterio cuts a document at its first colon, and what follows loses its blank.
        assert json.loads(read_metadata(dataset, (1,)).tags["json:J"]["json:J"]) == {"a": "<1>"}


@pytest.mark.parametrize("output", ["a.tif", "a.jp2"])
@pytest.mark.parametrize("before", [None, '<PAMDataset>\n<PAMRasterBand band="2">\n</PAMRasterBand>\n</PAMDataset>\n'])
def test_in_the_sidecar(tmp_path: Path, output: str, before: str | None) -> None:
    """A COG as well, should GDAL have put its metadata elsewhere than into its tag."""
    path = tiff(tmp_path / "a.tif")
    if before is not None:
        (tmp_path / "a.tif.aux.xml").write_text(before)
    format_of(output).put_back(path, ITEMS)
    check(path)
    text = (tmp_path / "a.tif.aux.xml").read_text()
    assert '<Metadata domain="json:J" format="json">{"a": "&lt;1&gt;"}</Metadata>' in text
    assert text.count("<PAMRasterBand") == 1


@pytest.mark.parametrize("document", ["<zoo>", "no xml", "<!DOCTYPE zoo []><zoo/>", ""])
def test_a_broken_document_does_not_break_the_sidecar(tmp_path: Path, document: str) -> None:
    path = tiff(tmp_path / "a.tif")
    format_of("a.jp2").put_back(path, (*ITEMS, Item("xml:BROKEN", 0, "xml:BROKEN", document)))
    check(path)
    with rasterio.open(path) as dataset:
        found = read_metadata(dataset, (1,)).tags.get("xml:BROKEN", {"xml:BROKEN": ""})
    assert found == {"xml:BROKEN": document}


def test_what_gdal_has_cut_is_whole_again(tmp_path: Path) -> None:
    """GDAL writes a document that is no XML into its sidecar as a key and a value."""
    path, document = tiff(tmp_path / "a.tif"), '<x:zoo xmlns:x="u"><b>'
    garbled = '<Metadata domain="xml:B">\n<MDI key="&lt;x">zoo xmlns:x="u"&gt;&lt;b&gt;</MDI>\n</Metadata>\n'
    other = garbled.replace("xml:B", "xml:C")
    (tmp_path / "a.tif.aux.xml").write_text(f"<PAMDataset>\n{garbled}{other}</PAMDataset>\n")
    format_of("a.jpg").put_back(path, (Item("xml:B", 0, "xml:B", document),))
    with rasterio.open(path) as dataset:
        assert dataset.tags(ns="xml:B") == {"xml:B": document}
        assert dataset.tag_namespaces().count("xml:C") == 1


def test_what_is_there_already_stays(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif")
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(ns="OTHER", K="kept by GDAL")
        dataset.update_tags(GEOSAL_FILLER=filler_for(ITEMS))
    format_of("a.tif").put_back(path, ITEMS)
    with rasterio.open(path) as dataset:
        assert dataset.tags(ns="OTHER") == {"K": "kept by GDAL"}
        assert dataset.tags(2, ns="BANDS") == {"K": "v"}


def test_nothing_to_restore_touches_nothing(tmp_path: Path) -> None:
    path = tiff(tmp_path / "a.tif")
    before = path.read_bytes()
    format_of("a.tif").put_back(path, ())
    format_of("a.jp2").put_back(path, ())
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]


@settings(max_examples=40)
@given(value=st.text(st.characters(exclude_categories=("C",)), min_size=1).map(str.strip).filter(bool))
def test_any_value_comes_back(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    path = tiff(tmp_path_factory.mktemp("any") / "a.tif")
    items = (Item("OTHER", 0, "K", value), Item("OTHER", 1, "K", value))
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(GEOSAL_FILLER=filler_for(items))
    format_of("a.tif").put_back(path, items)
    with rasterio.open(path) as dataset:
        assert dataset.tags(ns="OTHER")["K"].strip() == value
        assert dataset.tags(1, ns="OTHER")["K"].strip() == value
