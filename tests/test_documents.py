"""Every command and every piece of Python that the documents show is run, page by page, in the order of the page."""

import os
import re
import runpy
import shutil
import warnings
from glob import glob
from itertools import takewhile
from pathlib import Path

import matplotlib as mpl
import pytest
from click.testing import CliRunner
from documents import PYTHON, SHELL, YAML, Block, blocks_of
from matplotlib.figure import Figure
from rasterio.rio.main import main_group as rio
from stand_ins import make_world

from geosal import __all__ as public
from geosal import compress
from geosal.cli.main import geosal
from geosal.errors import GeosalWarning

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WITH_BLOCKS = [page for page in PAGES if "commands" not in page.parts and blocks_of(page)]

NOT_RUN = {
    "python3 -m venv": "makes an environment: .ci/run does it",
    ".venv/bin/pip": "installs: .ci/run does it",
    ".venv/bin/geosal": "the demo: .ci/run runs it, and tests/cli/test_demo.py",
    ".venv/bin/pytest": "this",
    "CC=": "needs a compiler for another processor",
    "source": "a shell's own word",
    "eval": "a shell's own word; tests/cli/test_completion.py",
    "pip": "installs",
    "python tests/benchmarks/": "minutes to hours; that the script is there is checked",
    "dask": "servers; tests/core/cluster/test_connection.py",
    "openssl": "makes certificates; tests/core/cluster/test_connection.py",
    "geosal demo": "tests/cli/test_demo.py",
    "geosal train": "needs torch and minutes; tests/cli/test_train.py",
    "geosal figures": "needs the tables of a study; tests/cli/test_figures.py",
    "geosal experiment": "minutes; tests/cli/test_experiment.py",
}
"""Beginnings of commands, and why they are left out here."""
NOT_RUN_WITH = {
    "https://": "needs a network",
    "s3://": "needs a network",
    "tcp://": "needs a cluster; tests/test_distributed.py",
    "tls://": "needs a cluster; tests/core/cluster/test_connection.py",
    "cluster.json": "needs a cluster; tests/core/cluster/test_connection.py",
    "msroi-run/model.onnx": "what training leaves",
}


PLANNED: set[str] = set()
"""Plans that have been made: they leave nothing behind, and take longest."""


def why_not(words: list[str]) -> str | None:
    """Return the reason to leave out a command, or None."""
    line = " ".join(words)
    reasons = [why for begin, why in NOT_RUN.items() if line.startswith(begin)]
    return next(iter(reasons + [why for part, why in NOT_RUN_WITH.items() if part in line]), None)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    make_world(folder, ROOT / "configs")
    for name in ("smaller.tif", "smaller.zarr"):  # what other pages have made
        compress(str(folder / "scene.tif"), str(folder / name), saliency=str(folder / "mask.tif"))
    return folder


@pytest.fixture
def reader(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with all of those files, in which a reader tries a page; outputs may be made again."""
    here = Path(shutil.copytree(world, tmp_path / "here", symlinks=True))
    monkeypatch.chdir(here)
    for name in ("COMPRESS", "SALIENCY", "PLAN"):
        monkeypatch.setenv(f"GEOSAL_{name}_OVERWRITE", "1")
    mpl.use("agg")
    return here


def run(words: list[str], environment: dict[str, str]) -> None:
    """Run a command in this process, as a shell would: names with a star become files."""
    program, *rest = words
    found = [part for word in rest for part in (sorted(glob(word)) if "*" in word else [word])]
    group = {"geosal": geosal, "rio": rio}[program]
    done = CliRunner().invoke(group, found, prog_name=program, env=environment)
    assert done.exit_code == 0, f"{' '.join(words)}\n{done.stderr}"


def run_shell(block: Block) -> None:
    """Run the commands of a block that are not left out; what is only planned, once."""
    for words in block.commands():
        given = list(takewhile(re.compile(r"[A-Z_]+=").match, words))
        command = words[len(given) :]
        if why_not(command) is None and " ".join(command) not in PLANNED:
            run(command, dict(word.split("=", 1) for word in given))
            if command[1] == "plan":
                PLANNED.add(" ".join(command))


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_shows_works(page: Path, reader: Path) -> None:
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeosalWarning)  # scenes this small are larger than their sources
        for block in blocks_of(page):
            if block.language == SHELL:
                run_shell(block)
            elif block.language == PYTHON:
                exec(compile("\n" * block.line + block.text, str(page), "exec"), names)
            elif block.language == YAML:
                name, _, _ = block.text.partition("\n")
                (reader / name.removeprefix("# ")).write_text(block.text)


def test_blocks_are_of_languages_that_are_run_or_only_shown() -> None:
    found = {block.language for page in WITH_BLOCKS for block in blocks_of(page)}
    assert found <= {SHELL, PYTHON, YAML, "js", "json", "text"}


def test_what_is_left_out_is_still_shown() -> None:
    """A reason without a command is a dead one."""
    lines = [
        " ".join(words)
        for page in WITH_BLOCKS
        for block in blocks_of(page)
        if block.language == SHELL
        for words in block.commands()
    ]
    assert [begin for begin in NOT_RUN if not any(line.startswith(begin) for line in lines)] == []
    assert [part for part in NOT_RUN_WITH if not any(part in line for line in lines)] == []


def test_scripts_that_take_too_long_are_there() -> None:
    scripts = {
        words[1]
        for page in WITH_BLOCKS
        for block in blocks_of(page)
        if block.language == SHELL
        for words in block.commands()
        if words[0] == "python"
    }
    assert scripts
    assert [script for script in scripts if not os.path.isfile(ROOT / script)] == []


def test_commands_are_really_run(reader: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Block(SHELL, "geosal info no-such-file.tif\n", 1)
    with pytest.raises(AssertionError, match="no-such-file"):
        run_shell(wrong)


def test_every_public_name_has_its_place_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
    assert [name for name in public if name != "__version__" and not re.search(rf"\b{name}\b", page)] == []


def test_plots_find_their_tables() -> None:
    """They are drawn by hand when a table has changed; here is whether they still could be."""
    plots = runpy.run_path(str(ROOT / "docs" / "figures" / "plots.py"))["PLOTS"]
    for draw in plots:
        figure = Figure()
        draw(figure)
        assert any(axis.has_data() for axis in figure.axes)
    names = {f"plot-{draw.__name__.replace('_', '-')}.svg" for draw in plots}
    assert {path.name for path in (ROOT / "docs" / "images").glob("plot-*.svg")} == names
