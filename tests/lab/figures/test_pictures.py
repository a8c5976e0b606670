"""Figures 2 to 4 and 14: what is shown is what the reference makes of the scene."""

import numpy as np
import pytest
from oracle import smooth_reference
from products import write

from geosal.errors import UsageError
from geosal.lab.figures.drawing import FIGURES
from geosal.lab.figures.pictures import View
from geosal.lab.figures.style import styled


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Dull, but for a lively corner below at the right."""
    pixels = np.full((3, 500, 600), 100, np.uint8)
    pixels[:, 300:, 300:] = np.random.default_rng(3).integers(0, 255, (3, 200, 300), dtype=np.uint8)
    path = tmp_path_factory.mktemp("scene") / "scene.tif"
    write(path, pixels, 1.0)
    return path, pixels


def shown(name: str, view: View) -> dict[str, np.ndarray]:
    with styled(4, 4) as figure:
        FIGURES[name].draw(figure, view)
        return {axis.get_title(): np.asarray(axis.images[0].get_array()) for axis in figure.axes}


def test_the_liveliest_part_is_shown_with_each_kernel(scene):
    path, pixels = scene
    part = pixels[:, 500 - 384 :, 600 - 384 :]
    panels = shown("2", View.of(str(path)))
    assert [*panels] == [f"K = {width}" for width in range(1, 19, 2)]
    for width in (1, 3, 17):
        levels = np.full(part.shape[1:], (width - 1) // 2, np.uint8)
        wanted = np.stack([smooth_reference(band, levels) for band in part], axis=-1)[144:240, 144:240]
        # What the engine may differ by on noise.
        assert np.abs(panels[f"K = {width}"].astype(float) - wanted).max() <= 2
    np.testing.assert_array_equal(panels["K = 1"], np.moveaxis(part, 0, -1)[144:240, 144:240])


def test_masks_have_the_papers_levels_and_composites_keep_what_they_keep(scene):
    path, pixels = scene
    view = View.of(str(path))
    masks, composites = shown("3", view), shown("4", view)
    assert np.mean(masks["half"]) == 0.5
    assert len(np.unique(masks["grid"])) == len(np.unique(masks["perlin"])) == 4
    original = np.moveaxis(pixels[:, 500 - 384 :, 600 - 384 :], 0, -1)
    for name, mask in masks.items():
        kept = mask == 1
        np.testing.assert_array_equal(composites[name][kept], original[kept])
        assert (composites[name] != original).any()


def test_objects_are_shown_where_the_source_says_something(scene, tmp_path):
    path, pixels = scene
    mask = np.zeros((500, 600), np.uint8)
    mask[10:60, 10:60] = 255
    write(tmp_path / "mask.tif", mask, 1.0)
    panels = shown("14", View.of(str(path), [str(tmp_path / "mask.tif")]))
    assert panels["saliency"].max() == 1
    np.testing.assert_array_equal(panels["original"], np.moveaxis(pixels[:, :384, :384], 0, -1))
    with pytest.raises(UsageError, match="--saliency"):
        shown("14", View.of(str(path)))
