"""Creation options as data: each format's list, and the values that one takes."""

import re
from typing import Any

import pytest

from geosal.errors import UsageError
from geosal.formats.format import Format
from geosal.formats.options import PROTECTED_OPTIONS, YES_NO, CreationOption, number, united
from geosal.formats.table import FORMATS


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_the_list_of_a_format(form: Format[Any]) -> None:
    names = [option.name for option in form.options]
    assert len(names) == len(set(names))
    assert not PROTECTED_OPTIONS.keys() & names
    assert set(form.tile_sides) <= set(names)
    for option in form.options:
        assert option.name == option.name.upper()
        assert option.text.endswith(".")
        assert option.default
        assert not (option.limits and option.words)
        assert option.for_floats <= option.words


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_a_codec_sets_what_its_format_takes(form: Format[Any]) -> None:
    known = {option.name: option for option in form.options}
    for codec in form.codecs:
        given = {name.upper(): value for name, value in codec.options}
        assert given.keys() - known.keys() <= PROTECTED_OPTIONS.keys()
        for name in given.keys() & known.keys():
            known[name].check(given[name], "uint8", given.get("COMPRESS", ""))


SIDE = CreationOption(name="SIDE", text="Side.", default="512", limits=(64, 4096), multiple=16)
RATES = CreationOption(name="RATES", text="Rates.", default="25", limits=(0.001, 100), whole=False, many=True)
ERROR = CreationOption(name="ERROR", text="Error.", default="0", limits=(0, float("inf")), whole=False)
LEVEL = CreationOption(name="LEVEL", text="Level.", default="9", limits=(1, 22), limits_of={"DEFLATE": (1, 12)})
SWITCH = CreationOption(name="SWITCH", text="Switch.", default="NO", words=YES_NO, for_floats=frozenset({"ON"}))
THREADS = CreationOption(name="THREADS", text="T.", default="ALL", words=frozenset({"ALL"}), or_whole=True)
TEXT = CreationOption(name="TEXT", text="Text.", default="", plain_ascii=True)


@pytest.mark.parametrize(
    ("option", "value", "fault"),
    [
        (SIDE, "512", None),
        (SIDE, "100", "it is a multiple of 16 from 64 to 4096"),
        (SIDE, "512.0", "it is a multiple of 16 from 64 to 4096"),
        (SIDE, "32", "needs a number from 64 to 4096"),
        (SIDE, "many", "needs a number from 64 to 4096"),
        (SIDE, "512,512", "needs a number from 64 to 4096"),
        (RATES, "10,2.5", None),
        (RATES, "10,,2", "needs a number from 0.001 to 100"),
        (ERROR, "1e9", None),
        (ERROR, "inf", "needs a number of 0 or more"),
        (ERROR, "nan", "needs a number of 0 or more"),
        (LEVEL, "12", None),
        (LEVEL, "13", "needs a number from 1 to 12"),
        (LEVEL, "7.5", "it is a whole number from 1 to 12"),
        (LEVEL, "\u0663", "needs a number from 1 to 12"),
        (SWITCH, "yes", None),
        (SWITCH, "on", "is for floats, these are uint8; use YES"),
        (SWITCH, "maybe", "it is 0, 1, FALSE, NO, OFF, ON, TRUE, YES"),
        (THREADS, "all", None),
        (THREADS, "4", None),
        (THREADS, "-4", "it is ALL or a whole number"),
        (TEXT, "anything, 1", None),
        (TEXT, "é", "a comment in a JPEG2000 is plain ASCII"),
    ],
)
def test_values(option: CreationOption, value: str, fault: str | None) -> None:
    if fault is None:
        option.check(value, "uint8", "DEFLATE")
        return
    with pytest.raises(UsageError, match=re.escape(f"--co {option.name}={value}: {fault}") + "$"):
        option.check(value, "uint8", "DEFLATE")


def test_limits_and_words_of_others() -> None:
    LEVEL.check("22", "uint8", "ZSTD")
    SWITCH.check("on", "float32")


def test_one_option_has_one_value() -> None:
    assert united([("quality", "75"), ("QUALITY", "75")]) == {"QUALITY": "75"}
    with pytest.raises(UsageError, match="one option has one value"):
        united([("quality", "75"), ("QUALITY", "80")])
    assert number("1.5") == 1.5
    assert number("x") != number("x")
