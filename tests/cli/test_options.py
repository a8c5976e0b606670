import shlex
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from geosal.cli import options
from geosal.cli.batch import input_and_output
from geosal.errors import UsageError
from geosal.job.recipe import Recipe


def _parse(*words: str) -> Recipe:
    made: list[Recipe] = []

    @click.command()
    @options.job_arguments
    @options.job_options
    def command(config: str | None, paths: tuple[str, ...], out_dir: None, suffix: None, **wish: object) -> None:
        assert out_dir is None
        made.append(options.build_recipe(config, wish | input_and_output(paths, suffix)))

    CliRunner().invoke(command, words, catch_exceptions=False, standalone_mode=False)
    return made[0]


def test_every_option_reaches_its_field() -> None:
    line = """in.tif out.tif -s perlin:seed=7 --saliency half --combine mean --outside blur --steps 4 --sigma 0.25*K
        --profile zstd --co level=9 --co PREDICTOR=NO --bidx 3 -b 1 --scheduler processes --workers 2 --block 512
        --max-memory 1.5GiB --max-pixels 5000 --overwrite --allow-driver VRT"""
    assert _parse(*shlex.split(line)) == Recipe(
        input="in.tif",
        output="out.tif",
        saliency=("perlin:seed=7", "half"),
        combine="mean",
        outside="blur",
        steps=4,
        sigma="0.25*K",
        profile="zstd",
        creation_options=(("LEVEL", "9"), ("PREDICTOR", "NO")),
        bidx=(3, 1),
        scheduler="processes",
        workers=2,
        block=512,
        max_memory=3 * 2**29,
        max_pixels=5000,
        overwrite=True,
        drivers=("VRT",),
    )


def test_defaults_are_those_of_the_recipe() -> None:
    assert _parse("in.tif", "out.tif", "-s", "half") == Recipe(input="in.tif", output="out.tif", saliency=("half",))


def test_the_command_line_goes_before_the_file(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("input: a.tif\noutput: b.tif\nsaliency: [half]\nsteps: 4\noverwrite: true\n")
    assert _parse("--config", str(path)) == Recipe(
        input=str(tmp_path / "a.tif"), output=str(tmp_path / "b.tif"), saliency=("half",), steps=4, overwrite=True
    )
    recipe = _parse("--config", str(path), "c.tif", "--steps", "6", "-s", "grid")
    assert (recipe.input, recipe.output, recipe.steps, recipe.saliency) == (
        "c.tif",
        str(tmp_path / "b.tif"),
        6,
        ("grid",),
    )


@pytest.mark.parametrize("in_file", ["{level: 3, BIGTIFF: YES}", "[[LEVEL, 3], [bigtiff, YES]]"])
def test_creation_options_go_before_those_of_the_file_one_by_one(tmp_path: Path, in_file: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(f"input: a.tif\noutput: b.tif\nsaliency: half\ncreation_options: {in_file}\n")
    recipe = _parse("--config", str(path), "--co", "level=9", "--co", "BLOCKSIZE=256")
    assert dict(recipe.creation_options) == {"LEVEL": "9", "BIGTIFF": "YES", "BLOCKSIZE": "256"}
    assert dict(_parse("--config", str(path)).creation_options) == {"LEVEL": "3", "BIGTIFF": "YES"}
    path.write_text("input: a.tif\noutput: b.tif\nsaliency: half\ncreation_options: 7\n")
    with pytest.raises(UsageError, match="creation_options"):
        _parse("--config", str(path), "--co", "LEVEL=9")


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["in.tif"], "output"),
        ([], "input"),
        (["in.tif", "out.tif"], "no saliency"),
        (["in.tif", "out.tif", "-s", "half", "--max-memory", "lots"], "no size"),
        (["in.tif", "out.tif", "-s", "half", "--sigma", "wide"], "not a rule"),
    ],
)
def test_wishes_that_cannot_be(words: list[str], cause: str) -> None:
    with pytest.raises(UsageError, match=cause):
        _parse(*words)


@pytest.mark.parametrize(
    "words",
    [
        ["--co", "LEVEL"],
        ["--co", "=9"],
        ["--steps", "0"],
        ["--steps", "many"],
        ["--combine", "sum"],
        ["--outside", "drop"],
        ["--workers", "0"],
        ["--config", "missing.yaml"],
        ["--restart"],
    ],
    ids=" ".join,
)
def test_refused_by_the_parser_with_a_line_of_help(words: list[str], call: Callable[..., Result]) -> None:
    result = call("compress", *words)
    assert result.exit_code == 2
    assert result.stderr.startswith("geosal: error: ")
    assert result.stderr.endswith("; see geosal compress --help\n")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("in_file", "words", "bidx", "bands"),
    [
        ("bidx: [4, 3]", ["--bands", "rgb"], (), ("rgb",)),
        ("bands: rgb", ["--bidx", "2"], (2,), ()),
        ("bidx: [4, 3]", [], (4, 3), ()),
        ("bands: [B04, red]", [], (), ("B04", "red")),
    ],
)
def test_bands_on_the_command_line_go_before_those_of_the_file(
    in_file: str, words: list[str], bidx: tuple[int, ...], bands: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(f"input: a.tif\noutput: b.tif\nsaliency: half\n{in_file}\n")
    recipe = _parse("--config", str(path), *words)
    assert (recipe.bidx, recipe.bands) == (bidx, bands)


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (("--quality", "50"), {"QUALITY": "50"}),
        (("--quality", "50", "--co", "LEVEL=3"), {"QUALITY": "50", "LEVEL": "3"}),
        (("--quality", "50", "--co", "quality=50"), {"QUALITY": "50"}),
    ],
)
def test_quality_is_a_creation_option(words: tuple[str, ...], options: dict[str, str]) -> None:
    assert dict(_parse("in.tif", "out.tif", "-s", "half", *words).creation_options) == options


def test_two_qualities_are_refused() -> None:
    with pytest.raises(UsageError, match="QUALITY"):
        _parse("in.tif", "out.tif", "-s", "half", "--quality", "50", "--co", "QUALITY=60")
