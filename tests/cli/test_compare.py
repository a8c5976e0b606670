import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import Result

Call = Callable[..., Result]


def test_the_table_tells_each_part(made: Path, rgb_scene: Path, call: Call) -> None:
    result = call("compare", rgb_scene, made, "-s", "half")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert any(line.startswith("compared") and "data range 255 (2**8 - 1)" in line for line in lines)
    assert any(line.startswith("bits per pixel") and "smaller than the original" in line for line in lines)
    parts = {line.split("  ")[0]: line for line in lines}
    assert {"whole", "band 1", "band 2", "band 3", "salient", "background", "level 0", "level 8"} <= parts.keys()
    assert " inf " in parts["salient"]
    assert parts["level 8"].endswith("to 17 px")
    assert parts["band 1"].endswith("B04")


def test_without_a_saliency_it_takes_that_of_the_file(made: Path, rgb_scene: Path, call: Call) -> None:
    result = call("compare", rgb_scene, made)
    assert result.exit_code == 0
    assert result.stdout.startswith("read as the file says: --saliency half\n")
    assert "background" in result.stdout
    document = json.loads(call("compare", rgb_scene, made, "--json", "-").stdout)
    assert document["as_the_file_says"] == {"saliency": ["half"]}


def test_it_says_what_a_candidate_was_made_with_that_is_not_there(rgb_scene: Path, tmp_path: Path, call: Call) -> None:
    (mask := tmp_path / "masks" / "mask.tif").parent.mkdir()
    assert call("saliency", "half", mask, "--like", rgb_scene).exit_code == 0
    assert call("compress", rgb_scene, tmp_path / "out.tif", "-s", mask).exit_code == 0
    result = call("compare", rgb_scene, tmp_path / "out.tif")
    assert result.exit_code == 0
    assert "background" not in result.stdout
    told = next(line for line in result.stdout.splitlines() if line.startswith("made with"))
    assert "saliency mask.tif (sha256 " in told
    assert "no such file lies beside it or the scene; name it: --saliency PATH" in told


def test_json_and_csv(made: Path, rgb_scene: Path, tmp_path: Path, call: Call) -> None:
    table = tmp_path / "figures.csv"
    result = call("compare", rgb_scene, made, "-s", "half", "--json", "-", "--csv", table)
    document = json.loads(result.stdout)
    assert document["rows"][0]["part"] == "whole"
    assert next(row for row in document["rows"] if row["part"] == "salient")["psnr"] == "inf"
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(document["rows"]) == 5 * 4
    assert float(rows[0]["psnr"]) == document["rows"][0]["psnr"]
    assert float(rows[0]["bits_per_pixel"]) == document["bits_per_pixel"]
    again = ("compare", rgb_scene, made, "--csv", table)
    assert call(*again).exit_code == 5
    assert call(*again, "--overwrite", "--quiet").stdout == ""
    with table.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 5 * 4


def test_the_error_map(made: Path, rgb_scene: Path, tmp_path: Path, call: Call) -> None:
    errors = tmp_path / "errors.tif"
    words = ("compare", rgb_scene, made, "--error-map", errors)
    result = call(*words)
    assert result.exit_code == 0
    assert "error map" in result.stdout
    with rasterio.open(errors) as dataset, rasterio.open(rgb_scene) as first, rasterio.open(made) as second:
        sizes = np.abs(first.read().astype(int) - second.read())
        np.testing.assert_array_equal(dataset.read(1), sizes.max(axis=0))
    assert call(*words).exit_code == 5
    assert call(*words, "--overwrite").exit_code == 0


