"""A job whose output is one JPEG file: by the command and from Python, held to what GDAL and Pillow read."""

import contextlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from click.testing import CliRunner
from PIL import Image
from rasterio.errors import RasterioIOError
from rasterio.transform import from_origin
from rasterio.windows import Window
from scipy.ndimage import gaussian_filter

import geosal
from geosal.cli.main import geosal as command
from geosal.core.grid import Block
from geosal.errors import GeosalWarning, OutputError, TargetError, UsageError
from geosal.formats.jpeg import first
from geosal.formats.jpeg import tiles as encoding
from geosal.sources import Saliency

HEIGHT, WIDTH = 587, 773
STRICT = {"GDAL_ERROR_ON_LIBJPEG_WARNING": True}
PLAIN: dict[str, Any] = {"creation_options": {"QUALITY": "75"}}
"""Options without a size to search for."""


def write(path: Path, bands: int, *, alpha: bool = False, nodata: float | None = None) -> Path:
    """A scene whose size is no multiple of anything."""
    noise = np.random.default_rng(3).normal(size=(HEIGHT, WIDTH))
    grey = gaussian_filter(noise, 2) * 300 + gaussian_filter(noise, 30) * 2000 + 120
    pixels = np.clip(np.stack([grey + 5 * band for band in range(bands)]), 1, 254).astype(np.uint8)
    wedge = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) < 300
    if nodata is not None:
        pixels[:, wedge] = nodata
    if alpha:
        pixels[-1] = np.where(wedge, 0, 255)
    with rasterio.open(
        path, "w", driver="GTiff", height=HEIGHT, width=WIDTH, count=bands, dtype="uint8", crs="EPSG:32632",
        nodata=nodata, transform=from_origin(500000, 4000000, 10, 10), photometric="RGB" if bands > 1 else "MINISBLACK",
        **({"alpha": "YES"} if alpha else {}),
    ) as dataset:  # fmt: skip
        dataset.write(pixels)
        dataset.update_tags(MADE_BY="test")
        dataset.update_tags(ns="OWN", KEY="value")
        dataset.set_band_description(1, "first")
    return path


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("scenes")
    return {
        "rgb": write(folder / "rgb.tif", 3),
        "grey": write(folder / "grey.tif", 1),
        "rgba": write(folder / "rgba.tif", 4, alpha=True),
        "nodata": write(folder / "nodata.tif", 3, nodata=0),
    }


