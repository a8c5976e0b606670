"""Defects planted in files of the main job, for every format: each is found by its own check, and exits with 6.

What is wrong with pixels or metadata is planted in the scene: the file made of the bad scene is held against the good
one, so nothing depends on how a format could be patched. What is wrong with a file is done to the file.
"""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rasterio
import rasterio.shutil
import tifffile
import zarr
from affine import Affine
from click.testing import CliRunner
from numpy.typing import NDArray
from stores import store_of

import geosal
from geosal.cli.main import geosal as command
from geosal.errors import VerificationError

SALIENCY = "half"
FORMATS = "cog", "jp2", "zarr"
SUFFIX = {"cog": ".tif", "jp2": ".jp2", "zarr": ".zarr"}
SALIENT, SMOOTHED, NODATA = (400, 300), (400, 700), (10, 5)
"""Places (row, column) in the left half, in the right half, and in the wedge."""
Change = Callable[[rasterio.io.DatasetWriter, NDArray[Any]], None]


def changed(scene: Path, folder: Path, change: Change) -> Path:
    """Copy a scene with something changed in it."""
    copy = folder / "bad.tif"
    shutil.copy(scene, copy)
    with rasterio.open(copy, "r+") as dataset:
        pixels = dataset.read()
        change(dataset, pixels)
        dataset.write(pixels)
    return copy


def compress(scene: Path, output: Path, **options: Any) -> Path:
    geosal.compress(str(scene), str(output), saliency=SALIENCY, **options)
    return output


def failed(output: Path, scene: Path, *, saliency: str | None = SALIENCY) -> dict[str, str]:
    """Checks that `geosal verify` says do not hold, and what it says; its exit code is held to them."""
    words = ["verify", str(output), "--against", str(scene), "--json", "-", *(["-s", saliency] if saliency else [])]
    outcome = CliRunner().invoke(command, words)
    report = json.loads(outcome.stdout)
    faults = {check["name"]: check["detail"] for check in report["checks"] if not check["ok"]}
    assert outcome.exit_code == (VerificationError.exit_code if faults else 0), outcome.output
    assert report["ok"] == (not faults)
    return faults


@pytest.fixture(params=FORMATS)
def suffix(request: pytest.FixtureRequest) -> str:
    return SUFFIX[request.param]


def test_without_a_defect_nothing_is_found(uint16_scene: Path, tmp_path: Path, suffix: str) -> None:
    assert failed(compress(uint16_scene, tmp_path / f"out{suffix}"), uint16_scene) == {}


