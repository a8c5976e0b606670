"""A few of the random combinations; ``combinations.py`` does as many as one likes."""

from pathlib import Path

import pytest
from cases.combinations import try_one


@pytest.mark.filterwarnings("ignore::geosal.errors.GeosalWarning")
@pytest.mark.parametrize("seed", range(40))
def test_a_combination_is_done_right_or_refused_in_time(seed: int, tmp_path: Path) -> None:
    assert try_one(seed, tmp_path) in {"done", "refused", "missed"}
