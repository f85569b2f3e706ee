"""The search outwards from an estimate for the end of a profile interval."""

from __future__ import annotations

import math
from collections.abc import Callable

# Differences of signed roots below this, in standard errors, are rounding.
_ROUNDING = 1e-10

# Halvings of a step to a fit that does not converge.
_TRIES = 8


class UnknownEndError(Exception):
    """An end cannot be computed; the message says why."""


class NotConvergedError(UnknownEndError):
    """A fit on the way did not converge: perhaps it was too far."""


def find_end(
    excess: Callable[[float], float],
    at: float,
    step: float,
    between: tuple[float, float],
    z: float,
) -> tuple[float, float]:
    """Find the place where the root of the deviance is that of the chi-squared quantile.

    Args:
        excess: the root of the deviance at a place, less ``z``; +inf where it is impossible.
        at: the estimate's place.
        step: the first step, negative to the lower end.
        between: the places that the search goes to.
        z: the root of the chi-squared quantile.

    Returns:
        The place and 0, or the last place searched and the excess there, below 0.

    Raises:
        UnknownEndError: a fit on the way did not converge.
    """
    lowest, highest = between
    inner, low, tries = at, -z, 0
    while True:
        place = min(max(at + step, lowest), highest)
        try:
            above = excess(place)
        except NotConvergedError:
            tries += 1
            if tries > _TRIES:
                raise
            step = math.copysign(0.5 * (abs(place - at) + abs(inner - at)), step)
            continue
        if above >= 0.0:
            break
        if place in between:
            return place, above
        inner, low = place, above
        reached = (above + z) / z
        step *= min(max(1.05 / reached, 1.25), 4.0) if reached > 0.0 else 4.0
    width = _ROUNDING * max(abs(place - at), abs(place) * 1e-5)
    return _root(excess, inner, low, place, above, width), 0.0


def _root(
    f: Callable[[float], float], a: float, fa: float, b: float, fb: float, width: float
) -> float:
    """Find a root between two places of opposite signs, to within a width.

    Source: T. R. Chandrupatla (1997), Advances in Engineering Software 28, 145–149.
    """
    t = fa / (fa - fb) if math.isfinite(fb) else 0.5
    while True:
        x = a + t * (b - a)
        fx = f(x)
        if (fx < 0.0) == (fa < 0.0):
            c, fc = a, fa
        else:
            c, fc, b, fb = b, fb, a, fa
        a, fa = x, fx
        best, least = (a, fa) if abs(fa) < abs(fb) else (b, fb)
        narrow = 0.5 * width / max(abs(b - a), width)
        if abs(least) <= _ROUNDING or narrow >= 0.5:
            return best
        t = 0.5
        if math.isfinite(fb) and math.isfinite(fc):
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            if phi * phi < xi and (1.0 - phi) ** 2 < 1.0 - xi:
                t = fa / (fb - fa) * fc / (fb - fc)
                t += (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
        t = min(max(t, narrow), 1.0 - narrow)
