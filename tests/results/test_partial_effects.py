"""Partial effects: the mean along a column against formulas in NumPy, and what is held where.

The covariance of least squares and of canonical links is (X' W X)⁻¹, with W the variances of the
outcomes (Normal: 1/scale²; Poisson: the mean; logistic: p(1 − p)).
"""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import expit
from scipy.stats import norm

import kullback as kl

N = 300
RNG = np.random.default_rng(20)
AGE = RNG.uniform(20.0, 60.0, N)
GROUP = RNG.choice(["a", "b", "c"], N, p=[0.2, 0.5, 0.3])
X = np.column_stack([np.ones(N), AGE / 10.0, GROUP == "b", GROUP == "c"])
ETA = X @ [0.3, 0.2, 0.5, -0.4]
WEIGHTS = RNG.integers(1, 4, N).astype(float)
DATA = {
    "decades": AGE / 10.0,
    "group": GROUP,
    "w": WEIGHTS,
    "normal": ETA + 0.5 * RNG.normal(size=N),
    "count": RNG.poisson(np.exp(ETA)),
    "yes": (RNG.uniform(size=N) < expit(ETA - 1.0)).astype(int),
    "label": np.where(RNG.uniform(size=N) < expit(ETA - 1.0), "yes", "no"),
    "time": np.exp(ETA) * RNG.weibull(1.5, N),
    "seen": RNG.uniform(size=N) < 0.7,
    "trials": RNG.integers(3, 9, N),
}
DATA["hits"] = RNG.binomial(DATA["trials"], expit(ETA - 1.0))
FORMULA = "~ decades + group"
Z = norm.ppf(0.975)
IDENTITY = (lambda eta: eta, lambda _, scale: np.full(N, scale**-2))
LOG = (np.exp, lambda eta, _: np.exp(eta))
LOGIT = (expit, lambda eta, _: expit(eta) * expit(-eta))


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("data", [dict, pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize(
    ("model", "y", "what", "inverse", "variance"),
    [
        (kl.Normal(loc=FORMULA), "normal", "mean", *IDENTITY),
        (kl.Poisson(rate=FORMULA), "count", "mean", *LOG),
        (kl.Bernoulli(logit=FORMULA), "yes", "probability", *LOGIT),
        (kl.Categorical(logits=FORMULA), "label", "probability", *LOGIT),
    ],
    ids=["normal", "poisson", "bernoulli", "categorical"],
)
def test_effects_are_those_of_the_formula(model, y, what, inverse, variance, data, weights):
    columns = {name: DATA[name] for name in ("decades", "group", "w", y)}
    fit = kl.fit(model, data(columns), y, weights=weights)
    w = np.ones(N) if weights is None else WEIGHTS
    (parameter, found) = next(iter(fit.params.items()))
    beta = np.array(list((found["yes"] if y == "label" else found).values()))
    spread = fit.params.get("scale", 1.0)
    inner = variance(X @ beta, spread)
    covariance = np.linalg.inv((X * (w * inner)[:, None]).T @ X)
    typical = np.average(DATA["decades"], weights=w), "b"
    effects = fit.partial_effects()
    assert list(effects) == ["decades", "group"]
    for name, effect in effects.items():
        assert effect.what == what
        assert effect.connected == (name == "decades")
        (held,) = effect.held.values()
        assert held == (typical[1] if name == "decades" else pytest.approx(typical[0], rel=1e-12))
        rows = np.array(
            [
                [1.0, v, typical[1] == "b", typical[1] == "c"]
                if name == "decades"
                else [1.0, typical[0], v == "b", v == "c"]
                for v in effect.at
            ],
            dtype=float,
        )
        eta = rows @ beta
        half = Z * np.sqrt(np.einsum("ij,jk,ik->i", rows, covariance, rows))
        pick = (lambda v: v[:, 1]) if y == "label" else (lambda v: v)
        np.testing.assert_allclose(pick(effect.value), inverse(eta), rtol=1e-9)
        # derivatives by differences have nine digits
        np.testing.assert_allclose(pick(effect.lower), inverse(eta - half), rtol=1e-7)
        np.testing.assert_allclose(pick(effect.upper), inverse(eta + half), rtol=1e-7)
    low, high = effects["decades"].at[0], effects["decades"].at[-1]
    assert (low, high) == (DATA["decades"].min(), DATA["decades"].max())
    assert parameter in fit.form.sources


def test_censored_rows_and_laws_without_a_mean_have_medians():
    fit = kl.fit(kl.Weibull(scale=FORMULA), DATA, "time", event="seen")
    effect = fit.partial_effects(["group"])["group"]
    b = fit.params["scale"]
    at = b["Intercept"] + b["decades"] * DATA["decades"].mean()
    scale = np.exp(at + np.array([0.0, b["group[T.b]"], b["group[T.c]"]]))
    assert effect.what == "median"
    np.testing.assert_allclose(
        effect.value, scale * np.log(2.0) ** (1.0 / fit.params["shape"]), rtol=1e-9
    )
    assert np.all((effect.lower < effect.value) & (effect.value < effect.upper))
    place, lower, upper = effect.rows
    np.testing.assert_array_equal(np.array(["a", "b", "c"])[place.astype(int)], GROUP[_order(fit)])
    assert np.sum(lower != upper) == np.sum(~DATA["seen"])
    cauchy = kl.fit(kl.Cauchy(loc=FORMULA), DATA, "normal").partial_effects(["decades"])
    assert cauchy["decades"].what == "median"


def _order(fit):
    """The rows' order in the fit's chunks, by kind."""
    chunks = fit.problem.sample.chunks()
    return np.concatenate([chunk.row_numbers for chunk in chunks])


def test_a_stream_has_the_effects_of_rows_in_memory(tmp_path):
    table = {name: DATA[name] for name in ("decades", "group", "count")}
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(table), path, row_group_size=70)
    one = kl.fit(kl.Poisson(rate=FORMULA), table, "count").partial_effects()
    fit = kl.fit(kl.Poisson(rate=FORMULA), str(path), "count", engine=kl.StreamingEngine)
    for name, effect in fit.partial_effects().items():
        np.testing.assert_allclose(effect.value, one[name].value, rtol=1e-9)
        np.testing.assert_array_equal(effect.rows, one[name].rows)


def test_a_row_of_weight_zero_is_an_absent_row():
    more = {
        "decades": np.append(DATA["decades"], [-50.0, 90.0]),
        "group": np.append(GROUP, ["a", "c"]),
        "w": np.append(WEIGHTS, [0.0, 0.0]),
        "count": np.append(DATA["count"], [7, 7]),
    }
    fits = [kl.fit(kl.Poisson(rate=FORMULA), d, "count", weights="w") for d in (DATA, more)]
    one, two = (fit.partial_effects() for fit in fits)
    for name, effect in one.items():
        assert two[name].at == effect.at
        np.testing.assert_allclose(two[name].value, effect.value, rtol=1e-12)
        np.testing.assert_array_equal(two[name].rows, effect.rows)


def test_columns_of_known_values_are_held_at_one_that_occurs():
    fit = kl.fit(kl.Binomial(trials="trials", logit=FORMULA), DATA, "hits")
    effects = fit.partial_effects()
    assert list(effects) == ["decades", "group"]
    trials = float(np.sort(DATA["trials"])[(N - 1) // 2])
    assert effects["group"].held["trials"] == trials
    b = fit.params["logit"]
    at = b["Intercept"] + b["decades"] * DATA["decades"].mean()
    np.testing.assert_allclose(effects["group"].value[0], trials * expit(at), rtol=1e-9)


def test_every_level_of_a_category_has_an_effect():
    levels = np.array([f"level {k:03d}" for k in range(322)])
    codes = np.arange(3_220) % 322
    data = {"level": levels[codes], "y": 1 + np.arange(3_220) % 7 + codes % 3}
    effect = kl.fit(kl.Poisson(rate="~ level"), data, "y").partial_effects()["level"]
    # of one category alone, the means are those of its rows
    means = np.bincount(codes, data["y"]) / 10.0
    np.testing.assert_allclose(effect.value, means, rtol=1e-8)
    np.testing.assert_array_equal(effect.weight, np.full(322, 10.0))


def test_wrong_columns_and_lost_rows_are_refused(tmp_path):
    fit = kl.fit(kl.Poisson(rate=FORMULA), DATA, "count")
    with pytest.raises(kl.KullbackError, match='did you mean "decades"'):
        fit.partial_effects(["decade"])
    with pytest.raises(kl.KullbackError, match="level"):
        fit.partial_effects(level=95.0)
    fit.save(tmp_path / "fit.json")
    with pytest.raises(kl.KullbackError, match="needs the rows"):
        kl.load(tmp_path / "fit.json").partial_effects()
    assert kl.fit(kl.Poisson(), DATA["count"]).partial_effects() == {}


def test_components_of_a_mixture_have_effects_of_their_own():
    random = np.random.default_rng(5)
    x, first = random.uniform(-2.0, 2.0, 400), random.random(400) < 0.5
    c = random.poisson(np.where(first, np.exp(0.5 + 0.8 * x), np.exp(2.0 - 0.3 * x)))
    fit = kl.fit(kl.Mixture([kl.Poisson(rate="~ x")] * 2), {"x": x, "c": c}, "c")
    effect = fit.partial_effects()["x"]
    assert list(effect.components) == ["components[0]", "components[1]"]
    design = np.stack([np.ones(len(effect.at)), effect.at])
    names = fit.names
    for name, found in effect.components.items():
        # the delta method on the logarithm of a rate, which is linear in its coefficients
        eta = np.array(list(fit.params[f"{name}.rate"].values())) @ design
        where = [names.index(f"{name}.rate[{label}]") for label in ("Intercept", "x")]
        block = fit.covariance()[np.ix_(where, where)]
        half = norm.ppf(0.975) * np.sqrt(np.sum(design * (block @ design), axis=0))
        expected = np.exp([eta, eta - half, eta + half])
        np.testing.assert_allclose(found, expected, rtol=1e-6)  # by differences
    mean = fit.params["weights"] @ np.array([own[0] for own in effect.components.values()])
    np.testing.assert_allclose(effect.value, mean, rtol=1e-12)
