"""How an array is stored is read from its metadata; packed integers stay integers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec

from geosal.core.grid import Block
from geosal.core.shared_raster import read_bands
from geosal.core.zarr.coding import Coding
from geosal.core.zarr.files import Store
from geosal.core.zarr.nodes import existing
from geosal.core.zarr.raster import open_zarr
from geosal.errors import SceneError

COUNTS = np.random.default_rng(3).integers(1, 12_000, (60, 70)).astype("uint16")
COUNTS[:9, :9] = 0


def packed(path: Path, *, shards: bool, **cast: Any) -> str:
    """Reflectance in floats, stored as counts by scale_offset and cast_value, as EOPF's v3 products have it."""
    root = zarr.open_group(path, mode="w")
    options = {"shards": (60, 70), "chunks": (20, 35)} if shards else {"chunks": (20, 35)}
    made = root.create_array(
        "b04", shape=COUNTS.shape, dtype="uint16", compressors=BloscCodec(), fill_value=0, **options
    )
    made[...] = COUNTS
    meta = json.loads((path / "b04/zarr.json").read_text())
    codecs = meta["codecs"]
    inner = codecs[0]["configuration"]["codecs"] if shards else codecs
    scaling = {"name": "scale_offset", "configuration": {"scale": 10000.0, "offset": -0.1}}
    inner[:0] = [
        scaling,
        {"name": "cast_value", "configuration": {"data_type": "uint16", "rounding": "nearest-even", **cast}},
    ]
    meta |= {"data_type": "float32", "fill_value": "NaN", "dimension_names": ["y", "x"]}
    (path / "b04/zarr.json").write_text(json.dumps(meta))
    return str(path / "b04")


@pytest.mark.parametrize("shards", [False, True])
@pytest.mark.parametrize(
    "scalar_map", [{"encode": [["NaN", 0]], "decode": [[0, "NaN"]]}, {"encode": [["NaN", 0]]}]
)  # fmt: skip
def test_packed_samples_are_read_as_they_are_stored(tmp_path: Path, shards: bool, scalar_map: dict) -> None:
    path = packed(tmp_path / "v3.zarr", shards=shards, scalar_map=scalar_map)
    raster = open_zarr(path)
    assert (raster.dtype, raster.nodata, raster.scaling) == ("uint16", 0, (1 / 10000.0, -0.1))
    np.testing.assert_array_equal(read_bands(path, (1,), Block(0, 0, 60, 70), alone=True)[0], COUNTS)


def test_a_missing_packed_chunk_is_nodata(tmp_path: Path) -> None:
    path = packed(tmp_path / "v3.zarr", shards=False, scalar_map={"decode": [[0, "NaN"]]})
    (tmp_path / "v3.zarr/b04/c/1/1").unlink()
    found = read_bands(path, (1,), Block(0, 0, 60, 70), alone=True)[0]
    assert (found[20:40, 35:] == 0).all()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"chunk_grid": {"name": "rectilinear", "configuration": {}}}, "its chunks are rectilinear, not alike"),
        ({"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [0, 9]}}}, r"its chunks are \(0, 9\)"),
        ({"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [9]}}}, "which fit no shape"),
        ({"data_type": {"name": "fixed_length_utf32", "configuration": {}}}, "holds fixed_length_utf32"),
        ({"codecs": 3}, "metadata is incomplete"),
        ({"data_type": None}, "holds None, and a raster holds numbers"),
        ({"shape": [4, "x"]}, "its shape is"),
    ],
)
def test_damaged_metadata(tmp_path: Path, change: dict, told: str) -> None:
    packed(tmp_path / "v3.zarr", shards=False)
    place = tmp_path / "v3.zarr/b04/zarr.json"
    told_before = json.loads(place.read_text()) | change
    place.write_text(json.dumps({key: value for key, value in told_before.items() if value is not None}))
    with pytest.raises(SceneError, match=told) as caught:
        Coding.of(existing(Store(str(tmp_path / "v3.zarr")), "b04"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("dtype", "fill", "read"),
    [
        ("uint8", 300, None), ("uint8", "abc", None), ("int16", 1.5, None), ("uint16", "NaN", None),
        ("float32", [1, 2], None),
        ("float32", "0x7f8000", None), ("float32", "0xff800000", -np.inf), ("float32", "-Infinity", -np.inf),
        ("bool", True, 1.0),
        ("int16", -7, -7.0), ("float64", "NaN", np.nan), ("float32", 10**400, None),
    ],
)  # fmt: skip
def test_the_value_of_missing_chunks(tmp_path: Path, dtype: str, fill: Any, read: float | None) -> None:
    zarr.open_group(tmp_path / "v3.zarr", mode="w").create_array(
        "a", shape=(9, 9), dtype=dtype, dimension_names=("y", "x")
    )
    place = tmp_path / "v3.zarr/a/zarr.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | {"fill_value": fill}))
    node = existing(Store(str(tmp_path / "v3.zarr")), "a")
    if read is not None:
        np.testing.assert_equal(Coding.of(node).fill, read)
        return
    with pytest.raises(SceneError, match=f"its fill_value is .*, which is no sample of {dtype}"):
        Coding.of(node)


@pytest.mark.parametrize("chunk", [[90, 70], [7, 35]])
def test_chunks_that_fill_no_shard(tmp_path: Path, chunk: list[int]) -> None:
    packed(tmp_path / "v3.zarr", shards=True)
    place = tmp_path / "v3.zarr/b04/zarr.json"
    meta = json.loads(place.read_text())
    meta["codecs"][0]["configuration"]["chunk_shape"] = chunk
    place.write_text(json.dumps(meta))
    with pytest.raises(SceneError, match="hold no whole chunks"):
        open_zarr(str(tmp_path / "v3.zarr/b04"))


@pytest.mark.parametrize(
    "odd", [{"spatial:dimensions": [["y"], ["x"]]}, {"grid_mapping": "\0"}, {"standard_name": [1]}]
)
def test_odd_attributes_say_nothing(tmp_path: Path, odd: dict) -> None:
    root = zarr.open_group(tmp_path / "odd.zarr", mode="w")
    root.create_array("a", data=COUNTS, dimension_names=("y", "x")).attrs.update(odd)
    assert open_zarr(str(tmp_path / "odd.zarr/a")).planes.size == COUNTS.shape


def test_a_zip_that_vanishes(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="gone.zip: cannot be read"):
        existing(Store(str(tmp_path / "gone.zip")), "b04")


def test_a_codec_that_zarr_lacks(tmp_path: Path) -> None:
    root = zarr.open_group(tmp_path / "odd.zarr", mode="w")
    root.create_array("a", data=COUNTS, dimension_names=("y", "x"))
    place = tmp_path / "odd.zarr/a/zarr.json"
    meta = json.loads(place.read_text())
    meta["codecs"][-1] = {"name": "acme.wavelet", "configuration": {}}
    place.write_text(json.dumps(meta))
    with pytest.raises(SceneError, match="it is coded by bytes, acme.wavelet, .*; write it anew") as caught:
        read_bands(str(tmp_path / "odd.zarr/a"), (1,), Block(0, 0, 5, 5), alone=True)
    assert "\n" not in str(caught.value)
