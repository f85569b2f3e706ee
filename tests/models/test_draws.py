"""Draws of a seed: prefixes, blocks, and their distribution against SciPy's, at extremes too."""

import tracemalloc

import jax
import numpy as np
import pytest
import scipy.special
import scipy.stats as stats

import kullback as kl
from kullback._core.errors import ModelError
from kullback.models.draws import BLOCK, key_of, stream
from kullback.models.samplers import draw_binomial, draw_gamma, draw_poisson

N = 20_000
TINY = np.finfo(np.float64).tiny


def distance(x, cdf):
    """√n times the Kolmogorov–Smirnov distance of draws from a distribution function.

    At distinct draws alone: what is below the smallest double is one of them.
    """
    values, counts = np.unique(x, return_counts=True)
    share = np.cumsum(counts) / x.size
    ends_at_one = cdf(1.0) == 1.0 > cdf(0.999)  # below 1, doubles are too far apart for some
    spaced = values < (1.0 - 1e-14 if ends_at_one else np.inf)
    return np.sqrt(x.size) * np.max(np.abs(share - cdf(values))[spaced])


# √n D exceeds 2.2 with probability 1e-4, and the seed is fixed.
FAR = 2.2

# In SciPy's parametrisations.
CONTINUOUS = {
    kl.Gamma(shape=0.03, rate=2.0): stats.gamma(0.03, scale=0.5),
    kl.Gamma(shape=2.5, rate=1e-300): stats.gamma(2.5, scale=1e300),
    kl.Gamma(shape=1e12, rate=1e12): stats.gamma(1e12, scale=1e-12),
    kl.Beta(alpha=0.02, beta=0.03): stats.beta(0.02, 0.03),
    kl.Beta(alpha=0.1, beta=1e6): stats.beta(0.1, 1e6),
    kl.Beta(alpha=1e8, beta=2e8): stats.beta(1e8, 2e8),
    kl.StudentT(df=0.05, loc=1.0, scale=2.0): stats.t(0.05, 1.0, 2.0),
    kl.StudentT(df=4.0, loc=1.0, scale=2.0): stats.t(4.0, 1.0, 2.0),
    kl.StudentT(df=1e10, loc=0.0, scale=1.0): stats.norm,
    kl.Normal(loc=-1e3, scale=1e-3): stats.norm(-1e3, 1e-3),
    kl.LogNormal(loc=1.0, scale=200.0): stats.lognorm(200.0, scale=np.e),
    kl.HalfNormal(scale=3.0): stats.halfnorm(scale=3.0),
    kl.InverseGamma(shape=0.03, scale=2.0): stats.invgamma(0.03, scale=2.0),
    kl.InverseGamma(shape=3.0, scale=2.0): stats.invgamma(3.0, scale=2.0),
    kl.InverseGaussian(mean=2.0, shape=1e4): stats.invgauss(2e-4, scale=1e4),
    kl.InverseGaussian(mean=2.0, shape=0.2): stats.invgauss(10.0, scale=0.2),
    kl.VonMises(loc=1.0, concentration=1e-3): stats.vonmises(1e-3, loc=1.0),
    kl.VonMises(loc=1.0, concentration=5.0): stats.vonmises(5.0, loc=1.0),
    kl.VonMises(loc=0.0, concentration=1e9): stats.norm(0.0, 10.0**-4.5),
    kl.Weibull(shape=0.01, scale=2.0): stats.weibull_min(0.01, scale=2.0),
    kl.Exponential(rate=1e300): stats.expon(scale=1e-300),
    kl.Laplace(loc=1.0, scale=2.0): stats.laplace(1.0, 2.0),
    kl.Logistic(loc=1.0, scale=2.0): stats.logistic(1.0, 2.0),
    kl.Gumbel(loc=1.0, scale=2.0): stats.gumbel_r(1.0, 2.0),
    kl.GeneralizedExtremeValue(loc=1.0, scale=2.0, shape=0.5): stats.genextreme(-0.5, 1.0, 2.0),
    kl.GeneralizedPareto(loc=0.0, scale=2.0, shape=-0.3): stats.genpareto(-0.3, 0.0, 2.0),
    kl.Cauchy(loc=1.0, scale=2.0): stats.cauchy(1.0, 2.0),
    kl.Uniform(lower=1.0, upper=4.0): stats.uniform(1.0, 3.0),
}


