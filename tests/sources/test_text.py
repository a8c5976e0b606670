import inspect
import re

import pytest

from geosal.errors import UsageError
from geosal.sources.base import Setting
from geosal.sources.perlin import Perlin
from geosal.sources.raster import RasterSource
from geosal.sources.synthetic import Half
from geosal.sources.text import FILES, SOURCES, SourceText, entry_for, load_class, source_class


@pytest.mark.parametrize(
    ("text", "target", "params"),
    [
        ("half", "half", {}),
        ("perlin:seed=7,octaves=3", "perlin", {"seed": "7", "octaves": "3"}),
        ("mask.tif:range=0-255", "mask.tif", {"range": "0-255"}),
        ("mask.tif:range=-1.5-1e3", "mask.tif", {"range": "-1.5-1e3"}),
        ("s3://bucket/mask.tif", "s3://bucket/mask.tif", {}),
        ("s3://bucket/mask.tif:band=2", "s3://bucket/mask.tif", {"band": "2"}),
        ("https://host:80/mask.tif", "https://host:80/mask.tif", {}),
        ("https://host:80/mask.tif?a=1,b=2", "https://host:80/mask.tif?a=1,b=2", {}),
        ("https://host:80/mask.tif?a=1:band=2", "https://host:80/mask.tif?a=1", {"band": "2"}),
        (r"C:\masks\mask.tif", r"C:\masks\mask.tif", {}),
        (r"C:\masks\mask.tif:band=2", r"C:\masks\mask.tif", {"band": "2"}),
        ("/vsizip//a.zip/mask.tif:align=pixels", "/vsizip//a.zip/mask.tif", {"align": "pixels"}),
        ("a b=c.tif", "a b=c.tif", {}),
        ("clouds:from=s3://bucket/qa.tif,as=qa_pixel", "clouds", {"from": "s3://bucket/qa.tif", "as": "qa_pixel"}),
        (r"clouds:from=C:\qa.tif", "clouds", {"from": r"C:\qa.tif"}),
        ("worldcover.tif:classes=10=1;50=0.8", "worldcover.tif", {"classes": "10=1;50=0.8"}),
        ("a.gpkg:where=k IN (1,2),buffer=5px", "a.gpkg", {"where": "k IN (1,2)", "buffer": "5px"}),
        ("clouds:from=/a,b/qa.tif,as=scl", "clouds", {"from": "/a,b/qa.tif", "as": "scl"}),
    ],
)
def test_only_a_tail_of_pairs_is_parameters(text, target, params):
    assert SourceText.parse(text) == SourceText(text, target, tuple(params.items()))


def test_an_existing_file_is_a_path_as_it_stands(tmp_path):
    path = tmp_path / "odd:band=2"
    path.touch()
    assert SourceText.parse(str(path)).target == str(path)


@pytest.mark.parametrize("text", ["", "  "])
def test_empty_is_refused(text):
    with pytest.raises(UsageError, match="empty"):
        SourceText.parse(text)


def test_a_parameter_given_twice_is_refused():
    with pytest.raises(UsageError, match="seed is given twice"):
        SourceText.parse("perlin:seed=1,seed=2")


@pytest.mark.parametrize(
    ("text", "kind"), [("half", Half), ("perlin:seed=1", Perlin), ("mask.tif", RasterSource), ("./half", RasterSource)]
)
def test_a_name_comes_before_a_path(text, kind):
    assert source_class(SourceText.parse(text)) is kind


@pytest.mark.parametrize("name", ["half", "grid", "uniform", "perlin"])
def test_a_name_without_a_file_opens_on_a_grid(name, grid):
    source = SourceText.parse(name)
    assert source_class(source).open(source, Setting(grid=grid)).read(grid.whole()).shape == grid.shape


@pytest.mark.parametrize("text", ["detail", "spectral:index=ndvi"])
def test_what_looks_at_the_scene_says_so_when_there_is_only_a_grid(text, grid):
    source = SourceText.parse(text)
    with pytest.raises(UsageError, match="looks at the scene's pixels, and only a grid is given"):
        source_class(source).open(source, Setting(grid=grid))


