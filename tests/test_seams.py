"""DESIGN.md's words are interfaces: each is extended here without touching the library.

A family, a source, a row kind, a statistic, an engine and a solver, each a few lines of a user's
own.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, final

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import integrate, optimize, special, stats
from sklearn.linear_model import LogisticRegression

import kullback as kl
from kullback._core.arrays import float64
from kullback._core.compilation import COMPILED
from kullback._core.domains import POSITIVE, REAL, Interval, Reals
from kullback.data import Chunk, Exact, Roles, RowKind, open_sample
from kullback.data.blocks import blocks
from kullback.data.sample import ArraySample, ChunkSample
from kullback.engines.engine import Engine, Subtotal
from kullback.models.labels.categorical import Categorical
from kullback.models.linear import Linear
from kullback.models.source import Coefficient
from kullback.objective.log_terms import log_term
from kullback.objective.model_columns import roles_of, schema_of
from kullback.objective.sample_summary import SummariseSample
from kullback.objective.statistics import LossDerivatives, RowSums, Statistic
from kullback.results.by_parameter import flat
from kullback.solvers.newton import Newton
from kullback.solvers.solver import Outcome, Solver

# ---- a new family --------------------------------------------------------------------------------


@final
class Maxwell(kl.Family):
    """Maxwell–Boltzmann speeds: q(x) = √(2/π) x² e^(−x²/2a²)/a³."""

    default_parameters: ClassVar[Mapping[str, Any]] = {"scale": POSITIVE}
    support = POSITIVE

    @staticmethod
    def _log_density(x, scale):
        return (
            0.5 * jnp.log(2 / jnp.pi) + 2 * jnp.log(x) - 3 * jnp.log(scale) - x**2 / (2 * scale**2)
        )

    @staticmethod
    def _starts(values, weights):
        return [{"scale": float(np.average(values, weights=weights))}]


def test_a_new_family() -> None:
    x = stats.maxwell(scale=2.5).rvs(500, random_state=1)
    fit = kl.fit(Maxwell(), x)
    # the maximum in closed form: a² = mean(x²)/3, with standard error a/√(6n)
    scale = np.sqrt(np.mean(x**2) / 3)
    assert fit.convergence.converged
    assert fit.params["scale"] == pytest.approx(scale, rel=1e-12)
    assert fit.stderr["scale"] == pytest.approx(scale / np.sqrt(6 * 500), rel=1e-9)
    assert fit.log_likelihood == pytest.approx(
        stats.maxwell(scale=scale).logpdf(x).sum(), rel=1e-12
    )
    assert fit.model.log_density(3.0) == pytest.approx(stats.maxwell(scale=scale).logpdf(3.0))


# ---- a model made of another ---------------------------------------------------------------------


@dataclass(frozen=True)
class Moved:
    """The exponential form of another model, of outcomes less a known number."""

    base: Any
    by: float

    @property
    def statistics_structure(self):
        return (Moved, self.by, self.base.statistics_structure)

    elementary: ClassVar[bool] = True
    quick_sums: ClassVar[bool] = False

    def statistics(self, x, origin):
        return self.base.statistics(x - self.by, origin - self.by)

    def sums(self, x, origin, low, high):  # noqa: ARG002
        return None

    def log_density_of(self, statistics, origin, parameters):
        return self.base.log_density_of(statistics, origin - self.by, parameters)

    def closed_form(self, means, origin, fixed):
        return self.base.closed_form(means, origin - self.by, fixed)


@final
class Shifted(kl.Model):
    """Outcomes of another model plus a known number."""

    def __init__(self, base: kl.Model, by: float) -> None:
        self.base, self.by, self.sources = base, by, base.sources
        self.support = Interval(base.support.lower + by, base.support.upper + by)

    @property
    def parameters(self):
        return self.base.parameters

    @property
    def structure(self):
        return (Shifted, self.by, self.base.structure)

    @property
    def exponential_form(self):
        form = self.base.exponential_form
        return None if form is None else Moved(form, self.by)

    def with_sources(self, sources):
        return Shifted(self.base.with_sources(sources), self.by)

    def row_log_density(self, x, parameters):
        return self.base.row_log_density(x - self.by, parameters)

    def row_log_survival(self, x, parameters):
        return self.base.row_log_survival(x - self.by, parameters)

    def in_default(self):
        return Shifted(self.base.in_default(), self.by)

    def row_log_cdf(self, x, parameters):
        return self.base.row_log_cdf(x - self.by, parameters)

    def row_quantile(self, u, parameters):
        return self.base.row_quantile(u, parameters) + self.by

    def moment(self, which, parameters):
        return self.base.moment(which, parameters) + (self.by if which == "mean" else 0.0)

    @property
    def tails(self):
        base = self.base.tails
        if base is None:
            return None
        about = None if base.about is None else (base.about[0] + self.by, base.about[1])
        return replace(
            base,
            lower=base.lower + self.by,
            upper=base.upper + self.by,
            kinks=tuple(k + self.by for k in base.kinks),
            bend=None if base.bend is None else base.bend + self.by,
            about=about,
        )

    def starts(self, values, weights):
        return self.base.starts(values - self.by, weights)


@final
class Veiled(kl.Model):
    """Another model of which only densities and quantiles are shown."""

    def __init__(self, base: kl.Model) -> None:
        self.base, self.sources, self.support = base, base.sources, base.support

    @property
    def parameters(self):
        return self.base.parameters

    def with_sources(self, sources):
        return Veiled(self.base.with_sources(sources))

    def row_log_density(self, x, parameters):
        return self.base.row_log_density(x, parameters)

    def quantiles_at(self, u):
        return self.base.quantiles_at(u)


@pytest.mark.parametrize("n", [500, 100_000])
def test_a_model_made_of_another_keeps_its_one_pass(n: int) -> None:
    x = np.random.default_rng(7).gamma(2.0, size=n) + 1.0
    plain = kl.fit(kl.Gamma(), x)
    fit = kl.fit(Shifted(kl.Gamma(), -1.0), x - 1.0)
    assert fit.convergence.converged
    assert fit.convergence.passes == 1
    assert fit.convergence.solver == "closed form"
    # x − 1 is rounded to 1.2e-16 of x, and the smallest are a thousandth of it
    for name in ("shape", "rate"):
        assert fit.params[name] == pytest.approx(plain.params[name], rel=1e-12)
        assert flat(fit.stderr[name]) == pytest.approx(flat(plain.stderr[name]), rel=1e-10)
    assert fit.cross_entropy == pytest.approx(plain.cross_entropy, rel=1e-12)


def test_a_model_made_of_another_takes_every_kind_of_row_and_source() -> None:
    time, seen = lifetimes(400)
    moved = ChunkSample(
        (
            Chunk(Exact(), {"y": time[seen] + 2.0}),
            Chunk(RightCensored(), {"time": time[~seen] + 2.0}),
        )
    )
    plain, fit = kl.fit(kl.Gamma(), censored(time, seen)), kl.fit(Shifted(kl.Gamma(), 2.0), moved)
    assert fit.params["shape"] == pytest.approx(plain.params["shape"], rel=1e-9)
    columns = design(300, 2)
    y = np.exp(columns["x0"]) * np.random.default_rng(2).gamma(2.0, size=300)
    source = Linear(("x0", "x1"))
    plain = kl.fit(kl.Gamma(rate=source), {**columns, "y": y}, "y")
    fit = kl.fit(Shifted(kl.Gamma(rate=source), 2.0), {**columns, "y": y + 2.0}, "y")
    np.testing.assert_allclose(flat(fit.params["rate"]), flat(plain.params["rate"]), rtol=1e-9)
    np.testing.assert_allclose(flat(fit.stderr["rate"]), flat(plain.stderr["rate"]), rtol=1e-9)


def test_a_model_made_of_another_keeps_its_closed_forms() -> None:
    p, q = kl.Gamma(shape=2.0, rate=1.5), kl.Gamma(mean=1.0, shape=3.0)
    plain = kl.kl_divergence(p, q)
    # D of gammas (W. D. Penny 2001): here of shapes 2 and 3, both with rates 1.5 and 3
    expected = (2 - 3) * special.digamma(2) + np.log(special.gamma(3) / special.gamma(2))
    expected += 3 * np.log(1.5 / 3) + 2 * (3 - 1.5) / 1.5
    assert float(plain) == pytest.approx(expected, rel=1e-14)
    found = kl.kl_divergence(Shifted(p, 2.0), Shifted(q, 2.0))
    assert found.method == plain.method == "closed form (Bregman divergence)"
    assert float(found) == pytest.approx(expected, rel=1e-13)
    same = kl.kl_divergence(Shifted(p, 2.0), Shifted(kl.Gamma(shape=2.0, rate=1.5), 2.0))
    assert (float(same), same.assumptions) == (0.0, ("the two models are the same",))
    # E (X − loc)² of a gamma with mean 4/3 and variance 8/9, moved by 2
    normal = kl.cross_entropy(Shifted(p, 2.0), kl.Normal(loc=1.0, scale=2.0))
    expected = np.log(2.0) + 0.5 * np.log(2 * np.pi) + (8 / 9 + (4 / 3 + 1.0) ** 2) / 8.0
    assert normal.method == "closed form"
    assert float(normal) == pytest.approx(expected, rel=1e-14)
    entropy = kl.entropy(Shifted(p, 2.0))
    assert entropy.method == "closed form"
    assert float(entropy) == pytest.approx(float(kl.entropy(p)), rel=1e-15)


def test_a_model_made_of_another_is_integrated_where_there_is_no_closed_form() -> None:
    p, q = kl.Gamma(shape=2.0, rate=1.5), kl.LogNormal(loc=0.0, scale=1.0)
    plain = kl.kl_divergence(p, q)
    found = kl.kl_divergence(Shifted(p, -50.0), Shifted(q, -50.0))
    assert found.method == "quadrature"
    # x is rounded to 7e-15
    assert float(found) == pytest.approx(float(plain), rel=1e-11)
    # moved by different numbers: not the same statistics
    a, b = stats.gamma(2.0, loc=2.0, scale=1.0 / 1.5), stats.gamma(2.0, loc=1.0, scale=1.0 / 1.5)
    expected, _ = integrate.quad(
        lambda x: a.pdf(x) * (a.logpdf(x) - b.logpdf(x)), 2.0, np.inf, epsabs=1e-13, epsrel=1e-13
    )
    found = kl.kl_divergence(Shifted(p, 2.0), Shifted(p, 1.0))
    assert found.method == "quadrature"
    assert float(found) == pytest.approx(expected, rel=1e-9)
    assert float(kl.kl_divergence(Shifted(p, 1.0), Shifted(p, 2.0))) == np.inf
    # far from where its parameters say it is
    t = kl.StudentT(df=3.0, loc=0.0, scale=1.0)
    far = [Shifted(m, 1e6) for m in (t, kl.Cauchy(loc=0.0, scale=1.0))]
    near = kl.kl_divergence(t, kl.Cauchy(loc=0.0, scale=1.0))
    assert float(kl.kl_divergence(*far)) == pytest.approx(float(near), rel=1e-8)


def test_the_tails_of_a_model_made_of_another_decide_what_is_infinite() -> None:
    normal, t = kl.Normal(loc=0.0, scale=1.0), kl.StudentT(df=2.0, loc=0.0, scale=1.0)
    for model in (t, Shifted(t, 3.0)):
        found = kl.kl_divergence(model, normal)
        assert (float(found), found.method) == (np.inf, "tails")
    with pytest.raises(kl.ModelError, match="is defective"):
        kl.entropy(Shifted(kl.Gompertz(shape=-0.5, rate=1.0), 1.0))
    # of unknown tails it is decided from densities far out, or not at all
    with pytest.raises(kl.ModelError, match="cannot be decided whether"):
        kl.kl_divergence(Veiled(t), normal)
    for model in (kl.StudentT(df=5.0, loc=0.0, scale=1.0), kl.Laplace(loc=0.0, scale=1.0)):
        found = kl.kl_divergence(Veiled(model), normal)
        assert found.method == "quadrature"
        assert float(found) == pytest.approx(float(kl.kl_divergence(model, normal)), rel=1e-9)


# ---- a new source --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Decay(kl.Source):
    """A parameter a·exp(−b·t) of a column t and two coefficients."""

    columns: tuple[str, ...] = ("t",)
    at: tuple[float, float] | None = None

    @property
    def structure(self):
        return (Decay, self.at is None)

    def coefficients(self, parameter, support):  # noqa: ARG002
        values = (None, None) if self.at is None else [np.array([v]) for v in self.at]
        return (
            Coefficient(f"{parameter}.a", POSITIVE, np.array([1.0]), values[0]),
            Coefficient(f"{parameter}.b", REAL, np.array([0.1]), values[1]),
        )

    def value(self, coefficients, row, parameters):  # noqa: ARG002
        a, b = coefficients
        return a * jnp.exp(-b * row["t"])

    def fixed_at(self, values):
        return Decay(at=(float(values[0][0]), float(values[1][0])))


@pytest.mark.parametrize("n", [300, 100_000])  # all rows at once, and a subsample first
def test_a_new_source(n: int) -> None:
    rng = np.random.default_rng(2)
    t = rng.uniform(0.0, 4.0, n)
    y = 3.0 * np.exp(-0.5 * t) + rng.normal(0.0, 0.2, n)
    fit = kl.fit(kl.Normal(loc=Decay()), {"t": t, "y": y}, "y")
    # a normal model of a curve is least squares; scipy's is an independent program
    (a, b), _ = optimize.curve_fit(
        lambda t, a, b: a * np.exp(-b * t), t, y, p0=[1.0, 0.1], xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    residual = y - a * np.exp(-b * t)
    assert fit.convergence.converged
    assert flat(fit.params["loc"]) == pytest.approx([a, b], rel=1e-7)  # scipy's own tolerance
    assert fit.params["scale"] == pytest.approx(np.sqrt(np.mean(residual**2)), rel=1e-9)
    assert isinstance(fit.model.sources["loc"], Decay)
    assert np.all(np.isfinite(flat(fit.stderr["loc"])))


@dataclass(frozen=True)
class Scores(kl.Source):
    """Logits of four classes: the first 0, the others linear in two columns, written out."""

    columns: tuple[str, ...] = ("x0", "x1")

    @property
    def structure(self):
        return Scores

    def coefficients(self, parameter, support):  # noqa: ARG002
        return (Coefficient(f"{parameter}.b", Reals(9), np.zeros(9)),)

    def value(self, coefficients, row, parameters):  # noqa: ARG002
        b = coefficients[0].reshape(3, 3)
        scores = b[:, :1] + b[:, 1:2] * row["x0"] + b[:, 2:] * row["x1"]
        return jnp.concatenate([jnp.zeros_like(scores[:1]), scores]).T


def test_a_new_source_of_a_vector() -> None:
    columns = design(70_000, 2)
    p = np.exp([0.0 * columns["x0"], columns["x0"], columns["x1"] - 1.0, 0.5 + columns["x1"]])
    u = np.random.default_rng(6).random(70_000) * p.sum(axis=0)
    data = {**columns, "y": np.array(list("abcd"))[np.sum(np.cumsum(p, axis=0) < u, axis=0)]}
    fit = kl.fit(Categorical(logits=Scores()), data, "y")
    linear = kl.fit(Categorical(logits=Linear(("x0", "x1"))), data, "y")
    assert fit.convergence.converged
    assert linear.names[:4] == (
        *(f"logits[b[{k}]]" for k in ("Intercept", "x0", "x1")),
        "logits[c[Intercept]]",
    )
    # the same model by two ways
    np.testing.assert_allclose(
        flat(fit.params["logits"]), flat(linear.params["logits"]), rtol=1e-10
    )
    np.testing.assert_allclose(fit.covariance(), linear.covariance(), rtol=1e-9)
    np.testing.assert_allclose(fit.covariance("sandwich"), linear.covariance("sandwich"), rtol=1e-9)
    model = multinomial(columns, data["y"])
    np.testing.assert_allclose(flat(linear.params["logits"]), model, rtol=1e-5, atol=1e-6)
    again = kl.fit(Categorical(logits=Scores()), data, "y", engine=kl.StreamingEngine)
    np.testing.assert_array_equal(flat(again.params["logits"]), flat(fit.params["logits"]))
    # rows of the fitted model, evaluated one by one, have the fit's cross-entropy
    losses = kl.estimate_cross_entropy(linear.model, data, "y")
    assert float(losses) == pytest.approx(linear.cross_entropy, rel=1e-13)


def multinomial(columns: dict[str, np.ndarray], labels: np.ndarray) -> np.ndarray:
    """Coefficients of a multinomial logit by scikit-learn, an independent program."""
    x = np.stack(list(columns.values()), axis=1)
    found = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1_000).fit(x, labels)
    coefficients = np.column_stack([found.intercept_, found.coef_])
    return np.ravel(coefficients[1:] - coefficients[0])  # the first class is the reference


# ---- a source that is bound to the categories of a sample ----------------------------------------


@final
@dataclass(frozen=True)
class ByCategory(kl.Source):
    """A linear function of one number and of the indicators of all categories but the first."""

    number: str
    category: str
    levels: tuple[Any, ...] | None = None
    linear: Linear | None = None

    @property
    def columns(self):
        return (self.number, self.category)

    @property
    def categories(self):
        return {self.category: self.levels}

    @property
    def structure(self):
        return (ByCategory, self.number, self.category, self.levels, self.linear.structure)

    def bind(self, schema):
        levels = schema.levels(self.category)
        if self.levels is not None:
            return self
        names = tuple(f"{self.category}[T.{level}]" for level in levels[1:])
        linear = replace(self.linear, columns=(self.number, *names))
        return ByCategory(self.number, self.category, levels, linear)

    def for_parameter(self, domain):
        linear = (self.linear or Linear((self.number,))).for_parameter(domain)
        return ByCategory(self.number, self.category, self.levels, linear)

    def coefficients(self, parameter, domain):
        return self.linear.coefficients(parameter, domain)

    def predictor(self):
        return self.linear.predictor()

    def design(self, row):
        return self.linear.design(self.indicators(row))

    def indicators(self, row):
        codes = row[self.category]
        return row | {n: 1.0 * (codes == k) for k, n in enumerate(self.linear.columns[1:], 1)}

    def value(self, coefficients, row, parameters):
        return self.linear.value(coefficients, self.indicators(row), parameters)

    def starts_at(self, value):
        return self.linear.starts_at(value)

    def fixed_at(self, values):
        return ByCategory(self.number, self.category, self.levels, self.linear.fixed_at(values))


def regions(rows: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(6)
    region = np.array(["east", "north", "west"])[rng.integers(0, 3, rows)]
    x = rng.standard_normal(rows)
    effect = np.select([region == "north", region == "west"], [0.5, -0.25])
    y = np.exp(1.0 + 0.3 * x + effect) * rng.weibull(1.5, rows)
    return {"x": x, "region": region, "y": y, "n": rng.integers(1, 4, rows).astype(float)}


INDICATORS = ("region[T.north]", "region[T.west]")


@pytest.mark.parametrize("weights", [None, "n"])
@pytest.mark.parametrize("source", ["dict", "pandas", "polars", "parquet", "csv", "stream"])
def test_a_source_bound_to_categories(source: str, weights: str | None, tmp_path) -> None:
    data = regions(500)
    by_hand = data | {n: 1.0 * (data["region"] == n[9:-1]) for n in INDICATORS}
    plain = kl.fit(kl.Weibull(scale=Linear(("x", *INDICATORS))), by_hand, "y", weights=weights)
    model = kl.Weibull(scale=ByCategory("x", "region"))
    frame = pd.DataFrame(data)
    opened: Any = {"dict": data, "pandas": frame, "polars": pl.DataFrame(data)}.get(source)
    if source == "csv":
        opened = tmp_path / "rows.csv"
        frame.to_csv(opened, index=False)
    elif opened is None:
        opened = tmp_path / "rows.parquet"
        frame.to_parquet(opened, row_group_size=100)
    if source == "stream":
        roles = Roles("y", weights, columns=("x", "region"), categorical=("region",))
        opened = open_sample(opened, roles, in_memory=False)
        assert not opened.in_memory
    fit = kl.fit(model, opened, "y", weights=weights)
    # the same design, built from codes: the same bits
    assert fit.convergence.converged
    assert fit.names == plain.names
    assert fit.names[2:] == ("scale[x]", "scale[region[T.north]]", "scale[region[T.west]]")
    assert fit.cross_entropy == plain.cross_entropy
    for name in ("shape", "scale"):
        np.testing.assert_array_equal(flat(fit.params[name]), flat(plain.params[name]))
        np.testing.assert_array_equal(flat(fit.stderr[name]), flat(plain.stderr[name]))
    again = kl.estimate_cross_entropy(fit.model, opened, "y", weights=weights)
    assert float(again) == pytest.approx(fit.cross_entropy, rel=1e-13)


@pytest.mark.parametrize("streamed", [False, True])
def test_categories_keep_their_codes_in_other_rows(streamed: bool, tmp_path) -> None:
    data = regions(300)
    fit = kl.fit(kl.Weibull(scale=ByCategory("x", "region")), data, "y")
    # rows without the reference category, which alone would shift every code
    few = {name: values[data["region"] != "east"][:20] for name, values in data.items()}
    shape, (a, b, north, west) = fit.params["shape"], flat(fit.params["scale"])
    eta = a + b * few["x"] + np.where(few["region"] == "north", north, west)
    expected = -stats.weibull_min(shape, scale=np.exp(eta)).logpdf(few["y"]).mean()
    file = tmp_path / "few.parquet"
    pd.DataFrame(few).to_parquet(file)
    roles, known = (
        roles_of((fit.model,), "y", weights=None, missing="error"),
        schema_of((fit.model,)),
    )

    def opened(path):
        return open_sample(path, roles, known, in_memory=not streamed)

    assert float(kl.estimate_cross_entropy(fit.model, opened(file))) == pytest.approx(
        expected, rel=1e-12
    )
    other = few | {"region": np.where(few["x"] > 0.5, "south", few["region"])}
    pd.DataFrame(other).to_parquet(file)
    message = r'column "region" holds "south", which is not one of the categories: .*"north"'
    with pytest.raises(kl.DataError, match=message):
        list(opened(file).chunks())
    with pytest.raises(kl.DataError, match=message):
        kl.fit(kl.Weibull(scale=fit.model.sources["scale"]), other, "y")
    for again in (fit.model, kl.Weibull(shape=2.0, scale=fit.model.sources["scale"])):
        with pytest.raises(kl.DataError, match=message):
            kl.estimate_cross_entropy(again, other, "y")
        with pytest.raises(kl.DataError, match=message):
            kl.estimate_cross_entropy_difference(
                again, kl.Weibull(shape=1.0, scale=1.0), other, "y"
            )
    absent = few | {"region": np.where(few["x"] > 0.5, None, few["region"])}
    with pytest.raises(kl.DataError, match='missing values in column "region"'):
        kl.estimate_cross_entropy(fit.model, absent, "y")


@final
@dataclass(frozen=True)
class Lenient(kl.Source):
    """e^x for a number x, and one where it is missing."""

    columns: tuple[str, ...] = ("x",)
    takes_missing: ClassVar[bool] = True

    def value(self, coefficients, row, parameters):  # noqa: ARG002
        return jnp.exp(jnp.where(jnp.isnan(row["x"]), 0.0, row["x"]))


def test_missing_values_are_inputs_of_the_sources_that_take_them_alone() -> None:
    data = regions(300)
    fit = kl.fit(kl.Weibull(scale=ByCategory("x", "region")), data, "y")
    lenient = kl.Exponential(rate=Lenient())
    gap = data | {"x": np.where(data["x"] > 1.0, np.nan, data["x"])}
    rate = np.exp(np.nan_to_num(gap["x"]))
    expected = -stats.expon(scale=1.0 / rate).logpdf(data["y"]).mean()
    found = kl.estimate_cross_entropy(lenient, gap, "y")
    assert float(found) == pytest.approx(expected, rel=1e-13)
    difference = kl.estimate_cross_entropy_difference(fit.model, lenient, data, "y")
    losses = [kl.estimate_cross_entropy(model, data, "y") for model in (fit.model, lenient)]
    assert float(difference) == pytest.approx(float(losses[0]) - float(losses[1]), rel=1e-10)
    # an unknown category, and a missing number, would be rows of the first category or NaN
    other = data | {"region": np.where(data["x"] > 1.0, "south", data["region"])}
    said = ('column "region" holds "south", which is not', 'missing values in column "x": row')
    for rows, message in zip((other, gap), said, strict=True):
        with pytest.raises(kl.DataError, match=message):
            kl.estimate_cross_entropy_difference(fit.model, lenient, rows, "y")


def test_a_sample_without_the_categories_is_refused() -> None:
    data = regions(100)
    sample = ArraySample({"y": data["y"], "x": data["x"], "region": data["n"]})
    with pytest.raises(kl.DataError, match='does not hold column "region" as categories'):
        kl.fit(kl.Weibull(scale=ByCategory("x", "region")), sample)


# ---- a new kind of row ---------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class RightCensored(RowKind):
    """The outcome was not seen, but is above ``time``."""

    fields: ClassVar[tuple[str, ...]] = ("time",)
    description: ClassVar[str] = "right-censored"

    def ends(self, fields):
        return fields["time"], np.full_like(fields["time"], np.inf)


@log_term.register
def _(kind: RightCensored, model, parameters, row):  # noqa: ARG001
    return model.row_log_survival(row["time"], parameters)


@final
@dataclass(frozen=True)
class Within(RowKind):
    """The outcome was not seen, but lies above ``low`` and at most ``width`` further."""

    width: float
    fields: ClassVar[tuple[str, ...]] = ("low",)
    description: ClassVar[str] = "interval-censored"

    def ends(self, fields):
        return fields["low"], fields["low"] + self.width


@log_term.register
def _(kind: Within, model, parameters, row):
    low = model.row_log_survival(row["low"], parameters)
    high = model.row_log_survival(row["low"] + kind.width, parameters)
    return low + jnp.log1p(-jnp.exp(high - low))


def lifetimes(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return times of the event or the end, whichever is earlier, and whether of the event."""
    rng = np.random.default_rng(3)
    time, end = rng.exponential(5.0, rows), rng.uniform(0.0, 10.0, rows)
    return np.minimum(time, end), time <= end


