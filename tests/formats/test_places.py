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


TABLE = """!table
!version 300
Definition Table
  File "w.tif"
  Type "RASTER"
  (500000,4500000) (0,0) Label "1",
  (500640,4500000) (64,0) Label "2",
  (500640,4499360) (64,64) Label "3"
  CoordSys Earth Projection 8, 104, "m", 3, 0, 0.9996, 500000, 0
  Units "m"
"""


@pytest.mark.parametrize("output", ["w.tif", "w.jpg"])
def test_a_table_of_mapinfo_is_refused_where_it_would_count(output: str, tmp_path: Path) -> None:
    (tmp_path / "w.tab").write_text(TABLE)
    with pytest.raises(OutputError, match="w.tab lies there"):
        geosal.compress(scene_of(tmp_path / "s.tif", placed=False), str(tmp_path / output), saliency="half")
    scene = scene_of(tmp_path / "s.tif", placed=True)
    geosal.compress(scene, str(tmp_path / output), saliency="half")
    with rasterio.open(scene) as a, rasterio.open(tmp_path / output) as b:
        assert b.transform == a.transform
        assert b.crs == a.crs


def rpc_text(value: int = 1) -> str:
    names = [f"{name}_{what}" for what in ("OFF", "SCALE") for name in ("LINE", "SAMP", "LAT", "LONG", "HEIGHT")]
    for name in ("LINE_NUM", "LINE_DEN", "SAMP_NUM", "SAMP_DEN"):
        names += [f"{name}_COEFF_{number}" for number in range(1, 21)]
    return "".join(f"{name}: {value}\n" for name in names)


VENDOR = 'BEGIN_GROUP = IMAGE_1\n satId = "WV02";\n TLCTime = 2010-04-01T12:00:00.000000Z;\nEND_GROUP = IMAGE_1\nEND;\n'
MODELS = {
    "w_RPC.TXT": {"w_RPC.TXT": rpc_text()},
    "w_rpc.txt": {"w_rpc.txt": rpc_text()},
    "w.IMD": {"w.IMD": VENDOR},
    "w.txt with w.rpc": {"w.rpc": rpc_text(), "w.txt": "AUX", "w.eph": "AUX"},
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("output", ["w.tif", "w.jp2"])
def test_models_of_vendors_are_refused(name: str, output: str, tmp_path: Path) -> None:
    scene = scene_of(tmp_path / "s.tif", placed=True)
    for other, text in MODELS[name].items():
        (tmp_path / other).write_text(text)
    with pytest.raises(OutputError, match=f"{name} lies there"):
        geosal.compress(scene, str(tmp_path / output), saliency="half")


def test_models_of_the_scene_itself_are_none_of_another(tmp_path: Path) -> None:
    """A file of the same name but for the suffix has the same RPCs and the same metadata; another one is refused."""
    for name, other, text in (("w", "w_RPC.TXT", rpc_text()), ("v", "v.IMD", VENDOR)):
        scene = scene_of(tmp_path / f"{name}.tif", placed=True)
        (tmp_path / other).write_text(text)
        geosal.compress(scene, str(tmp_path / f"{name}.jp2"), saliency="half")
        with rasterio.open(scene) as a, rasterio.open(tmp_path / f"{name}.jp2") as b:
            assert (b.rpcs and b.rpcs.to_gdal()) == (a.rpcs and a.rpcs.to_gdal())
            assert b.tags(ns="IMD") == a.tags(ns="IMD")
            assert a.rpcs or a.tags(ns="IMD")
    for other, text in (("u_RPC.TXT", rpc_text(2)), ("t.IMD", VENDOR.replace("WV02", "WV03"))):
        (tmp_path / other).write_text(text)
        for name in ("w", "v"):
            with pytest.raises(OutputError, match=f"{other} lies there"):
                geosal.compress(str(tmp_path / f"{name}.tif"), str(tmp_path / f"{other[0]}.jp2"), saliency="half")


@pytest.mark.parametrize("other", ["w_metadata.txt", "w_RPC.TXT", "w.tab", "w.xml", "w.txt"])
def test_notes_that_tell_gdal_nothing_are_left_alone(other: str, tmp_path: Path) -> None:
    scene = scene_of(tmp_path / "s.tif", placed=False)
    (tmp_path / other).write_text("Seen on a clear day.\n")
    geosal.compress(scene, str(tmp_path / "w.tif"), saliency="half")
    assert (tmp_path / other).read_text() == "Seen on a clear day.\n"


@pytest.mark.parametrize("output", ["o.tif", "o.jp2", "o.jpg", "o.zarr"])
def test_what_was_private_stays_so(output: str, tmp_path: Path) -> None:
    scene, path = scene_of(tmp_path / "s.tif", placed=True), tmp_path / output
    geosal.compress(scene, str(path), saliency="half")
    path.chmod(0o700 if path.is_dir() else 0o600)
    geosal.compress(scene, str(path), saliency="grid", overwrite=True)
    everything = [path, *path.rglob("*")] if path.is_dir() else list(tmp_path.glob("o.*"))
    assert len(everything) > (0 if output == "o.tif" else 1)
    assert {stat.S_IMODE(each.stat().st_mode) for each in everything} <= {0o600, 0o700}