@pytest.mark.parametrize("model", CONTINUOUS, ids=repr)
def test_draws_of_numbers_follow_scipys_distribution_function(model):
    assert distance(model.sample(N, seed=11), CONTINUOUS[model].cdf) < FAR


COUNTS = {
    kl.Poisson(rate=1e-3): stats.poisson(1e-3),
    kl.Poisson(rate=3.5): stats.poisson(3.5),
    kl.Poisson(rate=400.0): stats.poisson(400.0),
    kl.Poisson(rate=2e6): stats.poisson(2e6),
    kl.NegativeBinomial(mean=0.5, size=1e-2): stats.nbinom(1e-2, 1e-2 / 0.51),
    kl.NegativeBinomial(mean=30.0, size=4.0): stats.nbinom(4.0, 4.0 / 34.0),
    kl.NegativeBinomial(mean=1e8, size=1.5): stats.nbinom(1.5, 1.5 / (1e8 + 1.5)),
    kl.Binomial(trials=20, probability=0.7): stats.binom(20, 0.7),
    kl.Binomial(trials=5_000, probability=1e-3): stats.binom(5_000, 1e-3),
    kl.Binomial(trials=1e12, probability=1e-11): stats.poisson(10.0),  # within 1e-11 of it
    kl.Binomial(trials=1e10, probability=0.4): stats.binom(10**10, 0.4),
    kl.Binomial(trials=9, logit=-2.0): stats.binom(9, scipy.special.expit(-2.0)),
    kl.Bernoulli(probability=0.2): stats.bernoulli(0.2),
    kl.Geometric(probability=0.3): stats.geom(0.3, loc=-1),
    kl.LogSeries(probability=0.9): stats.logser(0.9),
}


@pytest.mark.parametrize("model", COUNTS, ids=repr)
def test_draws_of_counts_follow_scipys_distribution_function(model):
    """In about 20 cells of equal probability, by Pearson's χ²."""
    law, x = COUNTS[model], model.sample(N, seed=12)
    assert np.all(x == np.floor(x))
    cuts = np.unique(law.ppf(np.linspace(0.05, 0.95, 19)))
    expected = N * np.diff(np.concatenate([[0.0], law.cdf(cuts), [1.0]]))
    cells = np.bincount(np.searchsorted(cuts, x), minlength=cuts.size + 1)
    kept = expected > 1e-6
    assert cells[~kept].sum() == 0
    chi = np.sum((cells[kept] - expected[kept]) ** 2 / expected[kept])
    # the seed is fixed; a right sampler exceeds this with probability 1e-4
    assert chi < stats.chi2.isf(1e-4, kept.sum() - 1)


def test_large_counts_keep_their_last_digit_and_their_spread():
    """Means 10¹² and 10¹⁵: odd as often as even, and normal (Berry–Esseen: within 1e-6)."""
    for rate in (1e12, 1e15):
        x = draw_poisson(stream(5, 0), (N,), rate)
        assert abs(np.mean(x % 2.0) - 0.5) < 2.5 / np.sqrt(N)
        assert distance(x, stats.norm(rate, np.sqrt(rate)).cdf) < FAR
    x = draw_binomial(stream(6, 0), (N,), 4e12, 0.25)
    assert abs(np.mean(x % 2.0) - 0.5) < 2.5 / np.sqrt(N)
    assert distance(x, stats.norm(1e12, np.sqrt(0.75e12)).cdf) < FAR


def test_each_draw_has_its_own_parameters_where_they_are_arrays():
    shape = np.array([0.01, 0.5, 1.0, 30.0])
    g, h = draw_gamma(stream(1, 0), (N, 4), shape)
    for place, a in enumerate(shape):
        x = np.maximum(np.exp(np.log(g[:, place]) + h[:, place]), TINY)
        assert distance(x, stats.gamma(a).cdf) < FAR
    rate = np.array([0.0, 2.0, 3e6, np.inf])
    counts = draw_poisson(stream(2, 0), (N, 4), rate)
    assert np.all(counts[:, 0] == 0.0)
    assert np.all(counts[:, 3] == np.inf)
    for place in (1, 2):
        error = np.mean(counts[:, place]) - rate[place]
        assert abs(error) < 5.0 * np.sqrt(rate[place] / N)
    trials = np.array([0.0, 7.0, 3e9])
    counts = draw_binomial(stream(3, 0), (N, 3), trials, 0.5)
    error = np.mean(counts, axis=0) - 0.5 * trials
    assert np.all(np.abs(error) <= 5.0 * np.sqrt(0.25 * trials / N))


