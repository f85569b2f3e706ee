"""The fitted distribution of every row: every function of every model, against SciPy and itself.

Where SciPy lacks the distribution, each row is compared with the same model whose parameters are
fixed at the row's numbers, which other tests compare with mpmath.
"""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.stats

import kullback as kl
from kullback.models.linear import Linear
from kullback.models.row_distributions import RowDistributions
from kullback.models.source import Fixed

U = np.array([0.01, 0.3, 0.9])
FAMILIES = [
    kl.Bernoulli,
    kl.Binomial,  # draws by quantiles: its own method takes single numbers
    kl.Cauchy,
    kl.Gamma,
    kl.Gompertz,  # a mean by quadrature
    kl.NegativeBinomial,
    kl.StudentT,
    kl.VonMises,
    kl.Zipf,
]
WRAPPED = [
    kl.Gamma(mean=kl.Param(), shape=kl.Param()),
    kl.Truncated(kl.Exponential(), lower=0.5),
    kl.Shifted(kl.Weibull()),
    kl.ZeroInflated(kl.Poisson()),
    kl.Hurdle(kl.Geometric()),
    kl.Mixture(kl.Normal(), components=2),
]
MODELS = [f(**dict.fromkeys(f.required, 5.0)) for f in FAMILIES] + WRAPPED


def numbers_of(model, rows):
    """Other numbers for every row and parameter, and those that are fixed."""
    found = {}
    for name, domain in model.parameters.items():
        if isinstance(model.sources[name], Fixed):
            found[name] = model.sources[name].number
        elif name == "weights":
            first = np.linspace(0.3, 0.6, rows)
            found[name] = np.stack([first, 1.0 - first], axis=1)
        elif np.isfinite(domain.width):
            found[name] = domain.lower + domain.width * np.linspace(0.25, 0.6, rows)
        elif np.isfinite(domain.lower):
            found[name] = domain.lower + np.linspace(2.2, 3.1, rows)
        else:
            found[name] = np.linspace(0.3, 1.0, rows) + (2.0 if name == "upper" else 0.0)
    return found


