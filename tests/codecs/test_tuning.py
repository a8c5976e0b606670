from typing import Any

import pytest

from geosal.codecs.profiles import Profile
from geosal.codecs.tuning import Setting, setting_for
from geosal.errors import UsageError
from geosal.treatment import NOTHING, SMOOTH, Treatment


def profile(compress: str, *, lossless: bool, driver: str = "COG") -> Profile:
    return Profile(
        name=compress.lower(),
        driver=driver,
        lossless=lossless,
        creation_options=(("COMPRESS", compress), *((("QUALITY", "75"),) if compress in {"JPEG", "JP2"} else ())),
    )


@pytest.mark.parametrize(
    ("found", "treatment", "given", "setting"),
    [
        (profile("JPEG", lossless=False), "smooth", {}, Setting.QUALITY),
        (profile("JPEG", lossless=False), "smooth", {"quality": "60"}, Setting.LADDER),
        (profile("LERC", lossless=True), "smooth", {}, Setting.MAX_Z_ERROR),
        (profile("LERC", lossless=False), "smooth", {"MAX_Z_ERROR": "3"}, Setting.LADDER),
        (profile("JP2", lossless=False, driver="JP2OpenJPEG"), "smooth", {}, Setting.RATE),
        (profile("DEFLATE", lossless=True), "smooth", {"LEVEL": "9"}, Setting.LADDER),
        (profile("JPEG", lossless=False), "quality:low=30,high=80", {}, Setting.TILES),
        (profile("ZSTD", lossless=True), "smooth bound:error=8", {}, Setting.BOUND),
    ],
)
def test_what_the_user_has_not_fixed_is_turned(
    found: Profile, treatment: str, given: dict[str, Any], setting: Setting
) -> None:
    assert setting_for(found, Treatment.parse(treatment.split()), given, for_bytes=True) is setting


def test_where_nothing_is_left_to_turn_the_job_is_refused() -> None:
    raw = profile("NONE", lossless=True)
    with pytest.raises(UsageError, match="its bytes are those of the pixels"):
        setting_for(raw, SMOOTH, {}, for_bytes=True)
    assert setting_for(raw, SMOOTH, {}, for_bytes=False) is Setting.LADDER
    fixed = profile("JPEG", lossless=False)
    with pytest.raises(UsageError, match="nothing is left"):
        setting_for(fixed, NOTHING, {"QUALITY": "60"}, for_bytes=True)
