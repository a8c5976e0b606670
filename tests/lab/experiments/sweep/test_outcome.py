"""The reductions and rates of both tables, from sizes made up at random."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geosal.lab.experiments.sweep.looks import Look, looks_of
from geosal.lab.experiments.sweep.outcome import Outcome, Seen
from geosal.lab.experiments.sweep.wish import NO_MASK, Sweep

WISH = Sweep.from_mapping(
    {"images": "x", "kernels": [3], "masks": ["half"], "encoders": {"png": None, "jpg": {"quality": [30, 90]}}}
)
PIXELS = [60, 40]
SIZES = st.integers(1, 10**12)


def seen(image: str, look: Look, sizes: list[int], parts: list[list[int]]) -> Seen:
    figures = {"mse": 1.0, "psnr": 48.1, "ssim": 0.9}
    files = [{"bytes": size, **figures, "levels": [figures, figures]} for size in sizes]
    levels: list[dict[str, Any]] = [
        {"level": level, "saliency": 1.0 - level / 8, "kernel": 2 * level + 1, "pixels": pixels, "bytes": part}
        for level, pixels, part in zip((0, 8), PIXELS, parts, strict=True)
    ]
    return Seen("towns", image, 20, 5, look, {"effective_kernel": 7.4, "files": files, "levels": levels})


@settings(max_examples=50)
@given(
    sizes=st.lists(st.lists(SIZES, min_size=3, max_size=3), min_size=6, max_size=6),
    parts=st.lists(st.lists(SIZES, min_size=2, max_size=2), min_size=2, max_size=2),
)
def test_rows_follow_from_the_bytes(sizes: list[list[int]], parts: list[list[int]]) -> None:
    cases = [(image, look) for image in ("a", "b") for look in looks_of(WISH)]
    found = [seen(image, look, size, parts) for (image, look), size in zip(cases, sizes, strict=True)]
    outcome = Outcome(wish=WISH, seen=tuple(found), skipped=(), resumed=0)
    rows = list(outcome.files())
    assert [row["bytes"] for row in rows] == [size for look in sizes for size in look]
    for row in rows:
        assert row["bpp"] == 8 * row["bytes"] / 100
        plain = [each for each in rows if each["kernel"] == 1 and each["image"] == row["image"]]
        same = next(each for each in plain if (each["encoder"], each["setting"]) == (row["encoder"], row["setting"]))
        assert row["reduction_of_original"] == pytest.approx(100 * (1 - row["bpp"] / plain[0]["bpp"]))
        assert row["reduction_of_unsmoothed"] == pytest.approx(100 * (1 - row["bpp"] / same["bpp"]))
        assert row["reduction_of_unsmoothed"] == 0 or row["kernel"] != 1
        assert (row["kernel"] is None) == (row["mask"] != NO_MASK)
    levels = list(outcome.levels())
    assert len(levels) == 2 * 3 * 2
    for row in levels:
        number = 0 if row["level"] == 0 else 1
        if row["encoder"] == "png":
            assert row["bpp"] == 8 * parts[number][1] / PIXELS[number]
            assert row["reduction"] == pytest.approx(100 * (1 - parts[number][1] / parts[number][0]))
        else:
            assert row["bpp"] is row["reduction"] is None


def test_where_the_unsmoothed_image_was_left_out_there_is_no_reduction() -> None:
    look = looks_of(WISH)[1]
    outcome = Outcome(wish=WISH, seen=(seen("a", look, [1, 2, 3], [[1, 1], [1, 1]]),), skipped=(), resumed=0)
    assert {row["reduction_of_unsmoothed"] for row in outcome.files()} == {None}
