"""Relative entropy of two samples of symbols: SciPy's value, its bias, its error, and +inf."""

import math

import numpy as np
import pytest
from scipy import stats

import kullback as kl
from kullback.information.discrete.counts import SymbolCounts, count_values
from kullback.information.discrete.divergence import divergence_of_counts

# The docstring's bias has Σ p/q over the symbols, and the code Σ p · p/q: at p = q with K symbols
# it takes off (K − 1)/(2n) and leaves (K − 1)/(2m).


def tally(counts):
    counts = np.asarray(counts)
    return SymbolCounts(np.arange(counts.size), counts, int(counts.sum()), "y")


def repeated(p, q, n, m, times, seed):
    """Estimates and standard errors of many pairs of samples."""
    random = np.random.default_rng(seed)
    pairs = zip(random.multinomial(n, p, times), random.multinomial(m, q, times), strict=True)
    found = [divergence_of_counts(tally(a), tally(b)) for a, b in pairs]
    return np.array([f.value for f in found]), np.array([f.stderr for f in found])


def test_large_samples_give_scipys_relative_entropy():
    random = np.random.default_rng(11)
    p, q = random.dirichlet(np.ones(6), 2)
    n = 200_000
    x, y = random.choice(6, n, p=p), random.choice(6, n, p=q)
    found = kl.estimate_kl(x, y, method="plug-in")
    # of 1 seeded draw: four standard errors, which 1 draw in 16,000 exceeds
    assert abs(found.value - stats.entropy(p, q)) < 4.0 * found.stderr
    assert found.stderr < 0.02
    assert found.method.startswith("plug-in")


def test_the_value_is_the_plug_in_less_the_bias_told():
    a, b = np.array([40, 30, 20, 10]), np.array([20, 25, 25, 50])
    p, q = a / 100.0, b / 120.0
    bias = 3.0 / 200.0 + (np.sum(p / q) - 1.0) / 240.0
    found = divergence_of_counts(tally(a), tally(b))
    assert found.value == pytest.approx(stats.entropy(p, q) - bias, rel=1e-12)


def test_the_error_is_the_delta_methods_with_the_chi_squared_of_equal_laws():
    a, b = np.array([40, 30, 20, 10]), np.array([20, 25, 25, 50])
    p, q = a / 100.0, b / 120.0
    found = divergence_of_counts(tally(a), tally(b))
    # from the moments of log p/q under p and of p/q under q
    of_p = np.sum(p * np.log(p / q) ** 2) - stats.entropy(p, q) ** 2
    of_q = np.sum(p * p / q) - 1.0
    # half a chi-squared of 3 degrees, times 1/100 + 1/120, has this variance (Wilks)
    second = stats.chi2(3).var() / 4.0 * (1.0 / 100.0 + 1.0 / 120.0) ** 2
    expected = math.sqrt(of_p / 100.0 + of_q / 120.0 + second)
    assert found.stderr == pytest.approx(expected, rel=1e-12)


def test_symbols_seen_only_in_q_count_in_its_shares():
    found = divergence_of_counts(tally([50, 50, 0]), tally([25, 25, 50]))
    # the shares of p are twice those of q: log 2, less 1/200 + (2 + 2 − 1)/200
    assert found.value == pytest.approx(math.log(2.0) - 0.02, rel=1e-12)


def test_the_correction_takes_off_the_bias_where_the_laws_differ():
    p, q = [0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]
    values, _ = repeated(p, q, 100, 100, 4000, seed=8)
    # uncorrected 0.045; σ = 0.155, so that the mean errs by 0.0025, and the next order adds 0.005
    assert abs(values.mean() - stats.entropy(p, q)) < 0.01


@pytest.mark.parametrize(
    ("p", "q", "n", "m"),
    [
        ([0.5, 0.3, 0.15, 0.05], [0.25] * 4, 200, 300),
        ([0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4], 300, 300),
    ],
)
def test_coverage_where_the_laws_differ(p, q, n, m):
    truth = stats.entropy(p, q)
    values, errors = repeated(p, q, n, m, 1000, seed=5)
    assert errors.mean() == pytest.approx(values.std(), rel=0.1)
    # 1,000 draws: ±0.02 is three standard deviations of a share of 0.95
    assert abs(np.mean(np.abs(values - truth) <= 1.96 * errors) - 0.95) < 0.02


def test_the_correction_takes_off_the_bias_where_the_laws_are_equal():
    share = [0.2] * 5
    values, _ = repeated(share, share, 500, 500, 1000, seed=6)
    # uncorrected: (K − 1)/(2n) twice, 0.008; the mean of 1,000 values of σ = 0.0057 errs by 0.0002
    assert abs(values.mean()) < 0.001


def test_coverage_where_the_laws_are_equal():
    values, errors = repeated([0.5, 0.5], [0.5, 0.5], 1000, 1000, 2000, seed=7)
    assert np.mean(np.abs(values) <= 1.96 * errors) > 0.93


def test_the_same_shares_are_within_their_error_of_zero():
    found = divergence_of_counts(tally([50, 50]), tally([50, 50]))
    assert found.stderr > 0.0
    assert "within its error of zero" in found.assumptions[-1]


def test_a_negative_value_says_so():
    # 2nD of these is 0.5 on 1 degree of freedom, below its mean of 1
    found = divergence_of_counts(tally([100, 100]), tally([95, 105]))
    assert found.value < 0.0
    assert "the value is negative, and within its error of zero" in found.assumptions[-1]


@pytest.mark.parametrize(
    ("p", "words"),
    [
        (["a", "b"], "'b' was seen in p and never in q"),
        (["a", "b", "d"], "'b', 'd' were seen in p and never in q"),
        (list("abdefg"), "'b', 'd', 'e' and 2 more were seen in p and never in q"),
    ],
)
def test_infinite_and_the_symbols_named(p, words):
    found = kl.estimate_kl(p * 20, ["a", "c"] * 20, method="plug-in")
    assert str(found) == str(kl.estimate_kl(p * 20, ["a", "c"] * 20, method="plug_in"))
    assert found.value == math.inf
    assert math.isnan(found.stderr)
    assert found.assumptions == (words,)
    assert str(found.to("bits")).startswith("inf bits")


def test_q_may_have_symbols_that_p_lacks():
    assert math.isfinite(kl.estimate_kl(["a", "b"] * 20, ["a", "b", "c"] * 20).value)


def test_whole_numbers_are_the_same_symbols_in_every_type():
    zeros = [0, 1, 1] * 40
    expected = kl.estimate_kl(zeros, [0, 0, 1] * 40)
    for p in (np.array(zeros), np.array(zeros, dtype=float), np.array(zeros, dtype=bool)):
        found = kl.estimate_kl(p, np.array([0.0, 0.0, 1.0] * 40))
        assert (found.value, found.stderr) == (expected.value, expected.stderr)


def test_weights_are_counts_of_rows():
    one = count_values({"k": ["a", "b"], "n": [30, 10]}, y="k", weights="n")
    other = count_values(["a"] * 30 + ["b"] * 10)
    q = count_values(["a", "b"] * 20)
    assert divergence_of_counts(one, q).value == divergence_of_counts(other, q).value


def test_the_value_is_a_plain_number_of_the_unit():
    p, q = ["a", "b", "b"] * 30, ["a", "a", "b"] * 30
    nats, bits = kl.estimate_kl(p, q), kl.estimate_kl(p, q, unit="bits")
    assert bits.value == pytest.approx(nats.value / math.log(2.0), rel=1e-15)
    assert bits.stderr == pytest.approx(nats.stderr / math.log(2.0), rel=1e-15)
