"""World files: what is written is what GDAL reads, and what is told of one that is not."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from geosal.formats.world_file import wants_world_file, world_faults, write_world_file

PLACE = Affine(10.1, 0.25, 600000 + 1 / 3, 0.125, -10.1, 4600000.7)


@pytest.mark.parametrize(
    ("name", "world"), [("a.jpg", "a.jgw"), ("a.jpeg", "a.jgw"), ("a.png", "a.pgw"), ("A.PNG", "A.pgw")]
)
def test_gdal_reads_it(tmp_path: Path, name: str, world: str) -> None:
    path = tmp_path / name
    driver = "PNG" if name.lower().endswith("png") else "JPEG"
    with rasterio.open(path, "w", driver, 20, 10, 1, dtype="uint8") as sink:
        sink.write(np.zeros((1, 10, 20), np.uint8))
    write_world_file(path, PLACE)
    assert (tmp_path / world).exists()
    with rasterio.open(path) as found:
        assert found.transform.almost_equals(PLACE, 1e-6)
    assert world_faults(str(path), PLACE, needed=True) == []
    (fault,) = world_faults(str(path), Affine(10.1, 0.25, 600001.0, 0.125, -10.1, 4600000.7), needed=False)
    assert fault == f"{world} places the image elsewhere"
    (tmp_path / world).write_text("ten")
    assert world_faults(str(path), PLACE, needed=False) == [f"{world} cannot be read"]
    (tmp_path / world).unlink()
    assert world_faults(str(path), PLACE, needed=False) == []
    assert "is missing" in world_faults(str(path), PLACE, needed=True)[0]


def test_it_is_written_where_there_is_something_to_say() -> None:
    assert wants_world_file({}, PLACE)
    assert wants_world_file({"WORLDFILE": "on"}, PLACE)
    assert not wants_world_file({"WORLDFILE": "No"}, PLACE)
    assert not wants_world_file({}, Affine.identity())
