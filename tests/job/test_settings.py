from pathlib import Path

import pytest

import geosal
from geosal.job.settings import input_bytes
from geosal.scenes import Reading, open_input


@pytest.mark.filterwarnings("ignore:.*geosal made it")
def test_a_store_that_is_read_whole_has_the_bytes_that_its_job_told(rgb_scene: Path, tmp_path: Path) -> None:
    store = tmp_path / "scene.zarr"
    made = geosal.compress(rgb_scene, store, saliency="half")
    files = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
    assert input_bytes(open_input(str(store))) == made.bytes == files
    assert geosal.compress(store, tmp_path / "out.tif", saliency="half").input_bytes == files
    one = input_bytes(open_input(str(store), Reading(bidx=(1,))))
    assert one is not None
    assert one < files
