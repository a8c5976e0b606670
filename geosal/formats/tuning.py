"""Choose the setting of a job that a search turns to meet a target of bytes or quality."""

from collections.abc import Mapping
from enum import StrEnum

from geosal.core.treatment import Bound, Quality, Treatment
from geosal.errors import UsageError
from geosal.formats.format import Profile


class Setting(StrEnum):
    """What can be turned."""

    QUALITY = "QUALITY"
    """Quality of JPEG and WebP, 1 to 100."""
    RATE = "rate"
    """QUALITY of JPEG 2000: percent of the raw bytes."""
    MAX_Z_ERROR = "MAX_Z_ERROR"
    """Largest error of LERC, in units of the samples."""
    LADDER = "ladder"
    """Steps and sigma of the ladder: how wide the kernels are."""
    TILES = "treatment quality"
    """Both qualities of the treatment that gives each tile its own."""
    BOUND = "treatment bound"
    """Largest error of the treatment that quantises."""


def setting_for(profile: Profile, treatment: Treatment, given: Mapping[str, str], *, for_bytes: bool) -> Setting:
    """Choose what is turned: the codec's own setting, or, where it has none or the user has fixed it, the ladder.

    Parameters
    ----------
    profile, treatment
        Decided.
    given
        The user's own creation options, which are not turned.
    for_bytes
        Whether the target is bytes, and not quality.

    Raises
    ------
    UsageError
        The output has nothing to turn.
    """
    fixed = {name.upper() for name in given}
    codec, options = profile.codec, profile.options
    if for_bytes and codec.raw:
        raise UsageError(
            f"profile {profile.name}: its bytes are those of the pixels, whatever they are; a target of bytes needs "
            "a codec, such as --profile zstd"
        )
    match treatment.then:
        case Quality():
            return Setting.TILES
        case Bound():
            return Setting.BOUND
    if codec.error_by_tile and "MAX_Z_ERROR" not in fixed:
        return Setting.MAX_Z_ERROR
    if not profile.lossless and "QUALITY" in options and "QUALITY" not in fixed:
        return Setting.RATE if codec.quality_is_rate else Setting.QUALITY
    if treatment.smooth:
        return Setting.LADDER
    raise UsageError(
        f"profile {profile.name} without smoothing: nothing is left to meet a target with; leave out what fixes the "
        "quality, or add --treatment smooth"
    )
