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
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.information.discrete.fingerprint import Fingerprint

# Nodes with e^-30 = 1e-13 of the largest weight are left out: at most that share of log K is lost.
_NEGLIGIBLE = 30.0
# Intervals of the first grid: the range of t is some 100 long, so the step is about 1, enough to
# bracket the peak of a function with one peak between two nodes.
_FIRST = 96
# Intervals of the second grid, over a sample's own peak down to e^-30: that is 15.5 standard
# deviations of a normal posterior, so the step is a quarter of one, or half of one where the first
# grid took the peak for twice as wide as it is. (For other peaks, the step is halved.)
_NODES = 64
# Intervals where a second grid has shown the width: the step is half a standard deviation.
_KNOWN = 32
# The longest step over tails like e^t and e^-t: the rule's error is then e^(-2 pi² / 0.4) = 4e-22,
# where the nearest singularity is at ±iπ, the poles of the gamma function.
_LONGEST_STEP = 0.4
# Of many samples, this number is used to locate the peaks of all.
_SOME = 64
# Chebyshev's interpolation at N points leaves ρ^-N: this many times the logarithm of ρ is e^-37.
_INTERPOLATED = 37.0
# The rule's error at half the step is at most the square of what it is at the full step (its fourth
# power for a normal posterior), so this difference between two steps leaves less than 1e-11.
_AGREEMENT = 3e-6
# The standard deviation is for an interval, which needs a few digits.
_AGREEMENT_SD = 1e-4
# The sum of the weights over the largest is √(2π) σ / step for a normal peak. Above this the peak
# is 1.2 steps wide, and the agreement above can be trusted.
_RESOLVED = 3.0
# Samples integrated together: the arrays samples × nodes then take some tens of megabytes.
_SAMPLES = 8192
# After the last halving that a double can follow, the posterior is a point.
_ROUNDS = 80

# From here on Stirling's series with the terms below has an error below 1e-16.
_LARGE = 16.0


@final
class _Grid:
    """Equidistant nodes in t, and the fewer points that a function on them is interpolated from.

    The sums over symbols, and so the moments and the log-weights, are analytic in t up to their
    poles at Im t = ±π. Chebyshev's interpolation converges like ρ^−N, where the ellipse of sum of
    semi-axes ρ around the range just reaches them: on the short ranges of narrow posteriors twenty
    points determine the values at all nodes.

    Attributes:
        low: the first node.
        high: the last node.
        intervals: one less than the number of nodes.
    """

    def __init__(self, low: float, high: float, intervals: int) -> None:
        self.low, self.high, self.intervals = low, high, intervals

    @cached_property
    def points(self) -> Vector:
        """The points, which are the nodes where those are as few; shape (points,)."""
        nodes = self.intervals + 1
        if self._needed >= nodes:
            return np.linspace(self.low, self.high, nodes)
        x = np.cos(np.pi * (np.arange(self._needed) + 0.5) / self._needed)
        return np.asarray(0.5 * (self.low + self.high) + 0.5 * (self.high - self.low) * x)

    @property
    def _needed(self) -> int:
        reach = 2.0 * np.pi / (self.high - self.low)
        return math.ceil(_INTERPOLATED / math.asinh(reach)) + 1

    @cached_property
    def _matrix(self) -> Vector | None:
        """From values at the points to values at the nodes: shape (nodes, points)."""
        n = self._needed
        if n > self.intervals:
            return None
        angles = np.pi * (np.arange(n) + 0.5) / n
        order = np.arange(n)
        x = np.linspace(-1.0, 1.0, self.intervals + 1)
        at_nodes = np.cos(np.arccos(x)[:, None] * order)
        to_coefficients = np.cos(order[:, None] * angles) * (2.0 / n)
        to_coefficients[0] *= 0.5
        return np.asarray(at_nodes @ to_coefficients)

    def spread(self, values: Vector) -> Vector:
        """Interpolate: from (samples, points) to (samples, nodes)."""
        return values if self._matrix is None else np.asarray(values @ self._matrix.T)

    def gathered(self, weights: Vector, every: int = 1) -> Vector:
        """Weights of the points that give the same sums as those of (every n-th of) the nodes."""
        if self._matrix is not None:
            return np.asarray(weights[:, ::every] @ self._matrix[::every])
        return weights if every == 1 else weights * (np.arange(weights.shape[1]) % every == 0)

    def narrowed(
        self, reaches: NDArray[np.bool_], margin: float = 0.0
    ) -> Iterator[tuple[NDArray[np.intp], _Grid]]:
        """Groups of samples and the finer grid of each, over the nodes that count.

        Args:
            reaches: which nodes count, shape (samples, nodes).
            margin: the share of the range that is added on either side.
        """
        first = np.maximum(np.argmax(reaches, axis=1) - 1, 0)
        final = self.intervals + 1 - np.argmax(reaches[:, ::-1], axis=1)
        final = np.minimum(final, self.intervals)
        step = (self.high - self.low) / self.intervals
        for group in _alike(first, final):
            start, stop = int(first[group].min()), int(final[group].max())
            length = (stop - start) * step * (1.0 + 2.0 * margin)
            typical = float(np.median(final[group] - first[group])) * step
            nodes = _KNOWN if margin else _NODES
            intervals = max(nodes * length / typical, length / _LONGEST_STEP)
            if stop - start >= 0.5 * self.intervals and not margin:
                intervals = max(intervals, 2 * self.intervals)
            low = self.low + (start - margin * (stop - start)) * step
            yield group, _Grid(low, low + length, 2 * math.ceil(0.5 * intervals))


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


