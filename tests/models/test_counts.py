"""The families of counts, against mpmath at 90 digits and SciPy."""

import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from kullback.models.counts.log_series import LogSeries
from kullback.models.counts.negative_binomial import NegativeBinomial
from kullback.models.counts.poisson import Poisson

M = mp.mpf

COUNTS = np.array([0, 1, 2, 3, 7, 40, 63, 64, 1000, 10**6, 10**8, 10**8 + 10**4], dtype=float)


@pytest.fixture(autouse=True)
def _digits():
    # 60 digits; differences of ln Γ(1e30) cancel 32 of them, which leaves enough
    with mp.workdps(90):
        yield


# The project's bar for values: 1e-12 relative.
BAR = 1e-12


def mp_poisson(x, rate):
    return x * mp.log(rate) - rate - mp.loggamma(x + 1)


def mp_negative_binomial(y, m, r):
    growth = mp.loggamma(r + y) - mp.loggamma(r) - mp.loggamma(y + 1)
    return growth + r * mp.log(r / (r + m)) + y * mp.log(m / (r + m))


def mp_log_series(k, p):
    return k * mp.log(p) - mp.log(k) - mp.log(-mp.log1p(-p))


def grid(*axes):
    return [a.ravel() for a in np.meshgrid(*axes, indexing="ij")]


# ---- Poisson -----------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1e-200, 1e-6, 0.5, 3.0, 41.0, 1e3, 1e8])
def test_poisson_log_density(rate, check):
    model = Poisson(rate=rate)
    expected = [mp_poisson(M(x), M(rate)) for x in COUNTS]
    check(model.log_density(COUNTS), expected)


def test_poisson_with_rate_zero_counts_nothing(derivatives):
    model = Poisson(rate=0.0)
    assert model.log_density([0.0, 1.0]).tolist() == [0.0, -np.inf]
    assert (model.cdf(0.0), model.survival(0.0), model.entropy()) == (1.0, 0.0, 0.0)
    _, score, curvature = derivatives(model, 0.0, rate=[0.0, 1e-100, 2.0])
    assert score.tolist() == [-1.0] * 3
    assert curvature.tolist() == [0.0] * 3


def test_poisson_tails(check_tails):
    x = np.array([0.0, 1.0, 5.0, 40.0, 100.0, 400.0, 1000.0])
    for rate in [1e-9, 0.3, 5.0, 100.0, 900.0]:
        model = Poisson(rate=rate)
        lower = [mp.gammainc(M(k) + 1, M(rate), mp.inf, regularized=True) for k in x]
        upper = [mp.gammainc(M(k) + 1, 0, M(rate), regularized=True) for k in x]
        check_tails(model, x, lower, upper)


@pytest.mark.parametrize("rate", [1e-12, 0.2, 3.0, 170.0, 5000.0])
def test_poisson_entropy_and_quantiles(rate):
    model = Poisson(rate=rate)
    top = int(rate + 40 * np.sqrt(rate)) + 60
    k = np.arange(top)
    log_q = stats.poisson.logpmf(k, rate)
    assert model.entropy() == pytest.approx(-np.sum(np.exp(log_q) * log_q), rel=1e-11)
    u = np.array([1e-10, 0.01, 0.5, 0.99, 1.0 - 1e-10])
    assert model.quantile(u).tolist() == stats.poisson.ppf(u, rate).tolist()


def test_poisson_entropy_of_a_large_rate():
    # its expansion: J. A. Adell, A. Lekuona and Y. Yu (2010), "Sharp bounds on the entropy of the
    # Poisson law", eq. 8; the next term is 1e-27
    r = 1e9
    expected = 0.5 * np.log(2 * np.pi * np.e * r) - 1 / (12 * r) - 1 / (24 * r * r)
    assert Poisson(rate=r).entropy() == pytest.approx(expected, rel=1e-13)


def test_poisson_derivatives(derivatives):
    x, rate = grid([0.0, 1.0, 40.0, 1e8], [1e-100, 1e-6, 1.0, 39.0, 1e8])
    _, score, curvature = derivatives(Poisson(rate=1.0), x, rate=rate)
    np.testing.assert_allclose(score, (x - rate) / rate, rtol=1e-14)
    np.testing.assert_allclose(curvature, -x / rate**2, rtol=1e-13)


# ---- NegativeBinomial --------------------------------------------------------------------------

SIZES = np.array([1e-6, 1e-2, 0.9, 9.9, 10.0, 12.0, 1e3, 1e8, 1e12, 1e30])
MEANS = np.array([1e-12, 1e-3, 1.0, 5.0, 1e3, 1e8])


def test_negative_binomial_log_density(check):
    for size in SIZES:
        for mean in MEANS:
            got = NegativeBinomial(mean=mean, size=size).log_density(COUNTS)
            check(got, [mp_negative_binomial(M(y), M(mean), M(size)) for y in COUNTS])


