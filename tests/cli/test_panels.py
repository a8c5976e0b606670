from collections.abc import Callable

import click
import pytest
from click.testing import Result

from geosal.cli.compress import compress
from geosal.cli.panels import PANELS
from geosal.cli.plan import plan

NAMED = [name for _, names in PANELS for name in names]


def test_every_name_is_that_of_an_option_and_in_one_panel() -> None:
    there = {each.name for command in (compress, plan) for each in command.params if isinstance(each, click.Option)}
    assert len(NAMED) == len(set(NAMED))
    assert set(NAMED) <= there
    assert there - set(NAMED) == {"quiet", "report", "verbose"}


@pytest.mark.parametrize("command", [compress, plan])
def test_the_help_has_every_option_once_and_the_commonest_first(
    command: click.Command, call: Callable[..., Result]
) -> None:
    text = call(command.name, "--help").stdout
    lines = [line.split()[0] for line in text.splitlines() if line.startswith("  -")]
    assert len(lines) == sum(isinstance(each, click.Option) for each in command.params) + 1  # and --help
    assert text.index("Where to look:") < text.index("--saliency SOURCE") < text.index("Codec:")
    assert text.index("What is told:") < text.index("--json FILE")
    assert max(map(len, text.splitlines())) <= 80