def rows_of(model, rows=3):
    numbers = numbers_of(model, rows)
    varying = frozenset(n for n, v in numbers.items() if v.ndim and len(v) == rows)
    each = [
        model.with_sources({n: Fixed(v[i] if n in varying else v) for n, v in numbers.items()})
        for i in range(rows)
    ]
    return RowDistributions(model, numbers, varying, rows), each


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_each_row_has_the_functions_of_its_own_distribution(model):
    rows, each = rows_of(model)
    quantiles = rows.quantile(at=U)
    # the search ends at one double of tails that differ in their last digits
    np.testing.assert_allclose(quantiles, [m.quantile(U) for m in each], rtol=1e-10)
    np.testing.assert_array_equal(rows.quantile(U), np.diag(quantiles))
    y = quantiles[:, 1]
    for name in ("log_density", "density", "log_cdf", "cdf", "log_survival", "survival"):
        own = getattr(rows, name)
        expected = [getattr(m, name)(y) for m in each]
        np.testing.assert_allclose(own(at=y), expected, rtol=1e-11, err_msg=name)
        np.testing.assert_allclose(own(y), np.diag(expected), rtol=1e-11, err_msg=name)
    # a cut distribution's moments are integrals
    for name in ("mean", "variance"):
        expected = [getattr(m, name)() for m in each]
        np.testing.assert_allclose(getattr(rows, name)(), expected, rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_draws_follow_each_rows_distribution(model):
    rows, _ = rows_of(model)
    drawn = rows.sample(500, seed=3)
    assert drawn.shape == (3, 500)
    np.testing.assert_array_equal(drawn, rows.sample(500, seed=3))
    above = rows.cdf(drawn)
    below = above - rows.density(drawn) if model.discrete else above
    # randomised within the steps of a discrete distribution, the transform is uniform
    u = below + (above - below) * np.random.default_rng(5).random(drawn.shape)
    for row in u:
        assert scipy.stats.kstest(row, "uniform").pvalue > 1e-4


N = 400
RANDOM = np.random.default_rng(8)
X = RANDOM.normal(size=N)
DATA = {"x": X, "z": RANDOM.normal(size=N)}
DATA["y"] = RANDOM.gamma(2.0, np.exp(0.3 + 0.5 * X) / 2.0)


@pytest.fixture(scope="module")
def gamma():
    return kl.fit(kl.Gamma(mean=Linear(("x", "z"))), DATA, "y")


def test_a_regression_against_scipy(gamma):
    new = {"z": [0.5, -1.0], "x": [0.0, 2.0]}
    beta, shape = gamma.params["mean"], gamma.params["shape"]
    beta = np.asarray(list(beta.values()) if isinstance(beta, dict) else beta)
    mean = np.exp(beta[0] + beta[1] * np.array(new["x"]) + beta[2] * np.array(new["z"]))
    expected = scipy.stats.gamma(shape, scale=mean / shape)
    rows = gamma.at(new)
    np.testing.assert_allclose(rows.params["mean"], mean, rtol=1e-14)
    np.testing.assert_allclose(rows.params["shape"], [shape, shape], rtol=0)
    np.testing.assert_allclose(rows.mean(), mean, rtol=1e-14)
    np.testing.assert_allclose(rows.variance(), expected.var(), rtol=1e-13)
    np.testing.assert_allclose(rows.survival(3.0), expected.sf(3.0), rtol=1e-12)
    np.testing.assert_allclose(
        rows.log_density([1.0, 5.0]), expected.logpdf([1.0, 5.0]), rtol=1e-12
    )
    grid = expected.ppf(U[:, None]).T
    np.testing.assert_allclose(rows.quantile(at=U), grid, rtol=1e-11)
    np.testing.assert_allclose(rows.cdf(grid), np.tile(U, (2, 1)), rtol=1e-12)
    hazard = expected.pdf(2.0) / expected.sf(2.0)
    np.testing.assert_allclose(rows.hazard(2.0), hazard, rtol=1e-12)


@pytest.mark.parametrize("of", ["dict", "pandas", "polars", "arrow", "csv", "parquet", "matrix"])
def test_columns_come_from_any_table_in_any_order(gamma, of, tmp_path):
    new = {"z": [0.5, -1.0, 0.1], "unused": ["a", "b", "c"], "x": [0.0, 2.0, 1.0]}
    expected = gamma.at(new).mean()
    if of == "matrix":
        fit = kl.fit(kl.Gamma(mean=Linear(("x0", "x1"))), np.stack([X, DATA["z"]], 1), DATA["y"])
        data = np.stack([new["x"], new["z"]], axis=1)
        np.testing.assert_allclose(fit.at(data).mean(), expected, rtol=1e-12)
        return
    if of in ("csv", "parquet"):
        path = tmp_path / f"new.{of}"
        frame = pd.DataFrame(new)
        frame.to_csv(path, index=False) if of == "csv" else pq.write_table(pa.table(new), path)
        data = path
    else:
        data = {"dict": dict, "pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table}[
            of
        ](new)
    np.testing.assert_array_equal(gamma.at(data).mean(), expected)


def test_rows_with_a_missing_value_are_nan(gamma):
    rows = gamma.at(pd.DataFrame({"x": [0.0, None, 2.0], "z": [1.0, 2.0, 3.0]}))
    full = gamma.at({"x": [0.0, 2.0], "z": [1.0, 3.0]})
    assert len(rows) == 3
    for name, own in (("mean", ()), ("survival", (1.5,)), ("quantile", (0.2,))):
        found = getattr(rows, name)(*own)
        np.testing.assert_array_equal(found[[0, 2]], getattr(full, name)(*own))
        assert np.isnan(found[1])
    assert np.isnan(rows.params["mean"][1])
    assert np.isnan(rows.density(at=[1.0, 2.0])[1]).all()
    assert np.isnan(rows.sample(seed=1)).tolist() == [False, True, False]
    none = gamma.at({"x": [np.nan], "z": [1.0]})
    assert np.isnan(none.mean()).tolist() == [True]


def test_a_streamed_file_gives_the_same_as_one_in_memory(gamma, tmp_path, monkeypatch):
    path = tmp_path / "new.parquet"
    x = np.linspace(-1.0, 1.0, 20_000)
    x[7] = np.nan
    table = pa.table({"x": x, "z": x[::-1].copy()})
    pq.write_table(table, path, row_group_size=3_000)
    expected = gamma.at(table).mean()
    monkeypatch.setattr("kullback.data.open.IN_MEMORY_BYTES", 0)
    np.testing.assert_array_equal(gamma.at(path).mean(), expected)
    assert np.isnan(expected).sum() == 2  # both ends of the reversed column


def test_without_columns_all_rows_are_equal(tmp_path):
    fit = kl.fit(kl.Gamma(), DATA["y"])
    for data in (DATA, pd.DataFrame(DATA), X, np.stack([X, X], axis=1)):
        rows = fit.at(data)
        assert rows.mean().shape == (N,)
        np.testing.assert_allclose(rows.mean(), fit.model.mean(), rtol=1e-14)
    pd.DataFrame(DATA).to_csv(tmp_path / "new.csv")
    assert len(fit.at(tmp_path / "new.csv")) == N
    assert fit.at({"x": [1.0]}).sample(5, seed=2).shape == (1, 5)


def test_labels():
    species = np.where(X > 0.3, "tall", np.where(DATA["z"] > 0.0, "round", "small"))
    data = {**DATA, "species": np.where(RANDOM.random(N) < 0.3, "tall", species)}
    fit = kl.fit(kl.Categorical(logits=Linear(("x", "z"))), data, "species")
    rows = fit.at({"x": [0.0, np.nan, 1.0], "z": [0.5, 0.0, -0.5]})
    logits = rows.params["logits"]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(rows.probabilities(), expected, rtol=1e-14)
    assert rows.probabilities().shape == (3, 3)
    assert rows.levels == ("round", "small", "tall")
    of_tall = rows.density("tall")
    np.testing.assert_allclose(of_tall, expected[:, 2], rtol=1e-14)
    np.testing.assert_allclose(rows.density(["round", "tall", None])[0], expected[0, 0], rtol=1e-14)
    drawn = rows.sample(2_000, seed=1)
    assert drawn[1].tolist() == [None] * 2_000
    # five standard deviations of a share of 2,000 draws
    assert abs(np.mean(drawn[2] == "tall") - expected[2, 2]) < 5 * 0.5 / np.sqrt(2_000)
    with pytest.raises(kl.KullbackError, match="'huge' is not a class of the model"):
        rows.density("huge")
    with pytest.raises(kl.KullbackError, match=r"Use probabilities\(\)"):
        rows.mean()


def test_arguments_that_fit_neither_rows_nor_a_grid(gamma):
    rows = gamma.at({"x": [0.0, 1.0], "z": [0.0, 1.0]})
    with pytest.raises(kl.KullbackError, match=r"one value for each of 2 rows, got shape \(3,\)"):
        rows.cdf([1.0, 2.0, 3.0])
    with pytest.raises(kl.KullbackError, match=r"or at=\[...\]"):
        rows.cdf()
    with pytest.raises(kl.KullbackError, match="u must lie in"):
        rows.quantile(at=[0.5, 1.5])
    with pytest.raises(kl.KullbackError, match='there is no column "z"'):
        gamma.at({"x": [1.0]})
    assert "Gamma, 2 rows" in repr(rows)
    assert "mean" in rows._repr_html_()
    assert rows.cdf(pd.Series([1.0, 2.0], index=[7, 9])).shape == (2,)


def test_hazard_of_counts_is_given_at_least_so_many():
    fit = kl.fit(kl.Poisson(rate=Linear(("x",))), {"x": X, "y": np.floor(DATA["y"])}, "y")
    rows = fit.at({"x": [0.2]})
    law = scipy.stats.poisson(rows.mean()[0])
    np.testing.assert_allclose(rows.hazard(2), law.pmf(2) / law.sf(1), rtol=1e-12)
