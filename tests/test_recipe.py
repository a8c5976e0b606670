import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from geosal import Recipe, SceneError, UsageError
from geosal.recipe import parse_size

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
    assert (recipe.input, recipe.output, recipe.profile) == ("a.tif", "c.jp2", "zstd")
    assert recipe.saliency == ("half", "grid")


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
        (WISH | {"max_memory": "lots"}, "no size"),
        (WISH | {"max_memory": 512}, "512MB"),
        (WISH | {"scheduler": "slurm"}, "threads, processes"),
        (WISH | {"bidx": ["red"]}, "band numbers"),
        (WISH | {"saliency": 3}, "a list"),
        (WISH | {"overwrite": "yes"}, "true or false"),
        (WISH | {"creation_options": "LEVEL=9"}, "a list"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_with_the_mend(wish: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Recipe.from_mapping(wish)


@pytest.mark.parametrize(
    ("text", "size"), [("1.5GiB", 1610612736), ("2G", 2 * 10**9), (4194304, 2**22), ("7000 kb", 7 * 10**6)]
)
def test_sizes(text: str | int, size: int) -> None:
    assert parse_size(text) == size


def test_a_size_without_its_unit_is_refused_with_one() -> None:
    for text in ("300", "300B"):
        with pytest.raises(UsageError, match="such as 300MB$"):
            parse_size(text)


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
        begin = time.monotonic()
        with pytest.raises(UsageError, match=name):
            Recipe.from_yaml(file)
        assert time.monotonic() - begin < 5
