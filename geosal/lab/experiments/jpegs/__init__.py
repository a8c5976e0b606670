"""The evaluation of Selimovic and Hladnik (2018) on any folders of images: plain JPEG against MS-ROI at equal bytes.

Index card
----------
- `Experiment`: the wish, from YAML; every key checked.
- `run_experiment`: maps, files, figures; all of it in an `Outcome`.
- `Encoder`, `Encoded`: the interface of encoders; `GeosalEncoder` is geosal's own.
- `write_outcome`: report, tables and data into the output folder.
- `tables`, `anova`, `verdicts`: the parts of the report.

The paper's numbers are of the whole image. Here the salient part and the background stand beside them, because that is
where the method gives and takes.
"""

from geosal.lab.experiments.jpegs.encoders import Encoded, Encoder, GeosalEncoder
from geosal.lab.experiments.jpegs.experiment import run_experiment
from geosal.lab.experiments.jpegs.outcome import Figures, MapFacts, Outcome, Trial
from geosal.lab.experiments.jpegs.report import report_text, write_outcome
from geosal.lab.experiments.jpegs.statistics import anova, verdicts
from geosal.lab.experiments.jpegs.tables import tables
from geosal.lab.experiments.jpegs.wish import Experiment

__all__ = [
    "Encoded", "Encoder", "Experiment", "Figures", "GeosalEncoder", "MapFacts", "Outcome", "Trial", "anova",
    "report_text", "run_experiment", "tables", "verdicts", "write_outcome",
]  # fmt: skip
