"""Whole jobs with inputs and outputs on an object store: the same bytes as here."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from servers import Files
from stores import layout_of, write_store

import geosal
from geosal.core.grid import Block
from geosal.core.shared_raster import close_shared_rasters
from geosal.errors import OutputError, SceneError
from geosal.files import objects
from geosal.scenes.opening import open_input

pytest.importorskip("obstore")
_NAMES = ("plain.zarr", "sharded.zarr", "foreign.zarr", "old.zarr")


@pytest.mark.parametrize("suffix", [".tif", ".jp2", ".zarr"])
def test_a_job_makes_there_what_it_makes_here(s3: str, small_scene: Path, tmp_path: Path, suffix: str) -> None:
    here = geosal.compress(small_scene, tmp_path / f"out{suffix}", saliency="half")
    there = geosal.compress(small_scene, f"{s3}/out{suffix}", saliency="half")
    assert there.bytes == here.bytes
    assert [file["path"] for file in there.files] == [f"{s3}/{Path(file['path']).name}" for file in here.files]
    for file in here.files if suffix != ".zarr" else ():
        name = Path(file["path"]).name
        assert objects.read(f"{s3}/{name}", 10**9) == Path(file["path"]).read_bytes()
    assert geosal.verify(f"{s3}/out{suffix}", against=small_scene, saliency="half").ok
    assert geosal.compare(small_scene, f"{s3}/out{suffix}", "half").scores("salient").psnr == math.inf
    objects.put(f"{s3}/small.tif", small_scene.read_bytes())
    again = geosal.compress(f"{s3}/small.tif", f"{s3}/again{suffix}", saliency="half")
    assert geosal.verify(again.output, against=f"{s3}/small.tif").ok
    with pytest.raises(OutputError, match="exists already"):
        geosal.compress(small_scene, f"{s3}/out{suffix}", saliency="half")


def test_a_folder_of_outputs_makes_no_directory_here(
    s3: str, small_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    geosal.compress_many([small_scene], f"{s3}/out", saliency="half")
    assert objects.state(f"{s3}/out/{small_scene.name}") is not None
    assert list(tmp_path.iterdir()) == []


def test_a_job_goes_on_where_its_upload_failed(
    s3: str, small_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "the connection breaks off")

    wish = {"saliency": "half", "resume": True}
    with monkeypatch.context() as patch:
        patch.setattr("geosal.files.publish.upload", fail)
        with pytest.raises(OutputError, match="breaks off"):  # and not for want of a folder of blocks
            geosal.compress(small_scene, f"{s3}/out.tif", **wish)
    there = geosal.compress(small_scene, f"{s3}/out.tif", **wish)
    assert there.resumed_blocks == there.blocks
    here = geosal.compress(small_scene, tmp_path / "out.tif", saliency="half")
    assert objects.read(there.output, 10**9) == Path(here.output).read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        geosal.compress(small_scene, f"{s3}/out.tif", **wish)


@pytest.mark.parametrize(("every", "names"), [(0, _NAMES), (3, _NAMES[:2])])
def test_a_store_on_a_server_has_the_pixels_of_one_here(
    web: Files, stores: Path, every: int, names: tuple[str, ...]
) -> None:
    shutil.copytree(stores, web.folder, dirs_exist_ok=True)
    objects.forget()
    for name in names:
        here, block = open_input(str(stores / name)), Block(10, 20, 100, 130)
        web.plan(every, "500", "drop", "cut")
        there = open_input(f"{web.url}/{name}" + ("/image" if name in {"foreign.zarr", "old.zarr"} else "") + "?sig=1")
        assert there.layout.grid == here.layout.grid
        assert np.array_equal(there.read(block).pixels, here.read(block).pixels)
        close_shared_rasters()


def test_a_store_that_was_written_anew_has_its_new_pixels(web: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "_FRESH", 0.0)  # as after half a minute
    web.plan()
    for value in (1, 2):
        pixels = np.full((1, 64, 64), value, np.uint8)
        shutil.rmtree(web.folder / "x.zarr", ignore_errors=True)
        write_store(web.folder / "x.zarr", layout_of(pixels), pixels)
        assert np.array_equal(open_input(f"{web.url}/x.zarr").read(Block(0, 0, 64, 64)).pixels, pixels)


def test_a_window_of_a_store_takes_few_requests(web: Files, stores: Path) -> None:
    shutil.copytree(stores, web.folder, dirs_exist_ok=True)
    objects.forget()
    web.plan()
    scene = open_input(f"{web.url}/plain.zarr")
    opening = len(web.requests)
    scene.read(Block(0, 0, 100, 100))
    names = [path.rpartition("/")[2] for _, path, _, _ in web.requests]
    assert names.count("zarr.json") == 2  # its state, and the root, which has the metadata of all arrays
    assert len(names) - opening <= 3  # a chunk for each band


def test_a_store_that_changes_ends_the_job(s3: str, stores: Path) -> None:
    geosal.compress(stores / "scene.tif", f"{s3}/x.zarr", saliency="half")
    scene = open_input(f"{s3}/x.zarr")
    scene.read(Block(0, 0, 10, 10))
    geosal.compress(stores / "scene.tif", f"{s3}/x.zarr", saliency="grid", overwrite=True)
    with pytest.raises(SceneError, match="has changed since it was opened"):
        scene.read(Block(0, 0, 10, 10))
    assert geosal.verify(f"{s3}/x.zarr", against=stores / "scene.tif").ok


def test_what_is_no_store_is_told_without_secrets(web: Files, stores: Path) -> None:
    shutil.copytree(stores, web.folder, dirs_exist_ok=True)
    for name, said in (("none.zarr", "is no Zarr store"), ("plain.zarr/none", "no group or array 'none'")):
        with pytest.raises(SceneError, match=said) as caught:
            open_input(f"{web.url}/{name}?sig=CANARY")
        assert "CANARY" not in str(caught.value)


@pytest.fixture(scope="module")
def stores(small_scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene and stores of it: of ours, plain and in shards; of xarray, and in Zarr v2."""
    folder = tmp_path_factory.mktemp("stores")
    shutil.copy(small_scene, folder / "scene.tif")
    geosal.compress(small_scene, folder / "plain.zarr", saliency="half")
    geosal.compress(small_scene, folder / "sharded.zarr", saliency="half", creation_options={"SHARDS": "2"})
    for name, form in (("foreign.zarr", 3), ("old.zarr", 2)):
        array = xr.DataArray(np.arange(2 * 160 * 240, dtype="u2").reshape(2, 160, 240), dims=("band", "y", "x"))
        array.chunk({"y": 64, "x": 64}).to_dataset(name="image").to_zarr(
            folder / name, zarr_format=form, consolidated=False
        )
    return folder


@pytest.mark.parametrize(
    ("name", "value"), [("ENDPOINT_URL", "nonsense"), ("ENDPOINT_URL", "http://[::1"), ("REGION", "\n")]
)
def test_an_environment_that_makes_no_sense_is_told(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    told = {"ENDPOINT_URL": "http://127.0.0.1:9", "ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x", "REGION": "us-east-1"}
    for key, each in (told | {name: value}).items():
        monkeypatch.setenv(f"AWS_{key}", each)
    with pytest.raises(OSError, match="makes no sense"):
        objects.read("s3://bucket/x", 10)
