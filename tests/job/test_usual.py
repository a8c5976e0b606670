"""What saliency does where nobody says it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image

import geosal
from geosal.core.ladder import Ladder
from geosal.core.treatment import Bound
from geosal.errors import GeosalWarning, UsageError
from geosal.job.usual import spare_error
from geosal.scenes import open_input

SIDE = 300


def scene(path: Path, dtype: str = "uint16", **more: Any) -> Path:
    """Write a slope with a sensor's noise, in reflectances that were scaled to the range of their type."""
    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[:SIDE, :SIDE]
    pixels = 60 + 0.3 * rows + 0.2 * cols + rng.normal(0, 4, (SIDE, SIDE))
    values = pixels * {"uint8": 1, "uint16": 60, "float32": 1e-3}[dtype]
    place = {"crs": "EPSG:32631", "transform": Affine(10, 0, 4e5, 0, -10, 5e6)}
    options = {"driver": "GTiff", "compress": "DEFLATE", "predictor": 2 if dtype != "float32" else 3, **place, **more}
    with rasterio.open(path, "w", width=SIDE, height=SIDE, count=1, dtype=dtype, **options) as dataset:
        dataset.write(values.round().astype(dtype) if dtype != "float32" else values.astype(dtype), 1)
    return path


@pytest.fixture
def treatment_of(tmp_path: Path) -> Callable[..., str]:
    def plan(source: Path, name: str = "out.tif", **wish: Any) -> str:
        recipe = {"input": source, "output": tmp_path / name, "saliency": "half", **wish}
        return str(geosal.make_plan(geosal.Recipe.from_mapping(recipe)).treatment)

    return plan


@pytest.mark.parametrize(
    ("name", "wish", "usual"),
    [
        ("out.tif", {}, "smooth"),
        ("out.png", {}, "smooth"),
        ("out.tif", {"profile": "jpeg"}, "quality:low=63,high=75"),
        ("out.tif", {"profile": "jpeg", "creation_options": {"QUALITY": 90}}, "quality:low=78,high=90"),
        ("out.jp2", {"profile": "jp2"}, "quality:low=38,high=45"),
        ("out.jp2", {"profile": "jp2", "creation_options": {"QUALITY": 10}}, "smooth"),  # a rate is no quality
        ("out.jpg", {"creation_options": {"QUALITY": 80}}, "quality:low=68,high=80"),
    ],
)
def test_of_8_bits(tmp_path: Path, treatment_of: Callable[..., str], name: str, wish: Any, usual: str) -> None:
    assert treatment_of(scene(tmp_path / "in.tif", "uint8"), name, **wish) == usual


@pytest.mark.parametrize(
    ("name", "wish", "rounds"),
    [
        ("out.tif", {}, True),
        ("out.jp2", {}, True),
        ("out.zarr", {}, True),
        ("out.png", {}, True),
        ("out.tif", {"profile": "raw"}, False),
        ("out.tif", {"profile": "lerc"}, False),
        ("out.tif", {"target_bpp": 3.0}, False),  # the ladder is turned
        ("out.tif", {"treatment": "smooth"}, False),
    ],
)
def test_of_16_bits(tmp_path: Path, treatment_of: Callable[..., str], name: str, wish: Any, rounds: bool) -> None:
    source = scene(tmp_path / "in.tif")
    error = spare_error(open_input(str(source)), Ladder())
    assert error > 10
    assert treatment_of(source, name, **wish) == (f"smooth bound:error={error:g}" if rounds else "smooth")


