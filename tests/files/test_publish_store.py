"""A whole Zarr store or none under a name: a directory cannot be replaced in one step."""

import errno
import json
import multiprocessing
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from geosal.errors import OutputError
from geosal.files import atomic, swap
from geosal.files.leftovers import settle
from geosal.files.publish import WorkDirectory, check_output

FORK = multiprocessing.get_context("fork")  # quick: the child has everything imported


def make(path: Path, content: str) -> Path:
    (path / "image" / "0" / "0").mkdir(parents=True)
    (path / "image" / "0" / "0" / "0").write_text(content)
    (path / "zarr.json").write_text(json.dumps({"content": content, "attributes": {"gdal_metadata": {}}}))
    return path


def content_of(store: Path) -> str:
    chunk, mark = (store / "image" / "0" / "0" / "0").read_text(), json.loads((store / "zarr.json").read_text())
    assert chunk == mark["content"], "chunks and metadata of one job"
    return chunk


def publish(output: Path, content: str, *, overwrite: bool = False) -> Path:
    with WorkDirectory(output, overwrite=overwrite) as work:
        return work.publish(make(work.path(output.name), content))


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def cannot(_one: Path, _other: Path) -> bool:
    """Exchange nothing, as on a file system that cannot."""
    return False


class TestCheckOutput:
    def test_a_store_may_be_replaced(self, tmp_path: Path) -> None:
        make(tmp_path / "out.zarr", "old")
        with pytest.raises(OutputError, match="exists already; .*--overwrite"):
            check_output(tmp_path / "out.zarr", overwrite=False, inputs=[])
        check_output(tmp_path / "out.zarr", overwrite=True, inputs=[])

    def test_another_directory_may_not(self, tmp_path: Path) -> None:
        (tmp_path / "out.zarr").mkdir()
        with pytest.raises(OutputError, match="is a directory"):
            check_output(tmp_path / "out.zarr", overwrite=True, inputs=[])

    @pytest.mark.parametrize("mark", ["no JSON", "[]", '{"attributes": {}}', '{"attributes": null}'])
    def test_nor_a_store_of_another_program(self, tmp_path: Path, mark: str) -> None:
        (make(tmp_path / "out.zarr", "old") / "zarr.json").write_text(mark)
        with pytest.raises(OutputError, match="is a directory that geosal has not made"):
            check_output(tmp_path / "out.zarr", overwrite=True, inputs=[])

    @pytest.mark.parametrize("name", ["notes.txt", "image/0/0/0.txt", "thesis/zarr.json", "ovr_2x/image/c/0"])
    def test_nor_a_store_that_others_have_put_files_into(self, tmp_path: Path, name: str) -> None:
        path = make(tmp_path / "out.zarr", "old") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        with pytest.raises(OutputError, match=f"holds {name}, which geosal has not made; delete it"):
            check_output(tmp_path / "out.zarr", overwrite=True, inputs=[])
        with pytest.raises(OutputError, match="cannot be published"):
            publish(tmp_path / "out.zarr", "new", overwrite=True)
        assert path.exists()
        assert names(tmp_path) == {"out.zarr"}

    def test_nor_a_store_by_a_file(self, tmp_path: Path) -> None:
        make(tmp_path / "out.tif", "old")
        with pytest.raises(OutputError, match="is a directory"):
            check_output(tmp_path / "out.tif", overwrite=True, inputs=[])

    def test_nor_a_file_by_a_store(self, tmp_path: Path) -> None:
        (tmp_path / "out.zarr").touch()
        with pytest.raises(OutputError, match="is a file, and a Zarr store is a directory; delete it"):
            check_output(tmp_path / "out.zarr", overwrite=True, inputs=[])

    @pytest.mark.parametrize("inside", ["", "image", "image/0/0/0"])
    def test_it_holds_an_input(self, tmp_path: Path, inside: str) -> None:
        store = make(tmp_path / "out.zarr", "old")
        with pytest.raises(OutputError, match="is also an input"):
            check_output(store, overwrite=True, inputs=[str(store / inside)])


