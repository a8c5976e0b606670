"""What a command does not need it does not import: a small job takes no longer than its work."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import geosal
from geosal.cli.main import _COMMANDS

HEAVY = {
    "PIL", "dask", "distributed", "jpylyzer", "matplotlib", "pandas", "rio_cogeo", "rioxarray", "scipy", "skimage",
    "xarray", "zarr",
}  # fmt: skip
RUN = """
import ast, sys
sys.modules["boto3"] = None  # rasterio imports it where it is installed, whatever is asked of it
from geosal.cli.main import main
output = sys.stdout
for words in ast.literal_eval(sys.argv[1]):
    sys.argv[1:] = words
    try:
        main()
    except SystemExit as left:
        assert not left.code, words
output.write(repr(set(sys.modules)))
"""
PIXELS = (HEAVY - {"PIL"}) | {"numpy", "rasterio", "tqdm", "yaml"}
UNUSED = {
    "configparser", "geosal.comparison", "geosal.formats.jpeg.stream", "geosal.job.search.find", "geosal.metrics",
    "importlib.metadata", "multiprocessing", "sqlite3", "ssl", "tqdm", "yaml",
}  # fmt: skip
"""What a plain job from file to file needs not, on top: a search, a JPEG, processes, a server, metadata of packages."""
LIGHT = f"""
import ast, os, sys
sys.modules["boto3"] = None
from geosal.cli.main import geosal, main
heavy = {PIXELS} | {{"geosal.formats", "geosal.job", "geosal.scenes", "geosal.sources.combine"}}
told, output, (lines, typed) = {{}}, sys.stdout, map(ast.literal_eval, sys.argv[1:])
sys.stdout = open(os.devnull, "w")
for words in lines:
    sys.argv[1:], before = words, set(sys.modules)
    try:
        main()
    except SystemExit:
        told[" ".join(words)] = sorted(heavy & (set(sys.modules) - before))
from click.shell_completion import BashComplete
for line in typed:
    os.environ |= {{"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}}
    assert BashComplete(geosal, {{}}, "geosal", "_GEOSAL_COMPLETE").complete(), line
    told[line] = sorted(heavy & set(sys.modules))
output.write(repr(told))
"""
"""Command lines, and lines that are typed half: what each has loaded that it needs not."""


def imported(*commands: tuple[object, ...]) -> set[str]:
    """Run commands in one process, one after the other: the packages that it has imported when all are done."""
    return {name.partition(".")[0] for name in loaded(*commands)}


def loaded(*commands: tuple[object, ...]) -> set[str]:
    """Run commands likewise: the modules that are there when all are done."""
    words = [[str(word) for word in command] for command in commands]
    modules: set[str] = ast.literal_eval(python(RUN, repr(words)).splitlines()[-1])
    assert {"geosal", "click"} <= modules
    return modules


def python(code: str, *words: str) -> str:
    """Run code in a process of its own; returns what it prints."""
    command = [sys.executable, "-P", "-c", code, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def test_compress_imports_nothing_heavy(rgb_scene: Path, tmp_path: Path) -> None:
    sources = ("half", "grid", "perlin:seed=7", "uniform:saliency=0.5")
    outputs = [tmp_path / f"{number}.tif" for number in range(len(sources))]
    modules = loaded(
        *(("compress", rgb_scene, output, "-s", source, "-q") for output, source in zip(outputs, sources, strict=True))
    )
    assert all(output.is_file() for output in outputs)
    code = "import sys, rasterio; print(sys.modules.keys() & set(sys.argv[1:]))"
    command = [sys.executable, "-P", "-c", code, *UNUSED]
    of_rasterio = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    unused = UNUSED - ({"importlib.metadata"} if "importlib.metadata" in of_rasterio else set())
    assert modules & (HEAVY | unused) == set()
    assert "rasterio" in modules


def test_other_commands_do_not_either(rgb_scene: Path, tmp_path: Path) -> None:
    output, mask = tmp_path / "out.tif", tmp_path / "map.tif"
    packages = imported(
        ("saliency", "half", mask, "--like", rgb_scene, "-q"),
        ("compress", rgb_scene, output, "-s", mask, "-q"),
        ("info", rgb_scene),
        ("compare", rgb_scene, output, "-s", "half"),
        ("--help",),
    )
    assert packages & HEAVY == set()


def test_the_version_is_told_by_the_group_alone() -> None:
    modules = loaded(("--version",))
    assert not modules & {"geosal.cli.options", "geosal.formats", "geosal.job", "numpy", "rasterio"}
    assert sum(name.startswith("geosal") for name in modules) <= 16


def test_help_completion_and_usage_errors_load_nothing_of_pixels() -> None:
    """All in one process, which tells what each has loaded that it must not."""
    words: list[list[str]] = [
        ["--help"],
        *([name, "--help"] for name in _COMMANDS),
        ["compres", "a.tif", "b.tif"],
        ["compress", "--salincy", "mask.tif"],
        ["compress", "a.tif", "b.tif", "--outside", "keeep"],
        ["compress", "a.tif", "b.tif", "--config", "sentinel"],
    ]
    typed = ["geosal comp", "geosal compress --prof", "geosal compress -s cl", "geosal compress --treatment q"]
    told = ast.literal_eval(python(LIGHT, repr(words), repr(typed)).splitlines()[-1])
    assert set(told) == {" ".join(line) for line in words} | set(typed)
    assert {line: found for line, found in told.items() if found} == {}


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


ORDERS = (
    "import geosal, xarray",
    "import xarray, geosal",
    "from geosal.errors import GeosalError; import xarray",
    "import geosal; geosal.open_scene; import xarray",
    "import geosal, rioxarray, xarray",
    "import geosal, importlib; xarray = importlib.import_module('xarray')",
    "import geosal, importlib.util; assert importlib.util.find_spec('xarray').origin; import xarray",
    "import geosal, importlib; importlib.reload(geosal); import xarray; importlib.reload(geosal)",
)


def test_arrays_have_the_accessor_in_whatever_order() -> None:
    """Each in a child of one process, which has imported what takes long and is no part of the question."""
    code = """
import ast, os, sys, warnings
import pandas, rasterio
assert not {"xarray", "geosal"} & set(sys.modules)
warnings.simplefilter("error", UserWarning)
for imports in ast.literal_eval(sys.argv[1]):
    print(imports, end=": ", flush=True)
    if not os.fork():
        exec(imports + "; " + sys.argv[2])
        sys.stdout.flush()
        os._exit(0)
    assert os.wait()[1] == 0, imports
"""
    lines = python(code, repr(ORDERS), ARRAY).splitlines()
    assert lines == [f"{imports}: GeosalAccessor" for imports in ORDERS]


def test_another_finder_may_ask_all_finders_for_xarray() -> None:
    """As hooks of other libraries do, and as a second copy of geosal's modules would."""
    code = """
import importlib.util, sys
import geosal

class Asking:
    def find_spec(self, name, path=None, target=None):
        if name == "xarray":
            others = [finder for finder in sys.meta_path if finder is not self]
            return next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)

sys.meta_path.insert(0, Asking())
sys.meta_path.append(Asking())
import xarray
print(type(xarray.DataArray([1.0]).geosal).__name__)
"""
    assert python(code).splitlines() == ["GeosalAccessor"]


def test_xarray_keeps_no_trace_of_being_watched() -> None:
    code = """
import sys
def watching():  # other packages have finders too: six, which pandas brings
    return [each for each in sys.meta_path if (type(each).__module__ or "").startswith("geosal")]
import geosal
assert len(watching()) == 1
import xarray
import importlib.resources
assert not watching()
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
