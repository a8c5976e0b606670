import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geosal.job.search.solve import Range, climb

QUALITY = Range(1, 99.5, 75, 12, 0.01)


@given(
    wanted=st.floats(2.0, 9.0),
    bend=st.floats(0.2, 3.0),
    start=st.floats(1, 99),
    above=st.booleans(),
    grain=st.sampled_from([0.0, 0.003]),
)
def test_it_comes_close_on_the_right_side_in_few_trials(
    wanted: float, bend: float, start: float, above: bool, grain: float
) -> None:
    tried: list[float] = []

    def growing(place: float) -> float:
        tried.append(place)
        value = float(1 + 9 * (place / 100) ** bend)
        return math.floor(value / grain) * grain if grain else value

    within = Range(1, 100, round(start, 2), 12, 0.01)
    place = climb(growing, wanted, 0.01, within, above=above)
    if growing(1) <= wanted <= growing(100):
        miss = growing(place) - wanted
        assert 0 <= (miss if above else -miss) <= 0.03
    assert 1 <= place <= 100
    assert len(set(tried)) <= 20


def test_of_a_step_between_two_sides_the_nearer_one_is_taken() -> None:
    """As where all entries of a JPEG's tables turn at once."""
    values: list[tuple[float, bool | None]] = [(1.001, None), (1.018, None), (1.018, False), (1.001, True)]
    found = [
        climb(lambda place: 1.0 if place < 83.92 else 1.02, wanted, 1e-4, QUALITY, above=above)
        for wanted, above in values
    ]
    assert [place < 83.92 for place in found] == [True, False, True, False]


@pytest.mark.parametrize(("wanted", "above", "end"), [(-1.0, False, 1), (101.0, True, 99.5)])
def test_what_cannot_be_reached_gives_the_nearer_end(wanted: float, above: bool, end: float) -> None:
    assert climb(lambda place: place, wanted, 0.001, QUALITY, above=above) == end


@pytest.mark.parametrize(("wanted", "above", "end"), [(200.0, False, 99.5), (0.5, True, 1)])
def test_what_the_whole_range_keeps_gives_the_end_that_is_nearest(wanted: float, above: bool, end: float) -> None:
    assert climb(lambda place: place, wanted, 0.001, QUALITY, above=above) == end


@pytest.mark.parametrize("wanted", [-31.5, -17.2, -8.0, -1.5])
def test_whole_steps_are_exact(wanted: float) -> None:
    steps = Range(-32, -1, -8, 4, 1)
    assert climb(lambda place: place, wanted, 1e-9, steps, above=False) == math.floor(wanted)
    assert climb(lambda place: place, wanted, 1e-9, steps, above=True) == math.ceil(wanted)


def test_infinity_is_a_value() -> None:
    place = climb(lambda place: math.inf if place > 60 else place, 50, 0.05, QUALITY, above=True)
    assert place == pytest.approx(50, abs=0.06)


@given(wanted=st.floats(20, 90), slope=st.floats(0.6, 1.6))
def test_a_known_slope_saves_trials(wanted: float, slope: float) -> None:
    """Two suffice where the slope is right, and a wrong one costs few more than none."""
    tried: list[float] = []

    def growing(place: float) -> float:
        tried.append(place)
        return place

    within = Range(1, 99.5, 75, 12, 0.01, slope)
    assert climb(growing, wanted, 0.5, within, above=None) == pytest.approx(wanted, abs=0.5)
    assert len(set(tried)) <= 5


def test_a_trial_that_is_close_enough_is_the_last() -> None:
    tried: list[float] = []

    def growing(place: float) -> float:
        tried.append(place)
        return place

    assert climb(growing, 75.2, 0.5, QUALITY, above=None) == 75
    assert climb(growing, 60, 0.5, Range(1, 99.5, 76, 12, 0.01, 1.1), above=None) == pytest.approx(60, abs=0.5)
    assert len(set(tried)) <= 3
