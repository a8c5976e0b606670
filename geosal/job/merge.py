"""Options laid over a wish that was made before: a file of options, or the recipe of a finished file."""

from collections.abc import Mapping, Sequence
from typing import Any

from geosal.core.option_values import read_texts
from geosal.core.treatment import NOTHING, Bound, Quality, Treatment
from geosal.formats.options import read_options
from geosal.formats.table import CODEC_OPTIONS
from geosal.sources import SourceText, source_texts
from geosal.sources.combine import idle_rules

_RATES = ("target_bpp", "target_size", "target_ratio", "target_jpeg")
_FLOORS = ("min_psnr", "min_ssim")
TARGETS = (*_RATES, *_FLOORS)
"""Options that say how small or how good an output is to be."""


def over(given: Mapping[str, Any], wish: Mapping[str, Any]) -> dict[str, Any]:
    """Lay options over a wish; both are plain data, as `geosal.Recipe.from_mapping` takes it.

    Creation options go before those of the wish one by one, but for those of another codec. An option that excludes
    something of the wish takes its place: bands by number and by name, bytes and quality, the rules of other sources.

    Parameters
    ----------
    given
        The options, which go first; None counts as not given. False and empty values go first as well, but exclude
        nothing.
    wish
        What was wished before.

    Raises
    ------
    UsageError
        A value has the wrong type, or a treatment or a SOURCE text is wrong.
    """
    given = {name: value for name, value in given.items() if value is not None}
    told = {name: value for name, value in given.items() if value not in ((), {}, [])}
    wish = {name: value for name, value in wish.items() if name in given or not _is_replaced(name, told)}
    if "saliency" in told:
        idle = _idle(wish | given)
        wish = {name: value for name, value in wish.items() if name in given or name not in idle}
    options = {
        name: value
        for name, value in _options(wish.get("creation_options")).items()
        if not _is_settled(name, wish, told)
    }
    options |= _options(given.get("creation_options"))
    both = {name: value for name, value in (wish | given).items() if name != "creation_options"}
    return both | ({"creation_options": options} if options else {})


def _options(value: Any) -> dict[str, str]:
    return {} if value is None else dict(read_options("creation_options", value))


def _treatment(given: Mapping[str, Any]) -> Treatment:
    return Treatment.parse(read_texts("treatment", given["treatment"])) if "treatment" in given else NOTHING


def _idle(wish: Mapping[str, Any]) -> dict[str, str]:
    """Rules that no source follows, by name."""
    sources: Sequence[SourceText] = [SourceText.parse(text) for text in source_texts(wish["saliency"])]
    rules = {"combine": None, "outside": "keep", "background": 0.0}
    return idle_rules(sources, **{name: wish.get(name, usual) for name, usual in rules.items()})


def _is_settled(name: str, wish: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Return whether the options, by codec or treatment, have settled a creation option of the wish."""
    if name in CODEC_OPTIONS and "profile" in given and given["profile"] != wish.get("profile"):
        return True
    match _treatment(given).then:
        case Quality(high=high):
            return name == "QUALITY" and high is not None
        case Bound():
            return name == "MAX_Z_ERROR"
    return False


def _is_replaced(name: str, given: Mapping[str, Any]) -> bool:
    """Return whether an option excludes this one of the wish."""
    if name in _RATES:
        return any(other in given for other in TARGETS)
    if name in _FLOORS:
        return any(rate in given for rate in _RATES)
    if name == "sigma":
        return "treatment" in given and not _treatment(given).smooth
    return {"bands": "bidx", "bidx": "bands"}.get(name) in given
