import json

import pytest

from geosal.errors import UsageError
from geosal.formats.table import FORMATS, PROFILES, format_with

CASES = [(codec.name, option) for form in FORMATS for codec in form.codecs for option in form.options]


def test_all_profiles_are_listed_under_their_formats(call):
    done = call("profiles")
    assert done.exit_code == 0, done.output
    indented = [line for line in done.output.splitlines() if line.startswith("    ")]
    listed = [line.split()[0] for line in indented if not line.startswith("     ")]
    assert listed == list(PROFILES)
    readers = [line.strip() for line in indented if line.startswith("     ")]
    assert readers == [f"opens in: {codec.opens_in}" for codec in PROFILES.values()]
    assert max(map(len, indented)) <= 100
    assert all(f"{form.name} ({form.suffixes[0]}" in done.output for form in FORMATS)


def test_one_profile_is_shown_with_its_creation_options_at_80_columns(call):
    done = call("profiles", "zstd", "jpeg")
    assert done.exit_code == 0, done.output
    assert "--co LEVEL=1..22" in done.output
    assert "--co QUALITY=1..100" in done.output
    assert "--co BIGTIFF=IF_NEEDED|IF_SAFER|NO|YES" in done.output
    prose = [line for line in done.output.splitlines() if "--co" not in line]
    assert max(map(len, prose)) <= 80


def test_the_document_holds_every_profile(call):
    told = json.loads(call("profiles", "--json", "-").output)["profiles"]
    assert [profile["name"] for profile in told] == list(PROFILES)
    (jpeg,) = (profile for profile in told if profile["name"] == "jpeg")
    assert jpeg["driver"] == "COG"
    assert jpeg["opens_in"] == PROFILES["jpeg"].opens_in
    assert {"name": "QUALITY", "default": "75"}.items() <= jpeg["options"][0].items()


def test_an_unknown_profile_is_a_usage_error_with_those_there_are(call):
    done = call("profiles", "defalte")
    assert done.exit_code == 2
    assert "no profile defalte; did you mean deflate? there are deflate, zstd" in done.output


@pytest.mark.parametrize(("name", "option"), CASES, ids=[f"{name}-{option.name}" for name, option in CASES])
def test_an_option_that_is_not_shown_is_refused(name, option):
    """What is shown would be taken with any value, what is not is refused with a value that could matter."""
    codec = PROFILES[name]
    form = format_with(codec)
    value = {"PREDICTOR": "YES", "OVERVIEW_PREDICTOR": "YES"}.get(option.name, "7")
    if form.has_option(codec, option.name):
        form.check_option(option.name, value, codec, {option.name: value})
    else:
        with pytest.raises(UsageError):
            form.check_option(option.name, value, codec, {option.name: value})
