import inspect
import re

import pytest

from geosal.errors import UsageError
from geosal.sources.base import OpenContext
from geosal.sources.masks.raster_source import RasterSource
from geosal.sources.patterns.perlin import Perlin
from geosal.sources.patterns.synthetic import Half
from geosal.sources.registry import entry_for, load_class, opener_of
from geosal.sources.table import FILES, SOURCES
from geosal.sources.text import SourceText


@pytest.mark.parametrize(
    ("text", "kind"), [("half", Half), ("perlin:seed=1", Perlin), ("mask.tif", RasterSource), ("./half", RasterSource)]
)
def test_a_name_comes_before_a_path(text, kind):
    assert opener_of(SourceText.parse(text)) is kind


@pytest.mark.parametrize("name", ["half", "grid", "uniform", "perlin"])
def test_a_name_without_a_file_opens_on_a_grid(name, grid):
    source = SourceText.parse(name)
    assert opener_of(source).open(source, OpenContext(grid=grid)).read(grid.whole()).shape == grid.shape


@pytest.mark.parametrize("text", ["detail", "spectral:index=ndvi"])
def test_what_looks_at_the_scene_says_so_when_there_is_only_a_grid(text, grid):
    source = SourceText.parse(text)
    with pytest.raises(UsageError, match="looks at the scene's pixels, and only a grid is given"):
        opener_of(source).open(source, OpenContext(grid=grid))


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


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("perlim", ["half, grid, uniform, perlin", "did you mean perlin?"]),
        ("Perlin:seed=3", ["did you mean perlin?"]),
        ("cloud", ["no such name and no such file", "names are clouds", "did you mean clouds?"]),
        ("clouds:60m", ["cannot read '60m'", "clouds:KEY=VALUE"]),
        ("perlin:7", ["cannot read '7'", "perlin:KEY=VALUE"]),
        ("perlin:seed=7;octaves=2", ["seed is a whole number"]),
    ],
)
def test_what_is_neither_name_nor_raster_is_refused_with_the_mend(text, words, grid):
    source = SourceText.parse(text)
    with pytest.raises(UsageError) as caught:
        opener_of(source).open(source, OpenContext(grid=grid))
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
        opener_of(source).open(source, OpenContext(grid=grid))


@pytest.mark.parametrize("name", ["aoi.zip", "a.kmz", "a.geojsonl", "A.NDJSON", "a.gml", "a.gdb"])
def test_names_of_vectors_are_not_taken_for_rasters(name):
    assert entry_for(SourceText.parse(name)) == FILES["vector"]


def test_nothing_is_no_source():
    source = SourceText.parse("none")
    with pytest.raises(UsageError, match="uniform:saliency=1 keeps every pixel") as caught:
        opener_of(source)
    assert "cnn" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("NCOLS 4", "raster"),
        ("399960 4900020.5 -1e3", "raster"),
        ("ship and plane", "vector"),
        ("x y value", "vector"),
        ("0 0.5 0.5 0.1 0.1", "vector"),
    ],
)
def test_a_txt_is_a_raster_where_its_first_line_has_three_numbers_or_is_that_of_an_ascii_grid(line, kind, tmp_path):
    (tmp_path / "a.txt").write_text(f"{line}\n{line}\n")
    assert entry_for(SourceText.parse(str(tmp_path / "a.txt"))) == FILES[kind]
