"""What names a cluster, and which name goes first."""

import json
import os
import subprocess
import sys
from pathlib import Path

import dask
import pytest

import geosal
from geosal import ClusterError, UsageError
from geosal.core.cluster.scheduler import THREADS, Scheduler


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    monkeypatch.delenv("GEOSAL_INSECURE_CLUSTER", raising=False)


def scheduler_file(path: Path, address: object = "tcp://127.0.0.1:4001") -> Path:
    path.write_text(json.dumps({"type": "Scheduler", "address": address, "workers": {}}))
    return path


def test_threads_where_nothing_is_said() -> None:
    assert Scheduler.of(None) == THREADS
    assert not THREADS.is_cluster
    assert Scheduler.of("processes").name == "processes"


def test_the_users_word_goes_before_the_environment_and_that_before_dasks_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with dask.config.set({"scheduler-address": "tcp://127.0.0.1:1"}):
        assert str(Scheduler.of(None)) == "dask's scheduler-address: tcp://127.0.0.1:1"
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:2")
        assert str(Scheduler.of(None)) == "DASK_SCHEDULER_ADDRESS=tcp://127.0.0.1:2"
        assert Scheduler.of("threads") == THREADS
        assert Scheduler.of("tcp://127.0.0.1:3").name == "tcp://127.0.0.1:3"
        told = Scheduler.of(str(scheduler_file(tmp_path / "s.json")))
    assert told.name == "tcp://127.0.0.1:4001"
    assert str(told) == f"{tmp_path / 's.json'}: tcp://127.0.0.1:4001"
    assert told.is_cluster


@pytest.mark.parametrize(("text", "name"), [("tcp://127.0.0.1:7", "tcp://127.0.0.1:7"), (None, "threads")])
def test_dasks_own_files_are_read_where_they_name_a_scheduler_and_only_there(
    tmp_path: Path, text: str | None, name: str
) -> None:
    (tmp_path / "cluster.yaml").write_text("# scheduler-address: tcp://127.0.0.1:6\ntemporary-directory: /tmp\n")
    if text is not None:
        (tmp_path / "more.yml").write_text(f"scheduler_address: {text}\n")
    code = (
        "import sys; from geosal.core.cluster.scheduler import Scheduler; "
        "print(Scheduler.of(None).name, 'dask' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-P", "-c", code], text=True, capture_output=True, check=True,
        env=os.environ | {"DASK_CONFIG": str(tmp_path)},
    )  # fmt: skip
    assert told.stdout.split() == [name, str(text is not None)]


@pytest.mark.parametrize("wish", ["slurm", "thread", "", "folder/", 3, True, b"tcp://127.0.0.1:1", ["threads"]])
def test_what_names_no_scheduler(wish: object) -> None:
    with pytest.raises(UsageError, match=r"threads, processes, an address such as tcp://host:8786, a scheduler file"):
        Scheduler.of(wish)


@pytest.mark.parametrize("text", ["localhost:8786", "slurm"])
def test_an_environment_that_names_no_scheduler_is_told(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", text)
    with pytest.raises(UsageError, match=rf"^DASK_SCHEDULER_ADDRESS='{text}': it must be threads, processes, an addr"):
        Scheduler.of(None)


@pytest.mark.parametrize(
    ("content", "fault"),
    [(None, "No such file"), ("{", "no JSON"), ("[" * 100_000, "no JSON"), ("[]", "no address"),
     ('{"address": 3}', "no address"), ('{"address": "here"}', "no address")],
)  # fmt: skip
def test_a_scheduler_file_that_is_none(tmp_path: Path, content: str | None, fault: str) -> None:
    path = tmp_path / "scheduler.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ClusterError, match=rf"scheduler\.json: .*{fault}.*dask scheduler --scheduler-file"):
        Scheduler.of(str(path))


@pytest.mark.parametrize("by", ["word", "environment", "dask", "file"])
def test_plain_tcp_beyond_this_machine_needs_a_word_whoever_names_it(
    by: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    far, wish = "tcp://192.0.2.1:8786", None
    if by == "word":
        wish = far
    elif by == "environment":
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", far)
    elif by == "file":
        wish = str(scheduler_file(tmp_path / "s.json", far))
    with dask.config.set({"scheduler-address": far} if by == "dask" else {}):
        with pytest.raises(ClusterError, match=r"192\.0\.2\.1:8786: a scheduler beyond this machine") as refused:
            Scheduler.of(wish)
        assert "\n" not in str(refused.value)
        assert Scheduler.of(wish, insecure=True).insecure
        monkeypatch.setenv("GEOSAL_INSECURE_CLUSTER", "yes")
        assert Scheduler.of(wish).name == far


def test_no_login_is_told() -> None:
    with pytest.raises(ClusterError) as refused:
        Scheduler.of("tcp://me:CANARY@192.0.2.1:8786")
    assert "CANARY" not in str(refused.value)
    with pytest.raises(ClusterError, match="no address of a scheduler") as trusted:
        Scheduler.of("tcp://me:CANARY@192.0.2.1:8786", insecure=True)
    assert "CANARY" not in str(trusted.value)


@pytest.mark.parametrize(
    "address",
    [
        "tcp://127.0.0.1", "tcp://127.0.0.1:abc", "tcp://127.0.0.1:99999", "tcp://127.0.0.1:0", "tcp://:8786", "tcp://",
        "tcp://[::1", "TCP://127.0.0.1:1", "http://127.0.0.1:1", "inproc://x", "inproc://1.2.3.4:5", "tcp://127.0.0.1:1?x=y",
        "tcp://127.0.0.1:1/a",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_before_it_is_tried(address: str) -> None:
    """Dask tries some of them for ten seconds, and ends others with a traceback."""
    with pytest.raises(ClusterError, match=r"no address of a scheduler; write tcp://HOST:PORT or tls://HOST:PORT"):
        Scheduler.of(address)


def test_a_scheduler_of_this_process_has_an_address_without_a_port() -> None:
    """As `client.scheduler.address` of `Client(processes=False)` has it."""
    assert Scheduler.of("inproc://192.0.2.2/24853/1").is_cluster


def test_a_recipe_checks_the_name_and_opens_nothing(tmp_path: Path) -> None:
    wish = {"input": "a.tif", "output": "b.tif", "saliency": "half"}
    assert geosal.Recipe.from_mapping(wish | {"scheduler": tmp_path / "s.json"}).scheduler == str(tmp_path / "s.json")
    with pytest.raises(UsageError, match="scheduler='thread'"):
        geosal.Recipe.from_mapping(wish | {"scheduler": "thread"})
    with pytest.raises(UsageError, match="insecure_cluster"):
        geosal.Recipe.from_mapping(wish | {"insecure_cluster": "yes"})


def test_a_scheduler_file_counts_from_the_recipes_folder(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text("input: a.tif\noutput: b.tif\nsaliency: half\nscheduler: cluster.json\n")
    assert geosal.Recipe.from_yaml(tmp_path / "job.yaml").scheduler == str(tmp_path / "cluster.json")
    for name in ("threads", "tcp://127.0.0.1:1"):
        (tmp_path / "job.yaml").write_text(f"input: a.tif\noutput: b.tif\nsaliency: half\nscheduler: {name}\n")
        assert geosal.Recipe.from_yaml(tmp_path / "job.yaml").scheduler == name


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_no_scheduler_file_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(ClusterError, match=r"pipe\.json: it is a pipe or a device; name the file that dask scheduler"):
        Scheduler.of(str(tmp_path / "pipe.json"))
