"""Guard a command: errors, warnings, logs and signals become single lines on stderr.

A signal raises an exception in the main thread, so that every `with` block cleans up behind it. Should the clean-up
hang, because a thread sits in GDAL, a timer ends the process all the same.
"""

import errno
import logging
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TextIO

import click

from geosal.cli.failure import Failure
from geosal.cli.paper import painted, width_of, wrapped
from geosal.errors import GeosalError, GeosalWarning, ResourceError, UsageError, redact, visible
from geosal.names import did_you_mean

GRACE_SECONDS = 4.0
"""Seconds for the clean-up after a signal; the whole job must end within five."""
INTERRUPTED, TERMINATED = 130, 143
STDERR = 2
"""File descriptor that C libraries write to."""
BEGAN = "geosal.began"
"""Key of a context's meta: when the command began, in seconds since the epoch."""
_VERBOSITY, _WORDS = "geosal.verbosity", "geosal.words"
_STYLES = {"error": "bad", "warning": "caution", "critical": "bad"}
_COMPLETION = (
    '; a shell completes words after: eval "$(_GEOSAL_COMPLETE=bash_source geosal)" (or zsh_source, fish_source)'
)
_STOPPED = "nothing incomplete stands under the name of an output"
"""Message after a signal. It promises no more: the signal may come when the output has just got its name."""


class Terminated(BaseException):
    """SIGTERM came. Like KeyboardInterrupt it is no `Exception`, so that no code handles it as a failure."""


def say(line: str, kind: str = "") -> None:
    """Print one line on stderr, above a progress bar if there is one, without the secrets of URLs.

    Parameters
    ----------
    line
        The text, whose control characters are made visible. A terminal that is narrower gets it in several lines,
        broken between words.
    kind
        What it is: error, warning, info, debug; empty for a line that needs no name.
    """
    name = f"geosal: {kind}: " if kind else ""
    text = wrapped(name + visible(" ".join(redact(line).split())), width_of(sys.stderr), indent=2)
    if kind in _STYLES:
        text = text.replace(f"{kind}:", painted(f"{kind}:", _STYLES[kind], sys.stderr), 1)
    bars = getattr(sys.modules.get("tqdm"), "tqdm", None)  # there is a bar only where somebody has imported it
    if bars is None:
        sys.stderr.write(f"{text}\n")
    else:
        bars.write(text, file=sys.stderr)


