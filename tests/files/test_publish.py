"""A complete file or no file, whatever goes wrong and whoever else wants the name."""

import errno
import logging
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

import geosal
from geosal.errors import OutputError, SceneError
from geosal.files import atomic
from geosal.files.leftovers import settle
from geosal.files.publish import WorkDirectory, abandon, check_output
from geosal.job.recall import recipe_in
from geosal.scenes import describe

FORK = multiprocessing.get_context("fork")  # quick: the child has everything imported


def publish(output: Path, content: bytes, *, overwrite: bool = False, sidecars: dict[str, bytes] | None = None) -> Path:
    with WorkDirectory(output, overwrite=overwrite) as work:
        main = work.path("encoded")
        main.write_bytes(content)
        for suffix, data in (sidecars or {}).items():
            work.path(f"encoded{suffix}").write_bytes(data)
        return work.publish(main)


@pytest.mark.parametrize("name", ["kept.png", "lock.png", "swap.png", "stage.png", "encoded.png"])
def test_no_name_of_an_output_is_that_of_a_file_of_ours(tmp_path: Path, name: str) -> None:
    output = tmp_path / name
    for content in (b"old", b"new"):
        with WorkDirectory(output, overwrite=True, with_world_file=True) as work:
            for suffix in (".png", ".png.aux.xml", ".pgw"):
                work.path(output.stem + suffix).write_bytes(content)
            work.publish(work.path(name))
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert found == {name: b"new", f"{name}.aux.xml": b"new", f"{output.stem}.pgw": b"new"}


@pytest.mark.parametrize("name", ["a.tif", "a.jpg"])
def test_a_world_file_is_left_alone_where_the_format_has_none(tmp_path: Path, name: str) -> None:
    output, world = tmp_path / name, tmp_path / f"a.{name[2]}{name[-1]}w"
    world.write_bytes(b"of another")
    check_output(output, overwrite=False, inputs=[])
    publish(output, b"new")
    assert world.read_bytes() == b"of another"
    output.unlink()
    with pytest.raises(OutputError, match=rf"{world.name} lies there without its raster"):
        check_output(output, overwrite=False, inputs=[], with_world_file=True)


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


