import pytest

import geosal
from geosal.scenes.reading import Reading, band_names


def test_names() -> None:
    assert band_names("rgb, B04,,") == ("rgb", "B04")
    assert band_names(["", "a,b", " c "]) == ("a", "b", "c")
    assert band_names(()) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("select", [5]), ("select", b".."), ("stack", 5), ("drivers", 5), ("to_byte", 5), ("max_pixels", "x"),
        ("max_pixels", True), ("bidx", [1.5]), ("bidx", "1"), ("bands", 5), ("resolution", "x"), ("resampling", 3),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(geosal.UsageError, match=f"^{name}=.+: it must be "):
        Reading.of({name: value})


def test_single_values_and_none_will_do() -> None:
    assert Reading.of({"select": "time=#0", "bidx": 2, "drivers": None}) == Reading(select=("time=#0",), bidx=(2,))
