"""The tables of a made-up study, and figures drawn of them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from matplotlib.figure import Figure
from study_tables import make_study

from geosal.lab.figures import FIGURES, Tables
from geosal.lab.figures.style import styled


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("study"))


@pytest.fixture
def tables(study) -> Tables:
    return Tables((str(study),))


@pytest.fixture
def drawn(tables) -> Iterator[Callable[[str], Figure]]:
    """Draw a figure by its number, and give matplotlib's."""
    with ExitStack() as stack:

        def draw(name: str, of: Tables = tables) -> Figure:
            figure = stack.enter_context(styled(4, 3))
            FIGURES[name].draw(figure, of)
            return figure

        yield draw
