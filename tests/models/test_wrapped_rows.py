"""Truncated, zero-inflated, hurdle and shifted models × rows × weights × engine, against SciPy."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import stats

import kullback as kl


@dataclass(frozen=True)
class Law:
    """A distribution by its probability function or density and its distribution function."""

    density: Any
    below: Any  # P(X ≤ x)
    before: Any  # P(X < x)

    def cut(self, lower, upper):
        """The distribution between two ends, both included."""
        kept = self.below(upper) - self.before(lower)

        def inside(x, value):
            return np.where(x < lower, 0.0, np.where(x > upper, 1.0, value))

        return Law(
            lambda x: np.where((x >= lower) & (x <= upper), self.density(x) / kept, 0.0),
            lambda x: inside(x, (self.below(x) - self.before(lower)) / kept),
            lambda x: np.where(
                x <= lower,
                0.0,
                np.where(x > upper, 1.0, (self.before(x) - self.before(lower)) / kept),
            ),
        )

    def with_zeros(self, p):
        """Zero with probability p, else an outcome of this one."""
        return Law(
            lambda x: p * (x == 0.0) + (1.0 - p) * self.density(x),
            lambda x: p * (x >= 0.0) + (1.0 - p) * self.below(x),
            lambda x: p * (x > 0.0) + (1.0 - p) * self.before(x),
        )


def continuous(law):
    return Law(law.pdf, law.cdf, law.cdf)


def counts(law):
    return Law(law.pmf, law.cdf, lambda x: law.cdf(np.ceil(x) - 1.0))


WEIBULL, MOVED = stats.weibull_min(1.3, scale=2.0), stats.weibull_min(1.3, loc=0.4, scale=2.0)
LOG_NORMAL = stats.lognorm(0.7, loc=-0.5, scale=1.8)
GEOMETRIC = stats.geom(0.3, loc=-1)

weibull, geometric = kl.Weibull(shape=1.3, scale=2.0), kl.Geometric(probability=0.3)
moved = kl.Shifted(weibull, loc=0.4)
inflated = kl.ZeroInflated(geometric, zero_probability=0.2)

MODELS = {
    "Truncated(Weibull)": (
        kl.Truncated(weibull, lower=0.5, upper=9.0),
        continuous(WEIBULL).cut(0.5, 9.0),
    ),
    "Shifted(LogNormal)": (
        kl.Shifted(kl.LogNormal(median=1.8, scale=0.7), loc=-0.5),
        continuous(LOG_NORMAL),
    ),
    "Truncated(Shifted(Weibull))": (
        kl.Truncated(moved, upper=8.0),
        continuous(MOVED).cut(-np.inf, 8.0),
    ),
    "Truncated(Geometric)": (
        kl.Truncated(geometric, lower=1, upper=8),
        counts(GEOMETRIC).cut(1.0, 8.0),
    ),
    "ZeroInflated(Geometric)": (inflated, counts(GEOMETRIC).with_zeros(0.2)),
    "ZeroInflated(Truncated(Geometric))": (
        kl.ZeroInflated(kl.Truncated(geometric, lower=2), zero_probability=0.3),
        counts(GEOMETRIC).cut(2.0, np.inf).with_zeros(0.3),
    ),
    "Hurdle(Geometric)": (
        kl.Hurdle(geometric, zero_probability=0.3),
        counts(GEOMETRIC).cut(1.0, np.inf).with_zeros(0.3),
    ),
    "Truncated(ZeroInflated(Geometric))": (
        kl.Truncated(inflated, upper=7),
        counts(GEOMETRIC).with_zeros(0.2).cut(0.0, 7.0),
    ),
}

WEIGHTS = np.array([1.0, 2.0, 0.5, 3.0, 1.5, 1.0])
POINTS = np.array([2.0, 2.0, 3.0, 4.0, 5.0, 6.0])
LOWEST = np.array([1.0, 0.0, 2.0, 1.0, 3.0, 0.0])

# the outcome's ends, the window, and the probability of one row
ROWS = {
    "exact": (POINTS, POINTS, None, lambda q, a, _: np.log(q.density(a))),
    "right": (POINTS, np.full(6, np.inf), None, lambda q, a, _: np.log1p(-q.before(a))),
    "left": (np.full(6, -np.inf), POINTS, None, lambda q, _, b: np.log(q.below(b))),
    "interval": (LOWEST, POINTS + 1.0, None, lambda q, a, b: np.log(q.below(b) - q.before(a))),
    "exact in a window": (
        POINTS,
        POINTS,
        (1.0, 7.0),
        lambda q, a, _: np.log(q.density(a) / (q.below(7.0) - q.before(1.0))),
    ),
    "right, left-truncated": (
        POINTS,
        np.full(6, np.inf),
        (1.0, None),
        lambda q, a, _: np.log((1.0 - q.before(a)) / (1.0 - q.before(1.0))),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_likelihood_of_every_row(name):
    model, law = MODELS[name]
    for kind, (lower, upper, window, expected) in ROWS.items():
        with np.errstate(divide="ignore"):
            terms = expected(law, lower, upper)
        data = {"a": lower, "b": upper, "w": WEIGHTS}
        for weights in (None, "w"):
            total = terms.sum() if weights is None else WEIGHTS @ terms
            for engine in (kl.LocalEngine, kl.StreamingEngine):
                fit = kl.fit(
                    model, data, ("a", "b"), truncation=window, weights=weights, engine=engine
                )
                # SciPy's distribution functions have 1e-13; differences of them lose a digit
                assert fit.log_likelihood == pytest.approx(total, rel=1e-12), kind


@pytest.mark.parametrize("name", MODELS)
def test_functions_of_the_distribution(name):
    model, law = MODELS[name]
    x = np.arange(-1.0, 12.0) if model.discrete else np.linspace(-1.0, 12.0, 40)
    np.testing.assert_allclose(model.density(x), law.density(x), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(model.cdf(x), law.below(x), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(model.survival(x), 1.0 - law.below(x), rtol=1e-11, atol=1e-13)
    u = np.array([0.01, 0.2, 0.5, 0.9, 0.999])
    quantiles = model.quantile(u)
    if model.discrete:
        assert np.all(law.below(quantiles) >= u)
        assert np.all(law.before(quantiles) < u)
        at = np.arange(200.0)
        weight = law.density(at)
    else:
        np.testing.assert_allclose(law.below(quantiles), u, rtol=1e-12)
        # between the ends, by Gauss–Legendre on many panels
        nodes, own = np.polynomial.legendre.leggauss(20)
        low, high = model.quantile(0.0), min(model.quantile(1.0), 5_000.0)
        edges = low + (high - low) * np.linspace(0.0, 1.0, 3_001) ** 3
        half = 0.5 * np.diff(edges)[:, None]
        at = (edges[:-1, None] + half * (1.0 + nodes)).ravel()
        weight = (half * own).ravel() * law.density(at)
    mean = weight @ at
    assert model.mean() == pytest.approx(mean, rel=1e-9)
    assert model.variance() == pytest.approx(weight @ (at - mean) ** 2, rel=1e-8)
    some = weight > 0.0
    entropy = -weight[some] @ np.log(law.density(at[some]))
    assert float(kl.entropy(model)) == pytest.approx(entropy, rel=1e-8)
    draws = model.sample(20_000, seed=1)
    assert np.all(model.density(draws[:2_000]) > 0.0)
    # five standard errors of a mean
    assert draws.mean() == pytest.approx(mean, abs=5.0 * np.sqrt(model.variance() / draws.size))
