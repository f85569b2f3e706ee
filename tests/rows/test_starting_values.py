"""Fits to rows of any kinds, from the usual starts, against SciPy's optimiser and distributions.

The log-likelihoods are written here with ``scipy.stats``; the maximum is found by Nelder–Mead from
the parameters that the rows were drawn from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

import kullback as kl

N = 150
Law = Callable[..., Any]

# a family, SciPy's distribution of its parameters, and the parameters that rows are drawn from
FAMILIES: dict[str, tuple[type[kl.Model], Law, dict[str, float]]] = {
    "Exponential": (kl.Exponential, lambda rate: stats.expon(scale=1 / rate), {"rate": 0.7}),
    "Weibull": (
        kl.Weibull,
        lambda shape, scale: stats.weibull_min(shape, scale=scale),
        {"shape": 1.6, "scale": 3.0},
    ),
    "LogNormal": (
        kl.LogNormal,
        lambda loc, scale: stats.lognorm(scale, scale=np.exp(loc)),
        {"loc": 0.4, "scale": 0.8},
    ),
    "Normal": (kl.Normal, lambda loc, scale: stats.norm(loc, scale), {"loc": -1.0, "scale": 2.0}),
    "Logistic": (
        kl.Logistic,
        lambda loc, scale: stats.logistic(loc, scale),
        {"loc": 3.0, "scale": 0.7},
    ),
    "LogLogistic": (
        kl.LogLogistic,
        lambda shape, scale: stats.fisk(shape, scale=scale),
        {"shape": 2.5, "scale": 2.0},
    ),
    "Gumbel": (
        kl.Gumbel,
        lambda loc, scale: stats.gumbel_r(loc, scale),
        {"loc": 1.0, "scale": 1.5},
    ),
    "Poisson": (kl.Poisson, lambda rate: stats.poisson(rate), {"rate": 3.0}),
}


def drawn(law: Any) -> np.ndarray:
    return np.asarray(law.rvs(N, random_state=np.random.default_rng(21)), dtype=float)


def rows(kind: str, law: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Ends of outcomes and windows of rows of one kind, or of a mixture."""
    x, rng = drawn(law), np.random.default_rng(22)
    limit = np.asarray(law.ppf(rng.uniform(0.2, 0.9, N)), dtype=float)
    nothing = np.full(N, np.inf)
    low, high = -nothing, nothing
    if kind == "left or right":  # current status: it is known only on which side of a limit x lies
        return np.where(x > limit, limit, -np.inf), np.where(x > limit, np.inf, limit), low, high
    if kind == "few events":
        early = np.asarray(law.ppf(rng.uniform(0.005, 0.06, N)), dtype=float)
        return np.minimum(x, early), np.where(x <= early, x, np.inf), low, high
    edges = np.asarray(law.ppf(np.linspace(0.0, 1.0, 5)), dtype=float)  # quarters
    place = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, 3)
    wide = edges[place], edges[place + 1]
    if kind == "wide intervals":
        return *wide, low, high
    third = np.arange(N) % 3
    lower = np.select([third == 0, third == 1], [x, wide[0]], np.minimum(x, limit))
    upper = np.select([third == 0, third == 1], [x, wide[1]], np.where(x > limit, np.inf, x))
    begin = np.where(third == 1, -np.inf, np.asarray(law.ppf(0.02)))
    seen = lower >= begin
    return lower[seen], upper[seen], begin[seen], high[seen]


def log_likelihood(law: Any, ends: tuple[np.ndarray, ...], *, counts: bool) -> float:
    lower, upper, begin, end = ends
    one = 1.0 if counts else 0.0  # P(lower ≤ X ≤ upper) of a count

    def inside(low: np.ndarray, high: np.ndarray) -> np.ndarray:
        below = np.ceil(low) - one if counts else low
        left = law.cdf(high) - law.cdf(below)
        return np.log(np.where(law.sf(below) < 0.5, law.sf(below) - law.sf(high), left))

    exact = lower == upper
    density = law.logpmf if counts else law.logpdf
    with np.errstate(all="ignore"):
        terms = np.where(exact, density(np.where(exact, lower, 1.0)), inside(lower, upper))
        return float(np.sum(terms - inside(begin, end)))


KINDS = ["left or right", "few events", "wide intervals", "mixed, truncated"]


def maximum(
    law: Law, truth: dict[str, float], ends: tuple[np.ndarray, ...], *, counts: bool
) -> Any:
    """The largest log-likelihood that SciPy finds."""

    def loss(numbers: Any) -> float:
        with np.errstate(all="ignore"):
            value = log_likelihood(law(*numbers), ends, counts=counts)
        return -value if np.isfinite(value) else np.inf

    options = {"xatol": 1e-9, "fatol": 1e-11, "maxiter": 4000, "maxfev": 4000}
    start = [*truth.values()]
    found = optimize.minimize(loss, start, method="Nelder-Mead", options=options)
    return -float(found.fun)


def sample(ends: tuple[np.ndarray, ...], factor: float = 1.0) -> kl.Sample:
    lower, upper, begin, end = (factor * values for values in ends)
    return kl.Sample(lower, upper, truncation=(begin, end))


# log-probabilities of intervals take seconds to compile for a family: of two here
CASES = [
    (name, kind)
    for name in FAMILIES
    for kind in KINDS
    if kind in KINDS[:2] or name in ("Exponential", "Weibull")
]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_maximum_of_rows_of_any_kind(name: str, kind: str) -> None:
    family, law, truth = FAMILIES[name]
    ends = rows(kind, law(**truth))
    fit = kl.fit(family(), sample(ends))
    assert fit.convergence, fit.convergence.reason
    best = maximum(law, truth, ends, counts=family().support.whole)
    # Nelder-Mead ends within 1e-8 of the maximum
    assert fit.log_likelihood == pytest.approx(best, rel=1e-8)


SCALED = {
    "Exponential": {"rate": -1},
    "Weibull": {"scale": 1},
    "Normal": {"loc": 1, "scale": 1},
    "Gumbel": {"loc": 1, "scale": 1},
    "LogLogistic": {"scale": 1},
}


@pytest.mark.parametrize(("name", "kind"), [case for case in CASES if case[0] in SCALED])
def test_other_units_and_other_starts(name: str, kind: str) -> None:
    family, law, truth = FAMILIES[name]
    ends = rows(kind, law(**truth))
    fit = kl.fit(family(), sample(ends))
    for factor in (1e6, 1e-6):
        again = kl.fit(family(), sample(ends, factor))
        for parameter, value in fit.params.items():
            expected = value * factor ** SCALED[name].get(parameter, 0)
            # the estimates are within some 1e-9 standard errors of the maximum
            assert again.params[parameter] == pytest.approx(expected, rel=1e-7)
        started = {p: kl.Param(start=v * factor**0.5) for p, v in fit.params.items()}
        assert kl.fit(family(**started), sample(ends)).log_likelihood == pytest.approx(
            fit.log_likelihood, rel=1e-12
        )
