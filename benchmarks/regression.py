"""Regressions, in one process with the peer: both with standard errors, of the same rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from measure import Measured, alternate, timed
from scipy import special, stats

import kullback as kl

Vector: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"

# Levels of the six categories of insurance policies: 322 in all.
LEVELS = (100, 90, 60, 40, 20, 12)


def poisson_against_glum(rows: int, repeats: int) -> Measured:
    table, mean = policies(rows)
    table["y"] = np.random.default_rng(2).poisson(mean).astype(float)
    y = table["y"].to_numpy()

    def log_likelihood(mean: Vector) -> float:
        return float(np.sum(stats.poisson.logpmf(y, mean)))

    return _categories_against_glum("poisson", kl.Poisson, "rate", table, repeats, log_likelihood)


def gamma_against_glum(rows: int, repeats: int) -> Measured:
    table, mean = policies(rows)
    table["y"] = np.random.default_rng(3).gamma(2.0, mean / 2.0)
    y = table["y"].to_numpy()

    def log_likelihood(mean: Vector) -> float:
        # both at the best shape for the mean: glum estimates the mean alone
        surplus = float(np.mean(y / mean - 1.0 - np.log(y / mean)))
        shape = 0.5 / surplus
        for _ in range(20):
            slope = np.log(shape) - special.digamma(shape) - surplus
            shape -= slope / (1.0 / shape - special.polygamma(1, shape))
        return float(np.sum(stats.gamma.logpdf(y, shape, 0.0, mean / shape)))

    return _categories_against_glum("gamma", kl.Gamma, "mean", table, repeats, log_likelihood)


def _categories_against_glum(
    family: str,
    model: Callable[..., Any],
    parameter: str,
    table: Any,
    repeats: int,
    log_likelihood: Callable[[Vector], float],
) -> Measured:
    from glum import GeneralizedLinearRegressor

    columns = [name for name in table.columns if name != "y"]
    x, y = table[columns], table["y"].to_numpy()

    def peer() -> Vector:
        regressor = GeneralizedLinearRegressor(
            family=family, alpha=0.0, link="log", drop_first=True, gradient_tol=1e-6
        )
        regressor.fit(x, y)
        regressor.covariance_matrix(x, y, store_covariance_matrix=True)
        return np.asarray(regressor.predict(x))

    def own() -> Any:
        return kl.fit(model(**{parameter: f"~ {' + '.join(columns)}"}), table, "y")

    def fitted(fit: Any) -> float:
        at = fit.params[parameter]
        eta = at["Intercept"] + at["x"] * table["x"].to_numpy()
        for name in columns[1:]:
            levels = table[name].cat.categories
            effects = np.array([at.get(f"{name}[T.{level}]", 0.0) for level in levels])
            eta = eta + effects[table[name].cat.codes.to_numpy()]
        return log_likelihood(np.exp(eta))

    return _side_by_side(own, peer, repeats, fitted, log_likelihood)


def logistic_against_scikit_learn(rows: int, repeats: int) -> Measured:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(4)
    x = rng.standard_normal((rows, 50))
    y = (rng.random(rows) < special.expit(x @ (rng.standard_normal(50) / 7.0))).astype(float)
    names = [f"x{k}" for k in range(50)]
    data = {**dict(zip(names, x.T.copy(), strict=True)), "y": y}

    def peer() -> Vector:
        regressor = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-6).fit(x, y)
        return np.concatenate([regressor.intercept_, regressor.coef_[0]])

    def log_likelihood(beta: Vector) -> float:
        eta = beta[0] + x @ beta[1:]
        return float(np.sum(y * eta - np.logaddexp(0.0, eta)))

    def own() -> Any:
        return kl.fit(kl.Bernoulli(logit=f"~ {' + '.join(names)}"), data, "y")

    return _side_by_side(
        own, peer, repeats, lambda fit: log_likelihood(_numbers(fit, "logit")), log_likelihood
    )


def multinomial_against_scikit_learn(rows: int, repeats: int) -> Measured:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(5)
    x = rng.standard_normal((rows, 54))
    scores = x @ (rng.standard_normal((54, 7)) / 7.0)
    y = np.argmax(scores + rng.gumbel(size=scores.shape), axis=1)
    names = [f"x{k}" for k in range(54)]
    data = {**dict(zip(names, x.T.copy(), strict=True)), "y": y}

    def peer() -> Vector:
        regressor = LogisticRegression(C=np.inf, tol=1e-4, max_iter=1000).fit(x, y)
        return np.column_stack([regressor.intercept_, regressor.coef_])

    def log_likelihood(beta: Vector) -> float:
        eta = beta[:, 0] + x @ beta[:, 1:].T
        return float(np.sum(eta[np.arange(rows), y] - special.logsumexp(eta, axis=1)))

    def own() -> Any:
        return kl.fit(kl.Categorical(logits=f"~ {' + '.join(names)}"), data, "y")

    def fitted(fit: Any) -> float:
        classes = fit.params["logits"].values()
        return log_likelihood(
            np.array([[0.0] * 55, *([float(v) for v in own.values()] for own in classes)])
        )

    return _side_by_side(own, peer, repeats, fitted, log_likelihood)


def negative_binomial_against_statsmodels(rows: int, repeats: int) -> Measured:
    """Mean and size both regressed; the peer's size is constant."""
    import statsmodels.api as sm

    rng = np.random.default_rng(6)
    x = rng.standard_normal((rows, 30))
    mean = np.exp(0.5 + x @ (rng.standard_normal(30) / 15.0))
    size = np.exp(0.5 + x @ (rng.standard_normal(30) / 30.0))
    y = rng.poisson(rng.gamma(size, mean / size)).astype(float)
    names = [f"x{k}" for k in range(30)]
    data = {**dict(zip(names, x.T.copy(), strict=True)), "y": y}
    design = sm.add_constant(x)

    def peer() -> float:
        result = sm.NegativeBinomial(y, design).fit(disp=0, maxiter=200)
        return float(result.llf) if np.isfinite(result.bse).all() else -np.inf

    def own() -> Any:
        text = f"~ {' + '.join(names)}"
        return kl.fit(kl.NegativeBinomial(mean=text, size=text), data, "y")

    return _side_by_side(own, peer, repeats, lambda fit: fit.log_likelihood, lambda value: value)


