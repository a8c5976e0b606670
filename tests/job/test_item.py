"""STAC items of jobs: held to the published schemas, to their files and to what the jobs did."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from products import make_landsat_l2
from rasters import PLACE, read, save
from stac_schemas import faults_of

import geosal
from geosal.errors import UsageError

WHEN = "2024-05-01T10:40:21Z"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene of 16 bits with nodata, statistics and names; a mask; pictures."""
    folder = tmp_path_factory.mktemp("items")
    pixels = np.random.default_rng(4).integers(1, 9000, (3, 64, 80)).astype(np.uint16)
    with rasterio.open(save(folder / "scene.tif", pixels, nodata=0, **PLACE), "r+") as dataset:
        dataset.descriptions = ("B04", "B03", "B02")
        dataset.scales, dataset.offsets = (1e-4,) * 3, (-0.1,) * 3
        for band in (1, 2, 3):
            dataset.update_tags(band, STATISTICS_MEAN="1", WAVELENGTH="664.6 nm")
    mask = np.zeros((1, 64, 80), np.uint8)
    mask[:, :30] = 255
    save(folder / "mask.tif", mask, **PLACE)
    save(folder / "rgb.tif", (pixels // 64).astype(np.uint8), photometric="RGB", **PLACE)
    return folder


def make(folder: Path, output: str, source: str = "scene.tif", **options: Any) -> dict[str, Any]:
    wish = {"saliency": str(folder / "mask.tif"), "stac": True, "datetime": WHEN, "overwrite": True, **options}
    summary = geosal.compress(folder / source, folder / output, **wish)
    item = json.loads((folder / f"{output}.stac.json").read_text())
    assert f"{folder / output}.stac.json" in [file["path"] for file in summary.files]
    assert faults_of(item) == []
    return dict(item)


@pytest.mark.parametrize(
    ("output", "options", "kinds"),
    [
        ("o.tif", {}, {"data": ("image/tiff; application=geotiff; profile=cloud-optimized", ["data"])}),
        (
            "o.jp2",
            {"profile": "jp2"},
            {
                "data": ("image/jp2", ["data"]),
                "aux.xml": ("application/xml", ["metadata"]),
                "msk": ("image/tiff; application=geotiff", ["data-mask"]),
            },
        ),
        (
            "o.zarr",
            {},
            {"data": ("application/vnd.zarr; version=3", ["data"]), "metadata": ("application/json", ["metadata"])},
        ),
        (
            "o.jpg",
            {"source": "rgb.tif"},
            {
                "data": ("image/jpeg", ["data", "visual"]),
                "aux.xml": ("application/xml", ["metadata"]),
                "jgw": ("text/plain", ["metadata"]),
            },
        ),
        (
            "o.png",
            {"to_byte": "percentile:2-98"},
            {
                "visual": ("image/png", ["visual"]),
                "aux.xml": ("application/xml", ["metadata"]),
                "pgw": ("text/plain", ["metadata"]),
            },
        ),
    ],
)
def test_an_item_is_valid_and_tells_all_files(
    folder: Path, output: str, options: dict[str, Any], kinds: dict[str, tuple[str, list[str]]]
) -> None:
    item = make(folder, output, **options)
    assert {key: (asset["type"], asset["roles"]) for key, asset in item["assets"].items()} == kinds
    for asset in item["assets"].values():
        path = folder / asset["href"]
        if path.is_file():
            assert asset["file:size"] == path.stat().st_size
            assert asset["file:checksum"] == f"1220{hashlib.sha256(path.read_bytes()).hexdigest()}"
        else:
            assert asset["file:size"] == sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
    assert geosal.verify(folder / output).ok
    assert "item" in [check.name for check in geosal.verify(folder / output)]


def test_an_item_tells_place_time_and_bands(folder: Path) -> None:
    item = make(folder, "o.tif", treatment="bound:error=8")
    told = item["properties"]
    assert (told["datetime"], told["geosal:datetime_by"]) == (WHEN, "user")
    assert (told["proj:code"], told["proj:shape"]) == ("EPSG:32631", [64, 80])
    assert told["proj:transform"] == [10, 0, 399960, 0, -10, 4900020]
    (data,) = item["assets"].values()
    band = data["bands"][0]
    with rasterio.open(folder / "o.tif") as dataset:
        assert band.pop("statistics")["mean"] == pytest.approx(dataset.read(1).mean())
    assert band == {
        "name": "B04", "data_type": "uint16", "nodata": 0, "raster:scale": 1e-4, "raster:offset": -0.1,
        "eo:center_wavelength": 0.6646,
    }  # fmt: skip


def test_a_crs_without_a_code_is_told_as_text(folder: Path) -> None:
    crs = "+proj=laea +lat_0=52.3 +lon_0=10.1 +datum=WGS84 +units=m"
    save(folder / "own.tif", read(folder / "rgb.tif"), crs=crs, transform=PLACE["transform"])
    told = make(folder, "o.tif", "own.tif", saliency="half")["properties"]
    assert told["proj:code"] is None
    assert rasterio.crs.CRS.from_wkt(told["proj:wkt2"]) == rasterio.crs.CRS.from_user_input(crs)


def test_the_lossy_claim_is_what_the_job_did(folder: Path) -> None:
    told = make(folder, "o.tif", treatment=["smooth", "bound:error=16"])["properties"]
    assert told["geosal:treatment"] == ["smooth", "bound:error=16"]
    assert (told["geosal:max_error"], told["geosal:max_error_from"]) == (16, "smoothed")
    digest = hashlib.sha256((folder / "mask.tif").read_bytes()).hexdigest()
    assert told["geosal:saliency"] == [{"source": "mask.tif", "sha256": digest}]
    assert told["geosal:levels"] == [
        {"level": 0, "kernel": 1, "share": 0.46875, "max_error": 0},
        {"level": 8, "kernel": 17, "share": 0.53125, "max_error": 16},
    ]
    before, after = read(folder / "scene.tif"), read(folder / "o.tif")
    assert (before == after).all(0)[:30].all()
    assert told["geosal:exact_share"] == 0.46875
    bound = make(folder, "o.tif", treatment="bound:error=8")["properties"]
    assert (bound["geosal:max_error"], bound["geosal:max_error_from"]) == (8, "source")
    assert 0 < np.abs(read(folder / "o.tif").astype(int) - before).max() <= 8
    lossy = make(folder, "o.jpg", "rgb.tif", treatment="quality:low=20,high=80")["properties"]
    assert [level["quality"] for level in lossy["geosal:levels"]] == [80, 20]
    assert (lossy["geosal:exact_share"], "geosal:max_error" in lossy) == (0, False)


def test_a_product_tells_its_sensor_and_time(tmp_path: Path) -> None:
    product = make_landsat_l2(tmp_path / "in")
    geosal.compress(product, tmp_path / "o.tif", saliency="half", stac=True, bands=["red"])
    item = json.loads((tmp_path / "o.tif.stac.json").read_text())
    assert faults_of(item) == []
    told = item["properties"]
    assert told["geosal:datetime_by"] == "ACQUIRED"
    assert (told["platform"], told["constellation"]) == ("landsat-9", "landsat")
    assert item["assets"]["data"]["bands"][0]["eo:common_name"] == "red"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"datetime": None}, "tell when it was taken"),
        ({"source": "nowhere.tif"}, "no place on the map"),
        ({"stac": False}, "datetime: is for the STAC item"),
        ({"datetime": "noon"}, "is no time"),
    ],
)
def test_what_cannot_be_told_is_refused_before_the_work(folder: Path, options: dict[str, Any], why: str) -> None:
    if not (folder / "nowhere.tif").exists():
        save(folder / "nowhere.tif", read(folder / "rgb.tif"))
    with pytest.raises(UsageError, match=why):
        make(folder, "refused.tif", **options)
    assert not list(folder.glob("refused*"))


