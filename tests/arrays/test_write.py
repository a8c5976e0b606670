import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import rasterio
import xarray as xr
from numpy.typing import NDArray
from rasterio.transform import from_origin
from rio_cogeo.cogeo import cog_validate

import geosal
from geosal import OutputError, SceneError, UsageError
from geosal.scenes import describe


def test_a_smoothed_scene_is_written_with_all_that_its_file_carried(rgb_scene: Path, tmp_path: Path) -> None:
    whole, lazy = tmp_path / "whole.tif", tmp_path / "lazy.tif"
    geosal.compress(str(rgb_scene), str(whole), saliency="grid", profile="zstd")
    scene = geosal.open_scene(str(rgb_scene), chunks=256)
    assert scene.geosal.smooth(scene.geosal.saliency("grid")).geosal.write(str(lazy), profile="zstd") == str(lazy)
    assert cog_validate(lazy, strict=True)[0]
    with rasterio.open(whole) as a, rasterio.open(lazy) as b:
        np.testing.assert_array_equal(a.read(), b.read())
        assert (a.crs, a.transform, a.nodata, a.descriptions) == (b.crs, b.transform, b.nodata, b.descriptions)
        assert a.colorinterp == b.colorinterp
        assert a.tags(ns="PROVENANCE") == b.tags(ns="PROVENANCE")
        tags = {key: value for key, value in a.tags().items() if not key.startswith("GEOSAL")}
        smoothed = {"GEOSAL_SMOOTHED": "steps=8 sigma=opencv", "GEOSAL_SALIENCY": "grid"}
        assert b.tags() == tags | smoothed | {"GEOSAL_VERSION": geosal.__version__}
    assert all(check.ok for check in geosal.verify(str(lazy), against=str(rgb_scene)))


def test_a_part_of_a_scene_keeps_what_the_array_itself_knows(rgb_scene: Path, tmp_path: Path) -> None:
    part = geosal.open_scene(str(rgb_scene), bands=[2])[:, 100:300, 50:250]
    geosal.write(part, str(tmp_path / "part.tif"))
    with rasterio.open(rgb_scene) as a, rasterio.open(tmp_path / "part.tif") as b:
        np.testing.assert_array_equal(b.read(1), a.read(2)[100:300, 50:250])
        assert b.transform == a.transform @ a.transform.translation(50, 100)
        assert b.crs == a.crs
        assert b.nodata == 0
        assert b.descriptions == ("B03",)


def test_a_plain_array_is_written_too(tmp_path: Path) -> None:
    array = xr.DataArray(np.arange(2000, dtype=np.int16).reshape(40, 50), dims=("y", "x"))
    geosal.write(array, str(tmp_path / "a.jp2"))
    with rasterio.open(tmp_path / "a.jp2") as dataset:
        np.testing.assert_array_equal(dataset.read(1), array.values)


def test_saliency_is_lazy_on_the_scenes_chunks(rgb_scene: Path) -> None:
    scene = geosal.open_scene(str(rgb_scene), chunks=256)
    saliency = geosal.saliency("half", like=scene)
    assert saliency.dims == ("y", "x")
    assert saliency.chunks == scene.chunks[1:]
    assert saliency.dtype == np.float32
    assert saliency.rio.crs == scene.rio.crs
    assert saliency.values.mean() == 0.5


def test_masks_travel_with_parts(tmp_path: Path) -> None:
    source = tmp_path / "m.tif"
    mask = np.full((90, 80), 255, np.uint8)
    mask[:, :33] = 0
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(source, "w", driver="GTiff", count=1, height=90, width=80, dtype="uint8") as dataset,
    ):
        dataset.write(np.full((1, 90, 80), 9, np.uint8))
        dataset.write_mask(mask)
    scene = geosal.open_scene(str(source))
    geosal.write(scene[:, 10:], str(tmp_path / "out.tif"))
    with rasterio.open(tmp_path / "out.tif") as dataset:
        np.testing.assert_array_equal(dataset.dataset_mask(), mask[10:])


def test_refusals(rgb_scene: Path, tmp_path: Path) -> None:
    scene = geosal.open_scene(str(rgb_scene))
    with pytest.raises(OutputError, match="input"):
        geosal.write(scene, str(rgb_scene), overwrite=True)
    with pytest.raises(SceneError, match=r"also time, of 2 steps; choose one time: array.isel\(time=0\)"):
        geosal.write(scene.expand_dims(time=2), str(tmp_path / "a.tif"))
    with pytest.raises(UsageError, match="profle: no such option; did you mean profile"):
        geosal.write(scene, str(tmp_path / "a.tif"), profle="zstd")


