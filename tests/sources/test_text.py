import pytest

from geosal.errors import UsageError
from geosal.sources.text import SourceText


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


def test_a_code_of_a_crs_may_hold_its_colon():
    parsed = SourceText.parse("s3://x/a.geojson:saliency=1,crs=epsg:5070,buffer=5px")
    assert parsed.params == (("saliency", "1"), ("crs", "epsg:5070"), ("buffer", "5px"))


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("half", "half"),
        ("perlin:seed=7", "perlin:seed=7"),
        ("/home/me/mask.tif", "mask.tif"),
        ("../my/mask.tif:range=0-255", "mask.tif:range=0-255"),
        ("s3://secret/bucket/mask.tif:band=2", "mask.tif:band=2"),
        ("https://me:pass@host:80/a/mask.tif?token=1", "mask.tif"),
        ("/vsizip//home/me/a.zip/mask.tif", "mask.tif"),
        ("clouds:from=/home/me/scl.tif,as=scl", "clouds:from=scl.tif,as=scl"),
        ("cnn:model=~/nets/mine.onnx,top=3", "cnn:model=mine.onnx,top=3"),
        ("/home/me/a.gpkg:where=kind='a/b',buffer=5px", "a.gpkg:where=kind='a/b',buffer=5px"),
        ("roads:width=3,of=/home/me/roads.db,near=./a/b", "roads:width=3,of=roads.db,near=b"),
        ("/home/me/folder.gdb/", "folder.gdb"),
    ],
)
def test_the_bare_text_has_no_folders(text, bare):
    assert SourceText.parse(text).bare.text == bare


def test_paths_are_moved_and_nothing_else():
    moved = SourceText.parse("clouds:from=scl.tif,as=scl").moved(lambda path: f"/there/{path}")
    assert moved == SourceText.parse("clouds:from=/there/scl.tif,as=scl")
    assert SourceText.parse("perlin:seed=7").moved(lambda path: f"/there/{path}").text == "perlin:seed=7"
