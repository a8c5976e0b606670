from collections.abc import Callable

import click
import pytest
from click.testing import Result

from geosal.cli.main import geosal as group
from geosal.cli.panels import COMMANDS, PANELS

NAMED = [name for _, names in PANELS for name in names]
EVERY = [group.commands[name] for name in group.list_commands(click.Context(group))]


def test_every_name_is_that_of_an_option_and_in_one_panel() -> None:
    there = {each.name for command in EVERY for each in command.params if isinstance(each, click.Option)}
    assert len(NAMED) == len(set(NAMED))
    assert set(NAMED) <= there
    assert there - set(NAMED) == {"quiet", "report", "verbose"}


def test_every_command_is_in_one_panel(call: Callable[..., Result]) -> None:
    named = [name for _, names in COMMANDS for name in names]
    assert sorted(named) == sorted(command.name or "" for command in EVERY)
    lines = call("--help").stdout.splitlines()
    assert "Other commands:" not in lines
    for command in EVERY:  # what they do is not cut
        assert f"{command.name} {command.short_help}" in [" ".join(line.split()) for line in lines]


@pytest.mark.parametrize("command", EVERY, ids=lambda command: command.name)
def test_the_help_has_every_option_once_and_examples_at_the_end(
    command: click.Command, call: Callable[..., Result]
) -> None:
    text = call(command.name, "--help").stdout
    head, _, examples = text.partition("\nExamples:\n")
    lines = [line.split()[0] for line in head.splitlines() if line.startswith("  -")]
    assert len(lines) == sum(isinstance(each, click.Option) for each in command.params) + 1  # and --help
    assert head.index("What is told:") < head.index("--json FILE")
    assert max(map(len, text.splitlines())) <= 80
    assert all(line.startswith(f"  geosal {command.name}") for line in examples.splitlines())
    assert f"geosal {command.name} " not in head.partition("\n")[2]
    assert examples


def test_what_most_people_want_comes_first(call: Callable[..., Result]) -> None:
    text = call("compress", "-h").stdout
    assert text.index("Where to look:") < text.index("--saliency SOURCE") < text.index("Codec:")
