"""Nothing that GDAL's own copy keeps may be lost on the way over the stage: GDAL's copy is the oracle."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import tifffile
from affine import Affine
from rasterio.enums import ColorInterp, MaskFlags
from rio_cogeo.cogeo import cog_validate

from geosal.core.gdal_env import gdal_env
from geosal.core.grid import Grid
from geosal.core.metadata import read_metadata
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.errors import OutputError, UsageError
from geosal.formats.format import Profile
from geosal.formats.gdal.convert import convert, convert_at_once
from geosal.formats.gdal.stage import Stage
from geosal.formats.jpeg2000.boxes import codestream_ends
from geosal.formats.profiles import resolve_profile
from geosal.formats.table import PROFILES, format_of, format_with
from geosal.scenes import Scene

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

Facts = dict[tuple[Any, ...], Any]
# How a file is coded, and what GDAL derives or smoothing makes stale.
_OWN = {"IMAGE_STRUCTURE", "DERIVED_SUBDATASETS", "xml:gml.root-instance"}


def facts_of(path: Path) -> Facts:
    """Everything rasterio can tell about a file besides its pixels and its coding."""
    with gdal_env(), rasterio.open(path) as dataset:
        facts: Facts = {
            ("crs",): dataset.crs.to_epsg() if dataset.crs and not dataset.crs.to_wkt().startswith("LOCAL") else None,
            ("transform",): tuple(round(number, 9) for number in dataset.transform),
            ("shape",): dataset.shape,
            ("nodata",): repr(dataset.nodatavals),
            ("mask",): [[flag.name for flag in flags] for flags in dataset.mask_flag_enums],
            ("colorinterp",): dataset.colorinterp,
            ("descriptions",): dataset.descriptions,
            ("units",): dataset.units,
            ("scales",): tuple(round(scale, 12) for scale in dataset.scales),
            ("offsets",): dataset.offsets,
            ("gcps",): [(p.row, p.col, p.x, p.y, p.z) for p in dataset.gcps[0]],
            ("rpcs",): dataset.rpcs.to_gdal() if dataset.rpcs else None,
        }
        for band in range(dataset.count + 1):
            for domain in {"", *dataset.tag_namespaces(band)} - _OWN:
                for key, value in dataset.tags(band, ns=domain or None).items():
                    if not key.startswith(("STATISTICS_", "GEOSAL_")):
                        facts["tag", band, domain, key] = value.strip()
        return facts


def rewrite(source: Path, output: Path, profile: str | None = None, **options: str) -> Profile:
    """Take a file through stage and conversion, pixels unchanged."""
    scene = Scene.open(str(source))
    chosen = resolve_profile(str(output), profile, options, scene.layout)
    stage_path = output.with_name("stage.tif")
    whole = scene.grid.whole()
    pixels, valid, _ = scene.read(whole)
    with Stage(stage_path, scene.layout) as stage:
        stage.write(whole, pixels, valid[0] if scene.layout.has_mask else None)
        stage.finish({"GEOSAL_VERSION": "test"}, None)
    convert(stage_path, output, chosen, scene.layout)
    return chosen


def direct(source: Path, output: Path, driver: str, **options: str) -> Facts:
    with gdal_env(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rasterio.shutil.copy(source, output, driver=driver, **options)
    return facts_of(output)


def layout_of(pixels: np.ndarray[Any, Any], nodata: float | None = None, *, nbits: int | None = None) -> RasterLayout:
    grid = Grid.from_crs(rasterio.CRS.from_epsg(32617), Affine(10, 0, 5e5, 0, -10, 4e6), *pixels.shape[1:])
    bands = tuple(BandMetadata(description=f"B{band}") for band in range(len(pixels)))
    metadata = RasterMetadata(bands=bands, nbits=nbits)
    return RasterLayout(grid=grid, dtype=str(pixels.dtype), nodata=nodata, has_mask=False, metadata=metadata)


def encode(pixels: np.ndarray[Any, Any], output: Path, layout: RasterLayout, profile: str, **options: str) -> Profile:
    chosen = resolve_profile(str(output), profile, options, layout)
    stage_path = output.with_name("stage.tif")
    with Stage(stage_path, layout) as stage:
        stage.write(layout.grid.whole(), pixels, pixels[0] != layout.nodata if layout.has_mask else None)
        stage.finish({}, None)
    convert(stage_path, output, chosen, layout)
    return chosen


def test_a_small_stage_needs_no_thread_and_fails_in_the_same_words(tmp_path: Path) -> None:
    pixels = noise(2, 64, 64, "uint16")
    layout, outputs = layout_of(pixels, nodata=0), [tmp_path / "thread.tif", tmp_path / "here.tif"]
    chosen = encode(pixels, outputs[0], layout, "deflate")
    convert_at_once(tmp_path / "stage.tif", outputs[1], chosen, layout)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    (tmp_path / "stage.tif").write_bytes(b"")
    for work in (convert, convert_at_once):
        with pytest.raises(OutputError, match=r"broken\.tif: cannot be encoded"):
            work(tmp_path / "stage.tif", tmp_path / "broken.tif", chosen, layout)


def noise(count: int, height: int, width: int, dtype: str) -> np.ndarray[Any, Any]:
    """Every bit pattern the dtype can show, smooth enough for the lossy codecs to be near."""
    rng = np.random.default_rng(7)
    if np.dtype(dtype).kind == "f":
        return rng.normal(0, 1e3, (count, height, width)).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, (count, height, width), dtype=dtype, endpoint=True)


@pytest.mark.parametrize("suffix", [".tif", ".jp2"])
def test_nothing_gdal_keeps_is_lost(source: Path, kind: str, suffix: str, tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    output = tmp_path / "ours" / f"out{suffix}"
    if kind == "float" and suffix == ".jp2":
        with pytest.raises(UsageError, match="cannot hold float32"):
            rewrite(source, output)
        return
    rewrite(source, output)
    ours = facts_of(output)
    theirs = (
        [direct(source, tmp_path / "gdal.tif", "COG"), direct(source, tmp_path / "mdd.tif", "COG", COPY_SRC_MDD="YES")]
        if suffix == ".tif"
        else [direct(source, tmp_path / "gdal.jp2", "JP2OpenJPEG", REVERSIBLE="YES", QUALITY="100")]
    )
    for facts in theirs:
        # GDAL's copy spoils a JSON document in a GeoTIFF; ours is compared with the source below.
        lost = {key: value for key, value in facts.items() if ours.get(key) != value and "json:TEST" not in key}
        assert lost == {}
    assert_domains_are_whole(source, output)
    with rasterio.open(output) as dataset:
        assert not [key for key in dataset.tags(1) if key.startswith("STATISTICS_")]  # they are stale


def assert_domains_are_whole(source: Path, output: Path) -> None:
    """More than GDAL's copy keeps: its COG has either the band tags or the domains, its JPEG2000 no domains."""
    theirs, ours = (Scene.open(str(path)).layout.metadata for path in (source, output))
    expected = dict(theirs.tags)
    if output.suffix == ".jp2":
        del expected["xml:XMP"]  # GDAL looks for it in a box of the file only
        expected[""] = {key: value for key, value in expected[""].items() if value != "Area"}
    found = {domain: {key: ours.tags[domain][key].strip() for key in tags} for domain, tags in expected.items()}
    assert found == {domain: {key: value.strip() for key, value in tags.items()} for domain, tags in expected.items()}
    assert [band.tags for band in ours.bands] == [band.tags for band in theirs.bands]
    for file in output.parent.glob("out*"):
        assert b"GEOSAL_FILLER" not in file.read_bytes()


