"""FIND THE SETTING that gives a result the bytes or the quality that a target asks for.

Index card
----------
- `reach`: the search: trials on a sample, a full encode, and at most one more after a correction.
- `set_out`: the trials alone.
- `Trials`: encodes a sample with one setting after the other.
- `Sample`: pieces spread over the scene and chosen by their levels, laid side by side; encoded in each trial.
- `Knob`: one setting of a plan as a number: a larger number means more bytes.
- `climb`: finds in few trials where a growing function meets a value.
"""

from geosal.job.search.find import Attempt, Found, reach, sample_pixels, set_out
from geosal.job.search.kept import Kept
from geosal.job.search.knobs import Knob, knob_for
from geosal.job.search.places import choose_places
from geosal.job.search.plain import expected_bytes, untreated
from geosal.job.search.sample import Sample, file_bytes, pieces_across
from geosal.job.search.scaling import scene_bytes
from geosal.job.search.solve import climb
from geosal.job.search.trials import Trials

__all__ = [
    "Attempt", "Found", "Kept", "Knob", "Sample", "Trials", "choose_places", "climb", "expected_bytes", "file_bytes",
    "knob_for", "pieces_across", "reach", "sample_pixels", "scene_bytes", "set_out", "untreated",
]  # fmt: skip