def posterior_moments(prints: Fingerprint, support: float) -> tuple[Vector, Vector]:
    """Return E[H | counts] and the standard deviation of H, in nats, of each sample.

    Args:
        prints: how many symbols of each sample have each count.
        support: the number of symbols K ≥ 2, at least the number observed; or infinity, for the
            limit K → ∞ at a fixed total pseudo-count Kβ (a Dirichlet process), in which ξ is flat
            on (0, ∞). The posterior then exists where some symbol was seen twice.

    Returns:
        The means and standard deviations, each of shape (samples,).
    """
    most = math.log(float(prints.sizes.max()))
    # The peak lies where a = Kβ is of the order of observed symbols / log n, at n² / coincidences,
    # or (where counts are more equal than by chance) at nK; beyond it there is a tail e^-|t|.
    scale = most if math.isinf(support) else min(most, math.log(support))
    everywhere = _Grid(-_NEGLIGIBLE - 8.0, most + scale + _NEGLIGIBLE + 8.0, _FIRST)
    near = None
    if prints.samples > 4 * _SOME:
        some = prints.rows_of(np.arange(0, prints.samples, prints.samples // _SOME))
        near = _common_grid(some, everywhere, support)
    mean, sd = np.empty(prints.samples), np.empty(prints.samples)
    for first in range(0, prints.samples, _SAMPLES):
        rows = np.arange(first, min(first + _SAMPLES, prints.samples))
        part = prints.rows_of(rows)
        for at, m, s in _integrate(part, support, near or everywhere, everywhere):
            mean[rows[at]], sd[rows[at]] = m, s
    return mean, sd


def _integrate(
    prints: Fingerprint, support: float, begin: _Grid, everywhere: _Grid
) -> Iterator[tuple[NDArray[np.intp], Vector, Vector]]:
    """Integrate group by group, each with the nodes that its peaks need."""
    todo = [(np.arange(prints.samples), begin)]
    for _ in range(_ROUNDS * prints.samples):
        if not todo:
            return
        rows, grid = todo.pop()
        part = prints.rows_of(rows)
        logs = _logs(part, grid, support)
        reaches = logs > -_NEGLIGIBLE
        weights = np.where(reaches, np.exp(logs), 0.0)
        # on a grid of other samples' peaks, this sample's peak may be cut off
        foreign = grid is begin and begin is not everywhere
        cut = (reaches[:, 0] | reaches[:, -1]) & foreign
        resolved = (weights.sum(axis=1) > _RESOLVED) & ~cut
        done = np.zeros(rows.size, dtype=np.bool_)
        # where doubles cannot separate the nodes, the posterior is a point
        last = grid.high - grid.low < grid.intervals * 1e-13 * max(1.0, abs(grid.low), grid.high)
        if last or resolved.any():
            moments = _conditional_moments(part, grid.points, support)
            mean, sd = _mixture(grid.gathered(weights), *moments)
            rough_mean, rough_sd = _mixture(grid.gathered(weights, 2), *moments)
            done = resolved & (np.abs(mean - rough_mean) <= _AGREEMENT)
            done &= np.abs(sd - rough_sd) <= _AGREEMENT_SD * sd
            done |= last
            if done.any():
                yield rows[done], mean[done], sd[done]
        if cut.any():
            todo.append((rows[cut], everywhere))
        left = np.flatnonzero(~done & ~cut)
        if left.size:
            todo += [(rows[left[group]], new) for group, new in grid.narrowed(reaches[left])]
    raise AssertionError("the halving of the step did not end")


def _common_grid(some: Fingerprint, everywhere: _Grid, support: float) -> _Grid | None:
    """A grid over the peaks of samples like these; None where the peaks lie far apart."""
    grid = everywhere
    for margin in (0.0, 0.2):  # the first grid is coarse, and other samples' peaks lie around
        groups = list(grid.narrowed(_logs(some, grid, support) > -_NEGLIGIBLE, margin))
        if len(groups) > 1:
            return None
        grid = groups[0][1]
    return grid


def _logs(prints: Fingerprint, grid: _Grid, support: float) -> Vector:
    """Log of the posterior's density at the grid's nodes, relative to its largest there."""
    logs = grid.spread(_log_weights(prints, grid.points, support))
    return np.asarray(logs - logs.max(axis=1, keepdims=True))


def _mixture(weights: Vector, means: Vector, variances: Vector) -> tuple[Vector, Vector]:
    """Mean and standard deviation of a mixture; each sample's components along the last axis."""
    total = np.einsum("sp->s", weights)[:, None]
    shares = weights / np.where(total > 0.0, total, 1.0)
    mean = np.einsum("sp,sp->s", shares, means)
    spread = means - mean[:, None]
    variance = np.einsum("sp,sp->s", shares, variances + spread * spread)
    # points may have negative weights, and rounding may turn 0 into a negative number
    return mean, np.sqrt(np.where(variance > 0.0, variance, 0.0))


def _log_weights(prints: Fingerprint, t: Vector, support: float) -> Vector:
    """Log of likelihood × prior density of t = log a, a = Kβ, up to a constant; samples × nodes.

    The likelihood is Π [Γ(n_i + β) / Γ(β)] / [Γ(n + a) / Γ(a)]. It is taken relative to its limit
    as β → ∞, K^−n, so that no large terms cancel.
    """
    a = np.exp(t)
    if math.isinf(support):
        logs = -(prints.sizes - prints.observed)[:, None] * t
        prior = _slope(a)
    else:
        beta = a / support
        logs = prints.sums(lambda count: (_log_rising(count, beta),), t.size)[0]
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
    # The weight of the symbols that were not observed.
    if math.isinf(support):
        unseen = np.broadcast_to(a, (prints.samples, a.size))
    else:
        unseen = (support - prints.observed)[:, None] * beta
    centre = digamma(float(np.median(prints.values)) + beta + 1.0)

    def tables(count: Vector) -> tuple[Vector, Vector, Vector]:
        alpha = count + beta
        psi = digamma(alpha + 1.0) - centre
        return alpha * psi, alpha * psi * psi, alpha * _excess(alpha)

    first, second, third = prints.sums(tables, t.size)
    psi = digamma(beta + 1.0) - centre
    total = prints.sizes[:, None] + a
    first = (first + unseen * psi) / total
    second = (second + unseen * psi * psi) / total
    third = (third + unseen * _excess(beta)) / total
    mean = prints.by_size(lambda n: digamma(n + a + 1.0)) - centre - first
    spread = second - first * first
    # rounding may turn a variance of 0 (all u equal) into a small negative number
    spread = np.where(spread > 0.0, spread, 0.0)
    variance = (spread + third - prints.by_size(lambda n: _excess(n + a))) / (total + 1.0)
    return mean, np.where(variance > 0.0, variance, 0.0)


# ---- Gamma functions in forms that keep their digits where β is large ------------------------


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
