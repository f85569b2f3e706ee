"""Functions as parameters × kinds of rows × weights × memory and streams × families.

The expected values come from SciPy's optimiser on a likelihood written with SciPy's distributions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.stats

import kullback as kl


@dataclass(frozen=True)
class Family:
    """A family with a function for one of its parameters.

    Attributes:
        model: of the function's source.
        parameter: the function's.
        distribution: of SciPy, from the function's values and the other parameter.
        draw: outcomes from the function's values.
        truth: starting values for SciPy: a, b and the other parameter, if there is one.
    """

    model: Callable[[Any], kl.Model]
    parameter: str
    distribution: Callable[..., Any]
    draw: Callable[[Any, Any], Any]
    truth: tuple[float, ...]


FAMILIES = {
    "normal": Family(
        lambda f: kl.Normal(loc=f),
        "loc",
        lambda m, s: scipy.stats.norm(m, s),
        lambda draws, m: draws.normal(m, 0.7),
        (2.0, 0.5, 0.7),
    ),
    "gamma": Family(
        lambda f: kl.Gamma(mean=f),
        "mean",
        lambda m, k: scipy.stats.gamma(k, scale=m / k),
        lambda draws, m: draws.gamma(4.0, m / 4.0),
        (2.0, 0.5, 4.0),
    ),
    "weibull": Family(
        lambda f: kl.Weibull(scale=f),
        "scale",
        lambda m, k: scipy.stats.weibull_min(k, scale=m),
        lambda draws, m: m * draws.weibull(2.0, m.size),
        (2.0, 0.5, 2.0),
    ),
    "poisson": Family(
        lambda f: kl.Poisson(rate=f),
        "rate",
        lambda m: scipy.stats.poisson(m),
        lambda draws, m: draws.poisson(m).astype(float),
        (2.0, 0.5),
    ),
}


def curve(x, a, b):
    return a * jnp.exp(b * x)


def rows_of(family: Family) -> dict[str, np.ndarray]:
    draws = np.random.default_rng(3)
    x = draws.uniform(0.0, 3.0, 150)
    y = family.draw(draws, 2.0 * np.exp(0.5 * x))
    return {"x": x, "y": y, "w": 1.0 + np.arange(150) % 3}


def fitted(family: Family, rows: Any, **options: Any) -> kl.Fit:
    source = kl.Function(curve, start={"a": 1.0, "b": 0.0})
    return kl.fit(family.model(source), rows, weights="w", **options)


def expected(family: Family, log_terms: Callable[[Any], Any], w: np.ndarray, x: np.ndarray):
    """The maximum of Σ w log-term of SciPy's distributions, from near the truth."""

    def loss(theta):
        m = theta[0] * np.exp(theta[1] * x)
        value = -np.sum(w * log_terms(family.distribution(m, *theta[2:])))
        return value if np.isfinite(value) else 1e300

    options = {"xatol": 1e-10, "fatol": 1e-11, "maxiter": 5000, "maxfev": 5000}
    at = scipy.optimize.minimize(loss, family.truth, method="Nelder-Mead", options=options)
    at = scipy.optimize.minimize(loss, at.x, method="Nelder-Mead", options=options)
    return at.x, -at.fun


def check(fit: kl.Fit, family: Family, found: tuple[Any, float]) -> None:
    assert fit.convergence.converged
    estimates = [*fit.params[family.parameter].values()]
    estimates += [v for n, v in fit.params.items() if n != family.parameter]
    # a simplex of values to 1e-11 knows the place to 1e-6
    np.testing.assert_allclose(estimates, found[0], rtol=1e-5)
    assert fit.log_likelihood == pytest.approx(found[1], rel=1e-10)


@pytest.mark.parametrize("name", FAMILIES)
def test_exact_rows_in_memory_and_streamed(name: str, tmp_path) -> None:
    family = FAMILIES[name]
    rows = rows_of(family)
    log_terms = (
        (lambda d: d.logpmf(rows["y"])) if name == "poisson" else (lambda d: d.logpdf(rows["y"]))
    )
    fit = fitted(family, rows, y="y")
    check(fit, family, expected(family, log_terms, rows["w"], rows["x"]))
    file = tmp_path / "rows.csv"
    lines = [
        ",".join(map(repr, row)) for row in zip(*(v.tolist() for v in rows.values()), strict=True)
    ]
    file.write_text("\n".join([",".join(rows), *lines]) + "\n")
    streamed = fitted(family, file, y="y", engine=kl.StreamingEngine)
    assert streamed.params == fit.params  # the same bits


@pytest.mark.parametrize("name", ["normal", "weibull"])
def test_censored_rows(name: str) -> None:
    # for the normal distribution a Tobit model with a curve
    family = FAMILIES[name]
    rows = rows_of(family)
    limit = np.median(rows["y"])
    seen = rows["y"] < limit
    rows = {**rows, "y": np.minimum(rows["y"], limit), "seen": seen}

    def log_terms(d):
        return np.where(seen, d.logpdf(rows["y"]), d.logsf(rows["y"]))

    fit = fitted(family, rows, y="y", event="seen")
    check(fit, family, expected(family, log_terms, rows["w"], rows["x"]))
    assert np.isfinite(list(fit.stderr[family.parameter].values())).all()


def test_intervals_and_truncated_rows() -> None:
    family = FAMILIES["normal"]
    rows = rows_of(family)
    kept = rows["y"] > 1.5
    rows = {name: values[kept] for name, values in rows.items()}
    lower = np.maximum(np.floor(rows["y"]), 1.5)
    rows |= {"lower": lower, "upper": np.floor(rows["y"]) + 1.0}

    def log_terms(d):
        return np.log((d.cdf(rows["upper"]) - d.cdf(rows["lower"])) / d.sf(1.5))

    fit = fitted(family, rows, y=("lower", "upper"), truncation=(1.5, None))
    check(fit, family, expected(family, log_terms, rows["w"], rows["x"]))


def test_functions_of_two_parameters() -> None:
    draws = np.random.default_rng(4)
    x = draws.uniform(0.0, 3.0, 200)
    y = draws.normal(2.0 * np.exp(0.5 * x), np.exp(-1.0 + 0.4 * x))
    model = kl.Normal(
        loc=kl.Function(curve, start={"a": 1.0, "b": 0.0}),
        scale=kl.Function(lambda x, c, d: jnp.exp(c + d * x), start={"c": 0.0, "d": 0.0}),
    )
    fit = kl.fit(model, {"x": x, "y": y}, "y")

    def loss(t):
        return -scipy.stats.norm(t[0] * np.exp(t[1] * x), np.exp(t[2] + t[3] * x)).logpdf(y).sum()

    found = scipy.optimize.minimize(loss, (2.0, 0.5, -1.0, 0.4), method="BFGS")
    assert fit.convergence.converged
    # BFGS stops at a gradient of 1e-5 of 200 rows, by differences
    np.testing.assert_allclose(
        [*fit.params["loc"].values(), *fit.params["scale"].values()], found.x, rtol=1e-4
    )
    assert fit.log_likelihood == pytest.approx(-found.fun, rel=1e-9)
