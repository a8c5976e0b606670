"""Codecs of a Zarr array that zarr-python may be given: those that only decode data.

A store names its codecs itself, and numcodecs has some that run what a chunk holds: ``pickle`` does. So a codec is
refused by its name, unless it is known to do no more than decode numbers, texts or bytes.
"""

from collections.abc import Iterator

from geosal.core.zarr.nodes import Json
from geosal.errors import SceneError

_NUMCODECS = frozenset({
    "adler32", "astype", "base64", "bitround", "blosc", "bz2", "crc32", "crc32c", "delta", "fixedscaleoffset",
    "fletcher32", "gzip", "jenkins_lookup3", "json2", "lz4", "lzma", "packbits", "pcodec", "quantize", "shuffle",
    "vlen-bytes", "vlen-utf8", "zfpy", "zlib", "zstd",
})  # fmt: skip
"""Codecs of Zarr v2, by their ids; in v3 they have the prefix ``numcodecs.``."""
_OF_V3 = frozenset({
    "blosc", "bytes", "cast_value", "crc32c", "endian", "gzip", "scale_offset", "sharding_indexed", "transpose",
    "vlen-bytes", "vlen-utf8", "zstd",
})  # fmt: skip
_CHAINS = ("codecs", "index_codecs")


def refuse_codecs(label: str, meta: Json) -> None:
    """Refuse an array of which a codec may do more than decode data.

    Parameters
    ----------
    label
        The array's name in messages.
    meta
        Its metadata, of Zarr v2 or v3, as zarr-python will be given them.

    Raises
    ------
    SceneError
        A codec is not among those that are known to be safe.
    """
    is_v3 = meta.get("zarr_format") == 3 or "data_type" in meta
    names = list(_of_chain(meta.get("codecs")) if is_v3 else _of_v2(meta))
    other = [name for name in names if not _is_safe(name, is_v3=is_v3)]
    if other:
        shown = ", ".join(repr(name[:40]) for name in dict.fromkeys(other))
        raise SceneError(
            f"{label} cannot be read: it is coded by {', '.join(name[:40] for name in names)}, and geosal opens no "
            f"{shown}, a codec that may run what a stranger stored; write it anew with one such as zstd"
        )


def _is_safe(name: str, *, is_v3: bool) -> bool:
    if not is_v3:
        return name in _NUMCODECS
    return name in _OF_V3 or (name.startswith("numcodecs.") and name.removeprefix("numcodecs.") in _NUMCODECS)


def _of_v2(meta: Json) -> Iterator[str]:
    filters = meta.get("filters")
    for one in (*(filters if isinstance(filters, list) else [filters]), meta.get("compressor")):
        if one is not None:
            yield str(one.get("id") if isinstance(one, dict) else one)


def _of_chain(told: object) -> Iterator[str]:
    """Yield the names in a chain of codecs, and those of the chains within a shard."""
    for one in told if isinstance(told, list) else []:
        yield str(one.get("name") if isinstance(one, dict) else one)
        inner = one.get("configuration") if isinstance(one, dict) else None
        if isinstance(inner, dict):
            for key in _CHAINS:
                yield from _of_chain(inner.get(key))
