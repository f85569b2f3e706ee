"""Wald intervals: the estimate ± normal quantile × standard error, on the unconstrained scale."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import REAL, UNIT, Domain, Interval
from kullback.results.by_parameter import chosen_groups
from kullback.results.intervals import Intervals

if TYPE_CHECKING:  # Fit.interval calls this module, which only reads the fit
    from kullback.results.fit_numbers import FitNumbers


def wald_intervals(
    fit: FitNumbers,
    level: float,
    errors: Vector,
    parameters: Sequence[str] | None,
    cautions: tuple[str, ...] = (),
) -> Intervals:
    """Return Wald intervals by parameter.

    Args:
        fit: the fit.
        level: coverage probability.
        errors: one standard error a constrained number, in the unit of the fit.
        parameters: names of parameters or numbers; None for all parameters.
        cautions: what limits the errors.
    """
    z = statistics.NormalDist().inv_cdf(0.5 + 0.5 * level)
    numbers = fit.evaluation.constrained(fit.vector)
    domains = {c.name: c.domain for c in fit.vector.coefficients}
    out: dict[str, Vector] = {}
    for name, group in chosen_groups(fit.form, fit.vector, parameters).items():
        domain = domains.get(group.parameter, fit.form.parameters[group.parameter])
        ends = interval_ends(numbers[group.at], errors[group.at], z, domain)
        if fit.power:
            with np.errstate(over="ignore", under="ignore"):
                ends = np.ldexp(ends, fit.power * fit.form.dimensions.get(group.parameter, 0))
        out[name] = ends[0] if group.scalar else ends
    return Intervals(out, cautions)


def interval_ends(estimates: Vector, errors: Vector, z: float, domain: Domain) -> Vector:
    """The ends of each interval, shape (n, 2): the estimate without an error, NaN where unknown."""
    # each probability of a simplex by its log odds
    scale = domain if isinstance(domain, Interval) else UNIT if domain.bounded else REAL
    with np.errstate(all="ignore"):  # an estimate on a bound has no interval
        u = scale.unconstrained(estimates)
        slope = scale.jacobian(u)[:, 0]
        half = z * errors / slope
        ends: Vector = np.stack([scale.constrained(u - half), scale.constrained(u + half)], axis=-1)
    ends[(slope == 0.0) | ~np.isfinite(slope) | np.isnan(errors)] = np.nan
    return np.where((errors == 0.0)[:, None], estimates[:, None], ends)
