import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from geosal.lab.experiments.jpegs import Outcome, anova, verdicts
from geosal.lab.experiments.jpegs.outcome import JPEG
from geosal.lab.experiments.jpegs.statistics import as_p, one_way, paired


def test_one_way_on_numbers_reckoned_by_hand() -> None:
    """Means 2 and 4, grand mean 3: 6 between the groups with 1 degree, 4 within them with 4."""
    found = one_way([1, 2, 3], [3, 4, 5])
    assert found.f == pytest.approx(6.0)
    assert found.p == pytest.approx(stats.f.sf(6.0, 1, 4))


floats = st.lists(st.floats(-1e3, 1e3).map(lambda x: round(x, 3)), min_size=2, max_size=8)


@given(floats, floats)
def test_one_way_is_the_t_test_of_two_groups(first: list[float], second: list[float]) -> None:
    """F is the square of Student's t: another road in SciPy to the same p."""
    if np.ptp(first) < 1e-2 or np.ptp(second) < 1e-2:
        return
    expected = stats.ttest_ind(first, second)
    found = one_way(first, second)
    assert found.f == pytest.approx(expected.statistic**2, rel=1e-6, abs=1e-9)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-9)


def test_groups_without_variance() -> None:
    assert math.isnan(one_way([1], [2]).p)
    assert math.isnan(one_way([1, 1], [1, 1]).p)
    assert one_way([1, 1], [2, 2]).p == 0
    assert math.isnan(paired([1, 2], [2, 3]))
    assert paired([1, 2, 3], [2, 3, 4.5]) == pytest.approx(stats.ttest_rel([2, 3, 4.5], [1, 2, 3]).pvalue)


def test_anova_of_an_outcome(outcome: Outcome) -> None:
    tests = {(test.part, test.measure): test for test in anova(outcome)}
    assert len(tests) == 3 * 4
    psnr = tests["whole", "psnr"]
    assert (psnr.images, psnr.jpeg, psnr.shaped, psnr.gain) == (2, 32.0, 34.0, 2.0)
    assert psnr.p == pytest.approx(stats.f_oneway([30.0, 34.0], [31.0, 37.0]).pvalue)
    assert psnr.p_paired == pytest.approx(stats.ttest_rel([31.0, 37.0], [30.0, 34.0]).pvalue)
    assert tests["background", "psnr"].gain == -2


def test_figures_that_cannot_be_told_are_left_out_in_pairs(outcome: Outcome) -> None:
    trials = list(outcome.trials)
    parts = dict(trials[1].parts)
    parts["whole"] = replace(parts["whole"], ms_ssim=math.nan, psnr=math.inf)
    trials[1] = replace(trials[1], parts=parts)
    tests = {(test.part, test.measure): test for test in anova(replace(outcome, trials=tuple(trials)))}
    assert (tests["whole", "ms_ssim"].images, tests["whole", "psnr"].images, tests["whole", "ssim"].images) == (1, 1, 2)
    assert tests["whole", "psnr"].jpeg == 34.0


def test_verdict_says_what_the_figures_say(outcome: Outcome) -> None:
    (verdict,) = verdicts(outcome)
    assert (verdict.shows, verdict.significant) == ("yes", False)
    assert verdict.sentence == (
        "Towns, twopass:low=30,high=70, Q 50: the paper's global gain shows, but is not significant. PSNR +2.00 dB, "
        "SSIM +0.0200 over 2 images, of which 2 gain in both (the paper: Salicon +1.09 dB, General-100 +0.36 dB); "
        "ANOVA p = 0.635 (PSNR), 0.184 (SSIM); PSNR of salient part and background: +4.00 dB, -2.00 dB; sizes off by "
        "0.50 % at most."
    )


def _turned(outcome: Outcome, **by: float) -> Outcome:
    """The outcome with other gains of its second method: what the first has, plus `by`."""
    trials = []
    for trial in outcome.trials:
        if trial.method == JPEG:
            plain = trial.parts["whole"]
            trials.append(trial)
            continue
        whole = replace(plain, **{name: getattr(plain, name) + more for name, more in by.items()})
        trials.append(replace(trial, parts={**trial.parts, "whole": whole}))
    return replace(outcome, trials=tuple(trials))


@pytest.mark.parametrize(
    ("psnr", "ssim", "shows"),
    [(0.1, 0.001, "yes"), (0.1, -0.001, "partly"), (-0.1, 0.001, "partly"), (-0.1, -0.001, "no"), (0.0, 0.0, "no"),
     (0.004, 0.00004, "no"),
     (0.1, math.nan, "yes"), (-0.1, math.nan, "no")],
)  # fmt: skip
def test_verdict_turns_with_the_figures(outcome: Outcome, psnr: float, ssim: float, shows: str) -> None:
    (verdict,) = verdicts(_turned(outcome, psnr=psnr, ssim=ssim))
    assert verdict.shows == shows


def test_a_gain_is_significant_where_p_is_small(outcome: Outcome) -> None:
    (verdict,) = verdicts(_turned(outcome, psnr=500, ssim=50))
    assert (verdict.shows, verdict.significant) == ("yes", True)
    assert "shows, and is significant" in verdict.sentence


def test_what_is_not_known_is_not_significant(outcome: Outcome) -> None:
    (verdict,) = verdicts(_turned(outcome, psnr=500, ssim=math.nan))
    assert (verdict.shows, verdict.significant) == ("yes", False)


def test_sizes_that_are_off_are_said(outcome: Outcome) -> None:
    trials = list(outcome.trials)
    trials[3] = replace(trials[3], bytes=4100)
    (verdict,) = verdicts(replace(outcome, trials=tuple(trials)))
    assert "sizes off by 2.50 % at most, 1 of 2 by MORE THAN 1 %" in verdict.sentence
    trials[3] = replace(trials[3], bytes=None, parts={}, missed="no")
    (verdict,) = verdicts(replace(outcome, trials=tuple(trials)))
    assert "sizes off by 0.50 % at most, 1 of 2 not reached and left out" in verdict.sentence
    trials[1] = replace(trials[1], bytes=None, parts={}, missed="no")
    (verdict,) = verdicts(replace(outcome, trials=tuple(trials)))
    assert verdict.shows == "unknown"
    assert "no file could be made" in verdict.sentence


def test_p_values_in_words() -> None:
    assert [as_p(p) for p in (math.nan, 0.0004, 0.05, 1.0)] == ["-", "< 0.001", "0.050", "1.000"]
