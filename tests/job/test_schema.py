"""The schema of recipes is that of the recipe, and that of the file which editors read."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from geosal import Recipe
from geosal.errors import UsageError
from geosal.job.schema import as_text, recipe_schema

FILE = Path(__file__).resolve().parents[2] / "configs" / "recipe.schema.json"
KNOWN = {"input": "a.tif", "output": "b.tif", "saliency": "half"}


def test_the_file_is_that_of_the_code() -> None:
    """`python -m geosal.job.schema > configs/recipe.schema.json` makes it so."""
    assert FILE.read_text(encoding="utf-8") == as_text()
    Draft202012Validator.check_schema(recipe_schema())


def test_every_key_is_there_with_a_word_about_it() -> None:
    keys = recipe_schema()["properties"]
    assert list(keys) == [*(field.name for field in fields(Recipe)), "like", "jobs"]
    assert all(len(key["description"]) > 10 for key in keys.values())


@pytest.mark.parametrize(
    "wish",
    [
        {"steps": 4, "sigma": "0.25*K", "background": 0.5, "overwrite": True},
        {"saliency": ["clouds", "a.tif"], "combine": "mean", "outside": "blur"},
        {"bidx": [4, 3], "max_memory": "50%", "creation_options": {"LEVEL": 9, "BIGTIFF": True}},
        {"bidx": 1, "target_size": "50MB", "creation_options": [["LEVEL", 9]]},
        {"bands": "rgb", "target_size": 51204, "treatment": ["smooth", "bound:error=4"]},
        {"bands": ["B04"], "target_ratio": "20:1", "resampling": "average"},
        {"min_psnr": [40, "salient:45"], "min_ssim": 0.9},
    ],
)
def test_what_a_recipe_takes_the_schema_takes(wish: dict[str, Any]) -> None:
    Recipe.from_mapping(KNOWN | wish)
    assert list(Draft202012Validator(recipe_schema()).iter_errors(KNOWN | wish)) == []


@pytest.mark.parametrize(
    "wish",
    [{"stepps": 4}, {"steps": "many"}, {"combine": "sum"}, {"overwrite": "yes"}, {"saliency": 7}, {"bidx": ["red"]}],
)
def test_what_a_recipe_refuses_the_schema_refuses(wish: dict[str, Any]) -> None:
    assert list(Draft202012Validator(recipe_schema()).iter_errors(KNOWN | wish))
    with pytest.raises(UsageError):
        Recipe.from_mapping(KNOWN | wish)
