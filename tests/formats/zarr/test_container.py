"""A store is read by xarray, rioxarray, zarr-python and GDAL, none of which has written it."""

import json
import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rioxarray  # noqa: F401  gives xarray its .rio
import xarray as xr
import zarr
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from stores import PROVENANCE, layout_of, store_of, write_store

from geosal.core.grid import Grid, level_shapes
from geosal.core.metadata import metadata_from_json, metadata_to_json
from geosal.core.raster import BandMetadata, RasterMetadata
from geosal.core.shared_raster import close_shared_rasters
from geosal.errors import OutputError
from geosal.formats.pyramid import Cutter, Tile
from geosal.formats.zarr.attributes import group_of, path_in
from geosal.formats.zarr.check import complete_faults, layout_faults
from geosal.formats.zarr.container import ZarrContainer
from geosal.formats.zarr.tiles import ZarrEncoder
from geosal.scenes import Scene
from geosal.scenes.raster import DTYPES
from geosal.scenes.zarr_store import ZarrScene

RNG = np.random.default_rng(11)


def noise(shape: tuple[int, ...], dtype: str = "uint16") -> NDArray[Any]:
    return RNG.integers(1, 250, shape).astype(dtype)


def open_raw(path: Path, group: str | None = None) -> xr.Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("error", zarr.errors.ZarrUserWarning)
        return xr.open_zarr(path, group=group, mask_and_scale=False)


def same(found: Any, expected: Any) -> bool:
    return bool(np.array_equal(np.asarray(found), expected, equal_nan=np.asarray(expected).dtype.kind == "f"))


class TestEveryKindOfSource:
    def test_xarray_and_rioxarray(self, source: Path, tmp_path: Path) -> None:
        scene = Scene.open(source)
        pixels, _, mask = scene.read(scene.grid.whole())
        found = open_raw(store_of(tmp_path / "out.zarr", source))
        assert found.image.dims == ("band", "y", "x")
        assert found.image.dtype == scene.layout.dtype
        assert same(found.image, pixels)
        assert found.band.values.tolist() == list(scene.indexes)
        assert found.image.rio.crs == scene.grid.rasterio_crs
        assert tuple(found.image.rio.transform()) == tuple(scene.grid.transform)
        nodata = scene.layout.nodata
        assert found.image.rio.nodata == nodata or (nodata is not None and math.isnan(nodata))
        assert list(found.image.attrs["long_name"]) == [band.description for band in scene.layout.metadata.bands]
        assert found.image.attrs["units"] == "W/m2"
        assert found.image.attrs["GEOSAL_VERSION"] == found.attrs["GEOSAL_VERSION"] == "1"
        if scene.layout.has_mask:
            assert same(found.mask, mask)

    def test_gdal(self, source: Path, tmp_path: Path) -> None:
        scene = Scene.open(source)
        out = store_of(tmp_path / "out.zarr", source)
        with rasterio.open(out / "image", driver="Zarr") as found:
            assert same(found.read(), scene.read(scene.grid.whole()).pixels)
            assert found.crs == scene.grid.rasterio_crs
            if source.stem != "rotated":  # no coordinates, and GDAL looks nowhere else
                assert found.transform.almost_equals(scene.grid.transform, precision=1e-6)
            nodata = scene.layout.nodata
            assert found.nodata == nodata or (nodata is not None and math.isnan(nodata))
            assert set(found.units) == {"W/m2"}
            assert found.tags()["B"] == scene.layout.metadata.tags[""]["B"]

    def test_all_that_gdal_knew_is_there(self, source: Path, tmp_path: Path) -> None:
        metadata = Scene.open(source).layout.metadata
        out = store_of(tmp_path / "out.zarr", source)
        found = metadata_from_json(zarr.open_group(out, mode="r").attrs["gdal_metadata"])
        ours = {key: value for key, value in found.tags[""].items() if key not in PROVENANCE}
        assert {**found.tags, "": ours} == metadata.tags
        assert [vars_of(band) for band in found.bands] == [vars_of(band) for band in metadata.bands]
        assert [point.asdict() for point in found.gcps] == [point.asdict() for point in metadata.gcps]
        assert (found.gcp_crs, found.nbits, found.rpcs) == (metadata.gcp_crs, metadata.nbits, metadata.rpcs)

    def test_overviews_are_groups_of_the_same_make(self, source: Path, tmp_path: Path) -> None:
        scene = Scene.open(source)
        out = store_of(tmp_path / "out.zarr", source)
        shapes = level_shapes(scene.grid.shape, 256)
        assert len(shapes) == 3
        for level, shape in enumerate(shapes):
            found = open_raw(out, group=group_of(level, groups=False) or None)
            assert found.image.shape == (scene.layout.count, *shape)
            assert found.image.rio.crs == scene.grid.rasterio_crs
            a, b, c, d, e, f = tuple(scene.grid.transform)[:6]
            factor = 2**level
            wanted = (a * factor, b * factor, c, d * factor, e * factor, f)
            assert tuple(found.image.rio.transform())[:6] == pytest.approx(wanted, rel=1e-14)
        assert set(xr.open_groups(out, engine="zarr")) == {"/", "/ovr_2x", "/ovr_4x"}


