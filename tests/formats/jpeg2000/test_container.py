"""Files of tiles that came in any order: other programs must read them, and GDAL's own writer must not do better."""

import random
import shutil
import subprocess
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imagecodecs import jpeg2k_decode
from jpylyzer import jpylyzer
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning
from rasterio.rpc import RPC

from geosal.core.gdal_env import gdal_env
from geosal.core.grid import Grid
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.errors import OutputError, UsageError
from geosal.formats.format import Profile
from geosal.formats.gdal.convert import convert
from geosal.formats.gdal.stage import Stage
from geosal.formats.jpeg2000.boxes import codestream_ends, read_boxes
from geosal.formats.jpeg2000.codestream import Codestream, parse
from geosal.formats.jpeg2000.container import Jp2Container
from geosal.formats.jpeg2000.tiles import J2kEncoder, jpeg2000_encoder
from geosal.formats.profiles import resolve_profile
from geosal.formats.pyramid import Tile
from geosal.formats.table import PROFILES
from geosal.scenes import Scene
from geosal.verification.carried import check_grid

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
Pixels = np.ndarray[Any, Any]
TAGS = {"GEOSAL_VERSION": "test"}
RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
BOTH = pytest.mark.parametrize("name", ["jp2-lossless", "htj2k"])
TILES_OF_64 = {"BLOCKXSIZE": "64", "BLOCKYSIZE": "64", "RESOLUTIONS": "3"}
TILES_OF_512 = {"BLOCKXSIZE": "512", "BLOCKYSIZE": "512", "RESOLUTIONS": "3"}
_PART_15_FAULTS = {"brandIsValid", "compatibilityListIsValid", "rsizIsValid"}
"""What jpylyzer, which knows Part 1 only, says of a good JPH."""


def layout_of(pixels: Pixels, nodata: float | None = None, **more: Any) -> RasterLayout:
    grid = Grid.from_crs(rasterio.CRS.from_epsg(32617), Affine(10, 0, 5e5, 0, -10, 4e6), *pixels.shape[1:])
    colours: Sequence[ColorInterp] = more.pop("colours", None) or [ColorInterp.undefined] * len(pixels)
    bands = tuple(BandMetadata(description=f"B{band}", colorinterp=colour) for band, colour in enumerate(colours))
    metadata = RasterMetadata(bands=bands, nbits=more.pop("nbits", None))
    return RasterLayout(
        grid=grid, dtype=str(pixels.dtype), nodata=nodata, has_mask=more.pop("has_mask", False), metadata=metadata
    )


def profile_of(name: str, layout: RasterLayout, **options: str) -> Profile:
    found = resolve_profile("out.jp2", "jp2-lossless" if name == "htj2k" else name, options, layout)
    return replace(found, codec=PROFILES[name])


def encoder_of(profile: Profile, layout: RasterLayout) -> J2kEncoder:
    encoder = jpeg2000_encoder(profile, layout)
    assert isinstance(encoder, J2kEncoder), encoder
    return encoder


