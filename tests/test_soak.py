"""A few rounds of the soak; `soak.py` does as many as there is time for."""

import pytest
from soak import one_round, words_of


@pytest.mark.parametrize("seed", [56])
def test_a_round_finds_no_fault(seed: int) -> None:
    done, fault = one_round(seed, None)
    assert fault is None
    assert done["jobs"] >= 1


def test_a_wish_is_written_as_the_command_line_has_it() -> None:
    wish = {"saliency": ["a.tif", "half"], "bidx": (2, 1), "creation_options": {"LEVEL": "1"}, "target_bpp": 2.0}
    told = "-s a.tif -s half -b 2 -b 1 --co LEVEL=1 --target-bpp 2.0 --seal"
    assert words_of({**wish, "seal": True}) == told.split()
