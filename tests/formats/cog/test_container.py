"""COGs of our own: read back by GDAL and tifffile, judged by rio-cogeo, compared with what GDAL's driver writes."""

import errno
import itertools
import lzma
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import tifffile
from affine import Affine
from imagecodecs import jpeg8_decode
from numpy.typing import NDArray
from pictures import landscape
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rio_cogeo.cogeo import cog_validate

from geosal.core.gdal_env import gdal_env
from geosal.core.grid import Block, Grid
from geosal.core.raster import BandMetadata, RasterLayout, RasterMetadata
from geosal.errors import OutputError
from geosal.formats.cog import container
from geosal.formats.cog.container import CogContainer
from geosal.formats.cog.tiles import TiffEncoder, tiff_encoder
from geosal.formats.format import ByGdal, Profile
from geosal.formats.jpeg.stream import END, FRAME, QUANTISATION, START, Tables, quantisation, segments
from geosal.formats.jpeg.tables import step, steps
from geosal.formats.profiles import resolve_profile
from geosal.formats.pyramid import Cutter, Tile
from geosal.job.pipeline import compress
from geosal.native import interleave

DTYPES = ("uint8", "uint16", "int16", "uint32", "int32", "float32", "float64")


def layout_of(
    shape: tuple[int, int], count: int, dtype: str, *, mask: bool = False, alpha: bool = False
) -> RasterLayout:
    grid = Grid(CRS.from_epsg(32631).to_wkt(), Affine(10, 0, 4e5, 0, -10, 49e5), *shape)
    colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue] if count >= 3 else []
    colours += [ColorInterp.gray if count < 3 else ColorInterp.undefined] * (count - len(colours))
    if alpha:
        colours[-1] = ColorInterp.alpha
    bands = tuple(BandMetadata(colorinterp=colour, description=f"band {i}") for i, colour in enumerate(colours))
    metadata = RasterMetadata(bands=bands, tags={"": {"SCENE": "made up"}, "MINE": {"a": "b"}})
    return RasterLayout(grid=grid, dtype=dtype, nodata=None, has_mask=mask, metadata=metadata)


def image(layout: RasterLayout) -> NDArray[Any]:
    rng = np.random.default_rng(0)
    shape = (layout.count, *layout.grid.shape)
    if layout.dtype.startswith("float"):
        return rng.normal(0, 100, shape).astype(layout.dtype)
    slope = np.add.outer(np.arange(shape[1]), np.arange(shape[2])) // 4 % 200
    return (slope + rng.integers(0, 20, shape)).astype(layout.dtype)


def tiles_of(encoder: TiffEncoder, layout: RasterLayout, pixels: NDArray[Any], mask: Any = None) -> list[Tile]:
    parts = Cutter.of(encoder, layout).cut(Block(0, 0, *layout.grid.shape), pixels, mask)
    assert not parts.pieces
    return list(parts.tiles)


def write(
    path: Path, profile: Profile, layout: RasterLayout, pixels: NDArray[Any], mask: Any = None, seed: int = 0
) -> Path:
    encoder = tiff_encoder(profile, layout)
    assert isinstance(encoder, TiffEncoder), encoder
    tiles = tiles_of(encoder, layout, pixels, mask)
    random.Random(seed).shuffle(tiles)
    with CogContainer(path, profile, layout, encoder) as cog:
        for tile in tiles:
            cog.append(tile)
        cog.finish({"GEOSAL_VERSION": "test"}, None)
    return path


