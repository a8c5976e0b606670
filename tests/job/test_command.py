"""The command that is told makes the same recipe."""

import shlex

import click
import pytest

from geosal.cli import options
from geosal.cli.batch import input_and_output
from geosal.job.command import command_of
from geosal.job.recipe import Recipe

WISHES = [
    {"saliency": "half"},
    {"saliency": ["my town.geojson:buffer=60", "clouds"], "bands": "rgb", "to_byte": "tci", "overwrite": True},
    {"saliency": "half", "creation_options": {"LEVEL": 9, "BLOCKSIZE": 256}, "profile": "zstd", "steps": 4},
    {"saliency": "half", "target_size": "500kB", "drivers": ["VRT", "HDF5"], "bidx": [3, 1], "max_memory": "1GiB"},
    {"saliency": "half", "min_psnr": ["salient:45", 30], "treatment": ["smooth", "bound:error=32"], "background": 0.25},
]


@pytest.mark.parametrize("wish", WISHES)
def test_a_command_makes_its_recipe_again(wish: dict[str, object]) -> None:
    recipe = Recipe.from_mapping({"input": "in put.tif", "output": "out.tif", **wish})
    words = shlex.split(command_of(recipe))
    assert words[:2] == ["geosal", "compress"]
    read: list[Recipe] = []

    @click.command()
    @options.job_arguments
    @options.job_options
    def stand_in(config: str | None, paths: tuple[str, ...], **given: object) -> None:
        read.append(options.build_recipe(config, {**given, **input_and_output(paths, None)}))

    stand_in.main(words[2:], standalone_mode=False)
    assert read == [recipe]
