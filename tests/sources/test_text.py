import pytest

from geosal.errors import UsageError
from geosal.sources.base import Setting
from geosal.sources.perlin import Perlin
from geosal.sources.raster import RasterSource
from geosal.sources.synthetic import Half
from geosal.sources.text import SOURCES, SourceText, source_class


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


@pytest.mark.parametrize("name", SOURCES)
def test_every_name_of_the_table_opens(name, grid):
    source = SourceText.parse(name)
    assert source_class(source).open(source, Setting(grid=grid)).read(grid.whole()).shape == grid.shape


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("perlim", ["names are half, grid, uniform, perlin", "did you mean perlin?"]),
        ("Perlin:seed=3", ["did you mean perlin?"]),
        ("clouds", ["no such name and no such file", "names are half"]),
        ("perlin:7", ["cannot read '7'", "perlin:KEY=VALUE"]),
        ("perlin:seed=7;octaves=2", ["seed is a whole number"]),
        ("aoi.geojson:buffer=3", ["vector", "gdal_rasterize"]),
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
