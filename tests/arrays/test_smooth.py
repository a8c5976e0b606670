import dask.array as da
import numpy as np
import pytest
import rioxarray  # noqa: F401  .rio
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import geosal
from geosal import Ladder, SaliencyError, SceneError
from geosal.smoothing import smooth_block
from geosal.smoothing.block import SampleRules


def scene_of(image: np.ndarray, chunks: object = -1, nodata: float | None = None) -> xr.DataArray:
    scene = xr.DataArray(da.from_array(image, chunks=chunks), dims=("band", "y", "x"))
    return scene.rio.write_nodata(nodata) if nodata is not None else scene


@settings(max_examples=25, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 45), st.integers(1, 45)),
    chunks=st.tuples(st.integers(1, 25), st.integers(1, 25)),
    steps=st.integers(1, 9),
    dtype=st.sampled_from(["uint8", "uint16", "float32"]),
    bands=st.integers(1, 3),
    nodata=st.booleans(),
    seed=st.integers(0, 99),
)
def test_map_overlap_equals_the_whole_bit_for_bit(shape, chunks, steps, dtype, bands, nodata, seed) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 200, (bands, *shape)).astype(dtype)
    saliency = rng.random(shape, dtype=np.float32)
    ladder = Ladder(steps)
    code = 0 if nodata else None
    scene = scene_of(image, chunks=(1, *chunks), nodata=code)
    lazy = geosal.smooth(scene, xr.DataArray(da.from_array(saliency, chunks=(7, 50)), dims=("y", "x")), ladder)
    valid = image != 0 if nodata else None
    expected = smooth_block(image, ladder.levels(saliency), valid, ladder, SampleRules(code))
    np.testing.assert_array_equal(lazy.compute(scheduler="synchronous"), expected)


def test_it_stays_lazy_and_keeps_coordinates_and_attributes() -> None:
    def refuse(block: np.ndarray) -> np.ndarray:
        if block.size:
            raise AssertionError("a pixel was read")
        return block

    pixels = da.zeros((2, 64, 64), chunks=32, dtype=np.uint16).map_blocks(refuse, dtype=np.uint16)
    scene = xr.DataArray(pixels, dims=("band", "y", "x"), coords={"band": [4, 3]}, attrs={"long_name": ("r", "g")})
    smooth = geosal.smooth(scene, xr.DataArray(da.ones((64, 64)), dims=("y", "x")))
    noted = {"GEOSAL_SMOOTHED": "steps=8 sigma=opencv", "GEOSAL_SALIENCY": "an array"}
    assert smooth.attrs == scene.attrs | noted
    assert list(smooth.band) == [4, 3]
    assert smooth.dtype == np.uint16


def test_one_band_without_a_band_dimension() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)
    saliency = xr.DataArray(np.zeros((40, 50), np.float32), dims=("y", "x"))
    smooth = geosal.smooth(xr.DataArray(image, dims=("y", "x")), saliency)
    assert smooth.dims == ("y", "x")
    np.testing.assert_array_equal(smooth, smooth_block(image[None], np.full((40, 50), 8, np.uint8), None, Ladder())[0])


def test_alpha_and_the_mask_coordinate_count() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(1, 256, (4, 60, 60), dtype=np.uint8)
    image[3, :, 30:] = 0
    mask = np.ones((60, 60), np.bool_)
    mask[:20] = False
    scene = scene_of(image, chunks=(4, 20, 20)).assign_coords(
        colorinterp=("band", ["red", "green", "blue", "alpha"]), valid=(("y", "x"), da.from_array(mask, chunks=20))
    )
    smooth = geosal.smooth(scene, xr.DataArray(np.zeros((60, 60), np.float32), dims=("y", "x"))).values
    np.testing.assert_array_equal(smooth[3], image[3])
    np.testing.assert_array_equal(smooth[:3, :20], image[:3, :20])
    np.testing.assert_array_equal(smooth[:3, :, 30:], image[:3, :, 30:])
    assert not np.array_equal(smooth[:3, 20:, :30], image[:3, 20:, :30])


@pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan, np.inf])
def test_saliency_outside_0_to_1_is_an_error_never_a_clip(bad: float) -> None:
    saliency = np.ones((20, 20), np.float32)
    saliency[3, 4] = bad
    lazy = geosal.smooth(scene_of(np.zeros((1, 20, 20), np.uint8)), xr.DataArray(saliency, dims=("y", "x")))
    with pytest.raises(SaliencyError, match="must lie in"):
        lazy.compute()


def test_arrays_that_do_not_fit_are_refused_at_once() -> None:
    ones = xr.DataArray(np.ones((20, 20), np.float32), dims=("y", "x"))
    with pytest.raises(SceneError, match="dimensions"):
        geosal.smooth(xr.DataArray(np.zeros((20, 20, 3), np.uint8), dims=("row", "col", "band")), ones)
    with pytest.raises(SaliencyError, match="saliency of uint8: it is a number from 0 to 1"):
        geosal.smooth(scene_of(np.zeros((1, 20, 20), np.uint8)), ones.astype(np.uint8))
    with pytest.raises(SaliencyError, match="3 steps of time, the scene 2"):
        geosal.smooth(ones.expand_dims(time=2), ones.expand_dims(time=3))
    with pytest.raises(SceneError, match="complex"):
        geosal.smooth(scene_of(np.zeros((1, 20, 20), np.complex64)), ones)
    with pytest.raises(SaliencyError, match="same grid"):
        geosal.smooth(scene_of(np.zeros((1, 20, 21), np.uint8)), ones)