def lying(made: Callable[[NDArray[np.uint8]], NDArray[Any]], dtype: str = "u1") -> xr.DataArray:
    """An array whose chunks are not what it says."""
    pixels = da.from_array(np.arange(80 * 96, dtype=np.uint32).reshape(1, 80, 96) % 251, chunks=(1, 40, 96))
    return xr.DataArray(pixels.astype("u1").map_blocks(made, dtype=dtype), dims=("band", "y", "x"))


@pytest.mark.parametrize("output", ["a.tif", "a.jp2", "a.zarr"])
def test_chunks_of_another_type_or_shape_than_dask_says_are_refused(tmp_path: Path, output: str) -> None:
    with pytest.raises(
        UsageError, match=r"rows \d+-\d+, .*declares uint8, what it computes is float64.*astype\('uint8'\)"
    ):
        geosal.write(lying(lambda block: block + 1000.7), str(tmp_path / output), workers=1)
    with pytest.raises(UsageError, match=r"declares the shape \(1, 40, 96\), what it computes has \(1, 40, 95\)"):
        geosal.write(lying(lambda block: block[..., 1:]), str(tmp_path / output), workers=1)
    mask = lying(lambda block: block.astype("f8"), "bool")[0]
    with pytest.raises(UsageError, match="coordinate valid.*declares bool, what it computes is float64"):
        geosal.write(lying(lambda block: block).assign_coords(valid=mask), str(tmp_path / output), workers=1)
    assert list(tmp_path.iterdir()) == []


def test_chunks_of_a_smaller_type_become_what_dask_says(tmp_path: Path) -> None:
    geosal.write(lying(lambda block: block + np.float32(0.5), "f8"), str(tmp_path / "a.tif"))
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert dataset.dtypes == ("float64",)
        np.testing.assert_array_equal(dataset.read(1), np.arange(80 * 96).reshape(80, 96) % 251 + 0.5)


def write_bands(path: Path, count: int = 4, **options: object) -> Path:
    """Bands 1 to `count` of uint16 with names, colours, scales and units of their own."""
    layout = {"driver": "GTiff", "height": 40, "width": 50, "dtype": "uint16", "crs": "EPSG:32631"}
    with rasterio.open(path, "w", count=count, transform=from_origin(4e5, 5e6, 10, 10), **layout, **options) as dataset:
        ramp = np.arange(2000, dtype=np.uint16).reshape(40, 50)
        dataset.write(np.stack([ramp * number for number in range(1, count + 1)]))
        dataset.descriptions = [f"band {number}" for number in range(1, count + 1)]
    return path


def test_chosen_bands_in_bytes_keep_their_names_and_limits(tmp_path: Path) -> None:
    source = write_bands(tmp_path / "in.tif")
    whole, lazy = tmp_path / "whole.tif", tmp_path / "lazy.tif"
    geosal.compress(source, whole, saliency="half", bidx=[4, 3, 2], to_byte="percentile")
    scene = geosal.open_scene(source, bands=[4, 3, 2], to_byte="percentile")
    scene.geosal.smooth(scene.geosal.saliency("half")).geosal.write(str(lazy))
    with rasterio.open(whole) as a, rasterio.open(lazy) as b:
        np.testing.assert_array_equal(a.read(), b.read())
        assert b.descriptions == a.descriptions == ("band 4", "band 3", "band 2")
        assert [b.tags(n)["GEOSAL_TO_BYTE"] for n in b.indexes] == [a.tags(n)["GEOSAL_TO_BYTE"] for n in a.indexes]


def test_a_part_keeps_scale_offset_and_unit(tmp_path: Path) -> None:
    source = write_bands(tmp_path / "in.tif")
    with rasterio.open(source, "r+") as dataset:
        dataset.scales, dataset.offsets, dataset.units = [1e-4] * 4, [-0.1] * 4, ["sr"] * 4
    for reading in ({}, {"bands": [2, 1]}):
        geosal.write(geosal.open_scene(source, **reading)[:, :20], tmp_path / "out.tif", overwrite=True)
        with rasterio.open(tmp_path / "out.tif") as made:
            assert {*zip(made.scales, made.offsets, made.units, strict=True)} == {(1e-4, -0.1, "sr")}


