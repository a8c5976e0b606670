"""What stands in the way of many jobs is told in one line; directories that were lent go again."""

from contextlib import suppress
from pathlib import Path

import pytest

from geosal.batch.jobs import Job, Part, check, having
from geosal.batch.whole import Whole
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
    (one,) = job(a, str(tmp_path / "saliency.tif")).jobs
    with pytest.raises(UsageError, match="would be the map of saliency"):
        check([Part((one,), Whole(one.recipe, str(tmp_path)))])
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="would be the output of"):
        check([job(a, str(tmp_path / "c.tif")), job(b, str(tmp_path / "link" / "c.tif"))])


@pytest.mark.parametrize("error", [None, OSError()])
@pytest.mark.parametrize("put", [True, False])
def test_directories_stay_where_something_is_put_there(tmp_path: Path, put: bool, error: OSError | None) -> None:
    deep = tmp_path / "a" / "b" / "c"
    with suppress(OSError), having([str(deep), str(tmp_path), str(tmp_path / "d")]):
        assert deep.is_dir()
        if put:
            (deep / "x").touch()
        if error:
            raise error
    assert sorted(path.name for path in tmp_path.rglob("*")) == (["a", "b", "c", "x"] if put else [])
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"), having([str(tmp_path / "file" / "x")]):
        pass
