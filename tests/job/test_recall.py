"""What a finished file tells of its job, taken as a wish: also by a file that somebody has changed."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasters import PLACE, save

import geosal
from geosal.errors import SceneError, UsageError
from geosal.job.recall import find_stack, recall, words_of
from geosal.sources.files import digest


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A small scene in a folder of its own, its mask in another one."""
    for name in ("in", "masks", "out"):
        (tmp_path / name).mkdir()
    pixels = np.random.default_rng(4).integers(1, 9000, (3, 64, 80)).astype(np.uint16)
    mask = np.zeros((1, 64, 80), np.uint8)
    mask[:, :30] = 255
    save(tmp_path / "masks/mask.tif", mask, **PLACE)
    return save(tmp_path / "in/scene.tif", pixels, **PLACE)


@pytest.fixture
def output(scene: Path, tmp_path: Path) -> Path:
    """Its output, with many options."""
    output = tmp_path / "out/out.tif"
    geosal.compress(
        scene, output, saliency=f"{tmp_path}/masks/mask.tif:range=0-510", bidx=[3, 1], to_byte="range:0-9000", steps=4,
        treatment="bound:error=8", profile="zstd", creation_options={"level": 3},
    )  # fmt: skip
    return output


def _retold(output: Path, **changes: Any) -> Path:
    """Change the recipe in a file; None leaves a key out."""
    with rasterio.open(output, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
        recipe = json.loads(dataset.tags()["GEOSAL_RECIPE"]) | changes
        recipe = {key: value for key, value in recipe.items() if value is not None}
        dataset.update_tags(GEOSAL_RECIPE=json.dumps(recipe))
    return output


def test_a_file_tells_its_wish(scene: Path, output: Path, tmp_path: Path) -> None:
    recalled = recall(str(output), str(scene))
    assert recalled is not None
    assert "saliency" not in recalled.wish
    assert "mask.tif (sha256 " in recalled.lacking
    assert "no such file lies beside it or the scene" in recalled.lacking
    shutil.copy(tmp_path / "masks/mask.tif", scene.parent)
    recalled = recall(str(output), str(scene))
    assert recalled is not None
    assert recalled.lacking == ""
    assert recalled.wish == {
        "saliency": [f"{scene.parent}/mask.tif:range=0-510"], "bidx": [3, 1], "to_byte": "range:0-9000", "steps": 4,
        "sigma": "opencv", "treatment": ["bound:error=8"], "profile": "zstd", "creation_options": {"LEVEL": "3"},
    }  # fmt: skip
    wish = {"bands": ["B04", "B03"], "bidx": [3, 1], "resolution": 10.0, "creation_options": {"LEVEL": "3"}}
    assert words_of(wish) == "--bands B04,B03 --bidx 3 --bidx 1 --resolution 10 --co LEVEL=3"
    assert recall(str(scene)) is None


def test_another_file_of_the_masks_name_is_not_taken(scene: Path, output: Path) -> None:
    (output.parent / "mask.tif").write_bytes(b"another")
    recalled = recall(str(output), str(scene))
    assert recalled is not None
    assert "only another file of that name lies beside it or the scene" in recalled.lacking


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("/etc/passwd", "names a folder"),
        ("../masks/mask.tif", "names a folder"),
        ("{masks}/mask.tif", "names a folder"),
        ("~/mask.tif", "names a folder"),
        ("https://host/mask.tif", "names a folder"),
        ("/vsicurl/http://host/mask.tif", "names a folder"),
        ("mask.tif/", "names a folder"),
        ("clouds:from=/etc/passwd,as=scl", "names a folder"),
        ("cnn:model=../net.onnx", "names a folder"),
        ("mask.tif:from=/etc/passwd", "names a folder"),
        ("mask.tif:from=scene.tif", "no digest of that"),
        ("..", "no such file lies"),
        ("mask.tif:where=ogr_geocode ('x') IS NULL", "a filter that does more"),
        ("mask.tif:where=a IN (SELECT 1)", "a filter that does more"),
        ('mask.tif:where="abs"(-1) = 1', "a filter that does more"),
    ],
)
def test_a_recipe_names_no_place(scene: Path, output: Path, tmp_path: Path, source: str, why: str) -> None:
    shutil.copy(tmp_path / "masks/mask.tif", scene.parent)
    told = {"source": source.format(masks=tmp_path / "masks"), "sha256": digest(str(tmp_path / "masks/mask.tif"))}
    recalled = recall(str(_retold(output, saliency=[told])), str(scene))
    assert recalled is not None
    assert "saliency" not in recalled.wish
    assert why in recalled.lacking


