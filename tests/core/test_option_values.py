"""Values of options as people write them."""

from pathlib import Path

import pytest

from geosal.core.option_values import parse_size, read_number, read_texts, refuse_unknown
from geosal.errors import UsageError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1.5GiB", 1610612736), ("2G", 2 * 10**9), (4194304, 2**22), ("7000 kb", 7 * 10**6), ("3 kiB", 3072),
        ("1t", 10**12), ("51204", 51204), (51204, 51204), ("51204B", 51204), ("51204 bytes", 51204), ("1 byte", 1),
        ("1e6", 10**6), (1e6, 10**6),
    ],
)  # fmt: skip
def test_sizes(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-3", "5 XB", "50%", "1.5.2GB", "nan", "1e400", "\u0663MB", True])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write it like 512MB, 2GiB or 51204"):
        parse_size(text)


def test_one_text_is_a_list_of_one() -> None:
    assert read_texts("saliency", "half") == read_texts("saliency", ["half"]) == ("half",)
    assert read_texts("saliency", (Path("a.tif"), "half")) == ("a.tif", "half")
    with pytest.raises(UsageError, match="saliency=3: it must be a list"):
        read_texts("saliency", 3)


@pytest.mark.parametrize("value", [True, "4", None])
def test_what_is_no_number_is_refused(value: object) -> None:
    assert read_number("background", 1) == 1.0
    with pytest.raises(UsageError, match="background=.*: it must be a number"):
        read_number("background", value)


def test_a_key_that_nobody_knows_is_refused_with_the_nearest() -> None:
    refuse_unknown(["steps"], ["steps", "sigma"], "no such option")
    with pytest.raises(UsageError, match=r"stpes: no such option; did you mean steps\?"):
        refuse_unknown(["stpes"], ["steps", "sigma"], "no such option")
    with pytest.raises(UsageError, match="x: no such option; known: steps, sigma"):
        refuse_unknown(["x"], ["steps", "sigma"], "no such option")