KINDS = [
    kl.Gamma(shape=0.4, scale=2.0),
    kl.StudentT(df=3.0, loc=0.0, scale=1.0),
    kl.Weibull(shape=2.0, scale=1.0),
    kl.NegativeBinomial(mean=3.0, size=2.0),
    kl.VonMises(loc=1.0, concentration=2.0),
    kl.Categorical(probabilities=[0.2, 0.0, 0.8]),
    kl.Categorical(logits=[0.0, 1.0, -3.0]),
]


@pytest.mark.parametrize("model", KINDS, ids=repr)
def test_a_sample_is_the_beginning_of_every_longer_one(model):
    longest = model.sample(2 * BLOCK + 77, seed=3)
    for n in (0, 1, 5, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 76):
        np.testing.assert_array_equal(model.sample(n, seed=3), longest[:n])
    np.testing.assert_array_equal(model.sample((7, 11), seed=3), longest[:77].reshape(7, 11))
    assert model.sample((), seed=3) == longest[0]


@pytest.mark.parametrize("model", KINDS, ids=repr)
def test_draws_of_other_seeds_and_other_blocks_are_others(model):
    one, two = model.sample(4 * BLOCK, seed=3), model.sample(4 * BLOCK, seed=4)
    blocks = [*one.reshape(4, BLOCK), *two.reshape(4, BLOCK)]
    # five standard errors of a correlation of independent numbers, by ranks (Spearman)
    for first in range(len(blocks)):
        for second in range(first):
            assert abs(stats.spearmanr(blocks[first], blocks[second])[0]) < 5.0 / np.sqrt(BLOCK)
    assert not np.array_equal(model.sample(50), model.sample(50))


def test_blocks_are_drawn_in_any_order():
    forwards = [stream(9, block).random(8) for block in range(20)]
    backwards = [stream(9, block).random(8) for block in reversed(range(20))]
    np.testing.assert_array_equal(forwards, backwards[::-1])
    # a stream advances the lower words of the counter, by one in four numbers
    ahead = stream(9, 7)
    ahead.random(8)
    assert ahead.bit_generator.state["state"]["counter"].tolist() == [2, 0, 0, 7]


def test_a_jax_key_draws_what_its_seed_does():
    model = kl.Normal(loc=0.0, scale=1.0)
    for seed in (0, 5, 2**40 + 3):
        with jax.enable_x64(True):
            key = jax.random.key(seed)
        assert key_of(key) == seed
        np.testing.assert_array_equal(model.sample(9, seed=key), model.sample(9, seed=seed))
    folded = jax.random.fold_in(jax.random.key(5), 1)
    assert not np.array_equal(model.sample(9, seed=folded), model.sample(9, seed=5))
    for wrong in (-1, 2**63, 1.5, True, "1", jax.random.split(folded)):
        with pytest.raises(ModelError, match="seed must"):
            model.sample(3, seed=wrong)


def test_draws_stay_inside_the_support():
    """What the doubles round to an end that is impossible is given as the nearest one inside."""
    for model, low, high in (
        (kl.Gamma(shape=1e-3, rate=1.0), TINY, np.inf),
        (kl.LogNormal(loc=0.0, scale=1e3), TINY, np.inf),
        (kl.Weibull(shape=1e-3, scale=1.0), TINY, np.inf),
        (kl.Beta(alpha=1e-3, beta=1e-3), TINY, 1.0 - 2.0**-53),
    ):
        x = model.sample(N, seed=1)
        assert np.min(x) == low
        assert np.max(x) == high if np.isfinite(high) else np.max(x) > 1.0
        assert not np.isnan(x).any()
        assert np.all(model.log_density(x[np.isfinite(x)]) > -np.inf)
    # a rate beyond the doubles: infinite, and it ends
    x = kl.NegativeBinomial(mean=1e300, size=1e-5).sample(BLOCK * 50, seed=1)
    assert np.isin(x, [0.0, np.inf]).mean() > 0.99


def test_memory_is_that_of_the_draws():
    model, rows = kl.Gamma(shape=0.4, rate=1.0), 400_000
    model.sample(10, seed=1)
    tracemalloc.start()
    model.sample(rows, seed=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * rows + 50 * 8 * BLOCK
