"""What lies beside an output's name, and what the output takes over from the file it replaces."""

import stat
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

import geosal
from geosal import OutputError

pytestmark = pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")


def scene_of(path: Path, *, placed: bool) -> str:
    profile = {"driver": "GTiff", "count": 1, "height": 64, "width": 64, "dtype": "uint8"}
    place = {"crs": "EPSG:32631", "transform": from_origin(5e5, 45e5, 10, 10)} if placed else {}
    with rasterio.open(path, "w", **profile, **place) as dataset:
        dataset.write(np.random.default_rng(0).integers(0, 255, (1, 64, 64), np.uint8))
    return str(path)


@pytest.mark.parametrize("placed", [True, False])
@pytest.mark.parametrize(
    ("output", "other"), [("w.tif", "w.tfw"), ("w.tif", "w.wld"), ("w.jp2", "w.j2w"), ("w.jp2", "W.WLD")]
)
def test_a_world_file_is_refused_where_it_would_count(output: str, other: str, placed: bool, tmp_path: Path) -> None:
    scene = scene_of(tmp_path / "s.tif", placed=placed)
    (tmp_path / other).write_text("10\n0\n0\n-10\n500000\n4500000\n")
    if not placed:
        with pytest.raises(OutputError, match=f"{other} lies there"):
            geosal.compress(scene, str(tmp_path / output), saliency="half")
        return
    geosal.compress(scene, str(tmp_path / output), saliency="half")
    with rasterio.open(scene) as a, rasterio.open(tmp_path / output) as b:
        assert b.transform == a.transform


@pytest.mark.parametrize("other", ["w_RPC.TXT", "w_rpc.txt", "w.RPB", "w.IMD"])
def test_models_of_vendors_are_refused(other: str, tmp_path: Path) -> None:
    scene = scene_of(tmp_path / "s.tif", placed=True)
    (tmp_path / other).write_text("LINE_OFF: 1\n")
    with pytest.raises(OutputError, match=f"{other} lies there"):
        geosal.compress(scene, str(tmp_path / "w.tif"), saliency="half")


@pytest.mark.parametrize("output", ["o.tif", "o.jp2", "o.jpg", "o.zarr"])
def test_what_was_private_stays_so(output: str, tmp_path: Path) -> None:
    scene, path = scene_of(tmp_path / "s.tif", placed=True), tmp_path / output
    geosal.compress(scene, str(path), saliency="half")
    path.chmod(0o700 if path.is_dir() else 0o600)
    geosal.compress(scene, str(path), saliency="grid", overwrite=True)
    everything = [path, *path.rglob("*")] if path.is_dir() else list(tmp_path.glob("o.*"))
    assert len(everything) > (0 if output == "o.tif" else 1)
    assert {stat.S_IMODE(each.stat().st_mode) for each in everything} <= {0o600, 0o700}
