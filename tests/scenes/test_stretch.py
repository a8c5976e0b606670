import pickle
import warnings
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from stores import layout_of, write_store

from geosal.core.grid import Block
from geosal.errors import GeosalWarning, SceneError, UsageError
from geosal.scenes import Scene
from geosal.scenes.stretch import ByteScene
from geosal.scenes.zarr_store import ZarrScene

HEIGHT, WIDTH = 70, 90


@pytest.fixture
def make_scene(tmp_path: Path) -> Callable[..., Scene]:
    """Write bands as a GeoTIFF and open it; `scaling` is scale and offset of all, `names` their descriptions."""

    def make(
        pixels: np.ndarray[Any, Any],
        *,
        name: str = "scene.tif",
        scaling: tuple[float, float] = (1.0, 0.0),
        alpha: bool = False,
        mask: np.ndarray[Any, Any] | None = None,
        tags: dict[str, str] | None = None,
        **profile: Any,
    ) -> Scene:
        count, height, width = pixels.shape
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.open(
                tmp_path / name,
                "w",
                driver="GTiff",
                count=count,
                height=height,
                width=width,
                dtype=pixels.dtype,
                crs="EPSG:32631",
                transform=from_origin(399960, 4900020, 10, 10),
                **profile,
            ) as dataset,
        ):
            if alpha:
                dataset.colorinterp = [ColorInterp.gray] * (count - 1) + [ColorInterp.alpha]
            dataset.write(pixels)
            dataset.scales, dataset.offsets = [scaling[0]] * count, [scaling[1]] * count
            dataset.update_tags(**(tags or {}))
            dataset.update_tags(1, wavelength="665")
            dataset.set_band_unit(1, "reflectance")
            if mask is not None:
                dataset.write_mask(mask)
        return Scene.open(tmp_path / name)

    return make


def _counts(seed: int = 0, high: int = 4000) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(1, high, (2, HEIGHT, WIDTH)).astype(np.uint16)


def test_percentiles_are_those_of_the_valid_samples(make_scene) -> None:
    pixels = _counts()
    pixels[:, :20] = 0
    scene = make_scene(pixels, nodata=0, scaling=(1e-4, -0.1))
    stretched = ByteScene.wrap(scene, "percentile:5-90")
    for band, curve in zip(pixels, stretched.curves, strict=True):
        expected = np.percentile(band[20:], (5, 90)) * 1e-4 - 0.1
        np.testing.assert_allclose((curve.low, curve.high), expected)
        share = np.array([np.mean(band[20:] * 1e-4 - 0.1 < limit) for limit in (curve.low, curve.high)])
        np.testing.assert_allclose(share, (0.05, 0.9), atol=0.002)
    made = stretched.read(scene.grid.whole()).pixels
    assert made.dtype == np.uint8
    assert (made[:, :20] == 0).all()
    assert made[:, 20:].min() == 1
    assert made[:, 20:].max() == 255


def test_baseline_04_offset_gives_the_bytes_of_the_older_baseline(make_scene) -> None:
    """From baseline 04.00 Sentinel-2 counts have 1000 added, and say so by an offset of -0.1."""
    old = _counts()
    new = old + np.uint16(1000)
    old[:, 5], new[:, 5] = 0, 0
    made = [
        ByteScene.wrap(make_scene(pixels, name=f"{offset}.tif", nodata=0, scaling=(1e-4, offset)), rule)
        .read(Block(0, 0, HEIGHT, WIDTH))
        .pixels.astype(int)
        for rule in ("tci:l1c", "range:0-0.3", "gamma:2.2")
        for pixels, offset in ((old, 0.0), (new, -0.1))
    ]
    for older, newer in zip(made[::2], made[1::2], strict=True):
        assert np.abs(older - newer).max() <= 1  # 1 where the last bit of a float falls on a half
        assert (older == newer).mean() > 0.99
        assert (newer[:, 5] == 0).all()


