"""What a fit must have for a bootstrap, and the intervals that one gives.

Intervals are bias-corrected and accelerated (BCa): with z₀ the normal quantile of the share of
replicates below the estimate and a the acceleration, the end of level α is the replicates' quantile
at Φ(z₀ + (z₀ + z_α)/(1 − a(z₀ + z_α))). Source: B. Efron (1987), "Better bootstrap confidence
intervals". In samples of 30 rows they cover more than plain percentiles (benchmarks/COVERAGE.md).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError
from kullback.results.bootstrap import Bootstrap
from kullback.results.by_parameter import chosen_groups
from kullback.results.covariance import covariance_in_unit
from kullback.results.intervals import Intervals
from kullback.results.problem import FitProblem, problem_of

if TYPE_CHECKING:  # Fit.bootstrap calls this module, which only reads the fit
    from kullback.results.fit_numbers import FitNumbers


def checked_bootstrap(fit: FitNumbers, n: Any, kind: str, seed: Any) -> FitProblem:
    """Return the problem of a fit that a bootstrap can be made of.

    Raises:
        KullbackError: for a fit or arguments that do not allow one.
    """
    problem = problem_of(fit, "a bootstrap")
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise KullbackError(f"n must be a number of replicates, at least 1, got {n!r}.")
    if kind not in ("poisson", "parametric"):
        raise KullbackError(f"kind must be 'poisson' or 'parametric', got {kind!r}.")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise KullbackError(f"seed must be a whole number, 0 or more, got {seed!r}.")
    if not fit.convergence.converged:
        raise KullbackError(
            f"this fit did not converge ({fit.convergence.reason}), and its "
            "estimate is not one that replicates could be compared with."
        )
    if kind == "parametric":
        why = not_drawable(fit)
        if why is not None:
            raise KullbackError(
                f"kind='parametric' draws samples from the fitted distribution, but {why}. "
                "Use kind='poisson'."
            )
    return problem


def checked_goodness_of_fit(fit: FitNumbers, n: Any, seed: Any) -> FitProblem:
    """Return the problem of a fit that can be tested against samples of its model.

    Raises:
        KullbackError: for a fit or arguments that do not allow one.
    """
    fit.sample_info.refuse_sampling("goodness of fit")
    why = not_drawable(fit)
    if why is None and fit.form.penalised:
        why = "its estimate is penalised, and samples would have to be penalised alike"
    if why is not None:
        raise KullbackError(
            f"goodness of fit compares rows with samples of one distribution: {why}."
        )
    if isinstance(n, bool) or not isinstance(n, int) or n < 0:
        raise KullbackError(f"n_bootstrap must be a number of samples, 0 or more, got {n!r}.")
    return checked_bootstrap(fit, max(n, 1), "parametric", seed)


def not_drawable(fit: FitNumbers) -> str | None:
    """Return why samples like the rows cannot be drawn from the fitted model, or None."""
    if fit.form.outcome != "number":
        return f"the outcomes of {fit.form.name} are labels"
    if fit.form.columns:
        return f"its parameters depend on the row ({', '.join(fit.form.columns)})"
    if fit.n != int(fit.n):
        return f"the weights add up to {fit.n:g}, not to a whole number of rows"
    return None


def bootstrap_intervals(
    fit: FitNumbers, bootstrap: Bootstrap, level: float, parameters: Sequence[str] | None
) -> Intervals:
    """Return bootstrap intervals by parameter.

    Args:
        fit: the fit.
        bootstrap: its replicates.
        level: coverage probability.
        parameters: names of parameters or numbers; None for all parameters.

    Raises:
        KullbackError: for too few replicates.
    """
    made = int(np.count_nonzero(bootstrap.made))
    needed = math.ceil(2.0 / (1.0 - level) - 1e-9) - 1  # then an end is the smallest replicate
    if made < needed:
        raise KullbackError(
            f"level={level!r} needs at least {needed:,} replicates, got {made:,}: give "
            f"bootstrap=fit.bootstrap({needed:,})."
        )
    problem = problem_of(fit, "a bootstrap interval")
    a = problem.accelerations(covariance_in_unit(fit, "observed")) if fit.names else np.zeros(0)
    acceleration = dict(zip(fit.names, a.tolist(), strict=True))
    cautions = [] if bootstrap.caution is None else [bootstrap.caution]
    out: dict[str, Vector] = {}
    for name, group in chosen_groups(fit.form, fit.vector, parameters).items():
        rows = []
        for number in group.names:
            if number in fit.form.order_statistics and number in fit.vector.on_bound:
                rows.append(np.full(2, np.nan))
                which = fit.form.order_statistics[number]
                cautions.append(f"{number}: unknown, as it is the {which} of the sample.")
                continue
            values = np.sort(bootstrap.params[number][bootstrap.made])
            estimate = bootstrap.estimate[number]
            ends, beyond = _ends(values, estimate, acceleration.get(number, 0.0), level)
            rows.append(ends)
            if beyond:
                cautions.append(
                    f"{number}: an end is the most extreme of {made:,} replicates; make more."
                )
        out[name] = rows[0] if group.scalar else np.stack(rows)
    return Intervals(out, tuple(cautions))


def _ends(values: Vector, estimate: float, a: float, level: float) -> tuple[Vector, bool]:
    """Return both ends, and whether one lies beyond the replicates, which are ascending."""
    if values[0] == values[-1]:
        return np.full(2, values[0]), False
    normal, size = statistics.NormalDist(), values.size
    below = np.count_nonzero(values < estimate) + 0.5 * np.count_nonzero(values == estimate)
    z0 = normal.inv_cdf((below + 0.5) / (size + 1.0))
    places = []
    for sign in (-1.0, 1.0):
        z = z0 + sign * normal.inv_cdf(0.5 + 0.5 * level)
        # beyond a pole the correction has no meaning, and the end is the most extreme replicate
        share = normal.cdf(z0 + z / (1.0 - a * z)) if a * z < 1.0 else 0.5 + 0.5 * sign
        places.append(share * (size + 1.0) - 1.0)
    inside = [min(max(place, 0.0), size - 1.0) for place in places]
    ends: Vector = np.interp(inside, np.arange(float(size)), values)
    return ends, inside != places
