import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from click.testing import Result


def test_info_of_a_source_and_of_what_was_made_of_it(
    rgb_scene: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    out = tmp_path / "out.tif"
    assert call("compress", rgb_scene, out, "-s", "half").exit_code == 0
    source, made = call("info", rgb_scene), call("info", out)
    assert (source.exit_code, made.exit_code) == (0, 0)
    assert "GEOSAL_" not in source.stdout
    for text in ("780 x 520 px, 3 bands of uint8", "EPSG:32631", "B04 (red), B03 (green), B02 (blue)", "PROVENANCE"):
        assert text in source.stdout
        assert text in made.stdout
    assert "GEOSAL_LADDER" in made.stdout
    assert "steps=8 sigma=opencv" in made.stdout


def test_info_as_json(rgb_scene: Path, float32_scene: Path, call: Callable[..., Result]) -> None:
    document = json.loads(call("info", rgb_scene, "--json", "-").stdout)
    assert (document["width"], document["height"], document["crs"]) == (780, 520, "EPSG:32631")
    document = json.loads(call("info", float32_scene, "--json", "-").stdout, parse_constant=pytest.fail)
    assert document["nodata"] == "nan"


@pytest.mark.parametrize(
    ("crs", "transform", "told"),
    [
        ("EPSG:32631", Affine(8, 6, 5e5, 6, -8, 4e6), "10 x 10 m"),
        ("EPSG:4326", Affine(0.25, 0, 5, 0, -0.5, 50), "0.25 x 0.5 degrees"),
        ("EPSG:2263", Affine(2, 0, 0, 0, -2, 0), "2 x 2 US survey foot"),
        ('LOCAL_CS["here",UNIT["metre",1]]', Affine(3, 0, 0, 0, -3, 9), "of unknown size"),
        (None, Affine(2, 0, 0, 0, -2, 0), "of unknown size"),
    ],
)
def test_the_size_of_a_pixel(
    crs: str | None, transform: Affine, told: str, tmp_path: Path, call: Callable[..., Result]
) -> None:
    layout = {"width": 8, "height": 8, "count": 1, "dtype": "uint8"}
    with rasterio.open(tmp_path / "a.tif", "w", "GTiff", crs=crs, transform=transform, **layout) as dataset:
        dataset.write(np.ones((1, 8, 8), np.uint8))
    line = next(line for line in call("info", tmp_path / "a.tif").stdout.splitlines() if line.startswith("pixel "))
    assert line.partition(" ")[2].strip() == told


def test_info_refuses(tmp_path: Path, call: Callable[..., Result]) -> None:
    result = call("info", tmp_path / "missing.tif")
    assert result.exit_code == 3
    assert "no such file" in result.stderr
    (tmp_path / "a.tif").write_text('<VRTDataset rasterXSize="1" rasterYSize="1"/>')
    result = call("info", tmp_path / "a.tif")
    assert result.exit_code == 3
    assert "--allow-driver VRT" in result.stderr


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """Bands of Landsat 9, one of them listed and not there, and a quality band."""
    name = "LC09_L2SP_008059_20221201_20221225_02_T1"
    folder = tmp_path / name
    folder.mkdir()
    for end in ("SR_B3", "SR_B4", "QA_PIXEL"):
        with rasterio.open(
            folder / f"{name}_{end}.TIF", "w", driver="GTiff", count=1, height=40, width=50, dtype="uint16",
            crs="EPSG:32632", transform=rasterio.transform.from_origin(6e5, 5e6, 30, 30),
        ) as dataset:  # fmt: skip
            dataset.write(np.full((1, 40, 50), 8000, np.uint16))
    groups = {
        "PRODUCT_CONTENTS": {f"FILE_NAME_BAND_{n}": f"{name}_SR_B{n}.TIF" for n in (3, 4, 5)},
        "IMAGE_ATTRIBUTES": {"SPACECRAFT_ID": "LANDSAT_9", "SENSOR_ID": "OLI_TIRS"},
    }
    (folder / f"{name}_MTL.json").write_text(json.dumps({"LANDSAT_METADATA_FILE": groups}))
    return folder


def test_info_of_a_product_that_is_copied_in_part(product: Path, call: Callable[..., Result]) -> None:
    for path in (product, product / f"{product.name}_MTL.json"):
        result = call("info", path)
        assert (result.exit_code, result.stderr) == (0, "")
        assert "product      Landsat-9\nhas  " in result.stdout
        for text in ("2 bands of uint16", "B3 (green 30 m), B4 (red 30 m)", "not there    B5", "qa_pixel"):
            assert text in result.stdout
        document = json.loads(call("info", path, "--json", "-").stdout)
        assert document["product"]["platform"] == "Landsat-9"
        assert document["product"]["cloud_cover"] is None
        assert [(band["name"], band["resolutions"]) for band in document["product"]["bands"]] == [
            ("B3", [30]), ("B4", [30]), ("B5", []),
        ]  # fmt: skip
        assert [band["kind"] for band in document["product"]["quality"]] == ["qa_pixel"]
        assert document["bytes"] == sum(file.stat().st_size for file in product.iterdir())


@pytest.mark.parametrize("command", ["info PRODUCT", "plan PRODUCT OUT -s half", "verify OUT --against PRODUCT"])
@pytest.mark.parametrize("target", ["MTL", "new.json"])
def test_the_document_goes_into_no_product(
    command: str, target: str, product: Path, tmp_path: Path, call: Callable[..., Result]
) -> None:
    mtl = product / f"{product.name}_MTL.json"
    before = mtl.read_bytes(), sorted(product.iterdir())
    for named in (product, mtl):
        words = [{"PRODUCT": named, "OUT": tmp_path / "out.tif"}.get(word, word) for word in command.split()]
        result = call(*words, "--json", mtl if target == "MTL" else product / target)
        assert result.exit_code == 2, result.stderr
        assert "of the job itself" in result.stderr
    assert (mtl.read_bytes(), sorted(product.iterdir())) == before
