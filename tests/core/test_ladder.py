"""Numbers of the seed paper: equations 2 and 3, table 3."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geosal import Ladder, SaliencyError, UsageError, effective_kernel


def width(saliency: float, steps: int = 8) -> int:
    ladder = Ladder(steps)
    return ladder.widths[int(ladder.levels(np.array([saliency], np.float32))[0])]


@pytest.mark.parametrize(
    ("saliency", "expected"),
    [(0, 17), (0.33, 11), (0.66, 5), (1, 1), (0.25, 13), (0.5, 9), (0.75, 5), (0.8, 3), (0.875, 3), (0.9, 1)],
)
def test_equation_2_gives_the_widths_of_table_3(saliency: float, expected: int) -> None:
    assert width(saliency) == expected


@pytest.mark.parametrize("steps", [1, 5, 8, 10, 20, 32])
def test_decimals_stored_in_float32_fall_on_their_step(steps: int) -> None:
    for level in range(steps + 1):
        assert width(1 - level / steps, steps) == 2 * level + 1
    for hundredths in range(101):
        assert width(hundredths / 100, steps) == 2 * ((100 - hundredths) * steps // 100) + 1


@given(st.floats(0, 1, width=32))
def test_more_saliency_never_means_a_wider_kernel(saliency: float) -> None:
    assert 1 <= width(saliency) <= width(saliency / 2) <= 17


def test_equation_3_on_the_papers_masks() -> None:
    assert effective_kernel({1: 0.5, 17: 0.5}) == 9.0
    assert effective_kernel({1: 0.25, 5: 0.25, 11: 0.25, 17: 0.25}) == 8.5


@pytest.mark.parametrize("kernel", [11, 13, 17, 31])
def test_sigma_is_opencvs_rule(kernel: int) -> None:
    # From 11 on OpenCV applies its own formula; below it has a table, which geosal does not use.
    taps = cv2.getGaussianKernel(kernel, -1).ravel()
    x = np.arange(kernel) - kernel // 2
    wanted = np.exp(-(x**2) / (2 * Ladder(32).sigma_of(kernel) ** 2))
    np.testing.assert_allclose(taps, wanted / wanted.sum(), atol=1e-12)


def test_sigma_may_be_proportional() -> None:
    assert Ladder(sigma="0.25*K").sigma_of(9) == 2.25


@pytest.mark.parametrize("options", [{"steps": 0}, {"steps": 33}, {"steps": 2.5}, {"sigma": "wide"}, {"sigma": "0*K"}])
def test_a_ladder_that_cannot_be_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="steps|sigma"):
        Ladder(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("bad", [-0.01, 1.01, np.nan, np.inf])
def test_saliency_outside_0_to_1_is_an_error_never_a_clip(bad: float) -> None:
    with pytest.raises(SaliencyError, match="must lie in"):
        Ladder().levels(np.array([0.5, bad], np.float32))


@pytest.mark.filterwarnings("error")
def test_saliency_that_is_nan_everywhere_is_told_as_it_is() -> None:
    with pytest.raises(SaliencyError, match="NaN everywhere"):
        Ladder().levels(np.full((2, 2), np.nan, np.float32))


def test_sigma_has_a_range() -> None:
    assert Ladder(sigma="2.5e-1*K").sigma_of(9) == 2.25
    for factor in ("1e-300", f"0.{'0' * 300}1", "9" * 400):
        with pytest.raises(UsageError, match="must lie from 1e-06 to 1e\\+06"):
            Ladder(sigma=f"{factor}*K")
