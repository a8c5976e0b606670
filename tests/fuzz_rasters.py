"""Targets of `fuzz.py`: files of images, by their directories, boxes, markers and chunks, and Zarr stores."""

import itertools
import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import mutations
import numpy as np
from fuzz_base import Seed, Target, made_in, put, replaced
from mutations import as_json, as_text, as_tiff, bytewise, some

from geosal.core.grid import Block
from geosal.errors import GeosalError

# ---- Files of images: their directories, boxes, markers and chunks.


def _tiffs(folder: Path) -> list[Seed]:
    plain = {"profile": "deflate", "creation_options": {"BLOCKSIZE": "128"}}
    contents = [made_in(folder, "a.tif", **plain), made_in(folder, "b.tif", **plain | {"treatment": "bound:error=4"})]
    contents.append(made_in(folder, "c.tif", profile="lzw", creation_options={"BIGTIFF": "YES"}))
    put(folder, "x.tif", contents[0])
    return [Seed("x.tif", data, some(as_tiff, as_tiff, bytewise)) for data in contents]


def _read_tiff(folder: Path, place: str, data: bytes) -> None:
    from geosal.core.tiff import mask_pages
    from geosal.formats.cog.tiff_faults import checksum_faults, directory_faults, read_directories, tile_faults

    path = put(folder, place, data)
    mask_pages(path)
    directories = read_directories(path)
    for faults in (directory_faults, tile_faults, checksum_faults):
        list(itertools.islice(faults(path, directories), 3))


def dataset(height: int = 96, width: int = 96) -> Any:
    """What GDAL would tell of an image."""
    return SimpleNamespace(shape=(height, width), height=height, width=width)


def _jp2s(folder: Path) -> list[Seed]:
    change = some(mutations.segments(rb"\xff[\x50-\x65\x90]"), mutations.segments(rb".{4}(?=jp2|colr|cdef|uuid)", ">I"))
    contents = [
        made_in(folder, "a.jp2", creation_options={"BLOCKXSIZE": "64", "BLOCKYSIZE": "64"}),
        made_in(folder, "b.jp2", profile="htj2k"),
    ]
    put(folder, "x.jp2", contents[0])
    return [Seed("x.jp2", data, change) for data in contents]


def _read_jp2(folder: Path, place: str, data: bytes) -> None:
    from geosal.core.jpeg2000 import TilePlaces
    from geosal.formats.jpeg2000.boxes import codestream_ends

    path = put(folder, place, data)
    codestream_ends(path)
    places = TilePlaces.of(path)
    places.codestream(len(places.parts) - 1)


def _jpegs(folder: Path) -> list[Seed]:
    change = mutations.segments(rb"\xff[\xc0-\xfe]")
    contents = [made_in(folder, "a.jpg", creation_options={"QUALITY": "70"}, treatment="quality")]
    contents.append(contents[0] + b"\x78\x9c\x03\x00\x00\x00\x00\x01" + len(contents[0]).to_bytes(4, "little"))
    put(folder, "x.jpg", contents[0])
    return [Seed("x.jpg", data, some(change)) for data in contents]


def _read_jpeg(folder: Path, place: str, data: bytes) -> None:
    from geosal.core.treatment import SMOOTH
    from geosal.formats.coarseness import error_of_jpeg
    from geosal.formats.jpeg.check import FinishedJpeg
    from geosal.formats.jpeg.heads import Head

    FinishedJpeg().layout_faults(put(folder, place, data), dataset())
    Head.read(data[:5000], data[:1000])
    error_of_jpeg(data[:5000], SMOOTH)


def _pngs(folder: Path) -> list[Seed]:
    data = made_in(folder, "a.png", profile="png")
    put(folder, "x.png", data)
    return [Seed("x.png", data, some(mutations.segments(rb".{4}(?=IHDR|IDAT|IEND)", ">I"), bytewise))]


def _read_png(folder: Path, place: str, data: bytes) -> None:
    from geosal.formats.png.check import FinishedPng

    FinishedPng().layout_faults(put(folder, place, data), dataset())


# ---- Zarr.


def _stores(folder: Path) -> list[Seed]:
    from stores import layout_of, write_store

    pixels = np.arange(3 * 96 * 96, dtype=np.uint16).reshape(3, 96, 96) % 997
    for name, options in {"a.zarr": {}, "b.zarr": {"shards": 2}, "c.zarr": {"groups": True}}.items():
        write_store(folder / name, layout_of(pixels, 0), pixels, tile=32, **options)
    names = [path for path in folder.rglob("*") if path.name in {"zarr.json", ".zarray", ".zattrs", ".zmetadata"}]
    return [Seed(str(path.relative_to(folder)), path.read_bytes(), as_json) for path in sorted(names)]


