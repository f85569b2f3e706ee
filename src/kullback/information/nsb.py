"""The NSB estimate of entropy: the posterior mean and standard deviation under a flat prior on H.

Nemenman, Shafee & Bialek (2002), "Entropy and inference, revisited". The K probabilities have a
symmetric Dirichlet(β) prior, and β has the prior under which the a-priori expected entropy

    ξ(β) = ψ(Kβ + 1) − ψ(β + 1)

is flat on (0, log K). Both moments of the entropy are one-dimensional integrals over β, computed
here by the trapezoidal rule in t = log(Kβ), which converges exponentially: the integrand is
analytic and falls off like e^t and e^(−t) at the least. The step is halved, and the range narrowed
around the peak, until two steps agree. Many samples share their nodes, so that the sums over
symbols are matrix products of the fingerprints with tables of gamma functions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.information.fingerprint import Fingerprint

# Nodes of weight e^-30 = 1e-13 of the largest do not count: at most that share of log K is lost.
_NEGLIGIBLE = 30.0
# Intervals at the first look: the range of t is some 100 long, so the step is about 1, enough to
# find the peak of a function with one peak, whose neighbouring nodes then hold it between them.
_FIRST = 96
# Intervals after it. A posterior with the tails e^t and e^-t, the longest there are, is some 65
# long; with a step of 0.4 the rule's error is e^(-2 pi² / 0.4) = 4e-22 where the nearest
# singularity is at ±iπ, the poles of the gamma function.
_NODES = 160
# The rule's error at half the step is at most the square of what it is at the full step (its fourth
# power for a normal posterior), so this difference between two steps leaves less than 1e-11.
_AGREEMENT = 3e-6
# The standard deviation is for an interval: nobody reads its seventh digit.
_AGREEMENT_SD = 1e-4
# The sum of the weights over the largest is √(2π) σ / step for a normal peak. Above this the peak
# is 1.2 steps wide, and the agreement above can be trusted.
_RESOLVED = 3.0
# From here on Stirling's series with the terms below is right to 1e-16.
_LARGE = 16.0
# Samples looked at together: the arrays samples x nodes then take some tens of megabytes.
_SAMPLES = 8192
# After the last halving that a double can follow, the posterior is a point.
_ROUNDS = 80


def posterior_moments(prints: Fingerprint, support: float) -> tuple[Vector, Vector]:
    """Give E[H | counts] and the standard deviation of H, in nats, of each sample.

    Args:
        prints: how many symbols of each sample have each count.
        support: the number of symbols K ≥ 2, at least as large as the number seen; or infinity, for
            the limit K → ∞ at a fixed total pseudo-count Kβ (a Dirichlet process), in which ξ is
            flat on (0, ∞). The posterior then exists where some symbol was seen twice.

    Returns:
        The means and standard deviations, each of shape (samples,).
    """
    mean, sd = np.empty(prints.samples), np.empty(prints.samples)
    for first in range(0, prints.samples, _SAMPLES):
        rows = np.arange(first, min(first + _SAMPLES, prints.samples))
        part = prints.rows_of(rows)
        for at, m, s in _integrate(part, support):
            mean[rows[at]], sd[rows[at]] = m, s
    return mean, sd


def _integrate(
    prints: Fingerprint, support: float
) -> Iterator[tuple[NDArray[np.intp], Vector, Vector]]:
    """Integrate group by group, each group with the nodes that its peaks need."""
    most = math.log(float(prints.sizes.max()))
    # The peak lies where a = Kβ is of the order of seen symbols / log n, at n² / coincidences, or
    # (where counts are more equal than chance makes them) at nK; beyond it there is a tail e^-|t|.
    scale = most if math.isinf(support) else min(most, math.log(support))
    low, high = -_NEGLIGIBLE - 8.0, most + scale + _NEGLIGIBLE + 8.0
    todo = [(np.arange(prints.samples), low, high, _FIRST)]
    for _ in range(_ROUNDS * prints.samples):
        if not todo:
            return
        rows, low, high, intervals = todo.pop()
        part = prints.rows_of(rows)
        t = np.linspace(low, high, intervals + 1)
        logs = _log_weights(part, t, support)
        logs -= logs.max(axis=1, keepdims=True)
        reaches = logs > -_NEGLIGIBLE
        used = np.flatnonzero(reaches.any(axis=0))
        weights = np.where(reaches, np.exp(logs), 0.0)
        resolved = weights.sum(axis=1) > _RESOLVED
        done = np.zeros(rows.size, dtype=np.bool_)
        # a grid that doubles can no longer tell apart holds a posterior that is a point
        last = (high - low) / intervals < 1e-13 * max(1.0, abs(low), abs(high))
        if last or resolved.any():
            moments = _conditional_moments(part, t[used], support)
            mean, sd = _mixture(weights[:, used], *moments)
            coarse = np.where(used % 2 == 0, weights[:, used], 0.0)
            rough = np.where(coarse.sum(axis=1)[:, None] > 0.0, coarse, weights[:, used])
            rough_mean, rough_sd = _mixture(rough, *moments)
            done = resolved & (np.abs(mean - rough_mean) <= _AGREEMENT)
            done &= np.abs(sd - rough_sd) <= _AGREEMENT_SD * sd
            done |= last
            if done.any():
                yield rows[done], mean[done], sd[done]
        if done.all():
            continue
        left = np.flatnonzero(~done)
        first = np.maximum(np.argmax(reaches[left], axis=1) - 1, 0)
        final = np.minimum(intervals + 1 - np.argmax(reaches[left, ::-1], axis=1), intervals)
        for group in _alike(first, final):
            start, stop = t[first[group].min()], t[final[group].max()]
            narrower = stop - start < 0.5 * (high - low)
            next_intervals = _NODES if narrower else max(2 * intervals, _NODES)
            todo.append((rows[left[group]], float(start), float(stop), next_intervals))
    raise AssertionError("the halving of the step did not end")


def _alike(first: NDArray[np.intp], final: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Split ranges into groups whose union is at most three times as long as the typical range."""
    todo = [np.argsort(first + final, kind="stable")]
    while todo:
        group = todo.pop()
        length = int(final[group].max() - first[group].min())
        if group.size == 1 or length <= 3.0 * float(np.median(final[group] - first[group])):
            yield group
        else:
            middle = group.size // 2
            todo += [group[:middle], group[middle:]]


