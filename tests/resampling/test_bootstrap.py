"""Bootstrap replicates: against an independent loop of fits, in memory and streamed."""

import numpy as np
import pytest
import scipy.stats

import kullback as kl
from kullback.data.poisson_weights import PoissonWeights
from kullback.models.linear import Linear

GAMMA = scipy.stats.gamma(2.1, scale=3.0).rvs(150, random_state=1)
COUNTS = np.random.default_rng(3).negative_binomial(3, 0.4, 150)

# an exponential family; one whose passes read the rows; three parameters; counts from a table;
# an order statistic, which is fitted replicate by replicate
CASES = {
    "gamma": (kl.Gamma(), GAMMA),
    "gamma, shape fixed": (kl.Gamma(shape=2.0), GAMMA),
    "weibull": (kl.Weibull(), GAMMA),
    "gev": (kl.GeneralizedExtremeValue(), GAMMA),
    "negative binomial": (kl.NegativeBinomial(), COUNTS),
    "laplace": (kl.Laplace(), GAMMA),
}


def poisson_weights(rows, replicates, seed=0, weight=None):
    return PoissonWeights(seed).of(np.arange(rows), weight, np.arange(replicates)).astype(float)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_replicates_are_the_fits_of_reweighted_rows(case, weighted):
    model, y = CASES[case]
    weight = np.random.default_rng(5).integers(0, 4, y.size).astype(float) if weighted else None
    fit = kl.fit(model, y, weights=weight)
    made = fit.bootstrap(3)
    w = poisson_weights(y.size, 3, weight=weight)
    for i in range(3):
        alone = kl.fit(model, y, weights=w[:, i])
        # a flat direction of the GEV's likelihood leaves both searches some rounding
        for name, value in alone.params.items():
            assert made.params[name][i] == pytest.approx(value, rel=1e-10)
    assert made.failed == 0


def test_parametric_replicates_are_the_fits_of_samples():
    from kullback.resampling.draws import sorted_draws

    for case in ("gamma", "weibull", "negative binomial", "laplace"):
        model, y = CASES[case]
        fit = kl.fit(model, y)
        made = fit.bootstrap(2, kind="parametric", seed=2)
        (draws,) = sorted_draws(fit.model, y.size, 2, 2)
        for i in range(2):
            for name, value in kl.fit(model, draws[:, i]).params.items():
                assert made.params[name][i] == pytest.approx(value, rel=1e-10)


@pytest.mark.parametrize("case", ["gamma", "weibull", "negative binomial"])
def test_samples_have_the_fitted_distribution(case):
    from kullback.resampling.draws import sorted_draws

    model, y = CASES[case]
    fit = kl.fit(model, y)
    (draws,) = sorted_draws(fit.model, 40, 60, 0)
    assert np.all(np.diff(draws, axis=0) >= 0.0)
    other = fit.model.sample(2400, seed=1)
    assert scipy.stats.ks_2samp(draws.ravel(), other).pvalue > 1e-3
    # the smallest of 40 has the distribution function 1 − (1 − F)^40
    if case != "negative binomial":
        least = 1.0 - fit.model.survival(draws[0]) ** 40
        assert scipy.stats.kstest(least, "uniform").pvalue > 1e-3


@pytest.mark.parametrize("kind", ["poisson", "parametric"])
@pytest.mark.parametrize("case", ["gamma", "weibull", "negative binomial"])
def test_standard_errors_are_near_the_analytic_ones(case, kind):
    model, _ = CASES[case]
    rng = np.random.default_rng(8)
    y = {
        "gamma": rng.gamma(2.0, 3.0, 2000),
        "weibull": 3.0 * rng.weibull(1.5, 2000),
        "negative binomial": rng.negative_binomial(3, 0.4, 2000),
    }[case]
    fit = kl.fit(model, y)
    stderr = fit.bootstrap(499, kind=kind).stderr
    for name, value in fit.stderr.items():
        # 499 replicates: relative error 3%; 2,000 rows: as much between the two informations
        assert stderr[name] == pytest.approx(value, rel=0.15)


