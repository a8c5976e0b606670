"""FIND THE SETTING that gives a result the bytes or the quality that a target asks for.

Index card
----------
Names are imported from their modules: a job without a target looks at `places` alone, and the rest takes a moment.

- `find.reach`: the search: trials on a sample, a full encode, and at most one more after a correction.
- `find.set_out`: the trials alone.
- `trials.Trials`: encodes a sample with one setting after the other.
- `sample.Sample`: pieces spread over the scene and chosen by their levels, laid side by side; encoded in each trial.
- `knobs.Knob`: one setting of a plan as a number: a larger number means more bytes.
- `solve.climb`: finds in few trials where a growing function meets a value.
"""
