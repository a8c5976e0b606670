import time
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import shapely
import xarray as xr

from geosal import Recipe, SceneError, UsageError
from geosal.core.machine import memory_bytes
from geosal.job.recipe import CompressOptions
from geosal.scenes import Reading, ReadingOptions

WISH = {"input": "in.tif", "output": "out.tif", "saliency": "perlin"}


def test_plain_data_becomes_one_frozen_object() -> None:
    recipe = Recipe.from_mapping(
        WISH
        | {"max_memory": "512MB", "bidx": [4, 3, 2], "creation_options": {"level": 9, "overviews": False}, "steps": 5}
    )
    assert recipe.saliency == ("perlin",)
    assert recipe.max_memory == 512_000_000
    assert recipe.bidx == (4, 3, 2)
    assert recipe.creation_options == (("LEVEL", "9"), ("OVERVIEWS", "NO"))
    assert recipe.ladder.widths == (1, 3, 5, 7, 9, 11)
    assert hash(recipe) == hash(replace(recipe, steps=5))


def test_options_go_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text("input: a.tif\noutput: b.tif\nsaliency: [half, grid]\nprofile: zstd\n")
    recipe = Recipe.from_yaml(file, output="c.jp2", profile=None)
    assert (recipe.input, recipe.output, recipe.profile) == (str(tmp_path / "a.tif"), "c.jp2", "zstd")
    assert recipe.saliency == ("half", "grid")


def test_types_of_options_name_every_field() -> None:
    options = CompressOptions.__optional_keys__ - {"like"} | {"input", "output"}
    assert options == {field.name for field in fields(Recipe)}
    assert ReadingOptions.__optional_keys__ == {field.name for field in fields(Reading)}


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (WISH | {"saliancy": "half"}, "did you mean saliency"),
        ({"output": "b.tif", "saliency": "half"}, "no input"),
        ({"input": "a.tif", "output": "b.tif"}, "no saliency source"),
        (WISH | {"combine": "sum"}, "combine='sum'.*max, min, mean, product"),
        (WISH | {"outside": "drop"}, "keep, blur"),
        (WISH | {"steps": "many"}, "steps"),
        (WISH | {"steps": True}, "steps"),
        (WISH | {"block": 100}, "multiple of 16"),
        (WISH | {"block": 0}, "above 0"),
        (WISH | {"workers": -1}, "above 0"),
        (WISH | {"workers": 10**8}, "workers=100000000: it must be at most 1024"),
        (WISH | {"bands": ""}, "bands='': names no band"),
        (WISH | {"bands": [",", " "]}, "names no band"),
        (WISH | {"profile": ""}, "profile=''"),
        (WISH | {"creation_options": {"LEVEL": None}}, "LEVEL has no value"),
        (WISH | {"max_memory": "lots"}, "no size"),
        (WISH | {"max_memory": True}, "no size"),
        (WISH | {"max_memory": "0%"}, "at most 100 %"),
        (WISH | {"max_memory": "120 %"}, "at most 100 %"),
        (WISH | {"max_memory": 0}, "above 0"),
        (WISH | {"target_size": "half"}, "no size"),
        (WISH | {"creation_options": {"QUALITY": 50, "quality": 80}}, "QUALITY=50 and quality=80: one option has one"),
        (WISH | {"scheduler": "slurm"}, "threads, processes"),
        (WISH | {"bidx": ["red"]}, "band numbers"),
        (WISH | {"saliency": 3}, "saliency=3: a source of saliency is a name or a path; geosal sources"),
        (WISH | {"saliency": ["half", shapely.box(0, 0, 1, 1)]}, r"saliency=<POLYGON .*open_scene.*geosal\.compress"),
        (WISH | {"saliency": np.ones((3, 4))}, r"saliency=<ndarray of float64, 3 x 4>: .*geosal\.compress"),
        (WISH | {"saliency": xr.DataArray([1])}, r"saliency=<DataArray of int64, 1>: .*geosal\.compress"),
        (WISH | {"saliency": xr.Dataset()}, r"saliency=<Dataset>: .*geosal\.compress"),
        (WISH | {"overwrite": "yes"}, "true or false"),
        (WISH | {"creation_options": "LEVEL=9"}, "a list"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_with_the_mend(wish: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Recipe.from_mapping(wish)


def test_a_share_of_memory_is_that_of_the_machine() -> None:
    half = Recipe.from_mapping(WISH | {"max_memory": "50%"}).max_memory
    assert half == memory_bytes() // 2
    assert half is not None
    assert 2**26 < half < 2**45


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    for text in ("profile: jpeg\nprofile: webp\n", "creation_options:\n  LEVEL: 1\n  LEVEL: 9\n"):
        file.write_text(text)
        with pytest.raises(UsageError, match="stands twice in it; give it once"):
            Recipe.from_yaml(file)


def test_a_recipe_file_must_be_there_and_be_a_mapping(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="cannot be read"):
        Recipe.from_yaml(tmp_path / "none.yaml")
    for text, message in (("- a\n- b\n", "is list"), ("a: [1\n", "no valid YAML")):
        (tmp_path / "bad.yaml").write_text(text)
        with pytest.raises(UsageError, match=message):
            Recipe.from_yaml(tmp_path / "bad.yaml")


def test_yaml_that_grows_without_bound_is_refused_at_once(tmp_path: Path) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    for a, b in pairwise("abcdefghi"):
        bomb += f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n"
    texts = {"alias": bomb + "block: *i\n", "nested": "saliency: " + "[" * 5000, "large": "x" * 100_000}
    for name, text in texts.items():
        file = tmp_path / name
        file.write_text(text)
        begin = time.process_time()
        with pytest.raises(UsageError, match=name):
            Recipe.from_yaml(file)
        assert time.process_time() - begin < 5


def test_known_options_are_told_in_the_order_of_the_documentation() -> None:
    with pytest.raises(UsageError, match=r"no such option; known: input, output, saliency, combine, .*, drivers$"):
        Recipe.from_mapping({"xyz": 1})
