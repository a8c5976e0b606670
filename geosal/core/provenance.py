"""Tags by which our files tell how they were made, written and read; in the default domain, ``GEOSAL_`` before each.

Tags of one format alone, such as the digest of a JPEG, are that format's business.
"""

from collections.abc import Mapping

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
OF_A_JOB = (TREATMENT, LADDER, EFFECTIVE_KERNEL)
"""Tags that are only written together: without one of them, a check would test another promise than was made."""


def of_any_file() -> dict[str, str]:
    """Tags of a file whose pixels were given to us."""
    return {VERSION: __version__}


def of_a_job(treatment: Treatment, ladder: Ladder, kernel: float, saliency: str) -> dict[str, str]:
    """Tags of a job's output.

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
    """Tags of a saliency map that are known before its pixels.

    Parameters
    ----------
    saliency
        Label of the saliency.
    scale
        The value of saliency 1.
    levels
        Number of values it was brought to; None for all.
    """
    tags = {
        **of_any_file(),
        SALIENCY: saliency,
        f"{PREFIX}SALIENCY_SCALE": f"{scale} = 1.0 (kept as it is), 0 = 0.0 (matters least)",
    }
    return tags if levels is None else {**tags, f"{PREFIX}LEVELS": str(levels)}


def of_map_pixels(mean: float) -> dict[str, str]:
    """Tags of a saliency map that only its pixels tell: the mean saliency."""
    return {f"{PREFIX}MEAN_SALIENCY": f"{mean:.4f}"}


def of_an_error_map(candidate: str, original: str) -> dict[str, str]:
    """Tags of a raster of errors: the names of the two files that were compared."""
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
    """The tags among those of the default domain that are ours."""
    return {key: value for key, value in tags.items() if key.startswith(PREFIX)}