def _mixture(weights: Vector, means: Vector, variances: Vector) -> tuple[Vector, Vector]:
    """Mean and standard deviation of a mixture; each sample's components along the last axis."""
    shares = weights / weights.sum(axis=1, keepdims=True)
    mean = np.sum(shares * means, axis=1)
    spread = means - mean[:, None]
    return mean, np.sqrt(np.sum(shares * (variances + spread * spread), axis=1))


def _log_weights(prints: Fingerprint, t: Vector, support: float) -> Vector:
    """Log of likelihood × prior density of t = log a, a = Kβ, up to a constant; samples × nodes.

    The likelihood is Π [Γ(n_i + β) / Γ(β)] / [Γ(n + a) / Γ(a)]. It is taken relative to its limit
    as β → ∞, K^−n, so that no large terms cancel.
    """
    a = np.exp(t)
    if math.isinf(support):
        logs = -(prints.sizes - prints.seen)[:, None] * t
        prior = _slope(a)
    else:
        beta = a / support
        logs = prints.total(lambda count: _log_rising(count, beta), t.size)
        prior = _slope(a, beta)
    return logs - prints.by_size(lambda n: _log_rising(n, a)) + np.log(prior)


def _conditional_moments(prints: Fingerprint, t: Vector, support: float) -> tuple[Vector, Vector]:
    """Mean and variance of H at each β, given the counts; samples × nodes.

    With α_i = n_i + β, A = n + Kβ and u_i = ψ(α_i + 1) less its mean under the weights α_i/A
    (Wolpert & Wolf 1995, rearranged so that nothing cancels):

        E[H] = ψ(A + 1) − Σ (α_i/A) ψ(α_i + 1)
        Var[H] = [Σ (α_i/A) (u_i² + g(α_i)) − g(A)] / (A + 1),   g(z) = (z + 1) ψ′(z + 1) − 1.
    """
    from scipy.special import digamma

    a = np.exp(t)
    beta = np.zeros_like(a) if math.isinf(support) else a / support
    # The weight of the symbols that were not seen.
    if math.isinf(support):
        unseen = np.broadcast_to(a, (prints.samples, a.size))
    else:
        unseen = (support - prints.seen)[:, None] * beta
    centre = digamma(float(np.median(prints.values)) + beta + 1.0)

    def tables(count: Vector) -> tuple[Vector, Vector, Vector]:
        alpha = count + beta
        psi = digamma(alpha + 1.0) - centre
        return alpha * psi, alpha * psi * psi, alpha * _excess(alpha)

    first, second, excess = prints.totals(tables, t.size)
    psi = digamma(beta + 1.0) - centre
    total = prints.sizes[:, None] + a
    first = (first + unseen * psi) / total
    second = (second + unseen * psi * psi) / total
    excess = (excess + unseen * _excess(beta)) / total
    mean = prints.by_size(lambda n: digamma(n + a + 1.0)) - centre - first
    spread = second - first * first
    # rounding makes of a variance of 0 (all u equal) a small negative number
    spread = np.where(spread > 0.0, spread, 0.0)
    variance = (spread + excess - prints.by_size(lambda n: _excess(n + a))) / (total + 1.0)
    return mean, np.where(variance > 0.0, variance, 0.0)


