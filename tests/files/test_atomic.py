import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from geosal.files.atomic import may_write, write_text


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Files of this process take 8 bytes and no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("old", [None, "old\n"])
@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_leaves_the_old_text_or_none(tmp_path: Path, old: str | None) -> None:
    path = tmp_path / "report.json"
    if old is not None:
        path.write_text(old)
    with pytest.raises(OSError, match="large"):
        write_text(path, "a text of more bytes than there are")
    assert [(left, left.read_text()) for left in tmp_path.iterdir()] == ([] if old is None else [(path, old)])


def test_links_modes_and_pipes(tmp_path: Path) -> None:
    path, link, hard = tmp_path / "a.json", tmp_path / "link.json", tmp_path / "hard.json"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    hard.hardlink_to(path)
    write_text(link, "new")
    assert (path.read_text(), hard.read_text(), link.is_symlink()) == ("new", "old", True)
    assert path.stat().st_mode & 0o777 == 0o640
    write_text("/dev/null", "new")
    assert not Path("/dev/null").is_file()
    assert may_write(Path("/dev/null"))


def test_a_pipe_by_the_number_of_its_file() -> None:
    read, write = os.pipe()
    assert may_write(Path(f"/dev/fd/{write}"))
    write_text(f"/dev/fd/{write}", "new")
    assert os.read(read, 9) == b"new"
    os.close(read)
    os.close(write)


def test_stdout_of_a_process_in_a_pipe() -> None:
    code = "from geosal.files.atomic import may_write, write_text as write; from pathlib import Path; "
    code += "assert may_write(Path('/dev/stdout')); write('/dev/stdout', 'new')"
    ran = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert ran.stdout == b"new"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_file_in_a_closed_directory_cannot_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.json").touch()
    tmp_path.chmod(0o500)
    assert not may_write(tmp_path / "a.json")
    tmp_path.chmod(0o700)
