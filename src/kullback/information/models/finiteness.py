"""Whether E_p[−log q] is +∞, decided from supports and tails before anything is computed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from kullback._core.errors import ModelError
from kullback.information.models.integrate import spread
from kullback.information.models.lattice_sum import finite_outcomes, outcomes
from kullback.information.models.tails import diverges, diverges_numerically, outline
from kullback.models.model import Model
from kullback.models.tails import Tails

# How many outcomes a message lists, and how many of a long range are examined.
_SHOWN, _EXAMINED = 5, 1 << 14
# Draws that locate a model, to the order of magnitude.
_DRAWS = 1_000
# Two ends that differ by fewer roundings than this are one end.
_SAME_END = 4.0 * float(np.finfo(np.float64).eps)


class Finiteness(NamedTuple):
    """Whether an expectation is known to be infinite, and why."""

    infinite: bool = False
    method: str = ""  # "supports" or "tails"
    reason: str = ""
    undecided: tuple[str, ...] = ()  # what could not be decided


def finiteness(p: Model, q: Model) -> Finiteness:
    """Decide whether E_p[−log q] is +∞.

    Raises:
        ModelError: where q is a distribution of angles and p spreads over more than a full turn.
    """
    if p.discrete:
        return _of_outcomes(p, q)
    o, r = outline(p), aligned_outline(p, q)
    for own, other, word in ((-o.lower, -r.lower, "below"), (o.upper, r.upper, "above")):
        if own > other:
            end = -other if word == "below" else other
            reason = f"p has mass {word} {end:.10g}, where q has none"
            return Finiteness(infinite=True, method="supports", reason=reason)
    undecided = []
    sides = (
        (o.lower, r.lower, o.lower_tail, r.lower_tail, -1.0),
        (o.upper, r.upper, o.upper_tail, r.upper_tail, 1.0),
    )
    for end, other, p_tail, q_tail, sign in sides:
        if end != other:
            continue
        infinite = (
            diverges_numerically(p, q, end, sign, *_spread(p))
            if p_tail is None or q_tail is None
            else diverges(p_tail, q_tail, infinite=math.isinf(end))
        )
        where = f"towards {end:g}"
        if infinite is None:
            undecided.append(f"which tail dominates {where} could not be determined")
        elif infinite:
            reason = f"−log q grows too fast {where} for p's tail there: its mean is infinite"
            return Finiteness(infinite=True, method="tails", reason=reason)
    return Finiteness(undecided=tuple(undecided))


def _spread(p: Model) -> tuple[float, float]:
    """Find a centre and a spread, from draws where p has neither moments nor quantiles."""
    try:
        return spread(p, outline(p))
    except ModelError:
        low, middle, high = np.quantile(p.sample(_DRAWS, seed=0), [0.25, 0.5, 0.75])
        return float(middle), float(high - low)


def aligned_outline(p: Model, q: Model) -> Tails:
    """Return q's ends and tails, with p's ends where they differ by rounding only.

    A density of angles repeats itself after a full turn, so that it extends over p's support.

    Raises:
        ModelError: where q is a distribution of angles and p spreads over more than a full turn.
    """
    o, r = outline(p), outline(q)
    if r.bend is not None:
        r = replace(r, kinks=(*r.kinks, r.bend))
    if r.period is not None:
        if o.upper - o.lower > r.period * (1.0 + _SAME_END):
            raise ModelError(
                f"{q!r} is a distribution of angles: its density repeats itself after a full turn, "
                f"but the outcomes of {p!r} spread over more."
            )
        return replace(r, lower=o.lower, upper=o.upper)
    lower = o.lower if _same(o.lower, r.lower, o) else r.lower
    upper = o.upper if _same(o.upper, r.upper, o) else r.upper
    return replace(r, lower=lower, upper=upper)


def _same(own: float, other: float, o: Tails) -> bool:
    # an end computed from loc and scale has the rounding error of their size
    sizes = [abs(x) for x in (own, other, o.upper - o.lower) if math.isfinite(x)]
    return math.isclose(own, other, rel_tol=0.0, abs_tol=_SAME_END * max(sizes, default=0.0))


def _of_far_outcomes(p: Model, q: Model) -> Finiteness:
    """Decide from the probabilities at powers of two whether those far out have a finite sum."""
    if math.isfinite(p.support.upper):
        return Finiteness()
    infinite = diverges_numerically(p, q, math.inf, 1.0, 0.0, 1.0)
    if infinite is None:
        return Finiteness(undecided=("which tail dominates towards inf could not be determined",))
    if not infinite:
        return Finiteness()
    reason = "−log q grows too fast towards inf for p's tail there: its mean is infinite"
    return Finiteness(infinite=True, method="tails", reason=reason)


def _of_outcomes(p: Model, q: Model) -> Finiteness:
    """Look for outcomes that are possible under p and impossible under q."""
    every = finite_outcomes(p)
    if every is None:
        low, high, _ = outcomes(p)
        every = np.arange(low, min(high, low + _EXAMINED) + 1.0)
        ends = [p.support.lower, q.support.lower - 1.0, q.support.upper + 1.0]
        every = np.union1d(every, [x for x in ends if math.isfinite(x)])
    log_p, log_q = np.asarray(p.log_density(every)), np.asarray(q.log_density(every))
    impossible = every[(log_p > -np.inf) & (log_q == -np.inf)]
    if not impossible.size:
        return _of_far_outcomes(p, q)
    levels = getattr(p, "levels", None)
    names = [repr(levels[int(x)]) if levels else f"{x:g}" for x in impossible[:_SHOWN]]
    more = " and others" if impossible.size > _SHOWN or not math.isfinite(p.support.upper) else ""
    reason = f"p has mass at {', '.join(names)}{more}, where q has none"
    return Finiteness(infinite=True, method="supports", reason=reason)
