"""The examples in the help of all public names, run as a reader would run them."""

import doctest
from pathlib import Path

import numpy as np
import pytest
from rasters import PLACE, save

import geosal
from geosal.arrays.accessor import GeosalAccessor

_NAMES = [name for name in geosal.__all__ if not name.endswith(("Error", "Warning", "__"))]
_SHOWN_BY_OTHERS = {"Batch", "Choices", "Plan", "Progress", "Recipe", "Report", "Summary"}
"""Results and wishes, which the examples of functions show."""


@pytest.mark.parametrize("name", sorted({*_NAMES, "accessor"} - _SHOWN_BY_OTHERS))
def test_examples_are_true(name: str, small_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "agg")
    subject = GeosalAccessor.__base__ if name == "accessor" else getattr(geosal, name)
    examples = [test for test in doctest.DocTestFinder().find(subject, name, module=False) if test.examples]
    assert examples, f"help(geosal.{name}) has no example"
    mask = np.zeros((1, 160, 240), np.uint8)
    mask[:, 40:80, 180:220] = 255
    for number, test in enumerate(examples):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.chdir(folder)
        for scene in ("scene.tif", "other.tif"):
            (folder / scene).write_bytes(small_scene.read_bytes())
        save(folder / "mask.tif", mask, **PLACE)
        told: list[str] = []
        test.globs = {"geosal": geosal}
        result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=told.append)
        assert not result.failed, "".join(told)


def test_tab_shows_public_names_alone() -> None:
    assert dir(geosal) == sorted(geosal.__all__)
    assert not [name for name in dir(geosal) if name.startswith("_") and name != "__version__"]
