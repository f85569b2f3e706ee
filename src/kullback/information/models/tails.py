"""Whether E_p[−log q] is +∞, from the tails of p and q.

The growth of −log q towards an end is of a known order, as the fall of p is, and whether its mean
under p converges follows from the parameters of the two tails, without evaluating a large number.
Where a tail is unknown, densities far out decide, or nothing does.
"""

from __future__ import annotations

import math

import numpy as np

from kullback.models.model import Model
from kullback.models.tails import Tail, Tails


def outline(model: Model) -> Tails:
    """Return the ends and tails of a fixed one-dimensional model; without them its support."""
    return model.tails or Tails(model.support.lower, model.support.upper)


# ---- does the expectation converge? --------------------------------------------------------


def diverges(p: Tail, q: Tail, *, infinite: bool) -> bool:
    """Say whether the expectation of −log q under p diverges at an end of both, finite or not."""
    if q.order in ("power", "log-square"):
        return False  # −log q grows like log y or its square, with a finite mean under any tail
    if q.order == "stretched":
        # E y^a may be infinite under a power tail; every other tail has all moments
        return p.order == "power" and q.index >= p.index
    # −log q grows like e^(rate·y)
    if p.order == "exponential" or not infinite:
        return False
    if p.order != "stretched" or p.index < 1.0:
        return True
    if p.index > 1.0:
        return False
    # ∫ y^power e^((rate_q − rate_p) y) dy
    return q.rate > p.rate or (q.rate == p.rate and p.power >= -1.0)


# ---- models of unknown tails ----------------------------------------------------------------

# Powers of two at which a tail is evaluated: out to the ends of the doubles, in one call of 1,024.
_DOUBLINGS = np.arange(4.0, 960.0)
# From here on (1e60) a power differs from anything else; a density that overflows before is none.
_FAR = 200
# Below e^-800 a product is negligible beside any expectation that a double holds.
_NEGLIGIBLE = -800.0
# A slope of the integrand in log y that is nearer to zero than this decides nothing.
_LEVEL = 1e-3
# From 2^480 to 2^960 the logarithm of log y rises by this slope: growth as slow decides nothing
# either, as every power of y outweighs it.
_SLOW = 5e-3


def diverges_numerically(
    p: Model, q: Model, end: float, sign: float, centre: float, scale: float
) -> bool | None:
    """Say from the densities, far out, whether E_p[−log q] diverges at an end; None: undecided.

    The sign is +1 at the right end and −1 at the left.
    """
    if math.isfinite(end) and end != 0.0:
        return False  # x is known only to the rounding of the end: taken as regular
    distance = scale * np.exp2(_DOUBLINGS)
    x, log_y = centre + sign * distance, np.log(distance)
    if end == 0.0:
        x, log_y = -sign * scale * np.exp2(-_DOUBLINGS), -log_y
    log_p, log_q = np.asarray(p.log_density(x)), np.asarray(q.log_density(x))
    usable = np.isfinite(log_p) & np.isfinite(log_q)
    count = int(np.argmin(usable)) if not usable.all() else usable.size
    if count < 2:
        return False if bool(np.all(log_p == -np.inf)) else None
    grown = np.log(np.maximum(np.abs(log_q[:count]), 1.0))
    if count >= _FAR and grown[-1] - grown[count // 2] < _SLOW * (
        log_y[count - 1] - log_y[count // 2]
    ):
        grown = np.zeros(count)
    log_integrand = log_p[:count] + grown + log_y[:count] * (1.0 if end else -1.0)
    if log_integrand[-1] < _NEGLIGIBLE:
        return False
    first = count // 2 if count >= _FAR else count - 2
    run = abs(float(log_y[count - 1] - log_y[first]))
    slope = float(log_integrand[-1] - log_integrand[first]) / run
    if count >= _FAR:
        return slope > 0.0 if abs(slope) > _LEVEL else None
    # −log q overflows while p still has a tail
    return True if slope > _LEVEL and bool(np.all(np.isfinite(log_p))) else None
