"""What is wrong with a store, each fault told by the check it belongs to."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import zarr
from click.testing import CliRunner
from stores import layout_of, store_of, write_store

from geosal.cli.main import geosal
from geosal.core.raster import BandMetadata, RasterMetadata
from geosal.errors import GeosalError, VerificationError
from geosal.job.proof import verify
from geosal.scenes import Scene
from geosal.verification import verify_structure

RNG = np.random.default_rng(8)
PIXELS = RNG.integers(1, 250, (2, 300, 280)).astype("uint16")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    layout = layout_of(PIXELS)
    path = tmp_path / "in.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=300, width=280, count=2, dtype="uint16", nodata=7,
        crs=layout.grid.rasterio_crs, transform=layout.grid.transform,
    ) as dataset:  # fmt: skip
        dataset.write(PIXELS)
        dataset.update_tags(A="1")
        dataset.update_tags(ns="OTHER", B="2")
    return path


@pytest.fixture
def store(source: Path, tmp_path: Path) -> Path:
    return store_of(tmp_path / "out.zarr", source, tile=64)


def outcome(store: Path, source: Path | None = None, **options: Any) -> dict[str, bool]:
    return {check.name: check.ok for check in verify(str(store), against=source and str(source), **options)}


def details(store: Path, source: Path | None = None) -> str:
    return "\n".join(check.detail for check in verify(str(store), against=source and str(source)) if not check.ok)


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_sound_store(store: Path, source: Path) -> None:
    names = "opens", "complete", "layout", "provenance", "georeferenced", "bands", "tags", "invalid", "salient"
    assert outcome(store, source, saliency="perlin:seed=1") == dict.fromkeys((*names, "smoothed"), True)
    assert set(outcome(store)) == {*names[:4], "scene"}


def test_pixels_that_matter_were_touched(source: Path, tmp_path: Path) -> None:
    pixels = PIXELS.copy()
    pixels[1, 20, 30] += 1
    bad = write_store(tmp_path / "bad.zarr", Scene.open(source).layout, pixels)
    grid = Scene.open(source).grid
    with rasterio.open(
        tmp_path / "all.tif", "w", driver="GTiff", height=300, width=280, count=1, dtype="uint8",
        crs=grid.rasterio_crs, transform=grid.transform,
    ) as mask:  # fmt: skip
        mask.write(np.repeat(np.uint8([255, 0]), 140)[np.newaxis, np.newaxis].repeat(300, 1))
    found = outcome(bad, source, saliency=str(tmp_path / "all.tif"))
    assert [name for name, ok in found.items() if not ok] == ["salient"]


def test_invalid_samples_were_touched(source: Path, tmp_path: Path) -> None:
    pixels = PIXELS.copy()
    row, col = np.argwhere(pixels[0] == 7)[0]
    pixels[0, row, col] = 8
    bad = write_store(tmp_path / "bad.zarr", Scene.open(source).layout, pixels)
    assert f"band 1, row {row}, column {col}" in details(bad, source)


@pytest.mark.parametrize("victim", ["image/1/4/4", "image/0/0/0", "ovr_2x/image/0/2/2", "ovr_8x/image/1/0/0"])
@pytest.mark.parametrize("gone", [True, False])
def test_a_chunk_is_damaged(store: Path, source: Path, victim: str, gone: bool) -> None:
    if gone:
        (store / victim).unlink()
    else:
        (store / victim).write_bytes((store / victim).read_bytes()[:-20])
    found = outcome(store, source)
    assert not found["complete"]
    assert "invalid" not in found, "pixels that cannot be read are not compared"
    if gone:
        assert victim in details(store)


def test_a_mask_chunk_is_damaged(tmp_path: Path) -> None:
    store = write_store(tmp_path / "out.zarr", layout_of(PIXELS, has_mask=True), PIXELS, PIXELS[0] > 9)
    assert all(outcome(store).values())
    (store / "ovr_2x" / "mask" / "0" / "1").unlink()
    assert "ovr_2x/mask" in details(store)


@pytest.mark.parametrize(
    ("path", "change", "said"),
    [
        ("image/zarr.json", lambda node: node["attributes"].update(units="m"), "consolidated metadata differ"),
        ("image/.zarray", lambda node: node.update(dtype="<i2"), ".zarray and zarr.json differ"),
        ("image/.zarray", lambda node: node.update(chunks=[1, 32, 32]), ".zarray and zarr.json differ"),
        ("image/.zarray", lambda node: node.update(fill_value=9), ".zarray and zarr.json differ"),
        ("zarr.json", lambda node: node["attributes"]["multiscales"]["layout"].pop(), "levels of"),
        (
            "zarr.json",
            lambda node: node["attributes"]["multiscales"]["layout"][1].update({"spatial:shape": [1, 1]}),
            "differ in size",
        ),
        (
            "zarr.json",
            lambda node: node["consolidated_metadata"]["metadata"].pop("x"),
            "x: not in the consolidated metadata",
        ),
        (
            "zarr.json",
            lambda node: node["consolidated_metadata"]["metadata"].pop("ovr_4x/image"),
            "not in the consolidated",
        ),
        ("zarr.json", lambda node: node["attributes"].pop("multiscales"), "cannot be read"),
        (
            "spatial_ref/zarr.json",
            lambda node: node["attributes"].update(GeoTransform="0 1 0 0 0 1"),
            "GeoTransform of",
        ),
    ],
)
def test_metadata_that_does_not_agree(
    store: Path, path: str, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    edit(store / path, change)
    assert not all(outcome(store).values())
    assert said in details(store)


def test_a_coordinate_that_was_changed(store: Path) -> None:
    zarr.open_group(store, mode="r+", zarr_format=3)["y"][3] = 0
    assert "coordinate y is not that of the transform" in details(store)


def test_other_metadata_than_the_source(store: Path, source: Path) -> None:
    def change(root: dict[str, Any]) -> None:
        known = root["attributes"]["gdal_metadata"]
        del known["tags"]["OTHER"]
        known["bands"][0]["unit"] = "K"
        root["attributes"]["spatial:transform"][5] = 4000010.0

    edit(store / "zarr.json", change)
    found = outcome(store, source)
    assert [name for name, ok in found.items() if not ok] == ["layout", "georeferenced", "bands", "tags"]


class TestStructure:
    def test_sound(self, store: Path, source: Path) -> None:
        layout = Scene.open(source).layout
        before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
        verify_structure(store, layout)
        assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before
        (store / "zarr.json").unlink()
        with pytest.raises(GeosalError):
            verify_structure(store, layout)

    def test_another_layout(self, store: Path, source: Path) -> None:
        layout = Scene.open(source).layout
        for wanted, said in (
            (replace(layout, dtype="int16"), "dtype uint16, not int16"),
            (replace(layout, nodata=None), "nodata 7.0, not None"),
            (replace(layout, has_mask=True), "the mask is lost"),
            (replace(layout, metadata=RasterMetadata(bands=(BandMetadata(),))), "2 bands, not 1"),
        ):
            with pytest.raises(VerificationError, match=f"out.tif: .*{said}"):
                verify_structure(store, wanted, "out.tif")

    def test_the_last_chunk_is_missing(self, store: Path, source: Path) -> None:
        (store / "image" / "1" / "4" / "4").unlink()
        with pytest.raises(VerificationError, match="image/1/4/4 is missing"):
            verify_structure(store, Scene.open(source).layout)

    def test_there_is_no_metadata(self, store: Path, source: Path) -> None:
        (store / "zarr.json").unlink()
        with pytest.raises(VerificationError, match="cannot be read back"):
            verify_structure(store, Scene.open(source).layout)


def test_the_commands(store: Path, source: Path) -> None:
    shown = CliRunner().invoke(geosal, ["info", str(store)])
    assert shown.exit_code == 0, shown.output
    assert "Zarr blosc" in shown.output
    checked = CliRunner().invoke(geosal, ["verify", str(store), "--against", str(source), "-s", "perlin"])
    assert checked.exit_code == 0, checked.output
    (store / "image" / "0" / "0" / "0").unlink()
    assert CliRunner().invoke(geosal, ["verify", str(store)]).exit_code == VerificationError.exit_code
