from pathlib import Path

import numpy as np
import pytest
from rasterio.enums import ColorInterp
from rasters import PLACE, save

from geosal.scenes import Scene
from geosal.scenes.rgb import as_rgb, limits_of, outline_of, shown_bands


@pytest.mark.parametrize(
    ("count", "colours", "names", "expected"),
    [
        (3, "red green blue", "", [0, 1, 2]),
        (4, "nir blue green red", "", [3, 2, 1]),
        (4, "blue green red alpha", "", [2, 1, 0]),
        (5, "", "B02 B03 B04 B08 B11", [2, 1, 0]),
        (4, "", "", [0, 1, 2]),
        (2, "", "", [0]),
        (2, "gray alpha", "", [0]),
        (1, "", "", [0]),
    ],
)
def test_red_green_and_blue_are_found(
    count: int, colours: str, names: str, expected: list[int], tmp_path: Path
) -> None:
    import rasterio

    path = save(tmp_path / "scene.tif", np.ones((count, 20, 20), np.uint8), **PLACE)
    with rasterio.open(path, "r+") as dataset:
        if colours:
            dataset.colorinterp = [
                ColorInterp[name] if name in ColorInterp.__members__ else ColorInterp.undefined
                for name in colours.split()
            ]
        if names:
            dataset.descriptions = names.split()
    assert shown_bands(Scene.open(str(path)).layout) == expected


def test_bytes_are_shown_as_they_are_and_more_bits_are_stretched() -> None:
    band = np.arange(1001.0)[np.newaxis]
    assert limits_of(band, "uint8") == (0, 255)
    assert limits_of(band, "uint16") == (20, 980)
    assert limits_of(np.full((2, 2), 7.0), "uint16") == (7, 8)
    assert limits_of(np.full((2, 2), np.nan), "float32") == (0, 1)
    grey = as_rgb(np.array([[[0.0, 128, 255]]]), [(0, 255)], (1, 2, 3))
    assert grey.tolist() == [[[0] * 3, [128] * 3, [255] * 3]]
    stretched = as_rgb(np.array([[[0.0, 500, 2000, np.nan]]]), [(20, 980)], (1, 2, 3))[0]
    assert stretched[0].tolist() == [0] * 3
    assert 128 < stretched[1, 0] < 200
    assert stretched[2].tolist() == [255] * 3
    assert stretched[3].tolist() == [1, 2, 3]


def test_outlines() -> None:
    inside = np.zeros((40, 40), np.bool_)
    inside[10:20, 5:15] = True
    outline = outline_of(inside)
    assert outline.sum() == 36
    assert not outline[11:19, 6:14].any()
    assert not outline_of(np.ones((9, 9), np.bool_)).any()  # the edge of the picture is no outline
    assert not outline_of(np.indices((40, 40)).sum(0) % 2 == 0).any()  # clutter would hide all
