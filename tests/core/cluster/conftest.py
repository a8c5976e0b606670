"""A real cluster that the room's tests share: a scheduler and two worker processes with nannies."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters import scheduler_in, workers_of


@pytest.fixture(scope="session")
def scheduler_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file that the scheduler writes."""
    file = tmp_path_factory.mktemp("cluster") / "scheduler.json"
    with (
        scheduler_in(file.parent, "--scheduler-file", file) as (address, _),
        workers_of(address, file.parent, count=2),
    ):
        yield file


@pytest.fixture(scope="session")
def cluster(scheduler_file: Path) -> str:
    """Address of the scheduler."""
    return str(json.loads(scheduler_file.read_text())["address"])