@pytest.mark.filterwarnings("ignore:(Scales|Offsets) differ across bands")
def test_a_part_keeps_scales_that_differ(tmp_path: Path) -> None:
    source = write_bands(tmp_path / "in.tif")
    with rasterio.open(source, "r+") as dataset:
        dataset.scales, dataset.offsets, dataset.units = [1, 2, 3, 4], [0, -1, -2, -3], ["", "K", "", "m"]
    scene = geosal.open_scene(source, bands=[4, 2, 1])
    for part, scales, offsets, units in (
        (scene[:, :20], (4, 2, 1), (-3, -1, 0), ("m", "K", None)),
        (scene[1:, :20], (2, 1), (-1, 0), ("K", None)),
        (scene[1, :20], (2,), (-1,), ("K",)),
        (scene.geosal.smooth(scene.geosal.saliency("half"))[:1, 5:], (4,), (-3,), ("m",)),
    ):
        geosal.write(part, tmp_path / "out.tif", overwrite=True)
        with rasterio.open(tmp_path / "out.tif") as made:
            assert (made.scales, made.offsets, made.units) == (scales, offsets, units)


def test_creation_options_are_those_of_compress(tmp_path: Path) -> None:
    array = xr.DataArray(np.arange(2000, dtype=np.int16).reshape(40, 50), dims=("y", "x"))
    for level in (9, "9"):
        geosal.write(array, str(tmp_path / "a.tif"), creation_options={"LEVEL": level, "BIGTIFF": True}, overwrite=True)
    for wrong in (["LEVEL=9"], "LEVEL=9", 9):
        with pytest.raises(UsageError, match="creation_options"):
            geosal.write(array, str(tmp_path / "b.tif"), creation_options=wrong)


def test_a_name_that_is_taken_is_refused_in_pythons_words_too(tmp_path: Path) -> None:
    array = xr.DataArray(np.zeros((4, 5), np.uint8), dims=("y", "x"))
    geosal.write(array, str(tmp_path / "a.tif"))
    with pytest.raises(OutputError, match="overwrite=True"):
        geosal.write(array, str(tmp_path / "a.tif"))


@pytest.mark.parametrize("suffix", ["jp2", "png", "tif"])
def test_samples_beyond_the_bits_of_the_file_are_not_cut(tmp_path: Path, suffix: str) -> None:
    """The array still names its file, and no longer has its samples."""
    source, output = tmp_path / "in.tif", tmp_path / f"out.{suffix}"
    place = {"crs": "EPSG:32631", "transform": from_origin(5e5, 4e6, 10, 10)}
    with rasterio.open(source, "w", "GTiff", 64, 64, 1, dtype="uint8", nbits=4, **place) as sink:
        sink.write(np.full((1, 64, 64), 7, np.uint8))
    scene = geosal.open_scene(source)
    more = scene.copy(data=scene.data * 20)
    if suffix != "tif":
        with pytest.raises(UsageError, match=r"samples up to 140, and its file has 4 bits, up to 15; .*drop_encoding"):
            geosal.write(more, output)
    geosal.write(more if suffix == "tif" else more.drop_encoding(), output)
    with rasterio.open(output) as found:
        assert (found.read() == 140).all()


@pytest.mark.parametrize("suffix", ["jp2", "png", "tif"])
def test_bits_that_the_nodata_code_does_not_fit_into_are_not_cut(tmp_path: Path, suffix: str) -> None:
    source, output = tmp_path / "in.tif", tmp_path / f"out.{suffix}"
    place = {"crs": "EPSG:32631", "transform": from_origin(5e5, 4e6, 10, 10), "nodata": 255}
    with rasterio.open(source, "w", "GTiff", 64, 64, 1, dtype="uint8", nbits=4, **place) as sink:
        sink.write(np.full((1, 64, 64), 7, np.uint8))
    scene = geosal.open_scene(source)
    edged = scene.where(scene.x > float(scene.x[9]), 255).astype("uint8").assign_attrs(scene.attrs)
    edged.encoding = scene.encoding
    geosal.write(edged, output)
    with rasterio.open(output) as found:
        np.testing.assert_array_equal(found.read(), edged.values)
        assert found.nodata == 255


