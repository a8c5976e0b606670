"""The command group: ``geosal ...`` and ``rio geosal ...``."""

import re
import signal
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module

import click

from geosal.cli.guard import (
    INTERRUPTED,
    TERMINATED,
    GuardedGroup,
    leave_if_busy,
    report,
    set_verbosity,
    silence_libraries,
    verbose,
)
from geosal.cli.panels import write_commands
from geosal.version import __version__, made_by


class _Commands(MutableMapping[str, click.Command]):
    """The commands by name; each is the function of that name in the file of that name, imported on first use."""

    def __init__(self, *names: str) -> None:
        self._commands: dict[str, click.Command | None] = dict.fromkeys(names)

    def __getitem__(self, name: str) -> click.Command:
        command = self._commands[name]
        if command is None:
            command = self._commands[name] = getattr(import_module(f"{__package__}.{name}"), name)
        return command

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)


_COMMANDS = _Commands(
    "compress",
    "plan",
    "saliency",
    "sources",
    "profiles",
    "info",
    "view",
    "compare",
    "verify",
    "report",
    "train",
    "experiment",
    "figures",
    "demo",
    "versions",
)


class _Group(GuardedGroup):
    """The commands, in panels as well."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write them by what they are for."""
        write_commands(self, ctx, formatter)


_SETTINGS = {"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "GEOSAL"}
"""An option that is not given may be in the environment: GEOSAL_COMPRESS_PROFILE=zstd."""


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        others = ", ".join(f"{name} {version}" for name, version in made_by().items() if name != "geosal")
        click.echo(f"geosal {__version__} ({others})")
        context.exit()


@click.group(cls=_Group, commands=_COMMANDS, context_settings=_SETTINGS)
@verbose
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, allow_from_autoenv=False,
    help="Show the versions of geosal and of the libraries that do the work; geosal versions lists all.",
)  # fmt: skip
@click.pass_context
def geosal(context: click.Context) -> None:
    """Smooth what matters least in a satellite scene, then compress it.

    \b
    geosal demo                                                 see what it does
    geosal compress scene.tif smaller.tif --saliency mask.tif   do it

    \b
    Exit codes: 0 done, 1 unexpected, 2 usage, 3 input, 4 saliency or place,
    5 output, 6 verification failed or a target missed, 7 over a limit,
    8 cluster, 130/143 interrupted.
    """
    if isinstance(context.obj, Mapping):  # under rio, which has read its own -v and the user's AWS options
        set_verbosity(context, max(0, int(context.obj.get("verbosity", 0))))
        if "env" in context.obj:
            context.with_resource(context.obj["env"])


rio_geosal = geosal
"""The same group as a plug-in of rasterio's ``rio``."""


_DEBUG = 2


def _verbosity(words: list[str]) -> int:
    """Count -v among the words, before click reads them; it may stand among other flags (-qv)."""
    flags = [word for word in words[: words.index("--") if "--" in words else None] if re.fullmatch("-[vqh]+", word)]
    return sum(word.count("v") for word in flags) + words.count("--verbose")


def main() -> None:
    """Run the command line and end the process with the contract's exit code."""
    if _verbosity(sys.argv[1:]) < _DEBUG:
        silence_libraries()
    try:
        code = int(geosal.main(prog_name="geosal", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except (click.ClickException, click.Abort) as error:
        code = report(error)
    if code in {INTERRUPTED, TERMINATED}:
        for number in (signal.SIGINT, signal.SIGTERM):  # a second one must not change the exit code
            signal.signal(number, signal.SIG_IGN)
        leave_if_busy(code)
    sys.exit(code)
