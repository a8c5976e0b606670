"""Sentinel-2 in EOPF Zarr is the same scene as in .SAFE: bands, pixels, scales, tags, and where clouds are."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
import zarr
from eopf import make_eopf

import geosal
from geosal.errors import SceneError, UsageError
from geosal.scenes import Reading, describe, open_input
from geosal.scenes.products import is_product, open_product
from geosal.sources import open_saliency
from geosal.sources.text import SourceText


@pytest.fixture(scope="module", params=[2, 3])
def pair(request: pytest.FixtureRequest, l2a: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """One Level-2A product as .SAFE and in EOPF Zarr, of Zarr 2 and 3."""
    made = make_eopf(tmp_path_factory.mktemp("eopf") / "S2B_MSIL2A.zarr", l2a, version=request.param)
    return str(l2a), str(made)


@pytest.fixture(scope="module")
def pair_l1c(l1c: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("eopf")
    safe = Path(shutil.copytree(l1c, folder / l1c.name))
    flags = np.random.default_rng(4).integers(0, 2, (3, 20, 20)).astype(np.uint8)

    with rasterio.open(next(safe.rglob("MSK_CLASSI_B00.jp2"))) as old:
        profile = {key: old.profile[key] for key in ("driver", "height", "width", "count", "dtype", "crs", "transform")}
    options = {"QUALITY": "100", "REVERSIBLE": "YES"}
    with rasterio.open(next(safe.rglob("MSK_CLASSI_B00.jp2")), "w", **profile, **options) as new:
        new.write(flags)
    return str(safe), str(make_eopf(folder / "S2B_MSIL1C.zarr", safe))


@pytest.mark.parametrize(
    "reading",
    [
        Reading(bands=("rgb",)),
        Reading(bands=("B04", "B11"), resampling="bilinear"),
        Reading(bands=("all-20m",)),
        Reading(bands=("B02", "B01"), resolution=20, resampling="average"),
        Reading(bands=("tci",)),
        Reading(bands=("AOT", "wvp")),
        Reading(bands=("rgb",), to_byte="range:0-0.3"),
        Reading(),
    ],
    ids=lambda reading: ",".join(reading.bands) or "usual",
)
def test_the_same_pixels_as_safe(pair: tuple[str, str], reading: Reading) -> None:
    ours, theirs = (open_input(path, reading) for path in pair)
    one, two = (scene.read(scene.grid.whole()) for scene in (ours, theirs))
    np.testing.assert_array_equal(one.pixels, two.pixels)
    np.testing.assert_array_equal(one.valid, two.valid)
    assert (ours.grid, ours.layout.dtype, ours.layout.nodata) == (
        theirs.grid,
        theirs.layout.dtype,
        theirs.layout.nodata,
    )
    for a, b in zip(ours.layout.metadata.bands, theirs.layout.metadata.bands, strict=True):
        assert (a.description, a.role, a.unit, a.colorinterp) == (b.description, b.role, b.unit, b.colorinterp)
        assert (a.scale, a.offset) == pytest.approx((b.scale, b.offset), rel=1e-15)
        assert a.tags == b.tags


def test_the_same_pixels_as_safe_of_level_1c(pair_l1c: tuple[str, str]) -> None:
    ours, theirs = (open_input(path, Reading(bands=("all",), resolution=60)) for path in pair_l1c)
    assert [band.description for band in theirs.layout.metadata.bands] == list(ours.chosen)
    one, two = (scene.read(scene.grid.whole()).pixels for scene in (ours, theirs))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("source", ["clouds", "shadow", "snow", "water:dilate=30m", "clouds:confidence=low"])
def test_the_same_saliency_as_safe(pair: tuple[str, str], source: str) -> None:
    _same_saliency(pair, source)


@pytest.mark.parametrize("source", ["clouds", "clouds:confidence=high", "snow"])
def test_the_same_saliency_as_safe_of_level_1c(pair_l1c: tuple[str, str], source: str) -> None:
    _same_saliency(pair_l1c, source)


def _same_saliency(pair: tuple[str, str], source: str) -> None:
    maps = []
    for path in pair:
        scene = open_input(path, Reading(bands=("rgb",)))
        maps.append(
            open_saliency((SourceText.parse(source),), scene.grid, scene=scene.original).read(scene.grid.whole())
        )
    np.testing.assert_array_equal(*maps)
    assert 0 < maps[0].mean() < 1


def test_probabilities_are_sources(tmp_path: Path, l2a: Path) -> None:
    made = make_eopf(tmp_path / "p.zarr", l2a)

    percent = np.random.default_rng(2).integers(0, 101, (60, 60)).astype(np.uint8)
    root = zarr.open_group(made, mode="a")
    for name in ("cld", "snw"):
        root.create_array(f"quality/probability/r20m/{name}", data=percent, attributes={
            "_ARRAY_DIMENSIONS": ["y", "x"], "proj:epsg": 32632, "proj:shape": [60, 60],
            "proj:transform": [20.0, 0, 6e5, 0, -20.0, 5000040.0],
        })  # fmt: skip
    scene = open_input(str(made), Reading(bands=("B05",)))
    for source, least in (
        ("clouds:as=cld", 50),
        ("clouds:as=cld,confidence=high", 80),
        ("snow:as=snw,confidence=low", 20),
    ):
        found = open_saliency((SourceText.parse(source),), scene.grid, scene=scene.original).read(scene.grid.whole())
        np.testing.assert_array_equal(found == 0, percent >= least)


def test_tags_are_those_of_safe(pair: tuple[str, str]) -> None:
    ours, theirs = (open_product(path).layout.metadata.tags[""] for path in pair)
    assert dict(theirs) == {key: value for key, value in ours.items() if key != "TILE_ID"}


def test_a_wavelength_of_the_item_is_in_micrometres(tmp_path: Path, l2a: Path) -> None:
    made = make_eopf(tmp_path / "p.zarr", l2a, version=3)
    meta = json.loads((made / "zarr.json").read_text())
    del meta["attributes"]["other_metadata"]
    (made / "zarr.json").write_text(json.dumps(meta))
    layout = open_product(str(made), ("B04",)).layout
    assert layout.metadata.bands[0].tags[""]["WAVELENGTH"] == "665 nm"
    assert layout.metadata.tags[""]["ACQUIRED"] == "2022-03-01T10:20:30.024000Z"


def test_a_description(pair: tuple[str, str]) -> None:
    found = describe(pair[1])
    assert [band["name"] for band in found["product"]["bands"]][:4] == ["B01", "B02", "B03", "B04"]
    assert {"kind": "scl", "path": f"{pair[1]}/conditions/mask/l2a_classification/r20m/scl"} in found["product"][
        "quality"
    ]
    json.dumps(found)


def test_a_group_of_it_is_a_plain_store(pair: tuple[str, str]) -> None:
    path = f"{pair[1]}/measurements/reflectance/r20m"
    assert is_product(pair[1])
    assert not is_product(path)
    scene = open_input(path, Reading(bands=("b05", "b11")))
    assert [round(band.offset, 6) for band in scene.layout.metadata.bands] == [-0.1, -0.1]


def test_a_job_on_it_is_verified(pair: tuple[str, str], tmp_path: Path) -> None:
    outputs = [str(tmp_path / f"{number}.tif") for number in (0, 1)]
    for path, output in zip(pair, outputs, strict=True):
        geosal.compress(path, output, saliency="clouds:dilate=30m", bands="rgb")
        assert all(check.ok for check in geosal.verify(output, against=path))
    one, two = (rasterio.open(output) for output in outputs)
    with one, two:
        np.testing.assert_array_equal(one.read(), two.read())
        assert two.offsets == one.offsets
    geosal.compress(pair[1], str(tmp_path / "like.tif"), like=outputs[1])
    assert all(check.ok for check in geosal.verify(str(tmp_path / "like.tif"), against=pair[1]))


def test_a_zip(pair: tuple[str, str], tmp_path: Path) -> None:
    path = tmp_path / "S2B.zarr.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as bundle:
        for file in sorted(Path(pair[1]).rglob("*")):
            bundle.write(file, str(file.relative_to(pair[1])))
    one, two = (open_input(each, Reading(bands=("rgb", "B05"))) for each in (pair[1], str(path)))
    np.testing.assert_array_equal(one.read(one.grid.whole()).pixels, two.read(two.grid.whole()).pixels)
    found = open_saliency((SourceText.parse("clouds"),), two.grid, scene=two.original)
    assert 0 < found.read(two.grid.whole()).mean() < 1


class TestRefused:
    def test_bands_that_are_not_there(self, pair: tuple[str, str]) -> None:
        with pytest.raises(UsageError, match="has no band B99"):
            open_product(pair[1], ("B99",))
        with pytest.raises(UsageError, match="--bands instead of --bidx"):
            open_input(pair[1], Reading(bidx=(1,)))
        with pytest.raises(UsageError, match="SCL holds classes"):
            open_product(pair[1], ("SCL",))

    def test_a_link_out_of_the_store(self, l2a: Path, tmp_path: Path) -> None:
        made = make_eopf(tmp_path / "own.zarr", l2a)
        chunk = made / "measurements/reflectance/r10m/b04/0.0"
        chunk.rename(tmp_path / "elsewhere")
        chunk.symlink_to(tmp_path / "elsewhere")
        scene = open_product(str(made), ("B04",))
        with pytest.raises(SceneError, match="leads out of the store"):
            scene.read(scene.grid.whole())

    def test_a_store_without_bands(self, l2a: Path, tmp_path: Path) -> None:
        made = make_eopf(tmp_path / "own.zarr", l2a)
        for group in ("r10m", "r20m", "r60m"):
            shutil.rmtree(made / "measurements/reflectance" / group)
        with pytest.raises(SceneError, match="holds no bands in measurements/reflectance"):
            open_product(str(made))
