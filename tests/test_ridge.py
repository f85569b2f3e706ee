"""Ridge penalties, against scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special, stats
from sklearn.linear_model import LogisticRegression

import kullback as kl
from kullback.models.labels.categorical import Categorical
from kullback.models.linear import Linear
from kullback.models.penalty import Ridge
from kullback.results.by_parameter import flat


def separated() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    x, z = rng.normal(5.0, 3.0, 200), 1e-3 * rng.standard_normal(200)
    return {"x": x, "z": z, "y": (x > 5.5).astype(float)}


def test_separated_rows_converge_with_a_ridge_penalty() -> None:
    data = separated()
    without = kl.fit(kl.Bernoulli(logit=Linear(("x", "z"))), data, "y")
    assert without.convergence.reason.startswith("no maximum: the rows are separated by")
    model = kl.Bernoulli(logit=Linear(("x", "z"), penalty=Ridge(0.02)))
    fit = kl.fit(model, data, "y")
    # scikit-learn minimises Σ ℓ + Σ β²/(2C), also with a free intercept
    design = np.stack([data["x"], data["z"]], axis=1)
    mean, deviation = design.mean(axis=0), design.std(axis=0)
    other = LogisticRegression(C=1.0 / (0.02 * 200), tol=1e-12, solver="newton-cholesky")
    other.fit((design - mean) / deviation, data["y"])
    slopes = other.coef_[0] / deviation
    expected = [other.intercept_[0] - slopes @ mean, *slopes]
    assert fit.convergence.converged
    np.testing.assert_allclose(flat(fit.params["logit"]), expected, rtol=1e-8)
    # the cross-entropy is that of the rows; the penalty stands apart
    eta = expected[0] + design @ slopes
    losses = np.logaddexp(0.0, eta) - data["y"] * eta
    assert fit.cross_entropy == pytest.approx(losses.mean(), rel=1e-9)
    assert fit.penalty == pytest.approx(0.01 * np.sum(other.coef_**2), rel=1e-8)
    assert float(kl.estimate_cross_entropy(fit.model, data, "y")) == pytest.approx(
        fit.cross_entropy, rel=1e-12
    )
    # the inverse of the penalised Hessian, by its definition
    x = np.column_stack([np.ones(200), design])
    p = special.expit(eta)
    hessian = x.T @ (x * (p * (1.0 - p))[:, None]) + np.diag([0.0, *(4.0 * deviation**2)])
    np.testing.assert_allclose(
        flat(fit.stderr["logit"]), np.sqrt(np.diag(np.linalg.inv(hessian))), rtol=1e-7
    )


def test_a_penalised_fit_says_so() -> None:
    fit = kl.fit(kl.Bernoulli(logit=Linear(("x", "z"), penalty=Ridge(0.02))), separated(), "y")
    assert fit.convergence.reason.endswith("of the cross-entropy, with its ridge penalty")
    text = " ".join(str(fit.summary()).split())
    assert "conditional on it" in text
    assert "ridge penalty 0." in text
    assert "AIC" not in text
    for criterion in ("aic", "bic"):
        with pytest.raises(kl.KullbackError, match=r"but the coefficients of logit have a ridge"):
            getattr(fit, criterion)


def test_weights_engines_and_another_parameter() -> None:
    rng = np.random.default_rng(2)
    x, z = rng.standard_normal((2, 70_000))
    y = np.exp(0.3 * x) * rng.weibull(1.5, x.size)
    weight = rng.integers(1, 4, x.size).astype(float)
    data = {"x": x, "z": 1e6 + z, "y": y, "w": weight}
    model = kl.Weibull(scale=Linear(("x", "z"), penalty=Ridge(0.5)))
    fit, *others = [
        kl.fit(model, data, "y", weights="w", engine=engine)
        for engine in (
            kl.LocalEngine,
            kl.StreamingEngine,
            lambda sample: kl.LocalEngine(sample, threads=3),
        )
    ]
    for other in others:
        np.testing.assert_array_equal(flat(other.params["scale"]), flat(fit.params["scale"]))
    deviation = [np.sqrt(np.cov(v, aweights=weight, ddof=0)) for v in (x, z)]

    def loss(u):
        of = stats.weibull_min(np.exp(u[0]), scale=np.exp(u[1] + u[2] * x + u[3] * z))
        penalty = 0.25 * ((u[2] * deviation[0]) ** 2 + (u[3] * deviation[1]) ** 2)
        return -(weight @ of.logpdf(y)) / weight.sum() + penalty

    expected = optimize.minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-7})
    assert fit.convergence.converged
    # BFGS stops at its slope, of differences of the loss
    np.testing.assert_allclose(flat(fit.params["scale"])[1:], expected.x[2:], atol=1e-5)
    assert fit.cross_entropy + fit.penalty == pytest.approx(expected.fun, rel=1e-10)


def test_classes_are_penalised_as_differences_from_the_first() -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal(300)
    label = np.digitize(x, [-0.5, 0.5])  # separated
    data = {"x": x, "y": np.array(list("abc"))[label]}
    fit = kl.fit(Categorical(logits=Linear(("x",), penalty=Ridge(0.1))), data, "y")

    def loss(u):
        eta = np.stack([np.zeros(300), u[0] + u[1] * x, u[2] + u[3] * x])
        rows = special.logsumexp(eta, axis=0) - eta[label, np.arange(300)]
        return rows.mean() + 0.05 * x.var() * (u[1] ** 2 + u[3] ** 2)

    expected = optimize.minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-8})
    assert fit.convergence.converged
    np.testing.assert_allclose(flat(fit.params["logits"]), expected.x, rtol=1e-5)
    assert fit.cross_entropy + fit.penalty == pytest.approx(expected.fun, rel=1e-12)


def test_wrong_penalties() -> None:
    for strength in (0.0, -1.0, np.inf, np.nan):
        with pytest.raises(kl.ModelError, match="strength must be a positive number, got"):
            Ridge(strength)
    data = {"x": np.ones(3), "y": np.arange(3.0)}
    with pytest.raises(kl.ModelError, match='column "x" holds one value in all rows'):
        kl.fit(kl.Normal(loc=Linear(("x",), penalty=Ridge(1.0))), data, "y")