@pytest.mark.filterwarnings("ignore:.*has no georeferencing")
def test_a_jpeg_keeps_its_own_tables(tmp_path: Path, treatment_of: Callable[..., str]) -> None:
    coarse, fine, out = tmp_path / "in.jpg", tmp_path / "fine.jpg", tmp_path / "out.jpg"
    with rasterio.open(scene(tmp_path / "in.tif", "uint8")) as dataset:
        picture = dataset.read()
    rough = np.random.default_rng(1).normal(0, 30, picture.shape)  # of fainter texture little could be given up
    picture = np.clip(picture + rough, 0, 255).astype(np.uint8)
    for path, quality in ((coarse, 60), (fine, 95)):
        place = {"width": SIDE, "height": SIDE, "count": 1, "dtype": "uint8"}
        with rasterio.open(path, "w", driver="JPEG", quality=quality, **place) as dataset:
            dataset.write(picture)
    assert treatment_of(coarse, "out.jpg") == "quality:low=20,high=60"
    assert treatment_of(coarse, profile="jpeg") == "quality:low=20,high=60"
    with pytest.warns(GeosalWarning, match="is or was a JPEG of quality 95 on the same grid"):
        assert treatment_of(fine, profile="jpeg") == "quality:low=63,high=75"
    with pytest.warns(GeosalWarning, match="JPEG of quality 60 on the same grid.*: --treatment quality:high=60"):
        assert treatment_of(coarse, "out.jpg", target_jpeg=50) != "quality:low=20,high=60"
    with pytest.warns(GeosalWarning, match="take its tables: --treatment quality:high=95"):
        assert treatment_of(fine, "out.jpg") == "quality:low=63,high=75"  # until the search
    assert treatment_of(coarse, "out.jpg", target_jpeg=50, treatment="quality:high=60").endswith("high=60")
    summary = geosal.compress(coarse, out, saliency="half")
    assert summary.input_bytes is not None
    assert summary.bytes < 0.95 * summary.input_bytes
    assert summary.search is None  # no size is looked for
    with rasterio.open(coarse) as source, rasterio.open(out) as found:
        errors = np.abs(source.read(1).astype(int) - found.read(1))
    assert errors[:, : SIDE // 2 // 8 * 8].mean() < 0.2  # what is salient comes out as it was, but for rounding
    assert errors[:, SIDE // 2 + 8 :].mean() > 0.4


@pytest.mark.filterwarnings("ignore:.*has no georeferencing")
@pytest.mark.parametrize("options", [{}, {"treatment": "quality", "creation_options": {"QUALITY": "60"}}])
def test_a_jpeg_of_whole_chroma_keeps_it(tmp_path: Path, options: dict[str, Any]) -> None:
    noise = np.random.default_rng(0).normal(128, 25, (SIDE, SIDE, 3)).clip(1, 254).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "in.jpg", quality=60, subsampling=0)
    geosal.compress(tmp_path / "in.jpg", tmp_path / "out.jpg", saliency="half", **options)
    before, after = (np.asarray(Image.open(tmp_path / name)).astype(int) for name in ("in.jpg", "out.jpg"))
    errors = np.abs(before - after)
    assert errors[:, : SIDE // 2 // 8 * 8].mean() < 0.1
    assert errors[:, SIDE // 2 + 8 :].mean() > 0.5


@pytest.mark.filterwarnings("ignore:.*has no georeferencing")
def test_a_copy_of_a_jpeg_is_known_by_its_traces(tmp_path: Path, treatment_of: Callable[..., str]) -> None:
    texture = np.random.default_rng(0).normal(128, 30, (1, SIDE, SIDE)).clip(1, 254).astype(np.uint8)
    place = {"width": SIDE, "height": SIDE, "count": 1, "dtype": "uint8"}
    with rasterio.open(tmp_path / "in.jpg", "w", driver="JPEG", quality=60, **place) as dataset:
        dataset.write(texture)
    with rasterio.open(tmp_path / "in.jpg") as dataset:
        pixels = dataset.read()
    for name, cut in (("copy.tif", 0), ("cut.tif", 3)):
        part = {**place, "height": SIDE - cut, "driver": "GTiff", "compress": "deflate"}
        with rasterio.open(tmp_path / name, "w", **part) as dataset:
            dataset.write(pixels[:, cut:])
    assert treatment_of(tmp_path / "copy.tif", "out.jpg") == "quality:low=20,high=60"
    assert treatment_of(tmp_path / "copy.tif") == "smooth"  # without loss: no word
    mend = "blocks begin at row 5, column 0, .*gdal_translate -srcwin 0 5 300 292 IN OUT"
    with pytest.warns(GeosalWarning, match=mend):
        assert treatment_of(tmp_path / "cut.tif", "out.jpg") == "quality:low=63,high=75"


def test_where_gdal_encodes_the_tiles_pixels_are_smoothed_with_a_word(
    tmp_path: Path, treatment_of: Callable[..., str]
) -> None:
    source, wish = scene(tmp_path / "in.tif", "uint8"), {"OVERVIEW_RESAMPLING": "CUBIC"}
    with pytest.warns(GeosalWarning, match="must encode its tiles.*smoothed instead"):
        assert treatment_of(source, profile="jpeg", creation_options=wish) == "smooth"


def test_tables_that_gdal_has_not_are_refused_where_it_encodes(tmp_path: Path) -> None:
    wish = {"input": str(scene(tmp_path / "in.tif", "uint8")), "output": str(tmp_path / "out.tif"), "saliency": "half"}
    wish |= {"profile": "jpeg", "treatment": "smooth"}
    options = {"OVERVIEW_RESAMPLING": "CUBIC"}
    for given in ({}, {"TABLES": "ANNEXK"}):
        plan = geosal.make_plan(geosal.Recipe.from_mapping(wish | {"creation_options": options | given}))
        assert plan.target.gdal_because is not None
    with pytest.raises(UsageError, match="TABLES=FLAT: only geosal makes them, and OVERVIEW_RESAMPLING=CUBIC is GDAL"):
        geosal.make_plan(geosal.Recipe.from_mapping(wish | {"creation_options": options | {"tables": "flat"}}))


@pytest.mark.filterwarnings("error::geosal.errors.GeosalWarning")
def test_the_same_tables_are_no_others(tmp_path: Path) -> None:
    """Of a JPEG of ours, read again, as of libjpeg's; the kind of the tables counts, not only the quality."""
    first, wish = tmp_path / "first.jpg", {"saliency": "half", "treatment": "quality:low=50,high=80"}
    geosal.compress(scene(tmp_path / "in.tif", "uint8"), first, **wish)
    geosal.compress(first, tmp_path / "second.jpg", **wish)
    with pytest.warns(GeosalWarning, match="with tables of its own"):
        geosal.compress(first, tmp_path / "third.jpg", creation_options={"TABLES": "ANNEXK"}, **wish)


def test_a_second_loss_is_told_where_something_was_lost(tmp_path: Path) -> None:
    """Not of a file whose pixels all matter."""
    source = scene(tmp_path / "in.tif", "uint8")
    lossy, exact = tmp_path / "lossy.tif", tmp_path / "exact.tif"
    geosal.compress(source, lossy, saliency="half")
    geosal.compress(source, exact, saliency="uniform:saliency=1")
    geosal.compress(exact, tmp_path / "again.tif", saliency="half")
    geosal.compress(lossy, tmp_path / "moved.tif", saliency="uniform:saliency=1")
    with pytest.warns(GeosalWarning, match=r"geosal made it \(smooth\), and a second job loses more"):
        geosal.compress(lossy, tmp_path / "twice.tif", saliency="half")


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_a_smoothed_scene_is_smaller_than_its_source_and_keeps_what_it_promises(tmp_path: Path, dtype: str) -> None:
    source, out, exact = scene(tmp_path / "in.tif", dtype), tmp_path / "out.tif", tmp_path / "exact.tif"
    summary = geosal.compress(source, out, saliency="half")
    plain = geosal.compress(source, exact, saliency="half", treatment="smooth")
    assert summary.input_bytes is not None
    assert summary.bytes < 0.75 * summary.input_bytes
    assert summary.bytes < 0.85 * plain.bytes
    with rasterio.open(out) as dataset:
        error = float(dataset.tags()["GEOSAL_TREATMENT"].partition("=")[2])
        found = dataset.read(1).astype(float)
    with rasterio.open(source) as given, rasterio.open(exact) as smoothed:
        np.testing.assert_array_equal(found[:, : SIDE // 2], given.read(1)[:, : SIDE // 2])  # saliency 1
        off = np.abs(found - smoothed.read(1))
    assert off.max() <= error * (1 + 1e-6)
    checks = {check.name: check for check in geosal.verify(out, against=source, saliency="half")}
    assert all(check.ok for check in checks.values())
    assert "no sample is off by more than its level allows" in checks["bound"].detail
    assert checks["bound"].detail.endswith("against the scene itself nothing is bounded")


def test_blocks_and_schedulers_do_not_show(tmp_path: Path) -> None:
    source, made = scene(tmp_path / "in.tif", nodata=4800), []
    for number, options in enumerate(({"block": 64}, {"block": 208, "workers": 2}, {})):
        out = tmp_path / f"{number}.tif"
        geosal.compress(source, out, saliency="perlin", **options)
        made.append(out.read_bytes())
    assert made[1:] == made[:-1]


def test_named_smooth_is_the_papers_and_no_bound(tmp_path: Path) -> None:
    source, out = scene(tmp_path / "in.tif"), tmp_path / "out.tif"
    assert geosal.compress(source, out, saliency="half", treatment="smooth").treatment == "smooth"
    lazy = geosal.smooth(geosal.open_scene(source), geosal.saliency("half", like=geosal.open_scene(source)))
    with rasterio.open(out) as dataset:
        np.testing.assert_array_equal(dataset.read(), lazy.values)


def test_what_is_usual_is_one_of_bound(tmp_path: Path, treatment_of: Callable[..., str]) -> None:
    source = scene(tmp_path / "in.tif")
    recipe = geosal.Recipe.from_mapping({"input": source, "output": tmp_path / "o.tif", "saliency": "half"})
    assert isinstance(geosal.make_plan(recipe).treatment.then, Bound)
    assert treatment_of(source, steps=3) != treatment_of(source)  # less is taken by narrower kernels
