"""Which bands a name, a role or a group means."""

from pathlib import Path

import pytest

from geosal.errors import ResourceError, UsageError
from geosal.scenes.products import open_product


@pytest.mark.parametrize(
    ("bands", "names"),
    [
        ((), "B02 B03 B04 B08"),
        (("all-10m",), "B02 B03 B04 B08"),
        (("all-20m",), "B05 B06 B07 B8A B11 B12"),
        (("swir",), "B11 B12"),
        (("B4,b8a", "coastal"), "B04 B8A B01"),
        (("nir08", "nir"), "B8A B08"),
        (("cir",), "B08 B04 B03"),
        (("all",), "B01 B02 B03 B04 B05 B06 B07 B08 B8A B09 B10 B11 B12"),
        (("tci",), "TCI_R TCI_G TCI_B"),
    ],
)
def test_bands_go_by_name_role_and_group(l1c: Path, bands: tuple[str, ...], names: str):
    assert " ".join(open_product(l1c, bands).chosen) == names


@pytest.mark.parametrize(
    ("bands", "named"),
    [(("B99",), "B99"), (("red", "B04"), "B04"), (("pan",), "pan"), (("all-15m",), "all-10m"), (("SCL",), "classes")],
)
def test_bands_that_are_not_there(l1c: Path, bands: tuple[str, ...], named: str):
    with pytest.raises(UsageError, match=named) as caught:
        open_product(l1c, bands)
    assert "\n" not in str(caught.value)


def test_resolutions_that_are_not_there(l1c: Path):
    with pytest.raises(UsageError, match="10, 20, 60"):
        open_product(l1c, ("B04",), resolution=15)
    with pytest.raises(UsageError, match="nearest, bilinear, average"):
        open_product(l1c, ("B04",), resampling="cubic")


def test_bands_of_different_types(l1c: Path):
    with pytest.raises(UsageError, match="B04 uint16"):
        open_product(l1c, ("B04", "TCI_R"))


def test_too_many_pixels(l1c: Path):
    with pytest.raises(ResourceError, match="--max-pixels"):
        open_product(l1c, ("B04",), max_pixels=1000)
