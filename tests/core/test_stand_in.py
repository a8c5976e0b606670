"""TIFFs in JPEG XL as GDAL sees them by a copy; tifffile writes them, and is the oracle."""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from imagecodecs import jpegxl_encode
from numpy.typing import NDArray
from tifffile import COMPRESSION, TiffFile, imwrite

from geosal.core.gdal_env import gdal_env
from geosal.core.open_raster import open_raster
from geosal.core.stand_in import open_stand_in
from geosal.errors import SceneError


def _image(*shape: int, dtype: str = "uint16") -> NDArray[Any]:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype)


@pytest.mark.parametrize("options", [{}, {"bigtiff": True}], ids=["classic", "big"])
@pytest.mark.parametrize(("bands", "dtype"), [(1, "uint16"), (3, "uint16"), (1, "uint8"), (4, "uint8")])
def test_gdal_reads_what_tifffile_wrote(tmp_path: Path, bands: int, dtype: str, options: dict[str, Any]) -> None:
    path, image = tmp_path / "scene.tif", _image(150, 200, bands, dtype=dtype)
    colours = {1: "minisblack", 3: "rgb", 4: "rgb"}[bands]
    imwrite(path, image.squeeze(), compression="jpegxl", tile=(64, 64), photometric=colours, **options)
    with gdal_env(), open_raster(str(path)) as dataset:
        assert (dataset.driver, dataset.block_shapes[0]) == ("GTiff", (64, 64))
        np.testing.assert_array_equal(np.moveaxis(dataset.read(), 0, 2), image)
        window = ((60, 140), (50, 190))
        np.testing.assert_array_equal(dataset.read(1, window=window), image[60:140, 50:190, 0])


def test_bands_apart_and_the_number_of_dng(tmp_path: Path) -> None:
    path, image = tmp_path / "scene.tif", _image(2, 64, 64)
    imwrite(path, image, compression="jpegxl", tile=(32, 32), planarconfig="separate", photometric="minisblack")
    with TiffFile(path) as file:
        place = file.pages[0].tags[259].valueoffset
    content = bytearray(path.read_bytes())
    assert int.from_bytes(content[place : place + 2], "little") == COMPRESSION.JPEGXL
    content[place : place + 2] = (52546).to_bytes(2, "little")
    path.write_bytes(content)
    with gdal_env(), open_raster(str(path)) as dataset:
        np.testing.assert_array_equal(dataset.read(), image)


def test_copies_go_with_their_handles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, folder = tmp_path / "scene.tif", tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    imwrite(path, _image(100, 90), compression="jpegxl", tile=(64, 64))
    with gdal_env():
        first, second = open_raster(str(path)), open_raster(str(path))
        assert first.name == second.name
        assert len(list(folder.iterdir())) == 1
        os.utime(path, ns=(1, 1))  # another file now
        third = open_raster(str(path))
        assert len(list(folder.iterdir())) == 2
        for dataset in (first, second):
            dataset.close()
        del first, second, dataset
        assert [str(each) for each in folder.iterdir()] == [str(Path(third.name).parent)]


def test_other_files_are_left_to_gdal(tmp_path: Path) -> None:
    imwrite(tmp_path / "plain.tif", _image(64, 64), compression="zlib", tile=(32, 32))
    (tmp_path / "text.tif").write_text("no TIFF")
    for name in ("plain.tif", "text.tif", "missing.tif"):
        assert open_stand_in(str(tmp_path / name)) is None


@pytest.mark.parametrize("dtype", [">u2", "<u2", "<i2", ">i2"])
def test_either_order_of_bytes_and_samples_with_a_sign(tmp_path: Path, dtype: str) -> None:
    path, image = tmp_path / "scene.tif", _image(64, 64).view(dtype.replace(">", "<"))
    tile = jpegxl_encode(image.view(np.uint16), lossless=True)
    place = {"shape": image.shape, "dtype": image.dtype, "tile": image.shape, "byteorder": dtype[0]}
    imwrite(path, iter([tile]), compression="jpegxl", photometric="minisblack", **place)
    with gdal_env(), open_raster(str(path)) as dataset:
        np.testing.assert_array_equal(dataset.read(1), image)


def test_floats_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "scene.tif"
    imwrite(path, _image(64, 64).astype(np.float32) / 70000, compression="jpegxl", tile=(64, 64))
    with gdal_env(), pytest.raises(SceneError, match="missing codec"):
        open_raster(str(path))


def test_damage_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "scene.tif"
    imwrite(path, _image(128, 128), compression="jpegxl", tile=(64, 64))
    with TiffFile(path) as file:
        begin, size = file.pages[0].dataoffsets[3], file.pages[0].databytecounts[3]
    content = bytearray(path.read_bytes())
    content[begin : begin + size] = bytes(size)
    path.write_bytes(content)
    with gdal_env(), pytest.raises(SceneError, match="tile 3 is no JPEG XL"):
        open_raster(str(path))


def test_metadata_beside_it_are_seen_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "scene.tif"
    imwrite(path, _image(64, 64), compression="jpegxl", tile=(32, 32))
    (tmp_path / "scene.tfw").write_text("10\n0\n0\n-10\n5\n5\n")
    (tmp_path / "scene.tif.aux.xml").write_text("<PAMDataset><Metadata><MDI key='a'>b</MDI></Metadata></PAMDataset>")
    with gdal_env(), open_raster(str(path)) as dataset:
        assert dataset.tags()["a"] == "b"
        assert dataset.transform.is_identity


def test_threads_read_at_once(tmp_path: Path) -> None:
    path, image = tmp_path / "scene.tif", _image(512, 512)
    imwrite(path, image, compression="jpegxl", tile=(64, 64))

    def is_right(_: int) -> bool:
        with gdal_env(), open_raster(str(path)) as dataset:
            parts = [dataset.read(1, window=((top, top + 64), (0, 512))) for top in range(0, 512, 64)]
        return bool((np.concatenate(parts) == image).all())

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(is_right, range(8)))