def _log_rising(count: Vector, a: Vector) -> Vector:
    """Log of Γ(a + n) / (Γ(a) a^n) = Π (1 + m/a), m < n; it vanishes as a → ∞ without rounding."""
    from scipy.special import gammaln

    count, a = np.broadcast_arrays(count, a)
    large = a >= _LARGE
    value = np.empty(a.shape)
    n, z = count[~large], a[~large]
    value[~large] = gammaln(z + n) - gammaln(1.0 + z) + (1.0 - n) * np.log(z)
    n, z = count[large], a[large]
    x = n / z
    value[large] = (z + n - 0.5) * _log1p_minus(x) + (n - 0.5) * x + _stirling(z + n) - _stirling(z)
    return value


def _log1p_minus(x: Vector) -> Vector:
    """log(1 + x) − x for x ≥ 0: −r x + 2 (r³/3 + r⁵/5 + …) with r = x/(2 + x) where x is small."""
    near = x < 0.25  # r² <= 1/81: eight terms leave 1e-17; beyond, the subtraction costs 3 bits
    r = np.where(near, x, 0.0)
    r = r / (2.0 + r)
    square = r * r
    tail = np.zeros_like(r)
    for k in reversed(range(8)):
        tail = tail * square + 1.0 / (2 * k + 3)
    return np.where(near, r * (2.0 * square * tail - x), np.log1p(x) - x)


def _stirling(z: Vector) -> Vector:
    """Ln Γ(z) less Stirling's approximation, for z ≥ 16: B_2k / (2k (2k − 1) z^(2k − 1)), k ≤ 6."""
    w = 1.0 / z
    terms = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
    return w * np.asarray(np.polynomial.polynomial.polyval(w * w, terms), dtype=np.float64)


def _trigamma_tail(z: Vector) -> Vector:
    """The value of z ψ′(z) − 1 for z ≥ 16: 1/(2z) + Σ B_2k / z^2k, k ≤ 6."""
    w = 1.0 / z
    terms = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730)
    return w * (0.5 + w * np.asarray(np.polynomial.polynomial.polyval(w * w, terms)))


def _excess(alpha: Vector) -> Vector:
    """g(α) = (α + 1) ψ′(α + 1) − 1 for α ≥ 0; about 1/(2α) where α is large."""
    from scipy.special import zeta

    z = np.asarray(alpha + 1.0)
    large = z >= _LARGE
    value = np.empty(z.shape)
    value[large] = _trigamma_tail(z[large])
    value[~large] = z[~large] * zeta(2.0, z[~large]) - 1.0  # ψ′(z) is Hurwitz' ζ(2, z)
    return value


def _slope(a: Vector, beta: Vector | None = None) -> Vector:
    """dξ/dt = a ψ′(a + 1) − β ψ′(β + 1), the prior's density; without the β-term where K = ∞.

    Both terms tend to 1 as β → ∞. There their differences from 1 are subtracted instead:
    1 − z ψ′(z + 1) = (1 − z g(z)) / (z + 1).
    """
    g = _excess(a)
    slope = a * (1.0 + g) / (1.0 + a)
    if beta is None:
        return slope
    h = _excess(beta)
    direct = slope - beta * (1.0 + h) / (1.0 + beta)
    return np.where(a < 1.0, direct, (1.0 - beta * h) / (1.0 + beta) - (1.0 - a * g) / (1.0 + a))
