import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geosal.errors import GeosalWarning
from geosal.job.tally import BandSums, Tally, count_levels, warn_of_little_gain, warn_of_no_pixels


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=60), st.integers(0, 60))
def test_sums_of_parts_are_those_of_the_whole_and_numpys(values: list[int], cut: int) -> None:
    samples = np.array(values, np.uint16)
    both = BandSums.of(samples[:cut]) + BandSums.of(samples[cut:])
    assert both == BandSums.of(samples)
    tags = both.tags(pixels=2 * len(values))
    assert float(tags["STATISTICS_MEAN"]) == pytest.approx(samples.mean())
    assert float(tags["STATISTICS_STDDEV"]) == pytest.approx(samples.std(), abs=1e-3)
    assert (int(tags["STATISTICS_MINIMUM"]), int(tags["STATISTICS_MAXIMUM"])) == (samples.min(), samples.max())
    assert tags["STATISTICS_VALID_PERCENT"] == "50"


def test_a_band_without_valid_samples_has_no_statistics() -> None:
    assert BandSums.of(np.array([], np.uint8)).tags(100) == {}


def test_shares_over_all_and_over_valid_pixels() -> None:
    tally = Tally(8)
    levels = np.array([[0, 0, 8, 8]], np.uint8)
    tally.add(count_levels(levels, 8), count_levels(levels[:, :1], 8), known=1)
    tally.add(count_levels(levels, 8), count_levels(levels, 8), known=3)
    assert tally.shares(valid_only=False) == {1: 0.5, 17: 0.5}
    assert tally.shares(valid_only=True) == {1: 0.6, 17: 0.4}
    assert tally.coverage == 0.5
    assert tally.blocks == 2


@given(st.lists(st.integers(0, 8), max_size=50))
def test_levels_are_counted_as_numpy_counts(values: list[int]) -> None:
    levels = np.array([values], np.uint8)
    np.testing.assert_array_equal(count_levels(levels, 8), np.bincount(levels[0], minlength=9))


def test_a_scene_without_valid_pixels_is_left_as_it_is() -> None:
    tally = Tally(8)
    tally.add(count_levels(np.full((2, 2), 8, np.uint8), 8), np.zeros(9, np.int64), known=4)
    assert tally.shares(valid_only=True) == {1: 1.0}
    assert tally.shares(valid_only=False) == {17: 1.0}


@pytest.mark.parametrize(
    ("shares", "mean", "told"),
    [
        ({1: 0.95, 3: 0.05}, None, "out.tif: 95.0% of the pixels stay as they are"),
        ({1: 0.5, 3: 0.5}, 0.93, "mean saliency 0.93, 50.0%"),
        ({1: 0.95, 3: 0.05}, None, "ask for less, or say what does not matter"),
        ({1: 1.0}, None, "so little can be gained; the sources find nothing here that matters less"),
        ({1: 0.89, 17: 0.11}, None, None),
        ({3: 1.0}, 0.2, None),
    ],
)
def test_little_to_gain_is_told(shares: dict[int, float], mean: float | None, told: str | None) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_little_gain("out.tif", shares, mean)
    assert [told in str(one.message) for one in caught] == ([True] if told else [])


def test_a_lossy_codec_keeps_nothing_and_almost_all_is_not_all() -> None:
    with pytest.warns(GeosalWarning, match="more than 99.9% of the pixels stay as they are"):
        warn_of_little_gain("out.tif", {1: 0.9997, 3: 0.0003})
    with pytest.warns(GeosalWarning, match="100.0% of the pixels matter alike, so the saliency steers nothing"):
        warn_of_little_gain("out.jpg", {1: 1.0}, exact=False)


def test_advice_is_what_has_not_been_tried() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", GeosalWarning)
        warn_of_little_gain("out.tif", {1: 1.0})
        warn_of_little_gain("out.tif", {1: 1.0}, untried=("--outside blur",))
        warn_of_little_gain("out.tif", {1: 0.95, 3: 0.05}, untried=("--background 0",))
        warn_of_no_pixels("out.tif")
    clear, outside, background, empty = (str(one.message) for one in caught)
    assert "--" not in clear
    assert "give --outside blur or another source" in outside
    assert "--background 0, an exclusion" in background
    assert "no pixel of the scene is valid" in empty
