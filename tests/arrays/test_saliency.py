"""Saliency of arrays is that of a file with the same samples, whatever the chunks."""

from pathlib import Path

import dask
import numpy as np
import pytest
import xarray as xr

import geosal


def as_others_make_it(array: xr.DataArray, chunks: int | None) -> xr.DataArray:
    """The same samples and place, and nothing else that `geosal.open_scene` knows."""
    plain = xr.DataArray(
        array.values,
        dims=array.dims,
        coords={"y": array.y, "x": array.x, "spatial_ref": array.spatial_ref},
        attrs={"_FillValue": array.rio.nodata},
    )
    return plain if chunks is None else plain.chunk(y=chunks, x=chunks)


@pytest.mark.filterwarnings("ignore:cnn. covers")
@pytest.mark.parametrize("source", ["detail:scales=5", "spectral:index=ndvi,nir=1,red=2", "cnn", "perlin"])
def test_every_source_sees_what_it_sees_in_a_file(small_scene: Path, source: str) -> None:
    if source == "cnn":
        pytest.importorskip("onnxruntime")
    opened = geosal.open_scene(small_scene)
    expected = opened.geosal.saliency(source).values
    for chunks in (None, 90, 20):
        found = as_others_make_it(opened, chunks).geosal.saliency(source)
        np.testing.assert_array_equal(found.values, expected)
        assert found.chunks is not None


def test_sources_that_look_are_given_chunks_that_are_computed_once(rgb_scene: Path) -> None:
    made: list[tuple[int, ...]] = []

    def note(chunk: np.ndarray, block_id: tuple[int, ...] = ()) -> np.ndarray:
        made.append(block_id)
        return chunk

    opened = geosal.open_scene(rgb_scene, chunks=200)
    array = opened.copy(data=opened.data.map_blocks(note, dtype=np.uint8))
    saliency = array.geosal.saliency(["detail", "spectral:index=ndvi,nir=1,red=2"])
    smooth = array.geosal.smooth(saliency)
    made.clear()
    dask.compute(smooth.data)
    assert sorted(made) == sorted(set(made))


def test_each_step_has_a_saliency_of_its_own_where_samples_are_looked_at(small_scene: Path) -> None:
    one = as_others_make_it(geosal.open_scene(small_scene), 128)
    series = xr.concat([one, one[:, ::-1].assign_coords(y=one.y)], xr.Variable("time", [10, 20]))
    found = series.geosal.saliency("detail")
    assert (found.dims, list(found.time)) == (("time", "y", "x"), [10, 20])
    np.testing.assert_array_equal(found[0], one.geosal.saliency("detail"))
    np.testing.assert_array_equal(found[1], series[1].geosal.saliency("detail"))
    smooth = series.geosal.smooth(found)
    np.testing.assert_array_equal(smooth[1], series[1].geosal.smooth(found[1]))
    assert series.geosal.saliency("half").dims == ("y", "x")


def test_tasks_are_named_for_geosal(rgb_scene: Path) -> None:
    scene = geosal.open_scene(rgb_scene, chunks=200)
    smooth = scene.geosal.smooth(scene.geosal.saliency("detail"))
    begins = {str(name).rpartition("-")[0] for name in smooth.data.__dask_graph__().layers}
    assert {"geosal-read", "geosal-saliency", "geosal-smooth"} <= begins