def censored(time: np.ndarray, seen: np.ndarray) -> ChunkSample:
    return ChunkSample(
        (Chunk(Exact(), {"y": time[seen]}), Chunk(RightCensored(), {"time": time[~seen]}))
    )


def test_a_new_kind_of_row() -> None:
    time, seen = lifetimes(400)
    sample = censored(time, seen)
    fit = kl.fit(kl.Exponential(), sample)
    # censored exponential lifetimes: events over total time at risk
    rate = seen.sum() / time.sum()
    assert fit.convergence.converged
    assert fit.n == 400
    assert fit.params["rate"] == pytest.approx(rate, rel=1e-12)
    assert fit.stderr["rate"] == pytest.approx(rate / np.sqrt(seen.sum()), rel=1e-9)
    weibull = kl.fit(kl.Weibull(), sample)
    c, _, scale = stats.weibull_min.fit(stats.CensoredData.right_censored(time, ~seen), floc=0)
    assert weibull.params["shape"] == pytest.approx(c, rel=1e-4)  # scipy's simplex stops at 1e-4
    assert weibull.params["scale"] == pytest.approx(scale, rel=1e-4)


def test_pictures_of_censored_rows_show_their_estimate() -> None:
    time, seen = lifetimes(60)
    fit = kl.fit(kl.Weibull(), censored(time, seen))
    figure = fit.plot()
    few = np.sum(~seen)
    assert figure.get_suptitle() == f"Weibull fitted to 60 rows, {few} of them right-censored"
    legends = [[text.get_text() for text in ax.get_legend().get_texts()] for ax in figure.axes]
    assert legends[0] == ["Kaplan–Meier estimate", "Weibull"]
    assert legends[1] == ["Kaplan–Meier estimate, 95% band", "Weibull"]
    assert fit.problem is not None
    survival = stats.ecdf(stats.CensoredData.right_censored(time, ~seen)).sf
    steps = fit.problem.empirical()
    kept = survival.quantiles[np.isin(survival.quantiles, time[seen])]
    np.testing.assert_allclose(steps.survival[: kept.size], survival.evaluate(kept), rtol=1e-12)
    # the likelihood is that of the censored rows: its maximum by scipy, to its simplex's 1e-4
    shape, _, scale = stats.weibull_min.fit(stats.CensoredData.right_censored(time, ~seen), floc=0)
    dot = fit.plot("likelihood").axes[0].lines[1]
    np.testing.assert_allclose(np.ravel(dot.get_data()), [shape, scale], rtol=1e-3)


