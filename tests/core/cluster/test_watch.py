"""When a job gives up on a cluster without workers, by a client that is made up."""

from types import SimpleNamespace
from typing import Any

import pytest

from geosal import ClusterError
from geosal.core.cluster.code import code_here
from geosal.core.cluster.scheduler import Scheduler
from geosal.core.cluster.watch import PATIENCE_SECONDS, Watch


def test_patience_begins_with_the_first_look_that_finds_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look may be long ago where results came fast or were taken slowly, and a nanny takes a few seconds."""
    there, now = {"tcp://127.0.0.1:2": 1}, [0.0]
    client: Any = SimpleNamespace(
        nthreads=lambda: there,
        run=lambda *_, workers, **__: dict.fromkeys(workers, tuple(code_here())),
        run_on_scheduler=lambda *_: code_here().digest,
    )
    monkeypatch.setattr("geosal.core.cluster.watch.time", SimpleNamespace(monotonic=lambda: now[0]))
    watch = Watch(client, Scheduler("tcp://127.0.0.1:1"))
    watch()
    kept = there.copy()
    for begin in (1000.0, 2000.0):
        now[0] = begin
        there.clear()
        with pytest.warns(UserWarning, match="is gone"):
            watch()
        now[0] += PATIENCE_SECONDS
        watch()
        there.update(kept)  # it is back in time
        watch()
    there.clear()
    with pytest.warns(UserWarning, match="is gone"):
        watch()
    now[0] += PATIENCE_SECONDS + 1
    with pytest.raises(ClusterError, match="all workers are gone"):
        watch()
