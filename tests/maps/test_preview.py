from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from geosal.core.grid import Grid
from geosal.errors import OutputError, SceneError, UsageError
from geosal.maps.palettes import PALETTES
from geosal.maps.preview import check_preview, draw, small_saliency, write_preview
from geosal.scenes import Scene
from geosal.scenes.rgb import OUTLINE
from geosal.scenes.stretch import ByteScene
from geosal.sources import open_saliency

TITLE, CAPTIONS = 28, 80


def _read(path: Path) -> np.ndarray[Any, Any]:
    with rasterio.open(path) as dataset:
        assert (dataset.driver, dataset.count, dataset.dtypes[0]) == ("PNG", 4, "uint8")
        return np.moveaxis(dataset.read(), 0, -1)


@pytest.mark.parametrize("palette", ["jet", "viridis"])
def test_saliency_shows_over_the_scene(palette: str, rgb_scene: Path, tmp_path: Path) -> None:
    scene, out = Scene.open(rgb_scene), tmp_path / "p.png"
    outcome = write_preview(str(out), scene, open_saliency(["half"], scene.grid), palette=palette, size=260)
    image = _read(out)
    height = 174 + CAPTIONS
    assert outcome == {"preview": str(out), "palette": palette, "factor": 3, "width": 260, "height": height}
    assert image.shape == (height, 260, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["p.png"]
    picture = image[TITLE : TITLE + 174].astype(float)
    with rasterio.open(rgb_scene) as dataset:
        samples = dataset.read()[:, 1::3, 1::3].astype(float)
    empty = samples[0] == 0
    np.testing.assert_array_equal(picture[:173, :, 3] == 0, empty)
    least, most = PALETTES[palette](np.array([0.0, 1.0])).astype(float)
    for where, colour in ((np.s_[:170, 140:], least), (np.s_[90:170, 60:120], most)):
        under = (picture[where][..., :3] - 0.55 * colour) / 0.45
        scene_there = 64 + samples[:, *where].transpose(1, 2, 0) * 191 / 255
        outlined = (picture[where][..., :3] == OUTLINE).all(axis=-1)
        assert np.abs(under - scene_there)[~outlined].max() < 3  # what is not the palette's colour is the scene's


def test_what_is_kept_has_an_outline(rgb_scene: Path) -> None:
    scene = Scene.open(rgb_scene)
    image = draw(scene, open_saliency(["half"], scene.grid), size=260).image[TITLE : TITLE + 174]
    outlined = (image[..., :3] == OUTLINE).all(axis=-1)
    assert set(np.flatnonzero(outlined[20:150].any(axis=0))) == {129}  # the last column of the kept half
    assert not (draw(scene, open_saliency(["uniform:saliency=1"], scene.grid)).image[..., :3] == OUTLINE).all(-1).any()


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
    # Bytes are shown as they are, more bits are stretched: the saliency alone is the same.
    np.testing.assert_array_equal(images[0][..., 3], images[2][..., 3])


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (3, 79), (3, 161)])
def test_small_and_flat_scenes(shape: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "scene.tif"
    with rasterio.open(path, "w", driver="GTiff", count=1, height=shape[0], width=shape[1], dtype="uint8") as dataset:
        dataset.write(np.full((1, *shape), 9, np.uint8))
    scene = Scene.open(path)
    write_preview(str(tmp_path / "p.png"), scene, open_saliency(["uniform:saliency=0"], scene.grid))
    image = _read(tmp_path / "p.png")
    has_captions = shape[1] >= 160
    assert image.shape == (shape[0] + (CAPTIONS if has_captions else 0), shape[1], 4)
    picture = image[TITLE : TITLE + shape[0]] if has_captions else image
    assert (picture == picture[0, 0]).all()


def test_refusals_come_before_any_work(rgb_scene: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken.png"
    taken.write_bytes(b"a user's")
    with pytest.raises(UsageError, match="ends in .png"):
        check_preview(str(tmp_path / "a.jpg"), overwrite=False)
    with pytest.raises(UsageError, match="viridis or magma or jet"):
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
    with pytest.raises(OutputError, match=r"cannot be written in .* \(libpng: No IDATs.*; [\d.]+ \wB are free there"):
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
