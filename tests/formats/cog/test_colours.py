"""A JPEG in YCbCr tells what its bands are inside the file."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasters import PLACE, save

import geosal

RED, GREEN, BLUE, GREY, UNDEFINED = (ColorInterp[name] for name in ("red", "green", "blue", "gray", "undefined"))


@pytest.mark.parametrize("described", [True, False])
@pytest.mark.parametrize("colours", [(GREY, UNDEFINED, UNDEFINED), (BLUE, GREEN, RED), (RED, GREEN, BLUE)])
def test_nothing_lies_beside_a_jpeg_whatever_its_bands_are(
    tmp_path: Path, colours: tuple[ColorInterp, ...], described: bool
) -> None:
    names = ("B02", "B03 < & >", "B04") if described else (None, None, None)
    pixels = np.random.default_rng(3).integers(1, 255, (3, 70, 80), dtype=np.uint8)
    scene = save(tmp_path / "scene.tif", pixels, photometric="MINISBLACK", **PLACE)
    with rasterio.open(scene, "r+") as dataset:
        dataset.colorinterp, dataset.descriptions = colours, names
    scene.with_name("scene.tif.aux.xml").unlink(missing_ok=True)
    (tmp_path / "out").mkdir()
    output = tmp_path / "out/small.tif"
    geosal.compress(scene, output, saliency="half", profile="jpeg")
    assert [path.name for path in output.parent.iterdir()] == ["small.tif"]
    with rasterio.open(output) as dataset:
        assert dataset.colorinterp == colours
        assert dataset.descriptions == names
        assert dataset.photometric.name == "ycbcr"
        assert dataset.tags()["GEOSAL_VERSION"] == geosal.__version__
    assert geosal.verify(output, against=scene).ok
    assert [path.name for path in output.parent.iterdir()] == ["small.tif"]
