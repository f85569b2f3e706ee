"""Whether E_p[−log q] is +∞, told from the supports and the tails before anything is computed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from kullback._core.errors import ModelError
from kullback.information.models.integrate import spread
from kullback.information.models.lattice_sum import finite_outcomes, outcomes
from kullback.information.models.tails import Outline, Tail, diverges, judged, outline
from kullback.models.model import Model

# How many outcomes a message lists, and how many of a long range are looked at.
_SHOWN, _LOOKED = 5, 1 << 14

# Draws that tell where a model is: it only has to be the order of magnitude.
_DRAWS = 1_000

# Two ends nearer than this many roundings of them are one end.
_SAME_END = 4.0 * float(np.finfo(np.float64).eps)


@final
@dataclass(frozen=True)
class Reach:
    """What is known of whether the expectation is finite.

    Attributes:
        infinite: it is not.
        method: what told so: "supports" or "tails".
        reason: a sentence.
        doubts: sentences on what could not be decided.
    """

    infinite: bool = False
    method: str = ""
    reason: str = ""
    doubts: tuple[str, ...] = ()


def infinite(p: Model, q: Model) -> Reach:
    """Decide whether E_p[−log q] is +∞.

    Raises:
        ModelError: where q is a distribution of angles and p spreads over more than a full turn.
    """
    if p.discrete:
        return _of_outcomes(p, q)
    o, r = outline(p), reach(p, q)
    for own, other, word in ((-o.lower, -r.lower, "below"), (o.upper, r.upper, "above")):
        if own > other:
            end = -other if word == "below" else other
            return Reach(
                infinite=True,
                method="supports",
                reason=f"p has mass {word} {end:.10g}, where q has none",
            )
    doubts = []
    sides = (
        (o.lower, r.lower, o.lower_tail, r.lower_tail, -1.0),
        (o.upper, r.upper, o.upper_tail, r.upper_tail, 1.0),
    )
    for end, other, own_tail, other_tail, sign in sides:
        if end != other:
            continue
        verdict = _at_end(p, q, end, sign, own_tail, other_tail)
        where = f"towards {end:g}"
        if verdict is None:
            doubts.append(f"the densities do not tell whose tail {where} wins")
        elif verdict:
            return Reach(
                infinite=True,
                method="tails",
                reason=f"−log q grows too fast {where} for p's tail there: its mean is infinite",
            )
    return Reach(doubts=tuple(doubts))


def _at_end(
    p: Model, q: Model, end: float, sign: float, own: Tail | None, other: Tail | None
) -> bool | None:
    if own is not None and other is not None:
        return diverges(own, other, infinite=math.isinf(end))
    return judged(p, q, end, sign, *_middle(p))


def _middle(p: Model) -> tuple[float, float]:
    """Find a centre and a spread; of draws, where p tells neither moments nor quantiles."""
    try:
        return spread(p, outline(p))
    except ModelError:
        low, middle, high = np.quantile(p.sample(_DRAWS, seed=0), [0.25, 0.5, 0.75])
        return float(middle), float(high - low)


def reach(p: Model, q: Model) -> Outline:
    """Tell q's ends and tails as p sees them.

    Ends that are p's but for rounding are p's. A density of angles means the same after a full
    turn, so that it reaches wherever p does.

    Raises:
        ModelError: where q is a distribution of angles and p spreads over more than a full turn.
    """
    o, r = outline(p), outline(q)
    loc = q.params.get("loc")
    if isinstance(loc, float):  # where q bends most
        r = replace(r, kinks=(*r.kinks, loc))
    if r.period is not None:
        if o.upper - o.lower > r.period * (1.0 + _SAME_END):
            raise ModelError(
                f"{q!r} is a distribution of angles: its density repeats itself after a full turn, "
                f"and says nothing of {p!r}, whose outcomes spread over more."
            )
        return replace(r, lower=o.lower, upper=o.upper)
    lower = o.lower if _same(o.lower, r.lower, o) else r.lower
    upper = o.upper if _same(o.upper, r.upper, o) else r.upper
    return replace(r, lower=lower, upper=upper)


def _same(own: float, other: float, o: Outline) -> bool:
    if math.isinf(own) or math.isinf(other):
        return own == other
    width = o.upper - o.lower
    # an end computed from loc and scale is rounded at the size of these
    size = max(abs(own), abs(other), width if math.isfinite(width) else 0.0)
    return abs(own - other) <= _SAME_END * size


def _of_outcomes(p: Model, q: Model) -> Reach:
    """Look for outcomes that p may have and q may not."""
    every = finite_outcomes(p)
    if every is None:
        low, high, _ = outcomes(p)
        every = np.arange(low, min(high, low + _LOOKED) + 1.0)
        ends = [p.support.lower, q.support.lower - 1.0, q.support.upper + 1.0]
        every = np.union1d(every, [x for x in ends if math.isfinite(x)])
    log_p, log_q = np.asarray(p.log_density(every)), np.asarray(q.log_density(every))
    impossible = every[(log_p > -np.inf) & (log_q == -np.inf)]
    if not impossible.size:
        return Reach()
    levels = getattr(p, "levels", None)
    names = [repr(levels[int(x)]) if levels else f"{x:g}" for x in impossible[:_SHOWN]]
    more = " and others" if impossible.size > _SHOWN or not math.isfinite(p.support.upper) else ""
    reason = f"p has mass at {', '.join(names)}{more}, where q has none"
    return Reach(infinite=True, method="supports", reason=reason)