def test_only_what_describes_the_same_rows_is_shown(tmp_path) -> None:
    time, seen = lifetimes(400)
    fit = kl.fit(kl.Weibull(), censored(time, seen))
    rows = f"{np.sum(~seen)} of 400 rows are right-censored"
    decomposition = fit.decomposition(reference=kl.Exponential(rate=0.2))
    lines = {line.name: line for line in decomposition.lines}
    for name in ("entropy", "entropy of Exponential(rate=0.2)"):
        assert np.isnan(lines[name].value)
        assert lines[name].shown == "unknown"
        assert rows in lines[name].note
    assert "relative entropy" not in lines
    assert f"no estimate: {rows}" in str(fit.summary())
    fit.save(tmp_path / "fit.json")
    assert kl.load(tmp_path / "fit.json") == fit
    with pytest.raises(kl.KullbackError, match=f"expected information .* {rows}"):
        fit.covariance("expected")
    # counts: the empirical entropy of the exact rows is not that of the sample either
    counts = ChunkSample(
        (
            Chunk(Exact(), {"y": np.array([0.0, 1.0, 1.0, 3.0])}),
            Chunk(RightCensored(), {"time": np.array([4.0])}),
        )
    )
    assert np.isnan(kl.fit(kl.Poisson(), counts).decomposition()["entropy"])


