import pytest

from geosal import ClusterError, UsageError
from geosal.core.cluster.opening import open_pool


def test_nothing_runs_locally_when_the_scheduler_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geosal.core.cluster.connection.CONNECT_SECONDS", 1.0)
    with pytest.raises(ClusterError, match="tcp://127.0.0.1:9"), open_pool("tcp://127.0.0.1:9", None):
        pytest.fail("a pool was opened")


def test_an_unknown_scheduler_is_named_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="threads, processes"), open_pool("slurm", None):
        pytest.fail("a pool was opened")
