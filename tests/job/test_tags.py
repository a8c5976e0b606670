"""What an output tells of its job: whole, the same for the same job, another for another, and nobody's folders."""

import json
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.shutil import copy
from rasters import PLACE, save

import geosal
from geosal.core.provenance import read_recipe
from geosal.job.plan import make_plan
from geosal.job.tags import recipe_of, tags_of
from geosal.scenes import describe

FORMATS = ("tif", "jp2", "zarr", "jpg", "png")
BOX = {"type": "Polygon", "coordinates": [[[1.7, 44.1], [1.75, 44.1], [1.75, 44.4], [1.7, 44.4], [1.7, 44.1]]]}
USUAL: dict[str, Any] = {"steps": 8, "sigma": "opencv", "treatment": ("smooth",), "profile": "deflate"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small scene; masks of one name and of two contents, a mask of another name, and outlines."""
    folder = tmp_path_factory.mktemp("private")
    pixels = np.random.default_rng(4).integers(1, 9000, (3, 64, 80)).astype(np.uint16)
    save(folder / "scene.tif", pixels, **PLACE)
    save(folder / "other.tif", pixels, **PLACE)
    mask = np.zeros((1, 64, 80), np.uint8)
    mask[:, :30] = 255
    for name in ("a/mask.tif", "c/other.tif"):
        (folder / name).parent.mkdir()
        save(folder / name, mask, **PLACE)
    (folder / "b").mkdir()
    save(folder / "b/mask.tif", 255 - mask, **PLACE)
    (folder / "a/box.geojson").write_text(json.dumps(BOX))
    return folder


def _wishes() -> st.SearchStrategy[dict[str, Any]]:
    """Wishes that differ only where pixels or tiles do."""
    where: list[dict[str, Any]] = [
        {"saliency": saliency, **rules}
        for saliency, rules in (
            (("half",), {}), (("perlin",), {}), (("perlin:seed=1",), {}), (("uniform:saliency=0.5",), {}),
            (("a/mask.tif",), {}), (("a/mask.tif",), {"outside": "blur"}), (("a/mask.tif:range=0-510",), {}),
            (("b/mask.tif",), {}), (("c/other.tif",), {}), (("a/box.geojson",), {}),
            (("a/box.geojson",), {"background": 0.25}), (("a/box.geojson:saliency=0.5",), {}),
            (("half", "perlin"), {}), (("half", "perlin"), {"combine": "min"}), (("half", "perlin:weight=2"),
            {"combine": "weighted"}), (("perlin", "half"), {"combine": "min"}),
        )
    ]  # fmt: skip
    how: list[dict[str, Any]] = [
        {}, {"profile": "zstd"}, {"profile": "zstd", "creation_options": (("LEVEL", "3"),)},
        {"creation_options": (("LEVEL", "3"),)}, {"sigma": "0.25*K"}, {"treatment": ("bound:error=8",)},
        {"treatment": ("bound:error=9",)}, {"treatment": ("smooth", "bound:error=8")}, {"profile": "lerc"},
        {"profile": "lerc", "target_bpp": 4.0}, {"profile": "lerc", "target_bpp": 5.0},
        {"profile": "lerc", "target_ratio": 4.0}, {"profile": "lerc", "min_psnr": ("40",)},
        {"profile": "lerc", "min_psnr": ("salient:40",)}, {"profile": "lerc", "min_ssim": ("0.9",)},
    ]  # fmt: skip
    what: list[dict[str, Any]] = [
        {}, {"bidx": (1,)}, {"bidx": (2, 1)}, {"bidx": (1, 2)}, {"to_byte": "range:0-9000"},
        {"to_byte": "percentile:2-98"}, {"input": "other.tif"},
    ]  # fmt: skip
    parts = st.tuples(*(st.sampled_from(each) for each in (where, how, what)), st.sampled_from([4, 8]))
    return parts.map(lambda each: USUAL | each[0] | each[1] | each[2] | {"steps": each[3]})


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=_wishes(), other=_wishes())
@pytest.mark.filterwarnings("ignore::geosal.GeosalWarning")
def test_jobs_have_the_same_tag_where_they_are_the_same(
    folder: Path, one: dict[str, Any], other: dict[str, Any]
) -> None:
    first, second = (_recipe(folder, wish) for wish in (one, other))
    assert (first == second) == (one == other)
    assert first.isascii()
    assert first.isprintable()
    assert "private" not in first


def _recipe(folder: Path, wish: dict[str, Any]) -> str:
    paths = {"saliency": tuple(f"{folder}/{text}" if "." in text.partition(":")[0] else text
                               for text in wish["saliency"])}  # fmt: skip
    input, output = folder / wish.get("input", "scene.tif"), folder / "out.tif"
    plan = make_plan(geosal.Recipe(**wish | paths | {"input": str(input), "output": str(output)}))
    tags = tags_of(plan, 1.0)
    assert str(folder) not in str(tags)
    return tags["GEOSAL_RECIPE"]


def test_every_option_is_told_or_changes_no_pixel(folder: Path) -> None:
    paths = {"input": str(folder / "scene.tif"), "output": "x.tif", "stack": (str(folder / "other.tif"),)}
    more = {"outside": "blur", "background": 0.5, "combine": "max", "resampling": "average", "resolution": 5.0,
            "bands": ("a",), "target_size": 9, "min_ssim": ("0.9",), "to_byte": "tci", "bidx": (1,), "target_bpp": 1.0,
            "target_ratio": 2.0, "target_jpeg": 50.0, "min_psnr": ("40",), "treatment": ("smooth",),
            "creation_options": (("LEVEL", "3"),), "profile": "zstd", "sigma": "0.3*K", "steps": 4,
            "select": ("time=1",)}  # fmt: skip
    plan = make_plan(geosal.Recipe(**paths, saliency=("half",)))
    wish = SimpleNamespace(**{field.name: field.default for field in fields(geosal.Recipe)} | paths | more)
    wish.treated = plan.recipe.treated
    told = recipe_of(replace(plan, wish=wish))
    apart = {"output", "scheduler", "workers", "block", "max_memory", "max_pixels", "overwrite", "drivers",
             "not_larger", "as_usual", "stac", "datetime", "seal", "insecure_cluster"}  # fmt: skip
    assert {field.name for field in fields(geosal.Recipe)} == apart | told.keys() - {
        "versions",
        "treated",
        "written_with",
    }
    assert told["stack"] == ["other.tif"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_keeps_it_and_is_the_same_file_twice(folder: Path, tmp_path: Path, suffix: str) -> None:
    contents, told = [], {}
    for name in ("first", "second"):
        output = tmp_path / name / f"out.{suffix}"
        output.parent.mkdir()
        summary = geosal.compress(folder / "scene.tif", output, saliency=f"{folder}/a/mask.tif", to_byte="range:0-9000")
        told = describe(output)
        assert told["recipe"] == summary.recipe | {"schema": 1}
        contents.append({path.relative_to(output.parent): path.read_bytes()
                         for path in sorted(output.parent.rglob("*")) if path.is_file()})  # fmt: skip
    assert contents[0] == contents[1]
    recipe = told["recipe"]
    assert recipe["saliency"][0]["source"] == "mask.tif"
    assert (recipe["to_byte"], recipe["input"]) == ("range:0-9000", "scene.tif")
    assert recipe["treated"][0].partition(":")[0] == ("quality" if suffix == "jpg" else "smooth")
    assert "treatment" not in recipe  # nobody named one
    assert "target_jpeg" not in recipe  # nobody asked
    assert str(folder) not in str(told["provenance"])
    assert "NUM_THREADS" not in str(recipe)
    assert not any(str(folder).encode() in content for content in contents[0].values())


def test_a_lossless_copy_keeps_it(folder: Path, tmp_path: Path) -> None:
    geosal.compress(folder / "scene.tif", tmp_path / "out.tif", saliency="half", profile="zstd")
    copy(tmp_path / "out.tif", tmp_path / "copy.tif", driver="GTiff", COMPRESS="LZW")
    with rasterio.open(tmp_path / "copy.tif") as dataset:
        assert (read_recipe(dataset.tags()) or {})["profile"] == "zstd"


@pytest.mark.filterwarnings("ignore:.*geosal made it")
def test_a_file_made_of_an_output_tells_its_own_job(folder: Path, tmp_path: Path) -> None:
    first, second, written = (tmp_path / name for name in ("first.tif", "second.tif", "written.tif"))
    geosal.compress(folder / "scene.tif", first, saliency="half", to_byte="range:0-9000")
    geosal.compress(first, second, saliency="perlin")
    recipe = describe(second)["recipe"]
    assert (recipe["input"], "to_byte" in recipe) == ("first.tif", False)
    geosal.write(geosal.open_scene(first), written)
    assert describe(written)["recipe"] is None


def test_what_a_search_has_found_is_told_beside_the_wish(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.jpg"
    wish = {"saliency": f"{folder}/a/mask.tif", "to_byte": "range:0-9000", "treatment": "quality:low=40"}
    summary = geosal.compress(folder / "scene.tif", output, target_size=4000, **wish)
    assert summary.recipe["treatment"] == ["quality:low=40"]
    assert summary.recipe["target_size"] == 4000
    assert "high=" in summary.treatment


@pytest.mark.parametrize("name", ["out.tif", "out.jp2", "out.zarr", "out.jpg", "out.png"])
def test_a_tag_that_ends_in_an_equals_sign_is_kept(tmp_path: Path, name: str) -> None:
    """As Base64 does; GDAL's JPEG 2000 driver drops it, see findings/jp2-tags-that-end-in-equals.sh."""
    source = save(tmp_path / "in.tif", np.full((1, 40, 40), 7, np.uint8), **PLACE)
    with rasterio.open(source, "r+") as dataset:
        dataset.update_tags(KEY="YWI=", OTHER="=")
        dataset.update_tags(1, BAND_KEY="YWI=")
    geosal.compress(source, tmp_path / name, saliency="half")
    assert geosal.verify(tmp_path / name, against=source).get("tags").ok
    if name != "out.zarr":  # GDAL reads no tags of a store
        with rasterio.open(tmp_path / name) as dataset:
            assert {"KEY": "YWI=", "OTHER": "="}.items() <= dataset.tags().items()
            assert dataset.tags(1)["BAND_KEY"] == "YWI="
