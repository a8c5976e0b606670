"""Every planted defect is found, and nothing else."""

import re
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import tifffile
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from geosal.codecs.profiles import resolve_profile
from geosal.errors import SceneError, UsageError, VerificationError
from geosal.grid import Block
from geosal.ladder import Ladder
from geosal.scenes import Scene
from geosal.smoothing.block import SampleRules, smooth_block
from geosal.sources import Saliency, open_saliency
from geosal.verification import Check, raise_if_failed, verify, verify_structure
from geosal.verification.cog import checksum_faults, read_directories, tile_faults
from geosal.writers.convert import convert
from geosal.writers.stage import Stage

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
SHAPE = 520, 780
PROVENANCE = {
    "GEOSAL_VERSION": "0.1.0",
    "GEOSAL_TREATMENT": "smooth",
    "GEOSAL_LADDER": "steps=8 sigma=opencv",
    "GEOSAL_EFFECTIVE_KERNEL": "9.0",
    "GEOSAL_SALIENCY": "half",
}
AS_IT_WAS = PROVENANCE | {"GEOSAL_SALIENCY": "uniform:saliency=1"}
Change = Callable[[NDArray[Any], NDArray[np.bool_]], None]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three bands of uint16 with nodata, names, tags in two domains, and a mask-like wedge."""
    row, col = np.mgrid[: SHAPE[0], : SHAPE[1]]
    pixels = np.stack([(row * 3 + col * (band + 5)) % 900 + 1 for band in range(3)]).astype("uint16")
    pixels[:, col[0] < 40 + 0 * row[:, :1]] = 0
    return write_source(tmp_path_factory.mktemp("source") / "in.tif", pixels, nodata=0)


def write_source(path: Path, pixels: NDArray[Any], **options: Any) -> Path:
    profile = {
        "driver": "GTiff", "width": SHAPE[1], "height": SHAPE[0], "count": len(pixels), "dtype": pixels.dtype.name,
        "crs": "EPSG:32617", "transform": Affine(10, 0, 5e5, 0, -10, 4e6), "compress": "zstd", **options,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.update_tags(SCENE="S2A")
        dataset.update_tags(ns="ACQUISITION", CLOUDS="5")
        dataset.descriptions = [f"B{band}" for band in dataset.indexes]
        for band in dataset.indexes:
            dataset.update_tags(band, WAVELENGTH=str(band))
        dataset.write(pixels)
    return path


def saliency_of(source: Path) -> Saliency:
    return open_saliency(["half"], Scene.open(str(source)).grid)


def make(
    source: Path, output: Path, *, profile: str | None = None, change: Change | None = None, **replaced: Any
) -> Path:
    """Write what geosal would write; `change` plants a defect in the pixels, `replaced` one in the layout."""
    if change is not None or replaced:
        return make_anew(source, output, profile, change, **replaced)
    good = make_good(source, output.suffix, profile)
    for file in good.parent.iterdir():
        shutil.copy(file, output.with_name(output.name + file.name.removeprefix(good.name)))
    return output


@cache
def make_good(source: Path, suffix: str, profile: str | None) -> Path:
    """Write what geosal would write, once, into a folder beside its source."""
    folder = source.parent / f"good-{profile}{suffix}"
    folder.mkdir()
    return make_anew(source, folder / f"good{suffix}", profile)


def make_anew(
    source: Path, output: Path, profile: str | None = None, change: Change | None = None, **replaced: Any
) -> Path:
    """Write it now."""
    scene = Scene.open(str(source))
    layout = scene.layout
    chosen = resolve_profile(str(output), profile, {}, layout)
    fields = {name: replaced.get(name, getattr(layout, name)) for name in ("grid", "dtype", "nodata", "metadata")}
    layout = type(layout)(has_mask=replaced.get("has_mask", chosen.needs_mask(layout)), **fields)
    whole = scene.grid.whole()
    pixels, valid, _ = scene.read(whole)
    levels = Ladder().levels(saliency_of(source).read(whole))
    pixels = smooth_block(pixels, levels, valid, Ladder(), SampleRules(scene.layout.nodata, scene.layout.alpha))
    salient = levels == 0
    if change is not None:
        change(pixels, salient & valid.all(axis=0))
    stage_path = output.with_name("stage.tif")
    with Stage(stage_path, layout) as stage:
        stage.write(Block(0, 0, *SHAPE), pixels, np.asarray(valid.any(axis=0)) if layout.has_mask else None)
        stage.finish(replaced.get("tags", PROVENANCE), None)
    convert(stage_path, output, chosen, layout)
    stage_path.unlink()
    return output


def write(scene: Scene, output: Path, mask: NDArray[np.bool_] | None = None) -> Path:
    """Write a scene as it is, perhaps with another mask."""
    samples = scene.read(scene.grid.whole())
    stage_path = output.with_name("stage.tif")
    with Stage(stage_path, scene.layout) as stage:
        stage.write(scene.grid.whole(), samples.pixels, samples.mask if mask is None else mask)
        stage.finish(AS_IT_WAS, None)
    convert(stage_path, output, resolve_profile(str(output), None, {}, scene.layout), scene.layout)
    stage_path.unlink()
    return output


def failed(output: Path, source: Path | None, *, salient: bool = True) -> dict[str, str]:
    """Names and details of the checks that do not hold."""
    saliency = saliency_of(source) if source is not None and salient else None
    checks = verify(str(output), against=str(source) if source else None, saliency=saliency)
    return {check.name: check.detail for check in checks if not check.ok}


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
    assert found == {"salient": "1 samples of saliency 1 differ, the first at band 2, row 450, column 333"}


def test_one_smoothed_sample_off_by_one(source: Path, tmp_path: Path) -> None:
    def change(pixels: NDArray[Any], _: NDArray[np.bool_]) -> None:
        pixels[1, 450, 700] += 1

    found = failed(make(source, tmp_path / "out.tif", change=change), source)
    assert list(found) == ["smoothed"]
    assert "1 samples are off" in found["smoothed"]
    assert "band 2, row 450, column 700" in found["smoothed"]


def test_an_invalid_sample_that_changed_and_a_valid_one_that_became_nodata(source: Path, tmp_path: Path) -> None:
    def change(pixels: NDArray[Any], _: NDArray[np.bool_]) -> None:
        pixels[0, 5, 7] = 1
        pixels[2, 400, 700] = 0

    found = failed(make(source, tmp_path / "out.tif", change=change), source, salient=False)
    assert list(found) == ["invalid"]
    assert "1 invalid samples were changed, the first at band 1, row 5, column 7" in found["invalid"]
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
    with pytest.raises(VerificationError, match="opens"):
        raise_if_failed((check,), str(output))


def test_another_format(tmp_path: Path) -> None:
    with rasterio.open(tmp_path / "out.png", "w", driver="PNG", width=9, height=9, count=1, dtype="uint8") as dataset:
        dataset.write(np.ones((1, 9, 9), "uint8"))
    assert failed(tmp_path / "out.png", None) == {"opens": "is PNG; geosal writes COG, JPEG2000, JPEG and Zarr"}


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
        "mask": f"{50 * (SHAPE[1] - 70)} pixels of the mask were changed, the first at band 1, row 0, column 70"
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

    @pytest.fixture(scope="class")
    def once_good(self, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """A COG of three levels and a mask, all of whose images have several tiles but the last; `in.tif` beside it."""
        folder = tmp_path_factory.mktemp("good")
        pixels = np.random.default_rng(0).integers(1, 250, (1, 1500, 1100)).astype("uint8")
        source = write_source(folder / "in.tif", pixels, height=1500, width=1100)
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(source, "r+") as dataset:
            dataset.write_mask(pixels[0] > 30)
        output = write(Scene.open(str(source)), folder / "good.tif")
        assert self.faults(output) == ""
        return output

    @pytest.fixture
    def good(self, once_good: Path, tmp_path: Path) -> Path:
        """A copy that may be changed."""
        for file in once_good.parent.iterdir():
            shutil.copy(file, tmp_path)
        return tmp_path / "good.tif"

    @staticmethod
    def faults(output: Path) -> str:
        try:
            verify_structure(output, Scene.open(str(output.with_name("in.tif"))).layout, "out")
        except VerificationError as error:
            return str(error)
        return ""

    @pytest.mark.parametrize("page", range(6))
    @pytest.mark.parametrize("tag", ["TileOffsets", "TileByteCounts"])
    def test_a_missing_tile_of_any_image(self, good: Path, page: int, tag: str) -> None:
        name = ["", "mask, ", "overview 1, ", "overview 2, ", "overview 1 mask, ", "overview 2 mask, "][page]
        patch(good, page, tag, -1, 0)
        assert re.search(rf"(\(|; ){name}tile \d, \d of band 1 is missing", self.faults(good))
        assert "is missing" in failed(good, None)["complete"]

    @pytest.mark.parametrize("page", range(6))
    def test_tiles_that_lie_in_each_other_or_beyond_the_end(self, good: Path, page: int) -> None:
        kept = good.read_bytes()
        patch(good, page, "TileByteCounts", 0, 10**7)
        assert "tile 0, 0 of band 1 is cut off" in self.faults(good)
        good.write_bytes(kept)
        patch(good, page, "TileOffsets", -1, len(kept) - 3)
        assert "is cut off" in self.faults(good)

    @pytest.mark.parametrize(("shift", "message"), [(-4, "not led by its size"), (0, "not followed by its last bytes")])
    def test_a_tile_without_its_frame(self, good: Path, shift: int, message: str) -> None:
        with tifffile.TiffFile(good) as tiff:
            page = tiff.pages[2]
            begin = page.dataoffsets[0] + (shift or page.databytecounts[0])
        overwrite(good, begin, b"\xaa\x55\xaa\x55")
        assert f"overview 1, tile 0, 0 of band 1 is {message}" in self.faults(good)

    @pytest.mark.parametrize("page", [3, 5], ids=["image", "mask"])
    def test_a_damaged_thumbnail(self, good: Path, page: int) -> None:
        with tifffile.TiffFile(good) as tiff:
            begin = tiff.pages[page].dataoffsets[0]
        overwrite(good, begin, b"\xff" * 100)
        assert "overview 2, " in self.faults(good)

    def test_a_cog_that_was_changed_later(self, good: Path) -> None:
        with rasterio.open(good, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
            dataset.write(dataset.read(1)[::-1], 1)
        assert "GDAL does not read its layout as COG" in self.faults(good)

    def test_overviews_that_end_too_early(self, good: Path) -> None:
        rasterio.shutil.copy(good, good.with_name("short.tif"), driver="COG", OVERVIEW_COUNT="1")
        assert "overviews reach 1:2 only, 750 px, a tile has 512" in self.faults(good.with_name("short.tif"))

    def test_overviews_beside_the_file_do_not_count(self, good: Path) -> None:
        bare = good.with_name("bare.tif")
        rasterio.shutil.copy(good, bare, driver="COG", OVERVIEWS="NONE")
        with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(bare, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
            dataset.build_overviews([2, 4])
        assert bare.with_name("bare.tif.ovr").is_file()
        assert "overviews reach 1:1 only" in self.faults(bare)

    def test_overviews_added_to_a_tiff(self, good: Path) -> None:
        """Tiled, with all overviews, and yet no COG: directories and pixels stand in another order."""
        plain = good.with_name("plain.tif")
        rasterio.shutil.copy(good, plain, driver="GTiff", TILED="YES", BLOCKXSIZE="512", BLOCKYSIZE="512")
        with rasterio.open(plain, "r+") as dataset:
            dataset.build_overviews([2, 4])
        found = self.faults(plain)
        assert "GDAL does not read its layout as COG" in found
        assert "pixels stand before the last directory" in found
        assert "pixels of overviews do not stand before" in found

    def test_an_overview_of_another_size_or_kind(self, good: Path) -> None:
        kept = good.read_bytes()
        patch(good, 2, "ImageWidth", 0, 548)
        assert "overview 1 has 548 x 750 px, not half of the level above" in self.faults(good)
        good.write_bytes(kept)
        patch(good, 2, "NewSubfileType", 0, 0)
        assert "overview 1 has 550 x 750 px" in self.faults(good)

    def test_a_lost_mask(self, good: Path) -> None:
        with rasterio.open(good) as dataset:
            profile, pixels = dataset.profile, dataset.read()
        del profile["tiled"], profile["blockxsize"], profile["blockysize"], profile["interleave"]
        with rasterio.open(good.with_name("bare.tif"), "w", **profile | {"driver": "COG"}) as dataset:
            dataset.write(pixels)
        assert "the mask is lost" in self.faults(good.with_name("bare.tif"))

    @pytest.mark.parametrize("value", [8, 2**31, 192])
    def test_directories_that_lead_nowhere(self, good: Path, value: int) -> None:
        """Also into themselves: no endless loop, and no exception but ours."""
        data = good.read_bytes()
        (first,) = struct.unpack("<I", data[4:8])
        (count,) = struct.unpack("<H", data[first : first + 2])
        overwrite(good, first + 2 + 12 * count, struct.pack("<I", value))
        assert self.faults(good)

    @pytest.mark.parametrize("options", [{}, {"BIGTIFF": "YES"}, {"INTERLEAVE": "BAND"}, {"ENDIANNESS": "BIG"}])
    def test_directories_are_read_as_tifffile_reads_them(self, source: Path, tmp_path: Path, options: Any) -> None:
        copy = tmp_path / "copy.tif"
        rasterio.shutil.copy(source, copy, driver="GTiff", TILED="YES", COMPRESS="ZSTD", **options)
        with rasterio.open(copy, "r+") as dataset:
            dataset.build_overviews([2])
        found = read_directories(str(copy))
        with tifffile.TiffFile(copy) as tiff:
            expected = [
                (page.offset, page.shape[-2:] if page.planarconfig == 2 else page.shape[:2], page.dataoffsets)
                for page in tiff.pages
            ]
            assert [(one.begin, one.shape, tuple(one.offsets.tolist())) for one in found] == expected
            assert [tuple(one.sizes.tolist()) for one in found] == [page.databytecounts for page in tiff.pages]
        assert list(tile_faults(str(copy), found)) == []

    @pytest.mark.parametrize("page", [0, 1])
    def test_deflate_that_is_not_what_its_checksum_says(self, good: Path, tmp_path: Path, page: int) -> None:
        copy = tmp_path / "deflate.tif"
        with rasterio.open(good) as dataset:
            rasterio.shutil.copy(dataset, copy, driver="GTiff", TILED="YES", COMPRESS="DEFLATE")
        with rasterio.open(copy, "r+") as dataset:
            dataset.build_overviews([2])
        assert list(checksum_faults(str(copy), read_directories(str(copy)))) == []
        with tifffile.TiffFile(copy) as tiff:
            place, size = tiff.pages[page].dataoffsets[0], tiff.pages[page].databytecounts[0]
            named = "overview 1" if tiff.pages[page].is_reduced else "mask" if tiff.pages[page].is_mask else ""
        overwrite(copy, place + size - 4, b"\0\1\2\3")
        (told,) = checksum_faults(str(copy), read_directories(str(copy)))
        assert told.startswith(named)
        assert re.search(r"tile 0, 0 of band 1 is damaged \(.*incorrect data check", told)
        (check,) = (one for one in verify(str(copy)) if one.name == "complete")
        assert not check.ok

    def test_no_raster(self, source: Path, tmp_path: Path) -> None:
        (tmp_path / "out.tif").write_bytes(b"")
        with pytest.raises(VerificationError, match="cannot be read back"):
            verify_structure(tmp_path / "out.tif", Scene.open(str(source)).layout)


def patch(path: Path, page: int, tag: str, index: int, value: int) -> None:
    """Change one number of a TIFF's directory in place; tifffile finds it."""
    with tifffile.TiffFile(path) as tiff:
        entry = tiff.pages[page].tags[tag]
        size = {3: 2, 4: 4}[entry.dtype]
        overwrite(path, entry.valueoffset + (index % entry.count) * size, value.to_bytes(size, "little"))


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def test_failures_are_told_in_one_line() -> None:
    checks = (Check("a", ok=True), Check("b", ok=False, detail="x"), Check("c", ok=False, detail="y"))
    with pytest.raises(
        VerificationError, match=r"out.tif: does not hold what was promised: b \(x\); c \(y\)"
    ) as caught:
        raise_if_failed(checks, "out.tif")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 6


def test_a_scene_read_in_another_way_is_told_how_to_be_read() -> None:
    with pytest.raises(VerificationError, match=r"read the scene as the job did \(its --bidx, --bands") as caught:
        raise_if_failed((Check("bands", ok=False, detail="3 bands, not 4"),), "out.tif")
    assert str(caught.value).endswith("or write it again")
    with pytest.raises(VerificationError, match=r"\(x\); write it again"):
        raise_if_failed((Check("salient", ok=False, detail="x"),), "out.tif")


def test_that_nothing_had_to_stay_is_told(source: Path, tmp_path: Path) -> None:
    output = make(source, tmp_path / "out.tif")
    details = {
        text: {check.name: check.detail for check in verify(str(output), against=str(source), saliency=text)}["salient"]
        for text in ("uniform:saliency=0.8", "grid")
    }
    assert details["uniform:saliency=0.8"] == "no pixel has saliency 1, so none had to stay"
    assert details["grid"] != details["uniform:saliency=0.8"]
