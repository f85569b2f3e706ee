"""Bootstrap intervals: against SciPy's BCa of the same replicates, ranges, too few replicates."""

import numpy as np
import pytest
import scipy.stats

import kullback as kl
from kullback.data.poisson_weights import PoissonWeights

Y = scipy.stats.weibull_min(1.5, scale=3.0).rvs(60, random_state=2)


def test_against_a_formula_of_the_same_replicates():
    # an exponential rate is 1/mean: replicates are Σw/Σwy, and the rows' influence is 1 − rate·y
    fit = kl.fit(kl.Exponential(), Y)
    w = PoissonWeights(0).of(np.arange(60), None, np.arange(999)).astype(float)
    values = np.sort(w.sum(axis=0) / (Y @ w))
    rate = 1.0 / Y.mean()
    influence = 1.0 - rate * Y
    a = np.sum(influence**3) / (6.0 * np.sum(influence**2) ** 1.5)
    z0 = scipy.stats.norm.ppf((np.count_nonzero(values < rate) + 0.5) / 1000.0)
    z = z0 + scipy.stats.norm.ppf([0.05, 0.95])
    share = scipy.stats.norm.cdf(z0 + z / (1.0 - a * z))
    expected = np.interp(share * 1000.0 - 1.0, np.arange(999), values)
    found = fit.interval(0.9, method="bootstrap")["rate"]
    np.testing.assert_allclose(found, expected, rtol=1e-9)  # both sum 60 rows


def test_near_scipy_bootstrap():
    fit = kl.fit(kl.Normal(), Y)
    found = fit.interval(method="bootstrap", bootstrap=fit.bootstrap(4999))
    for name, statistic in (("loc", np.mean), ("scale", np.std)):
        other = scipy.stats.bootstrap((Y,), statistic, n_resamples=4999, rng=1, method="BCa")
        interval = other.confidence_interval
        # multinomial weights and other random numbers: some per cent of the interval's length
        length = interval.high - interval.low
        np.testing.assert_allclose(found[name], interval, atol=0.08 * length)


def test_inside_the_range_and_fixed_numbers():
    counts = kl.fit(kl.Bernoulli(), np.array([0.0] * 26 + [1.0] * 4))
    ends = counts.interval(0.9, method="bootstrap", bootstrap=counts.bootstrap(59))["probability"]
    assert 0.0 <= ends[0] < 4 / 30 < ends[1] < 1.0
    intervals = kl.fit(kl.Gamma(shape=2.0), Y).interval(method="bootstrap")
    np.testing.assert_array_equal(intervals["shape"], [2.0, 2.0])
    assert intervals["rate"][0] < intervals["rate"][1]


def test_some_parameters_and_seeds():
    fit = kl.fit(kl.Weibull(), Y)
    assert list(fit.interval(method="bootstrap", parameters=["scale"])) == ["scale"]
    other = fit.interval(method="bootstrap", bootstrap=fit.bootstrap(seed=5))
    assert not np.array_equal(other["scale"], fit.interval(method="bootstrap")["scale"])


def test_an_order_statistic_has_no_interval():
    intervals = kl.fit(kl.Pareto(), Y).interval(
        method="bootstrap", bootstrap=kl.fit(kl.Pareto(), Y).bootstrap(60)
    )
    assert np.all(np.isnan(intervals["minimum"]))
    assert "minimum: unknown, as it is the minimum of the sample." in intervals.cautions


def test_too_few_replicates():
    fit = kl.fit(kl.Exponential(), Y)
    with pytest.raises(kl.KullbackError, match=r"level=0\.999 needs at least 1,999 replicates"):
        fit.interval(0.999, method="bootstrap")
    few = fit.bootstrap(39)  # just enough for 95%, but the correction goes beyond them
    intervals = fit.interval(method="bootstrap", bootstrap=few)
    values = few.params["rate"]
    assert values.min() <= intervals["rate"][0] < intervals["rate"][1] <= values.max()
    assert "rate: an end is the most extreme of 39 replicates; make more." in intervals.cautions
