"""The study of detection, as the command carries it out."""

from geosal.lab.experiments.detection.outcome import Outcome
from geosal.lab.experiments.detection.report import (
    COMPARED,
    TABLE,
    summary,
    to_document,
    write_detection,
)
from geosal.lab.experiments.detection.run import run_detection
from geosal.lab.experiments.detection.wish import Detection
from geosal.lab.experiments.reported import REPORT, fault_of
from geosal.lab.experiments.study import Study


def _told(outcome: Outcome) -> str:
    return f"{summary(outcome)}\nTables: {outcome.wish.output}/{TABLE}.csv and {COMPARED}.csv"


STUDY = Study(
    wish=Detection,
    run=run_detection,
    write=write_detection,
    told=_told,
    document=to_document,
    fault=lambda outcome: fault_of(outcome.skipped, outcome.wish.output),
    files=(REPORT, f"{TABLE}.csv", f"{COMPARED}.csv", f"{TABLE}.parquet", f"{COMPARED}.parquet"),
)
