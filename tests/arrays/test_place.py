"""Control points and RPCs move with the pixels of an array; GDAL's transformers are the judge."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rioxarray
import xarray as xr
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC
from rasterio.transform import GCPTransformer, RPCTransformer, from_origin
from rasters import save

import geosal
from geosal import GeosalWarning

ROWS, COLS = 40, 50
PLACE = from_origin(4e5, 5e6, 10, 10)
Change = Callable[[xr.DataArray], xr.DataArray]


def written(array: xr.DataArray, tmp_path: Path) -> Path:
    return Path(geosal.write(array, str(tmp_path / "out.tif"), overwrite=True))


def points() -> list[GroundControlPoint]:
    found = []
    for row, col in ((0, 0), (0, COLS), (ROWS, 0), (ROWS, COLS), (13, 31)):
        x, y = 10 + 1e-3 * col + 2e-4 * row, 45 - 1e-3 * row + 1e-4 * col
        found.append(GroundControlPoint(row, col, x, y, 100.0))
    return found


@pytest.fixture
def of_points(tmp_path: Path) -> Path:
    pixels = np.arange(ROWS * COLS, dtype=np.uint16).reshape(1, ROWS, COLS)
    return save(tmp_path / "points.tif", pixels, gcps=points(), crs="EPSG:4326")


CUTS = [
    (lambda a: a, (0, 0, 1, 1)),
    (lambda a: a[:, :25], (0, 0, 1, 1)),
    (lambda a: a[:, 7:, 9:20], (7, 9, 1, 1)),
    (lambda a: a[:, 3:30:2, ::5], (2.5, -2, 2, 5)),
    (lambda a: a[:, 4:5, 6:7], (4, 6, 1, 1)),
    (lambda a: a[:, ::-1], (ROWS, 0, -1, 1)),
    (lambda a: a[:, ::-1][:, :10, 3:] * 2, (ROWS, 3, -1, 1)),
]
"""A cut, and where (row, column) its first corner lies in the whole, and how long its steps are."""


@pytest.mark.parametrize(("cut", "begin"), CUTS)
def test_control_points_move_with_a_part(
    of_points: Path, tmp_path: Path, cut: Change, begin: tuple[float, float, float, float]
) -> None:
    top, left, down, across = begin
    with rasterio.open(written(cut(geosal.open_scene(of_points)), tmp_path)) as made:
        found, crs = made.gcps
        assert crs.to_epsg() == 4326
        assert made.crs is None
        assert made.transform.is_identity
        for point, before in zip(found, points(), strict=True):
            assert (point.x, point.y, point.z) == (before.x, before.y, before.z)
            assert point.row * down + top == pytest.approx(before.row)
            assert point.col * across + left == pytest.approx(before.col)
        with GCPTransformer(points()) as whole, GCPTransformer(found) as part:
            assert part.xy(2, 1) == pytest.approx(whole.xy((2.5 * down + top) - 0.5, (1.5 * across + left) - 0.5))


def test_a_part_that_does_not_tell_where_it_lies_leaves_its_control_points(of_points: Path, tmp_path: Path) -> None:
    opened = rioxarray.open_rasterio(of_points)
    assert isinstance(opened, xr.DataArray)
    with rasterio.open(written(opened, tmp_path)) as made:
        assert len(made.gcps[0]) == len(points())
    with pytest.warns(GeosalWarning, match="control points"):
        written(opened[:, 5:], tmp_path)
    with rasterio.open(tmp_path / "out.tif") as made:
        assert made.gcps[0] == []
        assert made.crs is None


@pytest.mark.parametrize("times", [None, 2])
def test_a_place_that_the_user_gives_goes_before_control_points(
    of_points: Path, tmp_path: Path, times: int | None
) -> None:
    opened = rioxarray.open_rasterio(of_points)
    assert isinstance(opened, xr.DataArray)
    array = opened if times is None else opened * times  # which no longer knows its file
    with rasterio.open(written(array.rio.write_crs(32631).rio.write_transform(PLACE), tmp_path)) as made:
        assert (made.crs.to_epsg(), made.transform, made.gcps[0]) == (32631, PLACE, [])


def test_what_was_warped_has_its_place_and_no_control_points(of_points: Path, tmp_path: Path) -> None:
    warped = geosal.open_scene(of_points).rio.reproject("EPSG:4326")
    with rasterio.open(written(warped, tmp_path)) as made:
        assert made.gcps[0] == []
        assert made.crs.to_epsg() == 4326
        assert made.transform.almost_equals(warped.rio.transform(), 1e-9)


def rpcs() -> RPC:
    ramp = [0.0] * 17
    return RPC(
        height_off=0.0, height_scale=100.0, lat_off=45.0, lat_scale=0.1, long_off=10.0, long_scale=0.1,
        line_den_coeff=[1.0, 0.0, 0.0, *ramp], line_num_coeff=[0.0, 0.1, -1.0, *ramp],
        samp_den_coeff=[1.0, 0.0, 0.0, *ramp], samp_num_coeff=[0.0, 1.0, 0.2, *ramp],
        line_off=20.0, line_scale=20.0, samp_off=25.0, samp_scale=25.0,
    )  # fmt: skip


PLACES = [{}, {"crs": "EPSG:32631", "transform": PLACE}]


@pytest.mark.parametrize("place", PLACES)
def test_a_scene_with_rpcs_that_rioxarray_opened_lies_where_its_file_says(
    tmp_path: Path, place: dict[str, object]
) -> None:
    source = save(tmp_path / "rpcs.tif", np.ones((1, ROWS, COLS), np.uint16), rpcs=rpcs(), **place)
    opened = rioxarray.open_rasterio(source)
    assert isinstance(opened, xr.DataArray)
    with rasterio.open(source) as before, rasterio.open(written(opened, tmp_path)) as made:
        assert (made.crs, made.transform, made.rpcs) == (before.crs, before.transform, before.rpcs)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("cut", "begin"), CUTS[:-1])
def test_rpcs_move_with_a_part(
    tmp_path: Path, cut: Change, begin: tuple[float, float, float, float], place: dict[str, object]
) -> None:
    source = save(tmp_path / "rpcs.tif", np.ones((1, ROWS, COLS), np.uint16), rpcs=rpcs(), **place)
    top, left, down, across = begin
    offset = Affine.translation(left, top) @ Affine.scale(across, down) if place else Affine.identity()
    with rasterio.open(source) as before:
        crs = before.crs
    if down < 0:
        with pytest.warns(GeosalWarning, match="flipped"):
            written(cut(geosal.open_scene(source)), tmp_path)
        with rasterio.open(tmp_path / "out.tif") as made:
            assert made.rpcs is None
        return
    with rasterio.open(written(cut(geosal.open_scene(source)), tmp_path)) as made:
        assert made.crs == crs
        assert made.transform.almost_equals((PLACE if place else Affine.identity()) @ offset, 1e-6)
        with RPCTransformer(rpcs()) as whole, RPCTransformer(made.rpcs) as part:
            expected = whole.xy((1.5 * down + top) - 0.5, (2.5 * across + left) - 0.5)
            assert part.xy(1, 2) == pytest.approx(expected, abs=1e-7)
