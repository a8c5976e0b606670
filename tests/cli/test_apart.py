"""Reports go over no file of a job, nor beside one under a name that GDAL would take for a part of it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import Result


def _far_away_mask(directory: Path) -> Path:
    path = directory / "far.tif"
    transform = rasterio.transform.from_origin(300_000, 1_000_000, 10, 10)
    with rasterio.open(
        path, "w", driver="GTiff", dtype="uint8", count=1, height=50, width=60, crs="EPSG:32645", transform=transform
    ) as dataset:
        dataset.write(np.indices((50, 60)).sum(axis=0).astype(np.uint8), 1)
    return path


@pytest.mark.parametrize(
    "words",
    [
        "compress SCENE OUT -s half -s MASK:range=0-255 --json MASK",
        "compress SCENE OUT --config RECIPE --json RECIPE",
        "compress SCENE OUT --config RECIPE --json RECIPES_MASK",
        "compress SCENE OUT -s half --json OUT",
        "plan SCENE OUT -s MASK --json MASK",
        "plan SCENE OUT --config RECIPE --json RECIPE",
        "saliency half MASK OUT --like SCENE --json MASK",
        "saliency half OUT --like SCENE --json SCENE",
        "compress SCENE OUT -s half -s clouds:from=MASK,as=fmask --json MASK",
        "saliency clouds:from=MASK,as=fmask OUT --like SCENE --json MASK",
        "saliency half OUT --like SCENE --preview PREVIEW --json PREVIEW",
        "verify SCENE --json SCENE",
        "verify OUT --against SCENE -s MASK --json MASK",
        "verify OUT --against SCENE --json SCENE",
    ],
)
def test_the_document_goes_over_no_file_of_the_job(
    words: str, rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    names = {
        "SCENE": str(rgb_scene), "OUT": str(tmp_path / "out.tif"), "RECIPE": str(tmp_path / "recipe.yaml"),
        "MASK": str(_far_away_mask(tmp_path)), "RECIPES_MASK": str(tmp_path / "mask"),
        "PREVIEW": str(tmp_path / "preview.png"),
    }  # fmt: skip
    (tmp_path / "mask").write_bytes(b"precious")
    (tmp_path / "recipe.yaml").write_text(f"saliency: [half, '{tmp_path / 'mask'}']\n")
    files = [rgb_scene, *tmp_path.iterdir()]
    before = [path.read_bytes() for path in files]
    given = [
        next((word.replace(name, path, 1) for name, path in names.items() if name in re.split("[:=,]", word)), word)
        for word in words.split()
    ]
    result = call(*given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "this is a file of the job itself" in result.stderr
    assert [path.read_bytes() for path in files] == before


@pytest.mark.parametrize(
    "words",
    [
        "compress SCENE {0}/out.jpg -s half --json {0}/out.jpg.aux.xml",
        "compress SCENE {0}/out.jpg -s half --json {0}/out.jgw",
        "compress SCENE {0}/out.jp2 -s half --json {0}/out.jp2.msk",
        "compress SCENE {0}/out.tif -s half --json {0}/OUT.TIF.OVR",
        "compress SCENE {0}/out.tif -s half --json {0}/out.tif.msk.ovr",
        "compress SCENE {0}/out.tif -s {0}/towns.shp --json {0}/towns.cpg",
        "compress {0}/link.tif {0}/out.tif -s half --json {0}/link.tif.msk",
        "compress SCENE {0}/out.tif -s {0}/far.tif --json {0}/far_rpc.txt",
        "saliency half {0}/out.tif --like SCENE --json {0}/out.tfw",
        "saliency half {0}/out.tif --like SCENE --preview {0}/map.png --json {0}/map.pgw",
        "info {0}/far.tif --json {0}/far.tif.msk",
        "verify {0}/far.tif --against SCENE --json {0}/far.aux",
        "compare SCENE {0}/far.tif --json {0}/far.tif.aux.xml",
        "compare SCENE {0}/far.tif --error-map {0}/errors.tif --json {0}/errors.tif.msk",
    ],
)
def test_the_document_becomes_no_part_of_a_raster(
    words: str, rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    _far_away_mask(tmp_path)
    (tmp_path / "link.tif").symlink_to(rgb_scene)
    before = sorted(tmp_path.iterdir())
    result = call(*words.format(tmp_path).replace("SCENE", str(rgb_scene)).split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert "GDAL would take it for a part of" in result.stderr
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["out.json", "out.tif.json", "scene.txt", "out", "out_log.json"])
def test_a_document_may_be_called_after_the_output(
    name: str, rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    result = call("compress", rgb_scene, tmp_path / "out.tif", "-s", "half", "--json", tmp_path / name)
    assert result.exit_code == 0, result.stderr
    assert json.loads((tmp_path / name).read_text())["profile"] == "deflate"
