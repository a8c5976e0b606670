"""Outputs that are sealed while they are made."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasters import PLACE, save

import geosal
from geosal.errors import UsageError
from geosal.seals import read_file


@pytest.mark.parametrize("suffix", ["tif", "jp2", "zarr", "png"])
def test_every_format_has_a_seal_that_holds(rgb_scene: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"out.{suffix}"
    summary = geosal.compress(rgb_scene, output, saliency="half", seal=True)
    checks = geosal.verify(output, root=summary.seal)
    assert checks.ok
    assert checks.proved
    sealed = checks.get("sealed")
    assert sealed is not None
    assert (sealed.facts["tiles"], sealed.facts["changed"]) == (4, [])
    assert sealed.facts["root"] == summary.seal
    assert sealed.facts["salient_pixels"] == round(summary.level_shares["0"] * _valid(rgb_scene))


def _valid(path: Path) -> int:
    with rasterio.open(path) as dataset:
        return int((dataset.dataset_mask() > 0).sum())


def test_neither_blocks_nor_workers_show(rgb_scene: Path, tmp_path: Path) -> None:
    roots = {
        geosal.compress(rgb_scene, tmp_path / "out.tif", saliency="half", seal=True, overwrite=True, **how).seal
        for how in ({}, {"block": 512}, {"block": 1024, "workers": 1}, {"creation_options": {"BLOCKSIZE": 128}})
    }
    assert len(roots) == 1


def test_the_claim_tells_the_errors_and_the_masks(uint16_scene: Path, tmp_path: Path) -> None:
    mask = save(tmp_path / "mask.tif", np.eye(520, 780, dtype=np.uint8)[np.newaxis] * 255, **PLACE)
    summary = geosal.compress(uint16_scene, tmp_path / "out.tif", saliency=str(mask), steps=4, seal=True,
                              treatment=["smooth", "bound:error=16"])  # fmt: skip
    with rasterio.open(tmp_path / "out.tif") as dataset:
        claim = json.loads(dataset.tags()["GEOSAL_SEAL_CLAIM"])["claim"]
    assert claim["errors"] == [0, 4, 8, 12, 16]
    assert claim["errors_from"] == "smoothed"
    assert claim["treatment"] == "smooth bound:error=16"
    assert len(claim["saliency"][0]["sha256"]) == 64
    assert claim["versions"]["geosal"] == geosal.__version__
    assert summary.seal is not None


def test_a_seal_with_no_room_in_the_tags_lies_beside(
    rgb_scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geosal.job.sealing._MOST_IN_TAGS", 10)
    output, beside = tmp_path / "out.tif", tmp_path / "out.tif.seal"
    summary = geosal.compress(rgb_scene, output, saliency="half", seal=True)
    assert [Path(file["path"]) for file in summary.files] == [output, beside]
    assert geosal.verify(output).get("sealed").ok
    image = json.loads(beside.read_text().splitlines()[0])
    head = geosal.seals.Head(*(image[name] for name in ("height", "width", "count", "dtype", "whole", "claim")))
    assert read_file(str(beside), head).root == summary.seal
    geosal.compress(rgb_scene, output, saliency="half", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out.tif"]


@pytest.mark.filterwarnings("ignore:.*a second job loses more")
def test_an_output_of_a_sealed_one_is_not_sealed(rgb_scene: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.tif", tmp_path / "second.tif"
    geosal.compress(rgb_scene, first, saliency="half", seal=True)
    assert geosal.compress(first, second, saliency="half").seal is None
    assert not any("SEAL" in name for name in rasterio.open(second).tags())
    assert geosal.verify(second).get("sealed") is None


def test_only_the_salient_part_of_a_codec_that_loses_the_rest(rgb_scene: Path, tmp_path: Path) -> None:
    geosal.compress(rgb_scene, tmp_path / "out.tif", saliency="half", profile="lerc", treatment="bound:error=4",
                    seal=True)  # fmt: skip
    checks = geosal.verify(tmp_path / "out.tif")
    assert checks.get("sealed").ok
    assert checks.get("background") is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profile": "jpeg"}, "--seal: jpeg with treatment .+ keeps no pixel bit for bit"),
        ({"profile": "lerc", "creation_options": {"MAX_Z_ERROR": 2}}, "keeps no pixel bit for bit"),
        ({"block": 256}, "--block 256: a seal is made of tiles of 512"),
    ],
)
def test_what_cannot_be_promised_is_refused_before_the_work(
    rgb_scene: Path, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        geosal.make_plan(geosal.Recipe.from_mapping({
            "input": str(rgb_scene), "output": str(tmp_path / "out.tif"), "saliency": "half", "seal": True, **options
        }))  # fmt: skip


def test_where_a_mask_stands_for_nodata_no_band_has_its_own(tmp_path: Path) -> None:
    pixels = np.random.default_rng(2).integers(5, 12, (3, 64, 96), np.uint8)
    scene = save(tmp_path / "in.tif", pixels, nodata=7, **PLACE)
    geosal.compress(scene, tmp_path / "out.tif", saliency="half", profile="webp",
                    treatment="quality:low=50,high=100", seal=True)  # fmt: skip
    checks = geosal.verify(tmp_path / "out.tif")
    assert checks.ok, checks
    assert checks.get("sealed").facts["salient_pixels"] > 0
