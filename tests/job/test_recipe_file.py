"""Recipes in YAML, wherever the job starts."""

from pathlib import Path

import pytest

from geosal import Recipe
from geosal.errors import UsageError
from geosal.job.recipe_file import read_jobs, read_recipe


def test_paths_in_a_file_count_from_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "jobs"
    folder.mkdir()
    (folder / "mask").touch()
    (folder / "a:b=1.tif").touch()
    (tmp_path / "grid").touch()
    (folder / "recipe.yaml").write_text(
        "input: ../data/a.tif\noutput: /data/b.tif\nstack: [c.tif, /d.tif]\n"
        "saliency: [ships.tif:range=0-9, mask, grid, 'clouds:from=qa.tif,dilate=60m', s3://bucket/x.tif, 'a:b=1.tif', "
        "other:a=1]\n"
    )
    recipe = Recipe.from_yaml(folder / "recipe.yaml", profile="zstd")
    assert (recipe.input, recipe.output) == (str(folder / "../data/a.tif"), "/data/b.tif")
    assert recipe.saliency == (
        f"{folder}/ships.tif:range=0-9", f"{folder}/mask", "grid", f"clouds:from={folder}/qa.tif,dilate=60m",
        "s3://bucket/x.tif", f"{folder}/a:b=1.tif", "other:a=1",
    )  # fmt: skip
    assert recipe.stack == (f"{folder}/c.tif", "/d.tif")
    monkeypatch.chdir(tmp_path)
    assert Recipe.from_yaml("jobs/recipe.yaml").input == "jobs/../data/a.tif"
    monkeypatch.chdir(folder)
    assert Recipe.from_yaml("recipe.yaml").input == "../data/a.tif"
    assert Recipe.from_yaml("recipe.yaml", input="c.tif").input == "c.tif"  # what overrides counts from where we are
    (folder / "recipe.yaml").write_text("input: a.tif\noutput: b.tif\nsaliency: mask\n")
    assert Recipe.from_yaml("recipe.yaml").saliency == ("mask",)


def test_false_and_empty_overrides_go_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("input: a.tif\noutput: b.tif\nsaliency: half\noverwrite: true\nbidx: [1, 2]\n")
    recipe = Recipe.from_yaml(tmp_path / "r.yaml", overwrite=False, bidx=())
    assert (recipe.overwrite, recipe.bidx) == (False, ())
    assert Recipe.from_yaml(tmp_path / "r.yaml", overwrite=None).overwrite


def test_like_counts_from_the_folder_of_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "r.yaml").write_text("input: a.tif\noutput: b.tif\nlike: ../done.tif\n")
    monkeypatch.chdir(tmp_path)
    assert read_recipe("jobs/r.yaml")["like"] == "jobs/../done.tif"


def test_a_file_of_several_jobs_is_none_of_one(tmp_path: Path) -> None:
    file = tmp_path / "jobs.yaml"
    file.write_text("saliency: mask.tif\njobs:\n  - {input: a.tif, output: /out/b.tif}\n")
    wish, jobs = read_jobs(file)
    assert wish == {"saliency": [str(tmp_path / "mask.tif")]}
    assert jobs == [{"input": str(tmp_path / "a.tif"), "output": "/out/b.tif"}]
    with pytest.raises(UsageError, match="holds several jobs"):
        read_recipe(file)
