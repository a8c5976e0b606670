"""One report of a scene and two outputs, for all who only look at it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import PROGRAM, Browser, browser
from rasters import PLACE, save

import geosal

HOSTILE = 'a <script>alert(1) & "b" {{data}} \'.tif'
"""Of an output: a name that would break a careless page."""


@pytest.fixture(scope="session")
def hostile() -> str:
    """Name of the output."""
    return HOSTILE


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene of 96 x 120 pixels, its right half salient, and two outputs of it; nobody changes them."""
    place = tmp_path_factory.mktemp("report")
    rng = np.random.default_rng(5)
    rows, cols = np.mgrid[:96, :120]
    waves = 120 + 50 * np.sin(rows / 5) + 40 * np.cos(cols / 3)
    pixels = np.clip(waves + rng.normal(0, 8, (3, 96, 120)), 1, 255).astype(np.uint8)
    pixels[:, :10, :10] = 0
    mask = np.where(cols < 60, 0, 255).astype(np.uint8)[np.newaxis]
    save(place / "scene.tif", pixels, photometric="RGB", nodata=0, **PLACE)
    save(place / "mask.tif", mask, **PLACE)
    scene = str(place / "scene.tif")
    geosal.compress(scene, str(place / HOSTILE), saliency=str(place / "mask.tif"))
    geosal.compress(scene, str(place / "out.jpg"), saliency=str(place / "mask.tif"))
    return place


@pytest.fixture(scope="session")
def page(folder: Path) -> Path:
    """The report of both outputs."""
    outputs = [folder / HOSTILE, folder / "out.jpg"]
    geosal.report(folder / "scene.tif", outputs, folder / "page.html", title="</script><b>Both</b>")
    return folder / "page.html"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A tab of a headless Chromium."""
    if PROGRAM is None:
        pytest.skip("no Chromium on this machine")
    with browser(tmp_path_factory.mktemp("chromium")) as found:
        yield found
