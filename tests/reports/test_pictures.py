import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rasters import read

from geosal.comparison import pair_with
from geosal.core.progress import ignore
from geosal.maps.cells import Cells
from geosal.reports import pictures
from geosal.reports.pictures import View, draw_bytes, draw_errors, draw_saliency, draw_scene, factor_of, looks_of, shown
from geosal.reports.spread import Spread
from geosal.scenes import open_input
from geosal.scenes.reading import AS_IT_IS


def _image(text: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA"))


def test_a_small_scene_is_drawn_to_the_pixel(folder: Path) -> None:
    pair = pair_with(open_input(str(folder / "scene.tif"), AS_IT_IS), str(folder / "out.jpg"), AS_IT_IS, "half")
    cells = Cells.of(pair, shown(pair), 1, ignore)
    view = View.of(pair, cells, None, pictures=2, top=10.0)
    assert view.exact
    looks = looks_of(pair, cells, view)
    for which, path in (("original", "scene.tif"), ("candidate", "out.jpg")):
        drawn = _image(draw_scene(looks, which, view)["whole"])
        pixels = np.moveaxis(read(folder / path), 0, -1)
        there = drawn[..., 3] > 0
        np.testing.assert_array_equal(drawn[there][:, :3], pixels[there])
        assert not there[:10, :10].any()  # nodata is clear
        assert there[12:, 12:].all()
    errors = _image(draw_errors(looks, view)["whole"])
    differs = (read(folder / "scene.tif") != read(folder / "out.jpg")).any(axis=0)
    np.testing.assert_array_equal(errors[12:, 12:, 3] > 0, differs[12:, 12:])
    saliency = _image(draw_saliency(looks)["whole"])
    assert len(np.unique(saliency[12:, :, :3].reshape(-1, 3), axis=0)) == 2


def test_without_a_saliency_none_is_drawn(folder: Path) -> None:
    pair = pair_with(open_input(str(folder / "scene.tif"), AS_IT_IS), str(folder / "out.jpg"), AS_IT_IS)
    cells = Cells.of(pair, shown(pair), 1, ignore)
    assert draw_saliency(looks_of(pair, cells, View.of(pair, cells, None, pictures=2, top=1.0))) is None


def test_where_bytes_are_it_is_brightest() -> None:
    spread = Spread(tile=(4, 4), bytes=np.array([[16.0, 0.0], [2.0, 1.0]]))
    drawn, top = draw_bytes(spread, (6, 6))
    assert 0.9 < top <= 1
    assert _image(drawn["whole"]).shape == (2, 2, 4)
    assert _image(drawn["whole"])[0, 0, 0] > 240
    assert _image(drawn["whole"])[0, 1, 0] < 80


@pytest.mark.parametrize(("length", "factor"), [(1, 1), (2048, 1), (2049, 2), (10980, 8), (40000, 32)])
def test_factors(length: int, factor: int) -> None:
    assert factor_of((7, length)) == factor_of((length, 7)) == factor
    assert length / factor <= pictures._LONGEST
