"""Which addresses need the user's word, and which do not."""

import pytest

from geosal import ClusterError, UsageError
from geosal.core.cluster.trust import environment_allows, is_guarded, refuse_open


@pytest.mark.parametrize(
    "address",
    [
        "tcp://127.0.0.1:8786", "tcp://127.8.9.10:1", "tcp://[::1]:8786", "tcp://localhost:8786", "ws://127.0.0.1:1",
        "inproc://10.0.0.1/9/1", "tls://10.0.0.1:8786", "tls://scheduler.example:8786", "wss://10.0.0.1:443",
        "gateway://hub.example:8000/name",
    ],
)  # fmt: skip
def test_guarded(address: str) -> None:
    assert is_guarded(address)
    refuse_open(address, "scheduler")


@pytest.mark.parametrize(
    "address",
    [
        "tcp://10.0.0.1:8786", "tcp://0.0.0.0:8786", "tcp://[fe80::1%lo]:8786", "tcp://[2001:db8::1]:1",
        "tcp://128.0.0.1:8786", "ws://192.168.1.2:80", "ucx://10.0.0.1:8786", "tcp://127.0.0.1@10.0.0.1:8786",
        "tcp://", "tcp://:8786", "TLS+tcp://10.0.0.1:1", "tcp://[::ffff:10.0.0.1]:1",
    ],
)  # fmt: skip
def test_open_to_others(address: str) -> None:
    assert not is_guarded(address)
    with pytest.raises(ClusterError, match=r"a worker beyond this machine, without a password: .*--insecure-cluster"):
        refuse_open(address, "worker")


def test_a_name_counts_by_all_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"here": ["127.0.0.1", "::1"], "both": ["127.0.0.1", "10.0.0.1"]}
    monkeypatch.setattr(
        "socket.getaddrinfo", lambda host, *_, **__: [(None, None, None, "", (number, 0)) for number in known[host]]
    )
    assert is_guarded("tcp://here:8786")
    assert not is_guarded("tcp://both:8786")


def test_a_host_that_nobody_knows_is_told_as_that() -> None:
    with pytest.raises(ClusterError, match=r"no host is known as no-such-host\.invalid"):
        is_guarded("tcp://no-such-host.invalid:8786")


def test_the_environment_says_yes_or_no(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, says in {"": False, "yes": True, "1": True, " True ": True, "no": False, "0": False}.items():
        monkeypatch.setenv("GEOSAL_INSECURE_CLUSTER", text)
        assert environment_allows() is says
    monkeypatch.setenv("GEOSAL_INSECURE_CLUSTER", "perhaps")
    with pytest.raises(UsageError, match="perhaps: it must be yes or no"):
        environment_allows()
