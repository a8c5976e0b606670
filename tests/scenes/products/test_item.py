"""STAC Items as input: the same pixels and saliency as the product that they describe; what is no item is told."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasters import PLACE, read, save

import geosal
from geosal.errors import SceneError, UsageError
from geosal.scenes import Reading, open_input
from geosal.scenes.base import AnyScene
from geosal.scenes.products import open_product
from geosal.scenes.products.item import Item
from geosal.scenes.products.sentinel2 import BANDS

JP2 = "image/jp2"
V2 = {"rededge1": "rededge071", "rededge2": "rededge075", "rededge3": "rededge078"}


def item(folder: Path, assets: dict[str, Any], **properties: Any) -> Path:
    told = {"datetime": "2022-03-01T10:20:30Z", "platform": "sentinel-2b", **properties}
    path = folder / "item.json"
    path.write_text(
        json.dumps(
            {"type": "Feature", "stac_version": "1.1.0", "id": "S2B_1", "geometry": None, "properties": told,
             "links": [], "assets": assets}
        )
    )  # fmt: skip
    return path


def assets_of(safe: Path, style: str) -> dict[str, Any]:
    """Describe a .SAFE as catalogues do: keys are bands or common names, fields are those of STAC 1.0 or 1.1."""
    found: dict[str, Any] = {}
    for path in sorted(safe.rglob("*.jp2")):
        name, resolution = path.stem.split("_")[-2:]
        role, native = BANDS.get(name, ("", 10 if name == "TCI" else 20))
        if resolution != f"{native}m":
            continue
        asset: dict[str, Any] = {"href": f"./{path.relative_to(safe.parent)}", "type": JP2, "roles": ["data"]}
        scale, offset = 1e-4, -0.09 if name == "B04" else -0.1
        if name == "TCI":
            key, asset["roles"] = "visual", ["visual"]
            asset["bands"] = [{"name": f"TCI_{c[0].upper()}", "eo:common_name": c} for c in ("red", "green", "blue")]
        elif style == "1.1":
            key = name
            asset |= {"bands": [{"name": name, "eo:common_name": V2.get(role, role)}] if role else [{"name": name}]}
            asset |= {"raster:scale": scale, "raster:offset": offset} if role else {}
            asset |= {"nodata": 0}
            asset["proj:transform"] = [native, 0, 1, 0, -native, 1]
        else:
            key = role or name.lower()
            common = "rededge" if role.startswith("rededge") else role
            asset |= {"eo:bands": [{"name": name, "common_name": common} if role else {"name": name}]}
            asset |= {"raster:bands": [{"nodata": 0, **({"scale": scale, "offset": offset} if role else {})}]}
        found[key] = asset
    found["thumbnail"] = {"href": "./t.jpg", "type": "image/jpeg", "roles": ["thumbnail"]}
    found["metadata"] = {"href": "./m.xml", "type": "application/xml", "roles": ["metadata"]}
    return found


@pytest.fixture(scope="module", params=["1.0", "1.1"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, l2a: Path) -> tuple[str, str]:
    """A product, and an item that tells of it."""
    folder = tmp_path_factory.mktemp("item")
    safe = Path(shutil.copytree(l2a, folder / l2a.name))
    more = {"eo:cloud_cover": 12.5, "processing:level": "L2A"}
    return str(safe), str(item(folder, assets_of(safe, request.param), **more))


def same(one: AnyScene, other: AnyScene) -> None:
    ours, theirs = (scene.read(scene.grid.whole()) for scene in (one, other))
    np.testing.assert_array_equal(ours.pixels, theirs.pixels)
    np.testing.assert_array_equal(ours.valid, theirs.valid)
    assert (one.grid, one.layout.dtype, one.layout.nodata) == (other.grid, other.layout.dtype, other.layout.nodata)


@pytest.mark.parametrize(
    "reading",
    [
        Reading(bands=("rgb",)),
        Reading(bands=("nir", "rededge1"), resampling="bilinear"),
        Reading(bands=("swir16", "nir"), resolution=20, resampling="average"),
        Reading(bands=("all-20m",)),
    ],
    ids=["rgb", "to 10 m", "to 20 m", "20 m"],
)
def test_the_same_pixels_as_the_product(pair: tuple[str, str], reading: Reading) -> None:
    safe, path = (open_input(one, reading) for one in pair)
    same(path, safe)
    bands = [scene.layout.metadata.bands for scene in (path, safe)]
    for ours, theirs in zip(*bands, strict=True):
        assert (ours.role, ours.scale, ours.offset) == (
            theirs.role,
            pytest.approx(theirs.scale),
            pytest.approx(theirs.offset),
        )


def test_bands_go_by_asset_name_and_common_name(pair: tuple[str, str]) -> None:
    (path,) = pair[1:]
    first = open_input(path, Reading(bands=("red",)))
    for name in ("B04", "B4", "b04"):
        same(open_input(path, Reading(bands=(name,))), first)
    usual = open_input(path)
    assert [band.role for band in usual.layout.metadata.bands] == ["blue", "green", "red", "nir"]
    visual = open_input(path, Reading(bands=("visual",)))
    assert [band.description for band in visual.layout.metadata.bands] == ["TCI_R", "TCI_G", "TCI_B"]
    with pytest.raises(UsageError, match=r"has no band pan; it has .*\(red\).*visual, rgb"):
        open_input(path, Reading(bands=("pan",)))


def test_tags_tell_the_item(pair: tuple[str, str]) -> None:
    for bands in ("red", "rgb"):
        tags = open_input(pair[1], Reading(bands=(bands,))).layout.metadata.tags[""]
        wanted = {
            "STAC_ID": "S2B_1",
            "ACQUIRED": "2022-03-01T10:20:30Z",
            "PLATFORM": "Sentinel-2B",
            "CLOUD_COVER": "12.5",
        }
        assert wanted.items() <= tags.items()


@pytest.mark.parametrize("source", ["clouds", "detail"])
def test_the_same_saliency_as_the_product(pair: tuple[str, str], source: str) -> None:
    ours, theirs = (geosal.saliency([source], like=geosal.open_scene(one, "rgb")) for one in reversed(pair))
    np.testing.assert_array_equal(ours, theirs)


def test_a_job_on_an_item_is_verified_and_writes_one(pair: tuple[str, str], tmp_path: Path) -> None:
    output = tmp_path / "o.tif"
    geosal.compress(pair[1], output, bands="rgb", saliency="clouds", stac=True)
    checks = geosal.verify(output, against=pair[1])
    assert checks.proved, checks
    told = json.loads((tmp_path / "o.tif.stac.json").read_text())["properties"]
    assert (told["datetime"], told["platform"], told["eo:cloud_cover"]) == ("2022-03-01T10:20:30Z", "sentinel-2b", 12.5)
    again = geosal.open_scene(f"{output}.stac.json", ["red"])
    np.testing.assert_array_equal(again, read(output)[:1])
    assert geosal.scenes.describe(pair[1])["product"]["acquired"] == "2022-03-01T10:20:30Z"


@pytest.fixture
def one_file(tmp_path: Path) -> Path:
    """An item of one file with a mask inside, names and a scale of its own."""
    pixels = np.random.default_rng(3).integers(1, 900, (3, 32, 40)).astype(np.uint16)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(save(tmp_path / "a.tif", pixels, **PLACE), "r+") as dataset,
    ):
        dataset.write_mask(np.arange(40) > 5 * np.ones((32, 1)))
        dataset.descriptions = ("R", "G", "B")
        dataset.scales = (0.5,) * 3
    return item(tmp_path, {"data": {"href": "a.tif"}})


def test_a_file_that_the_item_tells_little_of_tells_itself(one_file: Path) -> None:
    scene, plain = open_input(str(one_file)), open_input(str(one_file.with_name("a.tif")))
    same(scene, plain)
    assert scene.has_mask
    assert [(band.description, band.scale) for band in scene.layout.metadata.bands] == [
        ("R", 0.5),
        ("G", 0.5),
        ("B", 0.5),
    ]
    same(open_input(str(one_file), Reading(bands=("data.3",))), plain.having("3"))
    same(scene.having("2"), plain.having("2"))
    array = geosal.open_scene(one_file)
    geosal.write(array, one_file.with_name("written.tif"))
    np.testing.assert_array_equal(read(one_file.with_name("written.tif")), read(one_file.with_name("a.tif")))


def test_masks_among_several_files_are_refused(one_file: Path) -> None:
    save(one_file.with_name("b.tif"), np.ones((1, 32, 40), np.uint16), **PLACE)
    path = item(one_file.parent, {key: {"href": f"{key}.tif"} for key in "ab"})
    with pytest.raises(SceneError, match="has a mask or alpha"):
        open_input(str(path))


def test_no_output_replaces_an_asset(one_file: Path) -> None:
    with pytest.raises(geosal.OutputError, match="is also an input"):
        geosal.compress(one_file, one_file.with_name("a.tif"), saliency="half", overwrite=True)
    geosal.compress(one_file, one_file.with_name("beside.tif"), saliency="half")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"type": ', "is no JSON that can be read"),
        ("[" * 100_000, "is no JSON that can be read"),
        ("[1]", "is no STAC item"),
        (
            '{"type": "Collection", "links": [{"rel": "item", "href": "./a/a.json"}]}',
            "Collection, .* such as ./a/a.json",
        ),
        ('{"type": "Catalog"}', "is a STAC Catalog"),
        ('{"type": "FeatureCollection", "features": [{}, {}]}', r"holds 2 items .* jq '\.features\[0\]' item\.json"),
        ('{"type": "Feature", "properties": {}}', "GeoJSON without assets"),
        (
            '{"type": "Feature", "assets": {"m": {"href": "m.xml", "type": "application/xml"}}}',
            r"has no raster .*\(m\)",
        ),
        ('{"type": "Feature", "assets": {"a": 1, "b": {"href": 2}}}', "has no raster"),
        ('{"type": "Feature", "assets": {"a": {"href": "gone.tif"}}}', "a is not there .gone.tif."),
        ('{"type": "Feature", "assets": {"a": {"href": "/vsizip/a.zip/a.tif"}}}', "no file and no URL"),
        ('{"type": "Feature", "assets": {"a": {"href": "GTIFF_DIR:1:a.tif"}}}', "no file and no URL"),
        ('{"type": "Feature", "assets": {"a": {"href": "a\\u0000.tif"}}}', "no file and no URL"),
        ('{"type": "Feature", "assets": {"a": {"href": "a\\ud800.tif"}}}', "no file and no URL"),
        ('{"type": ["Feature"], "assets": {}}', "is no STAC item"),
        ('{"type": "Feature", "assets": {"a": {"href": "ftp://host/a.tif"}}}', "geosal reads files, az, gs, http"),
        (
            '{"type": "Feature", "assets": {"a": {"href": "http://[::1/a.tif", "type": "image/tiff"}}}',
            "no file and no URL",
        ),
        (
            '{"type": "Feature", "assets": {"a": {"href": "a.tif", "bands": [' + "{}," * 10**5 + "{}]}}}",
            "100,001 bands",
        ),
        (
            json.dumps({"type": "Feature", "assets": {f"a{n}": {"href": f"a{n}.tif"} for n in range(2000)}}),
            r"a19 and 1,980 more are not there",
        ),
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_item_is_told_in_a_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "item.json"
    path.write_text(text)
    with pytest.raises(SceneError, match=why) as caught:
        open_input(str(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_assets_of_other_places_do_not_go_together(tmp_path: Path) -> None:
    pixels = np.ones((1, 32, 40), np.uint16)
    save(tmp_path / "a.tif", pixels, **PLACE)
    save(tmp_path / "b.tif", pixels, **PLACE | {"crs": "EPSG:32632"})
    save(tmp_path / "c.tif", pixels.astype(np.float32), **PLACE)
    path = item(tmp_path, {key: {"href": f"{key}.tif"} for key in "abc"})
    with pytest.raises(SceneError, match="does not lie where the other bands do"):
        open_input(str(path), Reading(bands=("a", "b")))
    with pytest.raises(UsageError, match="bands of different types"):
        open_input(str(path), Reading(bands=("a", "c")))


def test_places_elsewhere_are_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    save(tmp_path / "data/a b.tif", np.ones((1, 32, 40), np.uint16), **PLACE)
    (tmp_path / "items").mkdir()
    for href in (
        "../data/a b.tif",
        "../data/a%20b.tif",
        str(tmp_path / "data/a b.tif"),
        f"file://{tmp_path}/data/a%20b.tif",
    ):
        path = item(tmp_path / "items", {"a": {"href": href}})
        with pytest.warns(geosal.GeosalWarning, match="assets are read from .*data"):
            assert open_product(path).layout.count == 1
    remote = {"a": {"href": "https://host.example/a.tif?sig=secret", "type": "image/tiff"}}
    assert Item.read(str(item(tmp_path, remote))).elsewhere == "https://host.example"


def test_a_zarr_store_is_an_asset(tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(1, 900, (3, 64, 80)).astype(np.uint16)
    save(tmp_path / "a.tif", pixels, **PLACE)
    when = "2024-05-01/2024-05-02"
    geosal.compress(tmp_path / "a.tif", tmp_path / "a.zarr", saliency="half", stac=True, datetime=when)
    scene = open_input(str(tmp_path / "a.zarr.stac.json"))
    same(scene, open_input(str(tmp_path / "a.zarr")))
    assert scene.layout.metadata.tags[""]["ACQUIRED"] == "2024-05-01T00:00:00Z/2024-05-02T23:59:59Z"
