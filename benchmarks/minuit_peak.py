"""A normal peak on an exponential background, fitted by iminuit with numba-stats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from iminuit import Minuit
from numba_stats import truncexpon, truncnorm


# as numba-stats' README advises for several cores
@numba.njit(parallel=True, fastmath=True)
def _loss(
    x: Any, lower: float, upper: float, fraction: float, mean: float, width: float, slope: float
) -> float:
    signal = truncnorm.pdf(x, lower, upper, mean, width)
    rest = truncexpon.pdf(x, lower, upper, lower, slope)
    return -np.sum(np.log(fraction * signal + (1.0 - fraction) * rest))


def fit_of_peak(x: Any, lower: float, upper: float) -> Callable[[], tuple[float, ...]]:
    """The fit to be timed: MIGRAD with the default strategy and tolerance, then HESSE."""

    def fit() -> tuple[float, ...]:
        minuit = Minuit(
            lambda fraction, mean, width, slope: _loss(
                x, lower, upper, fraction, mean, width, slope
            ),
            fraction=0.5,
            mean=0.5 * (lower + upper),
            width=0.1 * (upper - lower),
            slope=upper - lower,
        )
        minuit.errordef = Minuit.LIKELIHOOD
        minuit.limits["fraction"] = (0.0, 1.0)
        minuit.limits["width"] = minuit.limits["slope"] = (0.0, None)
        minuit.migrad()
        minuit.hesse()
        if not minuit.valid:
            raise RuntimeError("iminuit did not converge")
        return tuple(minuit.values)

    return fit
