"""What `cnn` says with networks whose maps we know, with the one that comes with geosal, and of real scenes."""

import pickle
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from onnx_file import card_metadata, mixing_model
from pictures import patchwork

from geosal.cli.main import geosal as group
from geosal.core.grid import Block, Grid
from geosal.errors import GeosalError, SceneError, UsageError
from geosal.scenes.raster import Scene
from geosal.sources import open_saliency
from geosal.sources.network import cnn as room
from geosal.sources.network.cnn import Cnn

pytest.importorskip("onnxruntime")

COLOURS = ("red", "green", "blue")
MakeScene = Callable[..., Scene]


@pytest.fixture
def model(tmp_path: Path) -> str:
    """Three classes: how red, how green, how blue; a cell is 4 x 4 pixels."""
    path = tmp_path / "colours.onnx"
    path.write_bytes(mixing_model(np.eye(3) * 20, metadata=card_metadata(COLOURS)))
    return str(path)


def opened(scene: Scene, text: str) -> Cnn:
    (only,) = open_saliency([text], scene.grid, scene=scene).sources
    assert isinstance(only, Cnn)
    return only


def halves() -> NDArray[np.uint8]:
    """Left red, right blue."""
    pixels = np.zeros((3, 80, 160), np.uint8)
    pixels[0, :, :80], pixels[2, :, 80:] = 255, 255
    return pixels


def test_classes_tell_what_matters(make_scene, model):
    scene = make_scene(halves())
    values = opened(scene, f"cnn:model={model},classes=blue=0;red=1").read(scene.grid.whole())
    assert values[:, :60].min() > 0.95
    assert values[:, 100:].max() < 0.02
    values = opened(scene, f"cnn:model={model},classes=blue=1;red=0.5;green=0").read(scene.grid.whole())
    assert values[:, 20:60] == pytest.approx(0.5, abs=0.02)
    assert values[:, 100:].min() > 0.95


def test_paper_is_the_documented_formula(make_scene, model):
    pixels = patchwork((60, 84))
    scene = make_scene(pixels)
    cam = 20 * pixels.reshape(3, 15, 4, 21, 4).mean((2, 4)) / 255
    total = 0
    for share, number in zip((0.5, 0.6), np.argsort(-cam.mean((1, 2))), strict=False):
        total = total + share * (cam[number] - cam[number].min()) / np.ptp(cam[number])
    expected = (total - total.min()) / np.ptp(total)
    source = opened(scene, f"cnn:model={model},weights=paper,top=2")
    cells = np.frombuffer(vars(source)["_cells"], np.uint8).reshape(15, 21) / 254
    assert cells == pytest.approx(expected, abs=0.003)


def test_any_blocks_any_threads_and_any_time_give_the_same_bits(make_scene, monkeypatch):
    scene = make_scene(patchwork((1100, 700)), tiled=True, blockxsize=256, blockysize=256)
    source = opened(scene, "cnn")
    whole = source.read(scene.grid.whole())
    assert whole.min() >= 0
    assert whole.max() <= 1
    assert np.ptp(whole) > 0.5
    for size in (64, 333, 512):
        for block in scene.grid.blocks(size):
            assert np.array_equal(source.read(block), whole[block.slices_in(scene.grid.whole())])
    monkeypatch.setattr(room, "_THREADS", 1)
    again = opened(scene, "cnn")
    assert again.packed == source.packed
    assert again.__dask_tokenize__() == source.__dask_tokenize__()
    copy = pickle.loads(pickle.dumps(source))
    assert np.array_equal(copy.read(Block(5, 5, 40, 40)), whole[5:45, 5:45])
    assert len(pickle.dumps(source)) < 138 * 88 + 2000


@pytest.mark.parametrize("shape", [(900, 600), (500, 646), (1190, 700)])
def test_tiles_leave_no_seam(make_scene, monkeypatch, shape):
    """The map of a scene in tiles is that of the scene at once, be the last tile nearly the same as the one before."""
    scene = make_scene(patchwork(shape))
    tiles = opened(scene, "cnn").read(scene.grid.whole())
    monkeypatch.setattr(room, "_TILE_PIXELS", 4096)
    assert np.abs(opened(scene, "cnn").read(scene.grid.whole()) - tiles).max() < 0.05