def tiles_of(encoder: J2kEncoder, layout: RasterLayout, pixels: Pixels, mask: Pixels | None = None) -> list[Tile]:
    found = []
    for block in layout.grid.blocks(encoder.tile):
        inside = block.slices_in(layout.grid.whole())
        parts = encoder(pixels[:, *inside], None if mask is None else mask[inside])
        found.append(Tile(0, block.row_off // encoder.tile, block.col_off // encoder.tile, parts))
    random.Random(len(found)).shuffle(found)
    return found


def write(
    path: Path,
    pixels: Pixels,
    layout: RasterLayout,
    name: str = "jp2-lossless",
    mask: Pixels | None = None,
    **options: str,
) -> Path:
    profile = profile_of(name, layout, **options)
    encoder = encoder_of(profile, layout)
    with Jp2Container(path, profile, layout, encoder) as container:
        for tile in tiles_of(encoder, layout, pixels, mask):
            container.append(tile)
        container.finish(TAGS, None)
    return path


def write_by_gdal(
    path: Path,
    pixels: Pixels,
    layout: RasterLayout,
    name: str = "jp2-lossless",
    mask: Pixels | None = None,
    **options: str,
) -> Path:
    staged = path.with_suffix(".tif")
    with Stage(staged, layout) as stage:
        stage.write(layout.grid.whole(), pixels, mask)
        stage.finish(TAGS, None)
    convert(staged, path, profile_of(name, layout, **options), layout)
    staged.unlink()
    return path


def read(path: Path, **options: Any) -> Pixels:
    with gdal_env(), rasterio.open(path, **options) as dataset:
        return np.asarray(dataset.read())


def read_by_openjpeg(path: Path, like: Pixels) -> Pixels:
    if shutil.which("opj_decompress") is None:
        pytest.skip("needs OpenJPEG's tools")
    raw = path.with_suffix(".rawl")
    subprocess.run(["opj_decompress", "-i", path, "-o", raw], check=True, capture_output=True)
    return np.fromfile(raw, like.dtype.newbyteorder("<")).reshape(like.shape)


def codestream_of(path: Path) -> Codestream:
    return next(parse(box.content) for box in read_boxes(path.read_bytes()) if box.kind == b"jp2c")


def noise(shape: tuple[int, int, int], dtype: str = "uint8", bits: int | None = None) -> Pixels:
    limits = np.iinfo(dtype)
    high = limits.max if bits is None else 2**bits - 1
    return np.random.default_rng(5).integers(limits.min, high, shape, dtype=dtype, endpoint=True)


def picture(count: int, height: int, width: int) -> Pixels:
    row, col = np.mgrid[:height, :width]
    waves = [128 + 60 * np.sin(row / (9 + band)) * np.cos(col / 11) + (row * 7 + col * 3) % 23 for band in range(count)]
    return np.stack(waves).astype(np.uint8)


def faults_of(path: Path) -> set[str]:
    report = jpylyzer.checkOneFile(str(path))
    return {test.tag for test in report.find("tests").iter() if test.text == "False"}


@BOTH
@pytest.mark.parametrize(
    ("shape", "dtype", "bits"),
    [
        ((1, 1, 1), "uint8", None),
        ((3, 1, 700), "uint8", None),
        ((3, 3, 1300), "uint8", None),
        ((1, 1025, 31), "uint16", None),
        ((2, 40, 1026), "int16", None),
        ((4, 1028, 70), "uint8", None),
        ((13, 65, 129), "uint16", None),
        ((1, 90, 1040), "uint16", 12),
        ((4, 130, 67), "uint8", 5),
    ],
)
def test_every_program_reads_every_sample(
    tmp_path: Path, name: str, shape: tuple[int, int, int], dtype: str, bits: int | None
) -> None:
    pixels = noise(shape, dtype, bits)
    layout = layout_of(pixels, nbits=bits)
    path = write(tmp_path / "out.jp2", pixels, layout, name)
    assert faults_of(path) == (_PART_15_FAULTS if name == "htj2k" else set())
    assert codestream_ends(path)
    np.testing.assert_array_equal(read(path), pixels)
    np.testing.assert_array_equal(read_by_openjpeg(path, pixels), pixels)
    found = np.asarray(jpeg2k_decode(path.read_bytes()))
    if 1 not in shape[1:]:
        np.testing.assert_array_equal(np.moveaxis(np.atleast_3d(found), -1, 0), pixels)
    with rasterio.open(path) as dataset:
        assert dataset.tags(1, ns="IMAGE_STRUCTURE").get("NBITS") == (None if bits is None else str(bits))
        for level in range(len(dataset.overviews(1))):
            assert read(path, OVERVIEW_LEVEL=level).any() or pixels.size == 1


@BOTH
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    count=st.sampled_from([1, 2, 3, 4, 5]), height=st.integers(1, 150), width=st.integers(1, 150),
    dtype=st.sampled_from(["uint8", "uint16", "int16"]), tile=st.sampled_from([64, 128]),
)  # fmt: skip
def test_any_size_and_kind(
    tmp_path: Path, name: str, count: int, height: int, width: int, dtype: str, tile: int
) -> None:
    pixels = noise((count, height, width), dtype)
    path = tmp_path / "out.jp2"
    path.unlink(missing_ok=True)
    write(path, pixels, layout_of(pixels), name, BLOCKXSIZE=str(tile), BLOCKYSIZE=str(tile), RESOLUTIONS="4")
    np.testing.assert_array_equal(read(path), pixels)
    (tmp_path / "out.jp2.aux.xml").unlink()


def test_crops_and_overviews_are_those_of_gdals_own_file(tmp_path: Path) -> None:
    pixels = picture(3, 1027, 1300)
    layout = layout_of(pixels)
    ours, theirs = (maker(tmp_path / f"{maker.__name__}.jp2", pixels, layout) for maker in (write, write_by_gdal))
    with rasterio.open(ours) as dataset, rasterio.open(theirs) as expected:
        assert dataset.overviews(1) == expected.overviews(1) == [2, 4, 8, 16]
        assert dataset.block_shapes == expected.block_shapes
        for window in (((1000, 1027), (1020, 1300)), ((5, 9), (1023, 1025)), ((0, 1027), (1290, 1300))):
            np.testing.assert_array_equal(dataset.read(window=window), expected.read(window=window))
    for level in (0, 1):
        np.testing.assert_array_equal(read(ours, OVERVIEW_LEVEL=level), read(theirs, OVERVIEW_LEVEL=level))
    assert ours.stat().st_size <= theirs.stat().st_size + 100  # the index of tiles


OPTIONS: list[tuple[str, dict[str, str]]] = [
    ("jp2-lossless", {}),
    ("jp2-lossless", {"BLOCKXSIZE": "2048", "BLOCKYSIZE": "2048"}),
    ("jp2-lossless", {"GEOBOXES_AFTER_JP2C": "YES", **TILES_OF_64}),
    (
        "jp2-lossless",
        {"CODEBLOCK_STYLE": "BYPASS", "CODEBLOCK_WIDTH": "32", "PRECINCTS": "{256,256},{128,128}", **TILES_OF_512},
    ),
    (
        "jp2-lossless",
        {
            "YCC": "NO",
            "PROGRESSION": "RPCL",
            "SOP": "YES",
            "EPH": "YES",
            "PLT": "YES",
            "COMMENT": "hello",
            **TILES_OF_512,
        },
    ),
    ("jp2", {}),
    ("jp2", {"QUALITY": "2", **TILES_OF_512}),
    ("jp2", {"QUALITY": "1,5,20", **TILES_OF_512}),
    ("jp2", {"QUALITY": "5", "YCBCR420": "YES", **TILES_OF_512}),
    ("jp2", {"QUALITY": "10", **TILES_OF_64}),
]


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_tiles_are_those_of_gdals_own_file(tmp_path: Path, name: str, options: dict[str, str]) -> None:
    """To the byte, where GDAL encodes them: so quality, size and seams at the same options are the same as well."""
    tile = int(options.get("BLOCKXSIZE", 1024))
    pixels = picture(3, *((306, 270) if tile == 64 else (tile + 6, tile + 70))) * np.uint8(tile <= 1024)
    layout = layout_of(pixels, colours=RGB)
    ours, theirs = (
        maker(tmp_path / f"{maker.__name__}.jp2", pixels, layout, name, **options) for maker in (write, write_by_gdal)
    )
    boxes, expected_boxes = ([box for box in read_boxes(p.read_bytes()) if box.kind != b"jp2c"] for p in (ours, theirs))
    assert boxes == expected_boxes
    found, expected = codestream_of(ours), codestream_of(theirs)
    encoder = encoder_of(profile_of(name, layout, **options), layout)
    if not encoder.plain:
        assert set(expected.header) - set(found.header) == set()
        data, expected_data = (sorted((part.tile, bytes(part.data)) for part in c.parts) for c in (found, expected))
        same = sum(a == b for a, b in zip(data, expected_data, strict=True))
        assert same >= len(data) * (0.9 if "QUALITY" in options else 1)  # rate control rounds to bytes
    error, expected_error = (float(((read(path) - pixels.astype(float)) ** 2).mean()) for path in (ours, theirs))
    assert abs(10 * np.log10((error + 1e-9) / (expected_error + 1e-9))) < 0.05
    assert 0.99 * theirs.stat().st_size < ours.stat().st_size < 1.01 * theirs.stat().st_size + 200
    assert faults_of(ours) == faults_of(theirs) == set()


def facts_of(path: Path) -> dict[Any, Any]:
    """All that GDAL tells of a file besides pixels; GMLJP2 and coding included."""
    with gdal_env(), rasterio.open(path) as dataset:
        names = ("crs", "transform", "shape", "nodatavals", "mask_flag_enums", "colorinterp", "descriptions", "units")
        facts: dict[Any, Any] = {name: repr(getattr(dataset, name)) for name in (*names, "scales", "offsets")}
        facts["gcps"] = [(p.row, p.col, p.x, p.y, p.z) for p in dataset.gcps[0]], str(dataset.gcps[1])
        facts["rpcs"] = dataset.rpcs.to_gdal() if dataset.rpcs else None
        facts["overviews"] = dataset.overviews(1)
        facts["files"] = [Path(file).name.removeprefix(path.stem) for file in dataset.files]
        for band in range(dataset.count + 1):
            for domain in {"", *dataset.tag_namespaces(band)} - {"DERIVED_SUBDATASETS"}:
                facts[band, domain] = dataset.tags(band, ns=domain or None)
        return facts


def test_nothing_that_gdal_keeps_is_lost(source: Path, kind: str, tmp_path: Path) -> None:
    scene = Scene.open(str(source))
    if kind == "float":
        with pytest.raises(UsageError, match="cannot hold float32"):
            profile_of("jp2-lossless", scene.layout)
        return
    whole = scene.grid.whole()
    pixels, valid, _ = scene.read(whole)
    mask = valid[0] if scene.layout.has_mask else None
    ours, theirs = (
        maker(tmp_path / f"{maker.__name__}.jp2", pixels, scene.layout, mask=mask) for maker in (write, write_by_gdal)
    )
    found, expected = facts_of(ours), facts_of(theirs)
    # Of an image that is one tile GDAL lists resolutions down to 128 px only where the tile is cut to it.
    assert found.pop("overviews")[:2] == expected.pop("overviews")[:2]
    assert found == expected
    assert read(ours).tobytes() == read(theirs).tobytes() == pixels.tobytes()
    for path in tmp_path.glob("write.jp2*"):
        assert path.name in {"write.jp2", "write.jp2.aux.xml", "write.jp2.msk"}


def test_statistics_and_provenance_come_at_the_end(tmp_path: Path) -> None:
    pixels = noise((2, 50, 60))
    layout = layout_of(pixels)
    profile = profile_of("jp2-lossless", layout)
    encoder = encoder_of(profile, layout)
    with Jp2Container(tmp_path / "out.jp2", profile, layout, encoder) as container:
        container.append(*tiles_of(encoder, layout, pixels))
        container.finish({"GEOSAL_X": "é <&>"}, [{"STATISTICS_MEAN": "1"}, {"STATISTICS_MEAN": "2"}])
    with rasterio.open(tmp_path / "out.jp2") as dataset:
        assert dataset.tags()["GEOSAL_X"] == "é <&>"
        assert [dataset.tags(band)["STATISTICS_MEAN"] for band in (1, 2)] == ["1", "2"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jp2", "out.jp2.aux.xml"]


@pytest.mark.parametrize("name", ["jp2", "htj2k"])
def test_a_mask_lies_beside_the_file(tmp_path: Path, name: str) -> None:
    pixels = picture(3, 200, 333)
    mask = np.add.outer(np.arange(200), np.arange(333)) % 7 > 2
    layout = layout_of(pixels, nodata=0, has_mask=True)
    path = write(tmp_path / "out.jp2", pixels, layout, name, mask, **TILES_OF_64)
    with gdal_env(), rasterio.open(path) as dataset:
        assert dataset.mask_flag_enums == ([MaskFlags.per_dataset],) * 3
        np.testing.assert_array_equal(dataset.read_masks(2) > 0, mask)
        assert dataset.nodata == 0
        assert [Path(file).suffix for file in dataset.files] == [".jp2", ".msk", ".xml"]


def test_a_mask_is_not_said_to_lack_a_place(tmp_path: Path) -> None:
    pixels = picture(3, 70, 100)
    layout = layout_of(pixels, has_mask=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", NotGeoreferencedWarning)
        write(tmp_path / "out.jp2", pixels, layout, "jp2", pixels[0] > 9, **TILES_OF_64)
    assert (tmp_path / "out.jp2.msk").exists()
    assert [str(one.message) for one in caught if one.category is NotGeoreferencedWarning] == []


def test_alpha_stays_alpha(tmp_path: Path) -> None:
    pixels = picture(4, 70, 100)
    layout = layout_of(pixels, colours=(*RGB, ColorInterp.alpha))
    path = write(tmp_path / "out.jp2", pixels, layout)
    with rasterio.open(path) as dataset:
        assert dataset.colorinterp == (*RGB, ColorInterp.alpha)
        np.testing.assert_array_equal(dataset.read(), pixels)


@pytest.mark.parametrize("by_gdal", [False, True])
@pytest.mark.parametrize("told", ["transform", "RPCs", "neither"])
def test_no_crs_is_invented_and_verify_would_see_one(tmp_path: Path, told: str, by_gdal: bool) -> None:
    """Out of the boxes alone GDAL reads a local CRS in metres."""
    pixels = picture(1, 70, 100)
    layout = layout_of(pixels)
    sums = {f"{name}_{part}_coeff": [1.0] * 20 for name in ("line", "samp") for part in ("num", "den")}
    places = {f"{name}_{part}": 10.0 for name in ("line", "samp", "lat", "long", "height") for part in ("off", "scale")}
    rpcs = RPC(**sums, **places) if told == "RPCs" else None
    transform = layout.grid.transform if told == "transform" else Affine.identity()
    layout = replace(
        layout,
        grid=replace(layout.grid, crs=None, transform=transform),
        metadata=replace(layout.metadata, rpcs=rpcs),
    )
    path = (write_by_gdal if by_gdal else write)(tmp_path / "out.jp2", pixels, layout)
    with rasterio.open(path) as dataset:
        assert dataset.crs is None
        assert dataset.transform == transform
        assert (dataset.rpcs is not None) == (told == "RPCs")
    assert check_grid(Scene.open(path).layout, layout).ok
    sidecar = path.with_name("out.jp2.aux.xml")
    if "<SRS></SRS>" not in sidecar.read_text():
        assert told == "neither"
        return
    sidecar.write_text(sidecar.read_text().replace("<SRS></SRS>", ""))
    assert "CRS" in check_grid(Scene.open(path).layout, layout).detail


def test_a_long_box_is_read_by_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geosal.formats.jpeg2000.container._LONG_FROM", 1)
    pixels = noise((1, 70, 75))
    path = write(tmp_path / "out.jp2", pixels, layout_of(pixels))
    assert b"\0\0\0\1jp2c" in path.read_bytes()
    assert faults_of(path) == set()
    assert codestream_ends(path)
    np.testing.assert_array_equal(read(path), pixels)
    np.testing.assert_array_equal(read_by_openjpeg(path, pixels), pixels)


@pytest.fixture
def opened(tmp_path: Path) -> tuple[Jp2Container, list[Tile]]:
    pixels = noise((1, 100, 100))
    layout = layout_of(pixels)
    profile = profile_of("jp2-lossless", layout, **TILES_OF_64)
    encoder = encoder_of(profile, layout)
    return Jp2Container(tmp_path / "out.jp2", profile, layout, encoder), tiles_of(encoder, layout, pixels)


def test_a_missing_tile_is_an_error_and_leaves_nothing(tmp_path: Path, opened: tuple[Jp2Container, list[Tile]]) -> None:
    container, tiles = opened
    with container:
        for tile in tiles[1:]:
            container.append(tile)
        with pytest.raises(
            OutputError, match=f"1 of 4 tiles are missing, the first is {tiles[0].col}, {tiles[0].row} of level 0;"
        ):
            container.finish({}, None)
    assert list(tmp_path.iterdir()) == []


def test_tiles_that_do_not_belong_are_errors(opened: tuple[Jp2Container, list[Tile]]) -> None:
    container, tiles = opened
    with container:
        container.append(tiles[0])
        for tile in (tiles[0], tiles[1]._replace(level=1), tiles[1]._replace(col=2), tiles[1]._replace(row=2)):
            with pytest.raises(OutputError, match="came twice or has no place"):
                container.append(tile)
        with pytest.raises(OutputError, match="tiles cannot be put together"):
            container.append(tiles[1]._replace(parts=(b"nonsense",)))
    with pytest.raises(OutputError, match="is not open"):
        container.append(tiles[1])


def test_a_file_that_is_there_stays(tmp_path: Path, opened: tuple[Jp2Container, list[Tile]]) -> None:
    for name in ("out.jp2", "out.jp2.aux.xml"):
        (tmp_path / name).write_text("mine")
    with pytest.raises(OutputError, match="File exists"), opened[0]:
        pass
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine", "mine"]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.999])
def test_trial_2_a_disk_that_fills_up(
    tmp_path: Path, small_disk: Callable[[int], Path], share: float, masked: bool
) -> None:
    pixels = noise((3, 200, 260))
    layout = layout_of(pixels, has_mask=masked)
    mask = pixels[0] > 90 if masked else None
    whole = sum(path.stat().st_size for path in [write(tmp_path / "out.jp2", pixels, layout, mask=mask, **TILES_OF_64)])
    disk = small_disk(int(whole * share))
    with pytest.raises(OutputError, match=r"(B|bytes) are free|working copy cannot be written") as caught:
        write(disk / "out.jp2", pixels, layout, mask=mask, **TILES_OF_64)
    assert "\n" not in str(caught.value)
    assert list(disk.iterdir()) == []
