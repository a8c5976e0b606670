"""Find where a growing function meets a value, in few trials, since each of them encodes a sample."""

import math
from collections.abc import Callable
from dataclasses import dataclass

_MOST_TRIALS = 18
_BEYOND = 1.1
"""Share of the way to the expected place that is gone: the value should then lie between two trials."""
_INWARDS = 0.08
"""Share of a bracket that a trial keeps away from its ends."""


@dataclass(frozen=True, slots=True)
class Range:
    """Where to look.

    Attributes
    ----------
    low, high
        Ends, both allowed.
    start
        The first trial.
    step
        Distance of the second trial; it doubles until the value lies between two trials.
    fineness
        Distance below which two places are the same.
    slope
        How much the function grows from one place to the next unit, where that is about known: the second trial then
        is where the value should be, in place of `step`.
    """

    low: float
    high: float
    start: float
    step: float
    fineness: float
    slope: float | None = None


def climb(
    function: Callable[[float], float], wanted: float, tolerance: float, within: Range, *, above: bool | None
) -> float:
    """Find a place where a growing function comes close to a value, from below, from above or from either side.

    The method is that of false position with Illinois' halving (Dowell and Jarratt, BIT 11, 1971), kept off the ends of
    the bracket since codecs grow in steps.

    Parameters
    ----------
    function
        Grows, but for noise.
    wanted
        Its value.
    tolerance
        The search ends where the value is this close, on the right side.
    within
        Range to search.
    above
        True: the value must not fall below `wanted`; False: it must not rise above; None: either side is right.

    Returns
    -------
    float
        The nearest place on the right side, or an end of the range if there is none, which the value there shows.
    """
    known: dict[float, float] = {}

    def misses(place: float) -> float:
        if place not in known:
            known[place] = function(place) - wanted
        return known[place]

    def is_right(miss: float) -> bool:
        return above is None or (miss >= 0 if above else miss <= 0)

    def is_close(place: float) -> bool:
        return is_right(misses(place)) and abs(misses(place)) <= tolerance

    low, high = _bracket(misses, within, is_close)
    weights, moved = [1.0, 1.0], 0
    while high - low > 1.5 * within.fineness and len(known) < _MOST_TRIALS and not (is_close(low) or is_close(high)):
        below, over = misses(low) * weights[0], misses(high) * weights[1]
        share = -below / (over - below) if math.isfinite(over - below) and over > below else 0.5
        place = _snapped(low + (high - low) * min(max(share, _INWARDS), 1 - _INWARDS), low, high, within.fineness)
        if place in known:  # the function does not grow there
            break
        if misses(place) > 0:
            high, weights, moved = place, [weights[0] / 2 if moved == 1 else 1.0, 1.0], 1
        else:
            low, weights, moved = place, [1.0, weights[1] / 2 if moved == -1 else 1.0], -1
    right = [place for place, miss in known.items() if is_right(miss)]
    if not right:
        return within.high if above else within.low
    return min(right, key=lambda place: (abs(known[place]), place if above else -place))


def _bracket(misses: Callable[[float], float], within: Range, is_close: Callable[[float], bool]) -> tuple[float, float]:
    """Return two places between which the function passes the value; one place twice where it does not.

    Where a place is close enough, it ends there.
    """
    place, step = within.start, within.step
    way = -1 if misses(place) > 0 else 1
    end = within.low if way < 0 else within.high
    slope = within.slope
    if slope is not None and math.isfinite(misses(place)):
        step = max(within.fineness, _BEYOND * abs(misses(place)) / slope)
    while place != end and not is_close(place):
        following = max(end, place - step) if way < 0 else min(end, place + step)
        if (misses(following) > 0) != (way < 0):
            return min(place, following), max(place, following)
        farther = 2 * step
        if slope is not None:  # of the last two
            slope = (misses(following) - misses(place)) / (following - place)
            if slope > 0 and math.isfinite(slope):
                farther = min(farther, max(2 * within.fineness, _BEYOND * abs(misses(following)) / slope))
        place, step = following, farther
    return place, place


def _snapped(place: float, low: float, high: float, fineness: float) -> float:
    """Return the multiple of the fineness nearest to a place, or to the middle; the middle itself if neither fits."""
    margin = fineness / 4
    for wish in (place, (low + high) / 2):
        multiple = round(wish / fineness) * fineness
        if low + margin < multiple < high - margin:
            return multiple
    return (low + high) / 2
