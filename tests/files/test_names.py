import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

import geosal
from geosal.cli.demo import demo
from geosal.errors import OutputError, UsageError
from geosal.files.names import why_no_path
from geosal.files.publish import check_output
from geosal.lab.experiments.jpegs.wish import Experiment
from geosal.maps.saliency_map import write_saliency_map
from geosal.scenes import Scene
from geosal.scenes.products.opening import open_product

# A NUL, a lone surrogate as YAML writes it, and the byte 0xFF as Python keeps it.
ODD = {"a\0b.tif": "NUL", "a\ud800b.tif": "not UTF-8", "b\udcff.tif": "not UTF-8"}
TAKES_PATHS: dict[str, Callable[[str], Any]] = {
    "compress, input": lambda odd: geosal.compress(odd, "a.tif", saliency="half"),
    "compress, output": lambda odd: geosal.compress("a.tif", odd, saliency="half"),
    "compress, saliency": lambda odd: geosal.compress("a.tif", "b.tif", saliency=odd),
    "recipe": lambda odd: geosal.Recipe(input="a.tif", output=odd, saliency=("half",)),
    "open_scene": geosal.open_scene,
    "saliency": lambda odd: geosal.saliency([odd], xr.DataArray([[0.0]], dims=("y", "x"))),
    "write": lambda odd: geosal.write(xr.DataArray([[0.0]], dims=("y", "x")), odd),
    "verify": geosal.verify,
    "verify, against": lambda odd: geosal.verify("a.tif", against=odd),
    "compare": lambda odd: geosal.compare("a.tif", odd),
    "map": lambda odd: write_saliency_map(["half"], odd, "a.tif"),
    "preview": lambda odd: write_saliency_map(["half"], "a.tif", "b.tif", preview=odd),
    "demo": lambda odd: demo.main([odd], standalone_mode=False),
    "experiment": lambda odd: Experiment.from_mapping({"images": odd}),
    "scene": Scene.open,
    "product": open_product,
}


@pytest.mark.parametrize("odd", ODD, ids=ascii)
@pytest.mark.parametrize("call", TAKES_PATHS.values(), ids=TAKES_PATHS)
def test_paths_that_no_file_has_are_refused_by_name(call: Callable[[str], Any], odd: str) -> None:
    with pytest.raises(UsageError, match=ODD[odd]) as caught:
        call(odd)
    str(caught.value).encode()  # a terminal can show it


def test_odd_paths_in_a_recipe_file_end_as_usage(tmp_path: Path) -> None:
    for text in ("a\\0b.tif", "a\\ud800b.tif"):
        (tmp_path / "r.yaml").write_text(f'output: "{text}"\n')
        with pytest.raises(UsageError, match="output '.*a"):
            geosal.Recipe.from_yaml(tmp_path / "r.yaml", input="a.tif", saliency="half")


def test_the_directory_of_an_output_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "\udcff"
    odd.mkdir()
    monkeypatch.chdir(odd)
    with pytest.raises(OutputError, match=r"not UTF-8.*or the directory"):
        check_output("a.tif", overwrite=False, inputs=[])


def test_a_good_name_is_not_blamed_for_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.getfilesystemencoding", lambda: "ascii")
    told = why_no_path(os.fsencode("Zürich.tif").decode("ascii", "surrogateescape"))
    assert told == "is UTF-8, and Python takes names for ascii here; run it again with PYTHONUTF8=1"


def test_other_names_stay() -> None:
    for path in ("a b.tif", "Zürich/été.tif", "\N{PEDESTRIAN}.tif", "/vsizip/a.zip/b.tif"):
        assert not why_no_path(path)
