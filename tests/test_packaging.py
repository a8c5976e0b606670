"""The package as pip sees it, and the files around it that no other test would notice."""

import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import Distribution, distribution, entry_points
from pathlib import Path
from typing import Any

import click
import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from geosal.version import __version__

ROOT = Path(__file__).resolve().parents[1]
PROJECT: Mapping[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
COMPOSE: Mapping[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
IMAGE_ENTRYPOINTS = {"geosal": ["geosal"], "notebook": ["jupyter", "lab"]}


@pytest.fixture(scope="module")
def installed() -> Distribution:
    return distribution("geosal")


# The package


def test_version_is_the_same_everywhere(installed: Distribution) -> None:
    newest = re.search(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    versions = {
        "installed": installed.version,
        "geosal.__version__": importlib.import_module("geosal").__version__,
        "CHANGELOG.md": newest[1],
    }
    assert len(set(versions.values())) == 1, versions


@pytest.mark.parametrize(
    ("group", "place"), [("console_scripts", "__main__:main"), ("rasterio.rio_plugins", "cli.main:rio_geosal")]
)
def test_entry_points_load_commands(group: str, place: str) -> None:
    (point,) = entry_points(group=group, name="geosal")
    assert point.value == f"geosal.{place}"
    assert callable(point.load())


def test_rio_lists_geosal() -> None:
    point = next(iter(entry_points(group="rasterio.rio_plugins", name="geosal")))
    assert isinstance(point.load(), click.Command)
    rio = subprocess.run([_script("rio"), "--help"], capture_output=True, text=True, check=True)
    assert re.search(r"^\s+geosal\b(?!.*Warning)", rio.stdout, re.MULTILINE), rio.stdout


def test_types_travel_with_the_package() -> None:
    assert (Path(importlib.import_module("geosal").__path__[0]) / "py.typed").is_file()


def test_every_import_of_the_core_is_a_dependency() -> None:
    """What geosal imports is declared, so that a plain `pip install` suffices; extras are imported on request."""
    declared = {Requirement(text).name.lower() for text in PROJECT["project"]["dependencies"]}
    optional = PROJECT["project"]["optional-dependencies"]
    asked_for = ("bpg", "cloud", "cluster", "parquet", "train", "cnn", "detection", "figures", "notebook")
    extras = {Requirement(text).name.lower() for extra in asked_for for text in optional[extra]}
    modules = {"yaml": "pyyaml", "PIL": "pillow", "rio_cogeo": "rio-cogeo"}
    imported = {
        match[1]
        for path in (ROOT / "geosal").rglob("*.py")
        for match in re.finditer(r"^\s*(?:from|import) (\w+)", _code(path), re.MULTILINE)
    }
    foreign = {modules.get(name, name).lower() for name in imported - sys.stdlib_module_names - {"geosal"}}
    assert foreign - declared - extras == set()
    assert {"numpy", "rasterio", "dask"} <= foreign


def test_oldest_versions_are_the_floors() -> None:
    """What is tested as the oldest is what a user may have: each floor is pinned, to its first release."""
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["test"]]
    assert len({Requirement(each).name for each in wanted}) == len(wanted), "a package has one floor"
    floors: dict[str, Version] = {}
    for requirement in map(Requirement, wanted):
        (specifier,) = requirement.specifier
        assert specifier.operator == ">="
        floor = Version(specifier.version)
        floors[requirement.name] = max(floor, floors.get(requirement.name, floor))
    lines = (ROOT / "tests" / "oldest.txt").read_text(encoding="utf-8").splitlines()
    pins = {pin.name: Version(next(iter(pin.specifier)).version) for pin in map(Requirement, lines[2:])}
    assert pins.keys() == floors.keys()
    assert {
        name for name, pin in pins.items() if pin.release[: len(floors[name].release)] != floors[name].release
    } == set()


def test_conda_recipe_needs_what_the_package_needs() -> None:
    """conda has no extras: `dask[array]` is dask-core with NumPy."""
    recipe = yaml.safe_load((ROOT / "contrib" / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
    project = PROJECT["project"]
    wanted = [Requirement(text) for text in project["dependencies"]]
    conda = {"dask": "dask-core"}
    dependencies = [f"{conda.get(one.name, one.name)} {one.specifier}" for one in wanted]
    assert recipe["requirements"]["run"] == ["python >=${{ python_min }}", *dependencies]
    oldest = project["requires-python"].removeprefix(">=")
    assert recipe["context"] == {"version": __version__, "python_min": oldest}
    scripts = [f"{name} = {place}" for name, place in project["scripts"].items()]
    assert recipe["build"]["python"]["entry_points"] == scripts
    assert set(PROJECT["build-system"]["requires"]) <= {
        text.replace(" ", "") for text in recipe["requirements"]["host"]
    }


def test_loops_round_alike_on_every_processor() -> None:
    """GCC fuses products and sums where the processor can, as every aarch64 does; only exact sums do not mind."""
    loops = PROJECT["tool"]["setuptools"]["ext-modules"]
    assert len(loops) == 6
    fused = {loop["name"] for loop in loops if "-ffp-contract=off" not in loop["extra-compile-args"]}
    assert fused == {"geosal.native._exact"}


def test_one_wheel_serves_every_python(installed: Distribution) -> None:
    """Nothing in the loops knows Python, so neither the wheel's tag nor the names of its libraries tell a version."""
    native = ROOT / "geosal" / "native"
    knows = re.compile(r"Python\.h|\bPy[A-Z]")
    assert [path.name for path in native.glob("*.[ch]") if knows.search(path.read_text(encoding="utf-8"))] == []
    tags = re.findall(r"^Tag: (.*)$", installed.read_text("WHEEL") or "", re.MULTILINE)
    assert tags
    assert [tag for tag in tags if not tag.startswith("py3-none-")] == []
    libraries = {file.name for file in installed.files or () if file.suffix == ".so"}  # an editable wheel has none
    assert [name for name in libraries if name.count(".") > 1] == []


def test_helpers_of_the_tests_are_imported_by_their_own_names() -> None:
    """pytest puts this folder on the path; packages that install one named `tests`, as jpylyzer 2.2.0, hide it."""
    pattern = re.compile(r"^\s*(from|import) tests\b", re.MULTILINE)
    files = [path for path in (ROOT / "tests").rglob("*.py") if pattern.search(path.read_text(encoding="utf-8"))]
    assert files == []


def _code(path: Path) -> str:
    """The text of a module without its docstrings, which may hold examples."""
    return re.sub(r'"""(?s:.*?)"""', "", path.read_text(encoding="utf-8"))


def test_architecture_shows_the_floors_of_the_import_contract() -> None:
    (contract,) = (c for c in PROJECT["tool"]["importlinter"]["contracts"] if c.get("containers") == ["geosal"])
    floors = [sorted(name.strip(" ()") for name in layer.split("|")) for layer in contract["layers"]]
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    drawn = re.search(r"^## Floors$.*?^```$(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert drawn is not None
    assert [sorted(line.split()) for line in drawn[1].strip().splitlines()] == floors
    rooms = {
        path.stem for path in (ROOT / "geosal").iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert {room for floor in floors for room in floor} == rooms - {"__init__"}


def test_the_import_contract_knows_every_room_of_formats() -> None:
    """A new format stands in the contract that keeps formats apart; one that is forgotten would know the others."""
    (apart,) = (c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "independence")
    rooms = {path.parent.name for path in (ROOT / "geosal" / "formats").glob("*/format.py")}
    assert {name.rpartition(".")[2] for name in apart["modules"]} == rooms


def test_every_module_has_a_test_of_its_name_or_a_reason() -> None:
    package = ROOT / "geosal"
    modules = [path.relative_to(package) for path in package.rglob("*.py") if not path.name.startswith("__")]
    without = {
        str(path.with_suffix(""))
        for path in modules
        if not (ROOT / "tests" / path.parent / f"test_{path.name}").is_file()
    }
    _, _, reasons = (ROOT / "tests" / "README.md").read_text(encoding="utf-8").partition("## Modules without a test")
    listed = {name for item in reasons.split("\n- ")[1:] for name in re.findall(r"`([^`]+)`", item.partition(":")[0])}
    assert listed == without


def test_citation_names_this_version() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (str(cited["version"]), cited["license"]) == (__version__, PROJECT["project"]["license"])


# What the documents point at


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/ms-roi.md"])
def test_links_to_files_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#\s]+)", text) if "://" not in target]
    assert [target for target in targets if not ((ROOT / name).parent / target).is_file()] == []
    if name == "docs/ms-roi.md":
        assert len(targets) >= 5


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 700


def test_pictures_in_documents_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs" / "images").iterdir()}
    assert len(sizes) >= 4
    assert sizes.pop("jpeg-q50.jpg") < 150_000  # shows what JPEGs lose, and must lose nothing that is seen itself
    studies = {name: sizes.pop(name) for name in list(sizes) if name.startswith("first-paper-")}  # of many panels
    assert max(studies.values()) < 100_000
    assert max(sizes.values()) < 60_000


# The two commands of the README, and what .ci/run makes of them


@pytest.mark.parametrize("needle", ["geosal demo", "[test]"])
def test_readme_has_the_commands_that_ci_runs(needle: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    command = next(line for line in readme.splitlines() if needle in line)  # as .ci/run picks it
    assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert f'"{needle}"' in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_ci_script_is_sound() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")
    subprocess.run(["bash", "-n", script], check=True)


def test_pytest_as_a_module_tests_what_is_installed(tmp_path: Path) -> None:
    """Not the geosal of the current folder: in a checkout that one has no compiled loops."""
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "geosal").mkdir()
    (tmp_path / "geosal" / "__init__.py").write_text("raise ImportError('of the checkout')\n")
    (tmp_path / "test_it.py").write_text("import geosal\n\ndef test_it():\n    assert geosal.compress\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # they take seconds
    command = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-c", "/dev/null", "--rootdir", "."]
    made = subprocess.run(
        [*command, "test_it.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout


# Notebooks: pytest runs them (nbmake); here is what a run would not notice


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_valid_and_stripped(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert not [cell.id for cell in code if cell.outputs or cell.execution_count]


# Containers: there may be no docker here, so the files are read, and the commands they run are tried


def test_compose_services_and_commands() -> None:
    services = COMPOSE["services"]
    assert {"scheduler", "worker", "notebook"} <= services.keys()
    assert services["scheduler"]["entrypoint"] == ["dask", "scheduler"]
    assert [*services["worker"]["entrypoint"], services["worker"]["command"][0]] == [
        "dask",
        "worker",
        "tcp://scheduler:8786",
    ]
    assert services["notebook"]["environment"]["DASK_SCHEDULER_ADDRESS"] == "tcp://scheduler:8786"
    for service in services.values():
        assert set(service.get("depends_on", {})) <= services.keys()


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_compose_service_is_confined(name: str) -> None:
    service = COMPOSE["services"][name]
    assert re.fullmatch(r"\$\{GEOSAL_UID:-[1-9]\d*\}:\$\{GEOSAL_GID:-[1-9]\d*\}", service["user"])
    assert service["read_only"] is True
    assert "./data:/data" in service["volumes"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert service["build"]["target"] in _stages()


@pytest.mark.parametrize("name", ["scheduler", "worker"])
def test_dask_knows_the_options(name: str) -> None:
    service = COMPOSE["services"][name]
    program, subcommand = service["entrypoint"]
    known = subprocess.run([_script(program), subcommand, "--help"], capture_output=True, text=True, check=True).stdout
    options = [word for word in service["command"] if word.startswith("--")]
    assert options
    assert [option for option in options if not re.search(rf"{option}\b", known)] == []


def test_dockerfile_copies_what_the_context_holds() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignore[1] == "*"  # so only what is named after it comes in
    sources = [
        source
        for arguments in re.findall(r"^COPY (.+)$", _dockerfile(), re.MULTILINE)
        for source in arguments.split()[:-1]
        if not source.startswith("--")
    ]
    assert {"pyproject.toml", "geosal"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignore, source


@pytest.mark.parametrize("stage", ["geosal", "notebook"])
def test_image_runs_as_an_ordinary_user(stage: str) -> None:
    lines = _stages()[stage]
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users[-1] == "geosal"
    entrypoint = next(line for line in lines if line.startswith("ENTRYPOINT "))
    assert (
        yaml.safe_load(entrypoint.removeprefix("ENTRYPOINT "))[: len(IMAGE_ENTRYPOINTS[stage])]
        == (IMAGE_ENTRYPOINTS[stage])
    )


def test_image_asks_for_extras_that_exist() -> None:
    wanted = {extra for group in re.findall(r"\[([a-z,]+)\]\"", _dockerfile()) for extra in group.split(",")}
    assert wanted == {"cluster", "notebook"}
    assert wanted <= PROJECT["project"]["optional-dependencies"].keys()


def _dockerfile() -> str:
    """The Dockerfile with continued lines joined."""
    return (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def _stages() -> dict[str, list[str]]:
    """Lines of each build stage by its name."""
    stages: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in _dockerfile().splitlines():
        if match := re.fullmatch(r"FROM \S+ AS (\w+)", line):
            lines = stages.setdefault(match[1], [])
        lines.append(line)
    return stages


def _script(name: str) -> str:
    """A console script of this environment, whether or not it is activated."""
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    assert found, f"{name} is not installed beside {sys.executable}"
    return found