@pytest.mark.parametrize("metres", [5, 10, 20, 13])
def test_a_model_sees_the_metres_it_was_trained_at(make_scene, tmp_path, metres):
    path = tmp_path / "m.onnx"
    path.write_bytes(mixing_model(np.eye(3) * 20, metadata=card_metadata(COLOURS, ground_resolution=10.0)))
    pixels = np.zeros((3, 1600 // metres, 3200 // metres), np.uint8)
    pixels[0] = 200
    pixels[:, :, 1600 // metres :] = np.array([0, 0, 200])[:, np.newaxis, np.newaxis]
    scene = make_scene(pixels, metres=metres)
    source = opened(scene, f"cnn:model={path},classes=blue=0")
    assert source.shape == (40, 80) if metres != 13 else source.shape[0] in {39, 40}
    values = source.read(scene.grid.whole())
    half = 1600 // metres
    assert values.shape == scene.grid.shape
    assert values[:, : half - 160 // metres].min() > 0.9
    assert values[:, half + 160 // metres :].max() < 0.1


def test_a_grey_scene_may_be_shown_three_times(make_scene, model):
    grey = patchwork((96, 80), count=1)
    shown = opened(make_scene(grey), f"cnn:model={model},bands=1;1;1")
    colour = opened(make_scene(np.repeat(grey, 3, axis=0)), f"cnn:model={model}")
    assert shown.packed == colour.packed


def test_nothing_is_said_where_no_pixel_is_valid(make_scene, model):
    pixels = patchwork((80, 80))
    pixels[:, :, :40] = 0
    scene = make_scene(np.maximum(pixels, np.arange(80) >= 40).astype(np.uint8), nodata=0)
    with pytest.warns(UserWarning, match="covers"):
        source = opened(scene, f"cnn:model={model}")
    values = source.read(scene.grid.whole())
    assert np.isnan(values[:, :36]).all()
    assert not np.isnan(values[:, 40:]).any()


def test_fingerprint_tells_models_and_parameters_apart(make_scene, model):
    scene = make_scene(patchwork((80, 80)))
    texts = ["cnn", f"cnn:model={model}", "cnn:top=2", "cnn:classes=Forest=1", "cnn:weights=paper"]
    assert len({opened(scene, text).fingerprint for text in texts}) == len(texts)


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("cnn:model=nowhere.onnx", 3, "cannot be read"),
        ("cnn:model=TEXT", 3, "no ONNX model"),
        ("cnn:model=FOREIGN", 3, "no MS-ROI model"),
        ("cnn:model=OUTPUTS", 3, "not pixels and cam"),
        ("cnn:model=CLASSES", 3, "its card says"),
        ("cnn:model=STRIDE", 3, "its card says"),
        ("cnn:model=HUGE", 3, "whole numbers up to"),
        ("cnn:model=NAN", 3, "no float32 number"),
        ("cnn:top=0", 2, "top"),
        ("cnn:low=90,high=10", 2, "low has to be below"),
        ("cnn:weights=paper,low=3", 2, "weights=prob"),
        ("cnn:weights=mean", 2, "prob or paper"),
        ("cnn:classes=Town=1", 2, "no class 'Town'"),
        ("cnn:classes=Forest=2", 2, "worth 0 to 1"),
        ("cnn:classes=Forest", 2, "worth 0 to 1"),
        ("cnn:bands=1;2", 2, "red, green and blue"),
        ("cnn:range=5-1", 2, "range"),
        ("cnn:colour=1", 2, "unknown parameter"),
    ],
)
def test_what_cannot_work_is_one_line(make_scene, tmp_path, text, code, says):
    eye = np.eye(3)
    contents = {
        "TEXT": b"no model at all",
        "FOREIGN": mixing_model(eye),
        "OUTPUTS": mixing_model(eye, metadata=card_metadata(COLOURS), names="maps"),
        "CLASSES": mixing_model(eye, metadata=card_metadata(COLOURS[:2])),
        "STRIDE": mixing_model(eye, 8, metadata=card_metadata(COLOURS)),
        "HUGE": mixing_model(eye, metadata=card_metadata(COLOURS, stride=10**6, size=10**7)),
        "NAN": mixing_model(np.full((3, 3), np.nan), metadata=card_metadata(COLOURS)),
    }
    for name, content in contents.items():
        if f"={name}" in text:
            (tmp_path / name).write_bytes(content)
            text = text.replace(name, str(tmp_path / name))
    with pytest.raises(GeosalError, match=says) as caught:
        opened(make_scene(patchwork((80, 80))), text)
    assert caught.value.exit_code == code
    assert "\n" not in str(caught.value)


def test_scenes_that_cannot_be_looked_at(make_scene, grid: Grid, monkeypatch):
    def code(scene: Scene, text: str = "cnn") -> int:
        with pytest.raises(GeosalError) as caught:
            opened(scene, text)
        assert "\n" not in str(caught.value)
        return caught.value.exit_code

    assert code(make_scene(patchwork((80, 80), 1))) == 4
    assert code(make_scene(patchwork((80, 80), 2))) == 4
    assert code(make_scene(patchwork((7, 80)))) == 4
    assert code(make_scene(patchwork((80, 80)), metres=100)) == 4
    assert code(make_scene(np.zeros((3, 80, 80), np.uint8), nodata=0)) == 4
    with pytest.raises(UsageError, match="only a grid"):
        open_saliency(["cnn"], grid)
    monkeypatch.setattr(room, "_MAX_CELLS", 50)
    assert code(make_scene(patchwork((80, 80)))) == 7


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_model_that_is_cut_off_is_one_line(make_scene, tmp_path, share):
    whole = (resources.files("geosal.sources.network") / "models" / "compact-eurosat.onnx").read_bytes()
    (tmp_path / "cut.onnx").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(SceneError, match=r"cut\.onnx") as caught:
        opened(make_scene(patchwork((80, 80))), f"cnn:model={tmp_path / 'cut.onnx'}")
    assert "\n" not in str(caught.value)


def test_a_card_that_is_no_text_is_one_line(make_scene, tmp_path, capfd):
    content = mixing_model(np.eye(3), metadata=card_metadata(COLOURS))
    (tmp_path / "odd.onnx").write_bytes(content.replace(b'"red"', b'"\x93ed"'))
    with pytest.raises(SceneError, match=r"odd\.onnx: is no ONNX model") as caught:
        opened(make_scene(patchwork((80, 80))), f"cnn:model={tmp_path / 'odd.onnx'}")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_it_tells_how_far_it_is(make_scene, monkeypatch, caplog):
    monkeypatch.setattr(room, "_PATIENCE", 0.0)
    scene = make_scene(patchwork((900, 700)))
    with caplog.at_level("INFO", "geosal"):
        opened(scene, "cnn")
    told = [record.getMessage() for record in caplog.records if record.name == room.__name__]
    assert "4 tiles" in told[0]
    assert [line.split()[4] for line in told[1:]] == ["1", "2", "3", "4"]
    assert all(scene.path in line for line in told)


def test_without_onnxruntime_it_tells_what_to_install(make_scene, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"pip install 'geosal\[cnn\]'"):
        opened(make_scene(patchwork((80, 80))), "cnn")


def test_onnxruntime_is_imported_when_asked_for():
    code = "import sys, geosal.sources.network.cnn; sys.exit('onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_command_writes_a_map_and_one_line_of_error(make_scene, tmp_path):
    def run(name: str) -> Result:
        words = ["saliency", "cnn", str(tmp_path / name), "--like", scene.path]
        return CliRunner().invoke(group, words, prog_name="geosal")

    scene = make_scene(patchwork((160, 160)))
    done = run("map.tif")
    assert done.exit_code == 0, done.output
    with rasterio.open(tmp_path / "map.tif") as dataset:
        assert dataset.shape == (160, 160)
        assert "cnn (sha256" in dataset.tags()["GEOSAL_SALIENCY"]
    make_scene(patchwork((160, 160), 1))
    done = run("no.tif")
    assert done.exit_code == 4
    assert not (tmp_path / "no.tif").exists()


def test_a_damaged_scene_is_a_scene_error(make_scene):
    scene = make_scene(patchwork((600, 600)), tiled=True, blockxsize=256, blockysize=256, compress="deflate")
    content = bytearray(Path(scene.path).read_bytes())
    content[len(content) // 2 :] = b"\0" * len(content[len(content) // 2 :])
    Path(scene.path).write_bytes(content)
    with pytest.raises(SceneError):
        opened(scene, "cnn")


def test_a_port_is_told_from_the_sea(shared_data: Path, tmp_path: Path):
    """Cartagena, Sentinel-2 L2A at 10 m: the old town and the open sea before it."""
    folder = shared_data / "sen2ships" / "cartagena"
    files = [folder / f"S2_L2A_cartagena_2023-07-30_{band}.tif" for band in ("B04", "B03", "B02")]
    if not all(file.is_file() for file in files):
        pytest.skip(f"no {folder}")
    bands = []
    for file in files:
        with rasterio.open(file) as dataset:
            bands.append(dataset.read(1))
            profile = dataset.profile | {"count": 3, "photometric": "RGB"}
    with rasterio.open(tmp_path / "rgb.tif", "w", **profile) as dataset:
        dataset.write(np.stack(bands))
    scene = Scene.open(tmp_path / "rgb.tif")
    values = opened(scene, "cnn").read(scene.grid.whole())
    assert values[500:750, 560:740].mean() > 0.6
    assert values[100:300, 50:200].mean() < 0.1
