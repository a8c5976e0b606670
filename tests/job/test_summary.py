"""What a job tells when it is done."""

from pathlib import Path

import pytest

import geosal
from geosal.sizes import as_bytes


@pytest.mark.parametrize("suffix", [".tif", ".jp2", ".jpg", ".zarr"])
def test_every_file_is_listed(suffix: str, rgb_scene: Path, tmp_path: Path) -> None:
    output = tmp_path / f"out{suffix}"
    summary = geosal.compress(rgb_scene, output, saliency="half", profile="jp2" if suffix == ".jp2" else None)
    assert {each["path"] for each in summary.files} == set(map(str, tmp_path.iterdir()))
    assert summary.files[0] == {"path": str(output), "bytes": summary.bytes}
    for each in summary.files[1:]:
        assert each["bytes"] == Path(each["path"]).stat().st_size


def test_sentence_and_recipe(rgb_scene: Path, tmp_path: Path) -> None:
    summary = geosal.compress(rgb_scene, tmp_path / "out.tif", saliency="half")
    assert summary.smaller_percent == pytest.approx(100 * (1 - summary.bytes / rgb_scene.stat().st_size), abs=0.01)
    kept = 100 * summary.kernel_shares["1"]
    sizes = f"{as_bytes(summary.bytes)} of {as_bytes(rgb_scene.stat().st_size)}"
    assert summary.sentence == (
        f"out.tif is {summary.smaller_percent:.1f} % smaller than the input ({sizes}). {kept:.1f} % of the pixels "
        "stayed exactly as they were; the others are blurred by up to 17 px."
    )
    assert (summary.cause, summary.instead) == (None, None)


def test_a_lossy_file_keeps_no_pixel(rgb_scene: Path, tmp_path: Path) -> None:
    summary = geosal.compress(rgb_scene, tmp_path / "out.jpg", saliency="half", bidx=[1])
    said = "No pixel has to stay exactly as it was: jpg may lose a little everywhere; pixels are coded"
    assert said in summary.sentence
    assert ", of which not all bands are taken)." in summary.sentence
