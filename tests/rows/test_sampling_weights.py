"""Errors with sampling weights, H⁻¹ (Σ w² s s') H⁻¹, against log-likelihoods written out here.

Their scores and Hessians come from automatic differentiation of these formulas, not of the
library's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest
from jax.scipy.special import gammaln
from typer.testing import CliRunner

import kullback as kl
from kullback._core.arrays import float64
from kullback.cli import app
from kullback.models.linear import Linear
from kullback.results.by_parameter import flat

N = 500


def table() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(11)
    time = 0.3 + 3.0 * rng.weibull(1.4, N)
    end = rng.uniform(0.5, 6.0, N)
    return {
        "y": np.minimum(time, end),
        "seen": (time <= end).astype(float),
        "entry": rng.uniform(0.0, 0.3, N),
        "count": rng.poisson(2.0, N).astype(float),
        "x": rng.normal(size=N),
        "w": rng.uniform(0.1, 5.0, N),
    }


def weibull(t: Any, row: Any) -> Any:
    shape, scale = t
    log_hazard = jnp.log(shape / scale) + (shape - 1.0) * jnp.log(row["y"] / scale)
    hazard = (row["y"] / scale) ** shape - (row["entry"] / scale) ** shape
    return row["seen"] * log_hazard - hazard


def gamma(t: Any, row: Any) -> Any:
    shape, rate = t
    return (
        shape * jnp.log(rate) - gammaln(shape) + (shape - 1) * jnp.log(row["y"]) - rate * row["y"]
    )


def student(t: Any, row: Any) -> Any:
    df, loc, scale = t
    z = (row["y"] - loc) / scale
    constant = gammaln(0.5 * (df + 1)) - gammaln(0.5 * df) - 0.5 * jnp.log(jnp.pi * df)
    return constant - jnp.log(scale) - 0.5 * (df + 1) * jnp.log1p(z * z / df)


def poisson(t: Any, row: Any) -> Any:
    return row["count"] * jnp.log(t[0]) - t[0] - gammaln(row["count"] + 1.0)


def regression(t: Any, row: Any) -> Any:
    z = (row["y"] - t[0] - t[1] * row["x"]) / t[2]
    return -jnp.log(t[2]) - 0.5 * z * z - 0.5 * jnp.log(2.0 * jnp.pi)


CASES: dict[str, tuple[kl.Model, str, dict[str, Any], Callable[[Any, Any], Any]]] = {
    "censored, truncated": (
        kl.Weibull(),
        "y",
        {"event": "seen", "truncation": ("entry", None)},
        weibull,
    ),
    "moments": (kl.Gamma(), "y", {}, gamma),
    "basis functions": (kl.StudentT(), "y", {}, student),
    "counts": (kl.Poisson(), "count", {}, poisson),
    "covariates": (kl.Normal(loc=Linear(("x",))), "y", {}, regression),
}


def numbers(fit: kl.Fit) -> np.ndarray:
    return np.concatenate([flat(v) for v in fit.params.values()])


def expected_covariance(term: Callable[[Any, Any], Any], at: np.ndarray) -> np.ndarray:
    columns = table()
    w = columns["w"]
    with float64():
        rows = {name: jnp.asarray(v) for name, v in columns.items()}
        scores = np.asarray(jax.jacfwd(lambda t: term(t, rows))(jnp.asarray(at)))
        curved = jax.hessian(lambda t: jnp.sum(rows["w"] * term(t, rows)))
        hessian = np.asarray(curved(jnp.asarray(at)))
    inverse = np.linalg.inv(hessian)
    return inverse @ (scores.T * w**2) @ scores @ inverse


@pytest.mark.parametrize("case", CASES)
def test_errors_in_memory_streamed_and_loaded(case: str, tmp_path: Path) -> None:
    model, y, more, term = CASES[case]
    columns = table()
    pl.DataFrame(columns).write_parquet(tmp_path / "t.parquet", row_group_size=97)
    options = {"weights": "w", "weight_kind": "sampling", **more}
    fit = kl.fit(model, columns, y, **options)
    expected = expected_covariance(term, numbers(fit))
    # both Hessians are within some 1e-10 of the exact one, at estimates within 1e-8 of each other
    np.testing.assert_allclose(fit.covariance(), expected, rtol=1e-7, atol=1e-12)
    found = np.concatenate([flat(v) for v in fit.stderr.values()])
    np.testing.assert_allclose(found, np.sqrt(np.diag(expected)), rtol=1e-7)
    streamed = kl.fit(
        model, str(tmp_path / "t.parquet"), y, engine=kl.StreamingEngine, **options
    ).without_data()
    np.testing.assert_array_equal(streamed.covariance(), fit.covariance())
    fit.save(tmp_path / "fit.json")
    loaded = kl.load(tmp_path / "fit.json")
    assert loaded == fit
    np.testing.assert_array_equal(loaded.covariance(), fit.covariance())
    assert str(loaded.summary()) == str(fit.summary())


@pytest.mark.parametrize("case", CASES)
def test_frequencies_count_copies_and_sampling_weights_have_no_unit(case: str) -> None:
    model, y, more, _ = CASES[case]
    columns = table() | {"w": np.random.default_rng(3).integers(1, 4, N).astype(float)}
    copies = {n: np.repeat(v, columns["w"].astype(int)) for n, v in columns.items()}
    plain, weighted = (
        kl.fit(model, copies, y, **more),
        kl.fit(model, columns, y, weights="w", **more),
    )
    # 1e-8: the sums are added in another order
    np.testing.assert_allclose(weighted.covariance(), plain.covariance(), rtol=1e-8, atol=1e-13)
    sampled = kl.fit(model, columns, y, weights="w", weight_kind="sampling", **more)
    for factor in (1000.0, 1e-3):
        other = {**columns, "w": factor * columns["w"]}
        again = kl.fit(model, other, y, weights="w", weight_kind="sampling", **more)
        np.testing.assert_allclose(again.covariance(), sampled.covariance(), rtol=1e-8, atol=1e-13)
    # equal weights: the sandwich of unweighted rows
    equal = {**columns, "w": np.full(N, 2.5)}
    same = kl.fit(model, equal, y, weights="w", weight_kind="sampling", **more)
    unweighted = kl.fit(model, columns, y, **more).covariance("sandwich")
    np.testing.assert_allclose(same.covariance(), unweighted, rtol=1e-8, atol=1e-13)


def test_errors_of_the_loss_and_of_shares_of_classes() -> None:
    columns = table()
    w, labels = columns["w"], np.digitize(columns["x"], [-0.5, 1.0])
    fit = kl.fit(kl.Categorical(), labels, weights=w, weight_kind="sampling")
    shares = fit.params["probabilities"]
    seen = (labels[:, None] == np.arange(3)) - shares
    expected = (seen.T * w**2) @ seen / w.sum() ** 2  # of a ratio of sums, a textbook formula
    np.testing.assert_allclose(fit.covariance(), expected, rtol=1e-12)
    np.testing.assert_allclose(fit.stderr["probabilities"], np.sqrt(np.diag(expected)), rtol=1e-12)
    logits = kl.fit(kl.Categorical(logits=kl.Param()), labels, weights=w, weight_kind="sampling")
    change = np.diag(1.0 / shares) - np.outer(np.ones(3), [0.0, 0.0, 1.0 / shares[2]])
    np.testing.assert_allclose(
        logits.covariance(), change @ expected @ change.T, rtol=1e-12, atol=1e-15
    )
    normal = kl.fit(kl.Normal(), columns["x"], weights=w, weight_kind="sampling")
    loss = -normal.model.log_density(columns["x"])
    error = np.sqrt(np.sum((w * (loss - np.average(loss, weights=w))) ** 2)) / w.sum()
    assert normal.decomposition().lines[0].stderr == pytest.approx(error, rel=1e-10)


def test_what_needs_a_likelihood_is_refused() -> None:
    columns = table()
    fit = kl.fit(kl.Weibull(), columns["y"], weights=columns["w"], weight_kind="sampling")
    small = kl.fit(kl.Exponential(), columns["y"], weights=columns["w"], weight_kind="sampling")
    refused: list[Callable[[], Any]] = [
        lambda: fit.aic,
        lambda: fit.bic,
        lambda: fit.interval(method="profile"),
        lambda: fit.bootstrap(9),
        lambda: fit.goodness_of_fit(9),
        lambda: fit.derived(lambda m: m.mean(), method="profile"),
        lambda: fit.covariance("expected"),
        lambda: fit.plot("likelihood"),
        lambda: kl.likelihood_ratio_test(small, fit),
        lambda: kl.vuong_test(small, fit),
    ]
    for call in refused:
        with pytest.raises(kl.KullbackError, match="with sampling weights Σ w log q is not one"):
            call()
    names = [line.name for line in fit.decomposition().lines]
    assert not any("AIC" in name or "TIC" in name for name in names)
    assert "no AIC or BIC" in str(fit.summary())
    assert fit.interval()["shape"].shape == (2,)
    assert 0.0 < fit.test("shape = 1").p_value <= 1.0
    with pytest.raises(kl.KullbackError, match="weight_kind must be one of"):
        kl.fit(kl.Weibull(), columns["y"], weight_kind="survey")
    with pytest.raises(kl.ModelError, match="leave it out for networks"):
        kl.fit(kl.Categorical(logits=kl.MLP()), columns, "count", weight_kind="sampling")


def test_at_the_command_line(tmp_path: Path) -> None:
    pl.DataFrame(table()).write_csv(tmp_path / "t.csv")
    options = ["--y", "y", "--event", "seen", "--weights", "w", "--weight-kind"]
    start = ["fit", str(tmp_path / "t.csv"), "--model", "weibull", *options]
    shown = CliRunner().invoke(app, [*start, "sampling"])
    assert shown.exit_code == 0
    assert "no AIC or BIC" in shown.output
    written = CliRunner().invoke(app, [*start, "sampling", "--json"])
    assert '"weight_kind": "sampling"' in written.output
    assert '"aic": null' in written.output
    wrong = CliRunner().invoke(app, [*start, "survey"])
    assert wrong.exit_code == 2
    assert "--weight-kind must be one of 'frequency', 'sampling'" in wrong.output