@pytest.mark.parametrize("entry", sorted({*SOURCES.values(), *FILES.values()}))
def test_every_line_of_the_table_leads_to_a_class_whose_docstring_says_how_it_is_written(entry):
    kind = load_class(entry)
    assert re.match(r"``\S[^`]*``: \S", inspect.getdoc(kind) or "")
    assert all(hasattr(kind, part) for part in ("open", "read", "known", "__dask_tokenize__"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("aoi.geojson:buffer=3", "vector"),
        ("dir.tif/AOI.GPKG", "vector"),
        ("https://host/roads.parquet?sig=a.tif", "vector"),
        ("/vsizip/a.zip/x.shp:saliency=0.5", "vector"),
        ("ships.json:saliency=0.8,buffer=5px", "vector"),
        ("boxes.csv", "vector"),
        ("worldcover.tif:classes=10=1;50=0.8", "classes"),
        ("./clouds:classes=scl", "classes"),
        ("mask.tif:range=0-1", "raster"),
        ("./half", "raster"),
        ("mask.geojson.tif", "raster"),
    ],
)
def test_a_path_is_read_by_its_suffix_or_its_table(text, kind):
    assert entry_for(SourceText.parse(text)) == FILES[kind]


def test_parameters_that_cannot_be_read_are_told_from_a_missing_file(tmp_path):
    path = tmp_path / "a.gpkg"
    path.touch()
    with pytest.raises(UsageError, match="parameters where=t > '12:00' cannot be read; .* no value holds a colon"):
        entry_for(SourceText.parse(f"{path}:where=t > '12:00'"))


@pytest.mark.parametrize("value", ["2-1", "1", "a-b", "1-1", "-1e308-1e308", "0-1e999"])
def test_an_interval_is_two_numbers(value):
    assert SourceText.parse("a.tif:range=-1.5-1e3").interval("range") == (-1.5, 1000)
    assert SourceText.parse("a.tif").interval("range") is None
    with pytest.raises(UsageError, match="write the values that mean 0 and 1"):
        SourceText.parse(f"a.tif:range={value}").interval("range")


def test_numbers_of_thousands_of_digits_are_refused():
    with pytest.raises(UsageError, match="seed is a whole number"):
        SourceText.parse(f"perlin:seed={'9' * 5000}").integer("seed", 0, 0, 9)


def test_without_takes_a_parameter_out_and_keeps_the_text():
    source = SourceText.parse("perlin:seed=7,weight=2")
    assert source.without("weight") == SourceText(source.text, "perlin", (("seed", "7"),))
    assert source.without("octaves") == source


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("perlim", ["names are half, grid, uniform, perlin", "did you mean perlin?"]),
        ("Perlin:seed=3", ["did you mean perlin?"]),
        ("cloud", ["no such name and no such file", "names are half", "did you mean clouds?"]),
        ("clouds:60m", ["cannot read '60m'", "clouds:KEY=VALUE"]),
        ("perlin:7", ["cannot read '7'", "perlin:KEY=VALUE"]),
        ("perlin:seed=7;octaves=2", ["seed is a whole number"]),
    ],
)
def test_what_is_neither_name_nor_raster_is_refused_with_the_mend(text, words, grid):
    source = SourceText.parse(text)
    with pytest.raises(UsageError) as caught:
        source_class(source).open(source, Setting(grid=grid))
    message = str(caught.value)
    assert "\n" not in message
    assert not [word for word in words if word not in message]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("perlin:sead=7", "unknown parameter sead; perlin takes seed, octaves, cells; did you mean seed?"),
        ("half:seed=7", "unknown parameter seed; half takes no parameters"),
        ("uniform:saliency=1.5", "saliency is a number from 0 to 1"),
        ("uniform:saliency=nan", "saliency is a number from 0 to 1"),
        ("uniform:saliency=high", "saliency is a number from 0 to 1"),
        ("perlin:octaves=2.5", "octaves is a whole number from 1 to 8"),
        ("perlin:octaves=9", "octaves is a whole number from 1 to 8"),
        ("perlin:cells=0", "cells is a whole number from 1 to 256"),
    ],
)
def test_a_parameter_that_cannot_work_is_refused(text, match, grid):
    source = SourceText.parse(text)
    with pytest.raises(UsageError, match=match.replace("?", r"\?")):
        source_class(source).open(source, Setting(grid=grid))


@pytest.mark.parametrize("name", ["aoi.zip", "a.kmz", "a.geojsonl", "A.NDJSON", "a.gml", "a.gdb"])
def test_names_of_vectors_are_not_taken_for_rasters(name):
    assert entry_for(SourceText.parse(name)) == FILES["vector"]


def test_a_code_of_a_crs_may_hold_its_colon():
    parsed = SourceText.parse("s3://x/a.geojson:saliency=1,crs=epsg:5070,buffer=5px")
    assert parsed.params == (("saliency", "1"), ("crs", "epsg:5070"), ("buffer", "5px"))


def test_nothing_is_no_source():
    source = SourceText.parse("none")
    with pytest.raises(UsageError, match="uniform:saliency=1 keeps every pixel") as caught:
        source_class(source)
    assert "cnn" not in str(caught.value)