def assert_good(path: Path) -> None:
    valid, errors, advice = cog_validate(str(path), strict=True, quiet=True)
    assert valid, (errors, advice)
    with rasterio.open(path) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert dataset.tags()["GEOSAL_VERSION"] == "test"
        assert dataset.tags(ns="MINE") == {"a": "b"}
        assert dataset.descriptions[0] == "band 0"
        assert dataset.crs.to_epsg() == 32631


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        (name, dtype)
        for name in ("deflate", "zstd", "lzw", "lzma", "raw", "lerc")
        for dtype in DTYPES
        if name != "lerc" or not dtype.startswith("float")  # GDAL's
    ],
)
@pytest.mark.parametrize("count", [1, 3, 5])
def test_lossless_profiles_keep_every_sample(tmp_path: Path, name: str, count: int, dtype: str) -> None:
    layout = layout_of((150, 300), count, dtype)
    profile = resolve_profile("a.tif", name, {"BLOCKSIZE": "128"}, layout)
    pixels = image(layout)
    path = write(tmp_path / "a.tif", profile, layout, pixels)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), pixels)
    if name != "lerc":  # not every tifffile has it
        np.testing.assert_array_equal(np.atleast_3d(tifffile.imread(path)), np.moveaxis(pixels, 0, 2))
    assert_good(path)
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize("shape", [(1, 1), (511, 513), (1, 2000), (1025, 300)])
@pytest.mark.parametrize("mask", [False, True])
def test_odd_sizes_with_overviews_and_masks(tmp_path: Path, shape: tuple[int, int], mask: bool) -> None:
    layout = layout_of(shape, 3, "uint8", mask=mask)
    valid = np.random.default_rng(1).random(shape) > 0.5 if mask else None
    profile = resolve_profile("a.tif", "zstd", {"BLOCKSIZE": "128"}, layout)
    pixels = image(layout)
    path = write(tmp_path / "a.tif", profile, layout, pixels, valid)
    encoder = tiff_encoder(profile, layout)
    assert isinstance(encoder, TiffEncoder)
    cutter = Cutter.of(encoder, layout)
    with rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), pixels)
        assert len(dataset.overviews(1)) == len(cutter.shapes) - 1
        if valid is not None:
            np.testing.assert_array_equal(dataset.read_masks(1) > 0, valid)
    for level, expected in enumerate(cutter.shapes[1:]):
        with rasterio.open(path, OVERVIEW_LEVEL=level) as overview:
            assert overview.shape == expected
    assert_good(path)


