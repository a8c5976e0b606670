"""Options over a wish that was made before."""

from typing import Any

import pytest

from geosal.errors import UsageError
from geosal.job.merge import over

WISH: dict[str, Any] = {
    "saliency": ["half", "perlin"], "combine": "min", "bands": ["rgb"], "sigma": "0.25*K", "profile": "zstd",
    "treatment": ["smooth"], "creation_options": {"level": "3", "BIGTIFF": "YES"}, "target_bpp": 2.0, "overwrite": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "gone", "there"),
    [
        ({}, set(), {}),
        ({"steps": None, "bands": None}, set(), {"bands": ["rgb"]}),
        ({"overwrite": False, "bidx": (), "min_psnr": []}, set(), {"overwrite": False, "bidx": (), "min_psnr": []}),
        ({"bands": (), "saliency": [], "treatment": ()}, set(), {"bands": (), "saliency": [], "treatment": ()}),
        ({"bidx": (2,)}, {"bands"}, {"bidx": (2,)}),
        ({"bands": "nir"}, set(), {"bands": "nir"}),
        ({"treatment": ("bound:error=8",)}, {"sigma"}, {}),
        ({"saliency": "grid"}, {"combine"}, {"saliency": "grid"}),
        ({"saliency": "grid", "combine": "max"}, set(), {"combine": "max"}),
        ({"min_psnr": "40"}, {"target_bpp"}, {}),
        ({"target_size": "5MB"}, {"target_bpp"}, {}),
        ({"profile": "jpeg"}, set(), {"creation_options": {"BIGTIFF": "YES"}}),
        ({"creation_options": {"Level": 9}}, set(), {"creation_options": {"LEVEL": "9", "BIGTIFF": "YES"}}),
    ],
)
def test_what_is_given_goes_first_and_takes_the_place_of_what_it_excludes(
    given: dict[str, Any], gone: set[str], there: dict[str, Any]
) -> None:
    made = over(given, WISH)
    assert WISH.keys() - made.keys() == gone
    assert made.items() >= there.items()


def test_no_creation_option_is_left_of_another_codec() -> None:
    assert "creation_options" not in over({"profile": "lzw"}, {"profile": "zstd", "creation_options": {"LEVEL": 3}})


def test_values_of_the_wrong_type_are_told() -> None:
    with pytest.raises(UsageError, match="creation_options=7"):
        over({}, {"creation_options": 7})
    with pytest.raises(UsageError, match="a source of saliency|saliency="):
        over({"saliency": 3}, WISH)
