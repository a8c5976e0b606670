"""Whole jobs with inputs and outputs on an object store: the same bytes as here."""

import math
from pathlib import Path

import pytest

import geosal
from geosal.errors import OutputError
from geosal.files import objects

pytest.importorskip("obstore")


@pytest.mark.parametrize("suffix", [".tif", ".jp2"])
def test_a_job_makes_there_what_it_makes_here(s3: str, small_scene: Path, tmp_path: Path, suffix: str) -> None:
    here = geosal.compress(small_scene, tmp_path / f"out{suffix}", saliency="half")
    there = geosal.compress(small_scene, f"{s3}/out{suffix}", saliency="half")
    assert there.bytes == here.bytes
    assert [file["path"] for file in there.files] == [f"{s3}/{Path(file['path']).name}" for file in here.files]
    for file in here.files:
        name = Path(file["path"]).name
        assert objects.read(f"{s3}/{name}", 10**9) == Path(file["path"]).read_bytes()
    assert geosal.verify(f"{s3}/out{suffix}", against=small_scene, saliency="half").ok
    assert geosal.compare(small_scene, f"{s3}/out{suffix}", "half").scores("salient").psnr == math.inf
    objects.put(f"{s3}/small.tif", small_scene.read_bytes())
    again = geosal.compress(f"{s3}/small.tif", f"{s3}/again{suffix}", saliency=f"{s3}/small.tif:range=0-65535")
    assert geosal.verify(again.output, against=f"{s3}/small.tif", saliency=f"{s3}/small.tif:range=0-65535").ok
    with pytest.raises(OutputError, match="exists already"):
        geosal.compress(small_scene, f"{s3}/out{suffix}", saliency="half")