def test_an_order_statistic_needs_exact_rows() -> None:
    with pytest.raises(
        kl.ModelError, match=r"minimum is the minimum of the sample.* right-censored"
    ):
        kl.fit(kl.Pareto(), censored(*lifetimes(50)))
    fit = kl.fit(kl.Pareto(minimum=1e-3), censored(*lifetimes(50)))
    assert fit.convergence.converged


@pytest.mark.parametrize("shape", [0.3, 2.5, 150.0])
def test_a_pass_of_censored_gamma_rows_against_mpmath(shape: float) -> None:
    model, rate = kl.Gamma(), 1.25
    derivatives = LossDerivatives(model, model.vector.is_free)
    for x in (0.01 * shape, 0.7 * shape, 1.1 * shape, 3.0 * shape + 5.0):
        sample = ArraySample({"time": np.array([x])}, kind=RightCensored())
        sums = kl.LocalEngine(sample).reduce(derivatives, np.array([shape, rate]))
        with mp.workdps(60):

            def loss(a, b, x=x):
                return -mp.log(mp.gammainc(a, b * mp.mpf(x), regularized=True))

            at = (mp.mpf(shape), mp.mpf(rate))
            orders = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]
            expected = [
                float(loss(*at) if order == (0, 0) else mp.diff(loss, at, order))
                for order in orders
            ]
        got = [sums[1], *sums[3:8]]
        # a second derivative by differences has 20 digits of the 60; ∂² in the rate is a difference
        # of terms a hundred times as large
        for value, right, tolerance in zip(got, expected, (1e-13, *(1e-12,) * 5), strict=True):
            assert abs(value - right) <= tolerance * max(1.0, abs(right))