def test_a_filter_of_attributes_is_taken(scene: Path, output: Path, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "masks/mask.tif", scene.parent)
    source = "mask.tif:where=kind IN ('a/b', 'c') AND NOT (size < 3)"
    told = {"source": source, "sha256": digest(str(tmp_path / "masks/mask.tif"))}
    recalled = recall(str(_retold(output, saliency=[told])), str(scene))
    assert recalled is not None
    assert recalled.wish["saliency"] == [f"{scene.parent}/{source}"]


def test_sources_of_other_packages_are_not_taken(scene: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geosal.job.recall.plugin_names", lambda: ("roads",))
    recalled = recall(str(_retold(output, saliency=[{"source": "roads:of=/etc/passwd"}])), str(scene))
    assert recalled is not None
    assert "saliency" not in recalled.wish


def test_of_a_file_nobody_asks_what_packages_bring(
    scene: Path, output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their metadata take longer to read than a small output."""
    monkeypatch.setattr("geosal.job.recall.plugin_names", lambda: pytest.fail("asked"))
    shutil.copy(tmp_path / "masks/mask.tif", scene.parent)
    recalled = recall(str(output), str(scene))
    assert recalled is not None
    assert recalled.wish["saliency"] == [f"{scene.parent}/mask.tif:range=0-510"]


def test_a_job_is_repeated_on_another_input(scene: Path, output: Path, tmp_path: Path) -> None:
    other = save(tmp_path / "in/other.tif", rasterio.open(scene).read()[:, ::-1], **PLACE)
    again = tmp_path / "out/again.tif"
    with pytest.raises(UsageError, match=r"like .*out.tif: it was made with mask.tif"):
        geosal.compress(other, again, like=output)
    shutil.copy(tmp_path / "masks/mask.tif", output.parent)
    summary = geosal.compress(other, again, like=output, steps=5, creation_options={"LEVEL": "4"})
    plain = {key: summary.recipe[key] for key in ("bidx", "to_byte", "steps", "treatment", "creation_options")}
    assert plain == {
        "bidx": [3, 1], "to_byte": "range:0-9000", "steps": 5, "treatment": ["bound:error=8"],
        "creation_options": {"LEVEL": "4"},
    }  # fmt: skip
    same = tmp_path / "out/same.tif"
    geosal.compress(scene, same, like=output)
    assert same.read_bytes() == output.read_bytes()
    assert geosal.Recipe.from_mapping(
        {"input": str(scene), "output": "x.tif", "like": output, "saliency": "half"}
    ).saliency == ("half",)


def test_a_treatment_that_was_left_open_is_the_one_that_was_done(scene: Path, tmp_path: Path) -> None:
    output = tmp_path / "out/open.tif"
    geosal.compress(scene, output, saliency="half", profile="deflate")
    _retold(output, treated=["smooth", "bound:error=3"])
    wish = {"input": str(scene), "output": "x.tif", "like": output}
    open_ = geosal.Recipe.from_mapping(wish)
    assert (open_.treatment, open_.as_usual) == (None, ("smooth", "bound:error=3"))
    assert geosal.Recipe.from_mapping({**wish, "treatment": "smooth"}).treatment == ("smooth",)
    for other in ({"profile": "jpeg"}, {"target_bpp": 2}):
        elsewhere = geosal.Recipe.from_mapping({**wish, **other})
        assert (elsewhere.treatment, elsewhere.as_usual) == (None, ())


@pytest.mark.filterwarnings("ignore:.*has no georeferencing")
def test_a_job_on_a_jpeg_is_repeated_to_the_byte(tmp_path: Path) -> None:
    """Its qualities and its tables are those of the scene, and no size is looked for."""
    texture = np.random.default_rng(0).normal(128, 30, (1, 200, 240)).clip(1, 254).astype(np.uint8)
    scene, output, again = tmp_path / "in.jpg", tmp_path / "out" / "a.jpg", tmp_path / "again" / "a.jpg"
    with rasterio.open(scene, "w", driver="JPEG", quality=70, width=240, height=200, count=1, dtype="uint8") as dataset:
        dataset.write(texture)
    for path, options in ((output, {"saliency": "half"}), (again, {"like": output})):
        path.parent.mkdir()
        summary = geosal.compress(scene, path, **options)
        assert (summary.treatment, summary.search) == ("quality:low=30,high=70", None)
    assert output.read_bytes() == again.read_bytes()


@pytest.mark.parametrize("name", ["open.tif", "open.jpg", "open.jp2", "open.zstd.tif"])
def test_a_job_of_open_qualities_is_repeated_to_the_byte(scene: Path, tmp_path: Path, name: str) -> None:
    output, again = tmp_path / "out" / name, tmp_path / "in" / name
    profile = {"open.tif": "jpeg", "open.zstd.tif": "zstd"}.get(name)
    geosal.compress(scene, output, saliency="half", to_byte="range:0-9000", profile=profile)
    geosal.compress(scene, again, like=output)
    for each in output.parent.glob(f"{output.name}*"):
        assert each.read_bytes() == (again.parent / each.name).read_bytes()


def test_a_file_of_options_may_say_like_what(scene: Path, output: Path, tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text("like: out/out.tif\nsteps: 6\n")
    recipe = geosal.Recipe.from_yaml(
        tmp_path / "job.yaml", input=str(scene), output="x.tif", saliency="half", profile="lzw"
    )
    assert (recipe.steps, recipe.profile, recipe.bidx, recipe.creation_options) == (6, "lzw", (3, 1), ())


def test_what_tells_no_recipe_is_refused_where_one_is_asked_for(scene: Path, output: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"scene.tif: does not tell how it was made"):
        geosal.compress(scene, tmp_path / "x.tif", like=scene)
    with pytest.raises(SceneError, match="no such file"):
        geosal.compress(scene, tmp_path / "x.tif", like=tmp_path / "none.tif")
    with pytest.raises(UsageError, match=r"out.tif: GEOSAL_RECIPE: schema 7 is newer than 1"):
        geosal.compress(scene, tmp_path / "x.tif", like=_retold(output, schema=7))
    with pytest.raises(UsageError, match=r"out.tif: GEOSAL_RECIPE: 'drivers' is not"):
        geosal.compress(scene, tmp_path / "x.tif", like=_retold(output, schema=1, drivers=["VRT"]))
    like = _retold(output, drivers=None, to_byte="rm -rf", saliency=[{"source": "half"}])
    with pytest.raises(UsageError, match="no such rule"):
        geosal.compress(scene, tmp_path / "x.tif", like=like)


def test_further_files_of_the_scene_have_to_be_named(scene: Path, tmp_path: Path) -> None:
    (further := tmp_path / "masks/further.tif").write_bytes(scene.read_bytes())
    output = tmp_path / "out/stacked.tif"
    geosal.compress(scene, output, stack=further, saliency="half")
    with pytest.raises(UsageError, match=r"its scene had more bands in further.tif; name them: --stack"):
        geosal.compress(scene, tmp_path / "out/again.tif", like=output)
    geosal.compress(scene, tmp_path / "out/again.tif", like=output, stack=further)
    with pytest.warns(geosal.GeosalWarning, match="name them: --stack"):
        assert not all(check.ok for check in geosal.verify(output, against=scene))
    assert all(check.ok for check in geosal.verify(output, against=scene, stack=[str(further)]))


def test_further_files_of_the_scene_are_found_beside_it_and_only_there(scene: Path, tmp_path: Path) -> None:
    further = scene.with_name("further.tif")
    further.write_bytes(scene.read_bytes())
    output = tmp_path / "out/stacked.tif"
    geosal.compress(scene, output, stack=further, saliency="half")
    checks = geosal.verify(output, against=scene)
    assert checks.ok
    assert checks.as_the_file_says["stack"] == [str(further)]
    # As text: NaN equals nothing, and since Python 3.13 a dataclass with one does not either.
    assert str(geosal.compare(scene, output).rows) == str(geosal.compare(scene, output, stack=further).rows)
    merged = tmp_path / "out/merged.tif"
    geosal.compress(scene, merged, stack=further, saliency="half", profile="deflate")
    with pytest.warns(geosal.GeosalWarning, match="name them: --stack further.tif"):
        assert geosal.compare(merged, output).scores().psnr > 0  # another scene, with all the bands
    for name in ("../in/further.tif", str(further), "..", "further.tif\0"):
        assert find_stack([name], str(scene), str(output)) == ()