@pytest.mark.parametrize("kind", ["plain", "nodata", "mask", "alpha"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_overviews_are_those_of_gdal(tmp_path: Path, kind: str, dtype: str) -> None:
    """The mean of what is valid, valid where anything is; on every level, to the bit."""
    rng = np.random.default_rng(5)
    count = 4 if kind == "alpha" else 3
    pixels = rng.integers(1, 200, (count, 704, 896)).astype(dtype)
    hole = rng.random((704, 896)) < 0.6
    hole[:200] = True
    if kind == "nodata":
        pixels[:, hole] = 0
    elif kind == "alpha":
        pixels[3] = np.where(hole, 0, np.iinfo(dtype).max)
    colours = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha][:count]
    source = tmp_path / "in.tif"
    place = {"width": 896, "height": 704, "transform": Affine(10, 0, 5e5, 0, -10, 4e6), "crs": "EPSG:32617"}
    layer = {"count": count, "dtype": dtype, "nodata": 0 if kind == "nodata" else None, "photometric": "RGB"}
    with (
        gdal_env(),
        rasterio.open(source, "w", **place, **layer) as to,
    ):
        to.write(pixels)
        to.colorinterp = colours
        if kind == "mask":
            to.write_mask(~hole)
    theirs, ours = tmp_path / "gdal.tif", tmp_path / "ours.tif"
    with gdal_env():
        options = {"COMPRESS": "ZSTD", "BLOCKSIZE": "128", "OVERVIEW_RESAMPLING": "AVERAGE"}
        rasterio.shutil.copy(source, theirs, driver="COG", **options)
    options = {"profile": "zstd", "creation_options": {"BLOCKSIZE": "128"}}
    compress(str(source), str(ours), saliency="uniform:saliency=1", **options)
    for level in range(3):
        with (
            rasterio.open(ours, OVERVIEW_LEVEL=level) as found,
            rasterio.open(theirs, OVERVIEW_LEVEL=level) as expected,
        ):
            masks, expected_masks = found.read_masks(), expected.read_masks()
            np.testing.assert_array_equal(masks > 0, expected_masks > 0)
            valid = expected_masks > 0
            np.testing.assert_array_equal(found.read()[valid], expected.read()[valid])


def test_any_order_of_tiles_gives_the_same_file(tmp_path: Path) -> None:
    layout = layout_of((700, 900), 3, "uint8", mask=True)
    profile = resolve_profile("a.tif", "deflate", {"BLOCKSIZE": "128"}, layout)
    mask = np.ones(layout.grid.shape, np.bool_)
    files = {write(tmp_path / f"{n}.tif", profile, layout, image(layout), mask, seed=n).read_bytes() for n in range(4)}
    assert len(files) == 1


def test_leaders_and_trailers_are_where_gdal_looks(tmp_path: Path) -> None:
    layout = layout_of((600, 600), 3, "uint8", mask=True)
    profile = resolve_profile("a.tif", "deflate", {"BLOCKSIZE": "256"}, layout)
    path = write(tmp_path / "a.tif", profile, layout, image(layout), np.ones((600, 600), np.bool_))
    data = path.read_bytes()
    with tifffile.TiffFile(path) as tiff:
        pages = list(tiff.pages)
    assert [page.subfiletype for page in pages] == [0, 4, 1, 1, 5, 5]
    for page in pages:
        for offset, size in zip(page.dataoffsets, page.databytecounts, strict=True):
            assert int.from_bytes(data[offset - 4 : offset], "little") == size
            assert data[offset + size : offset + size + 4] == data[offset + size - 4 : offset + size]
    picture, mask = pages[0], pages[1]
    for offset, size, after in zip(picture.dataoffsets, picture.databytecounts, mask.dataoffsets, strict=True):
        assert after == offset + size + 8
    assert min(picture.dataoffsets) > max(pages[2].dataoffsets) > max(pages[3].dataoffsets)


def test_bigtiff_when_asked_for_and_when_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = layout_of((300, 300), 1, "uint8")
    pixels = image(layout)
    asked = write(tmp_path / "a.tif", resolve_profile("a.tif", None, {"BIGTIFF": "YES"}, layout), layout, pixels)
    plain = write(tmp_path / "b.tif", resolve_profile("a.tif", None, {}, layout), layout, pixels)
    monkeypatch.setattr(container, "_CLASSIC_BYTES", 1000)
    needed = write(tmp_path / "c.tif", resolve_profile("a.tif", None, {}, layout), layout, pixels)
    assert [path.read_bytes()[2] for path in (asked, plain, needed)] == [43, 42, 43]
    for path in (asked, needed):
        with rasterio.open(path) as dataset:
            np.testing.assert_array_equal(dataset.read(), pixels)
        assert_good(path)
    with pytest.raises(OutputError, match="BIGTIFF=NO allows 1000; leave it out"):
        write(tmp_path / "d.tif", resolve_profile("a.tif", None, {"BIGTIFF": "NO"}, layout), layout, pixels)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("quality", ["30", "75", "95"])
def test_jpeg_is_about_gdals_in_size_and_better(tmp_path: Path, count: int, quality: str) -> None:
    layout = layout_of((1024, 1024), count, "uint8")
    pixels = landscape(count, 1024, 1024, fall=1.1)
    path = write(tmp_path / "a.tif", resolve_profile("a.tif", "jpeg", {"QUALITY": quality}, layout), layout, pixels)
    theirs = by_gdal(tmp_path / "gdal.tif", layout, pixels, COMPRESS="JPEG", QUALITY=quality)
    ours, reference = psnr_of(path, pixels), psnr_of(theirs, pixels)
    assert ours > reference + 0.4
    assert path.stat().st_size == pytest.approx(theirs.stat().st_size, rel=0.15)
    assert_good(path)


def psnr_of(path: Path, pixels: NDArray[np.uint8]) -> float:
    with rasterio.open(path) as dataset:
        return float(10 * np.log10(255**2 / np.mean((dataset.read().astype(float) - pixels) ** 2)))


@pytest.mark.parametrize("count", [1, 3])
def test_plain_jpeg_is_gdals_in_size_and_in_error(tmp_path: Path, count: int) -> None:
    """What a target names as a plain JPEG, tile by tile."""
    layout, quality = layout_of((1024, 1024), count, "uint8"), "60"
    pixels = landscape(count, 1024, 1024, fall=1.1)
    profile = resolve_profile("a.tif", "jpeg", {"QUALITY": "90"}, layout)
    encoder = tiff_encoder(profile, layout)
    assert isinstance(encoder, TiffEncoder)
    plain = profile.format.plain(replace(encoder, by_level=(90, 30)), float(quality))
    path, theirs = tmp_path / "a.tif", tmp_path / "gdal.tif"
    with CogContainer(path, profile, layout, plain) as cog:
        for tile in tiles_of(plain, layout, pixels):
            cog.append(tile)
        cog.finish({"GEOSAL_VERSION": "test"}, None)
    by_gdal(theirs, layout, pixels, COMPRESS="JPEG", QUALITY=quality)
    assert path.stat().st_size == pytest.approx(theirs.stat().st_size, rel=0.01)
    assert psnr_of(path, pixels) == pytest.approx(psnr_of(theirs, pixels), abs=0.2)
    with rasterio.open(path) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["JPEG_QUALITY"] == quality


def by_gdal(path: Path, layout: RasterLayout, pixels: NDArray[Any], **options: str) -> Path:
    stage = path.with_name("stage.tif")
    with rasterio.open(
        stage, "w", driver="GTiff", height=1024, width=1024, count=layout.count, dtype="uint8", tiled=True,
        photometric="RGB" if layout.count >= 3 else "MINISBLACK", crs="EPSG:32631", transform=layout.grid.transform,
    ) as dataset:  # fmt: skip
        dataset.write(pixels)
    rasterio.shutil.copy(stage, path, driver="COG", OVERVIEW_RESAMPLING="AVERAGE", **options)
    return path


QUALITIES = (90.0, 60.5, 20.0)


def jpeg_tiles(count: int, shape: tuple[int, int], by_level: tuple[float, ...] = QUALITIES) -> TiffEncoder:
    layout = layout_of(shape, count, "uint8")
    encoder = tiff_encoder(resolve_profile("a.tif", "jpeg", {"BLOCKSIZE": "128"}, layout), layout)
    assert isinstance(encoder, TiffEncoder)
    return replace(encoder, by_level=by_level)


@pytest.mark.parametrize("count", [1, 3])
def test_jpeg_tiles_of_several_qualities(tmp_path: Path, count: int) -> None:
    """The worst tables stand in the directory, with numbers of their own; GDAL and tifffile find those of each tile."""
    shape = (200, 300)
    layout, encoder = layout_of(shape, count, "uint8"), jpeg_tiles(count, shape)
    pixels = landscape(count, *shape, fall=1.1)
    profile = resolve_profile("a.tif", "jpeg", {"BLOCKSIZE": "128"}, layout)
    levels = np.full(shape, 2, np.uint8)
    levels[:128, 128:256] = 1
    levels[140:180, 10:50] = 0
    tiles = list(Cutter.of(encoder, layout).cut(Block(0, 0, *shape), pixels, None, levels).tiles)
    path = tmp_path / "a.tif"
    with CogContainer(path, profile, layout, encoder) as cog:
        for tile in tiles:
            cog.append(tile)
        cog.finish({"GEOSAL_VERSION": "test"}, None)
    assert_good(path)
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        assert page.jpegtables == START + quantisation(Tables(steps(20), first=2), count) + END
        assert page.subsampling == (None if count == 1 else (2, 2))
        by_tifffile = np.moveaxis(np.atleast_3d(page.asarray()), -1, 0)
    with rasterio.open(path) as dataset:
        by_gdal = dataset.read()
    off = np.abs(by_gdal.astype(int) - by_tifffile)
    assert off.max() <= 1 if count == 1 else off.mean() < 1.5  # the two enlarge chroma in ways of their own
    for tile in tiles:
        if tile.level:
            continue
        inside = slice(128 * tile.row, 128 * tile.row + 128), slice(128 * tile.col, 128 * tile.col + 128)
        best = int(levels[inside].min())
        head = dict(segments(tile.parts[0]))
        assert numbers_of_tables(head[FRAME]) == ([2, 3, 3] if best == 2 else [0, 1, 1])[:count]
        assert (QUANTISATION in head) == (best < 2)
        if best < 2:
            assert quantisation(Tables(steps(QUALITIES[best])), count) in tile.parts[0]
        error = np.mean((by_gdal[:, *inside].astype(float) - pixels[:, *inside])[:, levels[inside] == best] ** 2)
        assert error < 0.5 * step(QUALITIES[best]) ** 2
        here = landscape(count, 200, 300, fall=1.1)[:, *inside]
        assert encoder(here, None, levels[inside]) == tile.parts


def numbers_of_tables(frame: bytes) -> list[int]:
    """Of each component, after ten bytes, the third of three."""
    return list(frame[12::3])


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("shape", [(1, 1), (37, 128), (128, 100), (65, 70)])
def test_a_partial_jpeg_tile_is_the_whole_one_with_its_edges_repeated(count: int, shape: tuple[int, int]) -> None:
    pixels = landscape(count, 128, 128, fall=1.1)[:, : shape[0], : shape[1]]
    whole = np.pad(pixels, ((0, 0), (0, 128 - shape[0]), (0, 128 - shape[1])), "edge")
    levels = np.random.default_rng(0).integers(0, 3, shape, np.uint8)
    around = np.full((128, 128), 2, np.uint8)
    around[: shape[0], : shape[1]] = levels
    encoder = jpeg_tiles(count, shape)
    assert encoder(pixels, None, levels) == encoder(whole, None, around)
    assert encoder(pixels, None) == encoder(whole, None)
    decoded = jpeg8_decode(encoder(pixels, None, np.zeros(shape, np.uint8))[0])
    found = np.moveaxis(np.atleast_3d(decoded), -1, 0)[:, : shape[0], : shape[1]]
    assert np.mean((found.astype(float) - pixels) ** 2) < 0.5 * step(90) ** 2


def test_jpeg_tiles_without_levels_use_the_tables_of_the_directory() -> None:
    """Number 0, as GDAL's; a grey tile is not subsampled, which libtiff refuses."""
    for count, quality in itertools.product((1, 3), (75, 75.5)):
        encoder = replace(jpeg_tiles(count, (128, 128), ()), level=quality)
        head = dict(segments(encoder(landscape(count, 128, 128), None)[0]))
        assert QUANTISATION not in head
        assert encoder.jpeg_tables == START + quantisation(Tables(steps(quality)), count) + END
        assert list(head[FRAME][10:]) == ([1, 0x11, 0] if count == 1 else [1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1])


def test_jpeg_turns_alpha_into_a_mask(tmp_path: Path) -> None:
    layout = layout_of((300, 300), 4, "uint8", alpha=True)
    pixels = image(layout)
    pixels[3] = np.where(np.arange(300) < 100, 0, 128)
    path = write(tmp_path / "a.tif", resolve_profile("a.tif", "jpeg", {}, layout), layout, pixels)
    with rasterio.open(path) as dataset:
        assert dataset.count == 3
        np.testing.assert_array_equal(dataset.read_masks(1), np.where(pixels[3] > 0, 255, 0))


def test_webp_is_near_or_exact(tmp_path: Path) -> None:
    layout = layout_of((600, 600), 3, "uint8")
    pixels = image(layout)
    lossy = write(tmp_path / "a.tif", resolve_profile("a.tif", "webp", {}, layout), layout, pixels)
    exact = write(tmp_path / "b.tif", resolve_profile("a.tif", "webp", {"QUALITY": "100"}, layout), layout, pixels)
    with rasterio.open(lossy) as a, rasterio.open(exact) as b:
        assert np.abs(a.read().astype(int) - pixels).mean() < 12
        np.testing.assert_array_equal(b.read(), pixels)


def test_lerc_keeps_its_bound(tmp_path: Path) -> None:
    layout = layout_of((300, 300), 3, "uint16")
    pixels = image(layout)
    path = write(tmp_path / "a.tif", resolve_profile("a.tif", "lerc", {"MAX_Z_ERROR": "4"}, layout), layout, pixels)
    with rasterio.open(path) as dataset:
        error = np.abs(dataset.read().astype(int) - pixels).max()
    assert 0 < error <= 4


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"OVERVIEW_RESAMPLING": "NEAREST"}, "OVERVIEW_RESAMPLING=NEAREST is GDAL's"),
        ({"OVERVIEW_COMPRESS": "JPEG"}, "OVERVIEW_COMPRESS=JPEG is GDAL's"),
    ],
)
def test_what_only_gdal_does_is_said(options: dict[str, str], why: str) -> None:
    layout = layout_of((300, 300), 3, "uint8")
    assert tiff_encoder(resolve_profile("a.tif", "deflate", options, layout), layout) == ByGdal(why)