@pytest.fixture
def made(folder: Path, tmp_path: Path) -> Iterator[Path]:
    make(folder, "o.tif")
    for path in folder.glob("o.tif*"):
        shutil.copy(path, tmp_path)
    return tmp_path / "o.tif"


def test_an_output_without_an_item_leaves_no_old_one(folder: Path, made: Path) -> None:
    geosal.compress(folder / "scene.tif", made, saliency="half", overwrite=True)
    assert not made.with_name("o.tif.stac.json").exists()


def test_no_item_appears_where_the_job_fails(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("geosal.files.publish.flush_tree", fail)
    with pytest.raises(geosal.OutputError):
        geosal.compress(folder / "scene.tif", tmp_path / "o.tif", saliency="half", stac=True, datetime=WHEN)
    assert list(tmp_path.iterdir()) == []


def _edit(made: Path, key: str, value: object) -> None:
    path = made.with_name("o.tif.stac.json")
    item = json.loads(path.read_text())
    place = item["assets"]["data"] if key in item["assets"]["data"] else item["properties"]
    place[key] = value
    path.write_text(json.dumps(item))


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("file:size", 7, "file:size of o.tif"),
        ("file:checksum", "1220" + "0" * 64, "file:checksum of o.tif"),
        ("href", "./other.tif", "has no asset o.tif"),
        ("geosal:treatment", ["smooth"], "geosal:treatment is"),
        ("geosal:saliency", [{"source": "mask.tif"}], "geosal:saliency is another"),
    ],
)
def test_verify_notices_an_item_that_does_not_fit(made: Path, key: str, value: object, fault: str) -> None:
    _edit(made, key, value)
    (check,) = (one for one in geosal.verify(made) if one.name == "item")
    assert not check.ok
    assert fault in check.detail


def test_verify_notices_a_changed_pixel_and_a_broken_item(made: Path) -> None:
    data = bytearray(made.read_bytes())
    data[-3] ^= 1
    made.write_bytes(data)
    assert "item" in [check.name for check in geosal.verify(made) if not check.ok]
    made.with_name("o.tif.stac.json").write_text('{"type": "Feature", ')
    (check,) = (one for one in geosal.verify(made) if one.name == "item")
    assert "no JSON" in check.detail