@pytest.mark.parametrize("bigtiff", ["YES", "NO"])
def test_restored_domains_leave_the_layout_alone(tmp_path: Path, bigtiff: str) -> None:
    pixels = noise(2, 700, 600, "uint16")
    bands = (BandMetadata(tags={"BANDS": {"K": "v"}}), BandMetadata())
    metadata = RasterMetadata(bands=bands, tags={"OTHER": {"K": "<&>" * 3000}, "json:J": {"json:J": '{"a": 1}'}})
    layout = layout_of(pixels)
    layout = RasterLayout(grid=layout.grid, dtype="uint16", nodata=None, has_mask=False, metadata=metadata)
    output = tmp_path / "out.tif"
    encode(pixels, output, layout, "zstd", BIGTIFF=bigtiff)
    assert cog_validate(output, strict=True, quiet=True) == (True, [], [])
    with tifffile.TiffFile(output) as tiff:
        assert tiff.is_bigtiff == (bigtiff == "YES")
        tag = tiff.pages[0].tags["GDAL_METADATA"].value
        np.testing.assert_array_equal(np.moveaxis(tiff.asarray(), -1, 0), pixels)
    assert "GEOSAL_FILLER" not in tag
    assert tag.rstrip("\n").endswith("</GDALMetadata>")
    with rasterio.open(output) as dataset:
        assert dataset.tags(ns="OTHER") == {"K": "<&>" * 3000}
        assert dataset.tags(1, ns="BANDS") == {"K": "v"}
        # As JSON: rasterio cuts a document at its first colon, and what follows loses its blank.
        assert json.loads(read_metadata(dataset, (1, 2)).tags["json:J"]["json:J"]) == {"a": 1}
        assert dataset.files == [str(output)]


