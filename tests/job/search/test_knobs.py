"""Knobs turned by whole jobs."""

from pathlib import Path

import pytest

import geosal


@pytest.mark.parametrize(
    ("treatment", "bpp"), [("quality", 4.0), ("quality:high=34", 3.8), ("quality:low=34,high=100", 11.0)]
)
def test_the_decibels_of_tiles_are_turned(rgb_corner: Path, tmp_path: Path, treatment: str, bpp: float) -> None:
    """Both together; what the user has given for salient tiles stays."""
    wish = {"saliency": "half", "profile": "jp2", "treatment": treatment}
    summary = geosal.compress(str(rgb_corner), str(tmp_path / "out.jp2"), target_bpp=bpp, **wish)  # type: ignore[arg-type]
    assert summary.bits_per_pixel == pytest.approx(bpp, rel=0.01)
    assert summary.search is not None
    assert treatment.partition("high=")[2] in summary.search["found"]
