"""Real schedulers, reached in each way there is, or not."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import scheduler_in, workers_of
from tasks import square

import geosal
from geosal import ClusterError, UsageError
from geosal.core.cluster.opening import open_pool
from geosal.core.cluster.scheduler import Scheduler

distributed = pytest.importorskip("distributed")
dask = pytest.importorskip("dask")


def squares(scheduler: Scheduler) -> list[int]:
    with open_pool(scheduler, None) as pool:
        return sorted(pool.map_unordered(square, range(5)))


def test_a_client_is_used_and_left_as_it_was(cluster: str) -> None:
    with distributed.Client(cluster, set_as_default=False) as client:
        told = Scheduler.of(client)
        assert (told.name, str(told)) == (cluster, cluster)
        assert squares(told) == [0, 1, 4, 9, 16]
        assert client.status == "running"
        assert client.submit(square, 7).result() == 49
        with pytest.raises(ValueError, match="No global client"):
            distributed.get_client()
    with pytest.raises(ClusterError, match="the Client is closed; hand over one that is connected"):
        Scheduler.of(client)


def test_an_asynchronous_client_is_refused_in_a_line(cluster: str) -> None:
    async def hand_over() -> None:
        async with distributed.Client(cluster, asynchronous=True, set_as_default=False) as client:
            Scheduler.of(client)

    with pytest.raises(UsageError, match=r"^scheduler: the Client is asynchronous, and a job is not; hand over"):
        asyncio.run(hand_over())


def test_whoever_has_made_a_client_has_said_yes(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geosal.core.cluster.trust.is_guarded", lambda _: False)
    with distributed.Client(cluster, set_as_default=False) as client:
        assert squares(Scheduler.of(client)) == [0, 1, 4, 9, 16]
    with pytest.raises(ClusterError, match="a worker beyond this machine"):
        squares(Scheduler(cluster))


def test_a_whole_job_by_a_client_and_by_a_scheduler_file(
    cluster: str, scheduler_file: Path, rgb_scene: Path, tmp_path: Path
) -> None:
    outputs = [tmp_path / name for name in ("near.tif", "client.tif", "file.tif")]
    with distributed.Client(cluster, set_as_default=False) as client:
        for output, scheduler in zip(outputs, ("threads", client, scheduler_file), strict=True):
            summary = geosal.compress(rgb_scene, output, saliency="half", block=256, scheduler=scheduler)
            assert summary.blocks == 12
    near, *far = (output.read_bytes() for output in outputs)
    assert far == [near, near]


# TLS


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, a certificate of its own, and one that another authority has signed."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("ca", "stranger"):
        _openssl(folder, "req", "-x509", *_NEW, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")
    for name, authority in (("node", "ca"), ("other", "stranger")):
        _openssl(folder, "req", *_NEW, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        _openssl(
            folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
            "-CAcreateserial", "-out", f"{name}.pem",
        )  # fmt: skip
    return folder


_NEW = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def encrypted(certificates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a scheduler that asks for certificates, with a worker."""
    folder = tmp_path_factory.mktemp("encrypted")
    own = [f"--tls-{what}={certificates / name}"
           for what, name in (("ca-file", "ca.pem"), ("cert", "node.pem"), ("key", "node.key"))]  # fmt: skip
    with (
        scheduler_in(folder, "--protocol", "tls", *own) as (address, _),
        workers_of(address, folder, "--no-nanny", *own),
    ):
        yield address


def _as(certificates: Path, authority: str, name: str) -> dict[str, str]:
    tls = "distributed.comm.tls"
    return {
        f"{tls}.ca-file": str(certificates / f"{authority}.pem"),
        f"{tls}.client.cert": str(certificates / f"{name}.pem"),
        f"{tls}.client.key": str(certificates / f"{name}.key"),
    }