@pytest.mark.parametrize(
    ("profile", "dtype"),
    [
        (name, dtype)
        for name, codec in PROFILES.items()
        if codec.lossless and name not in {"bpg-lossless", "htj2k", "zarr", "png", "jxl"}  # have tests there
        for dtype in codec.dtypes
    ],
)
def test_lossless_profiles_keep_every_sample(tmp_path: Path, profile: str, dtype: str) -> None:
    """Read back by programs that share no code with the writer."""
    is_float = np.dtype(dtype).kind == "f"
    pixels = noise(1 if profile == "lerc" and is_float else 3, 270, 300, dtype)
    if is_float:
        pixels[:, 5:9, 5:9] = np.nan
        pixels[0, 100, 100] = -0.0
    jp2 = format_with(PROFILES[profile]).driver == "JP2OpenJPEG"
    output = tmp_path / ("out.jp2" if jp2 else "out.tif")
    chosen = encode(pixels, output, layout_of(pixels), profile)
    assert chosen.lossless
    if jp2:
        import imagecodecs

        found = np.moveaxis(imagecodecs.jpeg2k_decode(output.read_bytes()), -1, 0)
    elif profile == "lerc" and is_float:
        with rasterio.open(output) as dataset:  # LERC keeps NaN as a mask, which tifffile does not look at
            found = dataset.read()
    else:
        found = tifffile.imread(output)
        found = np.moveaxis(found, -1, 0) if found.ndim == 3 else found[np.newaxis]
    assert found.dtype == pixels.dtype
    assert found.tobytes() == pixels.tobytes()


@pytest.mark.parametrize("profile", [codec.name for codec in format_of("a.tif").codecs if codec.name != "jxl"])
def test_cogs_are_valid_to_the_letter(tmp_path: Path, profile: str) -> None:
    row, col = np.mgrid[:520, :1100]
    pixels = np.stack([128 + 100 * np.sin(row / 60 + col / 90 * band) for band in (1, 2, 3)]).astype(np.uint8)
    output = tmp_path / "out.tif"
    encode(pixels, output, layout_of(pixels), profile)
    assert cog_validate(output, strict=True, quiet=True) == (True, [], [])
    with rasterio.open(output) as dataset:
        assert dataset.block_shapes[0] == (512, 512)
        assert dataset.overviews(1) == [2, 4]
        difference = np.abs(dataset.read().astype(float) - pixels)
        assert difference.mean() <= (0 if PROFILES[profile].lossless else 3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (3, 2300), (1028, 1030), (1500, 40)])
