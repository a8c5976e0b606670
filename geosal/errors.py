"""Every error that geosal raises on purpose, and the exit code the command line gives it.

GeosalError                     1   anything else that went wrong
├── UsageError (ValueError)     2   an option, a recipe or a profile that cannot work
├── SceneError (OSError)        3   the input is unreadable, corrupt or refused
├── SaliencyError (ValueError)  4   the saliency or the georeferencing does not fit the scene
├── OutputError (OSError)       5   the output cannot be written
├── VerificationError (AssertionError)  6   the result does not hold what was promised
│   └── TargetError             6   bytes or a quality that cannot be reached; it names the best that was
├── ResourceError (RuntimeError) 7   over a limit of memory, disk or pixels
└── ClusterError (ConnectionError)  8   the scheduler or its workers are gone

A message says what was asked, what was found and how to mend it, in one line. `GeosalWarning` is for what the user
should know and need not act on.
"""

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

_PACKAGE = __name__.partition(".")[0]
_BREAKS = re.compile(r"[\n-\r\x1c-\x1e\x85\u2028\u2029]+")
"""What ends a line, for `str.splitlines`."""


class GeosalError(Exception):
    """Root of geosal's errors."""

    exit_code = 1

    def __init__(self, message: str) -> None:
        # A file that somebody made may be quoted in it, with line breaks of its own.
        super().__init__(_BREAKS.sub(" ", redact(message)))


class UsageError(GeosalError, ValueError):
    """An option, a recipe or a profile that cannot work."""

    exit_code = 2


class SceneError(GeosalError, OSError):
    """The input is unreadable, corrupt or of a kind that is refused."""

    exit_code = 3


class SaliencyError(GeosalError, ValueError):
    """The saliency, or its georeferencing, does not fit the scene."""

    exit_code = 4


class OutputError(GeosalError, OSError):
    """The output cannot be written."""

    exit_code = 5


class VerificationError(GeosalError, AssertionError):
    """The output does not hold what was promised."""

    exit_code = 6


class TargetError(VerificationError):
    """The bytes or the quality that were asked for cannot be reached; the message names the best that was."""


class ResourceError(GeosalError, RuntimeError):
    """The job is over a limit of memory, disk or pixels."""

    exit_code = 7


class ClusterError(GeosalError, ConnectionError):
    """The dask scheduler or its workers cannot be reached or gave up."""

    exit_code = 8


class GeosalWarning(UserWarning):
    """Something the user should know: partial coverage, a constant map, a missing CRS."""

    def __init__(self, message: str) -> None:
        super().__init__(redact(message))


EVEN = "even saliency"
"""What warnings are about that say that a saliency steers little or nothing."""
_TOLD: ContextVar[set[str] | None] = ContextVar("_TOLD", default=None)


@contextmanager
def telling_once(told: set[str] | None) -> Iterator[None]:
    """Let warnings about what is in `told` be left out; what others are about is added to it. With None, all are given.

    Files that share one decision, such as the bands of a product, share `told` too.
    """
    token = _TOLD.set(told)
    try:
        yield
    finally:
        _TOLD.reset(token)


def warn(message: str, *, about: str = "") -> None:
    """Warn of what the user should know, at the line that called geosal, however deep inside it is noticed.

    Parameters
    ----------
    message
        One line.
    about
        Its subject, which `telling_once` knows again; empty for a warning that is always given.
    """
    told = _TOLD.get()
    if about and told is not None:
        if about in told:
            return
        told.add(about)
    level, caller = 0, 1
    frame: FrameType | None = sys._getframe()  # noqa: SLF001  the stack, as `warnings` itself looks at it
    while frame is not None:
        level += 1
        if str(frame.f_globals.get("__name__")).partition(".")[0] == _PACKAGE:
            caller = level + 1
        frame = frame.f_back
    warnings.warn(message, GeosalWarning, stacklevel=caller)


def cause_of(error: Exception) -> str:
    """Say in one line what went wrong: in the system's words without number and path, or in the error's own.

    The caller names the file: the path of a system's error may lie in a work directory.
    """
    text = str(getattr(error, "strerror", None) or error).partition(". To debug")[0]
    return " ".join(text.split()) or type(error).__name__


def visible(text: str) -> str:
    r"""Write control characters as text (``\x1b``), which may be in a file's name, and which a terminal would obey.

    Newlines and tabs stay.
    """
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found[0]):02x}", text)


def redact(text: str) -> str:
    """Take out of `text` what may be secret: logins, queries of URLs, options of ``/vsi``, ``PG:``, signatures."""
    text = re.sub(r"(\b\w{1,20}://|/vsi\w{1,20}/)[^/\s]*@", r"\1***@", text)
    text = re.sub(r"(\b(?:\w{1,20}://|/vsi\w{1,20}/)[^\s?'\"]*)\?[^\s'\"]*", r"\1?***", text)
    text = re.sub(r"(/vsi\w{1,20})\?[^\s'\"]*", r"\1?***", text)
    text = re.sub(r"(\w)\?[^\s?'\"=]{1,100}=[^\s'\",]*", r"\1?***", text)  # GDAL names a file by the end of its URL
    return re.sub(r"(?i)\b(password|sig|x-(?:amz|goog)-[\w-]{1,30})=[^\s&'\"]+", r"\1=***", text)
