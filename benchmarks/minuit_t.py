"""Student's t fitted by iminuit with numba-stats' log-density, serial and in parallel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from iminuit import Minuit
from numba_stats import t


# as numba-stats' README fits first
@numba.njit
def _serial(x: Any, df: float, loc: float, scale: float) -> float:
    return -np.sum(t.logpdf(x, df, loc, scale))


# as numba-stats' README advises for several cores
@numba.njit(parallel=True, fastmath=True)
def _parallel(x: Any, df: float, loc: float, scale: float) -> float:
    return -np.sum(t.logpdf(x, df, loc, scale))


def fits_of_student_t(x: Any) -> dict[str, Callable[[], tuple[float, ...]]]:
    """Fits to be timed, by how they add up."""
    return {
        "serial": lambda: _fit(_serial, x),
        "parallel": lambda: _fit(_parallel, x),
    }


def _fit(loss: Callable[..., float], x: Any) -> tuple[float, ...]:
    """MIGRAD with the default strategy and tolerance, from quartiles; no HESSE."""
    low, middle, high = np.quantile(x, [0.25, 0.5, 0.75])
    minuit = Minuit(
        lambda df, loc, scale: loss(x, df, loc, scale),
        df=4.0,
        loc=middle,
        scale=(high - low) / 1.48,  # the distance of the quartiles where df = 4 and scale = 1
    )
    minuit.errordef = Minuit.LIKELIHOOD
    minuit.limits["df"] = minuit.limits["scale"] = (0.0, None)
    minuit.migrad()
    if not minuit.valid:
        raise RuntimeError("iminuit did not converge")
    return tuple(minuit.values)
