from typing import Any

import pytest

from geosal.core.treatment import NOTHING, SMOOTH, Treatment
from geosal.errors import UsageError
from geosal.formats.format import Profile
from geosal.formats.table import PROFILES, format_with
from geosal.formats.tuning import Setting, setting_for


def profile(name: str, *, lossless: bool) -> Profile:
    codec = PROFILES[name]
    return Profile(format=format_with(codec), codec=codec, lossless=lossless, creation_options=codec.options)


@pytest.mark.parametrize(
    ("found", "treatment", "given", "setting"),
    [
        (profile("jpeg", lossless=False), "smooth", {}, Setting.QUALITY),
        (profile("jpeg", lossless=False), "smooth", {"quality": "60"}, Setting.LADDER),
        (profile("lerc", lossless=True), "smooth", {}, Setting.MAX_Z_ERROR),
        (profile("lerc", lossless=False), "smooth", {"MAX_Z_ERROR": "3"}, Setting.LADDER),
        (profile("jp2", lossless=False), "smooth", {}, Setting.RATE),
        (profile("deflate", lossless=True), "smooth", {"LEVEL": "9"}, Setting.LADDER),
        (profile("jpeg", lossless=False), "quality:low=30,high=80", {}, Setting.TILES),
        (profile("zstd", lossless=True), "smooth bound:error=8", {}, Setting.BOUND),
    ],
)
def test_what_the_user_has_not_fixed_is_turned(
    found: Profile, treatment: str, given: dict[str, Any], setting: Setting
) -> None:
    assert setting_for(found, Treatment.parse(treatment.split()), given, for_bytes=True) is setting


def test_where_nothing_is_left_to_turn_the_job_is_refused() -> None:
    raw = profile("raw", lossless=True)
    with pytest.raises(UsageError, match="its bytes are those of the pixels"):
        setting_for(raw, SMOOTH, {}, for_bytes=True)
    assert setting_for(raw, SMOOTH, {}, for_bytes=False) is Setting.LADDER
    fixed = profile("jpeg", lossless=False)
    with pytest.raises(UsageError, match="nothing is left"):
        setting_for(fixed, NOTHING, {"QUALITY": "60"}, for_bytes=True)
