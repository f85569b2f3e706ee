"""What a fit gives × models with a formula: binomial to extreme values, by one invariance.

The same rows are fitted with the column z = 2x + 1 in place of x: the maximum is the same, so that
losses, predictions and residuals are equal, and the coefficient of z, its errors, intervals,
bootstrap and marginal effects are half of x's. Sources: rows in memory, and the same as a file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import matplotlib as mpl
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import special, stats

import kullback as kl

mpl.use("agg")
RNG = np.random.default_rng(2)
N = 150
X = RNG.normal(size=N)
SECOND = RNG.random(N) < 0.4
TIME = np.exp(0.5 + 0.4 * X) * RNG.weibull(1.5, N)
ENTRY = 0.3 * RNG.random(N)
TRIALS = RNG.integers(3, 9, N)
CHANCE = special.expit(0.3 + 0.6 * X)
CUT = stats.truncnorm(-(1.0 + 0.5 * X), np.inf, loc=1.0 + 0.5 * X, scale=1.0)
DATA: dict[str, Any] = {
    "x": X,
    "z": 2.0 * X + 1.0,
    "g": np.tile(["a", "b"], N // 2),
    "site": np.arange(N) // 5,
    "w": RNG.integers(1, 3, N).astype(float),
    "n": TRIALS.astype(float),
    "wins": RNG.binomial(TRIALS, CHANCE).astype(float),
    "kind": np.array(["low", "mid", "top"])[
        (X + RNG.logistic(size=N) > 0.0) + RNG.integers(0, 2, N)
    ],
    "count": RNG.negative_binomial(2, 1.0 / (1.0 + 0.5 * np.exp(1.0 + 0.4 * X))).astype(float),
    "zeros": (RNG.poisson(np.exp(1.0 + 0.3 * X)) * (RNG.random(N) < 0.7)).astype(float),
    "share": RNG.beta(6.0 * CHANCE, 6.0 * (1.0 - CHANCE)),
    "heavy": 1.0 + 0.5 * X + RNG.standard_t(4.0, N),
    "cut": CUT.rvs(random_state=3),
    "two": np.where(SECOND, 8.0, 0.5 * X) + RNG.normal(size=N),
    "entry": ENTRY,
    "time": ENTRY + np.minimum(TIME, 3.0),
    "seen": (TIME < 3.0).astype(float),
    "peak": stats.genextreme(-0.1).rvs(N, random_state=4) + 0.5 * X,
}


@dataclass(frozen=True)
class Case:
    """A model: made from a formula, with the parameter that has it, and its rows."""

    make: Callable[[Any], kl.Model]
    parameter: str
    y: str
    options: dict[str, Any] = field(default_factory=dict)
    labels: bool = False
    effects: bool = True


CASES = {
    "binomial": Case(lambda f: kl.Binomial(trials="n", probability=f), "probability", "wins"),
    "categorical": Case(lambda f: kl.Categorical(logits=f), "logits", "kind", labels=True),
    "negative binomial": Case(
        lambda f: kl.NegativeBinomial(mean=f, size=f), "mean", "count", {"weights": "w"}
    ),
    "beta": Case(lambda f: kl.Beta(mean=f, precision=kl.Param()), "mean", "share"),
    "student t": Case(lambda f: kl.StudentT(df=4.0, loc=f), "loc", "heavy"),
    "zero-inflated": Case(lambda f: kl.ZeroInflated(kl.Poisson(rate=f)), "rate", "zeros"),
    "truncated": Case(
        lambda f: kl.Truncated(kl.Normal(loc=f), lower=0.0),
        "loc",
        "cut",
        effects=False,  # of means that are integrals, at every row: half a minute
    ),
    "mixture": Case(
        lambda f: kl.Mixture([kl.Normal(loc=f), kl.Normal()]), "components[0].loc", "two"
    ),
    "censored, truncated": Case(
        lambda f: kl.Weibull(scale=f),
        "scale",
        "time",
        {"event": "seen", "truncation": ("entry", None)},
    ),
    "extreme values": Case(lambda f: kl.GeneralizedExtremeValue(loc=f), "loc", "peak"),
}


@cache
def fitted(name: str, column: str) -> Any:
    case = CASES[name]
    return kl.fit(case.make(f"~ {column}"), DATA, case.y, **case.options)


@pytest.fixture(params=CASES)
def pair(request: pytest.FixtureRequest) -> tuple[Case, Any, Any]:
    """The case, and its fits in x and in z."""
    return CASES[request.param], fitted(request.param, "x"), fitted(request.param, "z")


def slopes(case: Case, fit: Any, column: str) -> list[str]:
    """The names of the coefficients of a column in the parameter of a case."""
    return [n for n in fit.names if n.startswith(case.parameter) and f"[{column}]" in n]


def numbers(fit: Any) -> dict[str, float]:
    return dict(zip(fit.names, [fit.model.coefficients[n] for n in fit.names], strict=True))


def rows(found: Any) -> np.ndarray:
    """The numbers of a prediction: an array, or a frame without what they are predicted at."""
    if hasattr(found, "columns"):
        found = found[[name for name in found.columns if name != "at"]]
    return np.asarray(found, dtype=np.float64)


def test_estimates_errors_and_losses(pair):
    case, fit, other = pair
    assert fit.convergence.converged
    assert other.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-11)
    own, half = slopes(case, fit, "x"), slopes(case, other, "z")
    assert own
    assert len(own) == len(half)
    for a, b in zip(own, half, strict=True):
        assert numbers(other)[b] == pytest.approx(numbers(fit)[a] / 2.0, rel=1e-6)
    kinds: list[tuple[str, dict[str, Any]]] = [("observed", {}), ("sandwich", {})]
    for kind, more in [*kinds, ("clustered", {"clusters": "site"})]:
        matrices = [f.covariance(kind, **more) for f in (fit, other)]
        for a, b in zip(own, half, strict=True):
            i, j = fit.names.index(a), other.names.index(b)
            assert matrices[1][j, j] == pytest.approx(matrices[0][i, i] / 4.0, rel=1e-5)


def test_intervals_tests_and_bootstrap(pair):
    case, fit, other = pair
    name, half = slopes(case, fit, "x")[0], slopes(case, other, "z")[0]
    for method in ("wald", "profile"):
        own = fit.interval(method=method, parameters=[name])[name]
        found = other.interval(method=method, parameters=[half])[half]
        # the ends of a profile are roots, to 1e-6 of a width
        np.testing.assert_allclose(2.0 * found, own, atol=1e-5 * np.ptp(own))
    own, found = (f.bootstrap(9, seed=1).stderr for f in (fit, other))
    assert found[half] == pytest.approx(own[name] / 2.0, rel=1e-5)
    tests = [f.test(f"{n} = 0").p_value for f, n in ((fit, name), (other, half))]
    assert tests[1] == pytest.approx(tests[0], rel=1e-5)


def test_predictions_residuals_and_effects(pair):
    case, fit, other = pair
    what = "probability" if case.labels else "mean"
    for interval in (None, "confidence"):
        found = [rows(f.predict(DATA, what, interval=interval)) for f in (fit, other)]
        np.testing.assert_allclose(found[1], found[0], rtol=1e-5, atol=1e-8)
        assert np.isfinite(found[0]).all()
    if not case.labels:
        points = [rows(f.predict(DATA, "quantile", at=[0.1, 0.5])) for f in (fit, other)]
        np.testing.assert_allclose(points[1], points[0], rtol=1e-5, atol=1e-8)
        residuals = [f.residuals("quantile", seed=1) for f in (fit, other)]
        np.testing.assert_allclose(rows(residuals[1]), rows(residuals[0]), atol=1e-5)
    if not case.effects:
        return
    more = {"what": what, "at": "mid"} if case.labels else {}
    effects = [f.marginal_effects(c, **more).effects for f, c in ((fit, "x"), (other, "z"))]
    for own, half in zip(*effects, strict=True):
        assert 2.0 * half.estimate == pytest.approx(own.estimate, rel=1e-4)
        assert 2.0 * half.stderr == pytest.approx(own.stderr, rel=1e-4)


def test_derived_deviance_and_saved(pair, tmp_path):
    case, fit, other = pair

    def last(model: Any) -> Any:
        source = model.sources[case.parameter]
        return np.ravel(source.estimate)[-1]

    if case.parameter in fit.form.sources:
        own, half = fit.derived(last), other.derived(last)
        assert half.value == pytest.approx(own.value / 2.0, rel=1e-6)
        assert half.stderr == pytest.approx(own.stderr / 2.0, rel=1e-5)
    found = fit.deviance()
    assert found.model == fit.cross_entropy
    assert found.null > found.model
    fit.save(tmp_path / "fit.json")
    loaded = kl.load(tmp_path / "fit.json")
    assert numbers(loaded) == numbers(fit)
    np.testing.assert_array_equal(loaded.covariance(), fit.covariance())
    what = "probability" if case.labels else "mean"
    np.testing.assert_array_equal(rows(loaded.predict(DATA, what)), rows(fit.predict(DATA, what)))


def test_groups(pair):
    case, _, _ = pair
    table = kl.fit(case.make("~ x"), DATA, case.y, by="g", **case.options)
    part = {name: column[DATA["g"] == "b"] for name, column in DATA.items()}
    own = kl.fit(case.make("~ x"), part, case.y, **case.options)
    assert table["b"].log_likelihood == pytest.approx(own.log_likelihood, rel=1e-11)
    assert numbers(table["b"]) == pytest.approx(numbers(own), rel=1e-5)


def test_comparison(pair):
    case, _, _ = pair
    models: Mapping[str, kl.Model] = {c: case.make(f"~ {c}") for c in ("x", "z")}
    found = kl.compare(models, DATA, case.y, folds=2, groups="site", **case.options)
    losses = [entry.held_out for entry in found.models]
    assert np.isfinite(losses).all()
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)


def test_sampling_weights_and_a_file(pair, tmp_path):
    case, _, _ = pair
    options = {**case.options, "weights": "w"}
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(DATA), path)
    model = case.make("~ x")
    memory = kl.fit(model, DATA, case.y, weight_kind="sampling", **options)
    stream = kl.fit(
        model, str(path), case.y, weight_kind="sampling", engine=kl.StreamingEngine, **options
    )
    assert numbers(stream) == numbers(memory)
    np.testing.assert_array_equal(stream.covariance(), memory.covariance())
    frequency = kl.fit(model, DATA, case.y, **options)
    assert memory.cross_entropy == pytest.approx(frequency.cross_entropy, rel=1e-12)
    assert not np.allclose(memory.covariance(), frequency.covariance(), rtol=1e-3)


def test_pages_pictures_and_what_one_distribution_alone_has(pair, tmp_path):
    case, fit, _ = pair
    fit.report(tmp_path / "fit.html")
    page = (tmp_path / "fit.html").read_text(encoding="utf-8")
    assert "From the null model to the saturated one" in page
    assert "nan" not in page.lower().replace("finance", "")
    assert fit.plot().axes
    assert fit.plot("coefficients").axes
    for call, message in [
        (lambda: fit.band("cdf"), "of rows with|labels"),
        (lambda: fit.goodness_of_fit(9), "depend on the row|labels"),
    ]:
        with pytest.raises(kl.KullbackError, match=message):
            call()
    assert case.y in str(fit.summary())
