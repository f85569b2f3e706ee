"""Regressions of groups: the same estimates as each group's own fit, whatever the groups beside it.

The fits of single groups are tested against R and SciPy elsewhere; one group here against SciPy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special

import kullback as kl

RNG = np.random.default_rng(11)


def table(outcome: Callable[[np.ndarray], np.ndarray], groups: int = 6) -> pd.DataFrame:
    """Rows of groups of different sizes, with columns in different units."""
    sizes = [40, 99, 130, 300, 57, 64][:groups]
    g = np.repeat(np.arange(groups), sizes)
    x, z = RNG.normal(size=g.size) * 100.0 + 1_000.0, RNG.uniform(size=g.size)
    eta = 0.5 + 0.2 * g + 0.004 * (x - 1_000.0) - 0.8 * z
    kind = RNG.choice(["plain", "red", "green"], size=g.size)
    frame = pd.DataFrame({"g": g, "x": x, "z": z, "kind": kind, "y": outcome(np.exp(eta))})
    frame["w"] = RNG.integers(1, 4, g.size)
    return frame.sample(frac=1.0, random_state=1).reset_index(drop=True)


MODELS: dict[str, tuple[Any, Callable[[np.ndarray], np.ndarray]]] = {
    "poisson": (kl.Poisson(rate="~ x + z"), lambda m: RNG.poisson(m).astype(float)),
    "negative binomial": (
        kl.NegativeBinomial(mean="~ x + z"),
        lambda m: RNG.negative_binomial(2.0, 2.0 / (2.0 + 4.0 * m)).astype(float),
    ),
    "gamma": (kl.Gamma(mean="~ x + z"), lambda m: RNG.gamma(3.0, m / 3.0)),
    "normal, both": (
        kl.Normal(loc="~ x", scale="~ z"),
        lambda m: np.log(m) + RNG.normal(size=m.size) * 0.3,
    ),
    "weibull": (kl.Weibull(scale="~ x + z"), lambda m: m * RNG.weibull(1.5, m.size)),
    "without intercept": (
        kl.Normal(loc="~ z - 1"),
        lambda m: np.log(m) + RNG.normal(size=m.size) * 0.3,
    ),
    "category": (kl.Poisson(rate="~ z + kind"), lambda m: RNG.poisson(m).astype(float)),
}


def numbers(value: Any) -> np.ndarray:
    """All numbers of estimates, in their order."""
    parts = [numbers(v) if isinstance(v, dict) else np.ravel(v) for v in value.values()]
    return np.concatenate(parts)


def of_group(columns: dict[str, Any], i: int) -> dict[str, Any]:
    """The numbers of one group."""
    return {n: of_group(v, i) if isinstance(v, dict) else v[i] for n, v in columns.items()}


def check(fits: Any, model: Any, frame: pd.DataFrame, **roles: Any) -> None:
    """Compare every group with its own fit."""
    assert fits.converged.all()
    assert len(fits._make.alone) == 0  # all groups were solved at once
    for i, key in enumerate(fits):
        own = kl.fit(model, frame[frame["g"] == key].reset_index(drop=True), "y", **roles)
        assert fits.log_likelihood[i] == pytest.approx(own.log_likelihood, rel=1e-12)
        # the gradient of either ends below 1e-10 of its scale, and errors follow from estimates
        np.testing.assert_allclose(
            numbers(of_group(fits.params, i)), numbers(own.params), rtol=1e-7, atol=1e-9
        )
        np.testing.assert_allclose(
            numbers(of_group(fits.stderr, i)), numbers(own.stderr), rtol=1e-7
        )


@pytest.mark.parametrize("name", MODELS)
def test_groups_agree_with_their_own_fits(name: str) -> None:
    model, outcome = MODELS[name]
    frame = table(outcome)
    fits = kl.fit(model, frame, "y", by="g")
    check(fits, model, frame)
    first = fits[0]
    assert first.log_likelihood == pytest.approx(fits.log_likelihood[0], rel=1e-12)


@pytest.mark.parametrize("name", ["negative binomial", "weibull"])
def test_weights_and_censored_rows(name: str) -> None:
    model, outcome = MODELS[name]
    frame = table(outcome)
    roles: dict[str, Any] = {"weights": "w"}
    if name == "weibull":
        limit = np.quantile(frame["y"], 0.7)
        frame["seen"] = frame["y"] < limit
        frame["y"] = frame["y"].clip(upper=limit)
        roles["event"] = "seen"
    check(kl.fit(model, frame, "y", by="g", **roles), model, frame, **roles)


def test_a_group_has_the_same_bits_whatever_lies_beside_it() -> None:
    model, outcome = MODELS["gamma"]
    frame = table(outcome)
    some = frame[frame["g"] > 2]
    whole, part = kl.fit(model, frame, "y", by="g"), kl.fit(model, some, "y", by="g")
    for i, key in enumerate(part):
        at = list(whole).index(key)
        np.testing.assert_array_equal(
            numbers(of_group(whole.params, at)), numbers(of_group(part.params, i))
        )
        np.testing.assert_array_equal(
            numbers(of_group(whole.stderr, at)), numbers(of_group(part.stderr, i))
        )


def test_a_constant_column_is_left_to_the_fit_of_its_group() -> None:
    model, outcome = MODELS["poisson"]
    frame = table(outcome)
    frame.loc[frame["g"] == 2, "z"] = 0.25
    fits = kl.fit(model, frame, "y", by="g")
    assert not fits.converged[2]
    assert "z" in fits.reason[2]
    assert fits.converged[[0, 1, 3, 4, 5]].all()


def test_one_group_against_scipy() -> None:
    """The log-likelihood's maximum by SciPy's BFGS on the same rows, from scipy.special alone."""
    model, outcome = MODELS["negative binomial"]
    frame = table(outcome)
    fits = kl.fit(model, frame, "y", by="g")
    rows = frame[frame["g"] == 3]
    y, z = rows["y"].to_numpy(), rows["z"].to_numpy()
    x = (rows["x"].to_numpy() - 1_000.0) / 100.0

    def loss(p: np.ndarray) -> float:
        mu, r = np.exp(p[0] + p[1] * x + p[2] * z), np.exp(p[3])
        one = special.gammaln(y + r) - special.gammaln(r) - special.gammaln(y + 1.0)
        return float(-np.sum(one + r * np.log(r / (r + mu)) + y * np.log(mu / (r + mu))))

    best = optimize.minimize(loss, [1.0, 0.0, 0.0, 0.0], method="BFGS", options={"gtol": 1e-7})
    assert fits.log_likelihood[3] == pytest.approx(-best.fun, rel=1e-10)
    # BFGS stops at a slope of 1e-7 that differences give, four digits of an estimate
    assert fits.params["mean"]["x"][3] == pytest.approx(best.x[1] / 100.0, rel=1e-4)


def test_columns_of_the_frame() -> None:
    model, outcome = MODELS["poisson"]
    frame = kl.fit(model, table(outcome), "y", by="g").to_frame()
    names = ["rate[Intercept]", "rate[x]", "rate[z]"]
    assert [c for c in frame.columns if c in names] == names
    assert {f"{name}_stderr" for name in names} <= set(frame.columns)