@pytest.mark.parametrize("case", ["gamma", "weibull", "negative binomial"])
def test_the_same_bits_in_memory_and_streamed(case, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    model, y = CASES[case]
    y = np.resize(y.astype(float), 70_000)  # two blocks
    pq.write_table(pa.table({"y": y}), tmp_path / "y.parquet", row_group_size=9_000)
    memory = kl.fit(model, y).bootstrap(7, seed=4)
    streamed = kl.fit(model, tmp_path / "y.parquet", "y", engine=kl.StreamingEngine).bootstrap(
        7, seed=4
    )
    one = kl.fit(model, y, engine=lambda s: kl.LocalEngine(s, threads=1)).bootstrap(7, seed=4)
    for name, values in memory.params.items():
        np.testing.assert_array_equal(streamed.params[name], values)
        np.testing.assert_array_equal(one.params[name], values)


def test_any_order_of_blocks():
    from kullback.data.blocks import blocks
    from kullback.engines.engine import Engine, Subtotal

    class Backwards(Engine):
        def __init__(self, sample):
            super().__init__()
            self._blocks = list(blocks(sample.chunks()))

        def first_block(self, kind=None):  # noqa: ARG002
            return self._blocks[0]

        def results(self, statistic, arguments):
            from kullback._core.arrays import float64

            for block in reversed(self._blocks):
                with float64():
                    yield Subtotal.of(block, statistic.of_block(block, arguments))

    y = np.resize(GAMMA, 140_000)
    usual = kl.fit(kl.Weibull(), y).bootstrap(4)
    other = kl.fit(kl.Weibull(), y, engine=Backwards).bootstrap(4)
    np.testing.assert_array_equal(usual.params["shape"], other.params["shape"])


def test_a_replicate_does_not_depend_on_the_others():
    fit = kl.fit(kl.Weibull(), GAMMA)
    few, many = fit.bootstrap(5), fit.bootstrap(300)
    np.testing.assert_array_equal(few.params["shape"], many.params["shape"][:5])


def test_dropped_rows_keep_their_numbers():
    y = GAMMA.copy()
    y[[3, 77]] = np.nan
    fit = kl.fit(kl.Weibull(), y, missing="drop")
    w = poisson_weights(y.size, 2)
    w[[3, 77]] = 0.0
    alone = kl.fit(kl.Weibull(), np.nan_to_num(y, nan=1.0), weights=w[:, 1])
    made = fit.bootstrap(2)
    assert made.params["scale"][1] == pytest.approx(alone.params["scale"], rel=1e-10)


def test_fixed_numbers_stay_fixed_and_bounds_hold():
    made = kl.fit(kl.Gamma(shape=2.0), GAMMA).bootstrap(50)
    assert np.all(made.params["shape"] == 2.0)
    assert made.stderr["shape"] == 0.0
    y = scipy.stats.t(3).rvs(40, random_state=0)
    bounded = kl.StudentT(df=kl.Param(lower=2.0, upper=4.0))
    values = kl.fit(bounded, y).bootstrap(8).params["df"]
    assert np.all((values >= 2.0) & (values <= 4.0))
    fixed = kl.fit(kl.Exponential(rate=0.2), GAMMA).bootstrap(5, kind="parametric")
    assert np.all(fixed.params["rate"] == 0.2)


def test_extreme_units():
    plain = kl.fit(kl.Weibull(), GAMMA)
    tiny = kl.fit(kl.Weibull(), GAMMA * 2.0**-700)
    for kind in ("poisson", "parametric"):
        a, b = plain.bootstrap(20, kind=kind), tiny.bootstrap(20, kind=kind)
        np.testing.assert_allclose(a.params["shape"], b.params["shape"], rtol=1e-9)
        np.testing.assert_allclose(a.params["scale"], b.params["scale"] * 2.0**700, rtol=1e-9)
        assert a.stderr["scale"] == pytest.approx(b.stderr["scale"] * 2.0**700, rel=1e-6)


def test_columns_and_labels():
    rng = np.random.default_rng(1)
    x = rng.normal(size=200)
    data = {"x": x, "y": rng.gamma(2.0, np.exp(0.3 * x))}
    fit = kl.fit(kl.Gamma(rate=Linear(("x",))), data, "y")
    made = fit.bootstrap(40)
    assert list(made.params) == list(fit.names)
    for name, value in zip(fit.names, np.sqrt(np.diag(fit.covariance())), strict=True):
        assert made.stderr[name] == pytest.approx(value, rel=0.5)  # 40 replicates
    with pytest.raises(kl.KullbackError, match=r"its parameters depend on the row \(x\)"):
        fit.bootstrap(5, kind="parametric")
    labels = kl.fit(kl.Categorical(), rng.choice(list("abc"), 300, p=[0.2, 0.3, 0.5]))
    shares = labels.bootstrap(100)
    share = shares.estimate["probabilities[0]"]
    assert shares.stderr["probabilities[0]"] == pytest.approx(
        np.sqrt(share * (1 - share) / 300), rel=0.3
    )


def test_replicates_that_fail_are_counted_and_named():
    y = np.array([1.0, 1.0, 2.0])  # a replicate may hold one distinct value, or no row
    made = kl.fit(kl.Normal(), y).bootstrap(100)
    w = poisson_weights(3, 100)
    single = (w[2] == 0) | ((w[0] == 0) & (w[1] == 0))
    assert set(made.failures) == set(np.flatnonzero(single).tolist())
    assert np.array_equal(np.isnan(made.params["loc"]), single)
    assert made.failed == single.sum()
    assert f"{made.failed} of 100 replicates have no estimate" in made.caution
    assert f"failed={made.failed}" in repr(made)


def test_progress_of_replicates_fitted_one_by_one():
    seen = []
    fit = kl.fit(kl.Laplace(), GAMMA)
    fit.bootstrap(4, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_made_once_and_kept():
    fit = kl.fit(kl.Gamma(), GAMMA)
    assert fit.bootstrap(9) is fit.bootstrap(9)
    assert fit.bootstrap(9, seed=1) is not fit.bootstrap(9)


def test_refusals():
    fit = kl.fit(kl.Gamma(), GAMMA)
    for arguments, text in (
        ({"n": 0}, r"n must be a number of replicates, at least 1, got 0"),
        ({"kind": "bayes"}, r"kind must be 'poisson' or 'parametric', got 'bayes'"),
        ({"seed": -1}, r"seed must be a whole number, 0 or more, got -1"),
    ):
        with pytest.raises(kl.KullbackError, match=text):
            fit.bootstrap(**arguments)
    with pytest.raises(kl.KullbackError, match="a bootstrap needs the rows"):
        fit.without_data().bootstrap(9)
    half = kl.fit(kl.Gamma(), GAMMA, weights=np.full(GAMMA.size, 0.55))
    with pytest.raises(kl.KullbackError, match=r"the weights add up to 82\.5"):
        half.bootstrap(9, kind="parametric")
