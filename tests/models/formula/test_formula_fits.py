"""Fits by formula: estimates against closed forms, SciPy's optimisers, and each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import optimize, special, stats

import kullback as kl
from kullback.models.linear import Linear
from kullback.results.by_parameter import flat

ROWS = 240
RNG = np.random.default_rng(11)
FRAME = pd.DataFrame(
    {
        "x": RNG.uniform(0.5, 3.0, ROWS),
        "g": np.array(["north", "south", "west"])[RNG.integers(0, 3, ROWS)],
        "flag": RNG.random(ROWS) < 0.5,
        "n": RNG.integers(2, 9, ROWS),
        "w": RNG.integers(1, 4, ROWS),
    }
)
FRAME["y"] = RNG.gamma(3.0, np.exp(0.3 * FRAME["x"] + 0.4 * (FRAME["g"] == "west")) / 3.0)
FRAME["count"] = RNG.poisson(FRAME["n"] * np.exp(0.2 * FRAME["x"]))
FRAME["wins"] = RNG.binomial(FRAME["n"], special.expit(0.5 - FRAME["x"] + FRAME["flag"]))
FRAME["kind"] = np.array(["versicolor", "setosa", "virginica"])[RNG.integers(0, 3, ROWS)]

# By name: the kind of rows, as arguments of a fit.
END = np.quantile(FRAME["y"], 0.7)
FRAME["seen"], FRAME["time"] = (FRAME["y"] <= END).astype(float), np.minimum(FRAME["y"], END)
FRAME["low"], FRAME["high"] = np.floor(2.0 * FRAME["y"]) / 2.0, np.ceil(2.0 * FRAME["y"]) / 2.0
FRAME["entry"] = 0.3 * FRAME["y"]
KINDS: dict[str, dict[str, Any]] = {
    "exact": {"y": "y"},
    "censored": {"y": "time", "event": "seen"},
    "intervals": {"y": ("low", "high")},
    "truncated": {"y": "time", "event": "seen", "truncation": ("entry", None)},
}


def indicators(frame: pd.DataFrame) -> dict[str, Any]:
    """The columns of "~ x*g + flag", made by hand."""
    g, x = frame["g"].to_numpy(), frame["x"].to_numpy()
    south, west = (g == "south").astype(float), (g == "west").astype(float)
    flag = frame["flag"].to_numpy().astype(float)
    return {"x": x, "s": south, "w1": west, "f": flag, "xs": x * south, "xw": x * west}


@pytest.mark.parametrize("source", ["memory", "stream"])
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_formula_is_the_same_as_columns_made_by_hand(
    kind: str, weights: str | None, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, options = FRAME, {**KINDS[kind], "weights": weights}
    model = kl.Weibull(scale="~ flag + x*g", shape="~ flag")
    made = pd.DataFrame({**frame, **indicators(frame)})
    byhand = kl.Weibull(scale=Linear(("f", "x", "s", "w1", "xs", "xw")), shape=Linear(("f",)))
    expected = kl.fit(byhand, made, **options)
    data: Any = frame
    if source == "stream":
        monkeypatch.setattr("kullback.data.open.IN_MEMORY_BYTES", -1)
        pq.write_table(pa.Table.from_pandas(frame), tmp_path / "rows.parquet", row_group_size=50)
        data = str(tmp_path / "rows.parquet")
    fit = kl.fit(model, data, **options)
    assert fit.convergence.converged
    assert list(fit.params["scale"]) == [
        "Intercept",
        "flag[T.True]",
        "x",
        "g[T.south]",
        "g[T.west]",
        "x:g[T.south]",
        "x:g[T.west]",
    ]
    for name in ("scale", "shape"):
        # two searches end within their tolerance of one maximum
        np.testing.assert_allclose(flat(fit.params[name]), flat(expected.params[name]), rtol=1e-7)
        np.testing.assert_allclose(flat(fit.stderr[name]), flat(expected.stderr[name]), rtol=1e-6)
    assert fit.cross_entropy == pytest.approx(expected.cross_entropy, rel=1e-13)


@final
@dataclass(frozen=True)
class Case:
    """A link, with a family, its outcome and −log-likelihood of parameters and outcomes."""

    model: kl.Model
    y: str
    inverse: Any
    log_density: Any


def _cases() -> dict[str, Case]:
    bernoulli = {
        "probit": special.ndtr,
        "cloglog": lambda t: -np.expm1(-np.exp(t)),
        "cauchit": stats.cauchy.cdf,
        "logit": special.expit,
    }
    out = {
        name: Case(
            kl.Binomial(trials="n", probability=kl.Formula("~ x + g", link=name)),
            "wins",
            inverse,
            lambda p, y: stats.binom.logpmf(y, FRAME["n"], p),
        )
        for name, inverse in bernoulli.items()
    }
    poisson = {
        "identity": lambda t: t,
        "sqrt": np.square,
        "softplus": lambda t: np.logaddexp(0.0, t),
    }
    for name, inverse in poisson.items():
        out[name] = Case(
            kl.Poisson(rate=kl.Formula("~ x + g", link=name)),
            "count",
            inverse,
            lambda mu, y: stats.poisson.logpmf(y, mu),
        )
    for name, power in (("inverse", -1.0), ("inverse-squared", -0.5)):
        out[name] = Case(
            kl.Gamma(mean=kl.Formula("~ x + g", link=name), shape=3.0),
            "y",
            lambda t, power=power: t**power,
            lambda mu, y: stats.gamma.logpdf(y, 3.0, scale=mu / 3.0),
        )
    out["log"] = Case(
        kl.InverseGaussian(mean=kl.Formula("~ x + g", link="log"), shape=2.0),
        "y",
        np.exp,
        lambda mu, y: stats.invgauss.logpdf(y, mu / 2.0, scale=2.0),
    )
    return out


CASES = _cases()


@pytest.mark.parametrize("name", CASES)
def test_every_link_reaches_the_maximum_of_the_likelihood(name: str) -> None:
    case = CASES[name]
    fit = kl.fit(case.model, FRAME, case.y)
    assert fit.convergence.converged
    (source,) = (v for v in fit.params.values() if isinstance(v, Mapping))
    x = np.stack([np.ones(ROWS), FRAME["x"], FRAME["g"] == "south", FRAME["g"] == "west"])
    y = FRAME[case.y].to_numpy()

    def loss(beta: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            value = -np.mean(case.log_density(case.inverse(beta @ x.astype(float)), y))
        return float(value) if np.isfinite(value) else 1e6

    estimate = flat(source)
    assert loss(estimate) == pytest.approx(fit.cross_entropy, rel=1e-11)
    found = optimize.minimize(loss, estimate + 1e-3, method="Nelder-Mead", options={"fatol": 0.0})
    assert loss(estimate) <= found.fun + 1e-12
    np.testing.assert_allclose(found.x, estimate, atol=2e-4)  # the simplex stops at 1e-4


def test_offsets_and_exposures_add_to_the_predictor() -> None:
    data = FRAME.assign(o=np.log(FRAME["n"]), half=0.5 * np.log(FRAME["n"]))
    by_exposure = kl.fit(kl.Poisson(rate=kl.Formula("~ g", exposure="n")), data, "count")
    by_offset = kl.fit(kl.Poisson(rate=kl.Formula("~ g", offset="o")), data, "count")
    twice = kl.Formula("~ g", offset=("half", "half"), link="log")
    by_two = kl.fit(kl.Poisson(rate=kl.Formula("~ g", offset=["half"], link="log")), data, "count")
    # the maximum in closed form: counts by exposure of each level
    sums = data.groupby("g")[["count", "n"]].sum()
    rates = np.log(sums["count"] / sums["n"]).to_numpy()
    expected = [rates[0], *(rates[1:] - rates[0])]
    for fit in (by_exposure, by_offset):
        np.testing.assert_allclose(flat(fit.params["rate"]), expected, rtol=1e-10)
    assert by_two.cross_entropy > by_offset.cross_entropy
    assert twice.offsets == ("half", "half")
    new = pd.DataFrame({"g": ["south"], "n": [100.0]})
    assert by_exposure.predict(new)[0] == pytest.approx(100.0 * np.exp(rates[1]), rel=1e-10)
    wrong = data.assign(n=np.where(np.arange(ROWS) == 3, 0, data["n"]))
    with pytest.raises(kl.DataError, match='column "n" must hold values > 0; row 3'):
        kl.fit(kl.Poisson(rate=kl.Formula("~ g", exposure="n")), wrong, "count")


def test_known_columns_are_parameters_of_each_row() -> None:
    fit = kl.fit(kl.Normal(loc="~ x", scale="n"), FRAME, "y")
    w = 1.0 / FRAME["n"].to_numpy() ** 2  # weighted least squares
    x = np.stack([np.ones(ROWS), FRAME["x"]])
    inverse = np.linalg.inv((x * w) @ x.T)
    np.testing.assert_allclose(flat(fit.params["loc"]), inverse @ (x * w) @ FRAME["y"], rtol=1e-9)
    np.testing.assert_allclose(flat(fit.stderr["loc"]), np.sqrt(np.diag(inverse)), rtol=1e-9)
    assert set(fit.params) == {"loc"}
    trials = kl.fit(kl.Binomial(trials="n"), FRAME, "wins")
    share = FRAME["wins"].sum() / FRAME["n"].sum()
    assert trials.params["probability"] == pytest.approx(share, rel=1e-10)
    with pytest.raises(kl.DataError, match=r'column "x" must hold values = 1, 2, 3, \.\.\.; row 0'):
        kl.fit(kl.Binomial(trials="x"), FRAME, "wins")


def test_logits_by_class_and_coefficient() -> None:
    fit = kl.fit(kl.Categorical(logits="~ flag"), FRAME, "kind")
    assert list(fit.params["logits"]) == ["versicolor", "virginica"]
    # saturated in two groups: the log odds of the classes there against the first class
    counts = pd.crosstab(FRAME["flag"], FRAME["kind"]).to_numpy()
    odds = np.log(counts[:, 1:] / counts[:, :1])
    errors = np.sqrt(1.0 / counts[0, 1:] + 1.0 / counts[0, 0])
    for k, level in enumerate(["versicolor", "virginica"]):
        own = fit.params["logits"][level]
        assert own["Intercept"] == pytest.approx(odds[0, k], rel=1e-9, abs=1e-12)
        assert own["flag[T.True]"] == pytest.approx(odds[1, k] - odds[0, k], rel=1e-9, abs=1e-12)
        assert fit.stderr["logits"][level]["Intercept"] == pytest.approx(errors[k], rel=1e-8)
        assert fit.interval()["logits"][level]["flag[T.True]"].shape == (2,)


def test_a_constant_formula_is_a_coefficient_of_its_own() -> None:
    fit, plain = kl.fit(kl.Gamma(shape="~ 1"), FRAME, "y"), kl.fit(kl.Gamma(), FRAME, "y")
    assert list(fit.params["shape"]) == ["Intercept"]
    assert np.exp(fit.params["shape"]["Intercept"]) == pytest.approx(
        plain.params["shape"], rel=1e-9
    )
    assert fit.model == kl.Gamma(shape=fit.model.params["shape"], rate=fit.params["rate"])


PARTS: dict[str, tuple[kl.Model, str, dict[str, list[str]]]] = {
    "zero-inflated": (
        kl.ZeroInflated(kl.Poisson(rate="~ x"), zero_probability="~ flag"),
        "count",
        {"rate": ["Intercept", "x"], "zero_probability": ["Intercept", "flag[T.True]"]},
    ),
    "hurdle": (
        kl.Hurdle(kl.Poisson(rate="~ x"), zero_probability="~ 1"),
        "count",
        {"rate": ["Intercept", "x"], "zero_probability": ["Intercept"]},
    ),
    "truncated": (
        kl.Truncated(kl.Normal(loc="~ x + g"), lower=0.0),
        "y",
        {"loc": ["Intercept", "x", "g[T.south]", "g[T.west]"]},
    ),
    "student": (kl.StudentT(loc="~ x", df=5.0, scale="~ flag"), "y", {"loc": ["Intercept", "x"]}),
    "size": (kl.NegativeBinomial(mean="~ x", size="~ 1"), "count", {"size": ["Intercept"]}),
}


@pytest.mark.parametrize("name", PARTS)
def test_parameters_of_every_kind_of_model_take_formulas(name: str) -> None:
    model, y, coefficients = PARTS[name]
    data = (
        FRAME if y != "count" else FRAME.assign(count=np.where(FRAME["x"] < 1.0, 0, FRAME["count"]))
    )
    fit = kl.fit(model, data, y)
    for parameter, labels in coefficients.items():
        assert list(fit.params[parameter]) == labels
    start = fit.problem
    assert start is not None
    value = fit.cross_entropy
    linear = {name: own for name, own in fit.params.items() if isinstance(own, Mapping)}
    numbers = {f"{name}[{c}]": v for name, own in linear.items() for c, v in own.items()}
    for number, estimate in numbers.items():
        step = 1e-3 * (1.0 + abs(estimate))
        assert start.cross_entropy({number: estimate + step}) > value
        assert start.cross_entropy({number: estimate - step}) > value


def test_rows_with_missing_values_are_dropped_with_their_levels() -> None:
    data = FRAME.assign(g=FRAME["g"].astype(object))
    data.loc[:4, "g"] = None
    data.loc[5, ["g", "x"]] = ["alone", np.nan]  # its level is none of the rows that are kept
    with pytest.raises(kl.DataError, match='5 missing values in column "g"'):
        kl.fit(kl.Normal(loc="~ g + x"), data, "y")
    fit = kl.fit(kl.Normal(loc="~ g + x"), data, "y", missing="drop")
    expected = kl.fit(kl.Normal(loc="~ g + x"), FRAME.iloc[6:], "y")
    assert list(fit.params["loc"]) == list(expected.params["loc"])
    np.testing.assert_array_equal(flat(fit.params["loc"]), flat(expected.params["loc"]))


def test_every_other_column_of_arrays_and_files(tmp_path: Path) -> None:
    x = np.stack([FRAME["x"], FRAME["flag"]], axis=1).astype(float)
    by_array = kl.fit(kl.Normal(loc="~ ."), x, FRAME["y"].to_numpy())
    assert list(by_array.params["loc"]) == ["Intercept", "x0", "x1"]
    few = FRAME[["x", "g", "y", "w"]]
    few.to_csv(tmp_path / "rows.csv", index=False)
    of_file = kl.fit(kl.Normal(loc="~ ."), str(tmp_path / "rows.csv"), "y", weights="w")
    of_frame = kl.fit(kl.Normal(loc="~ ."), few.drop(columns="y"), few["y"], weights="w")
    named = kl.fit(kl.Normal(loc="~ x + g"), few, "y", weights="w")
    for fit in (of_file, of_frame):
        assert list(fit.params["loc"]) == list(named.params["loc"])
        np.testing.assert_allclose(flat(fit.params["loc"]), flat(named.params["loc"]), rtol=1e-12)


def test_a_link_whose_values_do_not_hold_the_model_s_start() -> None:
    random = np.random.default_rng(4)
    x = random.standard_normal(300)
    y = random.poisson(1.0 / (1.0 + np.exp(-0.8 * x)))

    def loss(beta: np.ndarray) -> float:
        rate = special.expit(beta[0] + beta[1] * x)
        return float(-stats.poisson(rate).logpmf(y).sum())

    fit = kl.fit(kl.Poisson(rate=kl.Formula("~ x", link="logit")), {"x": x, "y": y}, "y")
    found = optimize.minimize(loss, [0.0, 0.0], tol=1e-12)
    assert fit.convergence.converged
    assert -fit.log_likelihood == pytest.approx(found.fun, rel=1e-11)
    counts = {"x": x, "y": y + 9}  # every rate is above 1
    fit = kl.fit(kl.Poisson(rate=kl.Formula("~ x", link="logit")), counts, "y")
    assert fit.convergence.reason == "no maximum: rate[Intercept] diverges"