def test_jpeg2000_of_any_shape(tmp_path: Path, shape: tuple[int, int]) -> None:
    from jpylyzer import jpylyzer

    pixels = noise(1, *shape, "uint16")
    output = tmp_path / "out.jp2"
    encode(pixels, output, layout_of(pixels), "jp2-lossless")
    assert jpylyzer.checkOneFile(str(output)).findtext("isValid") == "True"
    with gdal_env(), rasterio.open(output) as dataset:
        np.testing.assert_array_equal(dataset.read(), pixels)
        for level in range(len(dataset.overviews(1))):
            with rasterio.open(output, OVERVIEW_LEVEL=level) as overview:
                assert overview.read().size > 0
        assert max(shape) / max(dataset.overviews(1), default=1) <= 512 or min(shape) < 16


@pytest.mark.skipif(shutil.which("opj_decompress") is None, reason="needs OpenJPEG's tools")
def test_jpeg2000_as_openjpeg_reads_it(tmp_path: Path) -> None:
    pixels = noise(1, 1100, 1040, "uint16") >> 4
    output = tmp_path / "out.jp2"
    encode(pixels, output, layout_of(pixels, nbits=12), "jp2-lossless")
    subprocess.run(["opj_decompress", "-i", output, "-o", tmp_path / "out.pgm"], check=True, capture_output=True)
    with (tmp_path / "out.pgm").open("rb") as file:
        header = b"".join(file.readline() for _ in range(4)).split()
        found = np.frombuffer(file.read(), ">u2").reshape(1, 1100, 1040)
    assert header[-1] == b"4095"  # the precision of the source was carried
    np.testing.assert_array_equal(found, pixels)


@pytest.mark.parametrize(("profile", "suffix"), [("jpeg", ".tif"), ("webp", ".tif"), ("jp2", ".jp2")])
def test_nodata_survives_a_lossy_codec_as_mask(tmp_path: Path, profile: str, suffix: str) -> None:
    pixels = noise(3, 600, 700, "uint8") // 4 + 100
    pixels[:, :, :77] = 0
    layout = layout_of(pixels, nodata=0)
    output = tmp_path / f"out{suffix}"
    assert resolve_profile(str(output), profile, {}, layout).needs_mask(layout)
    layout = RasterLayout(grid=layout.grid, dtype="uint8", nodata=0, has_mask=True, metadata=layout.metadata)
    encode(pixels, output, layout, profile)
    with gdal_env(), rasterio.open(output) as dataset:
        assert MaskFlags.per_dataset in dataset.mask_flag_enums[0]
        np.testing.assert_array_equal(dataset.read_masks(1) > 0, pixels[0] > 0)
        assert dataset.nodata == 0


def test_alpha_becomes_the_mask_of_a_jpeg(tmp_path: Path) -> None:
    pixels = noise(4, 600, 700, "uint8")
    pixels[3] = np.where(pixels[3] > 100, 255, 0)
    colours = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
    layout = layout_of(pixels)
    metadata = RasterMetadata(bands=tuple(BandMetadata(colorinterp=colour) for colour in colours))
    layout = RasterLayout(grid=layout.grid, dtype="uint8", nodata=None, has_mask=False, metadata=metadata)
    encode(pixels, tmp_path / "out.tif", layout, "jpeg")
    with rasterio.open(tmp_path / "out.tif") as dataset:
        assert dataset.count == 3
        np.testing.assert_array_equal(dataset.read_masks(1), pixels[3])


