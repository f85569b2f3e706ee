"""Poisson weights are hashes of seed, row and replicate, and have the Poisson distribution."""

import numpy as np
import pytest
import scipy.stats

from kullback import DataError
from kullback.data.poisson_weights import PoissonWeights


def chi_square(counts, mean):
    """The p-value of counts against a Poisson distribution, by SciPy's probabilities."""
    most = int(mean + 6 * mean**0.5 + 6)
    observed = np.bincount(np.minimum(counts.ravel().astype(int), most), minlength=most + 1)
    p = scipy.stats.poisson(mean).pmf(np.arange(most))
    expected = counts.size * np.append(p, 1.0 - p.sum())
    kept = expected >= 5
    observed = np.append(observed[kept], observed[~kept].sum())
    expected = np.append(expected[kept], expected[~kept].sum())
    return scipy.stats.chisquare(observed, expected, sum_check=False).pvalue


@pytest.mark.parametrize("mean", [1.0, 0.25, 3.0, 40.0])
@pytest.mark.parametrize("seed", [0, 7])
def test_weights_have_the_poisson_distribution(mean, seed):
    rows, weight = np.arange(2000), np.full(2000, mean)
    counts = PoissonWeights(seed).of(rows, weight, np.arange(200))
    # fixed seeds: below 1e-3 one of these eight would fall once in 125 changes of the hash
    assert chi_square(counts, mean) > 1e-3
    # sums over rows and over replicates are Poisson numbers too: their distribution function, at a
    # uniform point of its step, is uniform
    for axis, length in ((0, 2000), (1, 200)):
        sums = counts.sum(axis=axis, dtype=float)
        poisson = scipy.stats.poisson(length * mean)
        part = np.random.default_rng(1).random(sums.size)
        u = poisson.cdf(sums - 1) + part * poisson.pmf(sums)
        assert scipy.stats.kstest(u, "uniform").pvalue > 1e-3
    # neighbouring rows, neighbouring replicates and the two halves of a hash are uncorrelated
    c = counts - counts.mean()
    for other in (c[1:] * c[:-1], c[:, 1:] * c[:, :-1], c[:, ::2] * c[:, 1::2]):
        assert abs(other.mean()) < 4.0 * c.var() / np.sqrt(other.size)


def test_a_weight_depends_on_its_row_and_replicate_alone():
    weights = PoissonWeights(3)
    whole = weights.of(np.arange(100), None, np.arange(21))
    some = np.array([5, 90, 17])
    np.testing.assert_array_equal(
        weights.of(some, None, np.array([20, 2, 3])), whole[some][:, [20, 2, 3]]
    )
    np.testing.assert_array_equal(weights.of(some, np.ones(3), np.arange(21)), whole[some])
    assert not np.array_equal(whole, PoissonWeights(4).of(np.arange(100), None, np.arange(21)))


def test_a_row_of_weight_three_is_three_rows():
    # in distribution: the number of a row of weight 3 is the sum of three of mean one
    three = PoissonWeights(0).of(np.arange(1000), np.full(1000, 3.0), np.arange(50))
    ones = PoissonWeights(1).of(np.arange(3000), None, np.arange(50))
    added = ones.astype(int).reshape(1000, 3, 50).sum(axis=1)
    both = [np.bincount(np.minimum(x.ravel().astype(int), 9), minlength=10) for x in (three, added)]
    assert scipy.stats.chi2_contingency(np.array(both)).pvalue > 1e-3
    assert PoissonWeights(0).of(np.arange(3), np.zeros(3), np.arange(4)).max() == 0


def test_large_weights():
    mean = 1e6
    counts = PoissonWeights(0).of(np.arange(300), np.full(300, mean), np.arange(20))
    z = (counts - mean) / np.sqrt(mean)
    assert scipy.stats.kstest(z.ravel(), "norm").pvalue > 1e-3
    with pytest.raises(DataError, match=r"a row has weight 4294967296\.0, more than 2\^31"):
        PoissonWeights(0).of(np.arange(1), np.array([2.0**32]), np.arange(2))
