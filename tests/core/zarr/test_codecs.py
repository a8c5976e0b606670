"""A store that names a codec which may run what it holds is refused before anything is decoded."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from geosal.core.zarr import chunks
from geosal.core.zarr.codecs import refuse_codecs
from geosal.core.zarr.files import Store
from geosal.core.zarr.nodes import existing
from geosal.errors import SceneError

SHARDED = {"name": "sharding_indexed", "configuration": {"codecs": ["bytes", {"name": "numcodecs.pickle"}]}}


@pytest.mark.parametrize(
    "codecs",
    [
        {"filters": [{"id": "pickle"}], "compressor": None},
        {"filters": None, "compressor": {"id": "pickle"}},
        {"filters": [{"id": "vlen-utf8"}], "compressor": {"id": "acme"}},
        {"filters": "pickle"},
        {"filters": [{"id": "numcodecs.zstd"}]},
        {"zarr_format": 3, "codecs": [{"name": "bytes"}, {"name": "numcodecs.pickle"}]},
        {"zarr_format": 3, "codecs": ["pickle"]},
        {"zarr_format": 3, "codecs": [SHARDED]},
    ],
)
def test_a_codec_that_is_not_known_to_be_safe(codecs: dict[str, Any]) -> None:
    with pytest.raises(SceneError, match=r"b04 cannot be read: .* opens no '(numcodecs\.)?(pickle|acme|zstd)'"):
        refuse_codecs("b04", codecs)


@pytest.mark.parametrize(
    "codecs",
    [
        {"filters": [{"id": "delta"}, {"id": "vlen-utf8"}], "compressor": {"id": "blosc"}},
        {"filters": None, "compressor": None},
        {"zarr_format": 3, "codecs": ["bytes", {"name": "numcodecs.bz2"}]},
        {"zarr_format": 3},
    ],
)
def test_codecs_that_only_decode(codecs: dict[str, Any]) -> None:
    refuse_codecs("b04", codecs)


@pytest.mark.parametrize(("read", "dtype"), [(chunks.text_values_of, "|O"), (chunks.values_of, "<f8")])
def test_a_pickled_store_is_not_given_to_zarr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Any, dtype: str
) -> None:
    root = zarr.open_group(tmp_path / "odd.zarr", mode="w", zarr_format=2)
    root.create_array("band", data=np.arange(3.0))
    place = tmp_path / "odd.zarr/band/.zarray"
    told = {"dtype": dtype, "filters": [{"id": "pickle"}], "compressor": None, "fill_value": None}
    place.write_text(json.dumps(json.loads(place.read_text()) | told))
    monkeypatch.setattr(chunks, "zarr_store", lambda _: pytest.fail("zarr-python was given the store"))
    with pytest.raises(SceneError, match="opens no 'pickle'"):
        read(existing(Store(str(tmp_path / "odd.zarr")), "band"))
