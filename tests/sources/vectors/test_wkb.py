"""Geometries that nest, against what GEOS makes of them; and those on which it would die."""

import struct
import subprocess
import sys

import numpy as np
import pytest
import shapely

from geosal.errors import ResourceError, SceneError
from geosal.sources.vectors import wkb
from geosal.sources.vectors.wkb import check_size, check_wkb, check_wkt, from_wkb

POINT = struct.pack("<BIdd", 1, 1, 3, 4)


def nested(depth: int, kind: int = 7, order: str = "<") -> bytes:
    return struct.pack(f"{order}BII", int(order == "<"), kind, 1) * depth + POINT


def test_what_would_end_the_process_is_refused():
    """In a process of its own: without the mend it dies of signal 11."""
    program = (
        "import struct, numpy as np\n"
        "from geosal.errors import SceneError\nfrom geosal.sources.vectors.wkb import from_wkb\n"
        "deep = struct.pack('<BII', 1, 7, 1) * 300_000 + struct.pack('<BIdd', 1, 1, 0, 0)\n"
        "try:\n    from_wkb('a.parquet', np.array([deep, None], object))\n"
        "except SceneError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "collections lie more than 32 deep in each other" in done.stdout


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "kind", [4, 5, 6, 7, 9, 10, 11, 12, 1007, 2007, 3007, 0x80000007, 0x40000006, 7 | 0xC0000000, 3012]
)
def test_every_kind_of_parts_in_parts_is_walked(kind, order):
    with pytest.raises(ValueError, match="more than 32 deep"):
        check_wkb(nested(33, kind, order))
    check_wkb(nested(32, kind, order))


def test_an_srid_hides_nothing():
    with pytest.raises(ValueError, match="more than 32 deep"):
        check_wkb(struct.pack("<BIII", 1, 0x20000007, 4326, 1) * 33 + POINT)


def test_what_comes_before_the_depth_is_passed_over():
    parts = "POINT (1 2), LINESTRING (1 2, 4 5), POLYGON ((0 0, 9 0, 9 9, 0 0), (1 1, 2 1, 2 2, 1 1))"
    some = shapely.from_wkt(f"GEOMETRYCOLLECTION ({parts})")
    before = shapely.to_wkb(shapely.from_wkt("POLYGON ZM ((0 0 1 1, 9 0 1 1, 9 9 1 1, 0 0 1 1))"), flavor="iso")
    line = shapely.to_wkb(shapely.from_wkt("LINESTRING M (1 2 3, 4 5 6)"), flavor="iso")
    deep = struct.pack("<BII", 1, 7, 4) + before + line + shapely.to_wkb(some) + nested(32)
    with pytest.raises(ValueError, match="more than 32 deep"):
        check_wkb(deep)
    check_wkb(deep[: -len(nested(2))])


@pytest.mark.parametrize("head", [b"\x02\x01\0\0\0", struct.pack("<BI", 1, 0x10007), struct.pack("<BI", 1, 4007)])
def test_types_that_there_are_not_are_refused(head):
    with pytest.raises(SceneError, match="holds a geometry that cannot be read"):
        from_wkb("p", np.array([head + b"\x01\0\0\0" + POINT * 20], object))


def test_geometries_as_geos_has_them():
    texts = ["POINT Z (1 2 3)", "POLYGON EMPTY", "MULTIPOLYGON (((0 0, 9 0, 9 9, 0 0), (1 1, 2 1, 2 2, 1 1)))"]
    texts += ["GEOMETRYCOLLECTION (MULTIPOINT (1 1, 2 2), LINESTRING (0 0, 1 1))", "MULTIPOINT EMPTY"]
    shapes = shapely.from_wkt(texts)
    shapes = np.append(shapes, shapely.multipoints(np.random.default_rng(1).random((400, 2))))
    found = from_wkb("p", np.append(shapely.to_wkb(shapes), [None]))
    assert found[:-1].tolist() == shapely.force_2d(shapes).tolist()
    assert found[-1] is None


def test_brackets_in_brackets():
    deepest = "GEOMETRYCOLLECTION(" * 31 + "POINT(1 1)" + ")" * 31
    assert check_wkt(deepest) == deepest
    with pytest.raises(ValueError, match="brackets lie more than 32 deep"):
        check_wkt(f"GEOMETRYCOLLECTION({deepest})")


def test_too_many_bytes(monkeypatch):
    check_size("p", 2**31)
    monkeypatch.setattr(wkb, "MAX_BYTES", 50)
    with pytest.raises(ResourceError, match="its geometries take 51 bytes, more than 50"):
        check_size("p", 51)
