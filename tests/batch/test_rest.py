"""What lies beside the bands goes along as it is, so that the output of a product is a product."""

import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from products import make_l1c, make_l2a, make_landsat_l2

import geosal
from geosal.batch.rest import rest_of, top_of
from geosal.batch.run import parts_of
from geosal.errors import OutputError, SceneError
from geosal.scenes import open_input
from geosal.scenes.products.files import Files
from geosal.scenes.products.opening import read_product


@pytest.fixture(scope="module")
def landsat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_landsat_l2(tmp_path_factory.mktemp("landsat"))


def test_a_product_is_one_again(landsat: Path, tmp_path: Path) -> None:
    """From an archive: the same bands, scales, tags and clouds, and bytes of what is no band."""
    tape = tmp_path / f"{landsat.name}.tar"
    with tarfile.open(tape, "w") as archive:
        for path in landsat.iterdir():
            archive.add(path, f"./{path.name}")
    batch = geosal.compress_many(tape, tmp_path / "out", saliency="grid")
    made = tmp_path / "out" / landsat.name
    assert not batch.failed
    sizes = {path.name: path.stat().st_size for path in landsat.iterdir()}
    assert all(one.input_bytes == sizes[Path(one.output).name] for one in batch.summaries)
    assert {path.name for path in made.iterdir()} == {path.name for path in landsat.iterdir()} | {"saliency.tif"}
    for end in ("MTL.txt", "QA_PIXEL.TIF"):
        assert (made / f"{landsat.name}_{end}").read_bytes() == (landsat / f"{landsat.name}_{end}").read_bytes()
    before, after = (open_input(str(path)) for path in (landsat, made))
    assert [repr(band) for band in before.layout.metadata.bands] == [repr(band) for band in after.layout.metadata.bands]
    assert before.layout.metadata.tags == after.layout.metadata.tags
    assert [band.kind for band in after.quality] == ["qa_pixel"]
    again = parts_of([str(tape)], str(tmp_path / "out"), None, {"saliency": "grid"})
    with pytest.raises(OutputError, match=r"MTL.txt, .*QA_PIXEL.TIF: exists already"):
        geosal.batch.jobs.check(again)


def test_coarser_copies_and_pictures_stay(tmp_path: Path) -> None:
    safe = make_l2a(tmp_path)
    (safe / "GRANULE/L2A_T32TNR_A1/IMG_DATA/R10m/T32TNR_20220301T102030_B04_10m.jp2.aux.xml").write_text("<x/>")
    for name in ("saliency.tif", f"{safe.stem}.json"):  # geosal has written the product, and makes these anew
        (safe / name).touch()
    (safe / "GRANULE/L2A_OTHER_A1").mkdir()
    (safe / "GRANULE/L2A_OTHER_A1/MTD_TL.xml").write_text("<x/>")
    (part,) = parts_of([str(safe)], "out", ".tif", {"saliency": "half"})
    assert part.whole is not None
    assert part.whole.rest is not None
    assert [name.rpartition("/")[2] for name in part.whole.rest.copies] == [
        "T32TNR_20220301T102030_AOT_10m.jp2",
        "T32TNR_20220301T102030_WVP_10m.jp2",
        "T32TNR_20220301T102030_SCL_20m.jp2",
        "MTD_TL.xml",
        "MTD_MSIL2A.xml",
    ]


@pytest.mark.parametrize(("suffix", "goes"), [("_s.TIF", False), (".jp2", False), (".TIF", True), (".tif", True)])
def test_metadata_that_name_other_files_stay(landsat: Path, suffix: str, goes: bool) -> None:
    (part,) = parts_of([str(landsat)], "out", suffix, {"saliency": "half"})
    assert part.whole is not None
    assert (part.whole.rest is not None) == goes


def test_the_folder_around_an_archive_is_that_of_the_output(tmp_path: Path) -> None:
    safe = make_l1c(tmp_path)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as bundle:
        for path in (each for each in safe.rglob("*") if each.is_file()):
            bundle.write(path, path.relative_to(tmp_path))
    files = Files.of(str(tmp_path / "x.zip"))
    assert (top_of(files), top_of(Files.of(str(safe)))) == (safe.name, "")
    product = read_product(str(tmp_path / "x.zip"))
    rest = rest_of(files, product, [f"{safe.name}/GRANULE/L1C_T32TNR_A1/IMG_DATA/B04.jp2"], str(tmp_path / "out"))
    assert rest.copies[f"{safe.name}/MTD_MSIL1C.xml"] == f"{tmp_path}/out/MTD_MSIL1C.xml"
    assert not any("IMG_DATA" in name for name in rest.copies)
    assert rest.copy() == sum(Path(path).stat().st_size for path in rest.copies.values())
    assert (tmp_path / "out" / "MTD_MSIL1C.xml").read_bytes() == (safe / "MTD_MSIL1C.xml").read_bytes()


def test_metadata_come_last_or_not_at_all(landsat: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a band has failed, or where they cannot be copied, the folder is no product."""

    def fail(recipe: geosal.Recipe) -> None:
        raise SceneError(f"{recipe.output}: damaged")

    with monkeypatch.context() as patch:
        patch.setattr("geosal.batch.run.make_plan", fail)
        batch = geosal.compress_many(landsat, tmp_path / "one", saliency="grid")
    assert (len(batch.failed), len(list((tmp_path / "one" / landsat.name).iterdir()))) == (8, 1)
    monkeypatch.setattr("geosal.batch.run.run", lambda *_, **__: None)
    monkeypatch.setattr("geosal.batch.rest.replacing", lambda path: os.rmdir(path / "none"))
    batch = geosal.compress_many(landsat, tmp_path / "two", saliency="grid")
    (failed,) = batch.failed
    assert isinstance(failed.error, OutputError)
    assert (failed.output, "the bands are complete" in str(failed.error)) == (
        str(tmp_path / "two" / landsat.name),
        True,
    )