class TestPublish:
    @pytest.mark.parametrize("overwrite", [True, False])
    def test_a_free_name(self, tmp_path: Path, overwrite: bool) -> None:
        output = tmp_path / "out.zarr"
        assert publish(output, "new", overwrite=overwrite) == output
        assert content_of(output) == "new"
        assert names(tmp_path) == {"out.zarr"}

    def test_replaces(self, tmp_path: Path) -> None:
        publish(tmp_path / "out.zarr", "old")
        (tmp_path / "out.zarr" / "image" / ".zarray").touch()
        publish(tmp_path / "out.zarr", "new", overwrite=True)
        assert content_of(tmp_path / "out.zarr") == "new"
        assert names(tmp_path) == {"out.zarr"}
        assert names(tmp_path / "out.zarr") == {"image", "zarr.json"}

    def test_a_symlink_stays(self, tmp_path: Path) -> None:
        (tmp_path / "there").mkdir()
        make(tmp_path / "there" / "real.zarr", "old")
        (tmp_path / "out.zarr").symlink_to(tmp_path / "there" / "real.zarr")
        publish(tmp_path / "out.zarr", "new", overwrite=True)
        assert (tmp_path / "out.zarr").is_symlink()
        assert content_of(tmp_path / "there" / "real.zarr") == "new"
        assert names(tmp_path / "there") == {"real.zarr"}

    def test_does_not_replace_what_came_into_being_meanwhile(self, tmp_path: Path) -> None:
        output = tmp_path / "out.zarr"
        with pytest.raises(OutputError, match="--overwrite"), WorkDirectory(output) as work:  # noqa: PT012
            ours = make(work.path("out.zarr"), "ours")
            make(output, "theirs")
            work.publish(ours)
        assert content_of(output) == "theirs"
        assert names(tmp_path) == {"out.zarr"}

    @pytest.mark.parametrize("what", ["directory", "file"])
    def test_does_not_replace_what_is_no_store(self, tmp_path: Path, what: str) -> None:
        output = tmp_path / "out.zarr"
        with pytest.raises(OutputError, match="cannot be published"), WorkDirectory(output, overwrite=True) as work:  # noqa: PT012
            ours = make(work.path("out.zarr"), "ours")
            if what == "file":
                output.write_text("theirs")
            else:
                output.mkdir()
                (output / "letter.txt").write_text("theirs")
            work.publish(ours)
        assert (output if what == "file" else output / "letter.txt").read_text() == "theirs"
        assert names(tmp_path) == {"out.zarr"}

    def test_the_name_is_taken_between_two_looks(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without `overwrite` the rename itself must refuse."""
        output, replace = tmp_path / "out.zarr", os.replace

        def raced(source: Path, target: Path) -> None:
            if Path(target) == output:
                make(output, "theirs")
            replace(source, target)

        monkeypatch.setattr(os, "replace", raced)
        with pytest.raises(OutputError, match="another program has made it meanwhile"):
            publish(output, "ours")
        assert content_of(output) == "theirs"
        assert names(tmp_path) == {"out.zarr"}

    @pytest.mark.parametrize("overwrite", [True, False])
    def test_the_old_one_comes_back_when_the_new_one_cannot_take_its_name(
        self, tmp_path: Path, overwrite: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(swap, "exchange", cannot)
        output, replace = tmp_path / "out.zarr", os.replace
        if overwrite:
            publish(output, "old")

        def refuse(source: Path, target: Path) -> None:
            if Path(target) == output and Path(source).name == output.name:
                raise OSError(errno.EIO, "disk on fire")
            replace(source, target)

        monkeypatch.setattr(os, "replace", refuse)
        with pytest.raises(OutputError, match="disk on fire"):
            publish(output, "new", overwrite=overwrite)
        assert names(tmp_path) == ({"out.zarr"} if overwrite else set())
        assert not overwrite or content_of(output) == "old"

    def test_the_old_one_is_kept_when_a_stranger_takes_its_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        output, replace = publish(tmp_path / "out.zarr", "old"), os.replace
        monkeypatch.setattr(swap, "exchange", cannot)

        def raced(source: Path, target: Path) -> None:
            replace(source, target)
            if Path(source) == output:
                make(output, "theirs")

        monkeypatch.setattr(os, "replace", raced)
        with pytest.raises(OutputError, match="cannot be published"):
            publish(output, "new", overwrite=True)
        assert content_of(output) == "theirs"
        (kept,) = tmp_path.glob(".out.zarr.geosal-*/kept/store")
        assert content_of(kept) == "old"
        assert str(kept.parents[1]) in caplog.text

    def test_every_file_is_on_disk_before_the_name_is_taken(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flushed: set[str] = set()
        flush = atomic.flush
        monkeypatch.setattr(atomic, "flush", lambda path: (flushed.add(path.name), flush(path)))
        replace = os.replace

        def watched(source: Path, target: Path) -> None:
            if Path(target) == tmp_path / "out.zarr":
                assert {"out.zarr", "image", "0", "zarr.json"} <= flushed
            replace(source, target)

        monkeypatch.setattr(os, "replace", watched)
        publish(tmp_path / "out.zarr", "new")
        assert content_of(tmp_path / "out.zarr") == "new"

    def test_a_full_disk_shows_before_the_name_is_taken(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(_handle: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(atomic.os, "fsync", full)
        with pytest.raises(OutputError, match="No space left on device"):
            publish(tmp_path / "out.zarr", "new")
        assert names(tmp_path) == set()

    def test_of_two_jobs_exactly_one_wins(self, tmp_path: Path) -> None:
        for attempt in range(20):
            output = tmp_path / f"out{attempt}.zarr"
            barrier = Barrier(2)

            def job(content: str, output: Path = output, barrier: Barrier = barrier) -> bool:
                with WorkDirectory(output, overwrite=False) as work:
                    ours = make(work.path("out.zarr"), content)
                    barrier.wait()
                    try:
                        work.publish(ours)
                    except OutputError:
                        return False
                    return True

            with ThreadPoolExecutor(2) as pool:
                won = dict(zip("ab", pool.map(job, "ab"), strict=True))
            assert sorted(won.values()) == [False, True]
            assert won[content_of(output)]


@pytest.mark.parametrize("step", range(5))
def test_a_kill_at_each_step_leaves_one_whole_store_for_the_next_job(tmp_path: Path, step: int) -> None:
    output = publish(tmp_path / "out.zarr", "old")
    kill(output, step)
    with WorkDirectory(output, overwrite=True):
        pass
    assert names(tmp_path) == {"out.zarr"}
    assert content_of(output) == ("old" if step < 3 else "new")


def test_the_kill_that_leaves_no_store_does_so_for_a_moment_only(tmp_path: Path) -> None:
    """Guards the test above: at one of its steps the old store must be aside."""
    output = publish(tmp_path / "out.zarr", "old")
    kill(output, 2)
    assert not output.exists()
    (kept,) = tmp_path.glob(".out.zarr.geosal-*/kept/store")
    assert content_of(kept) == "old"


def test_the_next_job_brings_it_back_even_when_it_fails_itself(tmp_path: Path) -> None:
    output = publish(tmp_path / "out.zarr", "old")
    kill(output, 2)
    with pytest.raises(ZeroDivisionError), WorkDirectory(output, overwrite=True):
        raise ZeroDivisionError
    assert content_of(output) == "old"


def test_without_overwrite_the_next_job_brings_it_back_and_refuses(tmp_path: Path) -> None:
    output = publish(tmp_path / "out.zarr", "old")
    kill(output, 2)
    with pytest.raises(OutputError, match="--overwrite"):
        publish(output, "third")
    assert content_of(output) == "old"


def test_what_the_user_has_made_after_the_kill_stands(tmp_path: Path) -> None:
    output = publish(tmp_path / "out.zarr", "old")
    kill(output, 2)
    make(output, "theirs")
    with WorkDirectory(output, overwrite=True):
        pass
    assert content_of(output) == "theirs"
    assert names(tmp_path) == {"out.zarr"}


@pytest.mark.parametrize("step", range(3))
def test_where_stores_are_exchanged_one_is_always_there(tmp_path: Path, step: int) -> None:
    output = publish(tmp_path / "out.zarr", "old")
    other = make(tmp_path / "other.zarr", "other")
    if not atomic.exchange(output, other) or not atomic.exchange(output, other):
        pytest.skip("this file system cannot exchange directories")
    shutil.rmtree(other)
    kill(output, step, in_one=True)
    assert content_of(output) == ("old" if step < 2 else "new")
    settle(f"{output}/image")
    with WorkDirectory(output, overwrite=True):
        pass
    assert names(tmp_path) == {"out.zarr"}
    assert content_of(output) == ("old" if step < 2 else "new")


@pytest.mark.parametrize("step", range(5))
def test_a_reader_settles_what_a_kill_has_left(tmp_path: Path, step: int) -> None:
    output = publish(tmp_path / "out.zarr", "old")
    kill(output, step)
    for _ in range(2):
        settle(str(output / "image"))
        assert content_of(output) == ("old" if step < 3 else "new")


def kill(output: Path, step: int, *, in_one: bool = False) -> None:
    job = FORK.Process(target=_die_at_step, args=(output, step, in_one))
    job.start()
    job.join(20)
    assert job.exitcode == 9


def _die_at_step(output: Path, step: int, in_one: bool) -> None:
    """Leave without any clean-up before the rename of that number, or after the last."""
    count = 0

    def counting(rename: Any) -> Any:
        def counted(*arguments: Any) -> Any:
            nonlocal count
            if count == step:
                os._exit(9)
            count += 1
            return rename(*arguments)

        return counted

    swap.exchange = counting(swap.exchange) if in_one else cannot
    with WorkDirectory(output, overwrite=True) as work:
        ours = make(work.path("out.zarr"), "new")
        os.replace = counting(os.replace)
        work.publish(ours)
        os._exit(9)


def test_what_another_version_left_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its old store may wait where this version does not look, and no other copy of it is there."""
    output = make(tmp_path / "out.zarr", "old")
    kill(output, 2)
    (left,) = (path for path in tmp_path.iterdir() if path != output)
    note = json.loads((left / "swap.json").read_text())
    (left / "swap.json").write_text(json.dumps({key: value for key, value in note.items() if key != "kept"}))
    with WorkDirectory(output, overwrite=True):
        assert left.is_dir()
    assert left.is_dir()
    assert "another version of geosal left it" in caplog.text
