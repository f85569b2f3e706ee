"""Profile intervals of a generalised extreme value distribution, beside a loop over SciPy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from measure import Measured, alternate, timed
from scipy import optimize, stats

import kullback as kl

NAMES = ("loc", "scale", "shape")


def gev_against_scipy(rows: int, repeats: int) -> Measured:
    """The fit and six ends, beside root finding over constrained minimisation."""
    x = stats.genextreme(-0.1, 10.0, 2.0).rvs(rows, random_state=7)

    def loss(v: Any) -> float:
        return float(-stats.genextreme.logpdf(x, -v[2], v[0], v[1]).sum()) if v[1] > 0 else np.inf

    fit = kl.fit(kl.GeneralizedExtremeValue(), x)
    estimate, error = (np.array([d[name] for name in NAMES]) for d in (fit.params, fit.stderr))

    def own() -> Any:
        return kl.fit(kl.GeneralizedExtremeValue(), x).interval(method="profile")

    def peer() -> Any:
        # a start near the maximum, which SciPy's search needs: the estimate itself
        best = optimize.minimize(loss, estimate, method="Nelder-Mead")
        limit = best.fun + 0.5 * stats.chi2(1).ppf(0.95)
        ends = np.empty((3, 2))
        for i in range(3):

            def excess(v: float, i: int = i) -> float:
                start = best.x.copy()
                start[i] = v
                fixed = {"type": "eq", "fun": lambda u: u[i] - v}
                least = optimize.minimize(loss, start, method="SLSQP", constraints=fixed)
                return float(least.fun) - limit

            for side, reach in enumerate((-5.0, 5.0)):
                far = best.x[i] + reach * error[i]
                ends[i, side] = optimize.brentq(excess, best.x[i], far, xtol=1e-6)
        return best.fun, ends

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # SciPy's search leaves the support
        first, _ = timed(own)
        theirs, ours = alternate([peer, own], repeats, 0.0)
    interval, (least, ends) = ours.result, theirs.result
    gap = np.max(np.abs(np.array([interval[name] for name in NAMES]) - ends))
    return Measured(
        peer_seconds=theirs.seconds,
        own_seconds=ours.seconds,
        peer_first=theirs.first,
        own_first=first,
        compiling=fit.convergence.compile_seconds,
        peer_log_likelihood=-float(least),
        own_log_likelihood=-loss(estimate),
        passes=None,
        notes=[f"six ends, which differ by at most {gap:.1g}"],
    )
