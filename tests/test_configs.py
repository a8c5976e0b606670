"""The recipes that ship with geosal load, say what they promise, and run."""

from pathlib import Path

import pytest
import yaml
from jsonschema import validate

from geosal.core.ladder import effective_kernel
from geosal.core.treatment import Quality
from geosal.job.plan import make_plan
from geosal.job.recipe import Recipe
from geosal.job.schema import recipe_schema
from geosal.lab.experiments.study import read_study

ALL = sorted((Path(__file__).resolve().parents[1] / "configs").rglob("*.yaml"))
EXPECTED_SHARES = {
    "half": {1: 0.5, 17: 0.5},
    "grid": {1: 0.25, 5: 0.25, 11: 0.25, 17: 0.25},
    "perlin": {1: 0.06, 5: 0.44, 9: 0.42, 13: 0.08},
}
EXPECTED_EFFECTIVE = {"half": 9.0, "grid": 8.5}
CONFIGS = [path for path in ALL if path.stem in {"sentinel2", "landsat", *EXPECTED_SHARES}]
STUDIES = [path for path in ALL if path not in CONFIGS]
"""Recipes of studies, not of a job; `tests/lab/experiments` carries them out."""
PAPERS = [path for path in CONFIGS if path.parent.name == "paper"]
FIGURES = {"1", "2-4", *map(str, range(5, 14))}


def test_the_promised_recipes_are_there() -> None:
    assert {"sentinel2", "landsat", *EXPECTED_SHARES} <= {path.stem for path in CONFIGS}
    assert {path.stem for path in STUDIES} >= {"ms-roi-tables", "study", "small", *(f"fig-{name}" for name in FIGURES)}


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_recipes_of_studies_are_read(path: Path) -> None:
    _, wish = read_study(str(path), images={"RarePlanes": ["elsewhere"], "mine": ["pictures"]})
    assert {name: each.places for name, each in wish.images.items()} == {
        "RarePlanes": ("elsewhere",), "mine": ("pictures",),
    }  # fmt: skip
    assert wish.images["mine"].layout is None
    if "layout: rareplanes" in path.read_text(encoding="utf-8"):
        assert wish.images["RarePlanes"].layout == "rareplanes"


@pytest.mark.parametrize("name", ["sentinel2", "landsat"])
def test_recipes_of_products_make_pictures_in_which_clouds_give_way(name: str) -> None:
    path = next(path for path in CONFIGS if path.stem == name)
    recipe = Recipe.from_yaml(path, input="product", output="out.tif")
    assert (recipe.bands, recipe.profile, recipe.to_byte is None) == (("rgb",), "jpeg", False)
    assert {source.target for source in recipe.sources} <= {"clouds", "shadow"}
    assert recipe.treated.then == Quality(40, 85)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_editors_find_the_schema_and_have_nothing_against(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    schema = "../recipe.schema.json" if path in PAPERS else "recipe.schema.json"
    assert text.startswith(f"# yaml-language-server: $schema={schema}\n")
    validate(yaml.safe_load(text), recipe_schema())


@pytest.mark.parametrize("path", PAPERS, ids=lambda path: path.stem)
def test_recipe_makes_a_plan(path: Path, rgb_scene: Path, tmp_path: Path) -> None:
    recipe = Recipe.from_yaml(path, input=str(rgb_scene), output=str(tmp_path / "out.tif"))
    plan = make_plan(recipe)
    assert plan.profile.lossless
    assert plan.ladder.steps == recipe.steps
    assert str(plan.treatment) == "smooth"


@pytest.mark.parametrize("name", EXPECTED_SHARES)
def test_the_papers_recipes_give_the_papers_shares(name: str, rgb_scene: Path, tmp_path: Path) -> None:
    path = next(path for path in CONFIGS if path.stem == name)
    recipe = Recipe.from_yaml(path, input=str(rgb_scene), output=str(tmp_path / "out.tif"))
    plan = make_plan(recipe)
    levels = plan.ladder.levels(plan.saliency.read(plan.scene.grid.whole()))
    shares = {width: float((levels == level).mean()) for level, width in enumerate(plan.ladder.widths)}
    shares = {width: share for width, share in shares.items() if share > 0}
    assert shares == pytest.approx(EXPECTED_SHARES[name], abs=0.02)
    if name in EXPECTED_EFFECTIVE:
        assert effective_kernel(shares) == pytest.approx(EXPECTED_EFFECTIVE[name], abs=1e-9)


def test_the_command_line_goes_before_the_file(rgb_scene: Path) -> None:
    path = next(path for path in CONFIGS if path.stem == "landsat")
    recipe = Recipe.from_yaml(path, input=str(rgb_scene), output="out.tif", steps=6, saliency=("half",), profile=None)
    assert (recipe.steps, recipe.saliency, recipe.profile) == (6, ("half",), "jpeg")