def test_the_loops_of_a_special_function_run_once_for_all_derivatives() -> None:
    model = kl.Gamma()
    derivatives = LossDerivatives(model, model.vector.is_free)

    def loops(function: Any) -> int:
        with float64():
            text = str(jax.make_jaxpr(function)(jnp.ones(()), jnp.ones(()), jnp.ones(8)))
        return text.count(" while[") + text.count(" scan[")

    every = loops(lambda a, b, x: derivatives.rows(RightCensored(), [a, b], {"time": x}))
    assert every == 3  # where the quadrature is cut, the quadrature and the series


def test_rows_outside_the_support_are_named_by_their_ends() -> None:
    parts = (
        Chunk(Exact(), {"y": np.array([0.25, 0.5])}),
        Chunk(RightCensored(), {"time": np.array([0.75, 1.5, 0.5])}, first_row=2),
    )
    with pytest.raises(kl.DataError, match=r"1 row of y is not, it is row 3 \(1.5\)"):
        kl.fit(kl.Beta(), ChunkSample(parts))


def test_kinds_that_differ_in_a_parameter_are_added_up_apart() -> None:
    rng = np.random.default_rng(8)
    time = rng.weibull(1.5, 300) * 4.0
    low = [np.floor(time[:100]), np.floor(time[100:200] / 2.0) * 2.0]
    weight = rng.integers(1, 4, 100).astype(float)
    parts = [
        Chunk(Within(1.0), {"low": low[0]}),
        Chunk(Within(2.0), {"low": low[1]}),
        Chunk(Exact(), {"y": time[200:]}, weight),
    ]

    def loss(u):
        of = stats.weibull_min(np.exp(u[0]), scale=np.exp(u[1]))
        chances = [np.log(of.cdf(low[i] + i + 1) - of.cdf(low[i])) for i in (0, 1)]
        return -(chances[0].sum() + chances[1].sum() + weight @ of.logpdf(time[200:]))

    expected = optimize.minimize(loss, [0.0, 1.0], method="BFGS", options={"gtol": 1e-7})
    fits = [kl.fit(kl.Weibull(), ChunkSample(tuple(p))) for p in (parts, parts[::-1])]
    for fit in fits:
        assert fit.convergence.converged
        assert fit.n == 200.0 + weight.sum()
        assert fit.log_likelihood == pytest.approx(-expected.fun, rel=1e-12)
        # the simplex of quadratic approximations ends where its slope is 1e-7 or its steps are
        assert list(fit.params.values()) == pytest.approx(np.exp(expected.x), rel=1e-5)
    assert fits[0].params == fits[1].params
    assert fits[0].cross_entropy == fits[1].cross_entropy


def test_kinds_with_one_name_are_refused() -> None:
    def twin() -> RowKind:
        @dataclass(frozen=True)
        class Twin(RowKind):
            fields: ClassVar[tuple[str, ...]] = ("time",)

            def ends(self, fields):
                return fields["time"], fields["time"]

        return Twin()

    chunks = tuple(Chunk(twin(), {"time": np.array([1.0, 2.0])}) for _ in range(2))
    with pytest.raises(TypeError, match="two kinds of rows"):
        kl.LocalEngine(ChunkSample(chunks)).reduce(SummariseSample(POSITIVE), np.zeros(0))