def vars_of(band: BandMetadata) -> tuple[Any, ...]:
    return band.description, band.unit, band.scale, band.offset, band.colorinterp, band.tags


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("nodata", [None, 3.0])
def test_every_dtype(tmp_path: Path, dtype: str, nodata: float | None) -> None:
    pixels = noise((2, 70, 50), dtype)
    pixels[:, 5:9, 5:9] = 3
    out = write_store(tmp_path / "out.zarr", layout_of(pixels, nodata), pixels)
    assert same(open_raw(out).image, pixels)
    masked = xr.open_zarr(out).image  # as most will
    assert same(masked, pixels if nodata is None else np.where(pixels == 3, np.nan, pixels.astype(float)))
    with rasterio.open(out / "image", driver="Zarr") as found:
        assert found.nodata == nodata
        assert same(found.read(), pixels)


@pytest.mark.parametrize("nodata", [math.nan, -3.4028234663852886e38, math.inf])
def test_floats_of_every_kind(tmp_path: Path, nodata: float) -> None:
    pixels = noise((1, 40, 70), "float32")
    pixels[0, :4], pixels[0, 4:8], pixels[0, 8, 0] = nodata, np.nan, -np.inf
    out = write_store(tmp_path / "out.zarr", layout_of(pixels, nodata), pixels)
    found = open_raw(out)
    assert same(found.image, pixels)
    assert same(found.image.rio.nodata, np.float32(nodata))
    json.loads((out / "zarr.json").read_text(), parse_constant=pytest.fail)


@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 3), st.integers(1, 90), st.integers(1, 90)),
    tile=st.sampled_from([16, 32, 64]),
    seed=st.integers(0, 2**16),
    has_mask=st.booleans(),
)
def test_any_size_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, int, int], tile: int, seed: int, has_mask: bool
) -> None:
    pixels = np.random.default_rng(seed).integers(0, 255, shape).astype("uint8")
    mask = pixels[0] > 100 if has_mask else None
    out = tmp_path_factory.mktemp("any") / "out.zarr"
    write_store(out, layout_of(pixels, has_mask=has_mask), pixels, mask, tile=tile, seed=seed)
    found = zarr.open_group(out, mode="r", zarr_format=3)
    assert same(found["image"][:], pixels)
    if mask is not None:
        assert same(found["mask"][:], mask)
    assert [level["asset"] for level in found.attrs["multiscales"]["layout"]] == [
        path_in(group_of(level, groups=False), "image") for level in range(len(level_shapes(shape[1:], tile)))
    ]
    for level, (rows, cols) in enumerate(level_shapes(shape[1:], tile)[1:], start=1):
        overview = found[path_in(group_of(level, groups=False), "image")]
        assert overview.shape == (shape[0], rows, cols)
        assert overview.nchunks_initialized == overview.nchunks