def test_the_picture(made: Path, rgb_scene: Path, tmp_path: Path, call: Call) -> None:
    picture = tmp_path / "lost.png"
    words = ("compare", rgb_scene, made, "-s", "half", "--picture", picture)
    result = call(*words, "--json", tmp_path / "figures.json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"picture         {picture}" in result.stdout
    assert json.loads((tmp_path / "figures.json").read_text())["picture"] == str(picture)
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert call(*words).exit_code == 5  # it exists
    assert call(*words, "--overwrite").exit_code == 0
    assert call("compare", rgb_scene, made, "--picture", tmp_path / "lost.tif").exit_code == 2
    assert call("compare", rgb_scene, made, "--picture", made, "--overwrite").exit_code == 2


def test_options_of_the_saliency_and_of_reading(made: Path, rgb_scene: Path, tmp_path: Path, call: Call) -> None:
    four = call("compare", rgb_scene, made, "-s", "half", "--steps", "4").stdout
    assert "level 4" in four
    assert "level 8" not in four
    one = tmp_path / "one.tif"
    assert call("compress", rgb_scene, one, "-s", "half", "--bidx", "2").exit_code == 0
    assert call("compare", rgb_scene, one, "--bidx", "2", "--bidx", "3").exit_code == 3
    assert call("compare", rgb_scene, one).stdout.startswith("read as the file says: --bidx 2 --saliency half\n")
    assert call("compare", rgb_scene, one, "--bands", "B03").exit_code == 0
    assert "data range 100 (given)" in call("compare", rgb_scene, made, "--data-range", "100").stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--background", "0.5"), 2),
        (("--data-range", "0"), 2),
        (("--saliency", "nope"), 2),
        (("--bands", ","), 2),
        (("--json", "{made}"), 2),
        (("--csv", "{made}"), 2),
        (("--csv", ""), 2),
        (("--csv", "{folder}"), 5),
        (("--csv", "{made}/figures.csv"), 5),
        (("--csv", "{folder}/missing/figures.csv"), 5),
        (("--error-map", "{made}"), 5),
        (("--error-map", "{folder}/errors.xyz"), 2),
    ],
)
def test_usage(made: Path, rgb_scene: Path, tmp_path: Path, call: Call, words: tuple[str, ...], code: int) -> None:
    content = made.read_bytes()
    filled = (word.format(made=made, folder=tmp_path) for word in words)
    result = call("compare", rgb_scene, made, *filled)
    assert result.exit_code == code, result.output
    assert result.stderr.count("\n") >= 1
    assert made.read_bytes() == content


def test_options_of_a_saliency_that_nobody_names(rgb_scene: Path, call: Call) -> None:
    result = call("compare", rgb_scene, rgb_scene, "--steps", "4")
    assert (result.exit_code, "without --saliency" in result.stderr) == (2, True)


@pytest.mark.parametrize("option", ["--csv", "--error-map"])
@pytest.mark.parametrize("name", ["mask.tif", "linked.tif"])
def test_a_mask_is_not_replaced(
    option: str, name: str, made: Path, rgb_scene: Path, tmp_path: Path, call: Call
) -> None:
    mask = tmp_path / "mask.tif"
    assert call("saliency", "half", mask, "--like", rgb_scene).exit_code == 0
    (tmp_path / "linked.tif").hardlink_to(mask)
    before = mask.read_bytes()
    result = call("compare", rgb_scene, made, "-s", f"{mask}:range=0-255", option, tmp_path / name, "--overwrite")
    assert result.exit_code in {2, 5}, result.output
    assert mask.read_bytes() == before


@pytest.mark.parametrize(
    "name", ["boxes.csv", "out.jp2.aux.xml", "out.j2w", "model.onnx", "figures.json", "errors.tif"]
)
def test_a_table_goes_over_no_file_of_the_comparison(
    name: str, made: Path, rgb_scene: Path, tmp_path: Path, call: Call
) -> None:
    place = tmp_path / name
    if not place.exists():
        place.write_bytes(b"precious")
    before = place.read_bytes()
    sources = ("-s", tmp_path / "boxes.csv", "-s", f"cnn:model={tmp_path / 'model.onnx'}")
    others = ("--json", tmp_path / "figures.json", "--error-map", tmp_path / "errors.tif")
    (tmp_path / "figures.json").write_bytes(b"{" if name != "figures.json" else before)
    result = call("compare", rgb_scene, made, *sources, *others, "--csv", place, "--overwrite")
    assert result.exit_code == 2, result.output
    assert "a file of the job itself" in result.stderr or "a part of" in result.stderr
    assert place.read_bytes() == before


def test_what_cannot_be_compared(made: Path, rgb_scene: Path, tmp_path: Path, call: Call) -> None:
    assert call("compare", rgb_scene, tmp_path / "missing.tif").exit_code == 3
    assert call("compare", tmp_path / "missing.tif", made).exit_code == 3
    moved = tmp_path / "moved.tif"
    moved.write_bytes(rgb_scene.read_bytes())
    with rasterio.open(moved, "r+") as dataset:
        dataset.transform = dataset.transform.translation(5, 5) @ dataset.transform
    result = call("compare", rgb_scene, moved)
    assert result.exit_code == 4
    assert "transform" in result.stderr
    made.write_bytes(made.read_bytes()[:-9000])
    assert call("compare", rgb_scene, made).exit_code == 3