def test_dasks_own_configuration_opens_an_encrypted_cluster(encrypted: str, certificates: Path) -> None:
    assert encrypted.startswith("tls://")
    with dask.config.set(_as(certificates, "ca", "node")):
        assert squares(Scheduler.of(encrypted)) == [0, 1, 4, 9, 16]


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ({}, r"names no distributed\.comm\.tls\.ca-file; .*DASK_DISTRIBUTED__COMM__TLS__CA_FILE="),
        ({"distributed.comm.tls.ca-file": "ca.pem"}, r"tls\.ca-file is ca\.pem, and there is no such file"),
    ],
)
def test_what_is_missing_for_tls_is_told(config: dict[str, str], fault: str) -> None:
    with dask.config.set(config), pytest.raises(ClusterError, match=fault):
        squares(Scheduler.of("tls://10.0.0.1:8786"))


@pytest.mark.parametrize(("authority", "name"), [("ca", "other"), ("stranger", "other"), ("stranger", "node")])
def test_a_wrong_certificate_is_one_line(
    encrypted: str, certificates: Path, authority: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geosal.core.cluster.connection.CONNECT_SECONDS", 2.0)
    with (
        dask.config.set(_as(certificates, authority, name)),
        pytest.raises(
            ClusterError, match=r"(do not accept each other's certificates|refuses the certificate in)"
        ) as refused,
    ):
        squares(Scheduler.of(encrypted))
    assert "\n" not in str(refused.value)


def test_plain_words_to_an_encrypted_cluster(encrypted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geosal.core.cluster.connection.CONNECT_SECONDS", 1.0)
    with pytest.raises(ClusterError, match="tls://… where the scheduler has certificates"):
        squares(Scheduler.of(encrypted.replace("tls", "tcp")))


# Beyond this machine


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A network namespace, as good as another machine; it has the address 10.213.7.2."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("a network namespace needs root and iproute2")
    name = f"geosal{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip("no network namespaces on this machine")
    try:
        _ip("link", "add", f"g{os.getpid()}", "type", "veth", "peer", "name", "far", "netns", name)
        _ip("addr", "add", "10.213.7.1/24", "dev", f"g{os.getpid()}")
        _ip("link", "set", f"g{os.getpid()}", "up")
        _ip("-n", name, "addr", "add", "10.213.7.2/24", "dev", "far")
        for device in ("far", "lo"):
            _ip("-n", name, "link", "set", device, "up")
        yield name
    finally:
        subprocess.run(["ip", "link", "del", f"g{os.getpid()}"], capture_output=True, check=False)
        _ip("netns", "del", name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def test_a_cluster_on_another_machine_needs_a_word(elsewhere: str, tmp_path: Path) -> None:
    there = ("ip", "netns", "exec", elsewhere)
    with (
        scheduler_in(tmp_path / "scheduler", host="10.213.7.2", under=there) as (address, _),
        workers_of(address, tmp_path / "worker", "--no-nanny", host="10.213.7.2", under=there),
    ):
        assert address.startswith("tcp://10.213.7.2:")
        with pytest.raises(ClusterError, match=r"tcp://10\.213\.7\.2:\d+: a scheduler beyond this machine"):
            Scheduler.of(address)
        assert squares(Scheduler.of(address, insecure=True)) == [0, 1, 4, 9, 16]


def test_a_worker_on_another_machine_needs_a_word_too(elsewhere: str, tmp_path: Path) -> None:
    there = ("ip", "netns", "exec", elsewhere)
    with (
        scheduler_in(tmp_path / "scheduler", host="0.0.0.0") as (address, _),
        workers_of(
            f"tcp://10.213.7.1:{address.rpartition(':')[2]}", tmp_path / "worker", "--no-nanny", host="10.213.7.2",
            under=there,
        ),
    ):  # fmt: skip
        near = f"tcp://127.0.0.1:{address.rpartition(':')[2]}"
        with pytest.raises(ClusterError, match=r"tcp://10\.213\.7\.2:\d+: a worker beyond this machine"):
            squares(Scheduler.of(near))
        assert squares(Scheduler.of(near, insecure=True)) == [0, 1, 4, 9, 16]