def test_negative_binomial_is_poisson_in_the_limit():
    x = np.array([0.0, 3.0, 10.0])
    limit = Poisson(rate=4.0).log_density(x)
    np.testing.assert_allclose(NegativeBinomial(mean=4.0, size=1e15).log_density(x), limit, 1e-13)
    np.testing.assert_allclose(NegativeBinomial(mean=4.0, size=1e300).log_density(x), limit, 1e-14)


def test_negative_binomial_derivatives_keep_their_digits_for_a_huge_size(derivatives):
    y, m, r = grid([0.0, 1.0, 2.0, 7.0, 1000.0, 1e8], MEANS, SIZES)
    _, by_mean, by_size, mean2, both, size2 = derivatives(NegativeBinomial(), y, mean=m, size=r)
    worst = 0.0
    for i in range(y.size):
        k, a, b = M(y[i]), M(m[i]), M(r[i])
        t = (k - a) / (b + a)
        # each derivative in size is the sum of two terms, neither of which may lose digits: errors
        # are counted against their sizes
        pulls = mp.log1p(t) - t, mp.psi(0, b + k) - mp.psi(0, b) - mp.log1p(k / b)
        bends = t * t / (b + k), mp.psi(1, b + k) - mp.psi(1, b) + 1 / b - 1 / (b + k)
        for got, exact, size in [
            (by_mean[i], (k - a) / a * b / (b + a), abs((k - a) / a * b / (b + a))),
            (by_size[i], sum(pulls), sum(map(abs, pulls))),
            (mean2[i], -k / a**2 + (b + k) / (b + a) ** 2, k / a**2 + (b + k) / (b + a) ** 2),
            (both[i], t / (b + a), abs(t / (b + a))),
            (size2[i], sum(bends), sum(map(abs, bends))),
        ]:
            if size > M(1e-290):  # below, a double holds fewer digits
                worst = max(worst, float(abs(M(float(got)) - exact) / size))
    assert worst < BAR


def check_negative_binomial_tails(check_tails, mean, size):
    x = np.array([0.0, 1.0, 5.0, 40.0, 300.0, 2000.0])
    p = M(size) / (M(size) + M(mean))
    mass = [mp.exp(mp_negative_binomial(M(k), M(mean), M(size))) for k in range(2001)]
    lower = [mp.fsum(mass[: int(k) + 1]) for k in x]
    # the rest of the tail as a hypergeometric series from its first term
    upper = [
        mp.exp(mp_negative_binomial(M(k + 1), M(mean), M(size)))
        * mp.hyp2f1(1, M(size) + k + 1, M(k) + 2, 1 - p)
        for k in x
    ]
    check_tails(NegativeBinomial(mean=mean, size=size), x, lower, upper)


def test_negative_binomial_tails(check_tails):
    for mean, size in [(1e-9, 1.0), (0.3, 1e-3), (5.0, 0.7), (5.0, 50.0), (100.0, 1e4)]:
        check_negative_binomial_tails(check_tails, mean, size)


def test_negative_binomial_tails_of_a_huge_size(check_tails):
    check_negative_binomial_tails(check_tails, 100.0, 1e9)
    check_negative_binomial_tails(check_tails, 5.0, 1e12)


def test_negative_binomial_by_size_and_probability(check, derivatives):
    x = np.array([0.0, 1.0, 4.0, 30.0])
    for size, p in [(0.3, 0.01), (3.0, 0.5), (1e3, 1.0 - 1e-9)]:
        model = NegativeBinomial(size=size, probability=p)
        exact = [
            mp.loggamma(M(size) + k)
            - mp.loggamma(M(size))
            - mp.loggamma(k + 1)
            + M(size) * mp.log(M(p))
            + k * mp.log1p(-M(p))
            for k in map(M, x)
        ]
        check(model.log_density(x), exact)
        check([model.mean()], [M(size) * (1 - M(p)) / M(p)])
    x, size, p = grid(x, [1e-3, 2.0, 1e12], [1e-6, 0.4, 1.0 - 1e-9])
    rows = derivatives(NegativeBinomial(probability=0.4), x, size=size, probability=p)
    assert all(np.all(np.isfinite(r)) for r in rows)
    np.testing.assert_allclose(rows[2], size / p - x / (1 - p), rtol=1e-9)
    start = NegativeBinomial(probability=0.4).starts(np.array([0.0, 3.0, 9.0]), np.ones(3))[0]
    assert set(start) == {"size", "probability"}


# ---- LogSeries ---------------------------------------------------------------------------------

PROBABILITIES = np.array([1e-200, 1e-12, 1e-3, 0.2, 0.37, 0.5, 0.9, 1.0 - 1e-6, 1.0 - 1e-14])


