from typing import get_args

from geosal.core.progress import TITLES, Progress, Stage


def test_every_stage_has_words() -> None:
    assert tuple(TITLES) == get_args(Stage)


def test_titles_tell_parts_and_trials() -> None:
    assert Progress("smooth", 3, 12, "blocks").title == "smoothing"
    assert Progress("search", 4, 8, "trials", part=2, parts=3).title == "2/3 looking for the setting (trial 4)"
    assert Progress("search", 0, 8, "trials", part=1, parts=2).title == "1/2 looking for the setting"
