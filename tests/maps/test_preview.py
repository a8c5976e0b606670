from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from geosal.core.grid import Grid
from geosal.errors import OutputError, SceneError, UsageError
from geosal.maps.preview import PALETTES, check_preview, draw, small_saliency, write_preview
from geosal.scenes import Scene
from geosal.scenes.stretch import ByteScene
from geosal.sources import open_saliency

LEGEND = 36


def _read(path: Path) -> np.ndarray[Any, Any]:
    with rasterio.open(path) as dataset:
        assert (dataset.driver, dataset.count, dataset.dtypes[0]) == ("PNG", 4, "uint8")
        return np.moveaxis(dataset.read(), 0, -1)


@pytest.mark.parametrize("palette", ["jet", "viridis"])
def test_palettes_are_those_that_everyone_knows(palette: str) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    values = np.linspace(0, 1, 256)
    theirs = 255 * matplotlib.colormaps[palette](values)[:, :3]
    # matplotlib's jet has its corners a little elsewhere; our viridis has seventeen colours and straight lines between.
    assert np.abs(PALETTES[palette](values) - theirs).max() <= (40 if palette == "jet" else 6)
    assert np.abs(PALETTES[palette](values) - theirs).mean() <= (6 if palette == "jet" else 1)


def test_viridis_rises_in_lightness() -> None:
    lightness = PALETTES["viridis"](np.linspace(0, 1, 256)) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(lightness) > -0.5).all()
    assert lightness[-1] - lightness[0] > 150


@pytest.mark.parametrize("palette", ["jet", "viridis"])
def test_saliency_shows_over_the_scene(palette: str, rgb_scene: Path, tmp_path: Path) -> None:
    scene, out = Scene.open(rgb_scene), tmp_path / "p.png"
    outcome = write_preview(str(out), scene, open_saliency(["half"], scene.grid), palette=palette, size=260)
    image = _read(out)
    assert outcome == {"preview": str(out), "palette": palette, "factor": 3, "width": 260, "height": 174 + LEGEND}
    assert image.shape == (174 + LEGEND, 260, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["p.png"]
    picture = image[:174].astype(float)
    with rasterio.open(rgb_scene) as dataset:
        empty = dataset.read(1)[1::3, 1::3] == 0
    np.testing.assert_array_equal(picture[:173, :, 3] == 0, empty)
    kept, lost = picture[:, 140:].reshape(-1, 4), picture[90:, 60:120].reshape(-1, 4)
    least, most = PALETTES[palette](np.array([0.0, 1.0])).astype(float)
    for seen, colour in ((kept, least), (lost, most)):
        grey = (seen[:, :3] - 0.55 * colour) / 0.45
        assert np.ptp(grey, axis=1).max() < 5  # what is not the palette's colour has none
        assert 0.25 * 255 - 3 <= grey.min() < grey.max() <= 258
        assert np.ptp(grey) > 100  # and shows the scene


def test_a_cell_has_the_mean_of_its_pixels() -> None:
    saliency = open_saliency(["perlin:seed=4"], Grid(None, from_origin(0, 0, 1, 1), 5000, 2100))
    whole = saliency.read(saliency.grid.whole()).astype(np.float64)
    for factor in (1, 7, 3000):
        small = small_saliency(saliency, factor)
        for row, col in {(0, 0), (small.shape[0] - 1, small.shape[1] - 1), (small.shape[0] // 2, 0)}:
            cell = whole[row * factor : (row + 1) * factor, col * factor : (col + 1) * factor]
            assert small[row, col] == pytest.approx(cell.mean(), abs=1e-6)


def test_the_picture_is_the_same_for_bytes_and_one_worker(uint16_scene: Path, tmp_path: Path) -> None:
    scene = Scene.open(uint16_scene)
    saliency = open_saliency(["perlin"], scene.grid)
    for name, of, workers in (("a", scene, 1), ("b", scene, 3), ("c", ByteScene.wrap(scene, "range:1-12000"), None)):
        write_preview(str(tmp_path / f"{name}.png"), of, saliency, workers=workers)
    images = [_read(tmp_path / f"{name}.png").astype(int) for name in "abc"]
    np.testing.assert_array_equal(images[0], images[1])
    assert np.abs(images[0] - images[2]).max() <= 6  # 254 greys less well told apart


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (3, 79), (3, 121)])
def test_small_and_flat_scenes(shape: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "scene.tif"
    with rasterio.open(path, "w", driver="GTiff", count=1, height=shape[0], width=shape[1], dtype="uint8") as dataset:
        dataset.write(np.full((1, *shape), 9, np.uint8))
    scene = Scene.open(path)
    write_preview(str(tmp_path / "p.png"), scene, open_saliency(["uniform:saliency=0"], scene.grid))
    image = _read(tmp_path / "p.png")
    assert image.shape == (shape[0] + (LEGEND if shape[1] >= 120 else 0), shape[1], 4)
    assert (image[: shape[0]] == image[0, 0]).all()


def test_refusals_come_before_any_work(rgb_scene: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken.png"
    taken.write_bytes(b"a user's")
    with pytest.raises(UsageError, match="ends in .png"):
        check_preview(str(tmp_path / "a.jpg"), overwrite=False)
    with pytest.raises(UsageError, match="jet or viridis"):
        check_preview(str(tmp_path / "a.png"), overwrite=False, palette="hot")
    with pytest.raises(OutputError, match="exists already"):
        check_preview(str(taken), overwrite=False)
    with pytest.raises(OutputError, match="also an input"):
        check_preview(str(taken), overwrite=True, inputs=[str(taken)])
    with pytest.raises(OutputError, match="does not exist"):
        check_preview(str(tmp_path / "no" / "a.png"), overwrite=False)
    assert taken.read_bytes() == b"a user's"


def test_an_error_of_gdal_while_closing_is_one_of_the_output(
    tmp_path: Path, rgb_scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the disk is full: libpng's complaint comes without rasterio's wrapping."""

    class PrivateError(Exception):
        """As those that rasterio raises bare."""

    def full(*_: Any, **__: Any) -> Any:
        raise PrivateError("libpng: No IDATs written into file")

    scene = Scene.open(rgb_scene)
    saliency = open_saliency(["half"], scene.grid)
    picture = draw(scene, saliency)
    monkeypatch.setattr(rasterio, "open", full)
    with pytest.raises(OutputError, match="cannot be written .libpng: No IDATs"):
        picture.write(str(tmp_path / "a.png"))
    assert not list(tmp_path.glob("*.png"))


def test_a_damaged_scene_leaves_no_picture(tmp_path: Path, rgb_scene: Path) -> None:
    broken = tmp_path / "broken.tif"
    whole = rgb_scene.read_bytes()
    with rasterio.open(rgb_scene) as dataset:
        first = int(dataset.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1))
    broken.write_bytes(whole[:first] + b"\xff" * 8 + whole[first + 8 :])
    scene = Scene.open(broken)
    with pytest.raises(SceneError, match="damaged"):
        write_preview(str(tmp_path / "p.png"), scene, open_saliency(["half"], scene.grid))
    assert [path.name for path in tmp_path.iterdir()] == ["broken.tif"]