def a_container(folder: Path) -> tuple[CogContainer, list[Tile]]:
    layout = layout_of((600, 600), 3, "uint8")
    profile = resolve_profile("a.tif", "raw", {}, layout)
    encoder = tiff_encoder(profile, layout)
    assert isinstance(encoder, TiffEncoder)
    return CogContainer(folder / "a.tif", profile, layout, encoder), tiles_of(encoder, layout, image(layout))


def test_tiles_that_are_missing_twice_or_foreign_are_faults(tmp_path: Path) -> None:
    cog, tiles = a_container(tmp_path)
    with cog:
        cog.append(tiles[0])
        for wrong in (tiles[0], tiles[0]._replace(row=7), tiles[0]._replace(col=-1), tiles[0]._replace(level=9)):
            with pytest.raises(OutputError, match="came twice or has no place; report this as a fault of geosal"):
                cog.append(wrong)
        with pytest.raises(OutputError, match="4 of 5 tiles are missing, .*; report this"):
            cog.finish({}, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [1_000_000, 6_000_000])
def test_trial_1_a_full_disk_is_one_line(small_disk: Callable[[int], Path], size: int) -> None:
    """While tiles come, and while they are laid out."""
    folder = small_disk(size)
    cog, tiles = a_container(folder)
    with cog, pytest.raises(OutputError, match=r"a\.tif: cannot be encoded in .* make room") as caught:  # noqa: PT012
        for tile in tiles:
            cog.append(tile)
        cog.finish({}, None)
    assert "\n" not in str(caught.value)
    assert not list(folder.glob("*.spool"))