def test_a_limit_on_file_size_is_an_output_error(tmp_path: Path) -> None:
    """It stands for the disk, without root; in a process of its own, since the limit cannot be taken back."""
    program = f"""
        import resource, sys
        sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[2])!r}]
        from test_convert import *
        pixels = noise(3, 600, 700, "uint8")
        layout = layout_of(pixels)
        with Stage("stage.tif", layout) as stage:
            stage.write(layout.grid.whole(), pixels, None)
            stage.finish({{}}, None)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
        for output in (Path("out.tif"), Path("out.jp2")):
            try:
                convert(Path("stage.tif"), output, resolve_profile(str(output), None, {{}}, layout), layout)
            except OutputError as error:
                print("OutputError", error)
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    first, second = done.stdout.splitlines()
    assert first.startswith("OutputError out.tif: cannot be encoded in"), done.stderr
    assert second.startswith("OutputError out.jp2: cannot be encoded in"), done.stderr
    assert " are free there" in first
    assert "ERROR" not in done.stderr  # GDAL's own words would confuse


@pytest.mark.parametrize("suffix", [".tif", ".jp2"])
@pytest.mark.parametrize("share", [0.5, 0.999])
def test_trial_1_2_a_disk_that_fills_up(
    tmp_path: Path, small_disk: Callable[[int], Path], suffix: str, share: float
) -> None:
    """GDAL's threads may keep silent about it; no file that reads as zeros may come of that."""
    pixels = noise(3, 600, 700, "uint8")
    layout = layout_of(pixels)
    output = tmp_path / f"out{suffix}"
    encode(pixels, output, layout, "deflate" if suffix == ".tif" else "jp2-lossless")
    disk = small_disk(int(output.stat().st_size * share))
    stage_path, output = tmp_path / "stage.tif", disk / f"out{suffix}"
    with pytest.raises(OutputError, match="cannot be encoded in"):
        convert(stage_path, output, resolve_profile(str(output), None, {}, layout), layout)


@pytest.mark.parametrize("share", [0.5, 0.999])
def test_trial_2_a_disk_that_fills_up_under_the_stage(
    tmp_path: Path, small_disk: Callable[[int], Path], share: float
) -> None:
    pixels = noise(3, 600, 700, "uint8")
    layout = layout_of(pixels)
    encode(pixels, tmp_path / "out.tif", layout, "zstd")
    disk = small_disk(int((tmp_path / "stage.tif").stat().st_size * share))

    def write_all() -> None:
        with Stage(disk / "stage.tif", layout) as stage:
            for block in layout.grid.blocks(512):
                stage.write(block, pixels[:, *block.slices_in(layout.grid.whole())], None)
            stage.finish({}, None)

    with pytest.raises(OutputError, match="working copy cannot be written"):
        write_all()


