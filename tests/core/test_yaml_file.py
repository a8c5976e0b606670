import os
from pathlib import Path

import pytest

from geosal.core.yaml_file import read_yaml
from geosal.errors import SceneError, UsageError


def test_a_mapping_is_read(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text("steps: 4\nsaliency: [half, mask.tif]\n")
    assert read_yaml(tmp_path / "job.yaml") == {"steps": 4, "saliency": ["half", "mask.tif"]}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("steps: 4\nsteps: 5\n", "stands twice"),
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("- half\n", "is a mapping of options, this is list"),
        ("a: [", "no valid YAML"),
        (f"a: {'x' * 2**16}\n", "no recipe"),
        (f"a: 0x{'f' * 60_000}\n", "a whole number of 240000 bits"),
        (f"a: {'9' * 60_000}\n", "no valid YAML"),
        (f"a: {'[' * 30_000}\n", "no valid YAML"),
        ("a: !!python/object/apply:os.system [touch here]\n", "no valid YAML"),
        ("[a]: 1\n", "no valid YAML"),
    ],
)
def test_what_is_no_recipe_is_refused(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(text)
    with pytest.raises(UsageError, match=told):
        read_yaml(tmp_path / "job.yaml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"none\.yaml: the recipe cannot be read"):
        read_yaml(tmp_path / "none.yaml")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(SceneError, match=r"pipe\.yaml: .*it is a pipe or a device; name a YAML file"):
        read_yaml(tmp_path / "pipe.yaml")