@pytest.mark.parametrize(("dtype", "fitting"), [("bool", "uint8"), ("int64", "float64")])
def test_types_that_no_profile_holds_are_to_be_converted(tmp_path: Path, dtype: str, fitting: str) -> None:
    array = xr.DataArray(np.zeros((4, 5), dtype), dims=("y", "x"))
    with pytest.raises(UsageError, match=rf"astype\('{fitting}'\)") as caught:
        geosal.write(array, str(tmp_path / "a.tif"))
    assert "--profile" not in str(caught.value)
    geosal.write(array.astype(fitting), str(tmp_path / "a.tif"))


@pytest.mark.parametrize("code", [300, "none"])
def test_a_nodata_code_that_no_sample_can_have_is_refused(tmp_path: Path, code: object) -> None:
    array = xr.DataArray(np.full((1, 40, 50), 7, np.uint8), dims=("band", "y", "x"), attrs={"_FillValue": code})
    with pytest.raises(UsageError, match=r"no uint8 sample can have its nodata code .*write_nodata"):
        geosal.write(array, str(tmp_path / "a.tif"))
    with pytest.raises(UsageError, match="no uint8 sample can have its nodata code"):
        geosal.smooth(array, xr.DataArray(np.ones((40, 50), np.float32), dims=("y", "x")))


def test_paths_are_text_or_path_objects_everywhere(rgb_scene: Path, tmp_path: Path) -> None:
    class Entry(os.PathLike[str]):
        def __fspath__(self) -> str:
            return str(tmp_path / "a.tif")

    geosal.compress(rgb_scene, Entry(), saliency="half", profile="zstd", overwrite=True)
    mask = tmp_path / "mask.tif"
    geosal.write(geosal.saliency("half", like=geosal.open_scene(rgb_scene)), mask)
    assert all(check.ok for check in geosal.verify(Entry(), against=rgb_scene, saliency=mask))
    outcome = geosal.compare(rgb_scene, Entry(), mask, error_map=tmp_path / "map.tif")
    assert outcome.scores("salient").max_error == 0
    assert (tmp_path / "map.tif").exists()
    assert describe(Entry()) == describe(str(tmp_path / "a.tif"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda array, path: geosal.write(array, None), "path: a path is text or a path object, this is NoneType"),
        (lambda array, path: geosal.write(array, "a.tif", profile=5), "profile=5: it must be a name"),
        (lambda array, path: geosal.verify(5), "output: a path is"),
        (lambda array, path: geosal.verify(path, against=array), "against: a path is .* this is DataArray"),
        (lambda array, path: geosal.verify(path, against=path, saliency=5), "a source of saliency is a name or a path"),
        (lambda array, path: geosal.compare(array.values, path), "original: a path is .* this is ndarray"),
        (lambda array, path: geosal.compare(path, array.values), "candidate: a path is"),
        (lambda array, path: geosal.compare(path, path, array), "a source of saliency is a name or a path"),
        (lambda array, path: geosal.compare(path, path, error_map=5), "error_map: a path is"),
        (lambda array, path: geosal.open_scene(5), "path: a path is text or a path object, this is int"),
        (lambda array, path: geosal.open_scene(b"a.tif"), "path: a path is text or a path object, this is bytes"),
        (lambda array, path: geosal.open_scene(path, chunks="x"), "chunks='x': it must be a whole number above 0"),
        (lambda array, path: geosal.open_scene(path, chunks=0), "chunks=0: it must be a whole number above 0"),
        (lambda array, path: geosal.compress(5, "a.tif", saliency="half"), "input=5: it must be text or a path"),
        (
            lambda array, path: geosal.compress(array, "a.tif", saliency="half"),
            "input=<DataArray of uint8, 1 x 40 x 50>: it must be text or a path; .*array.geosal.compress",
        ),
        (
            lambda array, path: geosal.compress(path, "a.tif", saliency="half", profile=array.values),
            "profile=<ndarray of uint8, 1 x 40 x 50>",
        ),
    ],
)
def test_what_is_no_path_is_refused_by_name(
    rgb_scene: Path, call: Callable[[xr.DataArray, Path], object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        call(xr.DataArray(np.zeros((1, 40, 50), np.uint8), dims=("band", "y", "x")), rgb_scene)
