"""A store of ours is read as the scene it was made of; any other store, and any damage, is an error of one line."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from stores import PROVENANCE, layout_of, write_store

from geosal.core.grid import Block
from geosal.core.raster import BandMetadata, RasterMetadata
from geosal.errors import SceneError, UsageError
from geosal.job.proof import verify
from geosal.scenes import Scene, describe
from geosal.scenes.zarr_store import ZarrScene, is_store, store_bytes

RNG = np.random.default_rng(5)
PIXELS = RNG.integers(0, 250, (2, 150, 130)).astype("uint16")
VALID = PIXELS[0] > 20


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "out.zarr", layout_of(PIXELS, 7, has_mask=True), PIXELS, VALID)


def test_is_what_was_written(store: Path) -> None:
    scene = ZarrScene.open_store(store)
    layout = layout_of(PIXELS, 7, has_mask=True)
    assert (scene.grid, scene.layout.nodata, scene.layout.dtype) == (layout.grid, 7, "uint16")
    assert (scene.driver, scene.block_shape, scene.layout.count, scene.overviews) == ("Zarr", (64, 64), 2, (2, 4))
    assert scene.layout.metadata.tags == {"": PROVENANCE}


@pytest.mark.parametrize("block", [Block(0, 0, 150, 130), Block(63, 1, 2, 129), Block(149, 129, 1, 1)])
def test_reads_blocks(store: Path, block: Block) -> None:
    scene = pickle.loads(pickle.dumps(ZarrScene.open_store(store)))
    inside = block.slices_in(scene.grid.whole())
    pixels, valid, mask = scene.read(block)
    np.testing.assert_array_equal(pixels, PIXELS[:, *inside])
    np.testing.assert_array_equal(mask, VALID[inside])
    np.testing.assert_array_equal(valid, (PIXELS[:, *inside] != 7) & VALID[inside])
    np.testing.assert_array_equal(scene.read_mask(block), VALID[inside])


def test_alpha_is_a_mask(tmp_path: Path) -> None:
    from rasterio.enums import ColorInterp

    bands = (BandMetadata(), BandMetadata(colorinterp=ColorInterp.alpha))
    layout = layout_of(PIXELS)
    object.__setattr__(layout, "metadata", RasterMetadata(bands=bands))
    scene = ZarrScene.open_store(write_store(tmp_path / "out.zarr", layout, PIXELS))
    _, valid, mask = scene.read(scene.grid.whole())
    np.testing.assert_array_equal(mask, PIXELS[1] > 0)
    np.testing.assert_array_equal(valid[0], PIXELS[1] > 0)
    np.testing.assert_array_equal(scene.read_mask(scene.grid.whole()), PIXELS[1] > 0)


def test_describe(store: Path) -> None:
    found = describe(str(store))
    assert (found["driver"], found["width"], found["height"], found["count"]) == ("Zarr", 130, 150, 2)
    assert (found["overviews"], found["mask"], found["tile"]) == ([2, 4], True, [64, 64])
    assert found["provenance"] == PROVENANCE
    assert (
        found["bytes"] == store_bytes(store) == sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
    )
    assert "zstd" in found["compression"]
    json.dumps(found)


def test_it_is_no_trusted_input(store: Path) -> None:
    with pytest.raises(SceneError, match="GDAL is not trusted to read"):
        Scene.open(store)


def test_what_is_no_store(store: Path) -> None:
    (store.parent / "empty.zarr").mkdir()
    with pytest.raises(SceneError, match="is no Zarr store"):
        describe(store.parent / "empty.zarr")
    (store.parent / "cut.zarr.zip").write_bytes(b"PK\3\4" + bytes(90))
    with pytest.raises(SceneError, match="cut off or damaged"):
        describe(store.parent / "cut.zarr.zip")
    with pytest.raises(UsageError, match="--select is for Zarr stores"):
        describe(store.parent / "empty.zarr", select=("time=#0",))
    with pytest.raises(SceneError, match="name the store: .*out.zarr$"):
        verify(store / "image")


def test_a_folder_in_the_place_of_a_chunk(store: Path) -> None:
    chunk = store / "image/1/2/2"
    chunk.unlink()
    chunk.mkdir()
    scene = ZarrScene.open_store(store)
    with pytest.raises(SceneError, match="image/1/2/2: is no regular file"):
        scene.read(scene.grid.whole())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"codecs": []}, "metadata is incomplete"),
        ({"shape": [10**18, 150, 130]}, "no disk holds"),
        ({"data_type": "string"}, "holds string, and a raster holds numbers"),
        ({"shape": [2, 150, 131]}, "coordinate x has 130 values for 131"),
    ],
)
def test_metadata_that_cannot_be(store: Path, change: dict[str, object], told: str) -> None:
    meta = json.loads((store / "image/zarr.json").read_text())
    (store / "image/zarr.json").write_text(json.dumps(meta | change))
    with pytest.raises(SceneError, match=told):
        describe(store)


@pytest.mark.parametrize("victim", ["image/1/2/2", "mask/0/1"])
@pytest.mark.parametrize("how", ["gone", "empty", "cut off", "noise"])
def test_a_damaged_chunk(store: Path, victim: str, how: str) -> None:
    chunk = store / victim
    content = chunk.read_bytes()
    scene = ZarrScene.open_store(store)
    if how == "gone":
        chunk.unlink()
    else:
        chunk.write_bytes({"empty": b"", "cut off": content[:-9], "noise": bytes(len(content))}[how])
    with pytest.raises(SceneError, match="cannot be read .*; the store is damaged") as caught:
        scene.read(scene.grid.whole())
    assert "\n" not in str(caught.value)
    scene.read(Block(0, 0, 20, 20))


class TestRefused:
    def test_no_store(self, tmp_path: Path) -> None:
        assert not is_store(tmp_path)
        with pytest.raises(SceneError, match="is no Zarr v3 store"):
            ZarrScene.open_store(tmp_path)

    def test_a_store_of_another_program(self, tmp_path: Path) -> None:
        xr.Dataset({"a": ("x", [1, 2])}).to_zarr(tmp_path / "other.zarr", zarr_format=3)
        with pytest.raises(SceneError, match="geosal has not written"):
            ZarrScene.open_store(tmp_path / "other.zarr")

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", '{"zarr_format": 3, "node_type": "array"}', '{"node_type": []}', "\xff"]
    )
    def test_damaged_metadata(self, store: Path, text: str) -> None:
        (store / "zarr.json").write_bytes(text.encode("latin-1"))
        with pytest.raises(SceneError) as caught:
            ZarrScene.open_store(store)
        assert "\n" not in str(caught.value)

    def test_the_array_is_gone(self, store: Path) -> None:
        shutil.rmtree(store / "image")
        with pytest.raises(SceneError, match="'image', which is not there"):
            ZarrScene.open_store(store)

    @pytest.mark.parametrize("name", ["refs.json", "store.json"])
    def test_references(self, tmp_path: Path, name: str) -> None:
        """As kerchunk makes them: a file that names byte ranges of others."""
        (tmp_path / name).write_text('{"version": 1, "refs": {"image/0/0/0": ["/etc/passwd", 0, 9]}}')
        with pytest.raises(SceneError):
            describe(str(tmp_path / name))
