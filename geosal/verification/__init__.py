"""Check that a file holds what was promised.

Index card
----------
- `verify_opened`: every check, against the scene and the saliency where they are opened; see `geosal.verify`.
- `saliency_on`: opens the saliency of a job on the scene that an output was made from.
- `verify_structure`: the quick checks, at the end of the main job.
- `Pinned`: which seal the file is held against.
- `Check`, `raise_if_failed`, `raise_if_unproved`: the results.

Rooms: `run` puts them together; what a file shows alone (every tile decodes, its layout), and by how much its codec may
let two pictures differ, its room in `geosal.formats` looks at; `carried` what it must share with its source (grid,
bands, tags); `pixels` which samples must be the source's own; `likeness` whether two pictures are the same one;
`sealed` whether a file is as its seal says.
"""

from geosal.verification.check import Check, Checks, raise_if_failed, raise_if_unproved
from geosal.verification.original import Asked, saliency_on
from geosal.verification.run import verify_opened, verify_structure
from geosal.verification.sealed import Pinned

__all__ = [
    "Asked",
    "Check",
    "Checks",
    "Pinned",
    "raise_if_failed",
    "raise_if_unproved",
    "saliency_on",
    "verify_opened",
    "verify_structure",
]
