"""The command ``geosal``, also as ``python -m geosal``.

What it needs takes a moment to load. A Ctrl-C in that moment has nothing to clean up, and would print a traceback.
"""

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130


def main() -> None:
    """Run the command line; until a command has begun, Ctrl-C ends the process at once."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # in the background it is ignored, and stays so
        signal.signal(signal.SIGINT, _leave)
    from geosal.cli.main import main as run  # noqa: PLC0415  after the handler

    run()


def _leave(number: int, frame: FrameType | None) -> None:
    del number, frame
    sys.stderr.write("geosal: error: interrupted; nothing incomplete stands under the name of an output\n")
    sys.stderr.flush()
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
