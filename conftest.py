"""`python -m pytest` from the checkout tests the installed package, as `pytest` does.

Python then puts the current folder before all others, and the geosal that lies there has no compiled loops.
"""

import os
import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parent)


def _forget_the_checkout() -> None:
    own = str(Path(os.__file__).parent)
    before = sys.path[: sys.path.index(own)] if own in sys.path else []  # an editable installation has it later
    if ROOT not in before or ROOT in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        return
    sys.path.remove(ROOT)
    # pytest has looked up the warnings in its settings before it came here.
    for name in [name for name in sys.modules if name.partition(".")[0] == "geosal"]:
        del sys.modules[name]


_forget_the_checkout()
