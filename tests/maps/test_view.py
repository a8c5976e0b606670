from pathlib import Path

import numpy as np
import rasterio

import geosal
from geosal.maps.view import view
from geosal.scenes import Reading
from geosal.scenes.rgb import PAPER


def test_a_picture_fits_the_room_and_shows_the_samples(rgb_scene: Path) -> None:
    with rasterio.open(rgb_scene) as file:
        samples = np.moveaxis(file.read(), 0, -1)
        samples[(samples == file.nodata).all(axis=-1)] = PAPER
    rows, columns = samples.shape[:2]
    whole = view(str(rgb_scene), Reading(), (rows, columns))
    assert whole.factor == 1
    assert whole.shape == (rows, columns)
    assert np.array_equal(whole.image, samples)
    small = view(str(rgb_scene), Reading(), (rows // 3, columns))
    assert small.factor == 4 if rows % 3 else 3
    assert small.image.shape == (-(-rows // small.factor), -(-columns // small.factor), 3)


def test_the_bands_that_are_asked_for_are_shown(rgb_scene: Path) -> None:
    with rasterio.open(rgb_scene) as file:
        second = file.read(2)
        nothing = second == file.nodata
    seen = view(str(rgb_scene), Reading(bidx=(2,)), second.shape)
    assert len(seen.bands) == 1
    assert np.array_equal(seen.image[~nothing], np.repeat(second[~nothing][:, np.newaxis], 3, axis=-1))
    assert (seen.image[nothing] == PAPER).all()


def test_saliency_lies_over_the_scene(rgb_scene: Path) -> None:
    room = (40, 40)
    plain = view(str(rgb_scene), Reading(), room).image
    kept = view(str(rgb_scene), Reading(), room, sources=["uniform:saliency=1"]).image
    left = view(str(rgb_scene), Reading(), room, sources=["uniform:saliency=1", "uniform:saliency=0"]).image
    none = view(str(rgb_scene), Reading(), room, sources=["uniform:saliency=0"]).image
    assert plain.shape == kept.shape
    assert np.array_equal(kept, left)  # the greatest wins
    assert kept[..., 0].mean() > none[..., 0].mean() + 50  # viridis: yellow, and violet


def test_where_there_is_nothing_paper_shows(tmp_path: Path, rgb_scene: Path) -> None:
    with rasterio.open(rgb_scene) as file:
        samples, profile = file.read(), file.profile | {"nodata": 0}
    samples[:, :10] = 0
    with rasterio.open(tmp_path / "holed.tif", "w", **profile) as file:
        file.write(samples)
    for sources in ([], ["half"]):
        image = view(str(tmp_path / "holed.tif"), Reading(), samples.shape[1:], sources=sources).image
        paper = (image == PAPER).all(axis=-1).any(axis=1)
        assert paper.sum() >= 10


def test_overviews_stand_for_the_whole(rgb_scene: Path, tmp_path: Path) -> None:
    geosal.compress(str(rgb_scene), str(tmp_path / "small.tif"), saliency="half")
    seen = view(str(tmp_path / "small.tif"), Reading(), (32, 32))
    assert max(seen.image.shape[:2]) <= 32