@pytest.mark.parametrize(
    ("suffix", "threads", "own", "driver", "config"),
    [
        (".tif", None, {}, "ALL_CPUS", "ALL_CPUS"),
        (".tif", 3, {}, "3", "3"),
        (".tif", 3, {"NUM_THREADS": "2"}, "2", "3"),
        (".jp2", None, {}, None, "ALL_CPUS"),
        (".jp2", 3, {}, None, "3"),
    ],
)
def test_the_encoder_gets_so_many_threads(
    tmp_path: Path, suffix: str, threads: int | None, own: dict[str, str], driver: str | None, config: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    pixels = noise(1, 64, 64, "uint8")
    layout, output = layout_of(pixels), tmp_path / f"out{suffix}"
    with Stage(tmp_path / "stage.tif", layout) as stage:
        stage.write(layout.grid.whole(), pixels, None)
        stage.finish({}, None)
    copy, asked = rasterio.shutil.copy, []

    def spy(*arguments: Any, **options: Any) -> None:
        asked.append((options.get("NUM_THREADS"), str(rasterio.env.getenv()["GDAL_NUM_THREADS"])))
        copy(*arguments, **options)

    monkeypatch.setattr(rasterio.shutil, "copy", spy)
    convert(tmp_path / "stage.tif", output, resolve_profile(str(output), None, own, layout), layout, threads)
    assert asked == [(driver, config)]


def test_a_jpeg2000_with_boxes_after_its_codestream(tmp_path: Path) -> None:
    pixels = noise(1, 200, 200, "uint8")
    output = tmp_path / "out.jp2"
    encode(pixels, output, layout_of(pixels), "jp2-lossless", GEOBOXES_AFTER_JP2C="YES")
    content = output.read_bytes()
    assert not content.endswith(b"\xff\xd9")
    assert codestream_ends(output)
    for cut in (content[: content.rindex(b"\xff\xd9")], content[:60], b"", content[: len(content) // 2]):
        output.write_bytes(cut)
        assert not codestream_ends(output)


def test_messages_name_the_directory_of_the_output(tmp_path: Path) -> None:
    hidden = tmp_path / ".out.tif.geosal-1-ff"
    hidden.mkdir()
    layout = layout_of(noise(1, 64, 64, "uint8"))
    (hidden / "stage.tif").write_bytes(b"II*\0")
    with pytest.raises(OutputError) as caught:
        convert(hidden / "stage.tif", hidden / "out.tif", resolve_profile("out.tif", None, {}, layout), layout)
    assert str(tmp_path) in str(caught.value)
    assert hidden.name not in str(caught.value)


@pytest.mark.parametrize(("profile", "suffix"), [("jp2-lossless", ".jp2"), ("deflate", ".tif")])
def test_an_interrupt_is_answered_and_stops_gdal(
    request: pytest.FixtureRequest, tmp_path: Path, profile: str, suffix: str
) -> None:
    pixels = noise(3, 2600, 2600, "uint8")
    began: list[float] = []

    def interrupt() -> None:
        began.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    # A shell that starts the tests in the background has SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    layout = layout_of(pixels)
    stage_path, output = tmp_path / "stage.tif", tmp_path / f"out{suffix}"
    options = {} if suffix == ".jp2" else {"LEVEL": "12", "NUM_THREADS": "1"}
    with Stage(stage_path, layout) as stage:
        stage.write(layout.grid.whole(), pixels, None)
        stage.finish({}, None)
    timer = threading.Timer(0.4, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        convert(stage_path, output, resolve_profile(str(output), profile, options, layout), layout)
    assert time.monotonic() - began[0] < 5
    for thread in threading.enumerate():
        if thread.name == "geosal-convert":
            thread.join(60)  # it stops soon, however busy the machine
            assert not thread.is_alive()
    assert "CPL_LOG" not in os.environ


@pytest.mark.parametrize("suffix", [".tif", ".jp2"])
def test_a_damaged_stage_is_an_output_error(tmp_path: Path, suffix: str) -> None:
    """GDAL's threads must not turn a tile that they cannot read into zeros."""
    pixels = noise(3, 1100, 1100, "uint8")
    layout = layout_of(pixels)
    encode(pixels, tmp_path / "out.tif", layout, "raw")
    with rasterio.open(tmp_path / "stage.tif") as dataset:
        offset = int(dataset.get_tag_item("BLOCK_OFFSET_1_1", "TIFF", bidx=1))
    with (tmp_path / "stage.tif").open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 1000)
    output = tmp_path / f"damaged{suffix}"
    with pytest.raises(OutputError, match="cannot be encoded"):
        convert(tmp_path / "stage.tif", output, resolve_profile(str(output), None, {}, layout), layout)


def test_an_unreadable_stage_is_an_output_error(tmp_path: Path) -> None:
    pixels = noise(1, 64, 64, "uint8")
    layout = layout_of(pixels)
    (tmp_path / "stage.tif").write_bytes(b"II*\0")
    with pytest.raises(OutputError, match=r"out.tif: cannot be encoded"):
        convert(tmp_path / "stage.tif", tmp_path / "out.tif", resolve_profile("out.tif", None, {}, layout), layout)
