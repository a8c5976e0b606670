"""Sizes of errors, against Python's own numbers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geosal.comparison.judge import error_dtype, error_sizes


@given(data=st.data(), dtype=st.sampled_from(["uint8", "int16", "uint16", "int32", "uint32"]))
def test_differences_of_integers_are_exact(data: Any, dtype: str) -> None:
    """Also those that the type of the samples cannot hold."""
    first, second = (data.draw(arrays(dtype, (2, 3))) for _ in range(2))
    found = error_sizes(first, second)
    assert found.dtype == error_dtype(dtype) == f"u{dtype.removeprefix('u')}"
    assert found.tolist() == [
        [abs(a - b) for a, b in zip(*rows, strict=True)] for rows in zip(first.tolist(), second.tolist(), strict=True)
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_differences_of_floats_are_rounded_once(dtype: str) -> None:
    first, second = np.array([1e8, -0.0, np.inf, np.nan], dtype), np.array([1, 0.0, 1, 1], dtype)
    found = error_sizes(first, second)
    assert found.dtype == error_dtype(dtype) == "float32"
    np.testing.assert_array_equal(found, np.float32([99999999, 0, np.inf, np.nan]))
