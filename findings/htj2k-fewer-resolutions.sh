#!/usr/bin/env bash
# imagecodecs 2026.10.10: htj2k_encode gives a small image fewer resolutions than it is asked for, and says nothing.
#
# A writer that joins tiles of one codestream needs the same number in each of them: the last row or column of tiles may be
# a few pixels wide. imagecodecs 2026.3.6 gave as many as asked (5 x 3 px with 2 decompositions: 2). What helps is to encode
# such a tile as the last of several in a larger image, with `tile=`: then it gets them all, in both versions.
#
# Needs a Python of 3.12 or newer: wheels of that version begin there.
set -euo pipefail

python=""
for candidate in python3.14 python3.13 python3.12 python3; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then python=$candidate; break; fi
done
[ -n "$python" ] || { echo "no Python of 3.12 or newer here"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m venv "$work/venv"
"$work/venv/bin/pip" install -q imagecodecs==2026.10.10 numpy==2.4.6 2>/dev/null
"$work/venv/bin/python" - <<'PY'
import struct

import imagecodecs
import numpy as np


def decompositions(stream: bytes) -> int:
    """Number of decomposition levels in COD, ISO/IEC 15444-1 table A.15."""
    return struct.unpack_from(">B", stream, stream.index(b"\xff\x52") + 9)[0]


found = {}
for shape in ((5, 3), (64, 64)):
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    stream = bytes(imagecodecs.htj2k_encode(pixels, reversible=True, resolutions=2))
    assert (imagecodecs.htj2k_decode(stream) == pixels).all()
    found[shape] = decompositions(stream)
print(imagecodecs.__version__, "asked for 2 decompositions, got", found)
assert found == {(5, 3): 1, (64, 64): 2}, "the behaviour has changed"
PY
