"""Whole products: a file for each band at its own resolution, and the same ground is salient in all of them."""

import json
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from eopf import make_eopf
from products import NATIVE, make_l1c, make_l2a, make_landsat_l2
from rasterio.transform import from_origin
from stac_schemas import faults_of

import geosal
from geosal.batch.jobs import directories_of, having
from geosal.batch.run import parts_of, work_through
from geosal.core.grid import Block
from geosal.errors import OutputError
from geosal.job.pipeline import run
from geosal.job.plan import make_plan
from geosal.job.recall import recall
from geosal.scenes import open_input


@pytest.fixture(scope="module")
def l1c(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_l1c(tmp_path_factory.mktemp("l1c"))


@pytest.fixture(scope="module")
def ships(l1c: Path) -> Path:
    """Two ships of a few pixels of 10 m, the second of them in the middle of no coarser pixel."""
    mask = np.zeros((120, 120), np.uint8)
    mask[50:53, 60:62] = 1
    mask[101, 101] = 1
    place = {"crs": "EPSG:32632", "transform": from_origin(600000, 5000040, 10, 10)}
    layout = {"driver": "GTiff", "width": 120, "height": 120, "count": 1, "dtype": "uint8"}
    with rasterio.open(l1c.parent / "ships.tif", "w", **layout, **place) as dataset:
        dataset.write(mask, 1)
    return l1c.parent / "ships.tif"


@pytest.fixture(scope="module")
def made(l1c: Path, ships: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[geosal.Batch, Path]:
    out = tmp_path_factory.mktemp("out")
    return geosal.compress_many(l1c, out, saliency=ships), out / l1c.name


def test_each_band_has_its_name_and_its_resolution(made: tuple[geosal.Batch, Path], l1c: Path) -> None:
    batch, folder = made
    assert not batch.failed
    images = sorted(path.relative_to(l1c) for path in l1c.rglob("IMG_DATA/*.jp2") if "TCI" not in path.name)
    assert sorted(path.relative_to(folder) for path in folder.rglob("IMG_DATA/*.jp2")) == images
    for image in images:
        with rasterio.open(folder / image) as band:
            assert band.res == (NATIVE[image.stem[-3:]],) * 2
            assert band.descriptions == (image.stem[-3:],)
    assert str(batch).startswith("13 files written")
    assert json.dumps(batch.to_dict())


def test_the_same_ground_is_salient_in_all_bands(made: tuple[geosal.Batch, Path], l1c: Path, ships: Path) -> None:
    """What one decision calls salient is exact in each band: each pixel that has any of it, and nothing else."""
    _, folder = made
    with rasterio.open(folder / "saliency.tif") as decided, rasterio.open(ships) as given:
        np.testing.assert_array_equal(decided.read(1), given.read(1) * 255)
        fine = given.read(1)
    for name, cells in (("B04", 1), ("B05", 2), ("B09", 6)):
        (path,) = folder.rglob(f"*_{name}.jp2")
        salient = fine.reshape(120 // cells, cells, 120 // cells, cells).max(axis=(1, 3)) > 0
        with rasterio.open(path) as band, rasterio.open(l1c / path.relative_to(folder)) as source:
            before, after = source.read(1), band.read(1)
        assert salient.sum() in {2, 3, 7}
        np.testing.assert_array_equal(after[salient], before[salient])
        changed = (after != before)[~salient & (before != 0)]
        assert changed.mean() > 0.9


def test_bands_are_verified_one_by_one(made: tuple[geosal.Batch, Path], l1c: Path) -> None:
    _, folder = made
    with pytest.raises(geosal.SceneError, match="each of its bands is an output; give them one by one"):
        geosal.verify(folder, against=l1c)


def test_a_band_finds_the_decision_again(made: tuple[geosal.Batch, Path], l1c: Path) -> None:
    _, folder = made
    (path,) = folder.rglob("*_B05.jp2")
    recalled = recall(str(path), str(l1c))
    assert recalled is not None
    assert recalled.wish["saliency"] == [f"{folder}/saliency.tif:resampling=max"]
    assert recalled.wish["bands"] == ["B05"]


def test_a_source_that_looks_at_the_scene_looks_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Detail is that of the finest bands, for all: the map that `geosal saliency` makes."""
    from geosal.batch.whole import write_saliency_map

    product, calls = make_landsat_l2(tmp_path), []
    monkeypatch.setattr(
        "geosal.batch.whole.write_saliency_map",
        lambda *args, **words: calls.append(args) or write_saliency_map(*args, **words),
    )
    out = tmp_path / "out"
    parts = parts_of([str(product)], str(out), "_s.tif", {"saliency": ["detail", "grid"]})
    (out / product.name).mkdir(parents=True)
    outcomes = list(work_through(parts, lambda job, _: job.recipe))
    assert (len(outcomes), len(calls)) == (8, 1)
    sources = {recipe.saliency for one in outcomes if (recipe := one.result) is not None}
    assert sources == {(f"{out / product.name}/saliency.tif:resampling=max",)}
    write_saliency_map(["detail", "grid"], str(tmp_path / "alone.tif"), str(product))
    with rasterio.open(tmp_path / "alone.tif") as alone, rasterio.open(calls[0][1]) as decided:
        assert decided.res == (30, 30)
        np.testing.assert_array_equal(decided.read(), alone.read())
    assert {Path(one.output).name for one in outcomes} == {
        *(f"{product.name}_SR_B{n}_s.tif" for n in range(1, 8)),
        f"{product.name}_ST_B10_s.tif",
    }


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    """What is finished stays, by the same decision; the rest is done, and another decision is refused."""
    product, out = make_landsat_l2(tmp_path), tmp_path / "out"
    for name in ("SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7"):  # a copy in part, to be quick
        (product / f"{product.name}_{name}.TIF").unlink()
    with pytest.warns(geosal.GeosalWarning, match="copied in part"):
        first = geosal.compress_many(product, out, saliency="grid")
    made = out / product.name
    times = {path.name: path.stat().st_mtime_ns for path in made.iterdir()}
    (made / f"{product.name}_SR_B2.TIF").unlink()
    with pytest.warns(geosal.GeosalWarning, match="copied in part"):
        again = geosal.compress_many(product, out, saliency="grid", resume=True)
    assert [len(batch.summaries) for batch in (first, again)] == [3, 3]
    assert [batch.to_dict()["finished_before"] for batch in (first, again)] == [0, 2]
    assert "1 file written, 2 were finished already in" in str(again)
    assert [one.bytes for one in again.summaries] == [one.bytes for one in first.summaries]
    kept = {name for name, at in times.items() if (made / name).stat().st_mtime_ns == at}
    assert {name for name in kept if "_B" in name} == {f"{product.name}_{name}.TIF" for name in ("SR_B1", "ST_B10")}
    with pytest.warns(geosal.GeosalWarning, match="copied in part"):
        other = geosal.compress_many(product, out, saliency="half", resume=True)
    assert all("exists already" in str(one.error) for one in other.failed)
    assert len(other.failed) == 3


def test_names_in_archives_and_by_other_profiles(tmp_path: Path) -> None:
    """Nothing is read but metadata."""
    safe, landsat = make_l2a(tmp_path), make_landsat_l2(tmp_path)
    with zipfile.ZipFile(tmp_path / "safe.zip", "w") as bundle:
        for path in safe.rglob("*.*"):
            if path.is_file():
                bundle.write(path, path.relative_to(tmp_path))
    with tarfile.open(tmp_path / f"{landsat.name}.tar", "w") as tape:
        for path in landsat.iterdir():
            tape.add(path, path.name)
    wish = {"saliency": "clouds"}
    zipped, folder, taped, stored = (
        [job.output for job in part.jobs]
        for path, options in (
            (tmp_path / "safe.zip", wish),
            (safe, wish),
            (tmp_path / f"{landsat.name}.tar", wish),
            (landsat, {**wish, "profile": "htj2k"}),
        )
        for part in parts_of([str(path)], "out", None, options)
    )
    assert zipped == folder
    assert f"out/{safe.name}/GRANULE/L2A_T32TNR_A1/IMG_DATA/R20m/T32TNR_20220301T102030_B05_20m.jp2" in folder
    assert len(folder) == 8  # each band once, at its own resolution; TCI and SCL are none
    assert taped[0] == f"out/{landsat.name}/{landsat.name}_SR_B1.TIF"
    assert stored == [path.replace(".TIF", ".jp2") for path in taped]


def test_a_band_of_a_store_is_that_of_the_folder(tmp_path: Path) -> None:
    """The same samples by the same decision; a store has no paths of images, so names are those of its bands."""
    safe = make_l2a(tmp_path)
    store = make_eopf(tmp_path / f"{safe.stem}.zarr", safe)
    (part,) = parts_of([str(store)], str(tmp_path / "eopf"), None, {"saliency": "clouds"})
    names = [f"B{n}m.tif" for n in ("01_60", "02_10", "03_10", "04_10", "05_20", "08_10", "11_20", "12_20")]
    assert [job.output for job in part.jobs] == [f"{tmp_path}/eopf/{safe.stem}/{name}" for name in names]
    for path in safe.rglob("*_B*.jp2"):
        if "_B05_20m" not in path.name:  # a copy in part, to be quick
            path.unlink()
    with pytest.warns(geosal.GeosalWarning):
        (one,) = geosal.compress_many(safe, tmp_path / "folder", saliency="clouds", profile="deflate").summaries
    part = replace(part, jobs=[job for job in part.jobs if job.output.endswith("B05_20m.tif")])
    Path(part.jobs[0].output).parent.mkdir(parents=True)
    (other,) = work_through([part], lambda job, _: run(make_plan(job.recipe)))
    with rasterio.open(one.output) as folder, rasterio.open(other.output) as band:
        np.testing.assert_array_equal(band.read(), folder.read())
        assert (band.scales, band.offsets, band.res) == (folder.scales, folder.offsets, (20, 20))


def test_named_bands_are_those_of_one_file(tmp_path: Path) -> None:
    safe = make_l2a(tmp_path)
    (part,) = parts_of([str(safe)], "out", ".tif", {"saliency": "clouds", "bands": "rgb"})
    assert [job.output for job in part.jobs] == [f"out/{safe.stem}.tif"]
    assert part.whole is None


def test_a_plan_needs_no_map(l1c: Path, tmp_path: Path) -> None:
    """It has the sources themselves."""
    (part,) = parts_of([str(l1c)], str(tmp_path), "_s.tif", {"saliency": "half"})
    job = next(job for job in part.jobs if job.output.endswith("B09_s.tif"))
    (Path(job.output).parent).mkdir(parents=True)
    assert job.unmade is not None
    plan = make_plan(job.unmade)
    assert plan.layout.grid.shape == (20, 20)
    assert plan.saliency.read(Block(0, 0, 1, 20)).any()


def test_an_item_of_former_bands_does_not_outlive_them(
    l1c: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (part,) = parts_of([str(l1c)], str(tmp_path), None, {"saliency": "half", "stac": True, "overwrite": True})
    assert part.whole is not None
    Path(part.whole.folder).mkdir()
    part.whole.item.touch()
    monkeypatch.setattr("geosal.batch.whole.write_saliency_map", lambda *_, **__: {})
    part.whole.decide(lambda _: None)
    assert not part.whole.item.exists()
    with pytest.raises(OutputError, match="make that band again"):
        part.whole.catalogue([str(tmp_path / "none.tif")])


def test_a_whole_product_has_one_item_that_is_an_input(tmp_path: Path) -> None:
    product = make_landsat_l2(tmp_path / "in")
    batch = geosal.compress_many(product, tmp_path / "out", saliency="half", stac=True)
    assert not batch.failed
    folder = tmp_path / "out" / product.name
    path = folder / f"{product.name}.json"
    item = json.loads(path.read_text())
    assert faults_of(item) == []
    assert (item["id"], item["properties"]["platform"]) == (product.name, "landsat-9")
    bands = {key: asset for key, asset in item["assets"].items() if "data" in asset["roles"]}
    assert sorted(folder / asset["href"] for asset in bands.values()) == sorted(
        map(Path, (one.output for one in batch.summaries))
    )
    assert item["assets"]["saliency"]["file:size"] == (folder / "saliency.tif").stat().st_size
    for asset in bands.values():
        with rasterio.open(folder / asset["href"]) as dataset:
            shape = asset.get("proj:shape", item["properties"].get("proj:shape"))
            assert (asset["file:size"], tuple(shape)) == ((folder / asset["href"]).stat().st_size, dataset.shape)
    again = geosal.open_scene(path, "rgb")
    np.testing.assert_array_equal(again, geosal.open_scene(folder, "rgb"))
    parts = parts_of([str(path)], str(tmp_path / "again"), None, {"saliency": "half"})
    outputs = [Path(job.output) for part in parts for job in part.jobs]
    assert {output.parent for output in outputs} == {tmp_path / "again" / product.name}
    assert len(outputs) == len(bands)
    quality = item["assets"]["qa_pixel"]
    assert (quality["href"], quality["roles"][0]) == (f"./{product.name}_QA_PIXEL.TIF", "cloud")
    assert quality["file:size"] == (folder / quality["href"]).stat().st_size
    assert [(band.kind, Path(band.path)) for band in open_input(str(path)).quality] == [
        ("qa_pixel", folder / quality["href"])
    ]


def test_a_decision_that_keeps_all_is_told_once(l1c: Path, tmp_path: Path) -> None:
    mask = tmp_path / "mask.tif"
    with rasterio.open(next(l1c.glob("GRANULE/*/IMG_DATA/*_B02.jp2"))) as band:
        place = {"crs": band.crs, "transform": band.transform, "width": band.width, "height": band.height}
    with rasterio.open(mask, "w", driver="GTiff", count=1, dtype="uint8", **place) as dataset:
        dataset.write(np.full((1, *dataset.shape), 255, np.uint8))
    parts = parts_of([str(l1c)], str(tmp_path / "out"), ".tif", {"saliency": str(mask), "profile": "zstd"})
    few = [replace(part, jobs=part.jobs[:3]) for part in parts]
    with pytest.warns(geosal.GeosalWarning) as told, having(directories_of(few)):
        done = list(work_through(few, lambda job, _: run(make_plan(job.recipe))))
    assert [one.error for one in done] == [None] * 3
    (one,) = (str(each.message) for each in told if issubclass(each.category, geosal.GeosalWarning))
    assert one.startswith(f"{mask}: the mask says 1")


def test_no_name_in_an_item_leads_out_of_the_directory(tmp_path: Path) -> None:
    assets = {}
    for key in ("../../up", "/etc/a b"):
        with rasterio.open(
            tmp_path / f"{len(assets)}.tif", "w", driver="GTiff", width=8, height=8, count=1, dtype="uint8"
        ) as dataset:
            dataset.write(np.ones((1, 8, 8), np.uint8))
        assets[key] = {"href": f"{len(assets)}.tif"}
    path = tmp_path / "item.json"
    path.write_text(json.dumps({"type": "Feature", "properties": {}, "assets": assets}))
    parts = parts_of([str(path)], str(tmp_path / "out"), None, {"saliency": "half"})
    outputs = [Path(job.output) for part in parts for job in part.jobs]
    assert {output.resolve().parent for output in outputs} == {tmp_path / "out" / "item"}
