"""The main job on arrays: the bits of the job on files, with every option that it has."""

import json
import shutil
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import rasterio
import rioxarray
import xarray as xr

import geosal
from geosal import OutputError, TargetError, UsageError


def kinds(path: Path) -> dict[str, xr.DataArray]:
    """The scene of a file in three ways."""
    opened = geosal.open_scene(path, chunks=200)
    loaded = opened.load().copy()
    return {"opened": geosal.open_scene(path), "loaded": loaded, "lazy": loaded.chunk(y=111, x=200)}


def pixels_of(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with rasterio.open(path) as dataset:
        return dataset.read(), dataset.dataset_mask()


@pytest.mark.parametrize(
    ("output", "options"),
    [
        ("a.tif", {"profile": "zstd"}),
        ("a.tif", {"profile": "deflate", "treatment": ["smooth", "bound:error=6"], "steps": 4}),
        ("a.tif", {"profile": "webp", "target_ratio": 20.0}),
        ("a.jpg", {"treatment": "quality:low=40,high=80"}),
        ("a.jpg", {"target_jpeg": 60.0}),
        ("a.tif", {"bidx": [2], "min_psnr": ["salient:40"], "profile": "jpeg"}),
        ("a.tif", {"to_byte": "range:10-200", "bands": ["B02", "B04"]}),
        ("a.tif", {"bidx": [3, 1, 2], "profile": "zstd"}),
        ("a.png", {"block": 256, "workers": 1}),
    ],
)
def test_an_array_comes_to_the_bits_of_its_file(
    rgb_scene: Path, tmp_path: Path, output: str, options: dict[str, Any]
) -> None:
    whole = tmp_path / output
    wanted = geosal.compress(rgb_scene, whole, saliency="grid", **options)
    chosen = kinds(rgb_scene)
    if wanted.search is not None:  # what is read is the same, and a search takes long
        chosen.pop("loaded")
    if "target_ratio" in options:  # the size that is searched is that of the tags as well, which name no input there
        chosen.pop("lazy")
    for kind, array in chosen.items():
        made = tmp_path / kind / output
        made.parent.mkdir()
        found = array.geosal.compress(made, "grid", **options)
        for one, other in zip(pixels_of(made), pixels_of(whole), strict=True):
            np.testing.assert_array_equal(one, other)
        assert (found.treatment, found.kernel_shares) == (wanted.treatment, wanted.kernel_shares)
        assert found.input == (str(rgb_scene) if kind == "opened" else "the array")
        assert (found.input_bytes is None) == (kind != "opened")
        assert {path.name for path in made.parent.iterdir()} == {path.name for path in tmp_path.glob("a.*")}


def test_metadata_are_the_arrays(rgb_scene: Path, tmp_path: Path) -> None:
    array = geosal.open_scene(rgb_scene)[:2, 10:].rio.write_nodata(9).assign_attrs(MISSION="seen")
    array.geosal.compress(tmp_path / "a.tif", "half")
    with rasterio.open(tmp_path / "a.tif") as made, rasterio.open(rgb_scene) as source:
        assert (made.count, made.nodata, made.crs) == (2, 9, source.crs)
        assert made.descriptions == source.descriptions[:2]
        assert made.transform == source.transform @ source.transform.translation(0, 10)


@pytest.mark.parametrize("lazy", [False, True])
def test_saliency_may_be_anything(rgb_scene: Path, tmp_path: Path, lazy: bool) -> None:
    array = kinds(rgb_scene)["lazy" if lazy else "loaded"]
    values = np.indices(array.shape[1:]).sum(axis=0) // 40 % 5 / np.float32(4)
    map_of_it = xr.DataArray(da.from_array(values, chunks=99) if lazy else values, dims=("y", "x"))
    expected = array.geosal.smooth(map_of_it).values
    for number, given in enumerate((map_of_it, values, [map_of_it], array.geosal.saliency(values))):
        array.geosal.compress(tmp_path / f"{number}.tif", given, profile="zstd")
        np.testing.assert_array_equal(pixels_of(tmp_path / f"{number}.tif")[0], expected)


def test_nothing_is_computed_for_a_job_that_is_refused(tmp_path: Path) -> None:
    def refuse(chunk: np.ndarray) -> np.ndarray:
        raise AssertionError("a pixel was computed")

    pixels = da.zeros((1, 600, 600), chunks=300, dtype=np.uint16).map_blocks(refuse, dtype=np.uint16, meta=np.empty(0))
    array = xr.DataArray(pixels, dims=("band", "y", "x"))
    for options, error in (
        ({"output": "a.jpg"}, UsageError),
        ({"output": "a.tif", "profile": "jepg"}, UsageError),
        ({"output": "a.tif", "profle": "jpeg"}, UsageError),
        ({"output": "a.tif", "treatment": "bound:errr=3"}, UsageError),
        ({"output": "no/a.tif"}, OutputError),
    ):
        output = tmp_path / options.pop("output")
        with pytest.raises(error):
            array.geosal.compress(output, "half", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore:the array. has no georef")
def test_a_missed_target_leaves_nothing(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 600)).astype(np.uint8)
    array = xr.DataArray(da.from_array(noise, chunks=300), dims=("y", "x"))
    with pytest.raises(TargetError):
        array.geosal.compress(tmp_path / "a.tif", "uniform:saliency=1", target_size="1kB", profile="zstd")
    assert list(tmp_path.iterdir()) == []


def test_other_processes_read_what_was_spilled(rgb_scene: Path, tmp_path: Path) -> None:
    array = kinds(rgb_scene)["loaded"]
    array.geosal.compress(tmp_path / "a.tif", "detail", scheduler="processes", workers=1, profile="zstd")
    expected = array.geosal.smooth("detail").values
    np.testing.assert_array_equal(pixels_of(tmp_path / "a.tif")[0], expected)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize("smoothed", [False, True])
def test_a_lazy_array_does_not_replace_the_file_it_is_read_from(
    small_scene: Path, tmp_path: Path, smoothed: bool
) -> None:
    own = tmp_path / "own.tif"
    shutil.copy(small_scene, own)
    before = own.read_bytes()
    array = rioxarray.open_rasterio(own, chunks=64)
    array = array.geosal.smooth("half") if smoothed else array
    with pytest.raises(OutputError, match="input"):
        array.geosal.compress(own, "half", overwrite=True)
    assert own.read_bytes() == before


def test_an_array_tells_a_catalogue_its_moment(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(1, 900, (2, 40, 50)).astype(np.uint16)
    coords = {
        "time": np.array(["2024-05-01T10:40:21", "2024-05-11"], "datetime64[ns]"),
        "y": 5e6 - 10.0 * np.arange(40), "x": 4e5 + 10.0 * np.arange(50),
    }  # fmt: skip
    cube = xr.DataArray(pixels, dims=("time", "y", "x"), coords=coords).rio.write_crs(32631)
    cube.isel(time=0).geosal.compress(tmp_path / "o.tif", "half", stac=True)
    told = json.loads((tmp_path / "o.tif.stac.json").read_text())["properties"]
    assert (told["datetime"], told["geosal:datetime_by"]) == ("2024-05-01T10:40:21Z", "TIME")
    with rasterio.open(tmp_path / "o.tif") as dataset:
        assert dataset.tags()["TIME"] == "2024-05-01T10:40:21.000"
