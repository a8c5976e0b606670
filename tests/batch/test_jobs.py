"""What stands in the way of many jobs is told in one line; directories that were lent go again."""

from pathlib import Path

import pytest

from geosal.batch.jobs import Job, Part, check, having
from geosal.errors import OutputError, UsageError
from geosal.job.recipe import Recipe


def job(source: str, output: str) -> Part:
    return Part((Job(Recipe(input=source, output=output, saliency=("half",))),))


def test_what_is_the_same_of_several_stands_once(tmp_path: Path) -> None:
    parts = [job(f"/vsicurl/{n}.tif", str(tmp_path / "no" / f"{n}.tif")) for n in range(15)]
    with pytest.raises(OutputError) as caught:
        check([*parts, Part(hindrance=OutputError("x: other"))])
    message = str(caught.value)
    assert message.startswith("16 things stand in the way, so nothing is done: (1) x: other  (2) ")
    assert "11.tif and 3 more: directory" in message
    assert message.count("does not exist") == 1
    with pytest.raises(OutputError, match=r"^x: other$"):
        check([Part(hindrance=OutputError("x: other"))])


def test_an_output_is_no_input_and_has_one_job(tmp_path: Path) -> None:
    a, b = str(tmp_path / "a.tif"), str(tmp_path / "b.tif")
    for path in (a, b):
        Path(path).touch()
    with pytest.raises(UsageError, match="is an input as well"):
        check([job(a, str(tmp_path / "c.tif")), job(b, a)])
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="would be the output of"):
        check([job(a, str(tmp_path / "c.tif")), job(b, str(tmp_path / "link" / "c.tif"))])


@pytest.mark.parametrize(
    ("stay", "error", "there"), [(True, None, True), (False, None, False), (True, OSError(), False)]
)
def test_directories_are_lent(tmp_path: Path, stay: bool, error: OSError | None, there: bool) -> None:
    deep = tmp_path / "a" / "b" / "c"
    try:
        with having([str(deep), str(tmp_path)], stay=stay):
            assert deep.is_dir()
            if error:
                raise error
    except OSError:
        assert error
    assert ((tmp_path / "a").exists(), tmp_path.exists()) == (there, True)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"), having([str(tmp_path / "file" / "x")], stay=True):
        pass
