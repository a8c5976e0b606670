"""The saliency by which an output is judged."""

from pathlib import Path

import pytest

from geosal.errors import UsageError
from geosal.scenes import Scene
from geosal.sources import open_saliency
from geosal.verification import saliency_on


def test_an_opened_saliency_stays_and_texts_are_opened_on_the_scene(rgb_scene: Path) -> None:
    scene = Scene.open(rgb_scene)
    assert saliency_on(scene, None, ()) is None
    opened = open_saliency(["half"], scene.grid)
    assert saliency_on(scene, opened, ()) is opened
    found = saliency_on(scene, ["half", "perlin"], (), combine="mean")
    assert found is not None
    assert (found.grid, found.combine, len(found.sources)) == (scene.grid, "mean", 2)


def test_what_is_no_source_is_refused(rgb_scene: Path) -> None:
    with pytest.raises(UsageError, match="a source of saliency is a name or a path"):
        saliency_on(Scene.open(rgb_scene), [3], ())  # type: ignore[list-item]
