"""What a raster is, in plain data."""

from pathlib import Path

import numpy as np
from rasterio.enums import ColorInterp
from rasters import PLACE, save

from geosal.scenes import Scene, describe
from geosal.scenes.decimate import sample


def test_describe_is_plain_data(rgb_scene: Path) -> None:
    facts = describe(str(rgb_scene))
    assert (facts["width"], facts["height"], facts["count"], facts["dtype"]) == (780, 520, 3, "uint8")
    assert facts["crs"] == "EPSG:32631"
    assert facts["nodata"] == 0
    assert [band["colorinterp"] for band in facts["bands"]] == [
        c.name for c in (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    ]
    assert "PROVENANCE" in facts["tag_domains"]


def test_pixels_and_header_apart_are_described_and_sampled(tmp_path: Path) -> None:
    """ENVI's pixels cannot be opened without what lies beside them."""
    pixels = np.add.outer(np.arange(1200), np.arange(1200)).astype(np.uint16)
    path = str(save(tmp_path / "s.img", pixels[None], "ENVI", **PLACE))
    facts = describe(path)
    assert (facts["driver"], facts["overviews"], facts["compression"]) == ("ENVI", [], None)
    found, _ = sample(Scene.open(path))
    assert abs(found.mean() - pixels.mean()) < 30
