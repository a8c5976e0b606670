from pathlib import Path

import pytest

from geosal.errors import UsageError
from geosal.lab.experiments.jpegs import Experiment
from geosal.lab.experiments.study import STUDIES, Study, read_study, study_named
from geosal.lab.experiments.sweep.wish import Sweep


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_is_there(name: str) -> None:
    assert isinstance(study_named(name), Study)


def test_a_recipe_names_its_study_and_that_of_jpegs_need_not(tmp_path: Path) -> None:
    path = tmp_path / "wish.yaml"
    for text, kind in (("images: x", Experiment), ("images: x\nstudy: sweep", Sweep)):
        path.write_text(text)
        study, wish = read_study(str(path), output="there")
        assert (study.wish, type(wish), wish.output) == (kind, kind, "there")
    path.write_text("images: x\nstudy: sweeps")
    with pytest.raises(UsageError, match="study: sweeps: no such study; did you mean sweep"):
        read_study(str(path))
