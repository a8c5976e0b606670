"""Write arrays and groups of a Zarr store as JSON, without zarr-python, which takes long to import.

Full-resolution arrays are described twice, for Zarr v3 and for Zarr v2; both name the same chunk files. GDAL before
3.11 knows a draft of Zarr v3 only and refuses today's (its codec "bytes" had another name), but reads what is said
for v2. The group is described for v3 alone, so zarr-python and xarray never see two and warn.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

Json = dict[str, Any]

_NOT_FOR_GDAL = frozenset({"coordinates", "grid_mapping", "ancillary_variables", "_FillValue"})
"""Attributes that GDAL's reader of v2 would show as tags; it has the CRS and the nodata code from elsewhere."""


@dataclass(frozen=True, kw_only=True)
class ArrayNode:
    """One array.

    Attributes
    ----------
    shape, chunks
        Samples of each dimension; nothing for a scalar.
    dimensions
        Their names.
    dtype
        NumPy name.
    fill
        Value of an absent chunk, and of the part of a chunk beyond the edge.
    codecs, compressor
        Encoding of chunks, in the terms of v3 and of v2.
    attributes
        Ready for JSON.
    shards
        Samples of a shard along each dimension; nothing without shards.
    nodata, crs
        For the v2 description only, where GDAL looks for them.
    """

    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dimensions: tuple[str, ...]
    dtype: str
    fill: float
    codecs: Sequence[Json]
    compressor: Json
    attributes: Json = field(default_factory=dict)
    shards: tuple[int, ...] = ()
    nodata: float | None = None
    crs: str | None = None

    def to_v3(self) -> Json:
        """Describe the array as ``zarr.json`` does."""
        return {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(self.shape),
            "data_type": self.dtype,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(self.shards or self.chunks)}},
            "chunk_key_encoding": {"name": "v2", "configuration": {"separator": "/"}},
            "fill_value": _number(self.fill, self.dtype),
            "codecs": [_sharded(self.chunks, self.codecs)] if self.shards else list(self.codecs),
            "attributes": self.attributes,
            "dimension_names": list(self.dimensions),
            "storage_transformers": [],
        }

    def to_v2(self) -> tuple[Json, Json]:
        """Describe the array as ``.zarray`` and ``.zattrs`` do."""
        array = {
            "zarr_format": 2,
            "shape": list(self.shape),
            "chunks": list(self.chunks),
            "dtype": np.dtype(self.dtype).newbyteorder("<").str,
            "fill_value": None if self.nodata is None else _number(self.nodata, self.dtype),
            "order": "C",
            "filters": None,
            "dimension_separator": "/",
            "compressor": self.compressor,
        }
        kept = {name: value for name, value in self.attributes.items() if name not in _NOT_FOR_GDAL}
        crs = {} if self.crs is None else {"_CRS": {"wkt": self.crs}}
        return array, {**kept, **crs, "_ARRAY_DIMENSIONS": list(self.dimensions)}

    def keys(self) -> Iterator[str]:
        """Yield the names of the chunk files below the array's directory."""
        counts = (range(-(-size // chunk)) for size, chunk in zip(self.shape, self.shards or self.chunks, strict=True))
        for index in product(*counts):
            yield "/".join(map(str, index)) or "0"


@dataclass(frozen=True, kw_only=True)
class GroupNode:
    """One group."""

    attributes: Json

    def to_v3(self) -> Json:
        """Describe the group as ``zarr.json`` does."""
        return {"zarr_format": 3, "node_type": "group", "attributes": self.attributes}


Nodes = Mapping[str, ArrayNode | GroupNode]
"""Path below the root -> node; the root itself is ""."""


def write_nodes(root: Path, nodes: Nodes, full: str = "") -> None:
    """Write the metadata of a store, that of the root last: it repeats all others ("consolidated").

    `full` is the group of the full resolution.

    Raises
    ------
    OSError, ValueError
        The disk refuses, or a number has no form in JSON.
    """
    described = {path: node.to_v3() for path, node in nodes.items()}
    for path, node in nodes.items():
        directory = root / path
        directory.mkdir(parents=True, exist_ok=True)
        if isinstance(node, ArrayNode) and path.rpartition("/")[0] == full and not node.shards:
            for name, content in zip((".zarray", ".zattrs"), node.to_v2(), strict=True):
                _write(directory / name, content)
        if path:
            _write(directory / "zarr.json", described[path])
    below = {path: node for path, node in described.items() if path}
    consolidated = {"kind": "inline", "must_understand": False, "metadata": below}
    _write(root / "zarr.json", {**described[""], "consolidated_metadata": consolidated})


def _sharded(chunks: Sequence[int], codecs: Sequence[Json]) -> Json:
    """Describe chunks in a shard, with the index at its end."""
    index = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
    return {
        "name": "sharding_indexed",
        "configuration": {
            "chunk_shape": list(chunks), "codecs": list(codecs), "index_codecs": index, "index_location": "end",
        },
    }  # fmt: skip


def _write(path: Path, content: Json) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def _number(value: float, dtype: str) -> float | int | str:
    """Write a sample as Zarr wants it in JSON."""
    if not dtype.startswith("float"):
        return int(value)
    if math.isnan(value):
        return "NaN"
    return float(value) if math.isfinite(value) else "Infinity" if value > 0 else "-Infinity"
