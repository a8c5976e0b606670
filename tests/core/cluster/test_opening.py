import pytest

from geosal import ClusterError
from geosal.core.cluster.opening import open_pool
from geosal.core.cluster.scheduler import Scheduler


def test_nothing_runs_locally_when_the_scheduler_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geosal.core.cluster.connection.CONNECT_SECONDS", 1.0)
    with pytest.raises(ClusterError, match="tcp://127.0.0.1:9"), open_pool(Scheduler("tcp://127.0.0.1:9"), None):
        pytest.fail("a pool was opened")