def silence_libraries() -> None:
    """Keep messages of C libraries on stderr off the terminal; Python's own stderr stays.

    libtiff's error handler of last resort writes there whatever GDAL is told; what went wrong comes back as an
    exception all the same.
    """
    if _descriptor(sys.stderr) != STDERR:  # a caller has put its own stream there
        return
    sys.stderr.flush()
    terminal = os.dup(STDERR)
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, STDERR)
    os.close(devnull)
    sys.stderr = open(terminal, "w", buffering=1, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (OSError, ValueError):  # ValueError: closed
        return None


def set_verbosity(context: click.Context, level: int) -> None:
    """Set how much the user wants to read: 1 for -v, 2 for -vv. It adds up over the group and its command."""
    context.meta[_VERBOSITY] = verbosity(context) + level
    chosen = {0: logging.WARNING, 1: logging.INFO}.get(verbosity(context), logging.DEBUG)
    logging.getLogger("geosal").setLevel(chosen)


def verbosity(context: click.Context) -> int:
    """Return how often -v was given, as `set_verbosity` noted it."""
    return int(context.meta.get(_VERBOSITY, 0))


verbose = click.option(
    "-v", "--verbose", count=True, expose_value=False, is_eager=True,
    callback=lambda context, _, value: set_verbosity(context, value),
    help="Print more on stderr; -vv also debug lines, and tracebacks of errors.",
)  # fmt: skip
"""The option of every command, and of the group, which needs none of the `options` that commands share."""


class GuardedGroup(click.Group):
    """A group whose commands end with geosal's exit codes and one line on stderr, whoever calls it (also ``rio``)."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the words, since an error in them is told to programs as well, and the time."""
        ctx.meta[_WORDS] = tuple(args)
        ctx.meta[BEGAN] = time.time()
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; of a mistyped one, tell the nearest."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-") and not ctx.resilient_parsing:
            near = _COMPLETION if name == "completion" else did_you_mean(name, self.list_commands(ctx), "; ")
            ctx.fail(f"no such command {name or repr(name)}{near}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; every exception leaves as `click.exceptions.Exit`."""
        with _warnings_as_lines(ctx), _logs_as_lines(), _signals_as_exceptions() as watchdog:
            try:
                return super().invoke(ctx)
            except (click.exceptions.Exit, click.exceptions.NoArgsIsHelpError):
                raise
            except BaseException as error:
                code = report(error, verbosity(ctx))
                watchdog.reported = True
                from geosal.cli.output import report_failure  # which no command needs that succeeds

                with suppress(GeosalError):  # that the document cannot be written either is no news
                    report_failure(ctx, failure_of(error), ctx.meta.get(_WORDS, ()))
                if code in {INTERRUPTED, TERMINATED} and ctx.parent is not None:
                    leave_if_busy(code)  # under rio, whose process ends with this command
                raise click.exceptions.Exit(code) from error


def report(error: BaseException, level: int = 0) -> int:
    """Print the line for an exception, after its traceback with -vv, and return the exit code."""
    if level > 1 and not isinstance(error, click.ClickException):
        sys.stderr.write(visible(redact("".join(traceback.format_exception(error)))))
    if _is_broken_pipe(error):
        # The reader left (geosal ... | head): print no more, and no error when Python flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    failure = failure_of(error)
    say(failure.message, "error")
    return failure.code


def _is_broken_pipe(error: BaseException) -> bool:
    return isinstance(error, OSError) and not isinstance(error, GeosalError) and error.errno == errno.EPIPE


def failure_of(error: BaseException) -> Failure:
    """Return what any exception is told as."""
    match error:
        case GeosalError():
            return Failure.of(error)
        case click.ClickException():
            context = getattr(error, "ctx", None)
            hint = f"; see {context.command_path} --help" if context else ""
            return Failure(UsageError.exit_code, UsageError.__name__, _in_words(error).rstrip(".") + hint)
        case KeyboardInterrupt() | click.Abort():
            return Failure(INTERRUPTED, "Interrupted", _stopped("interrupted", error))
        case Terminated():
            return Failure(TERMINATED, "Terminated", _stopped("terminated", error))
        case MemoryError():
            told = "out of memory; use a smaller --block or fewer --workers"
            return Failure(ResourceError.exit_code, ResourceError.__name__, told)
        case _:
            what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            told = f"unexpected {what}; run again with -vv and report what it prints"
            return Failure(GeosalError.exit_code, type(error).__name__, told)


def _stopped(how: str, error: BaseException) -> str:
    """Tell of a signal, with what the work that it stopped has noted on it, such as how to go on."""
    return "; ".join((how, _STOPPED, *getattr(error, "__notes__", ())))


def _in_words(error: click.ClickException) -> str:
    """Tell what click refuses: of a mistyped option the nearest one, where click offers several."""
    context = getattr(error, "ctx", None)
    if not isinstance(error, click.NoSuchOption) or context is None:
        return error.format_message()
    known = [name for each in context.command.get_params(context) for name in each.opts if name.startswith("--")]
    return f"no such option {error.option_name}{did_you_mean(error.option_name, known, '; ')}"


def leave_if_busy(code: int) -> None:
    """End the process at once when threads are still at work, which the interpreter would wait for."""
    main = threading.main_thread()
    if any(thread is not main and not thread.daemon and thread.is_alive() for thread in threading.enumerate()):
        _leave(code)


def _leave(code: int) -> None:
    if (publishing := sys.modules.get("geosal.files.publish")) is not None:  # nothing is begun without it
        publishing.abandon()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class _Watchdog:
    """Ends the process when the clean-up after a signal takes too long."""

    def __init__(self) -> None:
        self.reported = False
        self.timer: threading.Timer | None = None

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Raise in the main thread, once: a second signal must not break the clean-up that the first began."""
        del frame
        if self.timer is not None:
            return
        error = KeyboardInterrupt() if number == signal.SIGINT else Terminated()
        self.timer = threading.Timer(GRACE_SECONDS, self._end, (error,))
        self.timer.daemon = True
        self.timer.start()
        raise error

    def _end(self, error: BaseException) -> None:
        failure = failure_of(error)
        if not self.reported:
            sys.stderr.write(f"\ngeosal: error: {failure.message}\n")
        _leave(failure.code)

    def stand_down(self) -> None:
        """Stop the timer."""
        if self.timer is not None:
            self.timer.cancel()


@contextmanager
def _signals_as_exceptions() -> Iterator[_Watchdog]:
    """Turn SIGINT into KeyboardInterrupt and SIGTERM into `Terminated` while the body runs."""
    watchdog = _Watchdog()
    if threading.current_thread() is not threading.main_thread():  # handlers can only be set there
        yield watchdog
        return
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # the terminal was closed, and nobody said nohup
        numbers.append(signal.SIGHUP)
    before = [signal.signal(number, watchdog.handle) for number in numbers]
    try:
        yield watchdog
    finally:
        watchdog.stand_down()
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)


@contextmanager
def _warnings_as_lines(context: click.Context) -> Iterator[None]:
    """Show each GeosalWarning once, as a line; those of other libraries only with -v."""
    shown: set[str] = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        del file, line
        ours = issubclass(category, GeosalWarning)
        text = str(message) if ours else f"{message} ({category.__name__}, {filename}:{lineno})"
        if text not in shown and (ours or verbosity(context) > 0):
            shown.add(text)
            say(text, "warning")

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.simplefilter("always", GeosalWarning)
        warnings.showwarning = show
        yield


class _LineHandler(logging.Handler):
    """Writes log records as lines like those of errors and warnings."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; with -vv, with the time of day."""
        is_close = logging.getLogger("geosal").isEnabledFor(logging.DEBUG)
        clock = time.strftime("%H:%M:%S", time.localtime(record.created)) + f".{record.msecs:03.0f} "
        say(f"{clock if is_close else ''}{record.getMessage()}", record.levelname.lower())


@contextmanager
def _logs_as_lines() -> Iterator[None]:
    """Show the logs of geosal, and none of the libraries: their errors are raised as exceptions."""
    handler, silent = _LineHandler(), logging.NullHandler()
    libraries = ("rasterio", "distributed", "tornado", "asyncio")
    loggers: list[tuple[logging.Logger, logging.Handler]] = [(logging.getLogger("geosal"), handler)]
    loggers += [(logging.getLogger(name), silent) for name in libraries]
    before = [(logger.propagate, logger.level) for logger, _ in loggers]
    for logger, own in loggers:
        logger.addHandler(own)
        logger.propagate = False
    try:
        yield
    finally:
        for (logger, own), (propagate, level) in zip(loggers, before, strict=True):
            logger.removeHandler(own)
            logger.propagate = propagate
            logger.setLevel(level)