def test_a_streamed_subsample_holds_its_own_rows_only() -> None:
    """Views of what was thinned before would keep that in memory."""
    statistic = SummariseSample(REAL)
    block = next(iter(blocks([Chunk(Exact(), {"y": np.arange(65_536.0)})])))
    parts = [statistic.of_block(replace(block, index=i), np.zeros(0)) for i in range(40)]
    summary = parts[0]
    for part in parts[1:]:
        summary = statistic.merge(summary, part)
    assert summary.stride == 16
    np.testing.assert_array_equal(summary.values, np.tile(np.arange(0.0, 65_536.0, 16.0), 40))
    assert all(piece.fields["y"].base is None for piece in summary.pieces)


@pytest.mark.parametrize("name", ["Gamma", "Poisson"])
def test_one_censored_row_among_many_costs_no_pass_over_the_others(name: str) -> None:
    model = getattr(kl, name)()
    law = {"Gamma": stats.gamma(2.0), "Poisson": stats.poisson(3.0)}[name]
    y = law.rvs(2_000_000, random_state=7).astype(float)
    parts = (Chunk(Exact(), {"y": y}), Chunk(RightCensored(), {"time": np.array([9.0])}))
    engines = []

    def engine(sample):
        engines.append(kl.LocalEngine(sample))
        return engines[-1]

    fit = kl.fit(model, ChunkSample(parts), engine=engine)
    assert fit.convergence.converged
    assert fit.convergence.passes == 1
    # the first pass reads all rows, the others the censored one
    assert engines[0].rows - 2_000_001 < 20
    # the likelihood by its definition, from SciPy
    if name == "Gamma":
        of = stats.gamma(fit.params["shape"], scale=1.0 / fit.params["rate"])
        terms = of.logpdf(y)
    else:
        of = stats.poisson(fit.params["rate"])
        terms = of.logpmf(y)
    assert fit.log_likelihood == pytest.approx(terms.sum() + of.logsf(9.0), rel=1e-12)
    again = kl.fit(model, ChunkSample(parts[::-1]), engine=lambda s: kl.LocalEngine(s, threads=3))
    assert again.params == fit.params
    np.testing.assert_array_equal(again.covariance("sandwich"), fit.covariance("sandwich"))
    # second moments merge by the law of total variance: those of the rows' own losses
    losses = np.append(terms, of.logsf(9.0))
    assert fit.evaluation.loss_variance() == pytest.approx(np.var(losses), rel=1e-9)


# ---- a linear source -----------------------------------------------------------------------------


def design(rows: int, columns: int, seed: int = 1) -> dict[str, np.ndarray]:
    x = np.random.default_rng(seed).standard_normal((columns, rows))
    return {f"x{k}": row for k, row in enumerate(x)}


def test_a_censored_weibull_with_a_linear_scale() -> None:
    # every seam in one fit: two kinds of rows with weights, a linear source, Newton, a result
    rng = np.random.default_rng(9)
    columns = design(300, 2)
    scale = np.exp(1.0 + 0.5 * columns["x0"] - 0.25 * columns["x1"])
    time, end = scale * rng.weibull(1.7, 300), rng.uniform(0.0, 8.0, 300)
    seen, time = time <= end, np.minimum(time, end)
    weight = rng.integers(1, 4, 300).astype(float)
    parts = [
        Chunk(kind, {name: time[rows], **{k: x[rows] for k, x in columns.items()}}, weight[rows])
        for kind, name, rows in ((Exact(), "y", seen), (RightCensored(), "time", ~seen))
    ]
    fit = kl.fit(kl.Weibull(scale=Linear(("x0", "x1"))), ChunkSample(tuple(parts)))

    def loss(u):
        of = stats.weibull_min(
            np.exp(u[0]), scale=np.exp(u[1] + u[2] * columns["x0"] + u[3] * columns["x1"])
        )
        return -(weight @ np.where(seen, of.logpdf(time), of.logsf(time)))

    expected = optimize.minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-6})
    assert fit.convergence.converged
    assert fit.names == ("shape", "scale[Intercept]", "scale[x0]", "scale[x1]")
    assert fit.log_likelihood == pytest.approx(-expected.fun, rel=1e-12)
    assert flat(fit.params["scale"]) == pytest.approx(expected.x[1:], abs=1e-6)  # BFGS's own slope
    # the observed information by differences of the loss, as an independent check of the errors
    at = np.array([np.log(fit.params["shape"]), *flat(fit.params["scale"])])
    h, steps = 1e-4, np.eye(4)
    hessian = [
        [
            sum(i * j * loss(at + h * (i * a + j * b)) for i in (1, -1) for j in (1, -1))
            for b in steps
        ]
        for a in steps
    ]
    errors = np.sqrt(np.diag(np.linalg.inv(np.array(hessian) / (4 * h * h))))
    np.testing.assert_allclose(flat(fit.stderr["scale"]), errors[1:], rtol=1e-5)
    assert np.all(np.isfinite(fit.covariance("sandwich")))
    # and the same bits again, with the data that the fit refers to
    assert fit.problem is not None
    assert fit.problem.refit() == fit


def test_a_linear_location_is_least_squares() -> None:
    columns = design(500, 3)
    x = np.stack([np.ones(500), *columns.values()])
    y = np.array([1.0, 2.0, 0.0, -1.0]) @ x + np.random.default_rng(2).normal(0.0, 0.5, 500)
    fit = kl.fit(kl.Normal(loc=Linear(tuple(columns))), {**columns, "y": y}, "y")
    beta, *_ = np.linalg.lstsq(x.T, y, rcond=None)
    np.testing.assert_allclose(flat(fit.params["loc"]), beta, rtol=1e-12)
    residual = y - beta @ x
    inverse = np.linalg.inv(x @ x.T)
    np.testing.assert_allclose(
        flat(fit.stderr["loc"]), np.sqrt(np.mean(residual**2) * np.diag(inverse)), rtol=1e-9
    )
    # White (1980): the sandwich of least squares
    middle = inverse @ (x * residual**2) @ x.T @ inverse
    np.testing.assert_allclose(fit.covariance("sandwich")[:4, :4], middle, rtol=1e-9)
    assert fit.decomposition()["cross-entropy"] == fit.cross_entropy


def test_an_intercept_alone_is_the_parameter_itself() -> None:
    y = np.random.default_rng(4).gamma(2.0, size=3_000)
    fit, plain = kl.fit(kl.Gamma(rate=Linear(())), y), kl.fit(kl.Gamma(), y)
    np.testing.assert_allclose(
        np.exp(flat(fit.params["rate"])), flat(plain.params["rate"]), rtol=1e-10
    )
    # the delta method: the error of log rate is that of rate over rate
    expected = plain.stderr["rate"] / plain.params["rate"]
    np.testing.assert_allclose(flat(fit.stderr["rate"]), expected, rtol=1e-8)
    assert "Intercept" in str(fit.summary())


def test_the_cross_entropy_of_the_rows_is_that_of_the_fit() -> None:
    data = {**design(300, 2), "y": np.random.default_rng(5).weibull(1.5, 300)}
    fit = kl.fit(kl.Weibull(scale=Linear(("x0", "x1"))), data, "y")
    again = kl.estimate_cross_entropy(fit.model, data, "y")
    assert float(again) == pytest.approx(fit.cross_entropy, rel=1e-13)


