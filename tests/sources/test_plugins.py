"""Sources of other packages, as they are installed: a module and the metadata of a distribution on the path."""

import sys
from pathlib import Path

import numpy as np
import pytest

from geosal.errors import UsageError
from geosal.sources import open_saliency
from geosal.sources.listing import list_sources
from geosal.sources.plugins import plugin_names

ROADS = '''
from geosal.sources.patterns.synthetic import Uniform

class Roads(Uniform):
    """``roads:saliency=S``: what roads are worth.

    From a package of its own.
    """

class Paint:
    """No source."""

def lines():
    pass
'''


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a package that brings sources, name -> "module:attribute"."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "asphalt.py").write_text(ROADS)
    (tmp_path / "crashing.py").write_text('raise RuntimeError("no\\nGPU")')

    def write(package: str = "asphalt", **sources: str) -> None:
        info: Path = tmp_path / f"{package}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        lines = "\n".join(f"{name} = {value}" for name, value in sources.items())
        (info / "entry_points.txt").write_text(f"[geosal.sources]\n{lines}\n")

    yield write
    for module in ("asphalt", "crashing"):
        sys.modules.pop(module, None)


def test_a_source_of_another_package_is_a_name_like_ours(install, grid):
    install(roads="asphalt:Roads")
    assert plugin_names() == ("roads",)
    saliency = open_saliency(["roads:saliency=0.25,weight=2", "half"], grid, combine="weighted")
    np.testing.assert_allclose(saliency.read(grid.whole())[0, [0, -1]], [(0.5 + 1) / 3, 0.5 / 3], rtol=1e-6)


def test_it_is_in_the_list_with_its_package_and_docstring(install):
    install(roads="asphalt:Roads")
    (entry,) = (entry for entry in list_sources() if entry.names == ("roads",))
    assert entry.origin == "asphalt 1.2"
    assert entry.usage == "roads:saliency=S"
    assert entry.parameters == ("saliency", "weight")
    assert entry.summary == "what roads are worth."
    assert entry.description == "From a package of its own."
    assert entry.problem is None


BROKEN = {
    "crashing:Roads": r"of asphalt 1.2 cannot be imported \(RuntimeError: no GPU\); update or uninstall it",
    "absent_module:Roads": "of asphalt 1.2 cannot be imported .ModuleNotFoundError",
    "asphalt:Streets": "of asphalt 1.2 cannot be imported .AttributeError",
    "asphalt:Paint": "is no source of saliency, it lacks open, read, known",
    "asphalt:lines": "is no source of saliency, it is no class",
}


@pytest.mark.parametrize(("value", "words"), BROKEN.items())
def test_a_broken_one_is_one_line(install, grid, value, words):
    install(roads=value)
    with pytest.raises(UsageError, match=words) as caught:
        open_saliency(["roads"], grid)
    assert "\n" not in str(caught.value)
    (entry,) = (entry for entry in list_sources() if entry.names == ("roads",))
    assert entry.problem == str(caught.value)


def test_two_of_one_name_are_refused(install, grid):
    install(roads="asphalt:Roads")
    install("concrete", roads="asphalt:Paint")
    with pytest.raises(UsageError, match=r"asphalt 1.2 and concrete 1.2 both bring a source roads; uninstall one"):
        open_saliency(["roads"], grid)


def test_our_names_cannot_be_taken(install, grid):
    install(half="asphalt:Paint")
    assert open_saliency(["half"], grid).read(grid.whole())[0, 0] == 1
    assert [entry.origin for entry in list_sources() if entry.names == ("half",)] == ["geosal"]


def test_a_name_almost_right_is_guessed(install, grid):
    install(roads="crashing:Roads")
    with pytest.raises(UsageError, match=r"roads; did you mean roads\?"):
        open_saliency(["road"], grid)
