"""Numbers of bytes and of things, written."""

import math

import pytest

from geosal.core.option_values import parse_size
from geosal.sizes import as_bytes, as_change, as_number, as_percent, as_size, as_written, counted


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (12_345_678, "12.3 MB"), (2.5e9, "2.5 GB")],
)
def test_bytes_for_people(count: float, text: str) -> None:
    assert as_bytes(count) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(4480, "4480"), (4294967295.0, "4294967295"), (-0.0, "0"), (0.1, "0.1"), (1 / 3, "0.333333"), (1e300, "1e+300"),
     (math.inf, "inf"), (math.nan, "nan")],
)  # fmt: skip
def test_whole_numbers_have_all_their_digits(value: float, text: str) -> None:
    assert as_number(value) == text


def test_what_is_needed_never_reads_like_less_that_is_allowed() -> None:
    """They were both told as 305 MiB."""
    for needed, allowed in ((320_010_000, 320_000_000), (320_040_001, 320_040_000), (1001, 1000)):
        assert as_bytes(needed, math.ceil) != as_bytes(allowed, math.floor)


@pytest.mark.parametrize(("count", "text"), [(500_000, "500kB"), (5_000_000, "5MB"), (2 * 10**9, "2GB"), (17, "17")])
def test_sizes_are_told_as_they_are_read(count: int, text: str) -> None:
    assert as_size(count) == text
    assert parse_size(text) == count


def test_one_thing_is_no_things() -> None:
    assert [counted(number, "band") for number in (0, 1, 2, 1234)] == ["0 bands", "1 band", "2 bands", "1,234 bands"]


def test_a_change_is_told_in_one_way_everywhere() -> None:
    assert as_change(50, 100) == "50.0 % smaller"
    assert as_change(124, 100) == "24.0 % LARGER"
    assert as_change(225, 100) == "2.2 times as LARGE"
    assert as_percent(0.9997) == "more than 99.9"
    assert as_percent(1.0) == "100.0"


def test_what_was_there_is_not_told_as_written() -> None:
    told = [as_written(5), as_written(1, 4), as_written(3, 1), as_written(0, 1), as_written(0, 5)]
    assert told == [
        "5 files written",
        "1 file written, 4 were finished already",
        "3 files written, 1 was finished already",
        "1 file was finished already",
        "5 files were finished already",
    ]
