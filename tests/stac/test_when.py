"""Times by the user and by tags; what nobody tells is not made up."""

import pytest

from geosal.errors import UsageError
from geosal.stac.when import When, when


@pytest.mark.parametrize(
    ("text", "properties"),
    [
        ("2024-05-01T10:40:21Z", {"datetime": "2024-05-01T10:40:21Z"}),
        ("2024-05-01 10:40", {"datetime": "2024-05-01T10:40:00Z"}),
        ("2024-05-01T10:40:21.5+02:00", {"datetime": "2024-05-01T08:40:21.500000Z"}),
        (
            "2024-05-01",
            {"datetime": None, "start_datetime": "2024-05-01T00:00:00Z", "end_datetime": "2024-05-01T23:59:59Z"},
        ),
        (
            "2024-05-01T10:00Z / 2024-05-03",
            {"datetime": None, "start_datetime": "2024-05-01T10:00:00Z", "end_datetime": "2024-05-03T23:59:59Z"},
        ),
    ],
)
def test_a_user_says_a_moment_a_day_or_a_stretch(text: str, properties: dict[str, object]) -> None:
    assert When.parse(text).properties() == properties


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2024-13-01", "2024-05-01/", "a/b/c", "2024-05-02/2024-05-01", "..", "99"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="datetime"):
        When.parse(text)


@pytest.mark.parametrize(
    ("tags", "by", "start"),
    [
        (
            {"": {"ACQUIRED": "2024-05-01T10:40:21.024Z", "TIFFTAG_DATETIME": "2025:01:01 00:00:00"}},
            "ACQUIRED",
            "10:40",
        ),
        ({"": {"DATE_ACQUIRED": "2013-06-20", "SCENE_CENTER_TIME": "17:01:02.1234560Z"}}, "DATE_ACQUIRED", "17:01"),
        ({"": {"DATE_ACQUIRED": "2013-06-20"}}, "DATE_ACQUIRED", "00:00"),
        ({"IMAGERY": {"ACQUISITIONDATETIME": "2015-12-21 10:25:14"}}, "ACQUISITIONDATETIME", "10:25"),
        ({"": {"NITF_IDATIM": "20151221102514"}}, "NITF_IDATIM", "10:25"),
        ({"": {"TIME": "2024-05-01T00:00:00.000000000"}}, "TIME", "00:00"),
        ({"": {"ACQUIRED": "unknown", "TIFFTAG_DATETIME": "2025:01:01 09:00:00"}}, "TIFFTAG_DATETIME", "09:00"),
    ],
)
def test_the_surest_tag_tells(tags: dict[str, dict[str, str]], by: str, start: str) -> None:
    found = when(None, tags, "scene.tif")
    assert (found.told_by, f"{found.start:%H:%M}") == (by, start)
    assert bool(found.doubt) == (by == "TIFFTAG_DATETIME")
    assert when("2000-01-01T00:00Z", tags, "scene.tif").told_by == "user"


def test_nobody_tells() -> None:
    with pytest.raises(UsageError, match=r"no metadata of scene\.tif tell when .* --datetime"):
        when(None, {"": {"AREA_OR_POINT": "Area"}}, "scene.tif")