@pytest.mark.parametrize(
    ("tags", "white"),
    [
        ({"PRODUCT_URI": "S2A_MSIL1C_20180629T000241_N0206_R030_T56JMM_20180629T012042.SAFE"}, 3558),
        ({"PROCESSING_LEVEL": "Level-2A"}, 2000),
        ({"PRODUCT_TYPE": "S2MSI2A"}, 2000),
    ],
)
def test_tci_finds_the_level_of_a_product(tags: dict[str, str], white: int, make_scene) -> None:
    ramp = np.arange(1, 6301, dtype=np.uint16).reshape(1, HEIGHT, WIDTH)
    scene = make_scene(ramp, tags=tags)
    made = ByteScene.wrap(scene, "tci").read(scene.grid.whole()).pixels.ravel()
    assert made[0] == 1
    assert np.flatnonzero(made == 255)[0] + 1 == pytest.approx(white, abs=white / 254)
    assert ByteScene.wrap(scene, "tci").layout.metadata.tags[""]["GEOSAL_TO_BYTE"].startswith("tci:l")


def test_tci_of_a_real_product(shared_data: Path) -> None:
    """The bands here were made small before; so was the picture that ESA made of the large ones."""
    images = next(shared_data.glob("sentinel2_safe/*.SAFE/GRANULE/*/IMG_DATA"))
    scene = Scene.open(next(images.glob("*_B03.jp2")))
    made = ByteScene.wrap(scene, "tci").read(scene.grid.whole()).pixels[0].astype(int)
    with rasterio.open(next(images.glob("*_TCI.jp2"))) as picture:
        theirs = picture.read(2).astype(int)
    seen = (theirs > 0) & (theirs < 255)
    assert np.median(np.abs(made - theirs)[seen]) <= 2


def test_layout_tells_what_was_done(make_scene) -> None:
    scene = make_scene(_counts(), nodata=0, scaling=(1e-4, -0.1), tags={"PLATFORM": "S2A"})
    layout = ByteScene.wrap(scene, "gamma:2,0-0.3").layout
    assert (layout.dtype, layout.nodata, layout.grid) == ("uint8", 0, scene.grid)
    assert layout.metadata.tags[""]["PLATFORM"] == "S2A"
    assert layout.metadata.tags[""]["GEOSAL_TO_BYTE"].startswith("gamma:2,0-0.3; value = low + (high - low)")
    band = layout.metadata.bands[0]
    assert (band.scale, band.offset, band.unit) == (1, 0, None)
    assert band.tags[""] == {"wavelength": "665", "GEOSAL_TO_BYTE": "0 to 0.3"}


def test_the_tags_lead_back_to_values(make_scene) -> None:
    scene = make_scene(_counts(high=2999), nodata=0, scaling=(1e-4, 0.0))
    stretched = ByteScene.wrap(scene, "gamma:2,0-0.3")
    samples = stretched.read(scene.grid.whole()).pixels[0].astype(float)
    low, high = map(float, stretched.layout.metadata.bands[0].tags[""]["GEOSAL_TO_BYTE"].split(" to "))
    values = low + (high - low) * ((samples - 1) / 254) ** 2
    truth = scene.read(scene.grid.whole()).pixels[0] * 1e-4
    assert np.abs(values - truth).max() <= 0.3 * 2 * 0.5 / 254 + 1e-6


def test_mask_alpha_and_nan(make_scene) -> None:
    mask = np.full((HEIGHT, WIDTH), 255, np.uint8)
    mask[:, :7] = 0
    masked = make_scene(_counts(), name="mask.tif", mask=mask)
    samples = ByteScene.wrap(masked, "percentile").read(masked.grid.whole())
    assert (samples.pixels[:, :, :7] == 0).all()
    assert samples.pixels[:, :, 7:].min() == 1
    assert samples.mask is not None
    np.testing.assert_array_equal(samples.mask, mask > 0)
    layout = ByteScene.wrap(masked, "percentile").layout
    assert (layout.nodata, layout.has_mask) == (None, True)

    pixels = _counts()
    pixels[1] = np.arange(WIDTH) * 700
    clear = make_scene(pixels, name="alpha.tif", alpha=True)
    stretched = ByteScene.wrap(clear, "percentile")
    made = stretched.read(clear.grid.whole()).pixels
    np.testing.assert_array_equal(made[1][0], np.ceil(pixels[1][0] / 65535 * 255))
    assert (made[0, :, 0] == 0).all()
    assert stretched.layout.alpha == 1
    np.testing.assert_array_equal(stretched.read_mask(clear.grid.whole()), pixels[1] > 0)

    floats = make_scene(np.where(_counts() % 7 == 0, np.nan, _counts()).astype(np.float32), name="nan.tif")
    stretched = ByteScene.wrap(floats, "percentile")
    assert stretched.layout.nodata == 0
    made = stretched.read(floats.grid.whole()).pixels
    np.testing.assert_array_equal(made == 0, _counts() % 7 == 0)


