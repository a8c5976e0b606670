from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from geosal.errors import SceneError, UsageError
from geosal.lab.experiments.jpegs import Experiment
from geosal.lab.experiments.study import read_study
from geosal.lab.experiments.wish import Collection


def test_defaults_are_the_papers() -> None:
    wish = Experiment.from_mapping({"images": "pictures"})
    assert wish.images == {"pictures": Collection(places=("pictures",))}
    assert (wish.saliency, wish.passes, wish.qualities) == (("cnn",), 5, (30, 50, 70))
    assert wish.modes[0] == "twopass:low=30,high=70"
    assert wish.shown_quality == 50


def test_collections_and_single_values() -> None:
    wish = Experiment.from_mapping(
        {"images": {"Kodak": "k", 2: ["a.png", "b.png"]}, "qualities": 40, "subsampling": 444, "modes": "quality"}
    )
    assert {name: each.places for name, each in wish.images.items()} == {"Kodak": ("k",), "2": ("a.png", "b.png")}
    assert (wish.qualities, wish.subsampling, wish.modes, wish.shown_quality) == ((40,), "444", ("quality",), 40)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"qualites": [30]}, "qualites: no such option of an experiment; did you mean qualities?"),
        ({"zzz": 1}, "known: images, output"),
        ({"images": []}, "images: nothing to look at"),
        ({"images": {}}, "images: nothing to look at"),
        ({"images": 3}, "images=3"),
        ({"qualities": [0]}, "qualities=0: it must be from 1 to 100"),
        ({"qualities": [50, 50]}, "stands there twice"),
        ({"qualities": [50.5]}, "qualities=50.5: it must be a whole number"),
        ({"passes": 0}, "passes=0"),
        ({"passes": True}, "passes=True"),
        ({"modes": ["twice"]}, "treatment 'twice': unknown"),
        ({"modes": []}, "modes=()"),
        ({"subsampling": "422"}, "subsampling='422': it must be 420 or 444"),
        ({"salient": 0}, "salient=0.0"),
        ({"salient": "much"}, "salient='much': it must be a number"),
        ({"detail_quality": 45}, "detail_quality=45: it must be one of qualities"),
        ({"keep": "yes"}, "keep='yes': it must be true or false"),
        ({"to_byte": "squash"}, "squash"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        Experiment.from_mapping({"images": "pictures"} | change)
    assert message in str(refused.value)


def test_without_images() -> None:
    with pytest.raises(UsageError, match="images: nothing to look at; name a folder"):
        Experiment.from_mapping({})


def test_yaml_and_what_goes_before_it(tmp_path: Path, wish: Callable[..., Experiment]) -> None:
    path = tmp_path / "wish.yaml"
    path.write_text("images: pictures\npasses: 3\noutput: there\n")
    read = read_study(str(path), output="here", images=None)[1]
    assert (read.images["pictures"].places, read.passes, read.output) == (("pictures",), 3, "here")
    with pytest.raises(SceneError):
        read_study(str(tmp_path / "none.yaml"))


def test_the_shipped_recipe_is_the_papers(repository: Path) -> None:
    wish = read_study(str(repository / "configs" / "ms-roi-tables.yaml"))[1]
    assert wish.passes == 5
    assert wish.qualities == (30, 50, 70)
    assert wish.modes == ("twopass:low=30,high=70", "quality")
    assert wish.saliency == ("cnn:top=5",)
