from pathlib import Path

import pytest

from geosal.job.plan import make_plan
from geosal.job.recipe import Recipe
from geosal.job.words import of_pixels


@pytest.mark.parametrize(
    ("name", "wish", "shares", "told"),
    [
        ("a.tif", {}, {1: 1.0}, "100.0 % of all pixels, those without data too, will stay exactly as they were."),
        ("a.tif", {}, {17: 1.0}, "No pixel has to stay exactly as it was; all will be blurred by up to 17 px."),
        ("a.tif", {"treatment": ["smooth", "bound:error=8"]}, {1: 0.25, 9: 0.75}, "px and then rounded by at most 8."),
        ("a.tif", {"profile": "webp", "treatment": "quality:low=40,high=100"}, {1: 0.25, 17: 0.75},
         "data too, will stay exactly as they were; the others will be coded at a quality down to 40"),
        ("a.jp2", {"profile": "jp2", "treatment": "quality:low=40,high=100"}, {1: 0.25, 17: 0.75}, "25.0 % of all pix"),
        ("a.tif", {"profile": "jpeg", "treatment": "quality:low=40,high=100"}, {1: 0.25, 17: 0.75}, "may lose"),
        ("a.tif", {"profile": "webp", "treatment": "quality:low=40,high=99"}, {1: 0.25, 17: 0.75}, "may lose"),
        ("a.tif", {"profile": "webp", "treatment": "quality", "target_bpp": 2}, {1: 0.25, 17: 0.75}, "may lose"),
        ("a.jpg", {"target_jpeg": 50}, {1: 0.25, 17: 0.75}, "jpg may lose a little everywhere; pixels will be"),
    ],
)  # fmt: skip
def test_words(
    name: str, wish: dict[str, object], shares: dict[int, float], told: str, rgb_scene: Path, tmp_path: Path
) -> None:
    recipe = Recipe.from_mapping({"input": rgb_scene, "output": tmp_path / name, "saliency": "half", **wish})
    assert told in of_pixels(make_plan(recipe), shares, will=True)