@pytest.mark.parametrize("rule", ["percentile", "range:100-3000", "gamma:2.2,0-4000"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64"])
@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(st.integers(1, HEIGHT - 1), max_size=3).map(sorted),
    st.sets(st.integers(1, WIDTH - 1), max_size=3).map(sorted),
)
def test_any_cutting_gives_the_same_bits(make_scene, dtype, rule, rows, cols) -> None:
    high = 250 if dtype == "uint8" else 4000
    scene = make_scene(_counts(high=high).astype(dtype), nodata=7)
    stretched = ByteScene.wrap(scene, rule if dtype != "uint8" else "percentile")
    whole = stretched.read(scene.grid.whole())
    assert ((whole.pixels == 0) == ~whole.valid).all()
    for top, bottom in pairwise([0, *rows, HEIGHT]):
        for left, right in pairwise([0, *cols, WIDTH]):
            part = stretched.read(Block(top, left, bottom - top, right - left))
            np.testing.assert_array_equal(part.pixels, whole.pixels[:, top:bottom, left:right])


def test_it_pickles_and_gives_other_bands(make_scene) -> None:
    scene = make_scene(_counts(), nodata=0)
    stretched = ByteScene.wrap(scene, "percentile")
    whole = scene.grid.whole()
    again = pickle.loads(pickle.dumps(stretched))
    np.testing.assert_array_equal(again.read(whole).pixels, stretched.read(whole).pixels)
    second = stretched.having("2")
    np.testing.assert_array_equal(second.read(whole).pixels[0], stretched.read(whole).pixels[1])
    assert second.quality == scene.quality
    with pytest.raises(UsageError, match="no band B99"):
        stretched.having("B99")


def test_a_scene_that_only_looks_like_one(make_scene) -> None:
    """Products and stores are scenes by what they can do, not by their class."""

    class LookAlike:
        def __init__(self, scene: Scene) -> None:
            self.path, self.layout, self.grid, self.read = scene.path, scene.layout, scene.grid, scene.read
            self.decimate, self.driver = scene.decimate, "SAFE"

    scene = make_scene(_counts(), nodata=0)
    stretched = ByteScene.wrap(LookAlike(scene), "percentile")
    expected = ByteScene.wrap(scene, "percentile")
    assert (stretched.driver, stretched.curves) == ("SAFE", expected.curves)
    np.testing.assert_array_equal(stretched.read(scene.grid.whole()).pixels, expected.read(scene.grid.whole()).pixels)


@pytest.mark.parametrize(
    ("rule", "mend"), [("tci", "tci:l1c or tci:l2a"), ("gamma:2.2", "gamma:2.2,0-10000"), ("best", "no such rule")]
)
def test_refusals(rule: str, mend: str, make_scene) -> None:
    with pytest.raises(UsageError, match=mend):
        ByteScene.wrap(make_scene(_counts()), rule)


@pytest.mark.parametrize("value", [0, 500])
def test_a_band_of_one_value_is_told(value: int, make_scene) -> None:
    pixels = _counts()
    pixels[1] = value
    scene = make_scene(pixels, nodata=0)
    with pytest.warns(GeosalWarning, match="band 2 (holds no valid|is 500)"):
        stretched = ByteScene.wrap(scene, "percentile")
    assert (stretched.read(scene.grid.whole()).pixels[1] == (1 if value else 0)).all()


@pytest.mark.parametrize("rule", ["range:0-3000", "range:0.5-0.9", "gamma:2,0-3000"])
def test_limits_in_other_units_are_told(rule: str, make_scene) -> None:
    scene = make_scene(_counts(), scaling=(1e-4, 0.0))
    with pytest.warns(GeosalWarning, match=r"band 1 lie from 0.0001 to 0.3999 after scale 0.0001"):
        ByteScene.wrap(scene, rule)


def test_damage_is_the_scenes(make_scene) -> None:
    scene = make_scene(_counts(), compress="deflate")
    stretched = ByteScene.wrap(scene, "percentile")
    whole, broken = Path(scene.path).read_bytes(), Path(scene.path).with_name("broken.tif")
    with rasterio.open(scene.path) as dataset:
        first = int(dataset.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1))
    broken.write_bytes(whole[:first] + b"\xff" * 8 + whole[first + 8 :])
    with pytest.raises(SceneError, match="damaged"):
        replace(stretched, inner=replace(scene, path=str(broken), seen=None)).read(scene.grid.whole())


