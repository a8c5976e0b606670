"""A few inputs for each target of `fuzz.py`, which by hand tries thousands: the readers, and the script itself."""

import random
from pathlib import Path

import pytest
from fuzz import TARGETS, Fuzzed
from mutations import as_json, as_lines, as_text, as_xml, bytewise

_DEAR = 8
"""Cost from which a target is left to the script: its sound files alone take seconds."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name, target in TARGETS.items() if target.cost < _DEAR])
def test_nothing_but_what_is_promised_comes_out(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    fuzzed = Fuzzed(name, folder, seed=0)
    inputs = [fuzzed.input(number) for number in range(40 // TARGETS[name].cost)]
    assert inputs == [fuzzed.input(number) for number in range(len(inputs))]
    assert {fuzzed.run(*one) for one in inputs} <= {"accepted", "refused"}


def test_what_a_reader_must_not_do_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    fuzzed = Fuzzed("WKB", folder, seed=0)
    other = tmp_path / "other"
    for act, told in (
        (lambda *_: other.write_text("x"), "touches what is not its own: open"),
        (lambda *_: (folder / "left").touch(), "leaves or takes left"),
        (lambda *_: 1 // 0, "ZeroDivisionError at "),
        (lambda *_: other.unlink(), "touches what is not its own: os.remove"),
    ):
        monkeypatch.setattr(type(fuzzed.target), "read", property(lambda _, act=act: act))
        assert fuzzed.run("", b"").startswith(told)


@pytest.mark.parametrize(
    ("mutate", "data"),
    [(bytewise, b"abc"), (as_text, b"a=1"), (as_lines, b"a\nb"), (as_json, b'{"a": [1, "b"]}'), (as_xml, b"<a>1</a>")],
)
def test_damage_is_always_the_same_and_mostly_damage(mutate, data: bytes) -> None:
    found = [mutate(data, random.Random(number)) for number in range(50)]
    assert found == [mutate(data, random.Random(number)) for number in range(50)]
    assert sum(one != data for one in found) > 30
