"""Wald intervals: the estimate ± normal quantile × standard error, on the unconstrained scale."""

from __future__ import annotations

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import REAL, UNIT, Domain, Interval


def wald_interval(estimates: Vector, errors: Vector, z: float, domain: Domain) -> Vector:
    """Return the ends of each interval, shape (n, 2), mapped back so that none leaves the domain.

    The estimate where it has no error, NaN where its error is unknown.

    Args:
        estimates: the estimates, shape (n,).
        errors: their standard errors.
        z: the normal quantile.
        domain: of the estimates.
    """
    # each probability of a simplex by its log odds
    scale = domain if isinstance(domain, Interval) else UNIT if domain.bounded else REAL
    with np.errstate(all="ignore"):  # an estimate on a bound has no interval
        u = scale.unconstrained(estimates)
        slope = scale.jacobian(u)[:, 0]
        half = z * errors / slope
        ends: Vector = np.stack([scale.constrained(u - half), scale.constrained(u + half)], axis=-1)
    ends[(slope == 0.0) | ~np.isfinite(slope) | np.isnan(errors)] = np.nan
    return np.where((errors == 0.0)[:, None], estimates[:, None], ends)