class TestScene:
    """Of another scene than the one it is held against."""

    @pytest.mark.parametrize(("band", "by"), [(0, 1), (2, -1)])
    def test_one_salient_sample_off_by_one(
        self, uint16_scene: Path, tmp_path: Path, suffix: str, band: int, by: int
    ) -> None:
        def change(_: Any, pixels: NDArray[Any]) -> None:
            pixels[band, *SALIENT] = int(pixels[band, *SALIENT]) + by

        output = compress(changed(uint16_scene, tmp_path, change), tmp_path / f"out{suffix}")
        faults = failed(output, uint16_scene)
        assert set(faults) == {"salient"}
        assert f"1 sample of saliency 1 changed, the first at band {band + 1}, row 400, column 300" in faults["salient"]

    def test_a_nodata_sample_that_became_valid(self, uint16_scene: Path, tmp_path: Path, suffix: str) -> None:
        def change(_: Any, pixels: NDArray[Any]) -> None:
            pixels[1, *NODATA] = 1

        output = compress(changed(uint16_scene, tmp_path, change), tmp_path / f"out{suffix}")
        for saliency in (SALIENCY, None):
            assert "row 10, column 5" in failed(output, uint16_scene, saliency=saliency)["invalid"]

    def test_a_valid_sample_that_became_nodata(self, uint16_scene: Path, tmp_path: Path, suffix: str) -> None:
        def change(_: Any, pixels: NDArray[Any]) -> None:
            pixels[1, *SMOOTHED] = 0

        output = compress(changed(uint16_scene, tmp_path, change), tmp_path / f"out{suffix}")
        assert "row 400, column 700" in failed(output, uint16_scene, saliency=None)["invalid"]

    @pytest.mark.parametrize(
        ("check", "change", "says"),
        [
            ("georeferenced", lambda d, _: setattr(d, "transform", d.transform * Affine.translation(0.01, 0)), "trans"),
            ("georeferenced", lambda d, _: setattr(d, "transform", d.transform * Affine.scale(1.00001)), "transform"),
            ("georeferenced", lambda d, _: setattr(d, "crs", "EPSG:32632"), "CRS EPSG:32632, not EPSG:32631"),
            ("bands", lambda d, _: setattr(d, "nodata", None), "nodata None, not 0"),
            ("bands", lambda d, _: d.set_band_description(2, ""), "band 2 has description None, not B03"),
            ("bands", lambda d, _: setattr(d, "scales", (2, 2, 2)), "band 2 has scale 2"),
            ("bands", lambda d, _: d.set_band_unit(3, "K"), "band 3 has unit K, not None"),
            ("tags", lambda d, _: d.update_tags(SCENE=""), "tag SCENE"),
            ("tags", lambda d, _: d.update_tags(1, wavelength="664 nm"), "band 1 tag wavelength is '664 nm'"),
            ("tags", lambda d, _: d.update_tags(ns="PROVENANCE", made_by="x"), "tag PROVENANCE:made_by is 'x'"),
        ],
    )
    def test_other_metadata(
        self, small_scene: Path, tmp_path: Path, suffix: str, check: str, change: Change, says: str
    ) -> None:
        output = compress(changed(small_scene, tmp_path, change), tmp_path / f"out{suffix}")
        assert says in failed(output, small_scene)[check]

    @pytest.mark.parametrize("treatment", [["bound:error=32"], ["smooth", "bound:error=32"]])
    def test_a_sample_beyond_its_bound(
        self, uint16_scene: Path, tmp_path: Path, suffix: str, treatment: list[str]
    ) -> None:
        """Of level 8 and off by more than 32 in any case: 65 less the 32 that the bound allows."""

        def change(_: Any, pixels: NDArray[Any]) -> None:
            row, col = SMOOTHED
            pixels[0, row - 8 : row + 9, col - 8 : col + 9] += 65

        good = compress(uint16_scene, tmp_path / f"good{suffix}", treatment=treatment)
        assert failed(good, uint16_scene) == {}
        output = compress(changed(uint16_scene, tmp_path, change), tmp_path / f"out{suffix}", treatment=treatment)
        faults = failed(output, uint16_scene)
        assert set(faults) == {"bound"}
        assert "off by more than the level allows" in faults["bound"]


def test_one_sample_one_more_than_its_bound(uint16_scene: Path, tmp_path: Path) -> None:
    """By the file itself, so that it is off by just one more than allowed."""
    for by, faults in ((32, set()), (33, {"bound"})):
        output = compress(uint16_scene, tmp_path / f"{by}.zarr", treatment="bound:error=32")
        with rasterio.open(uint16_scene) as dataset:
            value = int(dataset.read(1)[SMOOTHED])
        zarr.open_group(output, mode="r+", zarr_format=3)["image"][0, *SMOOTHED] = value + by
        assert set(failed(output, uint16_scene)) == faults


TREATED = {"GEOSAL_TREATMENT", "GEOSAL_LADDER", "GEOSAL_EFFECTIVE_KERNEL", "GEOSAL_VERSION"}


@pytest.mark.parametrize("tag", sorted(TREATED))
def test_a_lost_tag_of_our_own(small_scene: Path, tmp_path: Path, tag: str) -> None:
    """Without it another promise would be checked than was made."""
    output = compress(small_scene, tmp_path / "out.jp2", treatment="bound:error=32")
    sidecar = output.with_name("out.jp2.aux.xml")
    text = sidecar.read_text()
    sidecar.write_text(re.sub(f' *<MDI key="{tag}">[^<]*</MDI>\n', "", text))
    assert sidecar.read_text() != text
    assert failed(output, small_scene)["provenance"] == f"no {tag} tag"


def test_lerc_keeps_its_largest_error_where_saliency_is_1(uint16_scene: Path, tmp_path: Path) -> None:
    def change(_: Any, pixels: NDArray[Any]) -> None:
        pixels[0, *SALIENT] = int(pixels[0, *SALIENT]) + 17

    options: dict[str, Any] = {"profile": "lerc", "creation_options": {"MAX_Z_ERROR": "8"}}
    assert failed(compress(uint16_scene, tmp_path / "good.tif", **options), uint16_scene) == {}
    faults = failed(compress(changed(uint16_scene, tmp_path, change), tmp_path / "out.tif", **options), uint16_scene)
    assert set(faults) == {"salient"}
    assert faults["salient"].endswith("row 400, column 300, by more than MAX_Z_ERROR=8")