def weibull_against_lifelines(rows: int, repeats: int) -> Measured:
    import pandas as pd
    from lifelines import WeibullAFTFitter

    rng = np.random.default_rng(7)
    x = rng.standard_normal((rows, 20))
    t = np.exp(1.0 + x @ (rng.standard_normal(20) / 10.0)) * rng.weibull(1.5, rows)
    limit = rng.exponential(2.0 * np.median(t), rows)
    names = [f"x{k}" for k in range(20)]
    table = pd.DataFrame(x, columns=names)
    table["t"], table["event"] = np.minimum(t, limit), (t <= limit).astype(float)

    def peer() -> float:
        return float(WeibullAFTFitter().fit(table, "t", "event").log_likelihood_)

    def own() -> Any:
        return kl.fit(kl.Weibull(scale=f"~ {' + '.join(names)}"), table, "t", event="event")

    return _side_by_side(own, peer, repeats, lambda fit: fit.log_likelihood, lambda value: value)


def normal_against_ondil(rows: int, repeats: int) -> Measured:
    """Location and scale on ten columns; the peer gives no errors."""
    from ondil.distributions import Normal

    return _distribution_against_ondil(
        rows,
        repeats,
        lambda rng, size: rng.standard_normal(size),
        kl.Normal,
        Normal(),
        lambda y, at: stats.norm.logpdf(y, at[:, 0], at[:, 1]),
    )


def student_t_against_ondil(rows: int, repeats: int) -> Measured:
    """The same, with degrees of freedom that are one number."""
    from ondil.distributions import StudentT

    return _distribution_against_ondil(
        rows,
        repeats,
        lambda rng, size: rng.standard_t(5.0, size),
        kl.StudentT,
        StudentT(),
        lambda y, at: stats.t.logpdf(y, at[:, 2], at[:, 0], at[:, 1]),
    )


def _distribution_against_ondil(
    rows: int,
    repeats: int,
    draw: Callable[[np.random.Generator, int], Vector],
    model: Callable[..., Any],
    distribution: Any,
    log_density: Callable[[Vector, Vector], Vector],
) -> Measured:
    from ondil.estimators import OnlineDistributionalRegression

    rng = np.random.default_rng(8)
    x = rng.standard_normal((rows, 10))
    loc = 1.0 + x @ (0.3 * rng.standard_normal(10))
    y = loc + np.exp(0.2 + x @ (0.1 * rng.standard_normal(10))) * draw(rng, rows)
    names = [f"x{k}" for k in range(10)]
    data = {**dict(zip(names, x.T.copy(), strict=True)), "y": y}
    equation = {0: "all", 1: "all", 2: "intercept"}

    def peer() -> Any:
        estimator = OnlineDistributionalRegression(
            distribution=distribution,
            method="ols",
            equation={k: equation[k] for k in range(distribution.n_params)},
            fit_intercept=True,
            scale_inputs=False,
        )
        estimator.fit(X=x, y=y)
        return estimator

    def own() -> Any:
        text = f"~ {' + '.join(names)}"
        return kl.fit(model(loc=text, scale=text), data, "y")

    def fitted(estimator: Any) -> float:
        return float(np.sum(log_density(y, estimator.predict_distribution_parameters(x))))

    return _side_by_side(own, peer, repeats, lambda fit: fit.log_likelihood, fitted)


# ---- the data: the same for every program and every run
# -------------------------------------------


def policies(rows: int) -> tuple[Any, Vector]:
    """Six categories and a number, and the mean of each row."""
    import pandas as pd

    rng = np.random.default_rng(1)
    x = rng.standard_normal(rows)
    eta, columns = 0.2 * x, {"x": x}
    for k, size in enumerate(LEVELS):
        codes = rng.integers(0, size, rows)
        eta = eta + 0.3 * rng.standard_normal(size)[codes]
        names = [f"l{j:03d}" for j in range(size)]
        columns[f"c{k}"] = pd.Categorical.from_codes(codes, names)
    return pd.DataFrame(columns), np.exp(eta)


# ---- the measurement
# ------------------------------------------------------------------------------


def _numbers(fit: Any, parameter: str) -> Vector:
    return np.array([float(value) for value in fit.params[parameter].values()])


def _side_by_side(
    own: Callable[[], Any],
    peer: Callable[[], Any],
    repeats: int,
    own_log_likelihood: Callable[[Any], float],
    peer_log_likelihood: Callable[[Any], float],
) -> Measured:
    """Time a fit with its standard errors and the peer's, by turns."""

    def with_errors() -> Any:
        fit = own()
        if not np.isfinite(fit.covariance()).all():
            raise RuntimeError(f"no standard errors: {fit.convergence.reason}")
        return fit

    first_seconds, first = timed(with_errors)
    theirs, ours = alternate([peer, with_errors], repeats)
    fit: Any = ours.result
    return Measured(
        peer_seconds=theirs.seconds,
        own_seconds=ours.seconds,
        peer_first=theirs.first,
        own_first=first_seconds,
        compiling=first.convergence.compile_seconds,
        peer_log_likelihood=peer_log_likelihood(theirs.result),
        own_log_likelihood=own_log_likelihood(fit),
        passes=fit.convergence.passes,
    )
