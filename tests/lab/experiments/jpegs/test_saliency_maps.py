from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio

from geosal.core.grid import Block, Grid
from geosal.errors import SaliencyError
from geosal.lab.experiments.images import Picture, find_pictures
from geosal.lab.experiments.jpegs import Experiment
from geosal.lab.experiments.jpegs.saliency_maps import (
    _largest_differences,
    is_salient,
    make_map,
    open_part,
    sources_for,
)
from geosal.sources import Saliency, open_saliency

Wish = Callable[..., Experiment]
pytestmark = pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")  # of images without a place


def picture_of(wish: Experiment, name: str = "a") -> Picture:
    return next(picture for picture in find_pictures(wish) if picture.name == name)


def test_map_part_and_picture(wish: Wish, tmp_path: Path) -> None:
    asked = wish(saliency="uniform:saliency=0.5", passes=1)
    path = tmp_path / "map.tif"
    facts = make_map(asked, picture_of(asked), path)
    assert facts.salient == 1  # 0.5 is kept as 127 of 255, and still is 0.5
    assert open_part(wish(salient=0.51), picture_of(asked), path).read(Block(0, 0, 5, 5)).max() == 0
    assert facts.mean == pytest.approx(127 / 255)
    assert (facts.width, facts.height, facts.bands) == (240, 200, 3)
    with rasterio.open(path) as dataset:
        assert dataset.read(1).min() == dataset.read(1).max() == 127
    assert path.with_suffix(".png").is_file()


def test_half(wish: Wish, tmp_path: Path) -> None:
    asked = wish()
    facts = make_map(asked, picture_of(asked), tmp_path / "map.tif")
    assert (facts.salient, facts.passes, facts.differing, facts.largest_difference) == (0.5, 2, 0, 0.0)
    part = open_part(asked, picture_of(asked), tmp_path / "map.tif")
    assert part.read_coded(Block(0, 0, 2, 2)) is None
    values = part.read(Block(0, 0, 200, 240))
    np.testing.assert_array_equal(values[:, :120], 1)
    np.testing.assert_array_equal(values[:, 120:], 0)


@pytest.mark.parametrize("threshold", [0.1, 0.25, 0.5, 0.75, 0.9, 1.0])
def test_a_map_of_bytes_keeps_the_threshold(threshold: float) -> None:
    exact = np.array([threshold, np.nextafter(threshold, 0) - 1 / 254], np.float64)
    kept = np.floor(exact * 255 + 1e-4) / 255
    np.testing.assert_array_equal(is_salient(kept.astype(np.float32), threshold), [True, False])


def test_a_network_sees_a_grey_band_three_times(wish: Wish) -> None:
    asked = wish(saliency=["cnn", "cnn:top=3", "cnn:bands=1;1;1", "half"])
    grey = ("cnn:bands=1;1;1", "cnn:top=3,bands=1;1;1", "cnn:bands=1;1;1", "half")
    assert sources_for(asked, picture_of(asked, "c")) == grey
    assert sources_for(asked, picture_of(asked, "a")) == asked.saliency


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_passes_of_the_network_are_the_same(wish: Wish, name: str, tmp_path: Path) -> None:
    """In colour, grey, and smaller than what the network looks at."""
    pytest.importorskip("onnxruntime")
    asked = wish(saliency="cnn", passes=3)
    facts = make_map(asked, picture_of(asked, name), tmp_path / "map.tif")
    assert (facts.passes, facts.differing, facts.largest_difference) == (3, 0, 0.0)


def test_an_image_smaller_than_a_cell_of_the_network(wish: Wish, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    path = tmp_path / "tiny.tif"
    with rasterio.open(path, "w", driver="GTiff", width=5, height=6, count=3, dtype="uint8") as dataset:
        dataset.write(np.ones((3, 6, 5), np.uint8))
    asked = wish(saliency="cnn", images=str(path))
    with pytest.raises(SaliencyError, match="tiny.tif has 5 x 6 pixels"):
        make_map(asked, find_pictures(asked)[0], tmp_path / "map.tif")


class _Unsteady(Saliency):
    def read(self, block: Block) -> np.ndarray:
        values = super().read(block).copy()
        values[0, 0] = np.float32(0.25)
        return values


def test_passes_that_differ_are_seen() -> None:
    grid = Grid(None, rasterio.Affine.identity(), 30, 40)
    steady = open_saliency(["half"], grid)
    other = _Unsteady(grid=grid, sources=steady.sources)
    assert _largest_differences([steady, steady]) == [0.0]
    assert _largest_differences([steady, other, steady]) == [0.75, 0.0]
    assert _largest_differences([steady]) == []