def test_a_linear_source_of_many_coefficients() -> None:
    n = 70_000  # two blocks
    columns = design(n, 119)
    y = np.random.default_rng(3).weibull(1.5, n) * np.exp(0.2 * columns["x0"])
    sample = ArraySample({"y": y, **columns})
    model = kl.Weibull(scale=Linear(tuple(columns)))
    at = np.concatenate([[1.5], np.zeros(120)])
    derivatives = LossDerivatives(model, model.vector.is_free)
    count = COMPILED.count
    one, *others = [
        kl.LocalEngine(sample, threads=threads).reduce(derivatives, at) for threads in (1, 2, 4)
    ]
    others += [
        kl.StreamingEngine(sample, threads=2).reduce(derivatives, at),
        Unruly(sample, 3).reduce(derivatives, at),
    ]
    assert COMPILED.count - count <= 1
    for other in others:
        np.testing.assert_array_equal(other, one)
    # the score by its definition: ∂ℓ/∂η = shape (1 − (y/scale)^shape), times the design
    z = (y / 1.0) ** 1.5
    expected = 1.5 * (1.0 - z) @ np.stack([np.ones(n), *columns.values()]).T
    np.testing.assert_allclose(one[4 : 4 + 120], expected, rtol=1e-9, atol=1e-6)


def test_compiled_code_does_not_depend_on_the_number_of_coefficients() -> None:
    def size(p: int) -> int:
        model = kl.Weibull(scale=Linear(tuple(f"x{k}" for k in range(p))))
        of_row = LossDerivatives(model, model.vector.is_free).in_predictors
        with float64():
            jaxpr = jax.make_jaxpr(lambda a, b, y: of_row.rows(Exact(), [a, b], {"y": y}))(
                jnp.ones(()), jnp.ones(8), jnp.ones(8)
            )
        return len(jaxpr.jaxpr.eqns)

    assert size(20) == size(120)


def separation(name: str) -> tuple[dict[str, np.ndarray], str | None]:
    rng = np.random.default_rng(0)
    x, z = rng.standard_normal((2, 200))
    level = (rng.random(200) < 0.3).astype(float)
    noise = (rng.random(200) < 0.4).astype(float)
    cases = {
        "complete": (x, (x > 0.1).astype(float), "x"),
        "complete, in thousandths": (1e-3 * x, (x > 0.1).astype(float), "x"),
        "quasi-complete": (level, np.maximum(level, noise), "x"),
        "none": (x, (rng.random(200) < 1.0 / (1.0 + np.exp(-x))).astype(float), None),
    }
    x, y, column = cases[name]
    return {"x": x, "z": z, "y": y}, column


@pytest.mark.parametrize("case", ["complete", "complete, in thousandths", "quasi-complete", "none"])
@pytest.mark.parametrize("parameter", ["logit", "probability"])
def test_separated_rows_are_reported_by_column(case: str, parameter: str) -> None:
    data, column = separation(case)
    fit = kl.fit(kl.Bernoulli(**{parameter: Linear(("x", "z"))}), data, "y")
    assert fit.convergence.converged == (column is None)
    if column is not None:
        assert fit.convergence.reason == (
            f"no maximum: the rows are separated by {parameter}[{column}]"
        )
        assert np.all(np.isnan(flat(fit.stderr[parameter])))


def test_a_level_without_events_separates_counts() -> None:
    rng = np.random.default_rng(1)
    level = (rng.random(300) < 0.3).astype(float)
    y = np.where(level == 1.0, 0.0, rng.poisson(2.0, 300))
    fit = kl.fit(kl.Poisson(rate=Linear(("level",))), {"level": level, "y": y}, "y")
    assert fit.convergence.reason == "no maximum: the rows are separated by rate[level]"


# ---- a new statistic -----------------------------------------------------------------------------


@dataclass(frozen=True)
class LogMoments(RowSums):
    """Σ w, Σ w log y and Σ w (log y)²."""

    @property
    def structure(self):
        return LogMoments

    def rows(self, kind, arguments, row):  # noqa: ARG002
        log_y = jnp.log(row["y"])
        return (jnp.ones(()), log_y, log_y**2)


def test_a_new_statistic() -> None:
    y = np.random.default_rng(4).gamma(2.0, size=150_000)
    sums = kl.LocalEngine(ArraySample({"y": y})).reduce(LogMoments(), np.zeros(0))
    expected = [y.size, np.log(y).sum(), (np.log(y) ** 2).sum()]
    np.testing.assert_allclose(sums, expected, rtol=1e-12)


# ---- a new engine --------------------------------------------------------------------------------


@final
class Unruly(Engine):
    """Evaluates blocks in a random order, and each several times before it believes the result."""

    def __init__(self, sample: Any, seed: int) -> None:
        super().__init__()
        self._blocks = list(blocks(sample.chunks()))
        self._random = random.Random(seed)

    def first_block(self, kind=None):
        return next(block for block in self._blocks if kind in (None, block.kind))

    def results(self, statistic: Statistic[Any], arguments) -> Iterator[Subtotal]:
        for block in self._random.sample(self._blocks, len(self._blocks)):
            with float64():
                for _ in range(self._random.randrange(1, 3)):
                    partial = statistic.of_block(block, arguments)
            yield Subtotal.of(block, partial)


@pytest.mark.parametrize(
    ("model", "law"),
    [
        (kl.StudentT(), stats.t(5)),
        (kl.Gamma(), stats.gamma(2.0)),
        (kl.NegativeBinomial(), stats.nbinom(3, 0.3)),
        (kl.Laplace(), stats.laplace()),
    ],
    ids=["StudentT", "Gamma", "NegativeBinomial", "Laplace"],  # one name in every process
)
def test_a_new_engine_gives_the_same_bits(model: kl.Model, law: Any) -> None:
    y = law.rvs(300_001, random_state=5)
    one = kl.fit(model, y, engine=lambda s: kl.LocalEngine(s, threads=1))
    others = [
        kl.fit(model, y, engine=lambda s: kl.LocalEngine(s, threads=3)),
        kl.fit(model, y, engine=lambda s: kl.StreamingEngine(s, threads=2)),
        *(kl.fit(model, y, engine=lambda s, seed=seed: Unruly(s, seed)) for seed in (1, 2)),
    ]
    for other in others:
        assert other.params == one.params
        assert other.cross_entropy == one.cross_entropy
        np.testing.assert_array_equal(other.covariance(), one.covariance())


# ---- a new solver --------------------------------------------------------------------------------


class Walk(NamedTuple):
    point: Any
    rate: float


@final
class GradientDescent(Solver[Walk]):
    """Steepest descent, with a step that grows after a success and shrinks after a failure."""

    def init(self, point):
        return Walk(point, 1.0)

    def propose(self, state):
        return state.point.at - state.rate * state.point.gradient

    def best(self, state):
        return state.point.at

    def step(self, state, point):
        if point.value <= state.point.value:
            return Walk(point, 1.2 * state.rate)
        return Walk(state.point, 0.5 * state.rate)

    def status(self, state):
        small = np.linalg.norm(state.point.gradient) < 1e-7
        return Outcome.CONVERGED if small else Outcome.RUNNING