def _read_store(folder: Path, place: str, data: bytes) -> None:
    from geosal.formats.zarr.check import layout_faults
    from geosal.scenes.opening import open_input

    store = str(folder / place.split("/", maxsplit=1)[0])
    with replaced(folder, place, data):
        layout_faults(store)
        scene = open_input(store)
        scene.read(Block(0, 0, min(8, scene.grid.height), min(8, scene.grid.width)))


def _chunks(folder: Path) -> list[Seed]:
    from geosal.core.zarr.sums import crc32c

    made = [path.read_bytes() for path in _store_files(folder)]
    index = np.array([0, 5, 5, 7], "<u8").tobytes()
    shard = b"x" * 12 + index + crc32c(index).to_bytes(4, "little")
    put(folder, "chunk", made[0])
    put(folder, "shard", shard)
    return [Seed("chunk", data, some(_head_of_blosc)) for data in made[:3]] + [Seed("shard", shard, bytewise)]


def _store_files(folder: Path) -> list[Path]:
    from stores import layout_of, write_store

    pixels = np.arange(512 * 512, dtype=np.uint16).reshape(1, 512, 512)
    store = write_store(folder.parent / "of-chunks.zarr", layout_of(pixels), pixels, tile=256)
    files = (path for path in (store / "image").rglob("*") if path.is_file() and path.name.isdigit())
    return sorted(files, key=lambda path: path.stat().st_size)[-3:]


def _head_of_blosc(data: bytes, chance: Any) -> bytes:
    return bytewise(data[:24], chance) + data[24:]


def _read_chunk(folder: Path, place: str, data: bytes) -> None:
    from geosal.core.zarr import parts

    span = parts.Span(put(folder, place, data), 0, len(data))

    def decode(content: bytes, **_: Any) -> bytes:  # what Blosc would be asked for
        return bytes(int.from_bytes(content[4:8], "little"))

    with mock.patch("imagecodecs.blosc_decode", decode):
        if place == "shard":
            parts.in_shard(span, (1,), (2,), "end")
        else:
            parts.blosc_unit(span)
            parts.blosc_part(span, 0, 100, 2 * 256 * 256)


def _zips(folder: Path) -> list[Seed]:
    from stores import layout_of, write_store

    pixels = np.ones((1, 64, 64), np.uint8)
    store = write_store(folder.parent / "zipped.zarr", layout_of(pixels), pixels, tile=32)
    found = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        buffer = BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as bundle:
            for path in sorted(store.rglob("zarr.json")):
                bundle.write(path, str(path.relative_to(store)))
        found.append(Seed("x.zarr.zip", buffer.getvalue(), some(_of_zip, as_text, bytewise)))
    put(folder, "x.zarr.zip", found[0].data)
    return found


def _of_zip(data: bytes, chance: Any) -> bytes:
    """Change the fields of a zip's headers."""
    marks = [at for mark in (b"PK\1\2", b"PK\3\4", b"PK\5\6") for at in _all_of(data, mark)]
    out, at = bytearray(data), chance.choice(marks)
    place = min(at + chance.randrange(4, 46), len(out) - 1)
    out[place] = chance.choice((0, 1, 255, chance.randrange(256)))
    return bytes(out)


def _all_of(data: bytes, mark: bytes) -> list[int]:
    return [at for at in range(len(data)) if data.startswith(mark, at)]


def _read_zip(folder: Path, place: str, data: bytes) -> None:
    from geosal.core.zarr.files import Store, locate
    from geosal.core.zarr.nodes import existing, node_at
    from geosal.sources.vectors.kinds import member_of

    path = put(folder, place, data)
    with suppress(GeosalError):
        member_of(path)
    found = locate(path)
    store = Store(path) if found is None else found.store
    existing(store, "")
    for name in store.children(""):
        node_at(store, name)


TARGETS: dict[str, Target] = {
    "TIFF directories": Target(_tiffs, _read_tiff, (ValueError,)),
    "JPEG 2000 boxes and markers": Target(_jp2s, _read_jp2, (ValueError,)),
    "JPEG markers": Target(_jpegs, _read_jpeg, (ValueError,)),
    "PNG chunks": Target(_pngs, _read_png, (ValueError,)),
    "Zarr metadata": Target(_stores, _read_store, cost=8),
    "Zarr chunks": Target(_chunks, _read_chunk, (ValueError,)),
    "zipped Zarr": Target(_zips, _read_zip),
}
"""Name of a reader -> how it is tried."""