@pytest.fixture(scope="module")
def sound(scenes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a JPEG of the scene with nodata, to copy and to break."""
    folder = tmp_path_factory.mktemp("sound")
    compress(scenes["nodata"], folder / "out.jpg", **PLAIN)
    return folder


def compress(scene: Path, output: Path, **options: Any) -> geosal.Summary:
    return geosal.compress(str(scene), str(output), **{"saliency": "half", **options})


def run(*words: object) -> Any:
    return CliRunner().invoke(command, [str(word) for word in words])


@pytest.mark.parametrize("kind", ["rgb", "grey", "rgba", "nodata"])
@pytest.mark.parametrize("treatment", [None, "twopass", "smooth"])
def test_gdal_and_pillow_read_it_as_the_scene(
    scenes: dict[str, Path], tmp_path: Path, kind: str, treatment: str | None
) -> None:
    out = tmp_path / "out.jpg"
    more = () if treatment is None else ("--treatment", treatment)
    result = run("compress", scenes[kind], out, "-s", "half", "--co", "QUALITY=90", *more, "--json", "-")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["treatment"].startswith(treatment or "quality")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jgw", "out.jpg", "out.jpg.aux.xml"]
    with rasterio.Env(**STRICT), rasterio.open(scenes[kind]) as source, rasterio.open(out) as found:
        assert found.driver == "JPEG"
        assert (found.crs, found.transform, found.shape) == (source.crs, source.transform, source.shape)
        assert found.count == (1 if kind == "grey" else 3)
        assert found.descriptions[0] == "first"
        assert found.tags()["MADE_BY"] == "test"
        assert found.tags(ns="OWN") == {"KEY": "value"}
        assert (found.dataset_mask() == source.dataset_mask()).all()
        valid = source.dataset_mask()[:, : WIDTH // 2 - 20] > 0
        salient = found.read()[..., : WIDTH // 2 - 20][:, valid].astype(float)
        least = 30 if treatment == "twopass" else 36
        error = salient - source.read(found.indexes)[..., : WIDTH // 2 - 20][:, valid]
        assert 20 * np.log10(255) - 10 * np.log10((error**2).mean()) > least
    with Image.open(out) as picture:
        picture.load()
        assert picture.size == (WIDTH, HEIGHT)
    checks = run("verify", out, "--against", scenes[kind], "-s", "half")
    assert checks.exit_code == 0, checks.output


def test_metadata_are_those_of_gdals_own_jpeg(scenes: dict[str, Path], tmp_path: Path) -> None:
    compress(scenes["rgb"], tmp_path / "out.jpg", **PLAIN)
    rasterio.shutil.copy(scenes["rgb"], tmp_path / "gdal.jpg", driver="JPEG", WORLDFILE="YES")
    with rasterio.open(tmp_path / "out.jpg") as ours, rasterio.open(tmp_path / "gdal.jpg") as theirs:
        assert ours.profile == theirs.profile
        assert (ours.descriptions, ours.colorinterp) == (theirs.descriptions, theirs.colorinterp)
        assert {key: text for key, text in ours.tags().items() if not key.startswith("GEOSAL_")} == theirs.tags()
        assert ours.tags(1) == theirs.tags(1)
    numbers = [list(map(float, (tmp_path / name).read_text().split())) for name in ("out.jgw", "gdal.wld")]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("treatment", ["quality", "twopass", "smooth"])
def test_blocks_workers_and_processes_change_no_byte(scenes: dict[str, Path], tmp_path: Path, treatment: str) -> None:
    made = []
    for options in ({}, {"block": 64, "workers": 3}, {"block": 512, "workers": 1}, {"scheduler": "processes"}):
        compress(
            scenes["nodata"], tmp_path / "out.jpg", treatment=treatment, creation_options={"QUALITY": "80"},
            overwrite=True, **options,
        )  # fmt: skip
        made.append((tmp_path / "out.jpg").read_bytes())
    assert all(one == made[0] for one in made)


@pytest.mark.parametrize("treatment", ["quality", "twopass"])
@pytest.mark.parametrize("kind", ["rgb", "nodata"])
def test_it_takes_the_bytes_of_a_plain_jpeg(scenes: dict[str, Path], tmp_path: Path, treatment: str, kind: str) -> None:
    summary = compress(scenes[kind], tmp_path / "out.jpg", treatment=treatment, target_jpeg=50)
    plain = summary.search["plain_bytes"]
    assert summary.search["asked"] == "--target-jpeg 50"
    assert summary.bytes == (tmp_path / "out.jpg").stat().st_size == pytest.approx(plain, rel=0.01)
    assert summary.search["encodes"] <= 2
    if kind == "rgb":  # libjpeg's own, with the best Huffman tables and GDAL's sampling
        with rasterio.open(scenes[kind]) as source:
            picture = Image.fromarray(np.moveaxis(source.read(), 0, -1))
        picture.save(tmp_path / "theirs.jpg", quality=50, optimize=True, subsampling="4:2:0")
        assert plain == pytest.approx((tmp_path / "theirs.jpg").stat().st_size, rel=0.02)


def test_without_a_word_it_is_as_large_as_quality_75(scenes: dict[str, Path], tmp_path: Path) -> None:
    summary = compress(scenes["grey"], tmp_path / "out.jpeg")
    assert (summary.driver, summary.search["asked"]) == ("JPEG", "--target-jpeg 75")
    assert summary.treatment.startswith("quality:")
    assert (tmp_path / "out.jgw").exists()


def test_a_limit_of_bytes(scenes: dict[str, Path], tmp_path: Path) -> None:
    summary = compress(scenes["rgb"], tmp_path / "out.jpg", target_size=28_000)
    assert 0.99 * 28_000 <= summary.bytes <= 28_000
    with pytest.raises(TargetError):
        compress(scenes["rgb"], tmp_path / "less.jpg", target_size=500)
    assert not (tmp_path / "less.jpg").exists()


@pytest.mark.parametrize(
    ("treatment", "asked", "mend"),
    [("quality:low=80,high=90", 20, "a higher quality"), ("quality:low=10,high=20", 90, "a lower quality")],
)
def test_out_of_reach_another_quality_is_the_mend(
    scenes: dict[str, Path], tmp_path: Path, treatment: str, asked: float, mend: str
) -> None:
    options = {"treatment": treatment} if asked > 50 else {"creation_options": {"QUALITY": "90"}}
    with pytest.raises(TargetError, match=f"give --target-jpeg {mend}, or use another --treatment"):
        compress(scenes["rgb"], tmp_path / "out.jpg", target_jpeg=asked, **options)


def test_the_usual_size_is_no_condition(scenes: dict[str, Path], tmp_path: Path) -> None:
    """Nobody has asked for it: what comes closest will do."""
    with pytest.warns(GeosalWarning, match="a plain JPEG of quality 75"):
        summary = compress(scenes["rgb"], tmp_path / "out.jpg", treatment="twopass:high=1")
    assert summary.bytes < 0.98 * summary.search["plain_bytes"]
    with pytest.raises(TargetError):
        compress(scenes["rgb"], tmp_path / "other.jpg", treatment="twopass:high=1", target_jpeg=75)


@pytest.mark.parametrize("kind", ["rgb", "rgba"])
def test_trials_make_the_first_pass_once(
    scenes: dict[str, Path], tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sample is the scene: what its trials expect is what the file takes."""
    count, work = [], first.once_coded

    def watched(*arguments: Any) -> Any:
        count.append(1)
        return work(*arguments)

    monkeypatch.setattr(encoding, "once_coded", watched)
    summary = compress(scenes[kind], tmp_path / "out.jpg", treatment="twopass", target_jpeg=50)
    tiles = 2 * 2
    assert summary.search["trials"] > 3
    assert len(count) == (1 + summary.search["encodes"]) * tiles
    for made in summary.search["encoded"]:
        # But for the stuffed bytes, of which 1/256 are expected: 88 to 400 were found where those are 150 to 500.
        assert made["bytes"] == pytest.approx(made["predicted_bytes"], rel=2e-3)


@pytest.mark.parametrize("treatment", ["quality", "twopass", "smooth"])
def test_the_plain_jpeg_asks_for_no_saliency(
    scenes: dict[str, Path], tmp_path: Path, treatment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network takes longer than all else: it looks at a block once for the sample, and once for each encode."""
    read, blocks = Saliency.read_known, []

    def watched(self: Saliency, block: Block) -> Any:
        blocks.append(block)
        return read(self, block)

    monkeypatch.setattr(Saliency, "read_known", watched)
    monkeypatch.setattr(Saliency, "read_coded", lambda self, block: None)
    # Half of it is one block, and the sample makes four of all.
    out = tmp_path / "out.jpg"
    summary = compress(scenes["rgb"], out, treatment=treatment, target_jpeg=50, block=2048)
    assert summary.search["trials"] > 2
    whole = [block for block in blocks if block.shape == (HEIGHT, WIDTH)]
    pieces = [block for block in blocks if block.height > 64 and block not in whole]
    assert len(whole) == summary.search["encodes"]
    assert len(pieces) == len(set(pieces)) == 4


def test_estimates_are_near(scenes: dict[str, Path], tmp_path: Path) -> None:
    words = (scenes["rgb"], tmp_path / "out.jpg", "-s", "half", "--target-jpeg", "60")
    planned = json.loads(run("plan", *words, "--estimate", "--json", "-").stdout)
    made = json.loads(run("compress", *words, "--json", "-").stdout)
    assert planned["estimate"]["bytes"] == pytest.approx(made["bytes"], rel=0.02)
    assert planned["estimate"]["found"].startswith("--treatment quality:")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"treatment": ("quality", "twopass")}, "quality and twopass"),
        ({"treatment": ("twopass:low=80,high=20",)}, "low=80 is above high=20"),
        ({"treatment": ("bound",)}, "makes errors of its own"),
        ({"creation_options": {"SUBSAMPLING": "422"}}, "420, 444"),
        ({"creation_options": {"PROGRESSIVE": "YES"}}, "QUALITY, SUBSAMPLING, TABLES, WORLDFILE"),
        ({"target_jpeg": 101}, "1 to 100"),
        ({"target_jpeg": 50, "target_size": "1MB"}, "one of them"),
        ({"bidx": (1, 2)}, "cannot hold 2 bands"),
    ],
)
def test_refusals(scenes: dict[str, Path], tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        compress(scenes["rgb"], tmp_path / "out.jpg", **options)
    assert not list(tmp_path.iterdir())


def test_what_is_for_a_jpeg_only(scenes: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape("treatment twopass with profile jpeg: both passes")):
        compress(scenes["rgb"], tmp_path / "out.tif", profile="jpeg", treatment="twopass")
    with pytest.raises(UsageError, match=r"--target-jpeg 50: is for an output that ends in \.jpg"):
        compress(scenes["rgb"], tmp_path / "out.tif", profile="jpeg", target_jpeg=50)


def test_samples_of_16_bits_need_a_rule(uint16_scene: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--to-byte"):
        compress(uint16_scene, tmp_path / "out.jpg")
    compress(uint16_scene, tmp_path / "out.jpg", to_byte="percentile:2-98", **PLAIN)
    assert (tmp_path / "out.jpg").exists()


def test_a_jpeg_has_65500_columns_at_most(tmp_path: Path) -> None:
    wide = tmp_path / "wide.tif"
    profile = {"driver": "GTiff", "height": 16, "count": 3, "dtype": "uint8", "tiled": True, "sparse_ok": True}
    for width in (65500, 65501, 65536):
        with rasterio.open(wide, "w", width=width, **profile) as dataset:
            dataset.write(np.full((3, 16, 16), 7, np.uint8), window=Window(width - 16, 0, 16, 16))
        out, options = tmp_path / f"{width}.jpg", {"saliency": "uniform", "creation_options": {"QUALITY": "50"}}
        if width > 65500:
            with pytest.raises(
                UsageError, match=f"{width} x 16 px, and programs read JPEGs up to 65500 a side; write a COG"
            ):
                compress(wide, out, **options)
            continue
        with pytest.warns(GeosalWarning, match="no georeferencing"):
            compress(wide, out, **options)
        with rasterio.Env(**STRICT), rasterio.open(out) as dataset:
            found = dataset.read()
            assert found.shape == (3, 16, 65500)
            assert abs(found[..., -10:].astype(int) - 7).max() <= 3
    assert not (tmp_path / "65536.jpg").exists()


def test_a_mask_larger_than_its_image_is_found(tmp_path: Path) -> None:
    """GDAL looks for a mask only where it takes less than the image."""
    scene, out = tmp_path / "in.tif", tmp_path / "out.jpg"
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(
        scene, "w", driver="GTiff", height=300, width=301, count=1, dtype="uint8", crs="EPSG:32632",
        transform=from_origin(0, 0, 1, 1),
    ) as dataset:  # fmt: skip
        dataset.write(np.full((1, 300, 301), 100, np.uint8))
        dataset.write_mask(np.random.default_rng(0).random((300, 301)) > 0.5)
    compress(scene, out, creation_options={"QUALITY": "20"})
    with rasterio.Env(**STRICT), rasterio.open(scene) as source, rasterio.open(out) as found:
        assert (found.dataset_mask() == source.dataset_mask()).all()
        assert abs(found.read().astype(int) - 100).max() <= 8
    assert run("verify", out, "--against", scene).exit_code == 0


def test_no_world_file_where_none_is_wished(scenes: dict[str, Path], tmp_path: Path) -> None:
    compress(scenes["rgb"], tmp_path / "out.jpg", creation_options={"WORLDFILE": "NO", "QUALITY": "75"})
    assert not (tmp_path / "out.jgw").exists()
    assert run("verify", tmp_path / "out.jpg", "--against", scenes["rgb"]).exit_code == 0


def test_an_older_output_goes_with_all_that_lay_beside_it(scenes: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.jpg"
    rasterio.shutil.copy(scenes["rgb"], out, driver="JPEG", WORLDFILE="YES")
    for name in ("out.jpgw", "out.jpg.msk", "other.wld"):
        shutil.copy(tmp_path / "out.wld", tmp_path / name)
    with pytest.raises(OutputError, match="--overwrite"):
        compress(scenes["grey"], out, **PLAIN)
    compress(scenes["grey"], out, **PLAIN, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.wld", "out.jgw", "out.jpg", "out.jpg.aux.xml"]


def test_the_world_file_of_another_raster_stays(scenes: dict[str, Path], tmp_path: Path) -> None:
    for name in ("out.png", "out.wld"):
        (tmp_path / name).write_text("another's")
    compress(scenes["grey"], tmp_path / "out.jpg", **PLAIN)
    assert (tmp_path / "out.wld").read_text() == "another's"
    compress(scenes["grey"], tmp_path / "out.jpg", **PLAIN, overwrite=True)
    assert (tmp_path / "out.wld").read_text() == "another's"


def test_an_interruption_leaves_nothing(scenes: dict[str, Path], tmp_path: Path) -> None:
    def stop(progress: Any) -> None:
        if progress.stage == "verify":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compress(scenes["rgb"], tmp_path / "out.jpg", progress=stop, **PLAIN)
    assert not list(tmp_path.iterdir())


def _cut_off(out: Path) -> None:
    out.write_bytes(out.read_bytes()[: out.stat().st_size // 2])


def _segment_lost(out: Path) -> None:
    stream = out.read_bytes()
    first, second = stream.index(b"\xff\xd0"), stream.index(b"\xff\xd1")
    out.write_bytes(stream[:first] + stream[second:])


def _no_sidecar(out: Path) -> None:
    out.with_name("out.jpg.aux.xml").unlink()


def _no_world_file(out: Path) -> None:
    out.with_suffix(".jgw").unlink()


def _shifted(out: Path) -> None:
    world = out.with_suffix(".jgw")
    world.write_text(world.read_text().replace("500005.0", "500015.0"))


def _world_file_without_numbers(out: Path) -> None:
    out.with_suffix(".jgw").write_text("nan\n" * 6)


def _bit_flipped(out: Path) -> None:
    """Deep in a scan, where every code is a good one and libjpeg decodes something else."""
    stream = bytearray(out.read_bytes())
    with rasterio.open(out) as dataset:
        before = dataset.read()
    for place in range(stream.index(b"\xff\xda") + 500, len(stream)):
        changed = stream.copy()
        changed[place] ^= 1
        out.write_bytes(changed)
        with rasterio.Env(**STRICT), rasterio.open(out) as dataset, contextlib.suppress(RasterioIOError):
            if (dataset.read() != before).any() and 0xFF not in {stream[place], changed[place]}:
                return


def _segments_exchanged(out: Path) -> None:
    stream = out.read_bytes()
    first, second, third = (stream.index(bytes((0xFF, 0xD0 + number))) for number in range(3))
    swapped = stream[second + 2 : third] + stream[second : second + 2] + stream[first + 2 : second]
    out.write_bytes(stream[: first + 2] + swapped + stream[third:])


def _mask_damaged(out: Path) -> None:
    stream = bytearray(out.read_bytes())
    begin = int.from_bytes(stream[-4:], "little")
    stream[begin + 20 : begin + 24] = b"\0\0\0\0"
    out.write_bytes(stream)


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (_cut_off, "layout"), (_segment_lost, "layout"), (_no_sidecar, "sidecar"), (_no_world_file, "sidecar"),
        (_shifted, "sidecar"), (_mask_damaged, "layout"), (_world_file_without_numbers, "sidecar"),
        (_bit_flipped, "sidecar"), (_segments_exchanged, "sidecar"),
    ],
)  # fmt: skip
def test_defects_are_found(
    scenes: dict[str, Path], sound: Path, tmp_path: Path, plant: Callable[[Path], None], check: str
) -> None:
    shutil.copytree(sound, tmp_path, dirs_exist_ok=True)
    out = tmp_path / "out.jpg"
    plant(out)
    result = run("verify", out, "--against", scenes["nodata"], "--json", "-")
    assert result.exit_code == 6
    failed = {each["name"] for each in json.loads(result.stdout)["checks"] if not each["ok"]}
    assert check in failed


def test_what_is_true_of_one_file_is_not_said_of_the_next(scenes: dict[str, Path], tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("first.jpg", "second.jpg", "third.tif"))
    as_it_was = {"QUALITY": "75", "TABLES": "ANNEXK"}
    compress(scenes["grey"], first, creation_options={"WORLDFILE": "NO", **as_it_was})
    compress(first, second, creation_options=as_it_was)
    with pytest.warns(GeosalWarning, match="a second job loses more"):
        compress(first, third)
    with rasterio.open(third) as dataset:
        assert not {"GEOSAL_SHA256", "GEOSAL_WORLDFILE"} & dataset.tags().keys()
    assert run("verify", second, "--against", first).exit_code == 0
    second.with_suffix(".jgw").unlink()
    assert "second.jgw is missing" in run("verify", second, "--against", first).output


@pytest.mark.parametrize(
    "options", [{"creation_options": {"QUALITY": "75.5"}}, {"treatment": "quality:low=40,high=90"}]
)
def test_a_grey_cog_at_fractions_of_quality_can_be_read(
    scenes: dict[str, Path], tmp_path: Path, options: dict[str, Any]
) -> None:
    out = tmp_path / "out.tif"
    compress(scenes["grey"], out, profile="jpeg", **options)
    with rasterio.open(scenes["grey"]) as source, rasterio.open(out) as found:
        assert np.abs(found.read()[..., :400].astype(int) - source.read()[..., :400]).mean() < 6


def test_compare_and_info(scenes: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.jpg"
    compress(scenes["nodata"], out)
    figures = json.loads(run("compare", scenes["nodata"], out, "-s", "half", "--json", "-").stdout)
    assert figures
    described = json.loads(run("info", out, "--json", "-").stdout)
    assert described["driver"] == "JPEG"
    assert described["provenance"]["GEOSAL_TREATMENT"].startswith("quality:")


def test_a_mask_is_counted_with_the_plain_jpeg(scenes: dict[str, Path], tmp_path: Path) -> None:
    """Else the pixels would pay for it: the output holds it too."""
    summary = compress(scenes["nodata"], tmp_path / "out.jpg", target_jpeg=60)
    assert summary.search["encodes"] == 1
    assert summary.search["plain_bytes"] == pytest.approx(summary.search["asked_bytes"], rel=1e-6)
    assert summary.search["beside_plain"]["background_db"] > 0
