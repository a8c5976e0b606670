"""Every planted defect is found, and nothing else."""

import shutil
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from numpy.typing import NDArray
from outputs import AS_IT_WAS, PROVENANCE, SHAPE, failed, make, saliency_of, write, write_source
from rasterio.enums import ColorInterp

from geosal.errors import SceneError, UsageError, VerificationError
from geosal.formats.gdal.convert import convert
from geosal.formats.gdal.stage import Stage
from geosal.formats.profiles import resolve_profile
from geosal.job.proof import verify
from geosal.scenes import Scene
from geosal.verification import raise_if_failed, verify_structure

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


@pytest.mark.parametrize(
    ("suffix", "profile"),
    [(".tif", None), (".tif", "zstd"), (".tif", "raw"), (".tif", "lerc"), (".jp2", None), (".jp2", "jp2")],
)
def test_a_good_file_passes(
    source: Path, tmp_path: Path, suffix: str, profile: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    output = make(source, tmp_path / f"out{suffix}", profile=profile)
    checks = verify(str(output), against=str(source), saliency=saliency_of(source))
    assert {check.name: check.detail for check in checks if not check.ok} == {}
    names = [check.name for check in checks]
    assert names[:3] == ["opens", "complete", "layout"]
    assert {"provenance", "georeferenced", "bands", "tags", "invalid", "salient"} <= set(names)
    assert ("sidecar" in names) == (suffix == ".jp2")
    assert ("not compared" in checks[-1].detail) == (profile == "jp2")
    raise_if_failed(checks, str(output))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("suffix", [".tif", ".jp2"])
def test_one_salient_sample_off_by_one(source: Path, tmp_path: Path, suffix: str) -> None:
    def change(pixels: NDArray[Any], _: NDArray[np.bool_]) -> None:
        pixels[1, 450, 333] += 1

    found = failed(make(source, tmp_path / f"out{suffix}", change=change), source)
    assert found == {"salient": "1 sample of saliency 1 changed, the first at band 2, row 450, column 333"}


def test_one_smoothed_sample_off_by_one(source: Path, tmp_path: Path) -> None:
    def change(pixels: NDArray[Any], _: NDArray[np.bool_]) -> None:
        pixels[1, 450, 700] += 1

    found = failed(make(source, tmp_path / "out.tif", change=change), source)
    assert list(found) == ["smoothed"]
    assert "1 sample below saliency 1 not as in the scene smoothed again, off by up to 1" in found["smoothed"]
    assert "level allows" not in found["smoothed"]
    assert "band 2, row 450, column 700" in found["smoothed"]


def test_an_invalid_sample_that_changed_and_a_valid_one_that_became_nodata(source: Path, tmp_path: Path) -> None:
    def change(pixels: NDArray[Any], _: NDArray[np.bool_]) -> None:
        pixels[0, 5, 7] = 1
        pixels[2, 400, 700] = 0

    found = failed(make(source, tmp_path / "out.tif", change=change), source, salient=False)
    assert list(found) == ["invalid"]
    assert "1 invalid sample changed, the first at band 1, row 5, column 7" in found["invalid"]
    assert "2 samples changed between valid and invalid" in found["invalid"]


def test_nan_is_nan_and_minus_zero_is_not_zero(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).normal(size=(1, *SHAPE)).astype("float32")
    pixels[0, :20, :20] = np.nan
    pixels[0, 300, 300] = 0.0
    source = write_source(tmp_path / "in.tif", pixels, nodata=np.nan)
    scene = Scene.open(str(source))
    output = tmp_path / "out.tif"

    def rewrite(pixels: NDArray[Any]) -> dict[str, str]:
        with Stage(tmp_path / "stage.tif", scene.layout) as stage:
            stage.write(scene.grid.whole(), pixels, None)
            stage.finish(AS_IT_WAS, None)
        convert(tmp_path / "stage.tif", output, resolve_profile("out.tif", None, {}, scene.layout), scene.layout)
        return failed(output, source)

    assert rewrite(pixels) == {}
    pixels[0, 300, 300] = -0.0
    assert list(rewrite(pixels)) == ["salient"]


def test_a_shifted_transform_and_another_crs(source: Path, tmp_path: Path) -> None:
    grid = Scene.open(str(source)).grid
    shifted = type(grid)(grid.crs, grid.transform @ Affine.translation(1, 0), *SHAPE)
    assert (
        "transform (10, 0, 500010" in failed(make(source, tmp_path / "out.tif", grid=shifted), source)["georeferenced"]
    )
    elsewhere = type(grid)(rasterio.CRS.from_epsg(32618).to_wkt(), grid.transform, *SHAPE)
    found = failed(make(source, tmp_path / "out.tif", grid=elsewhere), source)
    assert "CRS EPSG:32618, not EPSG:32617" in found["georeferenced"]


def test_lost_nodata_names_and_tags(source: Path, tmp_path: Path) -> None:
    metadata = Scene.open(str(source)).layout.metadata
    bands = tuple(type(band)(description="X") for band in metadata.bands)
    output = make(source, tmp_path / "out.tif", nodata=None, metadata=type(metadata)(bands=bands), tags={})
    found = failed(output, source)
    assert "nodata None, not 0.0" in found["bands"]
    assert "band 1 has description X, not B1" in found["bands"]
    assert "tag SCENE is lost" in found["tags"]
    assert "tag ACQUISITION:CLOUDS is lost" in found["tags"]
    assert "no GEOSAL_VERSION tag" in found["provenance"]


def test_unreadable_provenance(source: Path, tmp_path: Path) -> None:
    tags = {"GEOSAL_VERSION": "1", "GEOSAL_LADDER": "steps=many", "GEOSAL_EFFECTIVE_KERNEL": "wide"}
    found = failed(make(source, tmp_path / "out.tif", tags=tags), source)
    assert list(found) == ["provenance"]
    assert "GEOSAL_LADDER=steps=many" in found["provenance"]
    assert "GEOSAL_EFFECTIVE_KERNEL=wide" in found["provenance"]


def test_a_lost_sidecar(source: Path, tmp_path: Path) -> None:
    output = make(source, tmp_path / "out.jp2")
    (tmp_path / "out.jp2.aux.xml").unlink()
    assert "out.jp2.aux.xml is missing" in failed(output, None)["sidecar"]
    for left in ("", "<PAMDataset>"):
        output.with_name("out.jp2.aux.xml").write_text(left)
        assert "out.jp2.aux.xml is cut off" in failed(output, None)["sidecar"]
    assert {"sidecar", "provenance", "bands", "tags"} <= set(failed(output, source))


def test_missing_overviews(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.tif"
    make(source, output)
    with rasterio.open(output) as dataset:
        profile = dataset.profile
        pixels = dataset.read()
    flat = tmp_path / "flat.tif"
    with rasterio.open(flat, "w", **profile) as dataset:
        dataset.write(pixels)
    assert "overviews" in failed(flat, None)["layout"]


def test_overviews_that_end_too_early(tmp_path: Path) -> None:
    pixels = np.ones((1, 1800, 1800), "uint8")
    with rasterio.open(
        tmp_path / "in.tif", "w", driver="GTiff", width=1800, height=1800, count=1, dtype="uint8"
    ) as dst:
        dst.write(pixels)
    rasterio.shutil.copy(tmp_path / "in.tif", tmp_path / "out.tif", driver="COG", OVERVIEW_COUNT="1")
    assert "overviews reach 1:2 only, 900 px, a tile has 512" in failed(tmp_path / "out.tif", None)["layout"]


@pytest.mark.parametrize("suffix", [".tif", ".jp2"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.95, 0.999])
def test_a_truncated_file(source: Path, tmp_path: Path, suffix: str, kept: float) -> None:
    output = make(source, tmp_path / f"out{suffix}")
    with output.open("r+b") as file:
        file.truncate(int(output.stat().st_size * kept))
    assert {"complete", "opens"} & set(failed(output, source))
    with pytest.raises(VerificationError):
        verify_structure(output, Scene.open(str(source)).layout)


def test_a_damaged_tile_and_a_damaged_overview(source: Path, tmp_path: Path) -> None:
    output = make(source, tmp_path / "out.tif")
    for level in (None, 0):
        damaged = Path(shutil.copy(output, tmp_path / "damaged.tif"))
        with rasterio.open(output) as dataset:
            offset = int(dataset.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1, ovr=level))
        with damaged.open("r+b") as file:
            file.seek(offset)
            file.write(b"\xff" * 400)
        detail = failed(damaged, source)["complete"]
        assert ("overview 1:2" in detail) == (level == 0)
        assert "tile 0, 0: rows 0-" in detail
        assert "See previous exception" not in detail


def test_a_tile_that_was_never_written(source: Path, tmp_path: Path) -> None:
    """As a killed writer leaves it: the file opens, and reads as nodata there."""
    output = make(source, tmp_path / "out.tif")
    with rasterio.open(output) as dataset:
        count = dataset.get_tag_item("BLOCK_SIZE_1_0", "TIFF", bidx=1)
        profile = dataset.profile
    assert int(count) > 0
    with rasterio.open(tmp_path / "killed.tif", "w", **profile, sparse_ok=True) as dataset:
        dataset.write(np.ones((3, 512, 512), "uint16"), window=((0, 512), (0, 512)))
    assert "tile 1, 0 of band 1 is missing" in failed(tmp_path / "killed.tif", None)["complete"]


def test_a_broken_jpeg2000_box(source: Path, tmp_path: Path) -> None:
    output = make(source, tmp_path / "out.jp2")
    data = bytearray(output.read_bytes())
    at = data.index(b"colr")
    data[at + 4 : at + 11] = struct.pack(">BBBI", 1, 0, 0, 99)  # an unknown colour space
    output.write_bytes(data)
    assert "jpylyzer" in failed(output, None)["layout"]


@pytest.mark.parametrize("content", [b"", b"II*\0", b"not a raster at all", b"\0" * 5000])
def test_no_raster_at_all(tmp_path: Path, content: bytes) -> None:
    output = tmp_path / "out.tif"
    output.write_bytes(content)
    (check,) = verify(str(output))
    assert (check.name, check.ok) == ("opens", False)
    with pytest.raises(VerificationError, match="cannot be opened|is empty"):
        raise_if_failed((check,), str(output))


def test_another_format(tmp_path: Path) -> None:
    with rasterio.open(tmp_path / "out.webp", "w", driver="WEBP", width=9, height=9, count=3, dtype="uint8") as dataset:
        dataset.write(np.ones((3, 9, 9), "uint8"))
    written = "COG, JPEG2000, JPEG, PNG, BPG and Zarr"
    assert failed(tmp_path / "out.webp", None) == {"opens": f"is WEBP; geosal writes {written}"}


def test_another_scene(source: Path, tmp_path: Path) -> None:
    pixels = np.ones((2, *SHAPE), "uint8")
    other = write_source(tmp_path / "other.tif", pixels)
    found = failed(make(source, tmp_path / "out.tif"), other)
    assert "dtype uint16, not uint8" in found["bands"]
    assert "3 bands, not 2" in found["bands"]
    assert "cannot be compared" in found["pixels"]


def test_a_choice_of_bands(source: Path, tmp_path: Path) -> None:
    scene = Scene.open(str(source), (3, 1))
    pixels, _, _ = scene.read(scene.grid.whole())
    with Stage(tmp_path / "stage.tif", scene.layout) as stage:
        stage.write(scene.grid.whole(), pixels, None)
        stage.finish(AS_IT_WAS, None)
    output = tmp_path / "out.tif"
    convert(tmp_path / "stage.tif", output, resolve_profile("out.tif", None, {}, scene.layout), scene.layout)
    checks = verify(str(output), against=str(source), saliency=saliency_of(source), bidx=(3, 1))
    assert all(check.ok for check in checks)


def test_alpha_that_became_the_mask_of_a_jpeg(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (4, *SHAPE)).astype("uint8")
    pixels[3] = np.where(pixels[3] > 100, 255, 0)
    source = write_source(tmp_path / "in.tif", pixels, photometric="RGB", alpha="YES")
    with rasterio.open(source) as dataset:
        assert dataset.colorinterp[3] == ColorInterp.alpha
    scene = Scene.open(str(source))
    with Stage(tmp_path / "stage.tif", scene.layout) as stage:
        stage.write(scene.grid.whole(), pixels, None)
        stage.finish(PROVENANCE, None)
    output = tmp_path / "out.tif"
    convert(tmp_path / "stage.tif", output, resolve_profile("out.tif", "jpeg", {}, scene.layout), scene.layout)
    verify_structure(output, scene.layout)
    assert failed(output, source) == {}
    pixels[3, 300:310, 300] = 255 - pixels[3, 300:310, 300]
    changed = write_source(tmp_path / "changed.tif", pixels, photometric="RGB", alpha="YES")
    assert "10 pixels changed between valid and invalid" in failed(output, changed)["invalid"]


def test_what_cannot_be_asked(source: Path, tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="no such file"):
        verify(str(tmp_path / "none.tif"))
    with pytest.raises(UsageError, match="--against"):
        verify(str(source), saliency=saliency_of(source))
    with pytest.raises(SceneError):
        verify(str(source), against=str(tmp_path / "none.tif"))


@pytest.mark.parametrize("suffix", [".tif", ".jp2"])
def test_the_mask_is_carried_as_it_is(tmp_path: Path, suffix: str) -> None:
    """Bits under nodata too: there the valid samples are the same either way."""
    pixels = np.ones((1, *SHAPE), "uint8")
    pixels[:, :50] = 0
    mask = np.ones(SHAPE, np.bool_)
    mask[:, :70] = False
    source = write_source(tmp_path / "in.tif", pixels, nodata=0)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(source, "r+") as dataset:
        dataset.write_mask(mask)
    scene = Scene.open(str(source))
    assert scene.layout.has_mask
    assert failed(write(scene, tmp_path / f"good{suffix}"), source) == {}
    changed = mask & (pixels[0] != 0)
    found = failed(write(scene, tmp_path / f"bad{suffix}", changed), source)
    assert found == {
        "mask": f"{50 * (SHAPE[1] - 70):,} pixels of the mask changed, the first at band 1, row 0, column 70"
    }


@pytest.mark.parametrize(("suffix", "profile"), [(".jp2", "jp2"), (".tif", "jpeg")])
def test_a_mask_instead_of_nodata_in_a_lossy_codec_only(tmp_path: Path, suffix: str, profile: str) -> None:
    pixels = np.full((3, *SHAPE), 90, "uint8")
    pixels[:, :50] = 0
    source = write_source(tmp_path / "in.tif", pixels, nodata=0)
    for name in (profile, None):
        output = make(source, tmp_path / f"out{suffix}", profile=name, nodata=None, has_mask=True)
        found = failed(output, source, salient=False)
        assert found == ({} if name else {"bands": "nodata None, not 0.0"})


def test_saliency_as_text(source: Path, tmp_path: Path) -> None:
    output = make(source, tmp_path / "out.tif")
    for saliency in ("half", ["half", "uniform:saliency=0"]):
        assert all(check.ok for check in verify(str(output), against=str(source), saliency=saliency))
    checks = verify(str(output), against=str(source), saliency="uniform:saliency=1")
    assert [check.name for check in checks if not check.ok] == ["salient"]
    with pytest.raises(UsageError, match="halb"):
        verify(str(output), against=str(source), saliency="halb")
    with pytest.raises(UsageError, match="--against"):
        verify(str(output), saliency="half")


class TestStructure:
    """The quick checks at the end of a job."""

    @pytest.mark.parametrize("suffix", [".tif", ".jp2"])
    def test_a_good_file_passes(self, source: Path, tmp_path: Path, suffix: str) -> None:
        output, layout = make(source, tmp_path / f"out{suffix}"), Scene.open(str(source)).layout
        before = output.read_bytes()
        verify_structure(output, layout)
        assert output.read_bytes() == before
        output.write_bytes(before[: len(before) // 2])
        with pytest.raises(VerificationError, match=output.name):
            verify_structure(output, layout)

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("nodata", 7.0, "nodata 0.0, not 7.0"),
            ("dtype", "uint8", "dtype uint16, not uint8"),
            ("metadata", None, "3 bands, not 2"),
            ("grid", None, "780 x 520 px, not 781 x 520"),
        ],
    )
    def test_something_else_was_to_be_written(
        self, source: Path, tmp_path: Path, name: str, value: Any, message: str
    ) -> None:
        output = make(source, tmp_path / "out.tif")
        layout = Scene.open(str(source)).layout
        if name == "metadata":
            value = type(layout.metadata)(bands=layout.metadata.bands[:2])
        if name == "grid":
            value = type(layout.grid)(layout.grid.crs, layout.grid.transform, 520, 781)
        fields = ("grid", "dtype", "nodata", "has_mask", "metadata")
        wanted = type(layout)(**{**{field: getattr(layout, field) for field in fields}, name: value})
        with pytest.raises(VerificationError, match=message):
            verify_structure(output, wanted)

    @pytest.mark.parametrize("suffix", [".tif", ".jp2"])
    @pytest.mark.parametrize(
        "shape", [(5000, 3), (3, 5000), (513, 1), (1, 513), (5000, 1), (1, 1), (600, 2), (513, 512), (2000, 1024)]
    )
    def test_scenes_of_any_shape_pass(self, tmp_path: Path, shape: tuple[int, int], suffix: str) -> None:
        pixels = (np.indices(shape).sum(axis=0) % 251)[np.newaxis].astype("uint8")
        source = write_source(tmp_path / "in.tif", pixels, height=shape[0], width=shape[1], nodata=0)
        output = write(Scene.open(str(source)), tmp_path / f"out{suffix}")
        verify_structure(output, Scene.open(str(source)).layout)
        assert failed(output, source) == {}

    def test_strips_are_no_cog_even_when_as_wide_as_a_tile(self, tmp_path: Path) -> None:
        pixels = np.ones((1, 600, 512), "uint8")
        source = write_source(tmp_path / "in.tif", pixels, height=600, width=512, blockysize=512)
        with rasterio.open(source, "r+") as dataset:
            dataset.build_overviews([2])
        with pytest.raises(VerificationError, match="not tiled"):
            verify_structure(source, Scene.open(str(source)).layout)

    def test_a_transform_without_a_crs(self, tmp_path: Path) -> None:
        source = write_source(
            tmp_path / "in.tif", np.ones((1, 15, 10), "uint8"), height=15, width=10, crs=None,
            transform=Affine(17.32, 5, 100, 10, -8.66, 200),
        )  # fmt: skip
        for suffix in (".tif", ".jp2"):
            output = write(Scene.open(str(source)), tmp_path / f"out{suffix}")
            verify_structure(output, Scene.open(str(source)).layout)
            assert failed(output, source) == {}

    def test_a_crs_that_came_from_nowhere(self, source: Path, tmp_path: Path) -> None:
        layout = Scene.open(str(source)).layout
        bare = replace(layout, grid=replace(layout.grid, crs=None))
        with pytest.raises(VerificationError, match="CRS EPSG:32617, not none"):
            verify_structure(make(source, tmp_path / "out.tif"), bare)

    def test_messages_name_the_output_not_the_temporary_file(self, source: Path, tmp_path: Path) -> None:
        layout = Scene.open(str(source)).layout
        hidden = tmp_path / ".out.tif.geosal-1-ff"
        hidden.mkdir()
        output = make(source, hidden / "out.tif")
        with pytest.raises(VerificationError, match="^final.tif: does not hold") as caught:
            verify_structure(output, replace(layout, nodata=7.0), "final.tif")
        assert str(hidden) not in str(caught.value)
        output.write_bytes(b"")
        with pytest.raises(VerificationError, match="^final.tif: cannot be read back") as caught:
            verify_structure(output, layout, "final.tif")
        assert str(hidden) not in str(caught.value)

    def test_no_cog(self, source: Path) -> None:
        with pytest.raises(VerificationError, match="overviews"):
            verify_structure(source, Scene.open(str(source)).layout)

    def test_no_raster(self, source: Path, tmp_path: Path) -> None:
        (tmp_path / "out.tif").write_bytes(b"")
        with pytest.raises(VerificationError, match="cannot be read back"):
            verify_structure(tmp_path / "out.tif", Scene.open(str(source)).layout)


def test_that_nothing_had_to_stay_is_told(source: Path, tmp_path: Path) -> None:
    output = make(source, tmp_path / "out.tif")
    details = {
        text: {check.name: check.detail for check in verify(str(output), against=str(source), saliency=text)}["salient"]
        for text in ("uniform:saliency=0.8", "grid")
    }
    assert details["uniform:saliency=0.8"] == "no pixel has saliency 1, so none had to stay"
    assert details["grid"] != details["uniform:saliency=0.8"]


def test_an_unknown_keyword_is_told_with_what_is_meant(source: Path) -> None:
    with pytest.raises(UsageError, match=r"salency: no such option; did you mean saliency\?"):
        verify(source, against=source, salency="half")
