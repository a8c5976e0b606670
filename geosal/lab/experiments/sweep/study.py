"""The sweep, as the command carries it out."""

from geosal.lab.experiments.reported import REPORT, fault_of
from geosal.lab.experiments.study import Study
from geosal.lab.experiments.sweep.outcome import Outcome
from geosal.lab.experiments.sweep.report import (
    FILES,
    LEVELS_NAME,
    summary,
    to_document,
    write_sweep,
)
from geosal.lab.experiments.sweep.run import run_sweep
from geosal.lab.experiments.sweep.wish import Sweep


def _told(outcome: Outcome) -> str:
    return f"{summary(outcome)}\nTables: {outcome.wish.output}/{FILES}.csv and {LEVELS_NAME}.csv"


STUDY = Study(
    wish=Sweep,
    run=run_sweep,
    write=write_sweep,
    told=_told,
    document=to_document,
    fault=lambda outcome: fault_of(outcome.skipped, outcome.wish.output),
    files=(REPORT, f"{FILES}.csv", f"{LEVELS_NAME}.csv", f"{FILES}.parquet", f"{LEVELS_NAME}.parquet"),
)
