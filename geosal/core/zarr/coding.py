"""How the samples of a Zarr array are stored: chunks, codecs, and the codes in which they are packed.

Arrays that zarr-python decodes are left to it. Two things are done here: chunks of plain or Blosc bytes are decoded in
part, and samples that the codecs ``scale_offset`` and ``cast_value`` unpack to floats are read as the integers they
are, with scale and offset beside them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from geosal.core.zarr.nodes import Json, Node, dtype_of, number_of
from geosal.errors import SceneError

_PACKING = ("scale_offset", "cast_value")
_OF_DRAFT = ({"name": "bytes", "configuration": {"endian": "little"}},)
"""Codecs of arrays that name none, as GDAL before 3.11 wrote them, by a draft of Zarr v3."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Coding:
    """How an array is stored.

    Attributes
    ----------
    dtype
        Type of the samples as they are read.
    chunks
        Samples of a chunk along each dimension, of the chunks in a shard where there are shards.
    shards
        Samples of a shard; empty without shards.
    plain
        "raw" or "blosc" where a chunk is just that of samples in C order, and parts of it can be decoded; else empty.
    unit
        Bytes of a plain chunk that are decoded together at least: those of a Blosc block.
    index
        "start" or "end" of a shard, where its index is; empty without shards.
    order
        "<" or ">": of the bytes in a sample of a plain chunk.
    separator, prefix
        Of the names of chunks.
    fill
        Value of a missing chunk.
    scale, offset
        A value is a sample times `scale` plus `offset`, by the codecs; 1 and 0 without them.
    nodata
        Sample that the codecs unpack to NaN; None without.
    meta
        The array's metadata by which the samples are read as `dtype`.
    names
        Names of its codecs.
    """

    dtype: np.dtype[Any]
    chunks: tuple[int, ...]
    shards: tuple[int, ...] = ()
    plain: str = ""
    unit: int = 1
    order: Literal["<", ">"] = "<"
    index: str = ""
    separator: str = "/"
    prefix: str = ""
    fill: float = 0.0
    scale: float = 1.0
    offset: float = 0.0
    nodata: float | None = None
    meta: Json
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, node: Node) -> "Coding":
        """Read how an array is stored.

        Raises
        ------
        SceneError
            Its samples are no numbers, its chunks are not alike, or its metadata is damaged.
        """
        dtype = node.dtype()
        if dtype is None:
            told = node.meta.get("data_type", node.meta.get("dtype"))
            raise SceneError(f"{node.label}: holds {_short(told)}, and a raster holds numbers; name another array")
        try:
            found = _of_v3(node, dtype) if node.version == 3 else _of_v2(node, dtype)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise SceneError(f"{node.label}: its metadata is incomplete ({error!r}); copy the store again") from error
        sound = len(found.chunks) == len(node.shape) and all(isinstance(n, int) and n > 0 for n in found.chunks)
        if not sound:
            raise SceneError(
                f"{node.label}: its chunks are {found.chunks}, which fit no shape {node.shape}; copy the store again"
            )
        _refuse_fill(node, dtype)
        if found.shards and not _divides(found.chunks, found.shards):
            raise SceneError(
                f"{node.label}: its shards {found.shards} hold no whole chunks {found.chunks}; copy the store again"
            )
        return found

    @property
    def per_shard(self) -> tuple[int, ...]:
        """Number of chunks of a shard along each dimension; 1 without shards."""
        return tuple(o // i for o, i in zip(self.shards or self.chunks, self.chunks, strict=True))

    def file_of(self, index: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """Return the name, below the array, of the file that holds a chunk, and the chunk's place in a shard."""
        per = self.per_shard
        named = self._key(tuple(n // p for n, p in zip(index, per, strict=True)))
        return named, tuple(n % p for n, p in zip(index, per, strict=True))

    def _key(self, index: tuple[int, ...]) -> str:
        named = self.separator.join(map(str, index))
        return (self.prefix + named if self.prefix else named) if index else (self.prefix.rstrip("/.") or "0")


def _divides(chunks: tuple[int, ...], shards: tuple[int, ...]) -> bool:
    return len(chunks) == len(shards) and all(
        isinstance(outer, int) and outer > 0 and outer % inner == 0 for inner, outer in zip(chunks, shards, strict=True)
    )


def _of_v2(node: Node, dtype: np.dtype[Any]) -> Coding:
    meta = node.meta
    compressor, filters = meta.get("compressor"), meta.get("filters") or []
    name = "raw" if compressor is None else str(compressor.get("id"))
    plain = name if name in {"raw", "blosc"} and not filters and meta.get("order", "C") == "C" else ""
    return Coding(
        dtype=dtype.newbyteorder("="),
        chunks=tuple(meta["chunks"]),
        plain=plain,
        order=">" if dtype.byteorder == ">" else "<",
        separator=str(meta.get("dimension_separator", ".")),
        fill=_fill_of(meta.get("fill_value"), dtype) or 0.0,
        meta=meta,
        names=(*(str(one.get("id")) for one in filters), name),
    )


def _of_v3(node: Node, dtype: np.dtype[Any]) -> Coding:
    meta = node.meta
    grid = meta["chunk_grid"]
    if grid["name"] != "regular":
        raise SceneError(f"{node.label}: its chunks are {_short(grid['name'])}, not alike; write it anew with one size")
    outer = tuple(grid["configuration"]["chunk_shape"])
    codecs = [_codec(one) for one in meta.get("codecs", _OF_DRAFT)]
    meta = {**meta, "codecs": codecs}
    shard = next((one for one in codecs if one["name"] == "sharding_indexed"), None)
    inner = [_codec(one) for one in shard["configuration"]["codecs"]] if shard else codecs
    packing = _Packing.of(inner, dtype)
    fill = _fill_of(meta.get("fill_value"), dtype)
    if packing is not None:
        inner = inner[packing.count :]
        dtype, fill = packing.dtype, packing.packed(fill)
        again = {**shard, "configuration": {**shard["configuration"], "codecs": inner}} if shard else None
        codecs = [again if one is shard and again else one for one in codecs] if shard else inner
        meta = {**meta, "codecs": codecs, "data_type": dtype.name, "fill_value": int(fill or 0)}
    names = [one["name"] for one in inner]
    index = _index_of(shard) if shard else ""
    chained = names in (["bytes"], ["bytes", "blosc"])
    encoding = _codec(meta.get("chunk_key_encoding", "default"))
    told = encoding.get("configuration", {})
    default = encoding["name"] == "default"
    separator = str(told.get("separator", "/" if default else "."))
    return Coding(
        dtype=dtype,
        chunks=tuple(shard["configuration"]["chunk_shape"]) if shard else outer,
        shards=outer if shard else (),
        plain="" if not chained or index is None else "blosc" if len(names) == 2 else "raw",
        index=index or "",
        order=">" if inner[0].get("configuration", {}).get("endian") == "big" else "<",
        separator=separator,
        prefix=f"c{separator}" if default else "",
        fill=0.0 if fill is None else fill,
        scale=packing.scale if packing else 1.0,
        offset=packing.offset if packing else 0.0,
        nodata=packing.nodata if packing else None,
        meta=meta,
        names=tuple(str(_codec(one)["name"]) for one in node.meta.get("codecs", _OF_DRAFT)),
    )


def _fill_of(told: object, dtype: np.dtype[Any]) -> float | None:
    """Read the value of missing chunks: a number, a text such as NaN, or a float's bits; None where it is none."""
    if isinstance(told, bool):
        return float(told)
    if isinstance(told, str) and told.startswith("0x") and dtype.kind == "f":
        try:
            return float(np.frombuffer(bytes.fromhex(told[2:]), dtype.newbyteorder(">"))[0])
        except (ValueError, IndexError):
            return None
    return number_of(told)


def _refuse_fill(node: Node, dtype: np.dtype[Any]) -> None:
    """Refuse a value of missing chunks that is no sample."""
    told = node.meta.get("fill_value")
    if (told is None and node.version == 2) or dtype.kind not in "biuf":
        return
    fill = _fill_of(told, dtype)
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None
    fits = fill is not None and (limits is None or (fill == fill // 1 and limits.min <= fill <= limits.max))
    if not fits:
        raise SceneError(
            f"{node.label}: its fill_value is {json.dumps(told)[:40]}, which is no sample of {dtype.name}; copy the "
            "store again, or write another into its metadata"
        )


def _index_of(shard: Json) -> str | None:
    """Return where the index of a shard is, if it is plain numbers and their sum; else None."""
    told = shard["configuration"]
    codecs = [_codec(one) for one in told.get("index_codecs", ())]
    little = codecs[:1] == [{"name": "bytes", "configuration": {"endian": "little"}}]
    is_plain = little and [one["name"] for one in codecs] == ["bytes", "crc32c"]
    return str(told.get("index_location", "end")) if is_plain else None


@dataclass(frozen=True, eq=False)
class _Packing:
    """Codecs at the head of a chain that unpack integers: how many, to what, and how."""

    count: int
    dtype: np.dtype[Any]
    scale: float
    offset: float
    nodata: float | None

    @classmethod
    def of(cls, codecs: list[Json], dtype: np.dtype[Any]) -> "_Packing | None":
        """Read ``scale_offset`` and ``cast_value`` from floats to integers; None for other chains."""
        names = [one["name"] for one in codecs]
        if (
            dtype.kind != "f"
            or "cast_value" not in names[:2]
            or any(name not in _PACKING for name in names[: names.index("cast_value")])
        ):
            return None
        count = names.index("cast_value") + 1
        cast = codecs[count - 1]["configuration"]
        to = dtype_of(cast["data_type"])
        if to is None or to.kind not in "iu":
            return None
        told = codecs[0].get("configuration", {}) if names[0] == "scale_offset" else {}
        scale, offset = number_of(told.get("scale", 1)), number_of(told.get("offset", 0))
        if not scale or offset is None:
            raise ValueError("scale_offset without numbers")
        nodata = [number_of(key) for key, value in _pairs(cast, "decode") if np.isnan(number_of(value) or 0.0)]
        nodata = nodata or [
            number_of(value) for key, value in _pairs(cast, "encode") if np.isnan(number_of(key) or 0.0)
        ]
        return cls(count, to, 1 / scale, offset, nodata[0] if nodata else None)

    def packed(self, value: float | None) -> float:
        """Return the sample that stands for a value."""
        if value is None or np.isnan(value):
            return self.nodata or 0.0
        limits = np.iinfo(self.dtype)
        return float(np.clip(np.rint((value - self.offset) / self.scale), limits.min, limits.max))


def _pairs(cast: Json, direction: str) -> list[tuple[Any, Any]]:
    told = (cast.get("scalar_map") or {}).get(direction) or []
    return list(told.items()) if isinstance(told, Mapping) else [(key, value) for key, value in told]


def _codec(told: object) -> Json:
    """Return a codec as an object with a name, also where it is told by its name alone, or by that of the draft."""
    codec: Json = {"name": told} if isinstance(told, str) else dict(told)  # type: ignore[call-overload]
    return codec | {"name": "bytes"} if codec["name"] == "endian" else codec


def _short(told: object) -> str:
    return f"{told.get('name', told)}"[:60] if isinstance(told, dict) else f"{told}"[:60]