def test_log_series_log_density_and_moments(check):
    k = COUNTS[1:]
    for p in PROBABILITIES:
        model, q = LogSeries(probability=p), M(p)
        check(model.log_density(k), [mp_log_series(M(x), q) for x in k])
        if p > 1e-30:  # below, 90 digits are too few for the variance
            mean = q / ((1 - q) * -mp.log1p(-q))
            check([model.mean(), model.variance()], [mean, mean * (1 / (1 - q) - mean)])


def test_log_series_tails(check):
    k = np.array([1.0, 2.0, 3.0, 10.0, 1000.0])
    for p in PROBABILITIES:
        model, q = LogSeries(probability=p), M(p)
        terms = [q**j / j for j in range(1, 1001)]
        if p <= 0.5:  # the rest of the series, which falls off fast
            tail = [mp.hyp2f1(1, x + 1, x + 2, q) * q ** (x + 1) / (x + 1) for x in map(M, k)]
        else:  # the whole less its beginning; the tail is 1e-48 or more of it
            tail = [-mp.log1p(-q) - mp.fsum(terms[: int(x)]) for x in k]
        tail = [v / -mp.log1p(-q) for v in tail]
        check(model.log_survival(k), [mp.log(v) for v in tail])
        check(model.log_cdf(k), [mp.log1p(-v) for v in tail])
    q, a = M(1.0 - 1e-6), M(10**6 + 1)
    with mp.workdps(30):
        integral = mp.quad(
            lambda s: mp.exp(-a * s) / (1 - q * mp.exp(-s)), [0, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3]
        )
        exact = mp.log(q**a * integral / -mp.log1p(-q))
    check([LogSeries(probability=1.0 - 1e-6).log_survival(1e6)], [exact])


def test_log_series_derivatives(derivatives):
    k, p = grid([1.0, 2.0, 50.0], PROBABILITIES[1:])
    _, score, curvature = derivatives(LogSeries(), k, probability=p)
    for i in range(k.size):
        q = M(p[i])
        log = -mp.log(1 - q)
        slope = 1 / ((1 - q) * log) - 1 / q  # of log(−log(1 − p)/p)
        bend = 1 / ((1 - q) ** 2 * log) - 1 / ((1 - q) * log) ** 2 + 1 / q**2
        first, second = (k[i] - 1) / q, (k[i] - 1) / q**2
        assert abs(M(float(score[i])) - (first - slope)) <= 1e-12 * (first + slope)
        assert abs(M(float(curvature[i])) - (-second - bend)) <= 1e-11 * (second + abs(bend))


def test_log_series_start_is_the_estimate():
    # the mean equation, at the exact estimate
    for mean in [1.0 + 1e-9, 1.4, 7.0, 1e6]:
        values, weights = np.array([1.0, 3.0 * mean]), np.array([3.0 * mean - mean, mean - 1.0])
        p = LogSeries().starts(values, weights)[0]["probability"]
        fitted = M(p) / ((1 - M(p)) * -mp.log(1 - M(p)))
        # 1 − p has lost mean · 1e-16, and an excess of 1e-9 was rounded in the data
        assert abs(fitted - 1 - (M(mean) - 1)) <= 1e-15 * mean**2 + 1e-7 * (mean - 1)


# ---- draws and starts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [
        Poisson(rate=0.7),
        Poisson(rate=9.9),
        Poisson(rate=10.0),
        Poisson(rate=250.0),
        NegativeBinomial(mean=4.0, size=0.6),
        NegativeBinomial(mean=60.0, size=30.0),
        LogSeries(probability=0.8),
    ],
    ids=repr,
)
def test_draws_follow_the_distribution(model, check_draws):
    check_draws(model)


def test_draws_of_a_huge_rate_keep_all_digits():
    x = Poisson(rate=1e12).sample(20_000, seed=3)
    assert np.all(x == np.floor(x))
    assert np.mean(x % 2.0) == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(x.size))
    z = (x - 1e12) / 1e6
    assert stats.kstest(z, "norm").pvalue > 1e-6  # the skewness, 1e-6, does not show


UGLY = [
    np.array([1.0, 1.0]),
    np.array([1.0, 2.0]),
    np.array([1.0, 1e12]),
    np.array([3.0, 3.0, 3.0, 1e6]),
    np.arange(1.0, 2000.0),
]


@pytest.mark.parametrize("values", UGLY, ids=["ones", "two", "huge", "outlier", "many"])
@pytest.mark.parametrize("model", [Poisson(), NegativeBinomial(), LogSeries()], ids=repr)
def test_starts_lie_inside_the_supports(model, values, check_starts):
    zeros = () if isinstance(model, LogSeries) else (0.0 * values,)
    check_starts(model, values, *zeros)


def test_starts_are_the_estimates_where_there_is_a_closed_form():
    values, weights = np.array([0.0, 1.0, 4.0]), np.array([2.0, 1.0, 1.0])
    assert Poisson().starts(values, weights)[0] == {"rate": 1.25}