class TestCheckOutput:
    def test_a_new_file_is_fine(self, tmp_path: Path) -> None:
        check_output(tmp_path / "out.tif", overwrite=False, inputs=["perlin:seed=7", "https://host/a.tif", "\0"])

    def test_trial_23_the_parent_is_missing(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match=r"does not exist; make it first: mkdir -p"):
            check_output(tmp_path / "no" / "out.tif", overwrite=False, inputs=[])

    def test_the_parent_is_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "q.tif").touch()
        for output in (tmp_path / "q.tif" / "x.tif", tmp_path / "q.tif" / "deeper" / "x.tif"):
            with pytest.raises(OutputError, match=r"q\.tif is no directory, so nothing can lie in it; write elsewhere"):
                check_output(output, overwrite=False, inputs=[])

    def test_the_mend_can_be_run(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError) as refused:
            check_output(tmp_path / "a name" / "out.tif", overwrite=False, inputs=[])
        subprocess.run(str(refused.value).rpartition("make it first: ")[2], shell=True, check=True)
        check_output(tmp_path / "a name" / "out.tif", overwrite=False, inputs=[])

    def test_it_has_no_name(self) -> None:
        with pytest.raises(OutputError, match="is empty"):
            check_output("", overwrite=False, inputs=[])

    def test_trial_23_it_is_a_directory(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="is a directory"):
            check_output(tmp_path, overwrite=True, inputs=[])

    def test_trial_23_it_exists(self, tmp_path: Path) -> None:
        (tmp_path / "out.tif").touch()
        with pytest.raises(OutputError, match="--overwrite"):
            check_output(tmp_path / "out.tif", overwrite=False, inputs=[])
        check_output(tmp_path / "out.tif", overwrite=True, inputs=[])

    @pytest.mark.parametrize("how", ["itself", "symlink", "hard link", "relative"])
    def test_trial_23_it_is_an_input(self, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
        source, output = tmp_path / "in.tif", tmp_path / "out.tif"
        source.touch()
        if how == "symlink":
            output.symlink_to(source)
        elif how == "hard link":
            output.hardlink_to(source)
        else:
            output = source if how == "itself" else Path("in.tif")
        monkeypatch.chdir(tmp_path)
        with pytest.raises(OutputError, match="is also an input"):
            check_output(output, overwrite=True, inputs=[str(source)])

    @pytest.mark.parametrize("how", ["itself", "symlink", "relative"])
    def test_it_lies_in_a_folder_that_is_an_input(
        self, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        product = tmp_path / "product"
        (product / "inner").mkdir(parents=True)
        output = product / "inner" / "out.tif"
        if how == "symlink":
            (tmp_path / "link").symlink_to(product / "inner")
            output = tmp_path / "link" / "out.tif"
        monkeypatch.chdir(tmp_path)
        with pytest.raises(OutputError, match="lies in the directory .*, which is an input and stays as it is"):
            check_output(output, overwrite=True, inputs=["product" if how == "relative" else str(product)])
        check_output(tmp_path / "product.tif", overwrite=True, inputs=[str(product)])

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
    def test_it_is_a_pipe(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "out.tif")
        with pytest.raises(OutputError, match="not a regular file"):
            check_output(tmp_path / "out.tif", overwrite=True, inputs=[])

    @pytest.mark.parametrize("suffix", [".aux.xml", ".msk", ".ovr"])
    def test_a_sidecar_without_its_raster(self, tmp_path: Path, suffix: str) -> None:
        orphan = tmp_path / f"out.tif{suffix}"
        orphan.touch()
        with pytest.raises(OutputError, match=f"{orphan.name} lies there without its raster; delete it, or replace it"):
            check_output(tmp_path / "out.tif", overwrite=False, inputs=[])
        check_output(tmp_path / "out.tif", overwrite=True, inputs=[])
        (tmp_path / "out.tif").touch()
        check_output(tmp_path / "out.tif", overwrite=True, inputs=[])

    @pytest.mark.parametrize("overwrite", [False, True])
    def test_its_world_file_is_that_of_another_jpeg(self, tmp_path: Path, overwrite: bool) -> None:
        (tmp_path / "a.jpg").touch()
        check_output(tmp_path / "a.jpeg", overwrite=overwrite, inputs=[])
        (tmp_path / "a.jgw").touch()
        with pytest.raises(OutputError, match=r"world file would be that of a\.jpg as well; choose another"):
            check_output(tmp_path / "a.jpeg", overwrite=overwrite, inputs=[])
        check_output(tmp_path / "a.jpg", overwrite=True, inputs=[])

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_trial_23_no_permission(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o500)
        try:
            with pytest.raises(OutputError, match="no permission"):
                check_output(tmp_path / "out.tif", overwrite=False, inputs=[])
        finally:
            tmp_path.chmod(0o700)

    @pytest.mark.parametrize("output", ["https://host/out.tif", "/vsimem/out.tif"])
    def test_it_is_not_local(self, output: str) -> None:
        with pytest.raises(OutputError, match="outputs are written to local files"):
            check_output(output, overwrite=False, inputs=[])

    def test_it_is_a_link_to_itself(self, tmp_path: Path) -> None:
        (tmp_path / "out.tif").symlink_to(tmp_path / "out.tif")
        with pytest.raises(OutputError, match="not a usable path"):
            check_output(tmp_path / "out.tif", overwrite=True, inputs=[])


class TestWorkDirectory:
    def test_publishes_the_file_alone(self, tmp_path: Path) -> None:
        output = tmp_path / "out.tif"
        assert publish(output, b"new") == output
        assert output.read_bytes() == b"new"
        assert names(tmp_path) == {"out.tif"}

    def test_is_hidden_beside_the_output(self, tmp_path: Path) -> None:
        with WorkDirectory(tmp_path / "out.tif", overwrite=False) as work:
            (name,) = names(tmp_path)
            assert name.startswith(f".out.tif.geosal-{os.getpid()}-")
            assert work.path("x").parent == tmp_path / name
        assert names(tmp_path) == set()

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_leaves_nothing_after_a_failure(self, tmp_path: Path, error: type[BaseException]) -> None:
        output = tmp_path / "out.tif"
        output.write_bytes(b"old")
        with pytest.raises(error), WorkDirectory(output, overwrite=True) as work:  # noqa: PT012
            work.path("encoded").write_bytes(b"half")
            raise error
        assert names(tmp_path) == {"out.tif"}
        assert output.read_bytes() == b"old"

    def test_sidecars_move_along_and_old_ones_go(self, tmp_path: Path) -> None:
        output = tmp_path / "out.jp2"
        publish(output, b"1", sidecars={".aux.xml": b"x1", ".msk": b"m1"})
        assert names(tmp_path) == {"out.jp2", "out.jp2.aux.xml", "out.jp2.msk"}
        publish(output, b"2", overwrite=True, sidecars={".aux.xml": b"x2"})
        assert names(tmp_path) == {"out.jp2", "out.jp2.aux.xml"}
        assert (output.read_bytes(), (tmp_path / "out.jp2.aux.xml").read_bytes()) == (b"2", b"x2")

    def test_an_orphaned_sidecar_is_not_adopted(self, tmp_path: Path) -> None:
        (tmp_path / "out.tif.aux.xml").write_bytes(b"of a file long gone")
        with pytest.raises(OutputError, match="--overwrite"):
            publish(tmp_path / "out.tif", b"new")
        assert names(tmp_path) == {"out.tif.aux.xml"}
        publish(tmp_path / "out.tif", b"new", overwrite=True)
        assert names(tmp_path) == {"out.tif"}

    def test_does_not_replace_what_came_into_being_meanwhile(self, tmp_path: Path) -> None:
        output = tmp_path / "out.jp2"
        with pytest.raises(OutputError, match="--overwrite"), WorkDirectory(output) as work:  # noqa: PT012
            work.path("encoded").write_bytes(b"ours")
            work.path("encoded.aux.xml").write_bytes(b"our sidecar")
            output.write_bytes(b"theirs")
            (tmp_path / "out.jp2.aux.xml").write_bytes(b"their sidecar")
            work.publish(work.path("encoded"))
        assert output.read_bytes() == b"theirs"
        assert (tmp_path / "out.jp2.aux.xml").read_bytes() == b"their sidecar"
        assert names(tmp_path) == {"out.jp2", "out.jp2.aux.xml"}

    @pytest.mark.parametrize("links", [True, False])
    @pytest.mark.parametrize("overwrite", [True, False])
    def test_puts_all_back_when_the_last_step_fails(
        self, tmp_path: Path, overwrite: bool, links: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        output = tmp_path / "out.jp2"
        if overwrite:
            output.write_bytes(b"old")
            (tmp_path / "out.jp2.msk").write_bytes(b"old mask")
            (tmp_path / "out.jp2.aux.xml").write_bytes(b"old tags")
        before = {path: path.read_bytes() for path in tmp_path.iterdir()}
        replace, link = os.replace, os.link

        def refuse(source: Path, target: Path) -> None:
            if Path(target) == output:
                raise OSError(errno.EIO, "disk on fire")
            replace(source, target)

        def refuse_link(source: Path, target: Path) -> None:
            if not links or Path(target) == output:
                raise OSError(errno.EPERM, "no links here")
            link(source, target)

        monkeypatch.setattr(os, "replace", refuse)
        monkeypatch.setattr(os, "link", refuse_link)
        with pytest.raises(OutputError, match="disk on fire"):
            publish(output, b"new", overwrite=overwrite, sidecars={".aux.xml": b"new tags", ".ovr": b"new overview"})
        assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before

    @pytest.mark.parametrize("overwrite", [True, False])
    def test_nothing_is_undone_once_the_file_has_its_name(
        self, tmp_path: Path, overwrite: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        output = tmp_path / "out.jp2"
        if overwrite:
            publish(output, b"old", sidecars={".aux.xml": b"old tags", ".msk": b"old mask"})
        name = "replace" if overwrite else "link"
        step = getattr(os, name)

        def interrupted(source: Path, target: Path) -> None:
            step(source, target)
            if Path(target) == output:
                raise KeyboardInterrupt

        monkeypatch.setattr(os, name, interrupted)
        with pytest.raises(KeyboardInterrupt):
            publish(output, b"new", overwrite=overwrite, sidecars={".aux.xml": b"new tags"})
        assert output.read_bytes() == b"new"
        assert (tmp_path / "out.jp2.aux.xml").read_bytes() == b"new tags"
        assert names(tmp_path) == {"out.jp2", "out.jp2.aux.xml"}

    def test_without_hard_links(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_source: Path, _target: Path) -> None:
            raise OSError(errno.EPERM, "no hard links here")

        monkeypatch.setattr(os, "link", refuse)
        publish(tmp_path / "out.tif", b"new")
        assert (tmp_path / "out.tif").read_bytes() == b"new"

    def test_a_full_disk_shows_before_the_name_is_taken(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(_handle: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(atomic.os, "fsync", full)
        with pytest.raises(OutputError, match="No space left on device"):
            publish(tmp_path / "out.tif", b"new")
        assert names(tmp_path) == set()

    def test_trial_23_a_symlink_stays_and_its_file_is_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "store").mkdir()
        target, link = tmp_path / "store" / "real.tif", tmp_path / "out.tif"
        target.write_bytes(b"old")
        link.symlink_to(target)
        publish(link, b"new", overwrite=True)
        assert link.is_symlink()
        assert target.read_bytes() == b"new"
        assert names(tmp_path / "store") == {"real.tif"}

    def test_odd_names(self, tmp_path: Path) -> None:
        for name in ("with space.tif", "ünï[c]*?.tif", "%s.tif", "é" * 120 + ".tif", "-x.tif"):
            publish(tmp_path / name, name.encode())
            assert (tmp_path / name).read_bytes() == name.encode()

    def test_cannot_be_made(self, tmp_path: Path) -> None:
        with pytest.raises(OutputError, match="cannot write in"), WorkDirectory(tmp_path / "no" / "out.tif", True):
            pass

    def test_of_two_jobs_exactly_one_wins(self, tmp_path: Path) -> None:
        for attempt in range(20):
            output = tmp_path / f"out{attempt}.jp2"
            barrier = Barrier(2)

            def job(content: bytes, output: Path = output, barrier: Barrier = barrier) -> bool:
                with WorkDirectory(output, overwrite=False) as work:
                    work.path("encoded").write_bytes(content)
                    work.path("encoded.aux.xml").write_bytes(content)
                    barrier.wait()
                    try:
                        work.publish(work.path("encoded"))
                    except OutputError:
                        return False
                    return True

            with ThreadPoolExecutor(2) as pool:
                assert sorted(pool.map(job, (b"a" * 1000, b"b" * 1000))) == [False, True]
            assert output.read_bytes() == (tmp_path / f"out{attempt}.jp2.aux.xml").read_bytes()

    def test_trial_23_of_two_processes_exactly_one_wins(self, tmp_path: Path) -> None:
        barrier = FORK.Barrier(2)
        jobs = [FORK.Process(target=_race, args=(tmp_path / "out.tif", name, barrier)) for name in "ab"]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join(20)
        codes = [job.exitcode for job in jobs]
        assert sorted(codes) == [0, 5]
        assert (tmp_path / "out.tif").read_text() == "ab"[codes.index(0)]
        assert names(tmp_path) == {"out.tif"}


def test_nobody_else_looks_into_a_work_directory(tmp_path: Path) -> None:
    """The mode is its own: what is made in it gets the usual one."""
    mask = os.umask(0o022)
    try:
        with WorkDirectory(tmp_path / "out.tif") as work:
            made = work.path("made.tif")
            assert stat.S_IMODE(made.parent.stat().st_mode) == 0o700
            made.write_bytes(b"new")
            work.publish(made)
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "out.tif").stat().st_mode) == 0o644


class TestStale:
    @pytest.fixture
    def dead_pid(self) -> int:
        job = subprocess.Popen([sys.executable, "-c", ""])
        job.wait()
        return job.pid

    def test_trial_3_what_a_dead_job_left_is_reported_and_deleted(
        self, tmp_path: Path, dead_pid: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        stale = tmp_path / f".out.tif.geosal-{dead_pid}-0a1b"
        stale.mkdir()
        (stale / "stage.tif").write_bytes(b"half")
        (stale / "lock").touch()
        with caplog.at_level(logging.WARNING):
            publish(tmp_path / "out.tif", b"new")
        assert names(tmp_path) == {"out.tif"}
        assert stale.name in caplog.text

    def test_a_living_job_and_other_outputs_are_left_alone(self, tmp_path: Path, dead_pid: int) -> None:
        keep = {f".other.tif.geosal-{dead_pid}-ff", ".out.tif.geosal-x-ff"}
        for name in keep:
            (tmp_path / name).mkdir()
        with WorkDirectory(tmp_path / "out.tif") as work:
            keep.add(work.path("x").parent.name)
            publish(tmp_path / "out.tif", b"new")
            assert names(tmp_path) == {"out.tif"} | keep

    def test_a_number_that_another_process_has_now(self, tmp_path: Path) -> None:
        stale = tmp_path / f".out.tif.geosal-{os.getppid()}-ff"
        stale.mkdir()
        (stale / "lock").touch()
        publish(tmp_path / "out.tif", b"new")
        assert names(tmp_path) == {"out.tif"}

    def test_a_job_on_another_machine_holds_the_lock(self, tmp_path: Path, dead_pid: int) -> None:
        """Its process number means nothing here."""
        elsewhere = tmp_path / f".out.tif.geosal-{dead_pid}-ff"
        elsewhere.mkdir()
        with (elsewhere / "lock").open("wb") as lock:
            assert atomic.try_lock(lock)
            publish(tmp_path / "out.tif", b"new")
            assert elsewhere.exists()

    def test_trial_3_a_killed_process_leaves_no_output_and_the_next_cleans_up(self, tmp_path: Path) -> None:
        output = tmp_path / "out.tif"
        output.write_bytes(b"old")
        job = FORK.Process(target=_die_at_work, args=(output,))
        job.start()
        job.join(20)
        assert job.exitcode == -signal.SIGKILL
        assert output.read_bytes() == b"old"
        assert len(names(tmp_path)) == 2
        publish(output, b"new", overwrite=True)
        assert names(tmp_path) == {"out.tif"}


OLD = {".aux.xml": b"old tags", ".msk": b"old mask"}
NEW = {".aux.xml": b"new tags", ".ovr": b"new overview"}


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("by", ["job", "reader"])
@pytest.mark.parametrize("step", range(8))
def test_a_kill_at_each_step_leaves_one_whole_file_for_who_comes_next(
    tmp_path: Path, step: int, by: str, links: bool
) -> None:
    output = tmp_path / "out.jp2"
    publish(output, b"old", sidecars=OLD)
    job = FORK.Process(target=_die_at_step, args=(output, step, links))
    job.start()
    job.join(20)
    assert job.exitcode == 9
    content = output.read_bytes()
    assert content in {b"old", b"new"}
    assert (tmp_path / "out.jp2.aux.xml").exists(), "a sidecar is never away, not for a moment"
    if by == "job":
        with WorkDirectory(output, overwrite=True):
            pass
    else:
        settle(str(output))
    files = [path for path in tmp_path.iterdir() if path != output and path.is_file()]
    assert by == "reader" or names(tmp_path) == {output.name, *(path.name for path in files)}
    sidecars = {path.name.removeprefix(output.name): path.read_bytes() for path in files}
    assert sidecars == (OLD if content == b"old" else NEW)


@pytest.mark.parametrize("step", range(6))
def test_a_kill_on_a_free_name_leaves_nothing_or_all_for_a_reader(tmp_path: Path, step: int) -> None:
    output = tmp_path / "out.jp2"
    job = FORK.Process(target=_die_at_step, args=(output, step, True))
    job.start()
    job.join(20)
    assert job.exitcode == 9
    settle(str(output))
    files = {path.name.removeprefix(output.name): path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert files in ({}, {"": b"new", **NEW})
    (tmp_path / "out.jp2.aux.xml").write_bytes(b"the user's")
    settle(str(output))
    assert (tmp_path / "out.jp2.aux.xml").read_bytes() == b"the user's"


def test_a_reader_waits_for_a_job_that_publishes(tmp_path: Path) -> None:
    output = tmp_path / "out.jp2"
    with WorkDirectory(output), ThreadPoolExecutor(1) as pool:
        with atomic.locked(tmp_path):
            settled = pool.submit(settle, str(output))
            with pytest.raises(TimeoutError):
                settled.result(0.05)
        settled.result(20)


def test_every_reader_settles_before_it_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Path] = []
    monkeypatch.setattr("geosal.files.leftovers._settle", looked.append)
    scene = tmp_path / "scene.jp2"
    (tmp_path / f".scene.jp2.geosal-{2**22 + 1}-ab").mkdir()
    for read in (
        lambda: geosal.open_scene(scene),
        lambda: geosal.compress(scene, tmp_path / "out.tif", saliency="half"),
        lambda: geosal.compare(tmp_path / "other.tif", scene),
        lambda: geosal.verify(scene),
        lambda: describe(scene),
        lambda: recipe_in(str(scene)),
    ):
        with pytest.raises(SceneError):
            read()
        assert looked
        assert {*looked} == {scene}
        looked.clear()


def test_a_kept_sidecar_goes_back_beside_its_file_alone(tmp_path: Path) -> None:
    """What the user has done after the kill stands."""
    output = tmp_path / "out.jp2"
    publish(output, b"old", sidecars=OLD)
    job = FORK.Process(target=_die_at_step, args=(output, 2, True))
    job.start()
    job.join(20)
    assert len(names(tmp_path)) > len(OLD) + 1
    (tmp_path / "other").write_bytes(b"another")
    os.replace(tmp_path / "other", output)
    (tmp_path / "out.jp2.msk").unlink()
    with WorkDirectory(output, overwrite=True):
        pass
    assert names(tmp_path) == {"out.jp2", "out.jp2.aux.xml"}


def test_a_sidecar_that_went_missing_comes_back(tmp_path: Path) -> None:
    output = tmp_path / "out.jp2"
    publish(output, b"old", sidecars=OLD)
    job = FORK.Process(target=_die_at_step, args=(output, 1, True))
    job.start()
    job.join(20)
    (tmp_path / "out.jp2.msk").unlink()
    with WorkDirectory(output, overwrite=True):
        pass
    assert (tmp_path / "out.jp2.msk").read_bytes() == OLD[".msk"]


def _die_at_step(output: Path, step: int, links: bool) -> None:
    """Leave without any clean-up before the step of that number, or after the last."""
    count = 0

    def counted(action: Any) -> Any:
        def act(*arguments: Any, **options: Any) -> None:
            nonlocal count
            if count == step:
                os._exit(9)
            count += 1
            action(*arguments, **options)

        return act

    def no_link(_source: Path, _target: Path) -> None:
        raise OSError(errno.EPERM, "no links here")

    os.replace = counted(os.replace)
    os.unlink = counted(os.unlink)
    if not links:
        os.link = no_link
    with WorkDirectory(output, overwrite=True) as work:
        work.path("encoded").write_bytes(b"new")
        for suffix, data in NEW.items():
            work.path(f"encoded{suffix}").write_bytes(data)
        work.publish(work.path("encoded"))
        os._exit(9)


def _race(output: Path, name: str, barrier: Any) -> None:
    with WorkDirectory(output, overwrite=False) as work:
        work.path("encoded").write_text(name)
        barrier.wait()
        try:
            work.publish(work.path("encoded"))
        except OutputError:
            sys.exit(5)


def _die_at_work(output: Path) -> None:
    with WorkDirectory(output, overwrite=True) as work:
        work.path("encoded").write_bytes(b"half")
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_ends_at_once_leaves_nothing(tmp_path: Path) -> None:
    with WorkDirectory(tmp_path / "out.tif") as work:
        work.path("half").touch()
        abandon()
        assert list(tmp_path.iterdir()) == []
    with WorkDirectory(tmp_path / "out.tif") as work:
        work.path("swap.json").touch()  # publishing has begun: the next job settles it
        abandon()
        assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["n" * 217 + ".tif", "é" * 110 + ".jp2"])
def test_names_that_leave_no_room_for_sidecars_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match="longer than 220 bytes"):
        check_output(tmp_path / name, overwrite=False, inputs=[])


def test_the_note_is_on_the_disk_before_any_name_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without that, a power cut could leave new sidecars beside the old file, and nothing that tells of it."""
    events: list[str] = []

    def flushed(path: Path) -> None:
        events.append(f"flush {path.name}" if path.is_file() else "flush directory" if path != tmp_path else "flush")
        atomic.flush(path)

    def moved(source: Any, target: Any) -> None:
        events.append(f"move {Path(target).name}")
        os.rename(source, target)

    publish(tmp_path / "a.tif", b"old", sidecars={".aux.xml": b"old"})
    monkeypatch.setattr("geosal.files.swap.flush", flushed)
    monkeypatch.setattr("geosal.files.swap.os.replace", moved)
    publish(tmp_path / "a.tif", b"new", overwrite=True, sidecars={".aux.xml": b"new"})
    note = events.index("move swap.json")
    assert events[note : note + 3] == ["move swap.json", "flush directory", "flush directory"]
    assert events.index("flush swap.json.new") < note
    assert events.index("move a.tif.aux.xml") > note + 2
