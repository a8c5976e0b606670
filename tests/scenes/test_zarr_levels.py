"""A picture of a store is made of its coarser levels where it has them, and of the whole where they do not fit."""

import json
from pathlib import Path

import numpy as np
import pytest
import zarr
from stores import layout_of, write_store

from geosal.scenes import zarr_levels
from geosal.scenes.decimate import decimate
from geosal.scenes.zarr_store import ZarrScene

PIXELS = np.random.default_rng(4).integers(1, 9000, (3, 200, 130)).astype("uint16")
PIXELS[:, :40, :40] = 7
MASK = np.random.default_rng(5).random((200, 130)) > 0.3


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arrays that pictures were made of."""
    paths: list[str] = []
    inner = zarr_levels.read_bands
    monkeypatch.setattr(
        zarr_levels, "read_bands", lambda path, *args, **kw: paths.append(path) or inner(path, *args, **kw)
    )
    return paths


@pytest.mark.parametrize("groups", [False, True])
def test_a_level_of_ours(tmp_path: Path, read: list[str], groups: bool) -> None:
    out = write_store(
        tmp_path / "a.zarr", layout_of(PIXELS, 7, has_mask=True), PIXELS, MASK, tile=32, groups=groups, shards=2
    )
    scene, level = ZarrScene.open(out), "2" if groups else "ovr_4x"
    expected, mask = (zarr.open_array(out / level / name, mode="r")[:] for name in ("image", "mask"))
    small = decimate(scene, 4)
    np.testing.assert_array_equal(small.pixels, expected)
    np.testing.assert_array_equal(small.valid, (expected != 7) & (mask > 0))
    assert set(read) == {str(out / level / name) for name in ("image", "mask")}
    np.testing.assert_array_equal(decimate(scene, 4, [2, 0]).pixels, expected[[2, 0]])
    np.testing.assert_array_equal(
        decimate(scene, 6).pixels, expected[:, _middle(200, 6) // 4][:, :, _middle(130, 6) // 4]
    )
    np.testing.assert_array_equal(decimate(scene, 1).pixels, PIXELS)


def _middle(length: int, factor: int) -> np.ndarray:
    return np.minimum(np.arange(0, length, factor) + factor // 2, length - 1)


def foreign(path: Path, coarse: str = "uint16") -> dict[str, np.ndarray]:
    """Two bands in groups of 10 m and 20 m."""
    root = zarr.open_group(path, mode="w")
    layout = [{"asset": "r10m"}, {"asset": "r20m", "derived_from": "r10m", "transform": {"scale": [2.0, 2.0]}}]
    root.attrs.update({"multiscales": {"layout": layout}, "proj:code": "EPSG:32632"})
    made = {}
    for name, band in zip(("b02", "b03"), PIXELS, strict=False):
        made[name] = band[::2, ::2] // 2
        for group, data in (("r10m", band), ("r20m", made[name].astype(coarse))):
            root.create_array(f"{group}/{name}", data=data, dimension_names=("y", "x"))
    return made


def test_a_level_of_others(tmp_path: Path, read: list[str]) -> None:
    made = foreign(tmp_path / "b.zarr")
    for path in ("b.zarr", "b.zarr/r10m"):
        np.testing.assert_array_equal(decimate(ZarrScene.open(tmp_path / path), 2).pixels, [made["b02"], made["b03"]])
    assert {Path(path).parent.name for path in read} == {"r20m"}
    assert decimate(ZarrScene.open(tmp_path / "b.zarr/r20m"), 2).pixels.shape == (2, 50, 33)


@pytest.mark.parametrize("how", ["type", "gone", "layout"])
def test_levels_that_do_not_fit_are_left_alone(tmp_path: Path, read: list[str], how: str) -> None:
    foreign(tmp_path / "b.zarr", "int32" if how == "type" else "uint16")
    place = tmp_path / "b.zarr" / ("r20m/b03/zarr.json" if how == "gone" else "zarr.json")
    if how == "gone":
        place.unlink()
    if how == "layout":
        meta = json.loads(place.read_text())
        meta["attributes"]["multiscales"]["layout"][1:] = [7, {"asset": 3}, {"asset": "../r10m"}, {}]
        place.write_text(json.dumps(meta))
    small = decimate(ZarrScene.open(tmp_path / "b.zarr/r10m"), 2)
    np.testing.assert_array_equal(small.pixels, PIXELS[:2, _middle(200, 2)][:, :, _middle(130, 2)])
    assert not read
