"""What a command does not need it does not import: a small job takes no longer than its work."""

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import geosal

HEAVY = {
    "PIL", "dask", "distributed", "jpylyzer", "matplotlib", "pandas", "rio_cogeo", "rioxarray", "scipy", "skimage",
    "xarray", "zarr",
}  # fmt: skip
RUN = """
import sys
from geosal.cli.main import main
try:
    main()
finally:
    sys.stdout.write(repr({name.partition(".")[0] for name in sys.modules}))
"""
Imported = Callable[..., set[str]]


@pytest.fixture
def imported(tmp_path: Path) -> Imported:
    """Run a command in a process of its own; returns the packages that it has imported when it ends."""

    def run(*words: object) -> set[str]:
        command = [sys.executable, "-P", "-c", RUN, *(str(word) for word in words)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, cwd=tmp_path)
        packages: set[str] = ast.literal_eval(done.stdout.splitlines()[-1])
        assert {"geosal", "click"} <= packages
        return packages

    return run


@pytest.mark.parametrize("source", ["half", "grid", "perlin:seed=7", "uniform:saliency=0.5"])
def test_compress_imports_nothing_heavy(imported: Imported, rgb_scene: Path, tmp_path: Path, source: str) -> None:
    packages = imported("compress", rgb_scene, tmp_path / "out.tif", "--saliency", source, "--quiet")
    assert (tmp_path / "out.tif").is_file()
    assert packages & HEAVY == set()
    assert "rasterio" in packages


def test_other_commands_do_not_either(imported: Imported, rgb_scene: Path, tmp_path: Path) -> None:
    assert imported("saliency", "half", tmp_path / "map.tif", "--like", rgb_scene, "--quiet") & HEAVY == set()
    assert imported("compress", rgb_scene, tmp_path / "out.tif", "-s", tmp_path / "map.tif", "-q") & HEAVY == set()
    assert imported("info", rgb_scene) & HEAVY == set()
    assert imported("compare", rgb_scene, tmp_path / "out.tif", "-s", "half") & HEAVY == set()
    assert imported("--help") & HEAVY == set()


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, timeout=120
    ).stdout


def test_the_package_itself_is_light() -> None:
    assert python(f"import geosal, sys; print({HEAVY | {'numpy', 'rasterio'}} & set(sys.modules))") == "set()\n"


def test_every_public_name_is_there() -> None:
    assert set(geosal.__all__) <= set(dir(geosal))
    for name in geosal.__all__:
        assert getattr(geosal, name) is not None
    with pytest.raises(AttributeError, match="module 'geosal' has no attribute 'nope'"):
        _ = geosal.nope  # type: ignore[attr-defined]


def test_types_and_names_agree() -> None:
    """What a type checker is told is what `__getattr__` finds."""
    tree = ast.parse(Path(geosal.__file__).read_text(encoding="utf-8"))
    (branch,) = (node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    told = {alias.name: node.module for node in branch.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert told == {name: f"geosal.{room}" for name, room in geosal._ROOMS.items()}
    assert set(told) <= set(geosal.__all__)


ARRAY = "array = xarray.DataArray([[1]], dims=('y', 'x')); print(type(array.geosal).__name__)"


@pytest.mark.parametrize(
    "imports",
    [
        "import geosal, xarray",
        "import xarray, geosal",
        "from geosal.errors import GeosalError; import xarray",
        "import geosal; geosal.open_scene; import xarray",
        "import geosal, rioxarray, xarray",
        "import geosal, importlib; xarray = importlib.import_module('xarray')",
        "import geosal, importlib.util; assert importlib.util.find_spec('xarray').origin; import xarray",
        "import geosal, importlib; importlib.reload(geosal); import xarray; importlib.reload(geosal)",
    ],
)
def test_arrays_have_the_accessor_in_whatever_order(imports: str) -> None:
    assert python(f"import warnings; warnings.simplefilter('error', UserWarning); {imports}; {ARRAY}") == (
        "GeosalAccessor\n"
    )


def test_xarray_keeps_no_trace_of_being_watched() -> None:
    code = """
import sys
before = list(sys.meta_path)
import geosal
assert len(sys.meta_path) == len(before) + 1
import xarray
import importlib.resources
assert sys.meta_path == before
assert type(xarray.__loader__) is type(xarray.__spec__.loader) is type(geosal.__loader__)
assert xarray.__spec__.loader is xarray.__loader__
assert importlib.resources.files("xarray").joinpath("__init__.py").is_file()
"""
    assert python(code) == ""


def test_a_failed_import_of_xarray_may_be_tried_again() -> None:
    code = f"""
import sys, types
import geosal
sys.modules["pandas"] = None
try:
    import xarray
except ImportError:
    pass
else:
    raise AssertionError
del sys.modules["pandas"]
import xarray
{ARRAY}
"""
    assert python(code) == "GeosalAccessor\n"


def test_without_xarray_the_import_error_is_pythons_own() -> None:
    code = """
import sys
import geosal
sys.path = []
sys.path_importer_cache.clear()
try:
    import xarray
except ModuleNotFoundError as error:
    print(error.name)
"""
    assert python(code) == "xarray\n"