def test_a_new_solver() -> None:
    x = np.random.default_rng(6).gamma(2.0, size=500)
    slow, fast = (kl.fit(kl.Weibull(), x, solver=solver) for solver in (GradientDescent(), None))
    assert slow.convergence.solver == "GradientDescent"
    assert slow.convergence.steps > fast.convergence.steps
    for name, value in fast.params.items():
        assert slow.params[name] == pytest.approx(value, rel=1e-5)  # its gradient stops at 1e-7


# ---- the product of kinds, weights, sources and engines ------------------------------------------

KINDS = {
    "exact": (Exact(),),
    "right-censored": (Exact(), RightCensored()),
    "all kinds": (Exact(), RightCensored(), Within(0.5), Within(2.0)),
}
SOURCES = {
    "free": {},
    "fixed": {"shape": 1.5},
    "bounded": {"shape": kl.Param(start=1.2, lower=1.0, upper=3.0)},
    "linear": {"scale": Linear(("x",))},
}


def mixed(kinds: tuple[RowKind, ...], *, weighted: bool, copies: bool) -> list[Chunk]:
    """Rows of some kinds, in several chunks; with weights, or each row as often as its weight."""
    rng = np.random.default_rng(12)
    chunks = []
    for part in range(3):
        for kind in kinds:
            x = rng.uniform(-1.0, 1.0, 60)
            y = np.exp(0.5 * x) * rng.weibull(1.6, 60)
            weight = rng.integers(1, 4, 60) if weighted else np.ones(60, dtype=int)
            y, x = (np.repeat(v, weight) if copies else v for v in (y, x))
            own = None if copies or not weighted else weight.astype(float)
            chunks.append(Chunk(kind, {kind.fields[0]: y, "x": x}, own, first_row=1_000 * part))
    return chunks


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("weighted", [False, True], ids=["rows", "weights"])
def test_kinds_weights_sources_and_engines(kinds: str, source: str, *, weighted: bool) -> None:
    model = kl.Weibull(**SOURCES[source])
    chunks = mixed(KINDS[kinds], weighted=weighted, copies=False)
    sample = ChunkSample(tuple(chunks))
    one = kl.fit(model, sample, engine=lambda s: kl.LocalEngine(s, threads=1))
    assert one.convergence.converged
    assert one.n == sum(c.count if c.weight is None else c.weight.sum() for c in chunks)
    others = [
        kl.fit(model, sample, engine=lambda s: kl.LocalEngine(s, threads=3)),
        kl.fit(model, sample, engine=lambda s: kl.StreamingEngine(s, threads=2)),
        kl.fit(model, sample, engine=lambda s: Unruly(s, 1)),
    ]
    # kinds may come in any order; the rows of one kind keep theirs
    by_kind = sorted(chunks, key=lambda chunk: chunk.kind.order, reverse=True)
    others.append(kl.fit(model, ChunkSample(tuple(by_kind))))
    for other in others:
        np.testing.assert_array_equal(
            other.model.vector.constrained(np.zeros(0)), one.model.vector.constrained(np.zeros(0))
        )
        assert other.cross_entropy == one.cross_entropy
        np.testing.assert_array_equal(other.covariance("sandwich"), one.covariance("sandwich"))
    if weighted:  # a weight of k is the row k times
        copies = kl.fit(model, ChunkSample(tuple(mixed(KINDS[kinds], weighted=True, copies=True))))
        assert copies.n == one.n
        assert copies.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-12)
        for name, value in one.params.items():
            np.testing.assert_allclose(flat(copies.params[name]), flat(value), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(copies.covariance(), one.covariance(), rtol=1e-7)


# ---- many small samples in one program -----------------------------------------------------------


class Evaluated(NamedTuple):
    at: Any
    value: Any
    gradient: Any
    hessian: Any


def traced_fit(model: kl.Model, rows: int) -> Any:
    """Return the fit of one sample, padded to a number of rows, as a JAX function."""
    vector, newton = model.vector, Newton(tolerance=1e-10)
    derivatives = LossDerivatives(model, vector.is_free)
    d = vector.n_free
    lower = np.tril_indices(d)

    def evaluate(u, y, w):
        numbers = vector.constrained(u)
        terms = derivatives.rows(Exact(), list(numbers), {"y": y})
        # without the barrier XLA joins a product and the first addition, depending on the shape
        sums = jax.lax.optimization_barrier(
            jnp.stack([jnp.broadcast_to(t, (rows,)) * w for t in terms])
        )
        while sums.shape[1] > 1:
            sums = sums[:, 0::2] + sums[:, 1::2]
        means = sums[:, 0] / sums[0, 0]
        score, half = means[3 : 3 + d], means[3 + d : 3 + d + lower[0].size]
        hessian = jnp.zeros((d, d)).at[lower].set(half).at[lower[::-1]].set(half)
        jacobian = vector.jacobian(u)
        # written out: a product of small matrices is rounded differently in batches of other sizes
        gradient = jnp.sum(jacobian * score[:, None], axis=0)
        inner = jnp.sum(jacobian[:, :, None] * hessian[:, None, :], axis=0)
        outer = jnp.sum(inner[:, :, None] * jacobian[None, :, :], axis=1)
        return Evaluated(u, means[1], gradient, outer + vector.curvature(u, score))

    def fit(start, y, w):
        def running(state):
            return newton.status(state) == Outcome.RUNNING

        def step(state):
            return newton.step(state, evaluate(newton.propose(state), y, w))

        state = jax.lax.while_loop(running, step, newton.init(evaluate(start, y, w)))
        return vector.constrained(state.at), newton.status(state)

    return fit


def test_a_traced_newton_fits_a_thousand_samples_of_unequal_sizes() -> None:
    rng = np.random.default_rng(11)
    sizes = rng.integers(20, 128, 1_000)
    samples = [rng.weibull(1.5, n) * 3.0 for n in sizes]

    def padded(rows: int) -> tuple[Any, Any]:
        y, w = np.empty((1_000, rows)), np.zeros((1_000, rows))
        for k, x in enumerate(samples):
            y[k], w[k, : x.size] = x[0], 1.0
            y[k, : x.size] = x
        return y, w

    start = np.array([[0.0, np.log(x.mean())] for x in samples])
    with float64():
        y, w = padded(128)
        many = jax.jit(jax.vmap(traced_fit(kl.Weibull(), 128)))
        params, status = (np.asarray(out) for out in many(start, y, w))
        assert np.all(status == Outcome.CONVERGED)
        for k in (0, 1, 500, 999):  # each as its own fit
            alone = kl.fit(kl.Weibull(), samples[k]).params
            np.testing.assert_allclose(params[k], list(alone.values()), rtol=1e-9)
        wider = jax.jit(jax.vmap(traced_fit(kl.Weibull(), 256)))(start, *padded(256))[0]

    def batch(first: int) -> np.ndarray:
        with float64():
            part = slice(first, first + 100)
            return np.asarray(many(start[part], y[part], w[part])[0])

    # a sample's bits depend on no other sample, on no padding and on no thread
    with ThreadPoolExecutor(2) as pool:
        np.testing.assert_array_equal(
            np.concatenate(list(pool.map(batch, range(0, 1_000, 100)))), params
        )
    np.testing.assert_array_equal(np.asarray(wider), params)