def test_a_kernel_that_cannot_copy_between_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layout = layout_of((600, 600), 3, "uint8")
    profile = resolve_profile("a.tif", "zstd", {}, layout)
    expected = write(tmp_path / "a.tif", profile, layout, image(layout)).read_bytes()

    def refuse(*_: object) -> int:
        raise OSError(errno.EXDEV, "other file system")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    assert write(tmp_path / "b.tif", profile, layout, image(layout)).read_bytes() == expected


def test_lzma_knows_the_bytes_of_a_sample() -> None:
    """Where a part is exact and the rest rounded, it is smaller than with liblzma's own settings, and than ZSTD."""
    layout = layout_of((256, 256), 1, "uint16")
    noise = np.random.default_rng(0).normal(2000, 40, layout.grid.shape)
    noise[:, 40:] = np.round(noise[:, 40:] / 64) * 64
    pixels = noise.astype(np.uint16)[np.newaxis]
    lzma_tile, zstd_tile = (
        encoder(pixels, None)[0]
        for name in ("lzma", "zstd")
        if not isinstance(
            encoder := tiff_encoder(resolve_profile("a.tif", name, {"BLOCKSIZE": "256"}, layout), layout), ByGdal
        )
    )
    assert lzma.decompress(lzma_tile) == pixels.tobytes()
    assert len(lzma_tile) < 0.98 * len(lzma.compress(interleave(pixels, 256, delta=True).tobytes()))
    assert len(lzma_tile) < 0.9 * len(zstd_tile)


def test_threads_of_gdal_read_lzma_as_one_does(tmp_path: Path) -> None:
    """They do not undo a predictor."""
    layout = layout_of((300, 300), 3, "uint16")
    pixels = image(layout)
    path = write(tmp_path / "a.tif", resolve_profile("a.tif", "lzma", {"BLOCKSIZE": "128"}, layout), layout, pixels)
    with rasterio.Env(GDAL_NUM_THREADS=2), rasterio.open(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), pixels)
