import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geosal.errors import UsageError
from geosal.scenes.rules import ByteRule, Curve


@pytest.mark.parametrize(
    ("text", "name", "ends", "gamma", "level", "written"),
    [
        ("percentile", "percentile", (2, 98), 1, "", "percentile:2-98"),
        ("percentile:0.5-99.5", "percentile", (0.5, 99.5), 1, "", "percentile:0.5-99.5"),
        ("range:-0.1-0.3", "range", (-0.1, 0.3), 1, "", "range:-0.1-0.3"),
        ("range:-5--1e-2", "range", (-5, -0.01), 1, "", "range:-5--1e-2"),
        (" TCI ", "tci", None, 1, "", "TCI"),
        ("tci:L2A", "tci", None, 1, "l2a", "tci:L2A"),
        ("gamma:2.2", "gamma", None, 2.2, "", "gamma:2.2"),
        ("gamma:0.5, 0-3000", "gamma", (0, 3000), 0.5, "", "gamma:0.5,0-3000"),
    ],
)
def test_rules_are_read(
    text: str, name: str, ends: tuple[float, float] | None, gamma: float, level: str, written: str
) -> None:
    assert ByteRule.parse(text) == ByteRule(written, name, ends, gamma, level)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sqrt",
        "percentile:",
        "percentile:98-2",
        "percentile:2-101",
        "range",
        "range:3",
        "range:3-3",
        "range:0-1e999",
        "range:0-nan",
        "range:a-b",
        "tci:l3",
        "gamma",
        "gamma:0",
        "gamma:11",
        "gamma:2.2,",
        "gamma:2.2,3-1",
        "gamma:inf",
    ],
)
def test_what_is_no_rule_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="to_byte=") as caught:
        ByteRule.parse(text)
    assert "\n" not in str(caught.value)


@given(st.sampled_from(["percentile", "range", "tci", "gamma"]), st.text(":,-+.eE 0123456789l2a", max_size=12))
def test_any_text_is_a_rule_or_refused(name: str, rest: str) -> None:
    try:
        rule = ByteRule.parse(name + rest)
    except UsageError:
        return
    assert rule.name == name
    assert rule.ends is None or rule.ends[0] < rule.ends[1]


def _apply(curve: Curve, samples: np.ndarray) -> np.ndarray:
    out = np.zeros(samples.shape, np.uint8)
    curve.apply(samples, out)
    return out


@pytest.mark.parametrize("dtype", ["uint16", "int16"])
def test_linear_curves_are_exact(dtype: str) -> None:
    """Against fractions, on every value; scale and offset are those of Sentinel-2 from baseline 04.00, times 8192."""
    limits = np.iinfo(dtype)
    codes = np.arange(limits.min, limits.max + 1).astype(dtype).reshape(256, 256)
    curve = Curve(0.0, 0.25, 1.0, 2.0**-13, -0.125)
    expected = []
    for code in codes.ravel().tolist():
        place = min(max((Fraction(code, 2**13) - Fraction(1, 8)) / Fraction(1, 4), 0), 1)
        expected.append(1 + math.floor(place * 254 + Fraction(1, 2)))
    assert _apply(curve, codes).ravel().tolist() == expected


@pytest.mark.parametrize("gamma", [0.5, 1.8, 2.2])
def test_gamma_is_the_power(gamma: float) -> None:
    values = np.linspace(-100, 3100, 5003, dtype=np.float32)[np.newaxis]
    light = np.clip(values.astype(np.float64) / 3000, 0, 1) ** (1 / gamma) * 254
    steady = np.abs(light % 1 - 0.5) > 1e-9
    made = _apply(Curve(0, 3000, gamma), values)
    assert steady.sum() > 5000
    np.testing.assert_array_equal(made[steady], 1 + np.floor(light + 0.5)[steady])


@given(
    st.floats(-1e6, 1e6),
    st.floats(1e-3, 1e6),
    st.sampled_from([0.4, 1.0, 2.2]),
    st.lists(st.integers(0, 65535), min_size=1, max_size=50),
)
def test_bytes_never_are_zero_rise_with_the_sample_and_do_not_depend_on_the_dtype(
    low: float, width: float, gamma: float, samples: list[int]
) -> None:
    curve = Curve(low, low + width, gamma, 0.5, -7.0)
    samples = sorted(samples)
    of_table = _apply(curve, np.array([samples], np.uint16))
    assert of_table.min() >= 1
    assert (np.diff(of_table.astype(int)) >= 0).all()
    for dtype in ("uint32", "int32", "float32", "float64"):
        np.testing.assert_array_equal(of_table, _apply(curve, np.array([samples], dtype)))


def test_what_is_not_finite_comes_to_some_byte() -> None:
    made = _apply(Curve(0, 1, 2.2), np.array([[np.nan, np.inf, -np.inf, 3e38, -3e38]], np.float32))
    assert made[0, 1:].tolist() == [255, 1, 255, 1]
    assert made[0, 0] >= 1
