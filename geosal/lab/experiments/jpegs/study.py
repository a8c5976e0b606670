"""The study of JPEGs, as the command carries it out."""

from geosal.errors import GeosalError, TargetError
from geosal.lab.experiments.jpegs.experiment import run_experiment
from geosal.lab.experiments.jpegs.outcome import Outcome
from geosal.lab.experiments.jpegs.report import (
    DATA,
    FIGURES,
    reproducibility,
    sizes,
    to_document,
    write_outcome,
)
from geosal.lab.experiments.jpegs.statistics import verdicts
from geosal.lab.experiments.jpegs.wish import Experiment
from geosal.lab.experiments.reported import REPORT, limited
from geosal.lab.experiments.study import Study


def _told(outcome: Outcome) -> str:
    lines = [
        reproducibility(outcome),
        f"{sizes(outcome)}{limited(outcome.wish)}",
        "",
        *(verdict.sentence for verdict in verdicts(outcome)),
    ]
    return "\n".join([*lines, "", f"Tables: {outcome.wish.output}/{REPORT}"])


def _fault(outcome: Outcome) -> GeosalError | None:
    off = outcome.unmatched
    if not off:
        return None
    first = off[0]
    return TargetError(
        f"{first.collection}, {first.image}, Q {first.quality}, {first.method}: not within 1 % of the plain JPEG's "
        f"{first.reference_bytes} bytes ({len(off)} of {len(outcome.trials)} files are not); "
        f"{outcome.wish.output}/{REPORT} lists them; take larger images, or leave these out"
    )


STUDY = Study(
    wish=Experiment,
    run=run_experiment,
    write=write_outcome,
    told=_told,
    document=to_document,
    fault=_fault,
    files=(REPORT, DATA, FIGURES),
)