class TestCog:
    @pytest.fixture(scope="class")
    def made(self, uint16_scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return compress(uint16_scene, tmp_path_factory.mktemp("cog") / "out.tif", creation_options={"BLOCKSIZE": "128"})

    @pytest.fixture
    def output(self, made: Path, tmp_path: Path) -> Path:
        return Path(shutil.copy(made, tmp_path))

    @pytest.mark.parametrize("count", ["NONE", "1", "2"])
    def test_missing_overviews(self, output: Path, uint16_scene: Path, count: str) -> None:
        options = {"OVERVIEWS": "NONE"} if count == "NONE" else {"OVERVIEW_COUNT": count}
        bad = output.with_name("bad.tif")
        rasterio.shutil.copy(output, bad, driver="COG", BLOCKSIZE="128", **options)
        assert "overviews reach 1:" in failed(bad, uint16_scene)["layout"]

    @pytest.mark.parametrize("cut", [1, 3, 40, 0.999, 0.5, 0.1])
    def test_a_cut_file(self, output: Path, uint16_scene: Path, cut: float) -> None:
        data = output.read_bytes()
        output.write_bytes(data[:-cut] if isinstance(cut, int) else data[: int(cut * len(data))])
        assert {"complete", "opens"} & set(failed(output, uint16_scene))

    def test_a_mask_without_its_overview(self, uint16_scene: Path, tmp_path: Path) -> None:
        """The last directory is cut off the list: the image has all its overviews still."""
        with rasterio.open(uint16_scene) as dataset:
            pixels, profile = dataset.read(), dataset.profile | {"nodata": None}
        masked = tmp_path / "masked.tif"
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(masked, "w", **profile) as dataset:
            dataset.write(pixels)
            dataset.write_mask(pixels[0] > 0)
        output = compress(masked, tmp_path / "masked-out.tif", creation_options={"BLOCKSIZE": "512"})
        assert failed(output, masked) == {}
        with tifffile.TiffFile(output) as tiff:
            pages = list(tiff.pages)
            assert [page.is_mask for page in pages].count(True) == 2
            last, before = pages[-1], pages[-2]
            data = output.read_bytes()
            count = int.from_bytes(data[before.offset : before.offset + 2], "little")
        place = before.offset + 2 + 12 * count
        assert int.from_bytes(data[place : place + 4], "little") == last.offset
        output.write_bytes(data[:place] + bytes(4) + data[place + 4 :])
        assert "masks do not fit its" in failed(output, masked)["layout"]


class TestJpeg2000:
    @pytest.fixture(scope="class")
    def made(self, uint16_scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        options = {"BLOCKXSIZE": "256", "BLOCKYSIZE": "256"}
        return compress(uint16_scene, tmp_path_factory.mktemp("jp2") / "out.jp2", creation_options=options)

    @pytest.fixture
    def output(self, made: Path, tmp_path: Path) -> Path:
        shutil.copy(f"{made}.aux.xml", tmp_path)
        return Path(shutil.copy(made, tmp_path))

    def test_a_lost_sidecar(self, output: Path, uint16_scene: Path) -> None:
        output.with_name("out.jp2.aux.xml").unlink()
        faults = failed(output, uint16_scene)
        assert {"sidecar", "provenance", "bands", "tags"} <= set(faults)

    @pytest.mark.parametrize("content", ["", "<PAMDataset>\n", "<PAMDataset></PAMDataset>"])
    def test_a_damaged_sidecar(self, output: Path, uint16_scene: Path, content: str) -> None:
        output.with_name("out.jp2.aux.xml").write_text(content)
        assert {"provenance", "bands", "tags"} <= set(failed(output, uint16_scene))

    @pytest.fixture(scope="class", params=["jp2-lossless", "jp2"])
    def masked(
        self, request: pytest.FixtureRequest, uint16_scene: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> tuple[Path, Path]:
        """Scene and output, which has the mask of the scene, or that of a lossy codec in the stead of nodata."""
        scene, folder = uint16_scene, tmp_path_factory.mktemp("masked")
        if request.param == "jp2-lossless":
            scene = changed(uint16_scene, folder, lambda d, _: setattr(d, "nodata", None))
            with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(scene, "r+") as dataset:
                dataset.write_mask(dataset.read(1) > 0)
        output = compress(scene, folder / "out.jp2", profile=request.param)
        assert failed(output, scene) == {}
        return scene, output

    @pytest.mark.parametrize("kept", [None, 0, 8, 100, -400])
    def test_a_lost_or_cut_mask(self, masked: tuple[Path, Path], tmp_path: Path, kept: int | None) -> None:
        scene, made = masked
        for name in ("out.jp2", "out.jp2.msk", "out.jp2.aux.xml"):
            shutil.copy2(made.with_name(name), tmp_path)
        output, mask = tmp_path / "out.jp2", tmp_path / "out.jp2.msk"
        if kept is None:
            mask.unlink()
            assert failed(output, scene)
            return
        mask.write_bytes(mask.read_bytes()[:kept])
        assert {"opens", "complete"} & {check.name for check in geosal.verify(str(output)) if not check.ok}

    @pytest.mark.parametrize("cut", [1, 2, 40, 0.999, 0.5, 0.1])
    def test_a_cut_file(self, output: Path, uint16_scene: Path, cut: float) -> None:
        data = output.read_bytes()
        output.write_bytes(data[:-cut] if isinstance(cut, int) else data[: int(cut * len(data))])
        assert {"complete", "opens"} & set(failed(output, uint16_scene))

    @pytest.mark.parametrize("which", [0, 4, -1])
    def test_a_lost_tile(self, output: Path, uint16_scene: Path, which: int) -> None:
        """A tile-part cut out whole, so that the rest is a good codestream."""
        data = output.read_bytes()
        parts = [match.start() for match in re.finditer(b"\xff\x90\x00\x0a", data)]
        begin = parts[which]
        length = int.from_bytes(data[begin + 6 : begin + 10], "big")
        output.write_bytes(data[:begin] + data[begin + length :])
        assert "complete" in failed(output, uint16_scene)

    def test_missing_overviews(self, output: Path, uint16_scene: Path) -> None:
        """Its overviews are the resolutions of the codestream."""
        bad = output.with_name("bad.jp2")
        options = {"REVERSIBLE": "YES", "QUALITY": "100", "YCBCR420": "NO", "RESOLUTIONS": "1"}
        rasterio.shutil.copy(output, bad, driver="JP2OpenJPEG", BLOCKXSIZE="256", BLOCKYSIZE="256", **options)
        assert failed(bad, uint16_scene)["layout"] == "overviews reach 1:1 only, 780 px, a thumbnail has 512"


class TestZarr:
    @pytest.fixture(scope="class")
    def made(self, uint16_scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return store_of(tmp_path_factory.mktemp("zarr") / "out.zarr", uint16_scene, tile=128)

    @pytest.fixture
    def output(self, made: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(made, tmp_path / "out.zarr"))

    def test_a_missing_overview(self, output: Path, uint16_scene: Path) -> None:
        shutil.rmtree(output / "ovr_2x")
        assert {"complete", "layout"} & set(failed(output, uint16_scene))

    @pytest.mark.parametrize("cut", [1, 0.5, 1.0])
    @pytest.mark.parametrize("chunk", ["image/0/0/3", "image/2/4/6", "ovr_2x/image/1/1/1"])
    def test_a_cut_chunk(self, output: Path, uint16_scene: Path, chunk: str, cut: float) -> None:
        data = (output / chunk).read_bytes()
        (output / chunk).write_bytes(data[:-cut] if isinstance(cut, int) else data[: int((1 - cut) * len(data))])
        assert "complete" in failed(output, uint16_scene)

    def test_chunks_that_were_exchanged(self, output: Path, uint16_scene: Path) -> None:
        first, second = output / "image/0/4/1", output / "image/0/4/2"
        data = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(data)
        assert "salient" in failed(output, uint16_scene)

    @pytest.mark.parametrize(
        "name", ["zarr.json", "image/zarr.json", "ovr_4x/image/zarr.json", "spatial_ref/zarr.json"]
    )
    @pytest.mark.parametrize("gone", [True, False])
    def test_lost_metadata(self, output: Path, uint16_scene: Path, name: str, gone: bool) -> None:
        if gone:
            (output / name).unlink()
        else:
            (output / name).write_text((output / name).read_text()[:-30])
        assert failed(output, uint16_scene)
