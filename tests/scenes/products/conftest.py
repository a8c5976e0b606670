"""Products that several tests read; nobody changes them."""

import shutil
from pathlib import Path

import pytest
from products import make_l1c, make_l2a, make_landsat_l1, make_landsat_l2


@pytest.fixture(scope="session")
def l1c(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Level-1C, baseline 04.00; not to be changed."""
    return make_l1c(tmp_path_factory.mktemp("l1c"))


@pytest.fixture(scope="session")
def l2a(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Level-2A, baseline 05.09; not to be changed."""
    return make_l2a(tmp_path_factory.mktemp("l2a"))


@pytest.fixture
def own_l1c(l1c: Path, tmp_path: Path) -> Path:
    """A copy of it to spoil."""
    return Path(shutil.copytree(l1c, tmp_path / l1c.name))


@pytest.fixture(scope="session")
def landsat_l1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Landsat 7, Level-1, with a panchromatic band and both thermal ones, placed by the MTL file alone."""
    return make_landsat_l1(tmp_path_factory.mktemp("etm"))


@pytest.fixture(scope="session")
def landsat_l2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Landsat 9, Level-2, whose MTL file repeats keys of Level-1."""
    return make_landsat_l2(tmp_path_factory.mktemp("oli"))