def test_the_metadata_is_what_zarr_python_would_write(tmp_path: Path) -> None:
    pixels = noise((2, 70, 50))
    out = write_store(tmp_path / "out.zarr", layout_of(pixels, 0, has_mask=True), pixels, pixels[0] > 9)
    group = zarr.open_group(out, mode="r", zarr_format=3)
    for path in out.rglob("zarr.json"):
        name = path.parent.relative_to(out).as_posix()
        ours = json.loads(path.read_text())
        if name == ".":
            consolidated = ours.pop("consolidated_metadata")["metadata"]
            assert set(consolidated) == {found for found, _ in group.members(max_depth=None)}
            continue
        assert ours == consolidated_of(out)[name]
        theirs = json.loads(json.dumps(group[name].metadata.to_dict()))
        theirs.pop("consolidated_metadata", None)
        assert ours == theirs, name


def consolidated_of(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "zarr.json").read_text())["consolidated_metadata"]["metadata"])


def test_xarray_itself_finds_the_metadata_consolidated(tmp_path: Path) -> None:
    pixels = noise((1, 20, 20))
    out = write_store(tmp_path / "out.zarr", layout_of(pixels), pixels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert same(xr.open_zarr(out, consolidated=True).image, pixels)


def test_scale_and_offset_that_bands_share_are_xarrays(tmp_path: Path) -> None:
    pixels = noise((2, 20, 20))
    band = BandMetadata(scale=0.5, offset=-10.0, unit="K", colorinterp=ColorInterp.gray)
    layout = replace(layout_of(pixels), metadata=RasterMetadata(bands=(band, band)))
    out = write_store(tmp_path / "out.zarr", layout, pixels)
    assert same(xr.open_zarr(out).image, pixels * 0.5 - 10.0)
    with rasterio.open(out / "image", driver="Zarr") as found:
        assert (found.scales, found.offsets, found.units) == ((0.5, 0.5), (-10.0, -10.0), ("K", "K"))


def test_scales_that_differ_are_nobodys(tmp_path: Path) -> None:
    pixels = noise((2, 20, 20))
    bands = (BandMetadata(scale=0.5, unit="K"), BandMetadata(scale=2.0, unit="m"))
    layout = replace(layout_of(pixels), metadata=RasterMetadata(bands=bands))
    found = xr.open_zarr(write_store(tmp_path / "out.zarr", layout, pixels))
    assert same(found.image, pixels)
    assert [band["scale"] for band in found.attrs["gdal_metadata"]["bands"]] == [0.5, 2.0]
    assert "units" not in found.image.attrs


def test_tags_that_xarray_would_act_upon_are_kept_aside(tmp_path: Path) -> None:
    """As in a GeoTIFF that rioxarray made of a NetCDF file."""
    pixels = noise((1, 20, 20))
    tags = {
        "scale_factor": "0.1",
        "_FillValue": "9",
        "units": "days since 2000-01-01",
        "coordinates": "a b",
        "fine": "1",
    }
    layout = replace(layout_of(pixels), metadata=RasterMetadata(bands=(BandMetadata(),), tags={"": tags}))
    found = xr.open_zarr(write_store(tmp_path / "out.zarr", layout, pixels))
    assert same(found.image, pixels)
    assert found.image.dtype == "uint16"
    assert found.image.attrs["fine"] == "1"
    assert tags.items() <= found.attrs["gdal_metadata"]["tags"][""].items()


def test_statistics_are_band_tags(tmp_path: Path) -> None:
    pixels = noise((2, 20, 20))
    statistics = [{"STATISTICS_MEAN": "1.5"}, {"STATISTICS_MEAN": "2.5"}]
    out = write_store(tmp_path / "out.zarr", layout_of(pixels), pixels, statistics=statistics)
    known = zarr.open_group(out, mode="r").attrs["gdal_metadata"]
    assert [band["tags"][""] for band in known["bands"]] == statistics
    assert [band.tags for band in metadata_from_json(known).bands] == [{}, {}]


def test_geozarr(tmp_path: Path) -> None:
    pixels = noise((1, 100, 65))
    out = write_store(tmp_path / "out.zarr", layout_of(pixels), pixels, tile=32)
    known = zarr.open_group(out, mode="r").attrs
    assert {each["name"] for each in known["zarr_conventions"]} == {"multiscales", "proj", "spatial"}
    assert known["proj:code"] == "EPSG:32617"
    assert known["spatial:bbox"] == [5e5, 4e6 - 1000, 5e5 + 650, 4e6]
    layout = known["multiscales"]["layout"]
    assert [level["spatial:shape"] for level in layout] == [[100, 65], [50, 33], [25, 17]]
    assert [level["spatial:transform"][0] for level in layout] == [10, 20, 40]
    assert layout[2]["derived_from"] == "ovr_2x/image"
    assert layout[2]["transform"]["scale"] == [2, 2]


@pytest.mark.parametrize("shards", [1, 2])
def test_every_level_in_a_group(tmp_path: Path, shards: int) -> None:
    pixels = noise((2, 100, 65))
    layout, mask = layout_of(pixels, 7, has_mask=True), pixels[0] > 9
    out = write_store(tmp_path / "out.zarr", layout, pixels, mask, tile=32, groups=True, shards=shards)
    levels = zarr.open_group(out, mode="r").attrs["multiscales"]["layout"]
    assert [(each["asset"], each.get("derived_from")) for each in levels] == [("0", None), ("1", "0"), ("2", "1")]
    found = open_raw(out, "0")
    assert same(found.image, pixels)
    assert (found.image.rio.crs, found.image.rio.nodata) == (layout.grid.rasterio_crs, 7)
    assert (complete_faults(str(out)), layout_faults(str(out))) == ([], [])
    if shards == 1:
        with rasterio.open(out / "0/image") as dataset:
            assert same(dataset.read(), pixels)
    for path in ("", "0", "0/image"):
        scene = ZarrScene.open(out / path)
        assert same(scene.read(scene.grid.whole()).pixels, pixels)
        assert same(scene.read(scene.grid.whole()).mask, mask)
        assert (scene.grid, scene.layout.nodata, scene.overviews) == (layout.grid, 7, (2, 4))
        assert scene.layout.metadata.tags[""] == PROVENANCE
    (out / "1/y/0").unlink()
    (out / "0/image/1/0/0").unlink()
    assert "0/image" in complete_faults(str(out))[0]


@pytest.mark.parametrize("crs", [None, "+proj=laea +lat_0=10 +lon_0=20 +datum=WGS84", "EPSG:4326", "EPSG:3857"])
def test_every_crs(tmp_path: Path, crs: str | None) -> None:
    pixels = noise((1, 20, 30))
    known = rasterio.crs.CRS.from_user_input(crs) if crs else None
    grid = Grid.from_crs(known, Affine(0.1, 0, 7, 0, -0.1, 40), 20, 30)
    found = open_raw(write_store(tmp_path / "out.zarr", replace(layout_of(pixels), grid=grid), pixels))
    assert found.image.rio.crs == known
    assert found.x.values == pytest.approx(7.05 + 0.1 * np.arange(30))
    names = {"EPSG:4326": ("longitude", "latitude"), None: (None, None)}
    x, y = names.get(crs, ("projection_x_coordinate", "projection_y_coordinate"))
    assert (found.x.attrs.get("standard_name"), found.y.attrs.get("standard_name")) == (x, y)


def test_json_round_trip_of_metadata() -> None:
    empty = RasterMetadata(bands=(BandMetadata(),))
    assert metadata_to_json(metadata_from_json(json.loads(json.dumps(metadata_to_json(empty))))) == metadata_to_json(
        empty
    )


class TestFailures:
    @staticmethod
    def container(path: Path, pixels: NDArray[Any]) -> tuple[ZarrContainer, tuple[Tile, ...]]:
        layout = layout_of(pixels)
        encoder = ZarrEncoder(fill=0, tile=32)
        tiles = Cutter.of(encoder, layout).cut(layout.grid.whole(), pixels, None).tiles
        return ZarrContainer(path, layout, encoder), tiles

    def test_what_is_not_finished_is_deleted(self, tmp_path: Path) -> None:
        container, tiles = self.container(tmp_path / "out.zarr", noise((1, 50, 50)))
        with pytest.raises(KeyboardInterrupt), container:  # noqa: PT012
            container.append(tiles[0])
            assert any((tmp_path / "out.zarr").rglob("*"))
            raise KeyboardInterrupt
        assert not any(tmp_path.iterdir())

    def test_a_tile_that_is_missing(self, tmp_path: Path) -> None:
        container, tiles = self.container(tmp_path / "out.zarr", noise((1, 50, 50)))
        with pytest.raises(OutputError, match=r"1 of \d+ tiles are missing.*fault of geosal"), container:  # noqa: PT012
            for tile in tiles[1:]:
                container.append(tile)
            container.finish({}, None)
        assert not any(tmp_path.iterdir())

    def test_a_name_that_is_taken(self, tmp_path: Path) -> None:
        (tmp_path / "out.zarr").mkdir()
        container, _ = self.container(tmp_path / "out.zarr", noise((1, 50, 50)))
        with pytest.raises(OutputError, match="File exists"), container:
            pass
        assert (tmp_path / "out.zarr").exists()

    def test_a_full_disk(self, small_disk: Callable[[int], Path]) -> None:
        disk = small_disk(2**16)
        container, tiles = self.container(disk / "out.zarr", noise((3, 300, 300)))
        words = r"^out.zarr: cannot be written in \S+ \(No space left on device\); .*make room"
        with pytest.raises(OutputError, match=words), container:  # noqa: PT012
            for tile in tiles:
                container.append(tile)
            container.finish({}, None)
        assert not any(disk.iterdir())

    def test_a_disk_that_fills_up_at_the_very_end(self, small_disk: Callable[[int], Path]) -> None:
        disk = small_disk(2**20)
        container, tiles = self.container(disk / "out.zarr", noise((1, 50, 50)))
        with pytest.raises(OutputError, match="No space left on device"), container:  # noqa: PT012
            for tile in tiles:
                container.append(tile)
            try:
                (disk / "filler").write_bytes(bytes(2**21))
            except OSError:
                container.finish({}, None)
        assert [path.name for path in disk.iterdir()] == ["filler"]


class TestShards:
    @pytest.mark.parametrize(("side", "has_mask"), [(2, True), (3, False), (16, False)])
    def test_readers_see_the_same_pixels(self, tmp_path: Path, side: int, has_mask: bool) -> None:
        pixels = noise((2, 300, 270))
        mask = pixels[0] > 99 if has_mask else None
        path = write_store(tmp_path / "s.zarr", layout_of(pixels, 7, has_mask=has_mask), pixels, mask, shards=side)
        found = open_raw(path)
        assert same(found.image, pixels)
        assert found.image.encoding["shards"] == (1, side * 64, side * 64)
        assert not has_mask or same(found.mask, mask)
        ours = ZarrScene.open(path)
        assert same(ours.read(ours.grid.whole()).pixels, pixels)
        assert not list(path.rglob(".*.*.*"))  # none waits any more
        assert len([file for file in (path / "image").rglob("*") if file.is_file()]) == 1 + 2 * math.ceil(5 / side) ** 2

    def test_the_order_of_tiles_does_not_show(self, tmp_path: Path) -> None:
        pixels = noise((1, 300, 270))
        one, two = (write_store(tmp_path / f"{n}.zarr", layout_of(pixels), pixels, seed=n, shards=2) for n in (1, 2))
        for file in one.rglob("*"):
            assert file.is_dir() or file.read_bytes() == (two / file.relative_to(one)).read_bytes()

    @pytest.mark.parametrize("how", ["gone", "index", "chunk"])
    def test_damage_is_found(self, tmp_path: Path, how: str) -> None:
        pixels = noise((1, 300, 270))
        path = write_store(tmp_path / "s.zarr", layout_of(pixels), pixels, shards=2)
        assert complete_faults(str(path)) == layout_faults(str(path)) == []
        close_shared_rasters()
        shard = path / "image/0/1/1"
        content = bytearray(shard.read_bytes())
        content[{"index": -9, "chunk": 20}.get(how, 0)] ^= 255
        shard.unlink() if how == "gone" else shard.write_bytes(content)
        assert complete_faults(str(path))
