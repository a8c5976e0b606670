"""Make and read the tags that record how our files were made; all are in the default domain and begin with ``GEOSAL_``.

Tags of one format alone, such as the digest of a JPEG, are in that format's room.
"""

from collections.abc import Mapping
from typing import Any

from geosal.core.ladder import Ladder
from geosal.core.treatment import SMOOTH, Treatment
from geosal.errors import UsageError
from geosal.version import __version__

PREFIX = "GEOSAL_"
TO_BYTE = f"{PREFIX}TO_BYTE"
"""Tag of a scene in 8 bits: the rule that made the bytes; each band has the physical values that are 1 and 255."""
VERSION = f"{PREFIX}VERSION"
TREATMENT = f"{PREFIX}TREATMENT"
LADDER = f"{PREFIX}LADDER"
EFFECTIVE_KERNEL = f"{PREFIX}EFFECTIVE_KERNEL"
SALIENCY = f"{PREFIX}SALIENCY"
SMOOTHED = f"{PREFIX}SMOOTHED"
"""Tag of an array that was smoothed, and attribute by which it knows: the ladder. Whether it was changed since, nobody
knows, so it is no promise that a check holds a file to."""
OF_A_JOB = (TREATMENT, LADDER, EFFECTIVE_KERNEL)
"""Tags that are only written together: without one of them, a check would test another promise than was made."""


def of_any_file() -> dict[str, str]:
    """Make the tags of a file whose pixels came from the user."""
    return {VERSION: __version__}


def of_smoothing(ladder: Ladder, saliency: str) -> dict[str, str]:
    """Attributes of an array that was smoothed."""
    return {SMOOTHED: str(ladder), SALIENCY: saliency}


def of_an_array(attributes: Mapping[Any, Any]) -> dict[str, str]:
    """Tags of a file that an array is written to, with what its attributes tell of a smoothing."""
    noted = {key: attributes.get(key) for key in (SMOOTHED, SALIENCY)}
    return of_any_file() | {key: text for key, text in noted.items() if isinstance(text, str)}


def of_a_job(treatment: Treatment, ladder: Ladder, kernel: float, saliency: str) -> dict[str, str]:
    """Make the tags of a job's output.

    Parameters
    ----------
    treatment, ladder
        Treatment, with nothing left open, and ladder of the job.
    kernel
        Effective kernel over the valid pixels.
    saliency
        Label of the saliency.
    """
    return {
        **of_any_file(),
        TREATMENT: str(treatment),
        LADDER: str(ladder),
        EFFECTIVE_KERNEL: f"{kernel:.4f}",
        SALIENCY: saliency,
    }


def of_a_map(saliency: str, scale: int, levels: int | None) -> dict[str, str]:
    """Make the tags of a saliency map that are known before its pixels.

    Parameters
    ----------
    saliency
        Label of the saliency.
    scale
        The value of saliency 1.
    levels
        Number of values it was reduced to; None for all.
    """
    tags = {
        **of_any_file(),
        SALIENCY: saliency,
        f"{PREFIX}SALIENCY_SCALE": f"{scale} = 1.0 (kept as it is), 0 = 0.0 (matters least)",
    }
    return tags if levels is None else {**tags, f"{PREFIX}LEVELS": str(levels)}


def of_map_pixels(mean: float) -> dict[str, str]:
    """Make the tag of a saliency map that depends on its pixels: the mean saliency."""
    return {f"{PREFIX}MEAN_SALIENCY": f"{mean:.4f}"}


def of_an_error_map(candidate: str, original: str) -> dict[str, str]:
    """Make the tags of a raster of errors: the names of the two files that were compared."""
    return {**of_any_file(), f"{PREFIX}ERROR_OF": candidate, f"{PREFIX}ERROR_AGAINST": original}


def read_ladder(tags: Mapping[str, str]) -> Ladder | None:
    """Read the ladder from tags of the default domain; None when there is none that can be read."""
    try:
        fields = dict(part.split("=", 1) for part in tags.get(LADDER, "").split())
        return Ladder(steps=int(fields["steps"]), sigma=fields["sigma"])
    except (KeyError, ValueError, UsageError):
        return None


def read_treatment(tags: Mapping[str, str]) -> Treatment | None:
    """Read the treatment from tags of the default domain; `SMOOTH` without one, None when it cannot be read."""
    text = tags.get(TREATMENT)
    try:
        return SMOOTH if text is None else Treatment.parse(text.split())
    except UsageError:
        return None


def read_saliency(tags: Mapping[str, str]) -> str | None:
    """Read the label of the saliency from tags of the default domain; None where there is none."""
    return tags.get(SALIENCY)


def all_of(tags: Mapping[str, str]) -> dict[str, str]:
    """Return geosal's own tags among those of the default domain."""
    return {key: value for key, value in tags.items() if key.startswith(PREFIX)}