def test_a_store_in_bytes(tmp_path: Path) -> None:
    pixels = _counts()
    write_store(tmp_path / "scene.zarr", layout_of(pixels, 0), pixels, tile=128)  # without overviews
    store = ZarrScene.open_store(tmp_path / "scene.zarr")
    stretched = ByteScene.wrap(store, "percentile")
    assert (stretched.driver, stretched.layout.nodata, stretched.layout.grid) == ("Zarr", 0, store.grid)
    whole = stretched.read(store.grid.whole())
    assert set(np.unique(whole.pixels).tolist()) == set(range(1, 256))
    np.testing.assert_array_equal(
        stretched.decimate(4).pixels, whole.pixels[:, [*range(2, 70, 4), 69]][:, :, [*range(2, 90, 4), 89]]
    )


@pytest.mark.parametrize("where", ["path", "tag"])
@pytest.mark.parametrize(("baseline", "known"), [("0301", True), ("0400", False), ("0509", False)])
def test_tci_of_one_file_knows_no_offset(baseline: str, known: bool, where: str, make_scene, tmp_path: Path) -> None:
    """DN 1500 of baseline 05.09 is reflectance 0.05, not 0.15."""
    product = f"S2B_MSIL2A_20230301T102030_N{baseline}_R065_T32TNR_20230301T120000.SAFE"
    (tmp_path / product).mkdir()
    options = {"name": f"{product}/B04.tif"} if where == "path" else {"tags": {"PRODUCT_URI": product}}
    scene = make_scene(np.full((1, HEIGHT, WIDTH), 1500, np.uint16), **options)
    if known:
        assert (ByteScene.wrap(scene, "tci").read(scene.grid.whole()).pixels == 191).all()
        return
    with pytest.raises(UsageError, match=rf"baseline {baseline}.*\.SAFE") as caught:
        ByteScene.wrap(scene, "tci")
    assert "\n" not in str(caught.value)
    scaled = make_scene(np.full((1, HEIGHT, WIDTH), 1500, np.uint16), **{**options, "scaling": (1e-4, -0.1)})
    assert (ByteScene.wrap(scaled, "tci").read(scene.grid.whole()).pixels == 64).all()  # 64.5, as floats have it


def test_tci_of_a_picture_is_refused(make_scene) -> None:
    """A product's own TCI, whatever its baseline, and any other picture: its bytes are no counts."""
    for name in ("a.tif", "T32TNR_20230301T102030_TCI_10m_N0509_.tif"):
        scene = make_scene(np.full((1, HEIGHT, WIDTH), 150, np.uint8), name=name)
        with pytest.raises(UsageError, match="has 8 bits already"):
            ByteScene.wrap(scene, "tci:l2a")


@pytest.mark.parametrize("rule", ["tci:l2a", "gamma:2.2"])
def test_rules_for_reflectance_tell_of_other_units(rule: str, make_scene) -> None:
    percent = np.linspace(0, 100, HEIGHT * WIDTH, dtype=np.float32).reshape(1, HEIGHT, WIDTH)
    with pytest.warns(GeosalWarning, match="for reflectances from 0 to 1, but half of band 1 is above 50"):
        ByteScene.wrap(make_scene(percent), rule)
    bright = make_scene(percent / 70, name="b.tif")
    with warnings.catch_warnings(action="error"):
        ByteScene.wrap(bright, rule)


def test_tags_that_tell_of_counts_are_left_out(make_scene, tmp_path: Path) -> None:
    make_scene(_counts(), tags={"ADD_OFFSET": "-1000", "REFLECTANCE_MULT_BAND_4": "2e-05", "ACQ": "2026"})
    with rasterio.open(tmp_path / "scene.tif", "r+") as dataset:
        dataset.update_tags(1, REFLECTANCE_MULT="2.75e-05", REFLECTANCE_ADD="-0.2", RADIANCE_UNITS="W")
    metadata = ByteScene.wrap(Scene.open(tmp_path / "scene.tif"), "percentile").layout.metadata
    assert metadata.bands[0].tags[""].keys() == {"wavelength", "RADIANCE_UNITS", "GEOSAL_TO_BYTE"}
    assert metadata.tags[""].keys() == {"ACQ", "AREA_OR_POINT", "GEOSAL_TO_BYTE"}
