"""Which two scenes can be compared, and which of their samples count."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from rasterio.transform import from_origin
from rasters import PLACE, read, save

import geosal
from geosal.comparison.pair import Samples
from geosal.errors import SaliencyError, SceneError, UsageError


@pytest.mark.parametrize(
    "place",
    [
        PLACE | {"transform": from_origin(399970, 4900020, 10, 10)},
        PLACE | {"transform": PLACE["transform"] @ Affine.scale(1.01)},
        PLACE | {"crs": "EPSG:32632"},
    ],
)
def test_another_place_is_found(scene: Path, tmp_path: Path, place: dict[str, Any]) -> None:
    other = save(tmp_path / "shifted.tif", read(scene), **place)
    with pytest.raises(SaliencyError, match=r"shifted.tif against .*(transform|CRS)"):
        geosal.compare(str(scene), str(other))


def test_only_alike_rasters_are_compared(scene: Path, tmp_path: Path) -> None:
    pixels = read(scene)
    with pytest.raises(SceneError, match="229 x 210 px, not 230 x 210 px"):
        geosal.compare(str(scene), str(save(tmp_path / "narrow.tif", pixels[:, :, :-1])))
    with pytest.raises(SceneError, match="1 band beside alpha, not 2.*--bidx"):
        geosal.compare(str(scene), str(save(tmp_path / "one.tif", pixels[:1])))
    with pytest.raises(SceneError, match="int32, not uint16"):
        geosal.compare(str(scene), str(save(tmp_path / "wide.tif", pixels.astype(np.int32))))
    with pytest.raises(SceneError, match="no such file"):
        geosal.compare(str(scene), str(tmp_path / "missing.tif"))
    with pytest.raises(UsageError, match="colour: no such option; known: saliency, ladder, .* bidx, bands, "):
        geosal.compare(str(scene), str(scene), colour=True)
    with pytest.raises(UsageError, match=r"lader: no such option; did you mean ladder\?"):
        geosal.compare(str(scene), str(scene), lader=True)


@pytest.mark.parametrize("original", [True, False])
@pytest.mark.parametrize("candidate", [True, False])
def test_a_sample_counts_where_it_counts_in_both(original: bool, candidate: bool) -> None:
    """No mask means that all samples count."""
    rng = np.random.default_rng(0)
    pixels = np.zeros((2, 5, 7), np.uint8)
    masks = [rng.random(pixels.shape) < 0.7 if has else None for has in (original, candidate)]
    ours, theirs = (np.ones(pixels.shape, np.bool_) if mask is None else mask for mask in masks)
    samples = Samples(pixels, pixels, *masks)
    if original or candidate:
        np.testing.assert_array_equal(samples.valid, ours & theirs)
    else:
        assert samples.valid is None
    assert (samples.lost, samples.gained) == ((ours & ~theirs).sum(), (theirs & ~ours).sum())
