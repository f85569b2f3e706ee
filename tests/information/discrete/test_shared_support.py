"""Relative entropy of counts where not all of a shared support was seen: values and coverage."""

import math

import numpy as np
import pytest
from scipy import stats

import kullback as kl
from kullback.information.discrete.counts import SymbolCounts
from kullback.information.discrete.shared_support import divergence_of_shared_support


def tally(counts):
    counts = np.asarray(counts)
    seen = np.flatnonzero(counts)
    return SymbolCounts(seen, counts[seen], int(counts.sum()), "y")


def poisson(mean):
    shares = stats.poisson.pmf(np.arange(250), mean)
    return shares / shares.sum()


def relative(p, q):
    with np.errstate(under="ignore"):
        return float(stats.entropy(p, q))


def test_the_sum_is_zhang_and_grabchaks_double_series():
    a, b = np.array([40, 30, 20, 10]), np.array([20, 25, 25, 50])
    n, m = 100, 120
    # their equations 1.3 and 1.4: the products summed term by term, without the digamma function
    expected = 0.0
    for i in range(4):
        of_q = np.cumprod([1.0 - b[i] / (m - j + 1) for j in range(1, m - b[i] + 1)])
        of_p = np.cumprod([1.0 - (a[i] - 1) / (n - j) for j in range(1, n - a[i] + 1)])
        series = np.sum(of_q / np.arange(1, of_q.size + 1))
        expected += a[i] / n * (series - np.sum(of_p / np.arange(1, of_p.size + 1)))
    found = divergence_of_shared_support(tally(a), tally(b))
    assert found.value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("means", [(50, 52), (52, 50), (3, 4), (10, 11)])
def test_samples_of_poisson_counts_are_finite_and_near_the_formula(means):
    # the relative entropy of Poisson laws: μ log(μ/ν) + ν − μ
    one, other = means
    truth = one * math.log(one / other) + other - one
    random = np.random.default_rng(0)
    for _ in range(20):
        found = kl.estimate_kl(random.poisson(one, 20_000), random.poisson(other, 20_000))
        # twenty seeded draws: four standard errors, which one draw in 16,000 exceeds
        assert abs(found.value - truth) < 4.0 * found.stderr
        assert found.stderr < 0.01
        assert "every value of p is possible under q" in found.assumptions[0]
    assert found.method == "zhang-grabchak"


NEARLY_UNIFORM = (1.0 + 0.2 * np.sin(np.arange(100))) / np.sum(1.0 + 0.2 * np.sin(np.arange(100)))


@pytest.mark.parametrize("rows", [300, 2000, 20_000])
@pytest.mark.parametrize(
    ("p", "q"),
    [
        (poisson(50), poisson(52)),
        (poisson(3), poisson(4)),
        (np.full(100, 0.01), NEARLY_UNIFORM),
        (np.full(100, 0.01), np.full(100, 0.01)),
        (np.array([0.4, 0.3, 0.2, 0.1]), np.array([0.1, 0.2, 0.3, 0.4])),
    ],
    ids=["Poisson 50 and 52", "Poisson 3 and 4", "nearly uniform", "uniform", "four values"],
)
def test_coverage(p, q, rows):
    random = np.random.default_rng([rows, p.size])
    pairs = zip(random.multinomial(rows, p, 300), random.multinomial(rows, q, 300), strict=True)
    found = [divergence_of_shared_support(tally(a), tally(b)) for a, b in pairs]
    truth = relative(p, q)
    values, errors = (np.array([getattr(f, name) for f in found]) for name in ("value", "stderr"))
    assert abs(values.mean() - truth) < 0.35 * values.std()
    # 300 draws: 0.05 is four standard deviations of a share of 0.95
    assert np.mean(np.abs(values - truth) <= 1.96 * errors) > 0.90


def test_no_shared_value_gives_no_number():
    found = kl.estimate_kl(["a"] * 50, ["b"] * 50)
    assert found.value == math.inf
    assert math.isnan(found.stderr)
    assert "p and q share no value: 100% of the rows of p" in found.assumptions[0]
    assert found.assumptions[1] == "'a' was seen in p and never in q"


def test_few_shared_values_give_no_number():
    found = kl.estimate_kl(np.arange(500), np.arange(250, 750))
    assert found.value == math.inf
    assert "share too few values: 50% of the rows of p" in found.assumptions[0]


def test_much_unseen_is_told():
    random = np.random.default_rng(3)
    found = kl.estimate_kl(random.integers(0, 100, 200), random.integers(0, 100, 200))
    assert math.isfinite(found.value)
    assert any("may be off by more than its interval" in note for note in found.assumptions)


def test_samples_that_share_every_value_agree_with_the_plug_in():
    p, q = ["a"] * 600 + ["b"] * 400, ["a"] * 500 + ["b"] * 500
    auto, plain = kl.estimate_kl(p, q), kl.estimate_kl(p, q, method="plug-in")
    # both take off the bias of first order; the next is of order 1/n²
    assert auto.value == pytest.approx(plain.value, abs=1e-5)
    assert auto.stderr == pytest.approx(plain.stderr, rel=0.05)


def test_a_longer_tail_of_p_is_warned_of():
    """Geometric laws for which intervals cover the truth in 84 to 92%, by COVERAGE.md."""
    k = np.arange(1, 200)
    long, short = (stats.geom.pmf(k, share) for share in (0.1, 0.15))
    rng = np.random.default_rng(31)
    warned = {"long": 0, "short": 0}
    for _ in range(20):
        of_long = rng.multinomial(2000, long / long.sum())
        of_short = rng.multinomial(2000, short / short.sum())
        for name, p, q in (
            ("long", of_long, of_short),
            ("short", of_short, of_long),
        ):
            found = divergence_of_shared_support(tally(p), tally(q))
            warned[name] += any("where p has the longer tail" in said for said in found.assumptions)
    assert warned["long"] >= 15
    assert warned["short"] == 0
