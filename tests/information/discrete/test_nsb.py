"""NSB against a quadrature of its definition with mpmath at 30 digits."""

import math
from collections import Counter

import mpmath as mp
import numpy as np
import pytest

from kullback.information.discrete.estimators import entropy_of_counts
from kullback.information.discrete.fingerprint import Fingerprint
from kullback.information.discrete.nsb import posterior_moments

RNG = np.random.default_rng(20)


@mp.workdps(30)
def by_definition(counts: list[int], support: float) -> tuple[float, float]:
    """Posterior mean and standard deviation of H, as Nemenman, Shafee & Bialek (2002) define them.

    The moments of H given β are Wolpert & Wolf's (1995), as Archer, Park & Pillow (2014) print
    them. For infinitely many symbols, Kβ = a fixed: a Dirichlet process.
    """
    seen = Counter(int(count) for count in counts if count)
    n, k = sum(j * m for j, m in seen.items()), sum(seen.values())
    finite = not math.isinf(support)

    def log_weight(t):
        a = mp.exp(t)
        value = mp.loggamma(a) - mp.loggamma(n + a)
        if not finite:
            return value + k * mp.log(a) + mp.log(mp.psi(1, a + 1)) + t
        beta = a / support
        value += sum(m * (mp.loggamma(j + beta) - mp.loggamma(beta)) for j, m in seen.items())
        return value + mp.log(mp.psi(1, a + 1) - mp.psi(1, beta + 1) / support) + t

    def moments(t):
        a = mp.exp(t)
        beta = a / support if finite else mp.mpf(0)
        rest = (support - k) * beta if finite else a
        alphas = [(m, j + beta) for j, m in seen.items()]
        total = n + a
        one = sum(m * x * mp.psi(0, x + 1) for m, x in alphas) + rest * mp.psi(0, beta + 1)
        mean = mp.psi(0, total + 1) - one / total
        p0, p1 = mp.psi(0, total + 2), mp.psi(1, total + 2)
        cross = (one - total * p0) ** 2 - p1 * total**2
        weights = [(m * x, x) for m, x in alphas] + [(rest, beta)]
        cross -= sum(w * x * ((mp.psi(0, x + 1) - p0) ** 2 - p1) for w, x in weights)
        cross += sum(
            w * (x + 1) * ((mp.psi(0, x + 2) - p0) ** 2 + mp.psi(1, x + 2) - p1) for w, x in weights
        )
        return mean, cross / (total * (total + 1))

    grid = [mp.mpf(i) for i in range(-30, 50)]
    values = [log_weight(t) for t in grid]
    best = max(range(len(grid)), key=values.__getitem__)
    low, high = grid[best - 1], grid[best + 1]
    for _ in range(25):  # halving towards the peak
        left, right = low + (high - low) * 3 / 8, low + (high - low) * 5 / 8
        low, high = (left, high) if log_weight(left) < log_weight(right) else (low, right)
    peak, d = (low + high) / 2, mp.mpf("1e-8")
    top = log_weight(peak)
    curvature = (2 * top - log_weight(peak + d) - log_weight(peak - d)) / d**2
    width = min(1 / mp.sqrt(curvature), mp.mpf(1.2))
    # The trapezoidal rule, so fine and so wide that its error is far below what is compared.
    step = width / 3
    norm = first = second = mp.mpf(0)
    for direction in (1, -1):
        i = 0 if direction == 1 else 1
        while True:
            t = peak + direction * i * step
            weight = mp.exp(log_weight(t) - top)
            if weight < mp.mpf("1e-13") and i:
                break
            mean, square = moments(t)
            norm, first, second = norm + weight, first + weight * mean, second + weight * square
            i += 1
    mean = first / norm
    return float(mean), float(mp.sqrt(second / norm - mean * mean))


CASES = {
    "uniform, fewer rows than symbols": (np.bincount(RNG.integers(0, 1000, 200)), 1000.0),
    "all seen once": (np.ones(20, dtype=int), 1000.0),
    "one symbol": (np.array([30]), 50.0),
    "one row": (np.array([1]), 3.0),
    "far more rows than symbols": (RNG.multinomial(10**7, [0.1, 0.2, 0.3, 0.4]), 4.0),
    "two symbols": (np.array([3, 1]), 2.0),
    "a million symbols": (np.bincount(RNG.integers(0, 10**6, 2000)), 1e6),
    "a million symbols, one coincidence": (np.array([2] + [1] * 50), 1e6),
    "exactly equal counts": (np.full(100, 1000), 100.0),
    "Zipf": (RNG.multinomial(600, 1 / np.arange(1, 501) / np.sum(1 / np.arange(1, 501))), 500.0),
    "infinitely many": (np.array([5, 3, 2, 1, 1, 1, 1]), math.inf),
}


@pytest.mark.parametrize("case", CASES)
def test_value_and_error_are_those_of_the_definition(case):
    counts, support = CASES[case]
    mean, sd = by_definition(counts.tolist(), support)
    value, stderr = posterior_moments(Fingerprint.of(counts[None, :]), support)
    # 1e-10 is what agreement of two steps promises, a hundredth of what is asked for.
    assert value[0] == pytest.approx(mean, abs=1e-10)
    assert stderr[0] == pytest.approx(sd, rel=1e-7)


def test_200_draws_from_the_uniform_over_1000():
    # Σ p log p of the truth is −6.908; infomeasure 0.6.3 gives 5.13 for such a sample.
    counts = np.stack([np.bincount(RNG.integers(0, 1000, 200), minlength=1000) for _ in range(50)])
    found = entropy_of_counts(counts, method="nsb", support=1000)
    assert np.mean(found.value) == pytest.approx(6.80, abs=0.05)
    assert np.all(np.abs(found.value - np.log(1000)) < 4.0 * found.stderr)


def test_samples_together_are_as_one_by_one():
    # Very different samples, so that they need different nodes.
    samples = [
        RNG.multinomial(n, RNG.dirichlet(np.full(40, concentration)))
        for n in (1, 5, 50, 1000, 10**6)
        for concentration in (0.01, 0.3, 10.0, 1000.0)
    ]
    together = entropy_of_counts(np.stack(samples), method="nsb", support=50)
    alone = [entropy_of_counts(sample, method="nsb", support=50) for sample in samples]
    # Each is within 1e-11 of the integral, whatever its nodes.
    np.testing.assert_allclose(together.value, [found.value for found in alone], atol=1e-10)
    np.testing.assert_allclose(together.stderr, [found.stderr for found in alone], rtol=1e-6)


def test_one_symbol_that_is_known_to_be_the_only_one_has_no_entropy():
    found = entropy_of_counts([7], method="nsb", support=1)
    assert (found.value, found.stderr) == (0.0, 0.0)


def test_infinitely_many_symbols_are_the_limit_of_many():
    counts = np.array([9, 4, 3, 3, 1, 1])
    limit = entropy_of_counts(counts, method="nsb")
    # The prior is flat up to log K: what it leaves beyond falls like K^−coincidences, and the rest
    # by 1/K.
    many = entropy_of_counts(counts, method="nsb", support=10**9)
    assert limit.value == pytest.approx(many.value, abs=1e-7)
    assert limit.stderr == pytest.approx(many.stderr, rel=1e-6)
    assert "infinitely many" in " ".join(limit.assumptions)


@pytest.mark.parametrize("rows", [300, 40_000])
def test_many_samples_with_strangers_among_them(rows):
    # So many that a few of them show where the peaks are; some have theirs elsewhere.
    law = 1.0 / np.arange(1, 61)
    samples = RNG.multinomial(rows, law / law.sum(), size=400)
    samples[17] = RNG.multinomial(rows, np.full(60, 1 / 60))
    samples[18] = rows * (np.arange(60) == 3)
    samples[19] = 7
    samples[20] = np.arange(60) == 3
    found = entropy_of_counts(samples, method="nsb", support=60)
    for sample in (0, 17, 18, 19, 20, 399):
        mean, sd = by_definition(samples[sample].tolist(), 60.0)
        # as above: what agreement of two steps promises
        assert found.value[sample] == pytest.approx(mean, abs=1e-10)
        assert found.stderr[sample] == pytest.approx(sd, rel=1e-7)
